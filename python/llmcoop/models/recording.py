"""Runs that are written down step by step, so that a later run can follow them without a model and without a clock.

What differs from machine to machine is timing, and all that depends on it: what the guide decides, which recipes are
proposed, which candidates seem faster, which tests and counterexamples are found in the time given. Each of these is
an entry.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, TypeVar

from llmcoop import record
from llmcoop.errors import UsageError
from llmcoop.models import Message, Model, RecordingEnded, Reply, Request, Role, Turn, Usage
from llmcoop.values import Adequacy, Candidate, Evidence, Outcome, TestCase

SCHEMA_VERSION = 1
_HINT = "name a file that --record wrote"

T = TypeVar("T", bound="Entry")


@dataclass(frozen=True, slots=True)
class Header:
    """What was recorded; the first line of the file, with the schema version."""

    llmcoop: str  # version that wrote it
    program: str  # name of its first source file
    spec_key: str  # see Spec.key: of what was optimized
    model: str  # name
    rounds: int = 1  # of proposals in one expansion
    samples: int = 1  # proposals that were asked for in each


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the model."""

    turn: Turn
    said: tuple[Message, ...]  # that no earlier call of the conversation had
    reply: Reply
    calls_tools: bool = True  # whether the model could be given tools by then


@dataclass(frozen=True, slots=True)
class Step:
    """What the guide decided; what follows, up to the next step, came of it."""

    number: int  # from 1; a step that a kill cut short has the same number again when it goes on
    action: str  # its kind
    parent: str  # key of the candidate that it goes on from; empty for the program itself
    reason: str


@dataclass(frozen=True, slots=True)
class Tests:
    """The test cases that a search or a model found, and what they are worth."""

    __test__ = False  # not a pytest class

    cases: tuple[TestCase, ...]
    adequacy: Adequacy | None = None


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What came of a candidate."""

    candidate: str  # key
    outcome: Outcome
    evidence: Evidence | None = None
    speedup: float | None = None  # over the baseline; None if it was not timed
    built: Candidate | None = None  # what a search made; what somebody wrote is in the replies, or a file of the user's


Entry = Call | Step | Evaluated | Tests

_KINDS: Mapping[str, type[Entry]] = {"call": Call, "step": Step, "evaluated": Evaluated, "tests": Tests}
_NAMES = {kind: name for name, kind in _KINDS.items()}


class Recorder:
    """Writes a recording, a line an entry, as things happen; any thread may add."""

    def __init__(self, path: Path, header: Header, *, resume: bool = False) -> None:
        """Begin the recording `path`; an earlier one there is replaced, or with `resume` continued.

        Raises UsageError when the file can't be written, is something else, or is to be continued and does not fit.
        """
        self._path = path.absolute()
        self._lock = threading.Lock()
        self.earlier: Recording | None = None  # what is continued
        try:
            if self._path.exists() and self._path.stat().st_size > 0:
                self._check(header, resume)
            self._file = self._continued() if self.earlier else self._path.open("wb", buffering=0)
        except OSError as error:
            raise self._unwritable(error) from error
        if not self.earlier:
            self._write({"schema": SCHEMA_VERSION, "header": record.dump(header)})

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, entry: Entry) -> None:
        """Write an entry; it survives a kill of this process from then on. Raises UsageError."""
        self._write({_NAMES[type(entry)]: record.dump(entry, {Path: self._name})})

    def _check(self, header: Header, resume: bool) -> None:
        if resume:
            self.earlier = Recording.load(self._path)
            self.earlier.check(header.spec_key)
        else:
            _first(self._path, self._path.read_bytes().splitlines())

    def _continued(self) -> BinaryIO:
        """The file, to go on after its last whole line."""
        whole = self._path.read_bytes().rfind(b"\n") + 1
        file = self._path.open("r+b", buffering=0)
        file.truncate(whole)
        file.seek(whole)
        return file

    def _name(self, path: Path) -> str:
        """How an input file is called: by its place in the folder of the recording, so that both can move."""
        folder = self._path.parent
        return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path.absolute())

    def _write(self, content: object) -> None:
        line = json.dumps(content, separators=(",", ":")).encode() + b"\n"
        try:
            with self._lock:
                while line:
                    line = line[self._file.write(line) :]
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> UsageError:
        return UsageError(f"can't write the recording {self._path}: {error.strerror}", "name another file")


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded run; of what was recorded twice, because the run was resumed, the later counts."""

    path: Path
    header: Header
    entries: tuple[Entry, ...]
    replies: Mapping[Turn, Reply]
    steps: tuple[Step, ...]
    tests: Tests | None  # None if the run did not come to that
    evaluated: Mapping[str, Evaluated]  # by key of the candidate
    searched: Mapping[int, tuple[Candidate, ...]]  # what searches made, by number of the step

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Read a recording; a last line that was cut off by a kill is left out.

        Raises UsageError when the file can't be read, is no recording, has a damaged line, or has another schema.
        """
        try:
            *lines, _ = path.read_bytes().split(b"\n")
        except OSError as error:
            raise UsageError(f"can't read the recording {path}: {error.strerror}", _HINT) from error
        header = _header(path, lines)
        folder = path.absolute().parent
        entries = tuple(_entry(path, number, line, folder) for number, line in enumerate(lines[1:], start=2))
        return cls(
            path,
            header,
            entries,
            MappingProxyType({call.turn: call.reply for call in _of(Call, entries)}),
            tuple({step.number: step for step in _of(Step, entries)}.values()),
            next(reversed(_of(Tests, entries)), None),
            MappingProxyType({each.candidate: each for each in _of(Evaluated, entries)}),
            MappingProxyType(_searched(entries)),
        )

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls of the model, in the order of their replies."""
        return tuple(_of(Call, self.entries))

    def check(self, spec_key: str) -> None:
        """Raises UsageError unless it is a recording of the program, inputs, flags and tests with this key."""
        if self.header.spec_key != spec_key:
            raise UsageError(
                f"{self.path} records a run of another {self.header.program}: its sources, flags, workload or tests"
                " have changed since",
                "go back to those that were recorded, or record the run again with --record",
            )


class RecordingModel:
    """A model whose replies are written down."""

    def __init__(self, model: Model, recorder: Recorder) -> None:
        self._model = model
        self._recorder = recorder
        self._lock = threading.Lock()
        self._heard: dict[tuple[str, int], list[tuple[Message, ...]]] = {}

    @property
    def name(self) -> str:
        """That of the model."""
        return self._model.name

    @property
    def calls_tools(self) -> bool:
        """Whether the model can be given tools."""
        return self._model.calls_tools

    def complete(self, request: Request) -> Reply:
        """The model's reply. Raises ModelError, and UsageError when it can't be recorded."""
        said = self._news(request)
        reply = self._model.complete(request)
        self._recorder.add(Call(request.turn, said, reply, self._model.calls_tools))
        return reply

    def _news(self, request: Request) -> tuple[Message, ...]:
        """The messages that no earlier request of the conversation or of a fork had, but for the model's own."""
        with self._lock:
            heard = self._heard.setdefault((request.turn.agent, request.turn.conversation), [])
            known = max((_in_common(each, request.messages) for each in heard), default=0)
            heard.append(request.messages)
        return tuple(message for message in request.messages[known:] if message.role is not Role.ASSISTANT)


class RecordedModel:
    """A model that says what a recorded one said at the same turn, whatever it is asked; it costs nothing."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    @property
    def name(self) -> str:
        """That of the recorded model."""
        return self._recording.header.model

    @property
    def calls_tools(self) -> bool:
        """As the recorded model did; of one that turned out not to, its recording tells from the start."""
        return all(call.calls_tools for call in self._recording.calls)

    def complete(self, request: Request) -> Reply:
        """The recorded reply. Raises RecordingEnded when there is none for this turn."""
        turn = request.turn
        reply = self._recording.replies.get(turn)
        if reply is None:
            raise RecordingEnded(
                f"{self._recording.path} has no reply for call {turn.number} of {turn.agent} conversation"
                f" {turn.conversation}, sample {turn.sample}",
                "the recorded run ended before it, or ran with other options",
            )
        return replace(reply, usage=Usage())


def _first(path: Path, lines: Sequence[bytes]) -> tuple[object, object]:
    """The schema version of a recording and its header, still as JSON gave it."""
    try:
        first = json.loads(lines[0])
        return first["schema"], first["header"]
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise UsageError(f"{path} is not a recording of LLMCoop", _HINT) from error


def _header(path: Path, lines: Sequence[bytes]) -> Header:
    version, header = _first(path, lines)
    if version != SCHEMA_VERSION:
        raise UsageError(
            f"{path} has schema version {version}, and this LLMCoop reads {SCHEMA_VERSION}",
            "replay it with the LLMCoop that wrote it, or record the run again with --record",
        )
    try:
        return record.load(Header, header)
    except (ValueError, TypeError) as error:
        raise UsageError(f"the header of the recording {path} is damaged: {error}", _HINT) from error


def _entry(path: Path, number: int, line: bytes, folder: Path) -> Entry:
    try:
        ((name, content),) = json.loads(line).items()
        return record.load(_KINDS[name], content, {Path: lambda name: Path(folder, name)})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"line {number} of the recording {path} is damaged: {error!r}", "record the run again with --record"
        ) from error


def _of(kind: type[T], entries: Iterable[Entry]) -> list[T]:
    return [entry for entry in entries if isinstance(entry, kind)]


def _searched(entries: Iterable[Entry]) -> dict[int, tuple[Candidate, ...]]:
    """The candidates that a search made, by the step that they follow; each once."""
    number, found = 0, defaultdict[int, dict[str, Candidate]](dict)
    for entry in entries:
        if isinstance(entry, Step):
            number = entry.number
        elif isinstance(entry, Evaluated) and entry.built is not None:
            found[number][entry.candidate] = entry.built
    return {number: tuple(candidates.values()) for number, candidates in found.items()}


def _in_common(left: Sequence[Message], right: Sequence[Message]) -> int:
    """How many messages both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
