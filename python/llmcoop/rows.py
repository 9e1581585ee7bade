"""The rows of the store as values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from llmcoop import record
from llmcoop.models import Reply, Request, Usage
from llmcoop.values import (
    Candidate,
    Counterexample,
    Evaluation,
    Evidence,
    EvidenceKind,
    Invocation,
    Level,
    Measurement,
    Outcome,
    Recipe,
    TestCase,
)


class Row(Protocol):
    """Values by the names of their columns."""

    def __getitem__(self, name: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One run as the store knows it; `finished_at` is `None` while it goes on and after a kill."""

    id: int
    spec_key: str
    program: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call of a model, as it was paid for."""

    request: Request
    reply: Reply
    model: str  # name
    at: datetime


@dataclass(frozen=True, slots=True)
class StoredStep:
    """A decision of the guide, what it took and what it brought."""

    action: str  # its kind
    parent: str  # key of the candidate that was expanded; empty for the program itself
    reason: str
    seconds: float = 0.0
    calls: int = 0
    tokens: int = 0
    usd: float = 0.0
    gain: float = 0.0  # natural logarithm of the best speedup after the step / before it
    note: str = ""  # on what came of it


def run(row: Row) -> StoredRun:
    """From the columns of runs."""
    finished_at = datetime.fromisoformat(row["finished_at"]) if row["finished_at"] else None
    started_at = datetime.fromisoformat(row["started_at"])
    return StoredRun(row["id"], row["spec_key"], row["program"], started_at, finished_at, row["outcome"] or "")


def evaluation(row: Row) -> Evaluation:
    """From the columns of candidates, evaluations, test_cases and measurements."""
    recipe = Recipe.parse(row["recipe"])
    return Evaluation(
        Candidate(
            Level(row["level"]),
            row["origin"],
            recipe,
            row["content"].decode(errors="surrogateescape"),
            row["parent"],
            row["source"],
            bool(row["authored"]),
        ),
        Outcome(row["outcome"]),
        _evidence(row) if row["evidence"] is not None else None,
        _measurement(row) if row["baseline_ns"] is not None else None,
        row["message"],
        row["executable_sha256"],
    )


def _evidence(row: Row) -> Evidence:
    counterexample = None
    if row["failed_status"] is not None:
        files = tuple(Path(name) for name in json.loads(row["files"]))
        invocation = Invocation(tuple(json.loads(row["args"])), row["stdin"], files)
        case = TestCase(invocation, row["stdout"], row["exit_code"], row["case_origin"], bool(row["hidden"]))
        counterexample = Counterexample(case, row["failed_stdout"], row["failed_status"])
    return Evidence(
        EvidenceKind(row["evidence"]),
        row["cases_passed"],
        row["cases_hidden"],
        counterexample,
        row["inputs_compared"],
        tuple(json.loads(row["sanitizers"])),
    )


def _measurement(row: Row) -> Measurement:
    baseline_ns, candidate_ns = (tuple(json.loads(row[name])) for name in ("baseline_ns", "candidate_ns"))
    return Measurement(baseline_ns, candidate_ns, row["speedup"], row["low"], row["high"], row["confidence"])


def call(row: Row) -> StoredCall:
    """From the columns of model_calls."""
    request = record.load(Request, json.loads(row["request"]))
    return StoredCall(request, reply(row), row["model"], datetime.fromisoformat(row["at"]))


def reply(row: Row) -> Reply:
    """From the columns of model_calls."""
    return record.load(Reply, json.loads(row["reply"]))


def usage(row: Row) -> Usage:
    """From sums over model_calls."""
    return Usage(row["calls"], row["prompt_tokens"], row["completion_tokens"], row["usd"])


def step(row: Row) -> StoredStep:
    """From the columns of steps."""
    return StoredStep(
        row["action"],
        row["parent"],
        row["reason"],
        row["seconds"],
        row["calls"],
        row["tokens"],
        row["usd"],
        row["gain"],
        row["note"],
    )
