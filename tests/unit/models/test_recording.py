"""A recorded run is written as it happens, survives a kill, and is read back as it was."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcoop.errors import UsageError
from llmcoop.models import Message, RecordingEnded, Reply, Request, Role, ToolCall, Turn, Usage
from llmcoop.models.recording import (
    SCHEMA_VERSION,
    Call,
    Entry,
    Evaluated,
    Header,
    RecordedModel,
    Recorder,
    Recording,
    RecordingModel,
    Step,
    Tests,
)
from llmcoop.models.scripted import ScriptedModel
from llmcoop.values import (
    Adequacy,
    Candidate,
    Counterexample,
    Evidence,
    EvidenceKind,
    FunctionRecipe,
    Invocation,
    Level,
    Outcome,
    Recipe,
    Share,
    TestCase,
)

HEADER = Header("0.1", "prog.c", "key", "some-model")
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
COUNTS = st.integers(0, 2**63)
TURNS = st.builds(Turn, TEXT, COUNTS, COUNTS, COUNTS)
MESSAGES = st.builds(
    Message, st.sampled_from(Role), TEXT, st.lists(st.builds(ToolCall, TEXT, TEXT, TEXT)).map(tuple), TEXT
)
REPLIES = st.builds(Reply, MESSAGES, st.builds(Usage, COUNTS, COUNTS, COUNTS, st.floats(0, 1e9)), st.booleans())
RECIPES = st.builds(
    Recipe,
    whole_program=st.booleans(),
    clones=st.lists(TEXT).map(tuple),
    functions=st.lists(st.builds(FunctionRecipe, TEXT, st.lists(st.tuples(TEXT, TEXT)).map(tuple))).map(tuple),
)
CANDIDATES = st.builds(Candidate, st.sampled_from(Level), TEXT, RECIPES, TEXT, TEXT, TEXT, st.booleans())
# Arguments of a program can be any bytes: Python gives those that are no UTF-8 as surrogates.
ARGUMENTS = st.lists(st.binary().map(lambda data: data.decode(errors="surrogateescape"))).map(tuple)
FILES = st.lists(st.sampled_from([Path("/data/ä b.txt"), Path("/elsewhere")])).map(tuple)
CASES = st.builds(
    TestCase, st.builds(Invocation, ARGUMENTS, st.binary(), FILES), st.binary(), COUNTS, TEXT, st.booleans()
)
SHARES = st.builds(Share, COUNTS, COUNTS)
ADEQUACY = st.none() | st.builds(Adequacy, SHARES, SHARES, SHARES, COUNTS, COUNTS, st.lists(TEXT).map(tuple))
EVIDENCE = st.none() | st.builds(
    Evidence, st.sampled_from(EvidenceKind), COUNTS, COUNTS, st.none() | st.builds(Counterexample, CASES, st.binary())
)
ENTRIES: st.SearchStrategy[Entry] = st.one_of(
    st.builds(Call, TURNS, st.lists(MESSAGES).map(tuple), REPLIES, st.booleans()),
    st.builds(Step, COUNTS, TEXT, TEXT, TEXT),
    st.builds(Tests, st.lists(CASES, max_size=2).map(tuple), ADEQUACY),
    st.builds(Evaluated, TEXT, st.sampled_from(Outcome), EVIDENCE, st.none() | st.floats(0, 9), st.none() | CANDIDATES),
)
SEARCHED = Candidate(Level.IR, "search", Recipe(clones=("x86-64-v3",)))
SOME = (
    Step(1, "source", "", "the hot loop is naïve"),
    Call(Turn("source", 1, 0, 1), (Message(Role.USER, "go"),), Reply(Message(Role.ASSISTANT, "no"), Usage(1, 5, 1))),
    Step(2, "recipes", "", "cheap"),
    Tests((TestCase(Invocation((), b"\xff\0"), b"out", 0, "fuzz", True),)),
    Evaluated("a", Outcome.ACCEPTED, Evidence(EvidenceKind.TESTED, 3, 1), 1.5),
    Evaluated(SEARCHED.key, Outcome.NOT_FASTER, speedup=0.9, built=SEARCHED),
)

WRITER = """
import sys
from pathlib import Path
from llmcoop.models.recording import Header, Recorder, Step

with Recorder(Path(sys.argv[1]), Header("0.1", "prog.c", "key", "m"), resume=True) as recorder:
    for number in range(1_000_000):
        recorder.add(Step(number, "ir", sys.argv[2], "x" * 20_000))
        print(number, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


def record(path: Path, *entries: Entry) -> Recording:
    with Recorder(path, HEADER) as recorder:
        for entry in entries:
            recorder.add(entry)
    return Recording.load(path)


def request(text: str = "go", *, sample: int = 0, number: int = 1, agent: str = "source") -> Request:
    return Request(Turn(agent, 1, sample, number), (Message(Role.SYSTEM, "you"), Message(Role.USER, text)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ENTRIES, max_size=5))
def test_entries_come_back_as_they_were(path: Path, entries: list[Entry]) -> None:
    recording = record(path, *entries)
    assert (recording.header, recording.entries) == (HEADER, tuple(entries))


def test_each_kind_of_entry_has_a_view(path: Path) -> None:
    recording = record(path, *SOME)
    assert recording.steps == (SOME[0], SOME[2])
    assert recording.calls == (SOME[1],)
    assert recording.replies == {Turn("source", 1, 0, 1): Reply(Message(Role.ASSISTANT, "no"), Usage(1, 5, 1))}
    assert recording.tests == SOME[3]
    assert recording.evaluated == {"a": SOME[4], SEARCHED.key: SOME[5]}
    assert recording.searched == {2: (SEARCHED,)}


def test_what_was_done_twice_because_of_a_kill_is_there_once(path: Path) -> None:
    other = replace(SEARCHED, recipe=Recipe(whole_program=True))
    evaluated = [Evaluated(each.key, Outcome.ACCEPTED, built=each) for each in (SEARCHED, other)]
    again = replace(evaluated[0], outcome=Outcome.NOT_FASTER)
    recording = record(path, SOME[0], SOME[2], evaluated[0], SOME[3], SOME[2], again, evaluated[1], replace(SOME[3]))
    assert recording.steps == (SOME[0], SOME[2])
    assert recording.searched == {2: (SEARCHED, other)}
    assert recording.evaluated[SEARCHED.key] == again


def test_a_line_can_be_read_by_people(path: Path) -> None:
    record(path, *SOME)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0]["schema"] == SCHEMA_VERSION
    assert lines[1] == {"step": {"number": 1, "action": "source", "parent": "", "reason": "the hot loop is naïve"}}
    assert lines[4]["tests"]["cases"][0]["invocation"] == {"stdin": {"base64": "/wA="}}
    assert lines[5]["evaluated"]["outcome"] == "accepted"


def test_input_files_move_with_the_recording(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    files = (here / "data" / "in.txt", Path("/elsewhere/in.txt"))
    record(here / "run.jsonl", Tests((TestCase(Invocation(files=files), b"", 0, "user"),)))
    here.rename(there)
    tests = Recording.load(there / "run.jsonl").tests
    assert tests is not None
    assert tests.cases[0].invocation.files == (there / "data" / "in.txt", files[1])


def test_many_threads_may_add(path: Path) -> None:
    with Recorder(path, HEADER) as recorder, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: recorder.add(Evaluated(str(number) * 1000, Outcome.WEAK)), range(400)))
    assert set(Recording.load(path).evaluated) == {str(number) * 1000 for number in range(400)}


def test_a_killed_recorder_leaves_a_recording_that_can_be_continued(path: Path) -> None:
    for kill in range(4):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(kill)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        os.read(child.stdout.fileno(), 1)
        time.sleep(0.01 * kill)
        child.send_signal(signal.SIGKILL)
        said = len(child.stdout.read().split(b"\n")) - 1
        child.wait()
        child.stdout.close()
        entries = [entry for entry in Recording.load(path).entries if isinstance(entry, Step)]
        assert {entry.parent for entry in entries} == set(map(str, range(kill + 1)))
        assert entries[-1].number + 1 >= said  # what was said to be written is there


def test_a_line_that_was_cut_off_is_left_out_and_overwritten(path: Path) -> None:
    record(path, *SOME)
    path.write_bytes(path.read_bytes()[:-3])
    assert Recording.load(path).entries == SOME[:-1]
    with Recorder(path, replace(HEADER, model="other"), resume=True) as recorder:
        recorder.add(SOME[-1])
    assert (Recording.load(path).header, Recording.load(path).entries) == (HEADER, SOME)


def test_a_recording_is_replaced_unless_it_is_continued(path: Path) -> None:
    record(path, *SOME)
    assert record(path, SOME[0]).entries == SOME[:1]


def test_what_is_no_recording_is_neither_read_nor_replaced(path: Path) -> None:
    path.write_text("int main(void) { return 0; }\n")
    for attempt in (lambda: Recording.load(path), lambda: Recorder(path, HEADER)):
        with pytest.raises(UsageError, match="not a recording"):
            attempt()
    assert path.read_text() == "int main(void) { return 0; }\n"


def test_a_place_that_cannot_be_written_or_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't write the recording"):
        Recorder(tmp_path / "no" / "run.jsonl", HEADER)
    with pytest.raises(UsageError, match="can't read the recording"):
        Recording.load(tmp_path / "run.jsonl")
    with pytest.raises(UsageError, match="can't write the recording"):
        Recorder(tmp_path, HEADER)


def test_a_full_disk_is_told() -> None:
    with pytest.raises(UsageError, match="No space left"):
        Recorder(Path("/dev/full"), HEADER)


@pytest.mark.parametrize(
    "damage",
    [
        "nonsense",
        "[]",
        "{}",
        "[" * 100_000,
        '{"leap": {}}',
        '{"step": {"action": "expand"}}',
        '{"step": {"action": 1, "parent": "", "reason": ""}}',
        '{"evaluated": {"candidate": "a", "outcome": "weak", "more": 1}}',
        '{"evaluated": {"candidate": "a", "outcome": "splendid"}}',
        '{"evaluated": {"candidate": "a", "outcome": "weak", "evidence": {"kind": "hearsay"}}}',
        '{"tests": {"cases": [{"invocation": {"stdin": {"base64": "?"}},'
        ' "stdout": "", "exit_code": 0, "origin": ""}]}}',
    ],
)
def test_a_damaged_line_is_named(path: Path, damage: str) -> None:
    record(path, *SOME)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], damage, *lines[2:], ""]))
    with pytest.raises(UsageError, match="line 3 of the recording"):
        Recording.load(path)
    assert record(path, *SOME).entries == SOME


def test_another_schema_is_refused(path: Path) -> None:
    record(path)
    path.write_text(path.read_text().replace('"schema":1', '"schema":2'))
    with pytest.raises(UsageError, match="schema version 2"):
        Recording.load(path)
    assert record(path, *SOME).entries == SOME


def test_a_recording_of_another_program_is_refused(path: Path) -> None:
    recording = record(path)
    recording.check("key")
    with pytest.raises(UsageError, match=r"another prog\.c.*have changed since"):
        recording.check("other")
    with pytest.raises(UsageError, match="have changed since"):
        Recorder(path, replace(HEADER, spec_key="other"), resume=True)


@pytest.fixture
def recorded(path: Path) -> Iterator[RecordingModel]:
    script = ScriptedModel({"source": ["one", "two", "three"]}, "some-model")
    with Recorder(path, HEADER) as recorder:
        yield RecordingModel(script, recorder)


def test_a_recorded_model_repeats_what_was_said_in_any_order_for_nothing(path: Path, recorded: RecordingModel) -> None:
    asked = [request(), request(sample=1), request(number=2)]
    said = [recorded.complete(each) for each in asked]
    assert [reply.message.content for reply in said] == ["one", "two", "three"]
    model = RecordedModel(Recording.load(path))
    for each, reply in reversed(list(zip(asked, said, strict=True))):
        assert model.complete(replace(each, messages=())) == replace(reply, usage=Usage())
    assert (model.name, model.calls_tools) == ("some-model", True)


def test_a_turn_that_was_not_recorded_ends_the_replay(path: Path, recorded: RecordingModel) -> None:
    recorded.complete(request())
    with pytest.raises(RecordingEnded, match="no reply for call 2 of source conversation 1, sample 0"):
        RecordedModel(Recording.load(path)).complete(request(number=2))


def test_a_failed_call_is_not_recorded(path: Path, recorded: RecordingModel) -> None:
    with pytest.raises(RecordingEnded):
        recorded.complete(request(agent="guide"))
    assert Recording.load(path).entries == ()


def test_of_a_conversation_each_message_is_recorded_once(path: Path, recorded: RecordingModel) -> None:
    first = request()
    reply = recorded.complete(first).message
    recorded.complete(replace(first, turn=replace(first.turn, sample=1)))
    more = (*first.messages, reply, Message(Role.USER, "faster"))
    recorded.complete(replace(first, messages=more, turn=replace(first.turn, number=2)))
    assert [call.said for call in Recording.load(path).calls] == [first.messages, (), more[-1:]]


def test_a_model_that_was_given_no_tools_is_replayed_without(path: Path) -> None:
    with Recorder(path, HEADER) as recorder:
        RecordingModel(ScriptedModel({"source": ["one"]}, calls_tools=False), recorder).complete(request())
    assert not RecordedModel(Recording.load(path)).calls_tools
