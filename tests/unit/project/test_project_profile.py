"""What a build compiled, which functions have the time over all of its files, and the patch for them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from llmcoop.errors import ProgramError
from llmcoop.ir.worker import Worker
from llmcoop.project import compilations, hot, patch
from llmcoop.project.change import Change
from llmcoop.project.compilers import Compilers
from llmcoop.project.hot import HotFunction
from llmcoop.project.spec import ProjectSpec
from llmcoop.project.tree import Tree
from llmcoop.sandbox import Sandbox
from llmcoop.toolchain import Toolchain

FAST = """
static int data[512];

void few(int by) {
  for (int i = 0; i < 512; i++)
    data[i] += by;
}

int
many(int by)
{
  int sum = 0;
  for (int i = 0; i < 512; i++) {
    for (int j = 0; j < 8; j++)
      sum += data[i] ^ by ^ j;
  }
  return sum;
}

double mean(const double *values, int count) {
  double sum = 0;
  for (int i = 0; i < count; i++) sum += values[i] * 0.5;
  return sum / count;
}
"""
MAIN = """
#include <stdio.h>
void few(int by);
int many(int by);
double mean(const double *values, int count);
__attribute__((noinline)) static int own(int rounds) {
  int sum = 0;
  for (int i = 0; i < rounds; i++)
    sum = sum * 31 + i;
  return sum;
}
int main(int argc, char **argv) {
  double values[3] = {1, 2, argc};
  int sum = 0;
  for (int i = 0; i < 2000; i++)
    sum += many(i);
  for (int i = 0; i < 20; i++)
    few(i);
  printf("%d %d %g\\n", sum, own(4000000 + argc), mean(values, 3));
  return 0;
}
"""
BUILD = "$CC -O2 -c 'the functions.c' && $CC -O2 main.c 'the functions.o' -o bench"


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    return Toolchain.find()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    folder = tmp_path / "copy"
    folder.mkdir()
    (folder / "the functions.c").write_text(FAST)
    (folder / "main.c").write_text(MAIN)
    spec = ProjectSpec(folder, BUILD, "true", "./bench")
    return Tree(folder, spec, Compilers.find(), {"LLMCOOP_MODE": "off"})


def log_of(folder: Path, *commands: list[str]) -> Path:
    log = folder / "log.jsonl"
    entries = [{"directory": str(folder), "arguments": command} for command in commands]
    log.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return log


def test_each_source_of_a_command_is_a_compilation_and_other_commands_have_none(
    tree: Tree, toolchain: Toolchain, tmp_path: Path
) -> None:
    folder = tree.folder
    (folder / "start.S").write_text(".text\n")
    log = log_of(
        folder,
        ["clang-22", "-O2", "-c", "main.c", "the functions.c"],
        ["clang-22", "--version"],
        ["clang-22", "-E", "main.c"],
        ["clang-22", "-c", "start.S"],
        ["clang-22", "main.o", "-o", "bench"],
        ["clang-22", "-c", "conftest.c"],
    )
    found = compilations.logged(toolchain, log)
    assert [each.source.name for each in found] == ["main.c", "the functions.c"]
    assert found[0].triple.startswith("x86_64")
    unit = compilations.front_end(found[0], tmp_path)
    assert unit is not None
    assert unit.tuning.level == "O2"


def test_a_build_that_uses_another_compiler_is_told_what_to_do(toolchain: Toolchain, tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"make CC=\$CC"):
        compilations.logged(toolchain, tmp_path / "none")


def test_shares_are_of_the_time_in_all_files(
    tree: Tree, toolchain: Toolchain, tmp_path: Path, sandbox: Sandbox
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with Worker(sandbox) as worker:
        found = hot.find(toolchain, worker, tree, scratch)
    shares = {function.name: function.share for function in found.functions}
    assert found.units == 2
    assert found.notes == ()
    # 8 million steps of `many` stand against 4 million of `own`, in another file, and 10 thousand of `few`.
    assert list(shares) == ["many", "own"] or list(shares) == ["own", "many"]
    assert 0.95 < sum(shares.values()) <= 1
    assert 0.2 < shares["own"] < 0.8
    many = next(function for function in found.functions if function.name == "many")
    assert (many.source, many.module) == (Path("the functions.c"), "the functions.c")
    assert "@many" in many.before[0]


def function_of(tree: Tree, toolchain: Toolchain, worker: Worker, name: str, scratch: Path) -> HotFunction:
    log = log_of(tree.folder, ["clang-22", "-O2", "-c", "the functions.c"])
    compilation = compilations.logged(toolchain, log)[0]
    unit = compilations.front_end(compilation, scratch)
    assert unit is not None
    before = worker.canonical(unit.bitcode, name)
    return HotFunction(name, Path("the functions.c"), 0.5, compilation.triple, (before,), (compilation,))


def test_what_can_be_written_in_c_is_a_patch_and_the_rest_is_told(
    tree: Tree, toolchain: Toolchain, tmp_path: Path, sandbox: Sandbox
) -> None:
    before = built(tree.folder, tree.compilers)
    original = tmp_path / "original"
    shutil.copytree(tree.folder, original)
    with Worker(sandbox) as worker:
        few, many, mean = (function_of(tree, toolchain, worker, name, tmp_path) for name in ("few", "many", "mean"))
        made = patch.of(
            {
                few: Change(clones=("x86-64-v3",)),
                many: Change(hints=(("inline", "never"), ("unroll.count", "4"))),
                mean: Change(clones=("x86-64-v3",)),
            },
            worker,
            tree.folder,
            tmp_path,
        )
    (tmp_path / "made.patch").write_text(made.text)
    subprocess.run(["patch", "-p1", "-i", tmp_path / "made.patch"], cwd=original, check=True, timeout=20)
    patched = (original / "the functions.c").read_text()
    assert '__attribute__((target_clones("arch=x86-64-v3", "default")))\nvoid few(int by) {' in patched
    assert "int\n__attribute__((noinline))\nmany(int by)" in patched
    assert "    #pragma clang loop unroll_count(4)\n    for (int j = 0" in patched
    assert patched.count("#pragma") == 1  # the innermost loop alone
    assert made.notes == (
        "not in rewrite.patch: mean: clone x86-64-v3: with target_clones the compiler would fuse multiplications and "
        "additions, and round otherwise",
    )
    assert built(original, tree.compilers) == before


def built(folder: Path, compilers: Compilers) -> bytes:
    """What the program in a folder prints."""
    argv = [compilers.cc, "-O2", "main.c", "the functions.c", "-o", "program"]
    subprocess.run(argv, cwd=folder, check=True, timeout=30, env={"PATH": "/usr/bin:/bin", "LLMCOOP_MODE": "off"})
    return subprocess.run([folder / "program"], check=True, capture_output=True, timeout=10).stdout
