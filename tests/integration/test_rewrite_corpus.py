"""Tempting wrong rewrites are refuted from one sample run, and correct ones by the same techniques are not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from llmcoop.examiner import Examiner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.spec import load
from llmcoop.toolchain import Toolchain
from llmcoop.user_rewrites import as_candidate
from llmcoop.values import Evidence, EvidenceKind

CORPUS = Path(__file__).parents[1] / "corpus"
ALL = sorted(path.parent for path in CORPUS.glob("*/llmcoop.toml"))
PROGRAMS = ALL[::2]  # benchmarks/corpus.py runs all of them, and longer
PREPARE_S, WRONG_S, RIGHT_S = 8, 90, 2
IN_EACH = {"wrong": 3, "right": 2}  # of each program
AT_ONCE = 2

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def examined(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Evidence]:
    """The evidence for rewrites of every program."""
    toolchain = Toolchain.find()

    def examine(folder: Path) -> list[tuple[Path, Evidence]]:
        spec, work = load(folder), tmp_path_factory.mktemp(folder.name)
        examiner = Examiner(spec, toolchain, sandbox, work / "tests", work / "scratch", limits=Limits())
        examiner.prepare(PREPARE_S, lambda _: None)
        found = []
        for kind, seconds in (("wrong", WRONG_S), ("right", RIGHT_S)):
            for rewrite in chosen(folder, kind):
                candidate = as_candidate(spec.program, rewrite)
                found.append((rewrite, examiner.examine({candidate.source: candidate.text}, seconds, lambda _: None)))
        return found

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(each for results in pool.map(examine, PROGRAMS) for each in results)


def chosen(folder: Path, kind: str) -> list[Path]:
    return sorted(folder.glob(f"{kind}-*.c"))[: IN_EACH[kind]]


def rewrites(kind: str) -> list[Path]:
    return [path for folder in PROGRAMS for path in chosen(folder, kind)]


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def test_the_corpus_is_large_enough() -> None:
    assert len(ALL) >= 15
    assert len(list(CORPUS.glob("*/wrong-*.c"))) >= 40
    assert len(list(CORPUS.glob("*/right-*.c"))) >= 40


@pytest.mark.parametrize("rewrite", rewrites("wrong"), ids=named)
def test_a_wrong_rewrite_is_refuted(examined: dict[Path, Evidence], rewrite: Path) -> None:
    assert examined[rewrite].kind is EvidenceKind.REFUTED


@pytest.mark.parametrize("rewrite", rewrites("right"), ids=named)
def test_a_correct_rewrite_is_not_refuted(examined: dict[Path, Evidence], rewrite: Path) -> None:
    assert examined[rewrite].kind is EvidenceKind.TESTED, examined[rewrite].counterexample
