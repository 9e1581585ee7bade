"""Decide from evidence whether a candidate may stand for the program. Pure: no clock, file or network."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from llmcoop.values import Acceptance, Adequacy, Evidence, EvidenceKind, Refutation

LEAST_MUTATION_SCORE = 0.75
LEAST_LINES = 0.8  # share of the lines of the original that the tests run
LEAST_INPUTS = 500  # on which candidate and original were compared
_STRENGTH = (EvidenceKind.BY_CONSTRUCTION, EvidenceKind.PROVED, EvidenceKind.TESTED)


class Ruling(StrEnum):
    """What the evidence amounts to."""

    ACCEPTED = "accepted"
    WEAK = "weak"  # nothing speaks against the candidate, but too little for it
    REFUTED = "refuted"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A ruling, and the reason in words for the user."""

    ruling: Ruling
    reason: str


def decide(evidence: Evidence, accept: Acceptance, adequacy: Adequacy | None = None) -> Verdict:
    """Whether `evidence` is enough for a user who lets `accept` pass.

    `adequacy` says how good the tests are; without it, nobody knows, and tests alone are weak evidence.
    """
    if evidence.kind is EvidenceKind.REFUTED:
        return Verdict(Ruling.REFUTED, _refutation(evidence))
    if _STRENGTH.index(evidence.kind) > _STRENGTH.index(EvidenceKind(accept)):
        return Verdict(Ruling.WEAK, f"it is {evidence.kind}, and what was asked for is {accept}")
    if evidence.kind is not EvidenceKind.TESTED:
        return Verdict(Ruling.ACCEPTED, evidence.kind)
    weaknesses = _weaknesses(evidence, adequacy)
    if weaknesses:
        return Verdict(Ruling.WEAK, "; ".join(weaknesses))
    return Verdict(Ruling.ACCEPTED, _support(evidence))


def _refutation(evidence: Evidence) -> str:
    counterexample = evidence.counterexample
    if counterexample is None:
        return "it is not equal to the original"
    where = f"on a {counterexample.case.origin} input"
    match counterexample.kind:
        case Refutation.OUTPUT:
            return f"another output than the original's {where}{counterexample.processor}"
        case Refutation.ENDING:
            return f"{counterexample.status} {where}, and the original: exit {counterexample.case.exit_code}"
        case _:
            return f"{counterexample.status} ({where})"


def _weaknesses(evidence: Evidence, adequacy: Adequacy | None) -> list[str]:
    if adequacy is None:
        return ["nobody measured whether the tests would notice a wrong version"]
    found = []
    if adequacy.lines.ratio < LEAST_LINES:
        found.append(f"the tests run only {adequacy.lines.covered} of {adequacy.lines.total} lines of the program")
    if adequacy.mutation_score < LEAST_MUTATION_SCORE:
        where = f"; missed in {', '.join(adequacy.missed[:3])}" if adequacy.missed else ""
        noticed = f"{adequacy.caught} of {adequacy.mutants} deliberately broken versions of the program"
        found.append(f"the tests notice only {noticed}{where}")
    if evidence.inputs_compared < LEAST_INPUTS:
        found.append(f"it was compared with the original on only {evidence.inputs_compared} inputs")
    return found


def _support(evidence: Evidence) -> str:
    tests = f"{evidence.cases_passed} test cases passed ({evidence.cases_hidden} hidden)"
    sanitizers = f", clean under {' and '.join(evidence.sanitizers)} sanitizers" if evidence.sanitizers else ""
    return f"{tests}, the same output on {evidence.inputs_compared} further inputs{sanitizers}"
