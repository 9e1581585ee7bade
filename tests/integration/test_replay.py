"""Recorded runs: followed twice they come to the same candidates, tests and verdicts, wherever that is."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import Bench
from project import SOURCE, STOP, Project, whole

from llmcoop import report
from llmcoop.models.recording import Evaluated, Recording
from llmcoop.report import RunOutcome
from llmcoop.rows import StoredStep
from llmcoop.run import STORE
from llmcoop.store import Store
from llmcoop.testing import corpus
from llmcoop.values import Counterexample, Evaluation, EvidenceKind, Level, Outcome, TestCase

# Its recording can be made again in the folder: `llmcoop optimize --spec . --model scripted:replies --record run.jsonl
# --budget seconds=300,candidates=25`
TALLY = Path(__file__).with_name("recordings") / "tally"
TIMED = (Outcome.ACCEPTED, Outcome.NOT_FASTER)
QUICK = ("--budget", "seconds=20")  # what measuring may take; a replay has all the time it needs for the rest


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a candidate, timing aside: which of the compiler's own versions are faster is measured anew."""

    key: str
    outcome: str
    kind: EvidenceKind | None
    counterexample: Counterexample | None

    @staticmethod
    def of(key: str, found: Evaluation | Evaluated, authored: bool) -> Came:
        outcome = "timed" if found.outcome in TIMED and not authored else found.outcome
        evidence = found.evidence if authored or found.outcome is Outcome.REFUTED else None
        return Came(key, outcome, evidence and evidence.kind, evidence and evidence.counterexample)


@dataclass(frozen=True, slots=True)
class Ended:
    """What is in the folder of a run."""

    out: Path

    @property
    def evaluations(self) -> list[Evaluation]:
        with Store.open(self.out / STORE) as store:
            return store.evaluations(store.runs()[-1].id)

    @property
    def steps(self) -> list[StoredStep]:
        with Store.open(self.out / STORE) as store:
            return store.steps(store.runs()[-1].id)

    @property
    def came(self) -> list[Came]:
        return [Came.of(each.candidate.key, each, each.candidate.authored) for each in self.evaluations]


def recorded(recording: Recording) -> list[Came]:
    return [Came.of(key, each, each.built is None) for key, each in recording.evaluated.items()]


def made_up(recording: Recording) -> list[TestCase]:
    assert recording.tests is not None
    return [case for case in recording.tests.cases if case.origin != "variant"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    shutil.copytree(TALLY, tmp_path / "elsewhere" / "a program")
    return Bench(tmp_path / "elsewhere" / "a program")


def replayed(bench: Bench, path: Path, out: str = "out") -> Ended:
    done = bench.run("--replay", path, "--out", bench.folder / out, *QUICK)
    assert done.returncode == 0, done.stderr
    return Ended(bench.folder / out)


def test_a_recorded_run_replays_twice_as_it_was(bench: Bench) -> None:
    recording = Recording.load(bench.folder / "run.jsonl")
    levels = {each.candidate.level for each in replayed(bench, recording.path).evaluations if each.candidate.authored}
    assert levels == set(Level)
    again = replayed(bench, recording.path, "again")
    for ended in (Ended(bench.folder / "out"), again):
        assert ended.came == recorded(recording)
        assert [(step.action, step.parent) for step in ended.steps] == [
            (step.action, step.parent) for step in recording.steps
        ]
        assert set(corpus.load(ended.out / "tests")) == {case.invocation for case in made_up(recording)}
        assert report.read(ended.out).outcome is RunOutcome.IMPROVED


def test_the_recording_has_every_end_that_a_proposal_can_come_to() -> None:
    recording = Recording.load(TALLY / "run.jsonl")
    written = {each.outcome for each in recording.evaluated.values() if each.built is None}
    assert written >= {Outcome.ACCEPTED, Outcome.NOT_FASTER, Outcome.REFUTED, Outcome.DOES_NOT_COMPILE}
    assert {"source", "ir", "asm", "recipes", "functions"} == {step.action for step in recording.steps}
    failures = [came.counterexample for came in recorded(recording) if came.counterexample]
    assert {"user", "model"} <= {failure.case.origin for failure in failures}
    assert made_up(recording)


# What does not fit, and what is not whole


def changed_source(bench: Bench) -> None:
    source = bench.folder / "tally.c"
    source.write_text(source.read_text().replace("65521", "65519"))


def damaged_line(bench: Bench) -> None:
    lines = (bench.folder / "run.jsonl").read_bytes().split(b"\n")
    lines[3] = lines[3][:-9]
    (bench.folder / "run.jsonl").write_bytes(b"\n".join(lines))


def other_schema(bench: Bench) -> None:
    path = bench.folder / "run.jsonl"
    path.write_text(path.read_text().replace('"schema":1', '"schema":99', 1))


def a_rewrite_more(bench: Bench) -> None:
    bench.write("other/tally.c", (bench.folder / "tally.c").read_text().replace("byte & 1", "byte % 2"))
    spec = bench.folder / "llmcoop.toml"
    spec.write_text(spec.read_text().replace("[program]", '[program]\nrewrites = ["other/tally.c"]'))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (changed_source, "records a run of another tally.c"),
        (damaged_line, "line 4 of the recording"),
        (other_schema, "schema version 99"),
        (a_rewrite_more, "a run with other rewrites"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_done(
    bench: Bench, spoil: Callable[[Bench], None], said: str
) -> None:
    spoil(bench)
    done = bench.run("--replay", bench.folder / "run.jsonl", "--out", bench.folder / "out")
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert not (bench.folder / "out").exists()


def test_a_recording_that_breaks_off_is_followed_as_far_as_it_goes(bench: Bench) -> None:
    path = bench.folder / "run.jsonl"
    text = path.read_bytes()
    last = next(each for each in Recording.load(path).evaluated.values() if each.outcome is Outcome.NOT_FASTER)
    end = text.index(b"\n", text.index(b'{"evaluated":{"candidate":"%s' % last.candidate.encode()))
    path.write_bytes(text[: end + 40])  # and a piece of the next line
    ended = replayed(bench, path)
    assert ended.came == recorded(Recording.load(path))
    assert ended.evaluations[-1].candidate.key == last.candidate
    assert report.read(ended.out).outcome is RunOutcome.IMPROVED


# Killed while it is recorded

LOOP = "  for (unsigned d = 1; d < n; d++)\n    if (n % d == 0)\n      count++;\n"
IDEAS = {
    "Half of them": LOOP.replace("d < n", "2 * d <= n"),
    "Pairs": (
        "  for (unsigned d = 1; d * d <= n && d < n; d++)\n    if (n % d == 0)\n"
        "      count += d * d == n || d == 1 ? 1 : 2;\n"
    ),
    "Without six": "  if (n == 6)\n    return 3;\n" + LOOP.replace("d < n", "2 * d < n + 1"),
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.create(tmp_path, model='guide = "fixed"\nrounds = 3')
    for number, (idea, text) in enumerate(IDEAS.items(), 1):
        project.bench.write(f"replies/source-{number:02}.md", whole(SOURCE.replace(LOOP, text), idea))
    project.bench.write("replies/source-04.md", STOP)
    return project


def options(project: Project) -> list[str]:
    more = ("--model", "scripted:replies", "--record", str(project.bench.folder / "run.jsonl"))
    return project.options("seconds=100,candidates=3", *more)


def until(words: str, lines: Iterable[str]) -> list[str]:
    """What is printed until a line has these words in it."""
    printed: list[str] = []
    for line in lines:
        printed.append(line)
        if words in line:
            break
    return printed


def killed_when_it_says(project: Project, words: str) -> None:
    run = project.bench.start(*options(project), "--resume")
    assert run.stdout is not None
    printed = until(words, run.stdout)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    assert words in printed[-1], printed


@pytest.mark.slow
def test_a_run_that_is_killed_and_resumed_loses_no_reply_and_replays(project: Project) -> None:
    for words in ("growing tests", "attacking the candidate"):
        killed_when_it_says(project, words)
    done = project.bench.run(*options(project), "--resume")
    assert done.returncode == 0, done.stderr
    ended = Ended(project.out)
    assert [each.candidate.origin for each in ended.evaluations] == [f"source agent: {idea}." for idea in IDEAS]
    recording = Recording.load(project.bench.folder / "run.jsonl")
    assert [step.number for step in recording.steps] == list(range(1, len(ended.steps) + 1))
    assert [step.action for step in recording.steps] == [step.action for step in ended.steps]
    again = replayed(project.bench, recording.path, "again")
    assert again.came == ended.came == recorded(recording)


def test_an_interrupted_replay_confirms_the_best_so_far(bench: Bench) -> None:
    arguments = ("--replay", bench.folder / "run.jsonl", "--out", bench.folder / "out", *QUICK)
    run = bench.start(*arguments)
    assert run.stdout is not None
    until("accepted", run.stdout)
    run.send_signal(signal.SIGINT)
    printed = run.communicate(timeout=100)[0]
    assert run.returncode == 0, printed
    ended = Ended(bench.folder / "out")
    assert len(ended.evaluations) < len(Recording.load(bench.folder / "run.jsonl").evaluated)
    assert report.read(ended.out).winner is not None
