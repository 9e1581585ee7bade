"""result.json holds the whole run, and docs/result.md describes all of it."""

import json
import re
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from llmcoop import report
from llmcoop.errors import UsageError
from llmcoop.report import (
    Check,
    CheckStatus,
    Environment,
    KeptRewrites,
    LeftOut,
    LevelGain,
    LevelSpending,
    ModelUse,
    OutcomeCount,
    Rejected,
    Run,
    RunOutcome,
    Testing,
    TimedFile,
    Winner,
)
from llmcoop.values import (
    Adequacy,
    Candidate,
    EvidenceKind,
    FunctionRecipe,
    Level,
    Measurement,
    Outcome,
    Program,
    Recipe,
    Share,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "result.md"
RECIPE = Recipe(clones=("x86-64-v3",), functions=(FunctionRecipe("hot", (("unroll.count", "8"),)),))
ADEQUACY = Adequacy(Share(9, 10), Share(5, 6), Share(0, 0), mutants=50, caught=47, missed=("parse: 3 of 9",))
RUN = Run(
    outcome=RunOutcome.IMPROVED,
    reason="prög.c is faster",
    spec_key="ab" * 32,
    program=Program((Path("/src/prög.c"),), ("-O3",), ("-lm",)),
    out=Path("/src/prög.llmcoop"),
    required_speedup=1.05,
    elapsed_s=59.5,
    winner=Winner(
        Candidate(Level.IR, "search: clones", RECIPE),
        Measurement((100, 101, 102), (80, 81, 82), 1.25, 1.2, 1.3),
        (Measurement((10,), (9,), 1.1, 1.0, 1.2, confidence=0.99),),
        EvidenceKind.BY_CONSTRUCTION,
        cases_passed=12,
        cases_hidden=3,
        inputs_compared=9000,
        sanitizers=("address", "memory"),
    ),
    gain_by_level=(LevelGain(Level.IR, 1.25, 1.2, 1.3),),
    rewrites=KeptRewrites(
        ("hot-0123456789abcdef.rewrite",),
        EvidenceKind.TESTED,
        Measurement((100, 101, 102), (82, 83, 84), 1.22, 1.2, 1.25),
        (LeftOut("cold", "it was inlined"),),
    ),
    candidates=(OutcomeCount(Outcome.ACCEPTED, 1), OutcomeCount(Outcome.REFUTED, 0)),
    tests=Testing(40, 19, 9000, (Rejected("unclean", 3),), 20.5, ADEQUACY),
    model=ModelUse("large", 12, 34000, 0.25, unusable=1, unanswered=0, ended="the budget is spent", lost=False),
    spending=(LevelSpending(Level.IR, 1, 2.5),),
    checks=(
        Check("identity", CheckStatus.PASSED, "0.1% apart"),
        Check("variants", CheckStatus.SKIPPED, "none", "add some"),
    ),
    environment=Environment("0.1.0", "22.1.8", "a CPU", "6.1", "bubblewrap"),
    timed=(TimedFile("baseline", "cd" * 32), TimedFile("best", "ef" * 32)),
    files=("best", "result.json"),
)
NOTHING = replace(
    RUN,
    outcome=RunOutcome.NOTHING_FASTER,
    winner=None,
    tests=None,
    model=None,
    gain_by_level=(),
    rewrites=None,
    required_speedup=None,
)


@pytest.mark.parametrize("run", [RUN, NOTHING], ids=["improved", "nothing-faster"])
def test_a_run_that_is_written_is_read_back(run: Run, tmp_path: Path) -> None:
    path = report.write(run, tmp_path)
    assert report.read(tmp_path) == run
    assert report.read(path) == run
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.json"]


def test_the_file_has_the_schema_version_and_the_speedup(tmp_path: Path) -> None:
    content = json.loads(report.write(RUN, tmp_path).read_text())
    assert (content["schema"], content["speedup"], content["outcome"]) == (4, 1.25, "improved")
    assert json.loads(report.to_json(NOTHING))["speedup"] == 1.0


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"schema": 5}, "schema version 5"),
        ({"outcome": "splendid"}, "is not a result"),
        ({"elapsed_s": "long"}, "is not a result"),
        ({"files": None}, "is not a result"),
        ({"more": 1}, "is not a result"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, change: dict, expected: str) -> None:
    path = report.write(RUN, tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(UsageError, match=expected):
        report.read(tmp_path)


def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no result at"):
        report.read(tmp_path)
    (tmp_path / "result.json").write_text("[1, 2]")
    with pytest.raises(UsageError, match="is not a result"):
        report.read(tmp_path)


def test_a_folder_that_is_not_there_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't write"):
        report.write(RUN, tmp_path / "gone")


def test_a_required_speedup_is_missed_below_it_only() -> None:
    assert not RUN.requirement_missed
    assert not NOTHING.requirement_missed
    assert replace(RUN, required_speedup=1.3).requirement_missed
    assert replace(NOTHING, required_speedup=1.01).requirement_missed


def test_the_summary_says_what_how_and_why() -> None:
    text = report.summary(replace(RUN, required_speedup=1.3))
    for part in (
        "prög.c is faster",
        "1.250x [1.200, 1.300] (95% interval, 3 pairs)",
        "hidden variant 1: 1.100x",
        "by-construction; 12 test cases passed, 3 of them hidden",
        'search: clones; recipe {"clones":["x86-64-v3"]',
        "rewrites for builds: 1, 1.220x [1.200, 1.250] together",
        "not a rewrite: cold: it was inlined",
        "1 accepted",
        "check variants: skipped",
        "1.3x was missed",
        "/src/prög.llmcoop",
    ):
        assert part in text
    assert "refuted" not in text and "identity" not in text


def test_every_field_is_documented() -> None:
    text = DOCUMENT.read_text()
    assert f"schema version {report.SCHEMA_VERSION}." in text
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    for kind in _records(Run):
        documented = re.findall(r"^\| `(\w+)` \|", sections[kind.__name__], re.MULTILINE)
        extra = ["schema", "speedup"] if kind is Run else []
        assert documented == [*extra, *(entry.name for entry in fields(kind))], kind.__name__


def _records(kind: type) -> list[type]:
    """The dataclass and those that it is made of."""
    found = [kind]
    for hint in get_type_hints(kind).values():
        for part in (hint, *get_args(hint)):
            if isinstance(part, type) and is_dataclass(part):
                found += _records(part)
    return list(dict.fromkeys(found))
