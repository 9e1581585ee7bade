"""What `llmcoop project` is asked to do: the table [project] of llmcoop.toml, and what others share with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from llmcoop import model_choice, spec
from llmcoop.errors import UsageError
from llmcoop.includes import folder_at
from llmcoop.model_choice import ModelChoice
from llmcoop.table import Table
from llmcoop.values import Budget

_SECONDS = 600.0  # unless told otherwise: a project is built anew for each trial


@dataclass(frozen=True, slots=True)
class ProjectSpec:
    """A project with its own commands, each for /bin/sh in a copy of `directory`; paths are absolute."""

    directory: Path
    build: str
    test: str
    benchmark: str
    configure: str = ""  # before the first build; empty: nothing
    functions: str = ".*"  # regular expression for the names of those that may be changed
    budget: Budget = field(default_factory=lambda: Budget(seconds=_SECONDS))
    model: ModelChoice = field(default_factory=ModelChoice)
    require_speedup: float | None = None
    sandbox: bool = True

    def __post_init__(self) -> None:
        """Refuse a budget that nobody would keep: compilers ask the model, each by itself. Raises `UsageError`."""
        for name in ("tokens", "usd", "candidates"):
            if getattr(self.budget, name) is not None:
                raise UsageError(f"`llmcoop project` can't keep a budget of {name}", "limit it by seconds and calls")


def load(path: Path) -> ProjectSpec:
    """The project in the file `path`, or in the llmcoop.toml of the folder `path`.

    Raises `UsageError` when the file can't be read, has no [project], or a key of it is unknown or of the wrong type.
    """
    table = spec.read(path)
    if "project" not in table.data:
        raise UsageError(f"{table.file} has no table [project]", "docs/projects.md says what belongs there")
    project, options = table.table("project"), table.table("options")
    speedup = options.number("require_speedup")
    sandbox = options.flag("sandbox")
    budget = spec.budget_of(table.table("budget"))
    return ProjectSpec(
        directory=folder_at(table.file.parent / (project.text("directory") or "."), "project"),
        build=_command(project, "build"),
        test=_command(project, "test"),
        benchmark=_command(project, "benchmark"),
        configure=project.text("configure") or "",
        functions=_pattern(project),
        budget=budget if "seconds" in table.table("budget").data else replace(budget, seconds=_SECONDS),
        model=model_choice.of_table(table.table("model")),
        require_speedup=None if speedup is None else spec.required_speedup(speedup),
        sandbox=True if sandbox is None else sandbox,
    )


def _command(table: Table, key: str) -> str:
    command = table.text(key)
    if not command or not command.strip():
        raise table.error(key, f'a command for the shell, such as {key} = "make {key}"')
    return command


def _pattern(table: Table) -> str:
    pattern = table.text("functions")
    if pattern is None:
        return ".*"
    try:
        re.compile(pattern)
    except re.error:
        raise table.error("functions", "a regular expression") from None
    return pattern
