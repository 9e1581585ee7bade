"""The one sentence of a result: it never claims what was not confirmed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmcoop.conclusion import Findings, reason
from llmcoop.evaluate import Confirmed
from llmcoop.report import ModelUse, RunOutcome
from llmcoop.values import (
    Candidate,
    Counterexample,
    Evaluation,
    Evidence,
    EvidenceKind,
    Invocation,
    Level,
    Measurement,
    Outcome,
    Recipe,
    TestCase,
)

CANDIDATE = Candidate(Level.IR, "search: -polly", Recipe(options=("-polly",)))
FASTER = Measurement((120,), (100,), 1.2, 1.18, 1.22)
SEEMED_FASTER = Evaluation(CANDIDATE, Outcome.ACCEPTED, Evidence(EvidenceKind.BY_CONSTRUCTION, 1), FASTER)
SLOWER = Measurement((99,), (100,), 0.99, 0.97, 1.01)
FAILURE = Counterexample(TestCase(Invocation(), b"1\n", 0, "variant", hidden=True), b"2\n", "exit 0")
WRONG = Evaluation(CANDIDATE, Outcome.REFUTED, Evidence(EvidenceKind.REFUTED, counterexample=FAILURE))
NOT_FASTER = Evaluation(CANDIDATE, Outcome.NOT_FASTER, SEEMED_FASTER.evidence, SLOWER)
GREEDY = Evaluation(CANDIDATE, Outcome.NOT_FASTER, SEEMED_FASTER.evidence, FASTER, "slower on hidden variant 1")


def findings(*confirmed: Evaluation, tried: int = 1, interrupted: bool = False) -> Findings:
    measured = [Confirmed(evaluation, ()) for evaluation in confirmed]
    return Findings(
        [SEEMED_FASTER] * tried,
        measured,
        (),
        interrupted,
        tests=None,
        gains=(),
        rewrites=None,
        model=None,
        spending=(),
        elapsed_s=5.0,
    )


def test_a_run_without_candidates_says_why() -> None:
    asked = ModelUse("m", calls=2, tokens=9, usd=0.0, unusable=2, unanswered=0, ended="", lost=False)
    ended = replace(asked, ended="no reply of m", lost=True)
    none = findings(tried=0)
    assert reason(none).endswith("the budget went into preparation")
    assert reason(replace(none, model=asked)).endswith("the model proposed none")
    assert reason(replace(none, model=ended)).endswith("the model was asked no more: no reply of m")


@pytest.mark.parametrize(
    ("found", "outcome", "expected"),
    [
        (findings(SEEMED_FASTER), RunOutcome.IMPROVED, "1.200x faster than the baseline"),
        (findings(NOT_FASTER, SEEMED_FASTER), RunOutcome.IMPROVED, "1.200x faster than the baseline"),
        (findings(NOT_FASTER), RunOutcome.NOTHING_FASTER, "none held: 0.990x [0.970, 1.010]"),
        (findings(GREEDY), RunOutcome.NOTHING_FASTER, "none held: slower on hidden variant 1"),
        (findings(WRONG), RunOutcome.NOTHING_FASTER, "none held: wrong on a variant input (exit 0)"),
        (findings(WRONG, NOT_FASTER), RunOutcome.NOTHING_FASTER, "(exit 0); 0.990x"),
        (findings(tried=7), RunOutcome.NOTHING_FASTER, "none of 7 candidates seemed faster"),
        (findings(tried=0), RunOutcome.NOTHING_FASTER, "no candidate was tried"),
        (findings(NOT_FASTER, interrupted=True), RunOutcome.INTERRUPTED, "interrupted; nothing faster found so far"),
        (findings(SEEMED_FASTER, interrupted=True), RunOutcome.IMPROVED, "1.200x faster than the baseline"),
    ],
)
def test_reason_says_what_was_confirmed(found: Findings, outcome: RunOutcome, expected: str) -> None:
    assert found.outcome is outcome
    assert expected in reason(found)


def test_nothing_but_a_winner_is_called_faster_than_the_baseline() -> None:
    for found in (findings(NOT_FASTER), findings(GREEDY), findings(WRONG)):
        assert found.winner is None
        assert "x faster" not in reason(found)
