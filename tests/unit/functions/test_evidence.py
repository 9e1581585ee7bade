"""Which evidence a rewritten function gets, and when that is enough."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmcoop.functions.evidence import examined
from llmcoop.ir.worker import Worker
from llmcoop.values import Acceptance, EvidenceKind

PAIR = Path(__file__).with_name("pairs") / "tail.c"
OVERFLOW = Path(__file__).with_name("pairs") / "overflow.c"


@pytest.fixture(scope="module")
def versions(compiled: Callable[..., str]) -> tuple[str, str, str]:
    right, wrong = (compiled(PAIR, "-DVERSION=1", f"-D{kind}=1") for kind in ("RIGHT", "WRONG"))
    return compiled(PAIR, "-DVERSION=0"), right, wrong


def test_tests_count_when_they_are_asked_for(worker: Worker, versions: tuple[str, str, str]) -> None:
    old, right, wrong = versions
    found = examined(worker, old, right, "f", accept=Acceptance.TESTED, seconds=3)
    assert (found.kind, found.supports) == (EvidenceKind.TESTED, True)
    found = examined(worker, old, wrong, "f", accept=Acceptance.TESTED, seconds=3)
    assert (found.kind, found.supports) == (EvidenceKind.REFUTED, False)
    assert "argument 1 = " in found.message


def test_without_a_proof_nothing_is_accepted_by_default(worker: Worker, versions: tuple[str, str, str]) -> None:
    found = examined(worker, versions[0], versions[1], "f", accept=Acceptance.PROVED, seconds=1)
    assert found.kind is None
    assert "not proved" in found.message
    found = examined(worker, versions[0], versions[0], "f", accept=Acceptance.BY_CONSTRUCTION, seconds=1)
    assert not found.supports


def test_a_proof_is_enough(worker: Worker, compiled: Callable[..., str]) -> None:
    old, right = compiled(OVERFLOW, "-DVERSION=0"), compiled(OVERFLOW, "-DVERSION=1", "-DRIGHT=1")
    assert examined(worker, old, right, "f", accept=Acceptance.PROVED, seconds=5).kind is EvidenceKind.PROVED
    wrong = compiled(OVERFLOW, "-DVERSION=1", "-DWRONG=1")
    assert examined(worker, old, wrong, "f", accept=Acceptance.PROVED, seconds=5).kind is EvidenceKind.REFUTED
