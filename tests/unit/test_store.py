"""The store gives back what was put in, also after a kill, and to several processes."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcoop.errors import UsageError
from llmcoop.migrations import MIGRATIONS
from llmcoop.store import Store
from llmcoop.values import (
    Candidate,
    Counterexample,
    Evaluation,
    Evidence,
    EvidenceKind,
    FunctionRecipe,
    Invocation,
    Level,
    Measurement,
    Outcome,
    Recipe,
    TestCase,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
RECIPES = st.builds(
    Recipe,
    whole_program=st.booleans(),
    clones=st.lists(TEXT).map(tuple),
    pipeline=TEXT,
    functions=st.lists(st.builds(FunctionRecipe, TEXT, st.lists(st.tuples(TEXT, TEXT)).map(tuple))).map(tuple),
)
CASES = st.builds(
    TestCase,
    # Arguments of a program can be any bytes: Python gives those that are no UTF-8 as surrogates.
    st.builds(Invocation, st.lists(st.text()).map(tuple), st.binary(), st.just((Path("/data/ä b.txt"),))),
    st.binary(),
    st.integers(0, 255),
    TEXT,
    st.booleans(),
)
FAILURES = st.none() | st.builds(Counterexample, CASES, st.binary(), TEXT)
COUNTS = st.integers(0, 10**6)
EVIDENCE = st.none() | st.builds(
    Evidence, st.sampled_from(EvidenceKind), COUNTS, COUNTS, FAILURES, COUNTS, st.lists(TEXT).map(tuple)
)
RATIO = st.floats(0, allow_infinity=True)
SAMPLES = st.lists(st.integers(1, 10**12)).map(tuple)
MEASUREMENTS = st.none() | st.builds(Measurement, SAMPLES, SAMPLES, RATIO, RATIO, RATIO, RATIO)
EVALUATIONS = st.builds(
    Evaluation,
    st.builds(Candidate, st.sampled_from(Level), TEXT, RECIPES, TEXT, TEXT, TEXT, st.booleans()),
    st.sampled_from(Outcome),
    EVIDENCE,
    MEASUREMENTS,
    TEXT,
    TEXT,
)

WRITER = """
import sys
from pathlib import Path
from llmcoop.store import Store
from llmcoop.values import Candidate, Counterexample, Evaluation, Evidence, EvidenceKind, Invocation
from llmcoop.values import Level, Outcome, TestCase

store = Store.open(Path(sys.argv[1]))
run = store.unfinished("key") or store.begin("key", "prog.c")
case = TestCase(Invocation(("1",), b"x" * 100_000), b"out", 0, "user")
evidence = Evidence(EvidenceKind.REFUTED, 1, 0, Counterexample(case, b"wrong", "exit 0"))
done = len(store.evaluations(run))
for number in range(done, 100_000):
    candidate = Candidate(Level.IR, str(number), text=str(number))
    store.add(run, Evaluation(candidate, Outcome.REFUTED, evidence), seconds=0.5)
    print(number, flush=True)
"""


READER = """
import sys
from pathlib import Path
from llmcoop.store import Store

Store.open(Path(sys.argv[1])).runs()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


def evaluation(name: str) -> Evaluation:
    return Evaluation(Candidate(Level.IR, name, text=name), Outcome.NOT_FASTER)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(EVALUATIONS, max_size=6, unique_by=lambda entry: entry.candidate.key))
def test_evaluations_come_back_as_they_were(path: Path, entries: list[Evaluation]) -> None:
    with Store.open(path) as store:
        run = store.begin("key", "prog.c")
        for entry in entries:
            store.add(run, entry)
        assert store.evaluations(run) == entries


def test_a_candidate_is_kept_once_in_a_run(path: Path) -> None:
    with Store.open(path) as store:
        run = store.begin("key", "prog.c")
        store.add(run, evaluation("a"))
        with pytest.raises(ValueError, match="already"):
            store.add(run, evaluation("a"))
        assert store.evaluations(run) == [evaluation("a")]
        other = store.begin("key", "prog.c")
        store.add(other, evaluation("a"))
        assert store.evaluations(other) == [evaluation("a")]


def test_an_unfinished_run_is_found_until_it_is_finished(path: Path) -> None:
    with Store.open(path) as store:
        assert store.unfinished("key") is None
        run = store.begin("key", "prog.c")
        store.add(run, evaluation("a"), seconds=2.5)
    with Store.open(path) as store:
        assert store.unfinished("other") is None
        assert store.unfinished("key") == run
        store.finish(run, "improved")
        assert store.unfinished("key") is None
        entry = store.runs()[0]
        assert (entry.id, entry.spec_key, entry.program, entry.outcome) == (run, "key", "prog.c", "improved")
        assert entry.finished_at is not None and entry.finished_at >= entry.started_at


def test_spent_seconds_are_summed_by_level(path: Path) -> None:
    with Store.open(path) as store:
        run = store.begin("key", "prog.c")
        assert store.spent_s(run) == 0
        for number, level in enumerate((Level.IR, Level.IR, Level.ASM)):
            store.add(run, Evaluation(Candidate(level, "", text=str(number)), Outcome.NOT_FASTER), 1.5)
        assert (store.spent_s(run), store.spent_s(run, Level.IR), store.spent_s(run, Level.SOURCE)) == (
            4.5,
            3,
            0,
        )


def test_an_input_that_many_candidates_fail_is_kept_once(path: Path) -> None:
    case = TestCase(Invocation((), b"x" * 1_000_000), b"", 0, "user")
    with Store.open(path) as store:
        run = store.begin("key", "prog.c")
        for name in "abcdefgh":
            evidence = Evidence(EvidenceKind.REFUTED, counterexample=Counterexample(case, b"", "exit 1"))
            candidate = Candidate(Level.IR, name, text=name)
            store.add(run, Evaluation(candidate, Outcome.REFUTED, evidence))
    assert path.stat().st_size < 2_000_000


def test_a_second_run_is_refused_while_one_goes_on(path: Path) -> None:
    with Store.open(path) as first, Store.open(path) as second:
        run = first.begin("key", "prog.c")
        for attempt in (
            lambda: second.begin("other", "prog.c"),
            lambda: second.unfinished("key"),
            lambda: second.add(run, evaluation("a")),
        ):
            with pytest.raises(UsageError, match="another run is going on"):
                attempt()
        assert len(second.runs()) == 1
        first.finish(run, "improved")
        assert second.begin("other", "prog.c") == run + 1


def test_a_newer_database_is_refused_and_unchanged(path: Path) -> None:
    Store.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(UsageError, match="newer LLMCoop"):
        Store.open(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)


def test_a_database_of_an_older_version_is_migrated_with_what_is_in_it(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.executescript(MIGRATIONS[0])
        connection.execute("PRAGMA user_version = 1")
        connection.execute("INSERT INTO runs VALUES (1, 'key', 'prog.c', '2026-01-01T00:00:00+00:00', NULL, NULL)")
        columns = "(id, run, key, level, origin, recipe, text, parent)"
        connection.execute(f"INSERT INTO candidates {columns} VALUES (1, 1, 'k', 'ir', 'a', '{{}}', 'a', '')")
        columns = "(candidate, outcome, seconds, message, executable_sha256, evidence, cases_passed, cases_hidden)"
        connection.execute(f"INSERT INTO evaluations {columns} VALUES (1, 'not-faster', 1.0, '', '', 'tested', 3, 1)")
    with Store.open(path) as store:
        expected = replace(evaluation("a"), evidence=Evidence(EvidenceKind.TESTED, 3, 1))
        assert store.evaluations(1) == [expected]


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("no database, but long enough to be taken for one" * 100)
    with pytest.raises(UsageError, match="damaged"):
        Store.open(path)


def test_a_folder_that_does_not_exist_is_refused(path: Path) -> None:
    with pytest.raises(UsageError, match="can't use the store"):
        Store.open(path / "below" / "store.sqlite")


def test_several_processes_may_open_a_new_store_at_once(path: Path) -> None:
    children = [subprocess.Popen([sys.executable, "-c", READER, str(path)]) for _ in range(6)]
    assert [child.wait(60) for child in children] == [0] * 6


def test_a_killed_writer_loses_and_doubles_nothing(path: Path) -> None:
    said = -1
    for kill in range(12):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        os.read(child.stdout.fileno(), 1)  # at least one was committed; then any moment
        time.sleep(0.013 * kill)
        child.send_signal(signal.SIGKILL)
        printed = child.stdout.read().split(b"\n")[:-1]
        child.wait()
        child.stdout.close()
        said = int(printed[-1]) if printed and printed[-1] else said
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchone() is None
    with Store.open(path) as store:
        run = store.unfinished("key")
        assert run is not None and len(store.runs()) == 1
        origins = [entry.candidate.origin for entry in store.evaluations(run)]
        assert origins == [str(number) for number in range(len(origins))]
        assert len(origins) in (said + 1, said + 2)  # the kill may come between a commit and its line
        assert store.spent_s(run) == 0.5 * len(origins)
