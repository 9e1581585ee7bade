"""How much of real functions the comparison of two versions supports, what it costs, and which mutants it catches.

    python benchmarks/functions.py polybench/linear-algebra polybench/stencils --only 'kernel_.*' \
        --cflags "-O3 -DMINI_DATASET -Ipolybench/utilities" --mutants 10
    python benchmarks/functions.py examples

Every function of every C file below the folders, but main. The identity must never be refuted. Mutants that become the
same code as the original do not count.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from llmcoop import clang
from llmcoop.errors import ProgramError
from llmcoop.ir import CompilerFailed
from llmcoop.ir.comparison import Agreement, Comparison
from llmcoop.ir.jobs import PassRequest
from llmcoop.ir.worker import Worker
from llmcoop.sandbox import Sandbox
from llmcoop.toolchain import Toolchain
from llmcoop.values import Program

_SEED = 1


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one function."""

    name: str
    identity: Comparison
    seconds: float  # for the identity
    mutants: int = 0  # not equivalent
    caught: int = 0
    caught_s: float = 0.0  # all mutants together


def optimized(worker: Worker, bitcode: bytes) -> str:
    """The text of a module after -O3."""
    return worker.text(worker.optimize(bitcode, PassRequest()).bitcode)


def measure(worker: Worker, bitcode: bytes, name: str, mutants: int, seconds: float) -> Row:
    """Compare a function with itself, then with mutants of it."""
    original = optimized(worker, bitcode)
    started = time.monotonic()
    identity = worker.compare(original, original, name, seconds, _SEED)
    spent = time.monotonic() - started
    if identity.answer is not Agreement.AGREED:
        return Row(name, identity, spent)
    mutated = worker.mutate(bitcode, 1000)
    own = [mutant for mutant in mutated.mutants if mutant.function == name]
    own = own[:: max(1, len(own) // (mutants + 1))][:mutants]
    equivalent = worker.find_equivalent(mutated.bitcode, own)
    base = optimized(worker, worker.fix_mutant(mutated.bitcode, 0))
    started, caught, count = time.monotonic(), 0, 0
    for mutant in own:
        if mutant.number in equivalent:
            continue
        count += 1
        changed = optimized(worker, worker.fix_mutant(mutated.bitcode, mutant.number))
        found = worker.compare(base, changed, name, seconds, _SEED)
        caught += found.answer is Agreement.DIFFERENT
        if found.answer is not Agreement.DIFFERENT:
            print(f"    missed: {mutant.description} (line {mutant.line}): {found.answer} {found.reason}", flush=True)
    return Row(name, identity, spent, count, caught, time.monotonic() - started)


def functions(
    toolchain: Toolchain, worker: Worker, sources: list[Path], cflags: tuple[str, ...]
) -> Iterator[tuple[str, bytes]]:
    """Name and module of each function that the sources define, before any pass."""
    for source in sources:
        with tempfile.TemporaryDirectory() as folder:
            try:
                program = Program((source,), (*cflags, "-gline-tables-only"))
                (bitcode,) = clang.front_end(toolchain, program, Path(folder)).modules
            except ProgramError:
                continue
        for function in worker.functions(bitcode):
            if function.eligible and function.name != "main":
                yield function.name, bitcode


def kept(bitcode: bytes, worker: Worker, name: str) -> bytes:
    """The module with `name` as what it is there for: a static function would be inlined and gone."""
    text = worker.text(bitcode)
    return re.sub(rf"^define internal (.*@{re.escape(name)}\()", r"define \1", text, flags=re.MULTILINE).encode()


def report(rows: list[Row]) -> None:
    """Print the totals."""
    supported = [row for row in rows if row.identity.answer is Agreement.AGREED]
    refuted = [row.name for row in rows if row.identity.answer is Agreement.DIFFERENT]
    mutants, caught = sum(row.mutants for row in rows), sum(row.caught for row in rows)
    print(f"\n{len(supported)} of {len(rows)} functions supported; identity refuted: {', '.join(refuted) or 'never'}")
    if mutants:
        print(f"{caught} of {mutants} mutants caught ({caught / mutants:.1%})")
        print(f"{sum(row.caught_s for row in rows) / mutants:.2f} s for a mutant, with its compilation")


def main() -> None:
    """Measure every function, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--only", default=".*", help="regular expression for names of functions")
    parser.add_argument("--cflags", default="-O3")
    parser.add_argument("--mutants", type=int, default=20, help="of each function, at most")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each comparison")
    wanted = parser.parse_args()
    sources = sorted({path for folder in wanted.folders for path in folder.rglob("*.c")})
    rows: list[Row] = []
    with Worker(Sandbox.find()) as worker:
        for name, bitcode in functions(Toolchain.find(), worker, sources, tuple(wanted.cflags.split())):
            if not re.fullmatch(wanted.only, name):
                continue
            try:
                row = measure(worker, kept(bitcode, worker, name), name, wanted.mutants, wanted.seconds)
            except CompilerFailed as failure:
                print(f"{name}: {failure.message}")
                continue
            rows.append(row)
            found = row.identity
            print(
                f"{name:28} {found.answer:14} {row.seconds:5.1f} s  {found.in_contract:5} of {found.tried:5} inputs  "
                f"{found.blocks_run:3}/{found.blocks:3} blocks  {row.caught:3}/{row.mutants:3} mutants  {found.reason}",
                flush=True,
            )
    report(rows)


if __name__ == "__main__":
    main()
