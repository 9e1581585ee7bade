"""Typed mutation: any text gives another usable one, the seed decides, and what matters comes soon enough."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcoop.testing import argument_mutations, byte_mutations, counts, field_mutations, line_mutations, words
from llmcoop.testing.fields import lines, parse
from llmcoop.testing.inputs import Mutator, shortened
from llmcoop.testing.servers import Comparison
from llmcoop.testing.stock import Stock
from llmcoop.testing.vocabulary import Vocabulary, replacements
from llmcoop.values import Invocation

TEXT_OPERATORS = (*field_mutations.OPERATORS, *line_mutations.OPERATORS, *byte_mutations.OPERATORS)
TABLE = Invocation(("desc",), b"name,units,price\nanna,3,1.50\nbert,4,2.25\ncarl,4,0.75\n")
QUERIES = Invocation((), b"3\nadd 1 2\nmul 30 40\nadd 5 6\n")
SIZES = Invocation(("60", "16", "1"))
TRIED = 4000

texts = st.one_of(
    st.binary(max_size=80),
    st.text(alphabet="0123456789 -.,e\nab\r", max_size=80).map(str.encode),
)


def _within(args: tuple[str, ...], *ranges: tuple[int, int]) -> bool:
    return all(arg.isdecimal() and low <= int(arg) <= high for arg, (low, high) in zip(args, ranges, strict=False))


@functools.cache
def proposals(parent: Invocation) -> list[Invocation]:
    return [proposal.invocation for proposal in Mutator(Vocabulary(), seed=1).propose([parent], [1.0], TRIED)]


@given(texts)
def test_fields_and_lines_give_the_text_again(data: bytes) -> None:
    assert b"".join(parse(data).fields) == data
    assert b"".join(lines(data)) == data


@settings(max_examples=15, deadline=None)
@given(texts, st.integers(0, 2**32), st.booleans())
def test_every_operator_takes_every_text(data: bytes, seed: int, large: bool) -> None:
    for operator in TEXT_OPERATORS:
        changed = operator(data, Stock(Random(seed), (64, 1 << 40), (b"word",), large))
        assert isinstance(changed, bytes)
        assert len(changed) < 2_000_000, operator.__name__


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=5), st.integers(0, 2**32))
def test_every_argument_can_be_passed_and_written_down(args: list[str], seed: int) -> None:
    given_args = tuple(arg.encode(errors="ignore").decode().replace("\0", "") for arg in args)
    for operator in argument_mutations.OPERATORS:
        for arg in operator(given_args, Stock(Random(seed), (7,), (b"-v", b"\0\xff"))):
            assert "\0" not in arg
            arg.encode()


def test_the_seed_decides() -> None:
    def made(seed: int) -> list[Invocation]:
        mutator = Mutator(Vocabulary(), seed)
        return [proposal.invocation for proposal in mutator.propose([TABLE, SIZES], [1.0, 1.0], 300)]

    assert made(5) == made(5)
    assert made(5) != made(6)


def test_small_inputs_are_preferred() -> None:
    sizes = sorted(len(invocation.stdin) for invocation in proposals(TABLE))
    assert sizes[len(sizes) // 2] < 200
    assert sizes[-1] > 4096


WANTED: dict[str, tuple[Invocation, Callable[[Invocation], bool]]] = {
    "empty input": (TABLE, lambda i: i.stdin == b""),
    "no last newline": (TABLE, lambda i: i.stdin == TABLE.stdin[:-1]),
    "CRLF": (TABLE, lambda i: i.stdin.count(b"\r\n") > 3),
    "a NUL byte": (TABLE, lambda i: b"\0" in i.stdin),
    "a letter of two bytes": (TABLE, lambda i: any(0xC3 <= byte <= 0xD0 for byte in i.stdin)),
    "NaN": (TABLE, lambda i: b"nan" in i.stdin),
    "negative zero": (TABLE, lambda i: b"-0.0" in i.stdin),
    "an extreme": (QUERIES, lambda i: b"2147483648" in i.stdin),
    "over 64 bits": (QUERIES, lambda i: b"18446744073709551616" in i.stdin),
    "leading zeros": (QUERIES, lambda i: b" 030 " in i.stdin or b" 01 " in i.stdin),
    "equal keys": (TABLE, lambda i: i.stdin.count(b"4,") > 2),
    "a long line": (TABLE, lambda i: max(map(len, lines(i.stdin)), default=0) > 1024),
    "17 lines": (TABLE, lambda i: len(lines(i.stdin)) == 17),
    "beyond 64 KiB": (TABLE, lambda i: len(i.stdin) > 65536),
    "the same query again": (QUERIES, lambda i: i.stdin.count(b"mul 30 40") > 1),
    "a product that wraps": (
        SIZES,
        lambda i: len(i.args) > 1 and all(map(str.isdecimal, i.args)) and int(i.args[0]) * int(i.args[1]) == 1 << 32,
    ),
    "small sizes": (SIZES, lambda i: i.args[:2] == ("1", "1") or i.args[:2] == ("0", "0")),
    "one size beyond a table": (SIZES, lambda i: i.args[2:] == ("1",) and _within(i.args, (1, 4), (2049, 8192))),
    "an argument less": (SIZES, lambda i: len(i.args) == 2),
}


@pytest.mark.parametrize("name", WANTED)
def test_what_programs_get_wrong_is_proposed(name: str) -> None:
    parent, wanted = WANTED[name]
    assert any(map(wanted, proposals(parent)))


def test_counts_are_kept_in_step() -> None:
    assert counts.find(QUERIES) == (counts.Count(counts.Unit.LINES, 0),)
    made = [each.stdin for each in proposals(QUERIES) if each.stdin.count(b"\n") > 5]
    right = sum(data.partition(b"\n")[0] == b"%d" % (data.count(b"\n") - 1) for data in made)
    assert right > len(made) / 10


@pytest.mark.parametrize(
    ("stdin", "unit"),
    [
        (b"4\n7 8 9 10\n", counts.Unit.NUMBERS),
        (b"2 3\n1 2 3\n4 5 6\n", counts.Unit.AREA),
        (b"2 2 3\n5 0 0\n6 0 0\n", counts.Unit.LINES),
        (b"P2\n2 3\n255\n1 2 3 4 5 6\n", counts.Unit.DEEP_AREA),
        (b"P5 2 3 255\nabcdef", counts.Unit.DEEP_BYTES),
        (b"x\n2 5 6\n3 7 8 9\n", counts.Unit.ROW),
    ],
)
def test_counts_are_found(stdin: bytes, unit: counts.Unit) -> None:
    assert unit in [count.unit for count in counts.find(Invocation((), stdin))]


def test_a_large_input_is_a_parent_by_its_beginning() -> None:
    rows = b"".join(b"%d %d\n" % (at, at * at) for at in range(50_000))
    short = shortened(Invocation(("x",), b"50000\n" + rows))
    assert max(len(each.stdin) for each in short) <= 8000
    for each in short:
        assert int(each.stdin.partition(b"\n")[0]) == each.stdin.count(b"\n") - 1


def test_operators_that_only_make_useless_inputs_are_taken_less_often() -> None:
    mutator = Mutator(Vocabulary(), seed=1)
    for _ in range(20):
        for proposal in mutator.propose([TABLE], [1.0], 100):
            mutator.learn(proposal, useful="cut" not in proposal.operators)
    later = [name for proposal in mutator.propose([TABLE], [1.0], 2000) for name in proposal.operators]
    assert later.count("cut") < later.count("flip_bit") / 2


def test_the_vocabulary_of_a_source(tmp_path: Path) -> None:
    source = tmp_path / "a.c"
    source.write_text(
        '#include "stdio.h"\n/* 999 "comment" */\nint A = 0x40, B = 1 << 20, C = 77u; double D = 1e9;\n'
        'int main(void) { puts("insert\\n"); char E = \'q\'; printf("%d items", 5); }\n'
    )
    vocabulary = Vocabulary.of_sources([source])
    assert {64, 1 << 20, 77, 10**9, 5} <= set(vocabulary.numbers)
    assert {b"insert", b"q", b"items"} <= set(vocabulary.words)
    assert 999 not in vocabulary.numbers
    assert b"comment" not in vocabulary.words


def test_an_operand_is_put_in_place_of_the_other() -> None:
    number = Comparison((1234).to_bytes(4, "little"), (987654321).to_bytes(4, "little"), memory=False)
    word = Comparison(b"swap", b"rotate", memory=True)
    made = list(replacements(b"swap 1234\n", [number, word], 50))
    assert b"swap 987654321\n" in made
    assert b"rotate 1234\n" in made


def test_words_that_collide_under_a_common_hash_are_made() -> None:
    def value(word: bytes) -> int:
        total = 0
        for byte in word:
            total = total * 31 + byte
        return total

    rng = Random(1)
    made = {words.changed(b"order", Stock(rng)) for _ in range(2000)} - {b"order"}
    assert any(value(word) == value(b"order") for word in made)
