"""What a user takes home: the best executable, and a script that builds the same again without LLMCoop."""

from __future__ import annotations

from pathlib import Path

import pytest
from preparing import Prepare

from llmcoop import export, process
from llmcoop.prepare import Prepared
from llmcoop.values import Candidate, Level, Program, Recipe

MAIN = """
#include <stdio.h>
int odd(int);
int main(void) {
  static unsigned x[1024];
  unsigned sum = 0;
  for (int round = 0; round < 1000; round++)
    for (unsigned i = 0; i < 1024; i++)
      sum += x[i] += i;
  for (int i = 0; i < 300; i++)
    sum += odd(i) ? 3u * (unsigned)i : 1u;
  printf("%u\\n", sum);
  return 0;
}
"""
OTHER = "int odd(int i) { return i & 1; }\n"
FLAGS = ("-O3", "-g", "-Wall", "-Werror", "-I/usr/include", "-std=c11")
CHANGED = Candidate(Level.IR, "changed", Recipe(clones=("x86-64-v3",), codegen=("-align-all-nofallthru-blocks=5",)))


@pytest.fixture(scope="module")
def program(prepare: Prepare) -> Prepared:
    return prepare(MAIN, OTHER, cflags=FLAGS)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "it's an output folder"
    folder.mkdir()
    return folder


def write(program: Prepared, out: Path, candidate: Candidate | None) -> tuple[str, ...]:
    winner = (candidate, program.lowering.finish(candidate)) if candidate else None
    return export.write(out, program.toolchain, Program((), FLAGS), program.baseline, winner)


@pytest.mark.parametrize("whole_program", [False, True])
def test_script_builds_the_same_instructions(program: Prepared, out: Path, whole_program: bool) -> None:
    recipe = Recipe(whole_program, clones=CHANGED.recipe.clones, codegen=CHANGED.recipe.codegen)
    write(program, out, Candidate(Level.IR, "changed", recipe))
    built = process.run([out / "rebuild.sh"], env={"PATH": "/usr/bin", "CDPATH": "/"}, timeout_s=60)
    assert (built.returncode, built.stdout, built.stderr) == (0, b"", b"")
    assert instructions(program, out / "rebuilt") == instructions(program, out / "best")
    assert any("ymm" in line for line in instructions(program, out / "rebuilt"))


def instructions(program: Prepared, executable: Path) -> list[str]:
    """With addresses, but without padding: the assembler does not know for which CPU a function pads."""
    argv = [program.toolchain.llvm_bin / "llvm-objdump", "-d", "--no-show-raw-insn", executable]
    lines = process.run(argv, timeout_s=60).stdout.decode().splitlines()
    return [line for line in lines if line.startswith("  ") and "nop" not in line]


def test_every_file_that_is_named_is_there(program: Prepared, out: Path) -> None:
    names = write(program, out, CHANGED)
    assert {"best", "best.0.ll", "best.1.s", "recipe.json", "rebuild.sh"} < set(names)
    assert sorted(names) == sorted(path.name for path in out.iterdir())
    assert Recipe.parse((out / "recipe.json").read_text()) == CHANGED.recipe


def test_without_a_winner_the_baseline_is_the_answer_and_nothing_older_stays(program: Prepared, out: Path) -> None:
    write(program, out, CHANGED)
    assert write(program, out, None) == ("best",)
    assert [path.name for path in out.iterdir()] == ["best"]
    assert export.sha256(out / "best") == export.sha256(program.baseline)


def test_a_changed_source_becomes_a_patch_that_applies(program: Prepared, out: Path, tmp_path: Path) -> None:
    original = tmp_path / "main.c"
    original.write_bytes(MAIN.encode() + b"// \xe9 no newline")
    changed = MAIN.replace("1000; round", "1001; round") + "// \udce9 no newline"
    files = export.write(out, program.toolchain, Program((original,), FLAGS), program.baseline, None, {})
    assert export.PATCH not in files
    winner = (CHANGED, program.lowering.finish(CHANGED))
    sources = Program((original,), FLAGS)
    files = export.write(out, program.toolchain, sources, program.baseline, winner, {"main.c": changed})
    assert export.PATCH in files
    applied = process.run(["patch", "-p1", "-i", out / export.PATCH], cwd=tmp_path, timeout_s=20)
    assert applied.returncode == 0, applied.stdout
    assert original.read_text(errors="surrogateescape") == changed
