"""What a run knows of its candidates: the same from the store as from its own memory."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from llmcoop.history import IDENTITY, History
from llmcoop.store import Store
from llmcoop.values import Candidate, Evaluation, Level, Measurement, Outcome, Recipe


def evaluation(
    option: str, outcome: Outcome, speedup: float | None = None, sha256: str = "", text: str = ""
) -> Evaluation:
    measured = None if speedup is None else Measurement((100,), (90,), speedup, speedup - 0.1, speedup + 0.1)
    candidate = Candidate(Level.IR, option, Recipe(options=(option,)), text)
    return Evaluation(candidate, outcome, measurement=measured, executable_sha256=sha256 or f"code of {option}")


GOOD = evaluation("-good", Outcome.ACCEPTED, 1.2)
BETTER = evaluation("-better", Outcome.ACCEPTED, 1.4)
WORSE = evaluation("-worse", Outcome.NOT_FASTER, 0.8)
TWIN = evaluation("-twin", Outcome.SAME_CODE, sha256="code of -better")
BROKEN = evaluation("-broken", Outcome.COMPILER_FAILED, sha256=" ")


@pytest.fixture
def history() -> History:
    history = History("code of the identity")
    for each in (GOOD, BETTER, WORSE, TWIN, BROKEN):
        history.add(each)
    return history


def test_identity_leads_until_something_is_faster() -> None:
    history = History("code of the identity")
    history.add(WORSE)
    assert history.champion is IDENTITY
    assert history.best_log_speedup == 0.0


def test_only_accepted_candidates_are_ranked_the_best_first(history: History) -> None:
    assert history.ranking() == [BETTER.candidate, GOOD.candidate]


def test_a_lucky_estimate_loses_the_lead_when_it_is_measured_again(history: History) -> None:
    for _ in range(3):
        history.refine(BETTER.candidate, 1.05)
    assert history.champion == GOOD.candidate


def test_code_is_recognized_whoever_made_it(history: History) -> None:
    assert history.twin("code of the identity") is IDENTITY
    assert history.twin("code of -better") == BETTER.candidate
    assert history.twin("other code") is None


def test_trials_of_equal_code_share_one_estimate(history: History) -> None:
    trials = {trial.candidate.key: trial.log_speedup for trial in history.trials()}
    assert trials[TWIN.candidate.key] == trials[BETTER.candidate.key] == pytest.approx(math.log(1.4))
    assert trials[BROKEN.candidate.key] is None


def test_rewritten_functions_are_no_trials_of_the_recipe_search(history: History) -> None:
    history.add(evaluation("-good", Outcome.ACCEPTED, 1.5, text="define void @f() {\n  ret void\n}\n"))
    assert len(history.trials()) == 6  # the identity and the five recipes


def test_it_can_be_built_again_from_the_store(history: History, tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.db") as store:
        run = store.begin("spec", "program")
        for each in history.evaluations:
            store.add(run, each)
        again = History("code of the identity")
        for each in store.evaluations(run):
            again.add(each)
    assert again.trials() == history.trials()
    assert again.ranking() == history.ranking()


def test_of_two_that_are_as_fast_the_simpler_one_leads() -> None:
    history = History("")
    plain = Candidate(Level.IR, "", Recipe(profile=True))
    loaded = Candidate(Level.IR, "", Recipe(profile=True, options=("-a", "-b"), codegen=("-c",)))
    for candidate, speedup in ((plain, 1.200), (loaded, 1.202)):
        measured = Measurement((), (), speedup, speedup, speedup)
        history.add(Evaluation(candidate, Outcome.ACCEPTED, measurement=measured))
    assert history.champion == plain
