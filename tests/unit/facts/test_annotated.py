"""The annotated source is the source, with numbers that are right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmcoop.facts import MARGIN, Cpu, Facts, FunctionFacts, LineCount, annotated

CPU = Cpu("znver4", "A processor", "x86-64", ("avx2",), 32768, 1 << 20, 0)
LINES = (LineCount(2, 120_000_000), LineCount(3, 9_999), LineCount(4, 123_456))
FACTS = Facts(CPU, (FunctionFacts("f", "a.c", 1, 4, 1.0, LINES),))


@given(st.text())
def test_without_its_margin_it_is_the_source(text: str) -> None:
    lines = annotated(text, FACTS, "a.c").split("\n")
    assert "\n".join(line[MARGIN:] for line in lines) == text
    numbers = [int(line[:5]) for line in lines if line]
    assert numbers == list(range(1, len(numbers) + 1))


def test_hot_lines_say_how_often_they_are_executed() -> None:
    assert annotated("int f(\n  x\n  y\n  z\n", FACTS, "a.c").splitlines() == [
        "    1        | int f(",
        "    2  1.2e8 |   x",
        "    3        |   y",
        "    4  1.2e5 |   z",
    ]


def test_another_file_has_an_empty_margin() -> None:
    assert annotated("x\nx", FACTS, "b.c") == "    1        | x\n    2        | x"


def test_hot_lines_come_with_the_hottest_first() -> None:
    assert FACTS.hot_lines(0.001) == (("a.c", LINES[0]), ("a.c", LINES[2]))
    assert Facts(CPU).hot_lines(0.5) == ()
