"""Tempting wrong rewrites are refuted from one sample run, and correct ones by the same techniques are not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from llmcoop.check import CheckedRewrite, check
from llmcoop.errors import ToolchainError
from llmcoop.sandbox import Sandbox
from llmcoop.spec import from_options
from llmcoop.verdict import Ruling

CORPUS = Path(__file__).parents[1] / "corpus"
PROGRAMS = sorted(path.parent for path in CORPUS.glob("*/llmcoop.toml"))
SECONDS_PER_WRONG, SECONDS_PER_RIGHT = 40, 2
AT_ONCE = 2

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, CheckedRewrite]:
    """What `llmcoop check` says of all rewrites, in as much time as it may take for the wrong ones."""
    try:
        Sandbox.find()
    except ToolchainError as error:
        pytest.skip(f"NO SANDBOX ON THIS MACHINE: {error}")

    def examine(folder: Path) -> list[CheckedRewrite]:
        results: list[CheckedRewrite] = []
        for kind, seconds in (("wrong", SECONDS_PER_WRONG), ("right", SECONDS_PER_RIGHT)):
            rewrites = sorted(folder.glob(f"{kind}-*.c"))
            spec = from_options(spec=folder, rewrites=rewrites, budget=f"seconds={seconds * len(rewrites)}")
            results += check(spec, out=tmp_path_factory.mktemp(f"{folder.name}-{kind}")).rewrites
        return results

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {each.rewrite: each for results in pool.map(examine, PROGRAMS) for each in results}


def rewrites(kind: str) -> list[Path]:
    return sorted(CORPUS.glob(f"*/{kind}-*.c"))


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def test_the_corpus_is_large_enough() -> None:
    assert len(PROGRAMS) >= 15
    assert len(rewrites("wrong")) >= 40
    assert len(rewrites("right")) >= 40


@pytest.mark.parametrize("rewrite", rewrites("wrong"), ids=named)
def test_a_wrong_rewrite_is_refuted(checked: dict[Path, CheckedRewrite], rewrite: Path) -> None:
    assert checked[rewrite].ruling is Ruling.REFUTED, checked[rewrite].reason


@pytest.mark.parametrize("rewrite", rewrites("right"), ids=named)
def test_a_correct_rewrite_is_not_refuted(checked: dict[Path, CheckedRewrite], rewrite: Path) -> None:
    assert checked[rewrite].ruling in (Ruling.ACCEPTED, Ruling.WEAK), checked[rewrite].reason
