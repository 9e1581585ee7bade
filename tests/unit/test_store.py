"""The store gives back what was put in, also after a kill, and to several processes."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcoop.errors import UsageError
from llmcoop.migrations import MIGRATIONS
from llmcoop.models import Message, Reply, Request, Role, Tool, ToolCall, Turn, Usage
from llmcoop.models.ledger import Ledger
from llmcoop.rows import StoredStep
from llmcoop.store import Store
from llmcoop.values import (
    Budget,
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

# Dies just before the statement with the given number of those that opening a store executes.
DYING_OPENER = """
import os, signal, sys
from pathlib import Path
from llmcoop.store import Store

left = int(sys.argv[2])

def count(frame, event, called):
    global left
    if event == "c_call" and called.__name__ == "execute":
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.setprofile(count)
Store.open(Path(sys.argv[1]))
"""

READER = """
import sys
from pathlib import Path
from llmcoop.store import Store

Store.open(Path(sys.argv[1])).runs()
"""


REQUESTS = st.builds(
    Request,
    st.builds(Turn, TEXT, COUNTS, COUNTS, COUNTS),
    st.lists(st.builds(Message, st.sampled_from(Role), TEXT)).map(tuple),
    st.just((Tool("mca", "how fast it is", {"type": "object", "properties": {"loop": {"type": "integer"}}}),)),
)
REPLIES = st.builds(
    Reply,
    st.builds(Message, st.just(Role.ASSISTANT), TEXT, st.lists(st.builds(ToolCall, TEXT, TEXT, TEXT)).map(tuple)),
    st.builds(Usage, COUNTS, COUNTS, COUNTS, st.floats(0, 1e6)),
    st.booleans(),
)

REQUEST = Request(Turn("source", 1, 0, 1), (Message(Role.USER, "faster"),))
REPLY = Reply(Message(Role.ASSISTANT, "no"), Usage(2, 100, 10, 0.25))


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


def version_2(path: Path) -> None:
    """A store as it was before there were models, with a run in it."""
    with sqlite3.connect(path) as connection:
        for migration in MIGRATIONS[:2]:
            connection.executescript(migration)
        connection.execute("PRAGMA user_version = 2")
        connection.execute("INSERT INTO runs VALUES (1, 'key', 'prog.c', '2026-01-01T00:00:00+00:00', NULL, NULL)")
    connection.close()


def test_a_store_from_before_there_were_models_takes_their_calls(path: Path) -> None:
    version_2(path)
    with Store.open(path) as store:
        assert store.unfinished("key") == 1
        assert (store.spending(1), store.calls(1), store.steps(1)) == (Usage(), [], [])
        store.cache(1, "some-model").keep("digest", REQUEST, REPLY)
        assert store.spending(1) == REPLY.usage


def test_a_migration_that_is_killed_anywhere_leaves_a_store_that_can_be_migrated(path: Path) -> None:
    version_2(path)
    killed, statement = True, -1
    while killed:
        statement += 1
        copy = path.with_name(f"{statement}.sqlite")
        shutil.copy(path, copy)
        ended = subprocess.run([sys.executable, "-c", DYING_OPENER, str(copy), str(statement)], check=False)
        with Store.open(copy) as store:
            assert store.unfinished("key") == 1
            store.add_step(1, StoredStep("ir", "", ""))
        killed = ended.returncode != 0
        assert ended.returncode in (0, -signal.SIGKILL)
    assert statement > 8


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


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(REQUESTS, REPLIES), max_size=4))
def test_model_calls_come_back_as_they_were(path: Path, entries: list[tuple[Request, Reply]]) -> None:
    with Store.open(path) as store:
        run = store.begin("key", "prog.c")
        cache = store.cache(run, "some-model")
        for request, reply in entries:
            cache.keep("digest", request, reply)
            assert cache.find("digest", request.turn) == reply
        stored = store.calls(run)
        assert [(call.request, call.reply) for call in stored] == entries
        assert {call.model for call in stored} <= {"some-model"}


def test_a_reply_is_found_by_a_later_run_that_does_not_pay_for_it_again(path: Path) -> None:
    with Store.open(path) as store:
        first = store.begin("key", "prog.c")
        store.cache(first, "some-model").keep("digest", REQUEST, REPLY)
        second = store.begin("key", "prog.c")
        cache = store.cache(second, "some-model")
        assert [cache.find(digest, REQUEST.turn) for digest in ("digest", "other", "")] == [REPLY, None, None]
        assert (store.spending(first), store.spending(second)) == (REPLY.usage, Usage())


def test_a_run_that_goes_on_has_its_replies_whatever_it_asks_now(path: Path) -> None:
    other = replace(REQUEST.turn, number=REQUEST.turn.number + 1)
    with Store.open(path) as store:
        run = store.begin("key", "prog.c")
        cache = store.cache(run, "some-model")
        cache.keep("with one time in it", REQUEST, REPLY)
        assert [cache.find("with another", turn) for turn in (REQUEST.turn, other)] == [REPLY, None]
        assert store.cache(run, "another model").find("with another", REQUEST.turn) is None
        assert cache.given() == {REQUEST.turn.agent: 1}


def test_usage_is_summed_by_agent(path: Path) -> None:
    with Store.open(path) as store:
        run = store.begin("key", "prog.c")
        cache = store.cache(run, "some-model")
        for agent in ("source", "ir", "source"):
            cache.keep("digest", replace(REQUEST, turn=replace(REQUEST.turn, agent=agent)), REPLY)
        assert store.usage_by_agent(run) == {"ir": Usage(2, 100, 10, 0.25), "source": Usage(4, 200, 20, 0.5)}
        assert store.spending(run) == Usage(6, 300, 30, 0.75)


def test_steps_come_back_in_their_order(path: Path) -> None:
    steps = [
        StoredStep("source", "", "first", 12.5, 3, 4000, 0.25, 0.7),
        StoredStep("recipes", "key", "", 3.0, gain=-0.01),
        StoredStep("functions", "", "nothing left"),
    ]
    with Store.open(path) as store:
        run, other = store.begin("key", "prog.c"), store.begin("other", "prog.c")
        for step in steps:
            store.add_step(run, step)
        store.add_step(other, steps[0])
        assert (store.steps(run), store.steps(other)) == (steps, steps[:1])


def test_a_step_that_was_begun_is_known_until_one_is_carried_out(path: Path) -> None:
    with Store.open(path) as store:
        run = store.begin("key", "prog.c")
        for step in (StoredStep("source", "", "first"), StoredStep("ir", "", "in its place")):
            store.begin_step(run, step)
            assert (store.steps(run), store.begun_step(run)) == ([], step)
        store.add_step(run, StoredStep("ir", "", "carried out", note="nothing was proposed"))
        assert store.begun_step(run) is None
        store.begin_step(run, StoredStep("asm", "", "next"))
        assert [step.reason for step in store.steps(run)] == ["carried out"]
        assert store.steps(run)[0].note == "nothing was proposed"


def test_many_threads_may_use_a_store(path: Path) -> None:
    with Store.open(path) as store, ThreadPoolExecutor(8) as pool:
        run = store.begin("key", "prog.c")
        cache = store.cache(run, "some-model")

        def use(number: int) -> None:
            cache.keep(str(number), REQUEST, REPLY)
            store.add(run, evaluation(str(number)), 1.0)
            store.add_step(run, StoredStep("ir", str(number), ""))
            assert cache.find(str(number), REQUEST.turn) == REPLY

        list(pool.map(use, range(200)))
        assert store.spending(run).calls == 400
        assert store.spent_s(run) == 200
        assert Counter(step.parent for step in store.steps(run)) == Counter(map(str, range(200)))


def test_a_second_process_can_not_keep_calls(path: Path) -> None:
    with Store.open(path) as first, Store.open(path) as second:
        run = first.begin("key", "prog.c")
        with pytest.raises(UsageError, match="another run is going on"):
            second.cache(run, "some-model").keep("digest", REQUEST, REPLY)


def test_an_attempt_counts_with_all_that_it_can_take_until_it_is_over(path: Path) -> None:
    with Store.open(path) as store:
        run, other = store.begin("key", "prog.c"), store.begin("other key", "prog.c")
        ledger = Ledger(Budget(calls=4), store.attempted(run), store.cache(run, "some-model"))
        taken, answered, _ = (ledger.reserve(Usage(1, 100, 1000, 0.5)) for _ in range(3))
        assert store.attempted(run) == Usage(3, 300, 3000, 1.5)
        taken.cancel()
        answered.settle(Usage(1, 90, 10, 0.25))
        answered.settle(Usage(1, 90, 900, 0.5))
        assert store.attempted(run) == Usage(2, 190, 1010, 0.75)
        assert store.attempted(other) == Usage()
    with Store.open(path) as store:
        assert Ledger(Budget(calls=4), store.attempted(run)).left.calls == 2


def test_a_store_that_is_closed_takes_no_claim(path: Path) -> None:
    store = Store.open(path)
    run = store.begin("key", "prog.c")
    store.close()
    with pytest.raises(UsageError):
        store.draw(run, Usage(1))
    with Store.open(path) as other:
        assert other.unfinished("key") == run
