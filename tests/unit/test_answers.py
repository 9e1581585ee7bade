"""Outputs are equal to the byte, NaN signs apart; literals of the answer are found, computed answers are not."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcoop.answers import precomputed, same_output


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (b"nan\n", b"-nan\n"),
        (b"x      -nan 1\n", b"x       nan 1\n"),
        (b"NAN,-NAN", b"-NAN,NAN"),
        (b"-nan  |", b"nan   |"),
    ],
)
def test_the_sign_of_a_nan_says_nothing(expected: bytes, actual: bytes) -> None:
    assert same_output(expected, actual)
    assert same_output(actual, expected)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (b"1.5\n", b"nan\n"),
        (b"nan\n", b"1.5\n"),
        (b"nan 1\n", b"nan 2\n"),
        (b"0.0\n", b"-0.0\n"),
        (b"banana\n", b"ba-nana\n"),
        (b"nan\n", b"nan"),
        (b"nan inf\n", b"nan -inf\n"),
        (b"a\n", b"a \n"),
    ],
)
def test_all_else_is_a_difference(expected: bytes, actual: bytes) -> None:
    assert not same_output(expected, actual)
    assert not same_output(actual, expected)


@given(st.binary(), st.binary())
def test_without_nan_only_equal_bytes_are_equal(left: bytes, right: bytes) -> None:
    if b"nan" not in left.lower():
        assert same_output(left, right) == (left == right)


ORIGINAL = b"\x7fELF usage: prog N %d sum %ld"


@pytest.mark.parametrize(
    ("output", "literal"),
    [
        (b"checksum 918273645\n", b"checksum %s\0918273645\n"),
        (b"4294967311982451653\n", (4294967311982451653).to_bytes(8, "little")),
        (b"mean 3.14159265358979\n", struct.pack("<d", 3.14159265358979)),
        (b"-1234567890123456\n", struct.pack("<q", -1234567890123456)),
    ],
)
def test_an_answer_among_the_literals_is_found(output: bytes, literal: bytes) -> None:
    assert "literals" in precomputed(output, b"", ORIGINAL, ORIGINAL + literal)
    assert precomputed(output, b"", ORIGINAL, ORIGINAL) == ""


def test_what_input_or_original_have_already_is_no_answer() -> None:
    output = b"usage: prog\nalpha-beta-gamma\n"
    assert precomputed(output, b"alpha-beta-gamma\n", ORIGINAL, ORIGINAL + output) == ""


def test_a_table_that_happens_to_hold_one_of_many_words_is_no_answer() -> None:
    output = b"\n".join(b"%d" % (number * 7919 + 1000003) for number in range(50))
    assert precomputed(output, b"", ORIGINAL, ORIGINAL + b"1000003") == ""


def test_short_words_occur_by_chance() -> None:
    assert precomputed(b"42 17\n", b"", ORIGINAL, ORIGINAL + b"42 17") == ""
