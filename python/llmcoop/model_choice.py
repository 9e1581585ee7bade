"""Which language model a run uses, and how it is asked: the table [model] of llmcoop.toml."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from llmcoop.errors import UsageError
from llmcoop.includes import folder_at, read_bytes
from llmcoop.table import Table, nearest

KEYS = (
    *("name", "base_url", "temperature", "max_tokens", "timeout", "concurrency", "retries", "tools", "stream"),
    *("prices", "prompts", "rounds", "samples", "guide", "testing"),
)
SCRIPTED = "scripted:"  # before the folder that has the replies
GUIDES = ("bandit", "fixed", "model")


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which language model drives the agents, and how it is asked; docs/models.md says more."""

    name: str = "none"  # what the server calls it; "none" is search alone, "scripted:FOLDER" replies from files
    base_url: str = ""
    temperature: float | None = None
    max_tokens: int | None = None  # of one reply
    timeout: float | None = None  # seconds until the next piece of a reply
    concurrency: int | None = None
    retries: int | None = None
    tools: bool | None = None
    stream: bool | None = None
    prices: Path | None = None
    prompts: Path | None = None  # folder with prompts that replace ours
    rounds: int = 3  # proposals in a row that one expansion of a candidate may make
    samples: int = 1  # proposals that are asked for in each round
    guide: str = "bandit"
    testing: bool = True  # whether the model writes tests, too

    @property
    def absent(self) -> bool:
        """Whether there is search alone."""
        return self.name == "none"


def of_table(table: Table) -> ModelChoice:
    """What the table [model] of a spec file says. Raises `UsageError`."""
    here = table.file.parent
    name, prices, prompts, chosen = (table.text(key) for key in ("name", "prices", "prompts", "guide"))
    if name is not None and name.startswith(SCRIPTED):
        name = SCRIPTED + str((here / name.removeprefix(SCRIPTED)).resolve())
    if prices is not None:
        read_bytes(here / prices, "price table")
    given = dict(
        name=name,
        base_url=table.text("base_url"),
        temperature=_positive(table, "temperature", least=0.0),
        timeout=_positive(table, "timeout", least=0.1),
        tools=table.flag("tools"),
        stream=table.flag("stream"),
        testing=table.flag("testing"),
        prices=None if prices is None else (here / prices).resolve(),
        prompts=None if prompts is None else folder_at(here / prompts, "prompts"),
        guide=None if chosen is None else guide(chosen),
        **{name: _count(table, name) for name in ("max_tokens", "concurrency", "retries", "rounds", "samples")},
    )
    return replace(ModelChoice(), **{name: value for name, value in given.items() if value is not None})


def _positive(table: Table, key: str, *, least: float) -> float | None:
    value = table.number(key)
    if value is not None and not least <= value < math.inf:
        raise table.error(key, f"a number of at least {least:g}")
    return value


def _count(table: Table, key: str) -> int | None:
    value, least = table.number(key), 0 if key == "retries" else 1
    if value is not None and (not isinstance(value, int) or value < least):
        raise table.error(key, f"a whole number of at least {least}")
    return value


def guide(name: str) -> str:
    """The name of a guide. Raises `UsageError` for one that is not known."""
    if name not in GUIDES:
        raise UsageError(f"unknown guide '{name}'", nearest(name, GUIDES))
    return name
