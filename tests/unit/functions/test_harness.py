"""Programs around functions without main: they run, they tell versions apart, and what they can't do they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcoop import clang
from llmcoop.errors import UsageError
from llmcoop.functions.harness import Harness, harness
from llmcoop.functions.harness_source import Growth
from llmcoop.ir.worker import Worker
from llmcoop.runner import Runner
from llmcoop.sandbox import Limits
from llmcoop.toolchain import Toolchain
from llmcoop.values import Program

BLUR = """
void blur(int rows, int columns, const float *from, float *to) {
  for (int i = 1; i + 1 < rows; i++)
    for (int j = 1; j + 1 < columns; j++)
      to[i * columns + j] = (from[i * columns + j - 1] + from[i * columns + j] + from[i * columns + j + 1]) / 3.0f;
}
"""
OTHERS = """
#include <stdio.h>
struct node { int key; struct node *next; };
int length(const struct node *list) { int n = 0; while (list) { n++; list = list->next; } return n; }
static int hidden(int x) { return x + 1; }
void shout(const char *text) { puts(text); }
double scaled(double x) { return x * hidden(2); }
"""


def made(worker: Worker, folder: Path, source: str, function: str) -> tuple[Program, Harness]:
    file = folder / "library.c"
    file.write_text(source)
    program = Program((file,), ("-O2",))
    return program, harness(Toolchain.find(), program, function, worker=worker, sandbox=worker.sandbox, folder=folder)


def test_a_harness_tells_versions_apart(worker: Worker, tmp_path: Path) -> None:
    program, found = made(worker, tmp_path, BLUR, "blur")
    assert len(found.tests) >= 20
    assert found.timed not in found.variants
    (tmp_path / "wrong.c").write_text(BLUR.replace("j + 1 < columns", "j + 2 < columns"))
    executables = []
    for source in (*program.sources, tmp_path / "wrong.c"):
        executables.append(tmp_path / source.stem)
        clang.build_baseline(Toolchain.find(), Program((source, tmp_path / "harness.c"), ("-O2",)), executables[-1])
    with Runner(worker.sandbox, executables, limits=Limits()) as runner:
        outputs = [[runner.run(number, test).stdout for number in (0, 1)] for test in found.tests]
        timed = runner.run(0, found.timed)
        assert timed.exit_code == 0
        assert runner.run(0, found.variants[0]).stdout != timed.stdout
    differing = sum(right != wrong for right, wrong in outputs)
    assert differing >= len(outputs) // 2


def test_a_function_of_numbers_needs_no_size(worker: Worker, tmp_path: Path) -> None:
    _, found = made(worker, tmp_path, OTHERS, "scaled")
    assert found.tests


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("length", "leads to structures or pointers"),
        ("hidden", "is static: no other file can call it"),
        ("shout", "it calls puts"),
        ("absent", "no function absent is defined"),
    ],
)
def test_what_it_can_not_do_it_says(worker: Worker, tmp_path: Path, function: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        made(worker, tmp_path, OTHERS, function)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ((8, 16, 32, 64), Growth(8, 1)),
        ((4, 16, 64, 256), Growth(4, 2)),
        ((80, 80, 80, 80), Growth(80, 0)),
        ((0, 0, 0, 0), Growth(0, 0)),
    ],
)
def test_growth_is_fitted(lengths: tuple[int, ...], expected: Growth) -> None:
    assert Growth.fitted((1, 2, 4, 8), lengths) == expected


def test_growth_covers_what_was_measured() -> None:
    sizes = (1, 2, 4, 8, 16)
    lengths = tuple(4 * (size + 2) * (size + 1) for size in sizes)
    growth = Growth.fitted(sizes, lengths)
    assert all(growth.bytes_at(size) >= length for size, length in zip(sizes, lengths, strict=True))
