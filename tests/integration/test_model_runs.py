"""A whole run with a model at two levels: it rewrites the source, then the assembly of what that left slow."""

from __future__ import annotations

from pathlib import Path

import pytest

import llmcoop
from llmcoop.report import Run
from llmcoop.sandbox import Sandbox
from llmcoop.store import Store
from llmcoop.values import EvidenceKind, Level, Outcome

PROGRAM = Path(__file__).parent / "modelled"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Run:
    return llmcoop.optimize(
        spec=PROGRAM,
        model=f"scripted:{PROGRAM / 'replies'}",
        guide="fixed",
        levels=["source", "asm"],
        budget="seconds=150",
        out=tmp_path_factory.mktemp("modelled") / "out",
    )


def test_each_level_adds_to_the_winner(run: Run) -> None:
    assert run.winner is not None, run.reason
    assert run.winner.candidate.level is Level.ASM
    gains = {gain.level: gain.low for gain in run.gain_by_level}
    assert set(gains) == {Level.SOURCE, Level.ASM}
    assert all(low > 1.05 for low in gains.values())


def test_it_is_believed_for_tests_of_which_some_are_hidden(run: Run) -> None:
    assert run.winner is not None
    assert run.winner.evidence is EvidenceKind.TESTED
    assert run.winner.cases_passed > run.winner.cases_hidden > 0
    assert run.tests is not None
    assert run.tests.adequacy is not None


def test_the_report_says_what_the_model_did(run: Run) -> None:
    assert run.model is not None
    assert run.model.calls >= 4
    assert not run.model.lost
    calls = {spending.level: spending.candidates for spending in run.spending}
    assert calls == {Level.SOURCE: 1, Level.ASM: 1}


def test_the_change_of_source_is_there_as_a_patch_and_the_assembly_as_text(run: Run) -> None:
    assert "before[values[i]]++" in (run.out / "rewrite.patch").read_text()
    assert "adcq" in (run.out / "best.s").read_text()


def test_the_store_has_every_candidate_with_its_evidence(run: Run) -> None:
    with Store.open(run.out / "store.db") as store:
        known = store.evaluations(1)
    assert [each.outcome for each in known] == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert all(each.candidate.authored and each.evidence for each in known)
