"""Optimize every program of a set and sum up: geometric mean, median, share improved, seconds.

    python benchmarks/suite.py examples --seconds 60
    python benchmarks/suite.py DIR --seconds 30 --cpus 0

DIR has a folder with an llmcoop.toml for each program. Speedups are those that the runs report: confirmed from
scratch against the user's own build; a program for which nothing faster was found counts as 1.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import tempfile
from pathlib import Path

import llmcoop
from llmcoop.errors import LLMCoopError
from llmcoop.report import Run


def row(name: str, run: Run) -> str:
    """One program's result."""
    if run.winner is None:
        return f"{name:16} 1.000                    {run.elapsed_s:5.0f} s  {run.reason[:70]}"
    measured = run.winner.measurement
    variants = " ".join(f"{variant.speedup:.2f}" for variant in run.winner.variants)
    how = run.winner.candidate.recipe.canonical()
    interval = f"[{measured.low:.3f}, {measured.high:.3f}]"
    return f"{name:16} {measured.speedup:.3f} {interval:18} {run.elapsed_s:5.0f} s  variants: {variants or '-'}  {how}"


def main() -> None:
    """Print a row a program and the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cpus", help="run on these cores only, such as 0,1")
    wanted = parser.parse_args()
    if wanted.cpus:
        os.sched_setaffinity(0, {int(cpu) for cpu in wanted.cpus.split(",")})
    speedups, failed = [], 0
    for spec in sorted(wanted.folder.glob("*/llmcoop.toml")):
        with tempfile.TemporaryDirectory() as out:
            try:
                run = llmcoop.optimize(spec=spec, out=out, budget=f"seconds={wanted.seconds}")
            except LLMCoopError as error:
                failed += 1
                print(f"{spec.parent.name:16} {error.message.splitlines()[0]}", flush=True)
                continue
        speedups.append(run.speedup)
        print(row(spec.parent.name, run), flush=True)
    if not speedups:
        sys.exit("no program was optimized")
    geomean = math.exp(statistics.fmean(map(math.log, speedups)))
    improved = sum(speedup > 1 for speedup in speedups)
    print(f"{len(speedups)} programs, {failed} failed: {improved} improved, geomean {geomean:.3f}, ", end="")
    print(f"median {statistics.median(speedups):.3f}")


if __name__ == "__main__":
    main()
