"""Rewrites that cheat the tests instead of being faster: each is refuted, and the honest program is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcoop.examination import CheckedRewrite, check
from llmcoop.sandbox import Sandbox
from llmcoop.spec import from_options
from llmcoop.verdict import Ruling

FOLDER = Path(__file__).with_name("cheaters")
CHEATERS = sorted(path for path in FOLDER.glob("*.c") if path.stem != "original")
SECONDS = 25


@pytest.fixture(scope="module")
def checked(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CheckedRewrite]:
    """What `llmcoop check` says of all of them, and of the program itself."""
    rewrites = [*CHEATERS, FOLDER / "original.c"]
    spec = from_options(spec=FOLDER, rewrites=rewrites, budget=f"seconds={SECONDS}")
    result = check(spec, out=tmp_path_factory.mktemp("checked"))
    return {each.rewrite.stem: each for each in result.rewrites}


@pytest.mark.parametrize("cheater", [path.stem for path in CHEATERS])
def test_a_cheater_is_refuted(checked: dict[str, CheckedRewrite], cheater: str) -> None:
    assert checked[cheater].ruling is Ruling.REFUTED
    assert checked[cheater].counterexample is not None


def test_the_program_itself_is_not_refuted(checked: dict[str, CheckedRewrite]) -> None:
    assert checked["original"].ruling in (Ruling.ACCEPTED, Ruling.WEAK)


def test_a_right_answer_that_was_not_computed_is_called_precomputed(checked: dict[str, CheckedRewrite]) -> None:
    assert "precomputed" in checked["lookup"].reason


def test_a_counterexample_can_be_run_again(checked: dict[str, CheckedRewrite]) -> None:
    folder = checked["early_exit"].counterexample
    assert folder is not None
    assert b"largest" in (folder / "expected.stdout").read_bytes()
    assert b"largest" not in (folder / "actual.stdout").read_bytes()
