"""Facts of real programs: what was executed, and what the compiler says where it matters."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from llmcoop import clang
from llmcoop.errors import ToolchainError
from llmcoop.facts import Facts, LineCount, collect
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation, Program

Collect = Callable[..., Facts]

KERNELS = """\
#include <math.h>
#include <stdio.h>
#include "side.h"
static double x[SIZE], y[SIZE];
static int at[SIZE];
typedef struct { int n; char *data; } Text;
#define KERNEL __attribute__((noinline)) void
KERNEL scatter(double *a, const int *b, const double *c) {
  for (int i = 0; i < SIZE; i++)
    a[b[i]] += c[i];
}
KERNEL prefix(double *a) {
  for (int i = 1; i < SIZE; i++)
    a[i] = a[i - 1] + a[i];
}
KERNEL add(double *a, const double *b) {
  for (int i = 0; i < SIZE; i++)
    a[i] = a[i] + b[i];
}
KERNEL roots(double *a) {
  for (int i = 0; i < SIZE; i++)
    a[i] = exp(a[i]);
}
KERNEL clear(Text *text) {
  for (int i = 0; i < text->n; i++)
    text->data[i] = 0;
}
KERNEL cold(double *a) {
  double sum = 0;
  for (int i = 0; i < 3; i++)
    sum += a[at[i]];
  x[0] = sum;
}
KERNEL side(int *a) {
  for (int i = 0; i < SIZE; i++)
    a[i] = outside(a[i]);
}
int main(void) {
  static char bytes[SIZE];
  Text text = {SIZE, bytes};
  for (int r = 0; r < 20; r++) {
    scatter(x, at, y); prefix(y); add(x, y); roots(x); clear(&text); side(at);
  }
  cold(x);
  printf("%g\\n", x[1]);
  return 0;
}
"""
SIDE = '#include "side.h"\nint outside(int value) {\n  return value % SIZE;\n}\n'


@pytest.fixture(scope="module")
def gather(sandbox: Sandbox) -> Collect:
    try:
        toolchain = Toolchain.find()
    except ToolchainError as error:
        pytest.skip(f"NO TOOLCHAIN ON THIS MACHINE: {error}")

    def run(
        program: Program,
        folder: Path,
        hotness: Sequence[tuple[str, float]] = (),
        original: Program | None = None,
        seconds: float = 20.0,
    ) -> Facts:
        original = original or program
        return collect(
            toolchain,
            sandbox,
            program,
            Invocation(),
            hotness,
            folder,
            original=original,
            limits=Limits(),
            seconds=seconds,
        )

    return run


def written(folder: Path, text: str, name: str = "program.c") -> Program:
    (folder / name).write_text(text)
    return Program((folder / name,))


@pytest.fixture(scope="module")
def kernels(gather: Collect, tmp_path_factory: pytest.TempPathFactory) -> Facts:
    folder = tmp_path_factory.mktemp("kernels")
    (folder / "side.h").write_text("enum { SIZE = 5000 };\nint outside(int value);\n")
    (folder / "side.c").write_text(SIDE)
    program = replace(written(folder, KERNELS, "kernels.c"), ldflags=("-lm",))
    return gather(replace(program, sources=(*program.sources, folder / "side.c")), folder)


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(KERNELS.splitlines(), 1) if text in line)


def test_lines_are_counted_in_all_sources(kernels: Facts) -> None:
    found = {function.name: function for function in kernels.functions}
    assert {"scatter", "prefix", "add", "roots", "clear", "cold", "side", "main", "outside"} == set(found)
    at = line_of("a[i] = exp")
    assert LineCount(at, 100_000) in found["roots"].lines
    assert (found["roots"].first_line, found["roots"].last_line) == (at - 2, at + 1)
    assert found["outside"].file == "side.c"
    assert LineCount(3, 100_000) in found["outside"].lines
    assert sum(function.share for function in kernels.functions) == pytest.approx(1.0)
    assert kernels.functions[-1].name in ("cold", "main")


def test_remarks_say_what_was_not_done_where_and_why(kernels: Facts) -> None:
    said = {remark.function: remark.text for remark in kernels.remarks if remark.pass_name == "loop-vectorize"}
    element = line_of("a[b[i]]")
    assert said["scatter"].startswith(
        f"loop at line {element - 1}: not vectorized, because the addresses of 'a[b[i]]' (line {element}) follow no"
    )
    element = line_of("a[i - 1]")
    both = f"'a[i]' (line {element}) and 'a[i - 1]' (line {element})"
    assert f"not vectorized, because {both} are the same memory in nearby iterations" in said["prefix"]
    assert f"because it calls 'exp' (line {line_of('exp')})" in said["roots"]
    assert "vectorized, 2 elements at once" in said["add"]


def test_remarks_name_what_is_loaded_again_and_again_and_why(kernels: Facts) -> None:
    texts = [remark.text for remark in kernels.remarks_of("clear")]
    at = line_of("text->data[i]")
    assert (
        f"'text->n' (line {at - 1}) is loaded again in every iteration of a loop: "
        f"the compiler cannot prove that the store to 'text->data[i]' (line {at}) leaves it unchanged"
    ) in texts


def test_a_call_into_another_source_is_explained(kernels: Facts) -> None:
    at = line_of("outside(a[i])")
    assert [remark.text for remark in kernels.remarks_of("side") if remark.pass_name == "inline"] == [
        f"call of 'outside' (line {at}) not inlined: its body is in another source file, side.c"
    ]


def test_remarks_are_few_different_and_of_hot_lines(kernels: Facts) -> None:
    assert len(kernels.remarks) == len(set(kernels.remarks)) <= 20
    assert not kernels.remarks_of("cold")
    assert not kernels.remarks_of("main")


def test_shares_come_from_the_hotness_and_else_from_the_lines(gather: Collect, tmp_path: Path) -> None:
    a = "static int f(int x) {\n  return x + 1;\n}\nint g(int x) {\n  return f(x);\n}\n"
    b = "int g(int x);\nstatic int f(int x) {\n  return x + 2;\n}\nint main(void) {\n  return f(g(-3));\n}\n"
    sources = (*written(tmp_path, a, "a.c").sources, *written(tmp_path, b, "b.c").sources)
    facts = gather(Program(sources, ("-O2",)), tmp_path, [("f.7", 0.5), ("f", 0.3), ("main", 0.2), ("gone", 0.1)])
    assert [(each.name, each.file, each.share) for each in facts.functions] == [
        ("f", "b.c", 0.375),
        ("g", "a.c", 0.25),
        ("f", "a.c", pytest.approx(0.225)),
        ("main", "b.c", pytest.approx(0.15)),
    ]


def test_clones_for_certain_processors_are_one_function(gather: Collect, tmp_path: Path) -> None:
    text = (
        "static int a[1000];\n"
        '__attribute__((target_clones("avx2", "default"))) static void scale(int x) {\n'
        "  for (int i = 0; i < 1000; i++)\n    a[i] = a[i] * x + i;\n}\n"
        "int main(void) {\n  for (int i = 0; i < 50; i++)\n    scale(i);\n  return a[0];\n}\n"
    )
    hotness = [("scale.avx2.0", 0.6), ("main", 0.1), ("scale.default.1", 0.3)]
    facts = gather(replace(written(tmp_path, text), cflags=("-O3",)), tmp_path, hotness)
    assert [(each.name, each.first_line, each.share) for each in facts.functions] == [
        ("scale", 2, pytest.approx(0.9)),
        ("main", 6, pytest.approx(0.1)),
    ]
    [said] = [remark.text for remark in facts.remarks_of("scale") if remark.pass_name == "loop-vectorize"]
    assert "8 elements" in said and "4 elements" not in said


def test_without_counts_there_are_still_remarks(gather: Collect, tmp_path: Path) -> None:
    text = (
        "#include <unistd.h>\nint a[100];\nint main(int argc, char **argv) {\n"
        "  for (int i = 1; i < 100; i++)\n    a[i] = a[i - 1] * argc;\n  _exit(a[99]);\n}\n"
    )
    facts = gather(written(tmp_path, text), tmp_path)
    assert facts.functions == ()
    assert [remark.line for remark in facts.remarks if "not vectorized" in remark.text] == [4]


def test_a_run_that_takes_too_long_is_given_up(gather: Collect, tmp_path: Path) -> None:
    facts = gather(
        written(tmp_path, "int main(void) {\n  for (volatile int i = 0;;) i = 1;\n}\n"), tmp_path, seconds=0.2
    )
    assert facts.functions == ()


def test_what_does_not_compile_has_no_facts_but_the_processor(gather: Collect, tmp_path: Path) -> None:
    program = replace(written(tmp_path, "int main(void) {\n"), cflags=("-O3", "-march=x86-64-v3"))
    facts = gather(program, tmp_path)
    assert facts == Facts(facts.cpu)
    assert facts.cpu.name
    assert facts.cpu.model
    assert facts.cpu.march == "x86-64-v3"


def test_a_rewritten_version_can_read_no_more_than_the_original(gather: Collect, tmp_path: Path) -> None:
    original = written(tmp_path, "int main(void) {\n  return 0;\n}\n")
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "secret.h").write_text("int secret(void) { return 1; }\n")
    text = f'#include "{other / "secret.h"}"\nint main(void) {{\n  return secret();\n}}\n'
    rewritten = clang.rewritten(original, {"program.c": text}, other)
    assert gather(rewritten, tmp_path, original=original).functions == ()
    allowed = clang.rewritten(original, {"program.c": "int main(void) {\n  return 2 - 2;\n}\n"}, other)
    assert [each.name for each in gather(allowed, tmp_path, original=original).functions] == ["main"]


def test_columns_count_bytes(gather: Collect, tmp_path: Path) -> None:
    text = (
        "double a[5000];\nint main(void) {\n  for (int r = 0; r < 10; r++)\n"
        "    for (int i = 1; i < 5000; i++)\n      /* größer */ a[i] = a[i - 1] * 0.5 + 1;\n  return a[9] > 2;\n}\n"
    )
    facts = gather(written(tmp_path, text), Path(os.path.realpath(tmp_path)))
    assert any("'a[i]' (line 5) and 'a[i - 1]' (line 5)" in remark.text for remark in facts.remarks)
