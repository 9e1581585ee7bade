"""What a winner leaves for builds: rewrites with which clang makes a program that is as right, and faster, too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

import llmcoop
from llmcoop import process
from llmcoop.evaluate import Evaluator
from llmcoop.examiner import Examiner
from llmcoop.facts import processor
from llmcoop.prepare import Prepared, prepared
from llmcoop.rewrites import Stage, save
from llmcoop.rewrites.foreign import strange
from llmcoop.rewrites.reduction import Reducer, Reduction
from llmcoop.sandbox import Sandbox
from llmcoop.spec import Spec
from llmcoop.values import Budget, Candidate, EvidenceKind, Level, Program, Recipe

PARITY = " ^ ".join(f"x >> {bit}" for bit in range(1, 32))
MAIN = f"""
#include <stdio.h>
unsigned odd(unsigned);
static unsigned cells[4096];
__attribute__((noinline)) static unsigned mixed(unsigned seed) {{
  unsigned sum = seed;
  for (unsigned i = 0; i < 4096; i++)
    sum += cells[i] = cells[i] * 5 + (i ^ seed);
  return sum;
}}
__attribute__((noinline)) static unsigned parity(unsigned x) {{ return (x ^ {PARITY}) & 1; }}
int main(void) {{
  unsigned sum = 0;
  for (unsigned round = 0; round < 8000; round++)
    sum += mixed(round);
  for (unsigned i = 0; i < 2000000; i++)
    sum += parity(i * 40503);
  printf("%u %u\\n", sum, odd(sum));
  return 0;
}}
"""
OTHER = "unsigned odd(unsigned i) { return i & 1; }\n"
FOLDED = "x ^= x >> 16; x ^= x >> 8; x ^= x >> 4; return (0x6996 >> (x & 15)) & 1;"
FASTER = MAIN.replace(f"return (x ^ {PARITY}) & 1;", FOLDED)


@dataclass(frozen=True, slots=True)
class Bench:
    """A program that is ready to be searched."""

    spec: Spec
    program: Prepared
    folder: Path

    def reduce(self, winner: Candidate) -> Reduction:
        self.program.lowering.lower(winner)
        prepared = self.program
        judges = prepared.lowering, prepared.reference, prepared.baseline, prepared.open_runner, prepared.candidate_s
        tests = self.spec, prepared.toolchain, prepared.sandbox, self.folder / "tests", self.folder
        reducer = Reducer(
            *(self.spec, prepared, Evaluator(*judges), Examiner(*tests, limits=prepared.limits)),
            made_up=(),
            folder=self.folder,
            prepare_tests=lambda _: pytest.fail("nothing here needs tests"),
            announce=lambda _: None,
        )
        return reducer.reduce(winner, 1.0)

    def source(self, text: str, recipe: Recipe = Recipe()) -> Candidate:  # noqa: B008 - it is frozen
        return Candidate(Level.SOURCE, "a model:\nparity", recipe, text, source="main.c", authored=True)

    def output_of_build(self, reduction: Reduction, folder: Path) -> bytes:
        """What the program prints that a user builds with the rewrites."""
        for rewrite in reduction.rewrites:
            save(rewrite, folder / "kept")
        argv = [self.program.toolchain.clang, *self.spec.program.cflags, f"-fpass-plugin={llmcoop.plugin_path()}"]
        environment = {**os.environ, "LLMCOOP_REWRITES": str(folder / "kept"), "LLMCOOP_PYTHON": "/nonexistent"}
        argv += ["-Rpass=llmcoop", *self.spec.program.sources, "-o", folder / "built"]
        built = process.run(list(map(str, argv)), env=environment, timeout_s=60)
        assert built.returncode == 0
        assert built.stderr.count(b"[-Rpass=llmcoop]") == len(reduction.rewrites)
        return process.run([folder / "built"], timeout_s=60).stdout


@pytest.fixture(scope="module")
def bench(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("a program")
    for name, text in (("main.c", MAIN), ("other.c", OTHER)):
        (folder / name).write_text(text)
    spec = Spec(Program((folder / "main.c", folder / "other.c")), budget=Budget(20.0))
    work = folder / "work"
    work.mkdir()
    with ThreadPoolExecutor(2) as pool, prepared(spec, work, pool, lambda _: None) as program:
        assert program.sandbox == sandbox
        yield Bench(spec, program, work)


def test_hints_clones_and_source_become_rewrites(bench: Bench, tmp_path: Path) -> None:
    if not processor.supports("x86-64-v3"):
        pytest.skip("THIS PROCESSOR HAS NO AVX2")
    found = bench.reduce(bench.source(FASTER, Recipe(whole_program=True, clones=("x86-64-v3",))))
    kept = {(each.function, each.stage): each for each in found.rewrites}
    assert {("mixed", Stage.START), ("parity", Stage.START), ("parity.x86_64_v3", Stage.LAST)} <= set(kept)
    assert kept["mixed", Stage.START].clones == ("x86-64-v3",)
    assert kept["mixed", Stage.START].kind is EvidenceKind.BY_CONSTRUCTION
    assert kept["parity.x86_64_v3", Stage.LAST].kind is EvidenceKind.PROVED
    assert found.kept.files == tuple(each.file_name for each in found.rewrites)
    assert found.kept.evidence is EvidenceKind.PROVED
    assert found.kept.measurement and found.kept.measurement.low > 1.1
    assert all(each.origin == "a model: parity" and "pairs" in each.measured for each in found.rewrites)
    assert bench.output_of_build(found, tmp_path) == bench.program.reference.workload.stdout


def test_what_computes_something_else_is_no_rewrite(bench: Bench) -> None:
    found = bench.reduce(bench.source(FASTER.replace("0x6996", "0x6997")))
    assert (found.rewrites, found.kept.files, found.kept.measurement) == ((), (), None)
    assert any(each.function == "parity" and "refuted" in each.reason for each in found.kept.left_out)


def test_what_no_function_has_is_said(bench: Bench) -> None:
    found = bench.reduce(Candidate(Level.IR, "search", Recipe(codegen=("-x86-early-ifcvt",))))
    assert found.rewrites == ()
    assert [each.function for each in found.kept.left_out] == ["code generation"]


HERE = """@table = internal unnamed_addr constant [2 x i32] [i32 1, i32 2], align 4
@.str = private unnamed_addr constant [2 x i8] c"a\\00", align 1
define internal fastcc i32 @g(i32 %0) {
"""


@pytest.mark.parametrize(
    ("text", "there", "reason"),
    [
        ("@table = available_externally constant [2 x i32] [i32 1, i32 2], align 4", HERE, ""),
        ("@table = external constant [2 x i32], align 4", HERE, ""),
        ("@table = external constant [2 x i32], align 4", HERE.replace("i32 2]", "i32 3]"), "@table"),
        ('@.str = available_externally unnamed_addr constant [2 x i8] c"b\\00"', HERE.replace('"a', '"b'), ""),
        ("@.str = external unnamed_addr constant [2 x i8]", HERE, "@.str"),
        ("@count = external global i32", HERE, ""),
        ("declare fastcc i32 @g(i32)", HERE, ""),
        ("declare i32 @g(i32)", HERE, "calls @g by another convention"),
        ("declare i32 @llvm.umin.i32(i32, i32)", HERE, ""),
    ],
)
def test_names_must_mean_the_same_in_both_builds(text: str, there: str, reason: str) -> None:
    found = strange(f"{text}\n", HERE, there)
    assert reason in found and bool(found) is bool(reason)
