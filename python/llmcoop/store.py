"""What runs have found out, in a SQLite database that survives a kill at any moment."""

from __future__ import annotations

import fcntl
import hashlib
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from llmcoop import queries, record, rows
from llmcoop.errors import UsageError
from llmcoop.migrations import MIGRATIONS
from llmcoop.models import Reply, Request, Turn, Usage
from llmcoop.rows import StoredCall, StoredRun, StoredStep
from llmcoop.values import Candidate, Evaluation, Level, Measurement, TestCase

BUSY_TIMEOUT_S = 30.0


class Store:
    """The database at one path, for any thread.

    Any number of processes may read it; one at a time may have a run in it.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()
        self._claim: BinaryIO | None = None

    @classmethod
    def open(cls, path: Path) -> Store:
        """The store at `path`, made or migrated when needed. Raises `UsageError` when that is impossible."""
        with _explained(path):
            # The lock of this class keeps threads apart.
            connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
            connection.row_factory = sqlite3.Row
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA foreign_keys = ON")
                _migrate(connection, path)
            except BaseException:
                connection.close()
                raise
        return cls(path, connection)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up the claim on the store and the connection; a run that was not finished can be resumed."""
        self._release()
        self._connection.close()

    def begin(self, spec_key: str, program: str) -> int:
        """The id of a new run. Raises `UsageError` when another process has a run going on here."""
        with self._transaction():
            return self._insert("runs", spec_key=spec_key, program=program, started_at=_now())

    def unfinished(self, spec_key: str) -> int | None:
        """The id of the latest run of this spec if it was cut short, ready to be continued; else `None`.

        Raises `UsageError` when that run, or another one in this store, is still going on.
        """
        self._take()
        query = "SELECT id, finished_at FROM runs WHERE spec_key = ? ORDER BY id DESC LIMIT 1"
        row = self._row(query, spec_key)
        return row["id"] if row is not None and row["finished_at"] is None else None

    def add(self, run: int, evaluation: Evaluation, seconds: float = 0.0) -> None:
        """Keep an evaluation, and the `seconds` of the budget that it took, in one transaction.

        Raises `ValueError` when the run has an evaluation of the same candidate already.
        """
        key = evaluation.candidate.key
        with self._transaction():
            if self._row("SELECT id FROM candidates WHERE run = ? AND key = ?", run, key) is not None:
                raise ValueError(f"run {run} has an evaluation of candidate {key} already")
            candidate = self._insert_candidate(run, evaluation.candidate)
            self._insert_evaluation(run, candidate, evaluation, seconds)
            if evaluation.measurement is not None:
                self._insert_measurement(candidate, evaluation.measurement)

    def evaluations(self, run: int) -> list[Evaluation]:
        """All evaluations of a run, equal to those that were added, in their order."""
        return [rows.evaluation(row) for row in self._rows(queries.EVALUATIONS, run)]

    def spent_s(self, run: int, level: Level | None = None) -> float:
        """Seconds that the evaluations of a run took, or those at one level."""
        query = (
            "SELECT TOTAL(seconds) AS total FROM evaluations JOIN candidates ON candidates.id = candidate"
            " WHERE run = ? AND level = IFNULL(?, level)"
        )
        return self._rows(query, run, level)[0]["total"]

    def finish(self, run: int, outcome: str) -> None:
        """Close a run: it can't be resumed any more, and the store is free for the next one."""
        with self._transaction() as connection:
            query = "UPDATE runs SET finished_at = ?, outcome = ? WHERE id = ?"
            connection.execute(query, (_now(), outcome, run))
        self._release()

    def runs(self) -> list[StoredRun]:
        """All runs, the oldest first."""
        return [rows.run(row) for row in self._rows("SELECT * FROM runs ORDER BY id")]

    def cache(self, run: int, model: str) -> CallCache:
        """The calls of the model with this name, to be found by this run and later ones and kept for this one."""
        return CallCache(self, run, model)

    def find_call(self, digest: str) -> Reply | None:
        """The latest reply to a request with this digest, in any run."""
        row = self._row("SELECT reply FROM model_calls WHERE digest = ? ORDER BY id DESC LIMIT 1", digest)
        return None if row is None else rows.reply(row)

    def find_turn(self, run: int, model: str, turn: Turn) -> Reply | None:
        """The reply that a run had from a model at this turn, whatever it asked."""
        row = self._row(queries.TURN, run, model, *asdict(turn).values())
        return None if row is None else rows.reply(row)

    def add_call(self, run: int, digest: str, request: Request, reply: Reply, model: str) -> None:
        """Keep a call of a model and what it took."""
        turn, usage = request.turn, reply.usage
        with self._transaction():
            self._insert(
                "model_calls",
                run=run,
                digest=digest,
                **asdict(turn),
                model=model,
                request=json.dumps(record.dump(request)),
                reply=json.dumps(record.dump(reply)),
                **asdict(usage),
                at=_now(),
            )

    def calls(self, run: int) -> list[StoredCall]:
        """The model calls of a run that were paid for in it, in the order of their replies."""
        return [rows.call(row) for row in self._rows("SELECT * FROM model_calls WHERE run = ? ORDER BY id", run)]

    def usage_by_agent(self, run: int) -> dict[str, Usage]:
        """What the calls of each agent in a run took."""
        return {row["agent"]: rows.usage(row) for row in self._rows(queries.USAGE, run)}

    def spending(self, run: int) -> Usage:
        """What all model calls of a run took."""
        return sum(self.usage_by_agent(run).values(), Usage())

    def draw(self, run: int, most: Usage) -> int:
        """Keep that an attempt at a model call is going to be made, and the most that it can take; gives its number."""
        with self._transaction():
            return self._insert("attempts", run=run, **asdict(most))

    def settle(self, attempt: int, usage: Usage) -> None:
        """Keep what an attempt took."""
        with self._transaction() as connection:
            connection.execute(queries.SETTLE, (*asdict(usage).values(), attempt))

    def attempted(self, run: int) -> Usage:
        """What all attempts of a run took; of those that were under way when it was cut short, the most they can."""
        return rows.usage(self._rows(queries.ATTEMPTED, run)[0])

    def begin_step(self, run: int, step: StoredStep) -> None:
        """Keep a decision of the guide that is going to be carried out."""
        self._add_step(run, step, ended=False)

    def add_step(self, run: int, step: StoredStep) -> None:
        """Keep a decision of the guide that was carried out, in place of the one that was begun."""
        self._add_step(run, step, ended=True)

    def steps(self, run: int) -> list[StoredStep]:
        """The decisions of the guide in a run that were carried out, in their order."""
        return [rows.step(row) for row in self._rows(queries.STEPS, run, 1)]

    def begun_step(self, run: int) -> StoredStep | None:
        """The decision that a run was about to carry out when it was cut short."""
        return next((rows.step(row) for row in self._rows(queries.STEPS, run, 0)), None)

    def _add_step(self, run: int, step: StoredStep, *, ended: bool) -> None:
        with self._transaction() as connection:
            connection.execute("DELETE FROM steps WHERE run = ? AND NOT ended", (run,))
            count = self._rows("SELECT COUNT(*) AS count FROM steps WHERE run = ?", run)[0]["count"]
            self._insert("steps", run=run, number=count + 1, ended=ended, **asdict(step))

    def _insert_candidate(self, run: int, candidate: Candidate) -> int:
        return self._insert(
            "candidates",
            run=run,
            key=candidate.key,
            level=candidate.level,
            origin=candidate.origin,
            recipe=candidate.recipe.canonical(),
            text="",  # as of older versions; sources need not be valid text
            content=candidate.text.encode(errors="surrogateescape"),
            parent=candidate.parent,
            source=candidate.source,
            authored=candidate.authored,
        )

    def _insert_evaluation(self, run: int, candidate: int, evaluation: Evaluation, seconds: float) -> None:
        evidence = evaluation.evidence
        failure = evidence.counterexample if evidence else None
        self._insert(
            "evaluations",
            candidate=candidate,
            outcome=evaluation.outcome,
            seconds=seconds,
            message=evaluation.message,
            executable_sha256=evaluation.executable_sha256,
            evidence=evidence.kind if evidence else None,
            cases_passed=evidence.cases_passed if evidence else None,
            cases_hidden=evidence.cases_hidden if evidence else None,
            failed_case=self._test_case(run, failure.case) if failure else None,
            failed_stdout=failure.stdout if failure else None,
            failed_status=failure.status if failure else None,
            inputs_compared=evidence.inputs_compared if evidence else 0,
            sanitizers=json.dumps(evidence.sanitizers if evidence else ()),
        )

    def _insert_measurement(self, candidate: int, measurement: Measurement) -> None:
        self._insert(
            "measurements",
            candidate=candidate,
            baseline_ns=json.dumps(measurement.baseline_ns),
            candidate_ns=json.dumps(measurement.candidate_ns),
            speedup=measurement.speedup,
            low=measurement.low,
            high=measurement.high,
            confidence=measurement.confidence,
        )

    def _test_case(self, run: int, case: TestCase) -> int:
        """The row of a test case; kept once, since many candidates fail the same one."""
        args = json.dumps(case.invocation.args)
        files = json.dumps([str(path) for path in case.invocation.files])
        text = json.dumps((args, files, case.exit_code, case.origin, case.hidden)).encode()
        parts = (hashlib.sha256(part).digest() for part in (text, case.invocation.stdin, case.stdout))
        digest = hashlib.sha256(b"".join(parts)).hexdigest()
        row = self._row("SELECT id FROM test_cases WHERE run = ? AND digest = ?", run, digest)
        if row is not None:
            return row["id"]
        return self._insert(
            "test_cases",
            run=run,
            digest=digest,
            args=args,
            stdin=case.invocation.stdin,
            files=files,
            stdout=case.stdout,
            exit_code=case.exit_code,
            case_origin=case.origin,
            hidden=case.hidden,
        )

    def _insert(self, table: str, **values: object) -> int:
        marks = ", ".join("?" * len(values))
        query = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"
        row = self._connection.execute(query, tuple(values.values())).lastrowid
        assert row is not None  # it is None only before the first insertion
        return row

    def _rows(self, query: str, *parameters: object) -> list[sqlite3.Row]:
        with self._lock, _explained(self.path):
            return self._connection.execute(query, parameters).fetchall()

    def _row(self, query: str, *parameters: object) -> sqlite3.Row | None:
        return next(iter(self._rows(query, *parameters)), None)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing of what is written in it, by the process that has the claim."""
        with self._lock, _explained(self.path):
            self._connection.execute("SELECT 1")  # no claim for a connection that is closed
            self._take()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _take(self) -> None:
        """Claim the store for this process; the kernel gives the claim back when the process dies."""
        if self._claim is not None:
            return
        with _explained(self.path):
            claim = self.path.with_name(self.path.name + ".lock").open("a+b")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            claim.close()
            raise UsageError(
                f"another run is going on in {self.path.parent}",
                "wait for it, stop it, or choose another folder with --out",
            ) from None
        self._claim = claim

    def _release(self) -> None:
        if self._claim is not None:
            self._claim.close()
            self._claim = None


@dataclass(frozen=True, slots=True)
class CallCache:
    """Calls of one model in the store."""

    store: Store
    run: int
    model: str

    def find(self, digest: str, turn: Turn) -> Reply | None:
        """The reply that this run had at this turn, or else the latest one to a request with this digest in any run.

        A run that goes on after a kill comes to the same turn with other figures in what it asks: it measures anew.
        """
        return self.store.find_turn(self.run, self.model, turn) or (self.store.find_call(digest) if digest else None)

    def keep(self, digest: str, request: Request, reply: Reply) -> None:
        """Keep a reply that was paid for in this run."""
        self.store.add_call(self.run, digest, request, reply, self.model)

    def draw(self, most: Usage) -> int:
        """Keep that an attempt is going to be made in this run."""
        return self.store.draw(self.run, most)

    def settle(self, attempt: int, usage: Usage) -> None:
        """Keep what it took."""
        self.store.settle(attempt, usage)

    def given(self) -> Mapping[str, int]:
        """How many replies of this run each agent has had."""
        return Counter(call.request.turn.agent for call in self.store.calls(self.run))


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    if _version(connection) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have migrated while this one waited for the lock.
    version = _version(connection)
    if version > len(MIGRATIONS):
        connection.execute("ROLLBACK")
        raise UsageError(
            f"{path} was written by a newer LLMCoop: version {version}, and this one knows {len(MIGRATIONS)}",
            "update LLMCoop, or choose another folder with --out",
        )
    for migration in MIGRATIONS[version:]:
        for statement in migration.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _now() -> str:
    return datetime.now(UTC).isoformat()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Says what a database or file error means for the user."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise UsageError(f"can't use the store {path}: {error}", "is the folder writable, and not full?") from error
    except sqlite3.DatabaseError as error:
        raise UsageError(f"the store {path} is damaged: {error}", "move it away to start afresh") from error
    except OSError as error:
        raise UsageError(f"can't use the store {path}: {error.strerror}", "is the folder writable?") from error
