"""Put the measurement itself to the test: a program against its copy, and against one with 2 % less work.

    python benchmarks/aa.py                        100 decisions of each kind, about 20 minutes
    python benchmarks/aa.py --runs 10 --ms 50      a part of it

Each decision is the one that a run reports: `measure.confirm` with a fresh sandbox over fresh copies of both
executables. Exits with 1 when more than 1 of 100 copies came out as faster, or fewer than 90 of 100 programs
with 2 % less work did (in proportion for other numbers of runs).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from llmcoop import measure, process
from llmcoop.errors import LLMCoopError, ProgramError
from llmcoop.measure import Misrun, Plan, Sample, checked_sample
from llmcoop.runner import Runner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.statistics import Verdict
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation, Measurement, TestCase

# Integer and floating-point work over a table; the output does not depend on how many rounds it makes.
SOURCE = r"""
#include <stdint.h>
#include <stdio.h>

static uint32_t table[4096];
static volatile double sink;

int main(void) {
  uint64_t hash = 1469598103934665603u;
  double sum = 0;
  for (uint32_t i = 0; i < 4096; i++)
    table[i] = i * 2654435761u;
  for (long round = 0; round < ROUNDS; round++)
    for (int i = 0; i < 4096; i++) {
      hash = (hash ^ table[i]) * 1099511628211u;
      if (hash & 64)
        sum += (double)(hash & 1023) * 0.5;
    }
  sink = sum;
  printf("%u\n", table[4095]);
}
"""
PROBE_ROUNDS = 2000
LESS_WORK = 0.98
MAX_FALSE = 0.01
MIN_FOUND = 0.90


@dataclass(frozen=True, slots=True)
class Bench:
    """What every decision needs."""

    sandbox: Sandbox
    cpu: int
    case: TestCase
    plan: Plan


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision and the seconds it took, with starting the sandbox."""

    measurement: Measurement
    verdict: Verdict
    seconds: float


def build(clang: Path, folder: Path, rounds: int) -> Path:
    """Compile the program with `rounds` rounds by clang -O3."""
    source, executable = folder / "work.c", folder / f"work-{rounds}"
    source.write_text(SOURCE)
    command = [str(clang), "-O3", f"-DROUNDS={rounds}L", str(source), "-o", str(executable)]
    done = process.run(command, timeout_s=60)
    if done.returncode != 0:
        raise ProgramError(f"the benchmark's program does not compile: {done.stderr.decode(errors='replace')}")
    return executable


@contextmanager
def open_samples(bench: Bench, baseline: Path, candidate: Path) -> Iterator[tuple[Sample, Sample]]:
    """A fresh sandbox over fresh copies of both files."""
    with tempfile.TemporaryDirectory(prefix="llmcoop-aa-") as folder:
        copies = [Path(folder, name) for name in ("baseline", "candidate")]
        for original, copy in zip((baseline, candidate), copies, strict=True):
            shutil.copy(original, copy)
        with Runner(bench.sandbox, copies, limits=Limits(), cpu=bench.cpu) as runner:
            yield checked_sample(runner, 0, bench.case), checked_sample(runner, 1, bench.case)


def rounds_for(bench: Bench, probe: Path, target_ms: float) -> int:
    """How many rounds take `target_ms` on this machine, judged by the fastest of ten runs of `probe`."""
    with Runner(bench.sandbox, [probe], limits=Limits(), cpu=bench.cpu) as runner:
        fastest_ns = min(runner.run(0, Invocation()).cpu_ns for _ in range(10))
    return round(PROBE_ROUNDS * target_ms * 1e6 / fastest_ns)


def decide(bench: Bench, baseline: Path, candidate: Path) -> Decision:
    """Take one decision. Raises ProgramError when a run went wrong."""
    started = time.monotonic()
    result = measure.confirm(lambda: open_samples(bench, baseline, candidate), bench.plan)
    if isinstance(result, Misrun):
        raise ProgramError(f"a timed run of the benchmark's own program went wrong: {result.status}")
    return Decision(result, measure.verdict(result, bench.plan.threshold), time.monotonic() - started)


# What a winner gets, when it is confirmed, of the default budget: a quarter of a minute, less the variants' share.
SECONDS = 8.0
HEADER = ("program", *Verdict, "speedup", "range", "pairs", "seconds", "most")


def row(name: str, decisions: list[Decision]) -> tuple[str, ...]:
    """One line of the table: counts of verdicts, then medians over the decisions, and extremes."""
    counts = Counter(decision.verdict for decision in decisions)
    speedups = sorted(decision.measurement.speedup for decision in decisions)
    seconds = sorted(decision.seconds for decision in decisions)
    return (
        name,
        *(str(counts[verdict]) for verdict in Verdict),
        f"{median(speedups):.4f}",
        f"{speedups[0]:.4f}-{speedups[-1]:.4f}",
        f"{median(decision.measurement.samples for decision in decisions):g}",
        f"{median(seconds):.1f}",
        f"{seconds[-1]:.1f}",
    )


def print_row(cells: Sequence[str]) -> None:
    """Print a line as soon as it is known: the whole table takes long."""
    name, *numbers = cells
    print(f"{name:24}", *(f"{number:>14}" for number in numbers), flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100, help="decisions of each kind (default 100)")
    parser.add_argument("--ms", type=float, nargs="+", default=[50, 200], help="how long the programs run")
    parser.add_argument("--kind", choices=["same", "faster"], nargs="+", default=["same", "faster"])
    parser.add_argument("--pairs", type=int, default=Plan().max_pairs, help="at most so many pairs a decision")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="a decision may take")
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)), help="where programs are pinned")
    return parser.parse_args()


def take_all(options: argparse.Namespace, folder: Path) -> bool:
    """Take all decisions and print the table; whether every promise was kept."""
    clang = Toolchain.find().clang
    plan = Plan(max_pairs=options.pairs, max_seconds=options.seconds)
    sandbox = Sandbox.find()
    probe = build(clang, folder, PROBE_ROUNDS)
    output = process.run([str(probe)], timeout_s=60).stdout
    bench = Bench(sandbox, options.cpu, TestCase(Invocation(), output, 0, "workload"), plan)
    print_row(HEADER)
    kept = True
    for target_ms in options.ms:
        rounds = rounds_for(bench, probe, target_ms)
        baseline = build(clang, folder, rounds)
        less = build(clang, folder, round(LESS_WORK * rounds))
        for kind in options.kind:
            candidate = baseline if kind == "same" else less
            name = f"{target_ms:g} ms, {'its copy' if kind == 'same' else '2 % less work'}"
            decisions = [decide(bench, baseline, candidate) for _ in range(options.runs)]
            faster = sum(decision.verdict is Verdict.FASTER for decision in decisions) / options.runs
            kept = kept and (faster <= MAX_FALSE if kind == "same" else faster >= MIN_FOUND)
            print_row(row(name, decisions))
    return kept


def main() -> int:
    try:
        with tempfile.TemporaryDirectory(prefix="llmcoop-aa-") as folder:
            kept = take_all(arguments(), Path(folder))
    except LLMCoopError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print("kept: false gains at most 1 %, 2 % found in at least 90 %" if kept else "NOT kept")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
