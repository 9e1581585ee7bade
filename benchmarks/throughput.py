"""How many candidates a second LLMCoop builds and tests, and how many a plain loop over clang and opt does.

    python benchmarks/throughput.py examples/words --candidates 60 --tests 10

Timing runs are not part of it: a candidate is lowered (passes, code generation, link) and run on every test in the
sandbox. The plain loop does the same work by starting opt, clang and the program, without a sandbox.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from llmcoop import process
from llmcoop.evaluate import Evaluator
from llmcoop.prepare import Prepared, prepared
from llmcoop.reference import Reference
from llmcoop.spec import load
from llmcoop.values import Candidate, Level, Program, Recipe, TestCase


def candidates(count: int) -> Iterator[Candidate]:
    """Recipes that are all different, whether their code is or not: none is answered from memory."""
    for number in range(count):
        yield Candidate(Level.IR, "benchmark", Recipe(options=(f"-unroll-threshold={100 + number}",)))


def ours(program: Prepared, pool: ThreadPoolExecutor, tests: list[TestCase], count: int) -> float:
    """Seconds for `count` candidates through the evaluator."""
    reference = Reference(program.reference.workload, tuple(tests), (), (), program.reference.baseline_ns)
    evaluator = Evaluator(program.lowering, reference, program.baseline, program.open_runner, program.limits.wall_s)
    list(evaluator.check(list(candidates(2)), pool))  # starts the workers
    started = time.monotonic()
    checked = list(evaluator.check(list(candidates(count))[2:], pool))
    seconds = (time.monotonic() - started) * count / (count - 2)
    if failed := [each for each in checked if each.lowered is None]:
        raise SystemExit(f"{len(failed)} candidates failed: {failed[0].evaluation}")
    return seconds


def plain(program: Prepared, source: Program, tests: list[TestCase], folder: Path, count: int) -> float:
    """Seconds for `count` candidates by starting opt, clang and the program, one after the other."""
    bitcode, optimized, executable = folder / "0.bc", folder / "plain.bc", folder / "plain"
    started = time.monotonic()
    for candidate in candidates(count):
        for argv in (
            [program.toolchain.opt, "-passes=default<O3>", *candidate.recipe.options, bitcode, "-o", optimized],
            [program.toolchain.clang, *source.cflags, optimized, *source.ldflags, "-o", executable],
        ):
            done = process.run(argv, timeout_s=60)
            if done.returncode:
                raise SystemExit(done.stderr.decode())
        for case in tests:
            done = process.run([executable, *case.invocation.args], stdin=case.invocation.stdin, timeout_s=60)
            if (done.returncode, done.stdout) != (case.exit_code, case.stdout):
                raise SystemExit(f"the plain build fails a test: {case.invocation.args}")
    return time.monotonic() - started


def main() -> None:
    """Print both rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path, help="folder with an llmcoop.toml")
    parser.add_argument("--candidates", type=int, default=60)
    parser.add_argument("--tests", type=int, default=10)
    wanted = parser.parse_args()
    spec = load(wanted.program)
    with (
        tempfile.TemporaryDirectory() as name,
        ThreadPoolExecutor(2) as pool,
        prepared(spec, Path(name), pool, lambda _: None) as program,
    ):
        cases = [case for case in program.reference.cases if case.origin == "user"]
        tests = list(itertools.islice(itertools.cycle(cases), wanted.tests))
        here = ours(program, pool, tests, wanted.candidates)
        loop = plain(program, spec.program, tests, Path(name), wanted.candidates)
    lines = sum(len(path.read_text().splitlines()) for path in spec.program.sources)
    print(f"{wanted.program.name}: {lines} lines, {wanted.tests} tests, {wanted.candidates} candidates")
    print(f"  LLMCoop     {wanted.candidates / here:6.1f} tested candidates a second")
    print(f"  plain loop  {wanted.candidates / loop:6.1f}")
    print(f"  ratio       {loop / here:6.2f}")


if __name__ == "__main__":
    main()
