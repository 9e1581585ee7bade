"""The verdict: each kind of evidence against each policy, and what makes tests weak."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmcoop.values import (
    Acceptance,
    Adequacy,
    Counterexample,
    Evidence,
    EvidenceKind,
    Invocation,
    Share,
    TestCase,
)
from llmcoop.verdict import LEAST_INPUTS, LEAST_LINES, LEAST_MUTATION_SCORE, Ruling, decide

GOOD = Adequacy(Share(95, 100), Share(50, 60), Share(5, 6), mutants=100, caught=92, missed=("parse: 5 of 12",))
TESTED = Evidence(EvidenceKind.TESTED, 40, 20, inputs_compared=10_000, sanitizers=("address",))


@pytest.mark.parametrize(
    ("kind", "accepted_by"),
    [
        (EvidenceKind.BY_CONSTRUCTION, {Acceptance.BY_CONSTRUCTION, Acceptance.PROVED, Acceptance.TESTED}),
        (EvidenceKind.PROVED, {Acceptance.PROVED, Acceptance.TESTED}),
        (EvidenceKind.TESTED, {Acceptance.TESTED}),
        (EvidenceKind.REFUTED, set()),
    ],
)
@pytest.mark.parametrize("accept", Acceptance)
def test_stronger_evidence_passes_weaker_demands(
    kind: EvidenceKind, accepted_by: set[Acceptance], accept: Acceptance
) -> None:
    verdict = decide(replace(TESTED, kind=kind), accept, GOOD)
    refused = Ruling.REFUTED if kind is EvidenceKind.REFUTED else Ruling.WEAK
    assert verdict.ruling is (Ruling.ACCEPTED if accept in accepted_by else refused)


def test_tests_that_nobody_measured_are_weak() -> None:
    assert decide(TESTED, Acceptance.TESTED, None).ruling is Ruling.WEAK


@pytest.mark.parametrize(
    ("adequacy", "words"),
    [
        (replace(GOOD, caught=round(100 * LEAST_MUTATION_SCORE) - 1), "deliberately broken versions"),
        (replace(GOOD, lines=Share(round(100 * LEAST_LINES) - 1, 100)), "of 100 lines"),
    ],
)
def test_tests_that_would_miss_a_wrong_version_are_weak(adequacy: Adequacy, words: str) -> None:
    verdict = decide(TESTED, Acceptance.TESTED, adequacy)
    assert verdict.ruling is Ruling.WEAK
    assert words in verdict.reason


def test_a_program_without_mutants_or_conditions_is_not_weak_for_it() -> None:
    adequacy = Adequacy(Share(3, 3), Share(0, 0), Share(0, 0), mutants=0, caught=0)
    assert decide(TESTED, Acceptance.TESTED, adequacy).ruling is Ruling.ACCEPTED


def test_a_candidate_that_was_hardly_compared_is_weak() -> None:
    verdict = decide(replace(TESTED, inputs_compared=LEAST_INPUTS - 1), Acceptance.TESTED, GOOD)
    assert verdict.ruling is Ruling.WEAK


def test_a_refutation_names_what_differed() -> None:
    case = TestCase(Invocation(("1",)), b"1\n", 0, "fuzz")
    for status, words in (("exit 0", "another output"), ("signal SIGSEGV", "signal SIGSEGV on a fuzz input")):
        evidence = Evidence(EvidenceKind.REFUTED, counterexample=Counterexample(case, b"2\n", status))
        verdict = decide(evidence, Acceptance.TESTED, GOOD)
        assert verdict.ruling is Ruling.REFUTED
        assert words in verdict.reason
