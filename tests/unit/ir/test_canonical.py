"""A function's canonical text is the same wherever and however it is compiled, and what is in it can be put back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import llmcoop
from llmcoop.ir import LLVM_MAJOR, IRError, Module
from llmcoop.ir.worker import Worker
from llmcoop.rewrites import Rewrite, Stage, save

PROGRAMS = sorted(Path(__file__).with_name("programs").glob("*.c"))
STAGES = {"start": ("-Xclang", "-disable-llvm-passes"), "last": ()}
# What an earlier function of the file would leave: numbers at strings, constants, types and metadata.
EARLIER = """
typedef struct { long first; char second; } unnamed_before;
long before(unnamed_before *one, unsigned long count) {
  typedef struct { char bytes[8]; } local;
  static const int steps[4] = {4, 3, 2, 1};
  local copy = {"before"}, other = {"first"};
  for (unsigned long i = 0; i < count; i++) {
    switch (one[i].second) {
    case 1: one[i].first += steps[i & 3]; break;
    case 2: one[i].first ^= copy.bytes[i & 7] + other.bytes[i & 3]; break;
    case 3: one[i].first = (long)(i & 1 ? "string" : "another"); break;
    case 4: one[i].first = 17; break;
    default: one[i].first *= 2;
    }
  }
  return one->first;
}
"""


def texts(bitcode: bytes) -> dict[str, str]:
    """The canonical text of each function that a module defines."""
    module = Module.parse(bitcode)
    return {function.name: module.canonical(function.name) for function in module.functions if function.defined}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_it_depends_on_the_function_alone(
    program: Path, stage: str, tmp_path: Path, clang: Callable[..., bytes]
) -> None:
    flags = ("-O3", *STAGES[stage], "-emit-llvm", "-o", "-", "-c")
    elsewhere = tmp_path / "another-name.c"
    elsewhere.write_text(EARLIER + program.read_text())
    plain = texts(clang(*flags, program))
    assert plain
    assert texts(clang(*flags, "-g", "-fno-discard-value-names", program)) == plain
    moved = texts(clang(*flags, "-g", elsewhere))
    assert {name: text for name, text in moved.items() if name != "before"} == plain
    assert {name: Module.parse(text).canonical(name) for name, text in plain.items()} == plain


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_every_function_can_be_put_back(program: Path, stage: str, tmp_path: Path, clang: Callable[..., bytes]) -> None:
    flags = ("-O3", "-emit-llvm", "-o", "-", "-c", program)
    module = Module.parse(clang(*STAGES[stage], *flags))
    expected = texts(clang(*flags))
    for name in texts(module.bitcode):
        again = module.canonical_replacement(name, module.extract([name]).text)
        save(rewrite(name, Stage(stage), module.canonical(name), again), tmp_path)
    for debugging in ((), ("-g",)):
        apply = (f"-fpass-plugin={llmcoop.plugin_path()}", "-mllvm", f"-llmcoop-rewrites={tmp_path}")
        assert texts(clang(*debugging, *apply, *flags)) == expected
        said = clang(*debugging, *apply, "-Rpass=llmcoop", *flags, stderr=True).decode()
        assert said.count("[-Rpass=llmcoop]") == len(list(tmp_path.iterdir()))


def rewrite(function: str, stage: Stage, before: str, after: str) -> Rewrite:
    return Rewrite(
        function, "any.c", stage, "x86_64-pc-linux-gnu", LLVM_MAJOR, before, "proved", "as it was", "a test", after
    )


CONSTANT = """
target triple = "x86_64-pc-linux-gnu"
@.str.7 = private unnamed_addr constant [3 x i8] c"ab\\00"
@.str.9 = private unnamed_addr constant [3 x i8] c"cd\\00"
%struct.anon.4 = type { i32, i32 }
%struct.anon.5 = type { i64 }
define ptr @f(i32 %n) {
  %one = alloca %struct.anon.5
  %two = alloca %struct.anon.4
  %first = icmp eq i32 %n, 0
  %chosen = select i1 %first, ptr @.str.9, ptr @.str.7
  ret ptr %chosen
}
define ptr @g() {
  ret ptr @.str.9
}
"""


def test_numbered_names_are_given_by_first_use() -> None:
    text = Module.parse(CONSTANT).canonical("f")
    assert '@.str = available_externally dso_local unnamed_addr constant [3 x i8] c"cd' in text
    assert '@.str.1 = available_externally dso_local unnamed_addr constant [3 x i8] c"ab' in text
    assert "alloca %struct.anon, align" in text
    assert "alloca %struct.anon.1, align" in text
    assert "%2 = alloca" in text


def test_a_version_can_bring_constants_of_another_file_along() -> None:
    module = Module.parse(CONSTANT)
    version = module.extract(["f"]).text.replace(
        "@.str.9 = external dso_local unnamed_addr constant [3 x i8]",
        '@.str.9 = available_externally dso_local unnamed_addr constant [3 x i8] c"ef\\00"',
    )
    text = module.canonical_replacement("f", version)
    assert '= private unnamed_addr constant [3 x i8] c"ef' in text
    assert "@.str.1 = external dso_local unnamed_addr constant [3 x i8]" in text


@pytest.mark.parametrize(
    ("text", "reason"),
    [("define ptr @g() { ret ptr null }", "does not define @f"), ("define ptr @f(", "does not parse")],
)
def test_what_is_no_version_is_refused(text: str, reason: str) -> None:
    with pytest.raises(IRError, match=reason):
        Module.parse(CONSTANT).canonical_replacement("f", text)


def test_a_worker_gives_the_same(worker: Worker) -> None:
    module = Module.parse(CONSTANT)
    version = module.extract(["f"]).text
    assert worker.canonical(CONSTANT, "f") == module.canonical("f")
    assert worker.canonical_replacement(CONSTANT, "f", version) == module.canonical_replacement("f", version)
