"""What the testing agent finds in how much time: kept inputs, coverage, and pairs of runs a second.

    python benchmarks/testing.py tests/corpus/crc examples/words --grow 5,10,20 --seconds 15

Each DIR has an llmcoop.toml; of it only the workload is used, as the one sample run. `--grow` says after how many
seconds kept inputs and coverage are shown. Then the program is attacked as its own candidate for `--seconds`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from llmcoop.sandbox import Limits, Sandbox
from llmcoop.spec import Spec, load
from llmcoop.testing.agent import TestingAgent
from llmcoop.toolchain import Toolchain


def silent(_: str) -> None:
    """Announce nothing."""


def grow(agent: TestingAgent, name: str, marks: Sequence[float]) -> float:
    """Grow tests until each mark; gives the seconds that it took."""
    spent = 0.0
    for mark in marks:
        grown = agent.grow(mark - spent, silent)
        spent += grown.seconds
        rejected = ", ".join(f"{count} {reason}" for reason, count in grown.rejected.items())
        print(
            f"{name:12} {spent:5.1f} s  {len(grown.cases):4} kept  {grown.features:6} features  "
            f"{grown.tried:7} tried  {grown.tried / grown.seconds:6.0f}/s  {rejected}",
            flush=True,
        )
    return spent


def attack(agent: TestingAgent, spec: Spec, seconds: float) -> None:
    """Attack the program as its own candidate and print the rate."""
    made = agent.attack(spec.program, seconds, silent)
    outcome = "refuted, which is a defect" if made.counterexample else "not refuted"
    print(
        f"{'':12} {made.pairs:7} pairs in {made.seconds:4.1f} s  {made.pairs / made.seconds:6.0f}/s  {outcome}",
        flush=True,
    )


def main() -> None:
    """Print rows for each program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--grow", default="10", help="seconds, such as 5,10,20")
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    toolchain, sandbox = Toolchain.find(), Sandbox.find()
    marks = [float(mark) for mark in wanted.grow.split(",")]
    for folder in wanted.folders:
        spec = load(folder)
        with tempfile.TemporaryDirectory() as kept:
            agent = TestingAgent(
                toolchain, sandbox, spec.program, spec.workload, (), Path(kept), limits=Limits(), seed=wanted.seed
            )
            grow(agent, folder.name, marks)
            attack(agent, spec, wanted.seconds)


if __name__ == "__main__":
    main()
