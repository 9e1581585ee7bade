"""The command `llmcoop project`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmcoop.report import RunOutcome

if TYPE_CHECKING:
    from llmcoop.project.result import ProjectRun
    from llmcoop.project.spec import ProjectSpec

# What needs the extension is imported by the command that uses it: --help works without.
# ruff: noqa: PLC0415

REQUIREMENT_MISSED = 1
INTERRUPTED = 130  # as a shell says of a program that Ctrl-C ended

app = typer.Typer()


@app.command()
def project(
    spec: Annotated[Path, typer.Argument(help="llmcoop.toml with a table [project], or its folder.")] = Path(),
    model: Annotated[
        str | None, typer.Option(envvar="LLMCOOP_MODEL", help='Language model, or "none" for search alone.')
    ] = None,
    budget: Annotated[str | None, typer.Option(help='What the run may use: "seconds=600".')] = None,
    require_speedup: Annotated[float | None, typer.Option(help="Exit with 1 below this speedup.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; NAME.llmcoop by default.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print project.json and nothing else.")] = False,
    no_sandbox: Annotated[bool, typer.Option("--no-sandbox", help="Run a model's code with your own rights.")] = False,
) -> None:
    """Make a whole project faster by its own build, tests and benchmark."""
    from llmcoop.project import report, result, run
    from llmcoop.project.spec import load

    wanted = _over(load(spec), model, budget, require_speedup, no_sandbox)
    folder = (out or Path(f"{wanted.directory.name}.llmcoop")).absolute()
    try:
        found = run.optimize(wanted, folder, _announcer())
    except KeyboardInterrupt:
        print("llmcoop: interrupted before there was a result", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    print(result.to_json(found) if json else report.summary(found), end="")
    raise typer.Exit(exit_code(found))


def exit_code(found: ProjectRun) -> int:
    """The exit code of `llmcoop project` for a run that came to its end."""
    if found.outcome is RunOutcome.INTERRUPTED:
        return INTERRUPTED
    return REQUIREMENT_MISSED if found.requirement_missed else 0


def _over(
    spec: ProjectSpec, model: str | None, budget: str | None, require_speedup: float | None, no_sandbox: bool
) -> ProjectSpec:
    """`spec` with the command's options over it."""
    from llmcoop.spec import parse_budget, required_speedup

    return replace(
        spec,
        model=spec.model if model is None else replace(spec.model, name=model),
        budget=spec.budget if budget is None else parse_budget(budget, spec.budget),
        require_speedup=spec.require_speedup if require_speedup is None else required_speedup(require_speedup),
        sandbox=spec.sandbox and not no_sandbox,
    )


def _announcer() -> Callable[[str], None]:
    import time

    started = time.monotonic()
    return lambda message: print(f"{time.monotonic() - started:7.1f} s  {message}", file=sys.stderr, flush=True)
