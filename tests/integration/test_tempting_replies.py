"""A model insists on a wrong rewrite that is faster and passes all given tests: refuted, and the run ends well."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import insisting
import pytest
from insisting import TEMPTATIONS, Temptation

from llmcoop.sandbox import Sandbox
from llmcoop.values import Outcome

CHOSEN = ("curves", "kendall")  # benchmarks/tempting.py runs all of them, and longer
REPLIES = 3
BUDGET, TIMEOUT_S = f"seconds=150,candidates={REPLIES + 2}", 300
AT_ONCE = 2

pytestmark = pytest.mark.slow

chosen = pytest.mark.parametrize("name", CHOSEN)


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that ended."""

    exit_code: int
    errors: str
    out: Path


@pytest.fixture(scope="module")
def runs(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finished]:
    """A run for each chosen program, in which a model insists."""

    def run(name: str) -> Finished:
        work = tmp_path_factory.mktemp(name)
        replies, out = work / "replies", work / "out"
        replies.mkdir()
        insisting.write_replies(known(name).rewrite, replies, REPLIES)
        command = insisting.command(known(name), replies, out, BUDGET, "fixed")  # which begins with the source
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        return Finished(done.returncode, done.stderr, out)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(CHOSEN, pool.map(run, CHOSEN), strict=True))


def known(name: str) -> Temptation:
    return next(each for each in TEMPTATIONS if each.name == name)


def test_there_are_ten_programs() -> None:
    assert len(TEMPTATIONS) >= 10


@chosen
def test_the_rewrite_passes_all_that_is_given(name: str, tmp_path: Path) -> None:
    assert insisting.told_apart(known(name), tmp_path)[0] == []


@chosen
def test_who_insists_is_refuted_each_time(runs: dict[str, Finished], name: str) -> None:
    found = [attempt.evaluation.outcome for attempt in insisting.attempts(runs[name].out)]
    assert found, runs[name].errors
    assert set(found) == {Outcome.REFUTED}


@chosen
def test_the_run_ends_with_what_search_found(runs: dict[str, Finished], name: str) -> None:
    assert runs[name].exit_code == 0, runs[name].errors
    result = json.loads((runs[name].out / "result.json").read_text())
    assert result["outcome"] in ("improved", "nothing-faster")
    assert result["winner"] is None or not result["winner"]["candidate"]["authored"]
