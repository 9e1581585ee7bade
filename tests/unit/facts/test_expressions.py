"""The expression at a place in the source, as compilers state places."""

from __future__ import annotations

import pytest

from llmcoop.facts.expressions import callee_at, memory_at


@pytest.mark.parametrize(
    ("marked", "expression"),
    [
        ("sum += @a[i];", "a[i]"),
        ("a[b[i]] @+= c[i];", "a[b[i]]"),
        ("t[at(p, i, 0)] @= heat;", "t[at(p, i, 0)]"),
        ("for (i = table->@buckets[h & 1];", "table->buckets"),
        ("entry = @table->buckets[h & (n - 1)];", "table->buckets[h & (n - 1)]"),
        ("histogram[@e.pixels[i]]++;", "e.pixels[i]"),
        ("histogram[e.pixels[i]]@++;", "histogram[e.pixels[i]]"),
        ("*p @= 1;", "*p"),
        ("x = @*p;", "*p"),
        ("@++v->count;", "v->count"),
        ("rows[i].next->@value = 0", "rows[i].next->value"),
        ("if (a @== b)", ""),
        ("if (@isalnum(c))", ""),
        ("y = @(a + b)[i];", ""),
        ("short @", ""),
    ],
)
def test_memory(marked: str, expression: str) -> None:
    assert memory_at(marked.replace("@", ""), marked.index("@") + 1) == expression


def test_no_long_expression_is_quoted() -> None:
    assert memory_at(f"x = a[{'i + ' * 30}1];", 5) == ""
    assert memory_at(f"{'a' * 1_000_000} = 1;", 1_000_002) == ""


@pytest.mark.parametrize(
    ("marked", "callee"), [("x = @f(1);", "f"), ("x = @f + (1);", ""), ("x @= f(1);", ""), ("@", "")]
)
def test_callee(marked: str, callee: str) -> None:
    assert callee_at(marked.replace("@", ""), marked.index("@") + 1) == callee
