"""The validator against trying everything: on the rewrites, on random functions, and on what LLVM itself does."""

from __future__ import annotations

import random

import pytest
from exhaustive import cases, refinement_fails_at
from random_functions import changed, sketch
from rewrite_pairs import Rewrite, rewrites

from llmcoop.ir import Module
from llmcoop.ir.body import Body
from llmcoop.validation import Answer
from llmcoop.validation.refinement import refine

WIDTH = 4
FEW_CASES, MANY_CASES = 260, 6_000  # of arguments
PAIRS = list(rewrites(WIDTH))
WRONG = [pair for pair in PAIRS if not pair.right]
RIGHT = [pair for pair in PAIRS if pair.right]
SECONDS = 3.0
# Each use of undef takes another value: the proof would need a value made of bits from several of them.
TOO_HARD = {"arithmetic/sum-of-undef"}


def body(text: str, pipeline: str = "") -> Body:
    module = Module.parse(text)
    module.verify()
    if pipeline:
        module.run_passes(pipeline)
    return module.read("f")


def tried(least: int, most: int) -> list[Rewrite]:
    """The pairs whose old function has so many cases: argument values, poison and undef bits included."""
    return [pair for pair in PAIRS if least < cases(body(pair.old)) <= most]


def test_there_are_enough_pairs() -> None:
    assert len(WRONG) >= 150
    assert len(RIGHT) >= 250


@pytest.mark.parametrize("pair", WRONG, ids=lambda pair: pair.name)
def test_wrong_rewrites_are_refuted(pair: Rewrite) -> None:
    refined = refine(body(pair.old), body(pair.new), SECONDS)
    assert refined.answer is Answer.INCORRECT, refined
    assert refined.detail


@pytest.mark.parametrize("pair", RIGHT, ids=lambda pair: pair.name)
def test_right_rewrites_are_proved(pair: Rewrite) -> None:
    refined = refine(body(pair.old), body(pair.new), SECONDS)
    assert refined.answer is (Answer.UNPROVED if pair.name in TOO_HARD else Answer.CORRECT), refined


@pytest.mark.parametrize("pair", tried(0, FEW_CASES), ids=lambda pair: pair.name)
def test_the_claims_hold_for_all_arguments(pair: Rewrite) -> None:
    assert (refinement_fails_at(body(pair.old), body(pair.new)) is None) == pair.right


@pytest.mark.slow
@pytest.mark.parametrize("pair", tried(FEW_CASES, MANY_CASES), ids=lambda pair: pair.name)
def test_the_claims_hold_for_all_of_many_arguments(pair: Rewrite) -> None:
    assert (refinement_fails_at(body(pair.old), body(pair.new)) is None) == pair.right


def agreement(seed: int, width: int) -> tuple[Answer, bool]:
    """The validator's answer on a random function and a change of it, and the truth."""
    random_ = random.Random(seed)
    old = sketch(random_, width)
    functions = body(old.text()), body(changed(random_, old).text())
    return refine(*functions, 1.0).answer, refinement_fails_at(*functions) is None


@pytest.mark.parametrize("start", range(0, 200, 20))
def test_random_changes_are_judged_as_by_trying_everything(start: int) -> None:
    found = [agreement(seed, 3) for seed in range(start, start + 20)]
    decided = [(answer, right) for answer, right in found if answer is not Answer.UNPROVED]
    assert all((answer is Answer.CORRECT) == right for answer, right in decided)
    assert len(decided) >= 16


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 1200, 50))
def test_many_random_changes(start: int) -> None:
    found = [agreement(seed, 3) for seed in range(start, start + 50)]
    assert all((answer is Answer.CORRECT) == right for answer, right in found if answer is not Answer.UNPROVED)


@pytest.mark.parametrize("pipeline", ["instcombine", "default<O3>"])
def test_what_llvm_does_is_never_refuted(pipeline: str) -> None:
    answers = []
    for seed in range(25):
        text = sketch(random.Random(seed), 8).text()
        answers.append(refine(body(text), body(text, pipeline), 1.0).answer)
    assert Answer.INCORRECT not in answers
    assert answers.count(Answer.CORRECT) >= 20
