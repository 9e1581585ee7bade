"""Kept inputs: few that show all, split the same way each time, and files that llmcoop.toml understands."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcoop import spec
from llmcoop.errors import UsageError
from llmcoop.testing import corpus
from llmcoop.testing.corpus import Entry
from llmcoop.testing.reduction import reduced
from llmcoop.values import Invocation, TestCase

CASES = (
    TestCase(Invocation(("1", "two words", 'a "quote" \\ é\x7f\t'), b"\0\xff\r\nbytes"), b"text\n", 0, "fuzz"),
    TestCase(Invocation((), b""), b"\xff not text", 3, "fuzz"),
    TestCase(Invocation(("x",), b"1 2 3\n"), b"6\n" * 5000, 0, "fuzz", hidden=True),
    TestCase(Invocation(("",), b"hidden"), b"", 1, "fuzz", hidden=True),
)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    corpus.save(tmp_path, CASES)
    assert set(corpus.load(tmp_path)) == {case.invocation for case in CASES}


def test_nothing_is_loaded_from_nowhere(tmp_path: Path) -> None:
    assert corpus.load(tmp_path / "missing") == ()


def test_shown_tests_are_tests_of_a_spec_file_and_hidden_ones_are_not_there(tmp_path: Path) -> None:
    corpus.save(tmp_path, CASES)
    (tmp_path / "main.c").write_text("int main(void) { return 0; }")
    program = '[program]\nsources = ["main.c"]\n'
    (tmp_path / "llmcoop.toml").write_text(program + (tmp_path / corpus.SHOWN).read_text())
    tests = spec.load(tmp_path).tests
    assert [test.invocation for test in tests] == [case.invocation for case in CASES[:2]]
    assert [(test.stdout, test.exit_code) for test in tests] == [(b"text\n", 0), (None, 3)]


def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    corpus.save(tmp_path, CASES)
    (tmp_path / corpus.SHOWN).write_text("[[test]\n")
    with pytest.raises(UsageError, match=r"tests\.toml"):
        corpus.load(tmp_path)


def test_about_half_is_hidden_and_always_the_same_half() -> None:
    hidden = [corpus.is_hidden(Invocation((str(number),))) for number in range(400)]
    assert 150 < sum(hidden) < 250
    assert hidden == [corpus.is_hidden(Invocation((str(number),))) for number in range(400)]


@given(st.lists(st.tuples(st.frozensets(st.integers(0, 12), max_size=5), st.frozensets(st.integers(0, 5), max_size=2))))
def test_a_minimised_set_shows_the_same_with_nothing_to_spare(
    shown: list[tuple[frozenset[int], frozenset[int]]],
) -> None:
    entries = [
        Entry(Invocation((str(number),), b"x" * number), features, mutants)
        for number, (features, mutants) in enumerate(shown)
    ]

    def all_of(some: list[Entry]) -> tuple[frozenset[int], frozenset[int]]:
        features = frozenset().union(*(entry.features for entry in some))
        return features, frozenset().union(*(entry.mutants for entry in some))

    few = corpus.minimised(entries)
    assert all_of(few) == all_of(entries)
    for entry in few:
        assert all_of([other for other in few if other is not entry]) != all_of(entries)


def test_of_two_inputs_that_show_the_same_the_cheaper_one_stays() -> None:
    dear, cheap = (Entry(Invocation((), b"x" * size), frozenset({1})) for size in (900, 3))
    assert corpus.minimised([dear, cheap]) == [cheap]


def test_an_input_is_reduced_to_what_matters() -> None:
    start = Invocation(("10", "verbose"), b"header\n" + b"noise 5\n" * 60 + b"key 4711 x\n" + b"noise 6\n" * 60)

    def holds(batch: object) -> list[bool]:
        assert isinstance(batch, list)
        return [b"key" in each.stdin and b"4711" in each.stdin for each in batch]

    assert reduced(start, holds, 20.0) == Invocation((), b"key4711")
