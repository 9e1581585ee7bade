"""The schema of the store, as the steps that lead to it."""

from __future__ import annotations

# Append only: entry N brings a database from version N to N + 1. Never edit one that was released.
MIGRATIONS = (
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        spec_key TEXT NOT NULL,
        program TEXT NOT NULL,
        started_at TEXT NOT NULL,
        finished_at TEXT,
        outcome TEXT
    ) STRICT;
    CREATE INDEX runs_spec_key ON runs (spec_key);

    CREATE TABLE test_cases (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs,
        digest TEXT NOT NULL,
        args TEXT NOT NULL,
        stdin BLOB NOT NULL,
        files TEXT NOT NULL,
        stdout BLOB NOT NULL,
        exit_code INTEGER NOT NULL,
        case_origin TEXT NOT NULL,
        hidden INTEGER NOT NULL,
        UNIQUE (run, digest)
    ) STRICT;

    CREATE TABLE candidates (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs,
        key TEXT NOT NULL,
        level TEXT NOT NULL,
        origin TEXT NOT NULL,
        recipe TEXT NOT NULL,
        text TEXT NOT NULL,
        parent TEXT NOT NULL,
        UNIQUE (run, key)
    ) STRICT;

    CREATE TABLE evaluations (
        candidate INTEGER PRIMARY KEY REFERENCES candidates,
        outcome TEXT NOT NULL,
        seconds REAL NOT NULL,
        message TEXT NOT NULL,
        executable_sha256 TEXT NOT NULL,
        evidence TEXT,
        cases_passed INTEGER,
        cases_hidden INTEGER,
        failed_case INTEGER REFERENCES test_cases,
        failed_stdout BLOB,
        failed_status TEXT
    ) STRICT;

    CREATE TABLE measurements (
        candidate INTEGER PRIMARY KEY REFERENCES candidates,
        baseline_ns TEXT NOT NULL,
        candidate_ns TEXT NOT NULL,
        speedup REAL NOT NULL,
        low REAL NOT NULL,
        high REAL NOT NULL,
        confidence REAL NOT NULL
    ) STRICT;
    """,
    """
    ALTER TABLE candidates ADD COLUMN source TEXT NOT NULL DEFAULT '';
    ALTER TABLE candidates ADD COLUMN authored INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE evaluations ADD COLUMN inputs_compared INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE evaluations ADD COLUMN sanitizers TEXT NOT NULL DEFAULT '[]';
    """,
    """
    ALTER TABLE candidates ADD COLUMN content BLOB NOT NULL DEFAULT x'';
    UPDATE candidates SET content = CAST(text AS BLOB), text = '';

    CREATE TABLE model_calls (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs,
        digest TEXT NOT NULL,
        agent TEXT NOT NULL,
        conversation INTEGER NOT NULL,
        sample INTEGER NOT NULL,
        number INTEGER NOT NULL,
        model TEXT NOT NULL,
        request TEXT NOT NULL,
        reply TEXT NOT NULL,
        calls INTEGER NOT NULL,
        prompt_tokens INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL,
        usd REAL NOT NULL,
        at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX model_calls_digest ON model_calls (digest);
    CREATE INDEX model_calls_run ON model_calls (run);

    CREATE TABLE steps (
        run INTEGER NOT NULL REFERENCES runs,
        number INTEGER NOT NULL,
        action TEXT NOT NULL,
        parent TEXT NOT NULL,
        reason TEXT NOT NULL,
        seconds REAL NOT NULL,
        calls INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        usd REAL NOT NULL,
        gain REAL NOT NULL,
        PRIMARY KEY (run, number)
    ) STRICT;
    """,
    """
    ALTER TABLE steps ADD COLUMN note TEXT NOT NULL DEFAULT '';
    ALTER TABLE steps ADD COLUMN ended INTEGER NOT NULL DEFAULT 1;
    CREATE INDEX model_calls_turn ON model_calls (run, agent, conversation, sample, number);
    """,
    """
    CREATE TABLE attempts (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs,
        calls INTEGER NOT NULL,
        prompt_tokens INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL,
        usd REAL NOT NULL
    ) STRICT;
    CREATE INDEX attempts_run ON attempts (run);
    """,
)
