"""What the testing agent finds in how much time: pairs a second, kept inputs, coverage, rewrites refuted.

    python benchmarks/testing.py tests/corpus/* --seconds 60
    python benchmarks/testing.py examples/words --grow 5,10,20

Each DIR has an llmcoop.toml; of it only the workload is used, as the one sample run. `--grow` says after how many
seconds kept inputs and coverage are shown. Every wrong-*.c and right-*.c beside it is attacked for `--seconds`, the
growing and all preparation included; with none, the program is attacked as its own candidate.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from llmcoop.sandbox import Limits, Sandbox
from llmcoop.spec import Spec, load
from llmcoop.testing.agent import TestingAgent
from llmcoop.toolchain import Toolchain
from llmcoop.values import Counterexample


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


def how(found: Counterexample) -> str:
    """Which kind of evidence refutes."""
    if found.status.startswith("exit"):
        return "output" if found.case.exit_code == int(found.status.split()[1]) else "exit code"
    return found.status.split(":")[0]


def attack(agent: TestingAgent, spec: Spec, candidate: Path, seconds: float) -> str:
    """Attack one candidate, print a row and give the outcome in a word."""
    made = agent.attack(replace(spec.program, sources=(candidate,)), seconds, silent)
    found = made.counterexample
    outcome = f"refuted by {how(found)}" if found else "not refuted"
    shown = f"{found.case.invocation.args} {found.case.invocation.stdin[:40]!r}" if found else ""
    print(
        f"  {candidate.stem:32} {made.seconds:5.1f} s  {made.pairs:7} pairs  {made.pairs / made.seconds:6.0f}/s  "
        f"{outcome}  {shown}",
        flush=True,
    )
    return f"{candidate.stem.partition('-')[0]}: {outcome}"


def main() -> None:
    """Print a row for each program and candidate, and the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--grow", default="10", help="seconds, such as 5,10,20")
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    toolchain, sandbox, outcomes = Toolchain.find(), Sandbox.find(), Counter[str]()
    for folder in wanted.folders:
        if not (folder / "llmcoop.toml").exists():
            continue
        spec = load(folder)
        with tempfile.TemporaryDirectory() as kept:
            agent = TestingAgent(
                toolchain, sandbox, spec.program, spec.workload, (), Path(kept), limits=Limits(), seed=wanted.seed
            )
            spent = grow(agent, folder.name, [float(mark) for mark in wanted.grow.split(",")])
            candidates = sorted((*folder.glob("wrong-*.c"), *folder.glob("right-*.c"))) or [spec.program.sources[0]]
            for candidate in candidates:
                outcomes[attack(agent, spec, candidate, wanted.seconds - spent)] += 1
    if not outcomes:
        sys.exit("no candidate was attacked")
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:4} {outcome}")


if __name__ == "__main__":
    main()
