"""The command `llmcoop`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

import llmcoop
from llmcoop import report
from llmcoop.errors import LLMCoopError
from llmcoop.report import Check, CheckStatus, Run, RunOutcome
from llmcoop.spec import from_options, split_words

if TYPE_CHECKING:
    from llmcoop.run import Event

# What needs the extension is imported by the command that uses it: --help, show and doctor work without.
# ruff: noqa: PLC0415

REQUIREMENT_MISSED = 1
TOOLCHAIN_FAILED = 4
INTERRUPTED = 130  # as a shell says of a program that Ctrl-C ended

app = typer.Typer(
    help="Make C programs faster than clang -O3, and say why the result can be trusted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command and exit; errors for the user become one message on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files need not be valid text
    try:
        app()
    except LLMCoopError as error:
        print(f"llmcoop: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"llmcoop {llmcoop.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def optimize(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(help="C sources; without any, those of the spec file.", show_default=False),
    ] = None,
    spec: Annotated[
        Path | None, typer.Option(help="llmcoop.toml, or its folder; options here go over what it says.")
    ] = None,
    args: Annotated[str | None, typer.Option(help="Arguments of the timed run, as in a shell.")] = None,
    stdin: Annotated[Path | None, typer.Option(help="File with the standard input of the timed run.")] = None,
    cflags: Annotated[str | None, typer.Option(help='Compiler flags; "-O3" unless told otherwise.')] = None,
    ldflags: Annotated[str | None, typer.Option(help='Linker flags, such as "-lm".')] = None,
    levels: Annotated[str | None, typer.Option(help='Where to change the program: "source,ir,asm".')] = None,
    model: Annotated[str | None, typer.Option(help='Language model, or "none" for search alone.')] = None,
    budget: Annotated[str | None, typer.Option(help='What the run may use: "seconds=60,candidates=200".')] = None,
    require_speedup: Annotated[float | None, typer.Option(help="Exit with 1 below this speedup.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; NAME.llmcoop by default.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print result.json and nothing else.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was cut short.")] = False,
    no_sandbox: Annotated[bool, typer.Option("--no-sandbox", help="Run candidates with your own rights.")] = False,
) -> None:
    """Search for a faster version of a C program."""
    wanted = from_options(
        sources or (),
        spec=spec,
        args=None if args is None else split_words(args, "--args"),
        stdin=stdin,
        cflags=None if cflags is None else split_words(cflags, "--cflags"),
        ldflags=None if ldflags is None else split_words(ldflags, "--ldflags"),
        levels=None if levels is None else [level.strip() for level in levels.split(",")],
        model=model,
        budget=budget,
        require_speedup=require_speedup,
        sandbox=False if no_sandbox else None,
    )
    from llmcoop import run

    folder = (out or report.default_folder(wanted.program)).absolute()
    try:
        with _progress(wanted.budget.seconds) as listener:
            found = run.optimize(wanted, out=folder, resume=resume, listener=listener)
    except KeyboardInterrupt:
        print(f"llmcoop: interrupted before a result; --resume goes on from {folder}", file=sys.stderr)
        _leave(INTERRUPTED)
    print(report.to_json(found) if json else report.summary(found), end="" if json else "\n")
    raise typer.Exit(exit_code(found))


@app.command()
def show(
    folder: Annotated[Path, typer.Argument(help="Folder of a run, such as prog.llmcoop.")],
    json: Annotated[bool, typer.Option("--json", help="Print result.json.")] = False,
) -> None:
    """Show what a run found."""
    found = report.read(folder)
    print(report.to_json(found) if json else report.summary(found), end="" if json else "\n")


@app.command()
def doctor(
    no_sandbox: Annotated[bool, typer.Option("--no-sandbox", help="Check without the sandbox.")] = False,
) -> None:
    """Check the installation by using it: tools, plugin, sandbox, a canary program."""
    from llmcoop.doctor import examine

    checks = list(examine(sandbox=not no_sandbox))
    Console().print(_table(checks))
    if any(check.status in (CheckStatus.FAILED, CheckStatus.SKIPPED) for check in checks):
        raise typer.Exit(TOOLCHAIN_FAILED)


@app.command()
def plugin_path() -> None:
    """Print where the pass plugin for opt and clang is."""
    print(llmcoop.plugin_path())


def exit_code(run: Run) -> int:
    """The exit code of `llmcoop optimize` for a run that came to its end."""
    if run.outcome is RunOutcome.INTERRUPTED:
        return INTERRUPTED
    return REQUIREMENT_MISSED if run.requirement_missed else 0


def _leave(code: int) -> NoReturn:
    """Exit without waiting for threads; the compilers and programs that they wait for end with this process."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class _Listener(Protocol):
    def __call__(self, event: Event, /) -> None: ...


@contextmanager
def _progress(budget_s: float) -> Iterator[_Listener]:
    """A listener that shows progress on standard error: a bar on a terminal, lines in a log."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda event: print(_line(event), file=sys.stderr, flush=True)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=budget_s)

        def update(event: Event) -> None:
            text = Text(f"{event.phase}: {event.message}{_best(event)}", overflow="ellipsis", no_wrap=True)
            progress.update(task, completed=event.elapsed_s, description=text.markup)

        yield update


def _line(event: Event) -> str:
    return f"{event.elapsed_s:7.1f} s  {event.phase}: {event.message}{_best(event)}"


def _best(event: Event) -> str:
    return "" if event.best_speedup is None else f" (best {event.best_speedup:.3f}x)"


def _table(checks: list[Check]) -> Table:
    table = Table("check", "status", Column("found, and what to do", overflow="fold"))
    styles = {CheckStatus.PASSED: "green", CheckStatus.FAILED: "red"}
    for check in checks:
        status = Text(check.status, style=styles.get(check.status, "yellow"))
        hint = f"\n→ {check.hint}" if check.hint else ""
        table.add_row(check.name, status, Text(check.detail + hint))
    return table
