"""What a run over a project says: Amdahl's figures, and a file whose schema is documented."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from llmcoop.project import report
from llmcoop.project.result import Hot, Kept, ProjectRun, Trial, amdahl, limit, own_speedup, to_json
from llmcoop.report import RunOutcome
from llmcoop.values import Measurement, Outcome

DOCUMENT = Path(__file__).parents[3] / "docs" / "projects.md"
GAIN = Measurement((200, 202), (160, 161), 1.25, 1.22, 1.28)
RUN = ProjectRun(
    outcome=RunOutcome.IMPROVED,
    reason="1.250x faster by the project's own benchmark: 1 function rewritten",
    directory=Path("/project"),
    out=Path("/out"),
    baseline_s=0.2,
    alone=True,
    same_output=False,
    required_speedup=1.5,
    elapsed_s=12.0,
    units=3,
    hot=(Hot("sum", Path("src/sum.c"), 0.62),),
    trials=(
        Trial("sum: clone x86-64-v3", Outcome.ACCEPTED, GAIN, kept=True),
        Trial("sum: unroll.count 4", Outcome.SAME_CODE, None),
        Trial("sum: inline never", Outcome.REFUTED, None, "the benchmark ended with 1"),
    ),
    kept=(Kept("sum", Path("src/sum.c"), 0.62, "clone x86-64-v3", ("rewrites/sum-0.rewrite",), GAIN),),
    measurement=GAIN,
    notes=("dropped mean: with it the project's own tests fail",),
    files=("project.json",),
)


@pytest.mark.parametrize(("share", "faster"), [(0.5, 2.0), (0.62, 1 / 0.38), (0.0, 1.0), (1.0, float("inf"))])
def test_the_most_that_a_part_can_gain(share: float, faster: float) -> None:
    assert limit(share) == pytest.approx(faster)


@pytest.mark.parametrize(("share", "own"), [(0.62, 3.0), (0.1, 1.5), (1.0, 2.0), (0.5, 0.8)])
def test_what_became_of_the_part_follows_from_the_whole(share: float, own: float) -> None:
    whole = 1 / (1 - share + share / own)
    assert own_speedup(share, whole) == pytest.approx(own)


def test_a_gain_that_the_share_does_not_explain_is_said_so() -> None:
    assert own_speedup(0.1, 1.2) is None
    assert "underestimate" in amdahl(["f"], 0.1, 1.2)


def test_it_is_said_plainly() -> None:
    assert amdahl(["f"], 0.62, 1.26) == (
        "f has 62% of the time: if it took no time at all, the benchmark would be 2.6x faster; "
        "as measured the gain means f itself became about 1.5x faster"
    )
    assert amdahl(["f", "g"], 0.5, 1.2) == (
        "f and g have 50% of the time: if they took no time at all, the benchmark would be 2.0x faster; "
        "as measured the gain means they became, taken together, about 1.5x faster"
    )


def test_the_report_says_everything_that_was_tried() -> None:
    text = report.summary(RUN)
    for expected in (
        "whole benchmark: 1.250x [1.220, 1.280]",
        "62.0%  sum (src/sum.c)",
        "sum: clone x86-64-v3: accepted 1.250x [1.220, 1.280], kept",
        "sum: unroll.count 4: same-code",
        "sum: inline never: refuted: the benchmark ended with 1",
        "only its exit code was compared",
        "the required speedup of 1.5x was missed",
        "dropped mean",
        "if it took no time at all, the benchmark would be 2.6x faster",
    ):
        assert expected in text


def test_the_file_has_a_version_and_all_fields_are_documented() -> None:
    content = json.loads(to_json(RUN))
    assert (content["schema"], content["speedup"]) == (1, 1.25)
    page = DOCUMENT.read_text().partition("## project.json")[2]
    documented = set(re.findall(r"^\| `([\w.]+)` \|", page, re.MULTILINE))
    known = {"schema", "speedup", *(field.name for field in fields(ProjectRun))}
    for name, kind in (("hot", Hot), ("trials", Trial), ("kept", Kept)):
        known |= {f"{name}.{field.name}" for field in fields(kind)}
    assert documented == known
