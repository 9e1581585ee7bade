"""The command `llmcoop`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

import llmcoop
from llmcoop import bench_commands, compiler_commands, project_commands, report, rewrite_commands
from llmcoop.errors import LLMCoopError
from llmcoop.report import Check, CheckStatus, Event, Listener, Run, RunOutcome
from llmcoop.spec import Spec, from_options, split_words

if TYPE_CHECKING:
    from llmcoop.examination import Examination

# What needs the extension is imported by the command that uses it: --help, show and doctor work without.
# ruff: noqa: PLC0415

REQUIREMENT_MISSED = 1
REFUSED = 1  # by `llmcoop check`
TOOLCHAIN_FAILED = 4
MODEL_LOST = 5  # in mid-run: what is reported is the best that could be found
INTERRUPTED = 130  # as a shell says of a program that Ctrl-C ended

app = typer.Typer(
    help="Make C programs faster than clang -O3, and say why the result can be trusted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


app.add_typer(bench_commands.app)
app.add_typer(rewrite_commands.app)
app.add_typer(project_commands.app)
app.add_typer(compiler_commands.app)


def main() -> None:
    """Run the command and exit; errors for the user become one message on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files need not be valid text
    try:
        app(prog_name="llmcoop")
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


_Sources = Annotated[
    list[Path] | None,
    typer.Argument(help="C sources; without any, those of the spec file.", show_default=False),
]
_SpecFile = Annotated[Path | None, typer.Option(help="llmcoop.toml, or its folder; options here go over what it says.")]
_Function = Annotated[
    str | None, typer.Option(help="The function that matters, of code without main; a harness is made for it.")
]
_Args = Annotated[str | None, typer.Option(help="Arguments of the timed run, as in a shell.")]
_Stdin = Annotated[Path | None, typer.Option(help="File with the standard input of the timed run.")]
_CFlags = Annotated[str | None, typer.Option(help='Compiler flags; "-O3" unless told otherwise.')]
_LDFlags = Annotated[str | None, typer.Option(help='Linker flags, such as "-lm".')]
_Accept = Annotated[
    str | None, typer.Option(help='Weakest evidence that will do: "by-construction", "proved" or "tested".')
]
_Tests = Annotated[Path | None, typer.Option(help="Folder with tests that `llmcoop test` wrote, to start from.")]
_Seconds = Annotated[float | None, typer.Option(help="How long it may take; 60 unless told otherwise.")]
_NoSandbox = Annotated[bool, typer.Option("--no-sandbox", help="Run candidates with your own rights.")]


@app.command()
def optimize(
    sources: _Sources = None,
    spec: _SpecFile = None,
    function: _Function = None,
    rewrite: Annotated[
        list[Path] | None, typer.Option(help="A version of a source file to try as a candidate; any number.")
    ] = None,
    args: _Args = None,
    stdin: _Stdin = None,
    cflags: _CFlags = None,
    ldflags: _LDFlags = None,
    accept: _Accept = None,
    tests: _Tests = None,
    levels: Annotated[str | None, typer.Option(help='Where to change the program: "source,ir,asm".')] = None,
    model: Annotated[
        str | None, typer.Option(envvar="LLMCOOP_MODEL", help='Language model, or "none" for search alone.')
    ] = None,
    guide: Annotated[str | None, typer.Option(help='Who spends the budget: "bandit", "fixed" or "model".')] = None,
    testing_agent: Annotated[
        bool | None, typer.Option(help="Whether the model writes tests, too.", show_default=False)
    ] = None,
    record: Annotated[Path | None, typer.Option(help="Record the run in this file.")] = None,
    replay: Annotated[Path | None, typer.Option(help="Follow the run that was recorded in this file.")] = None,
    budget: Annotated[str | None, typer.Option(help='What the run may use: "seconds=60,candidates=200".')] = None,
    require_speedup: Annotated[float | None, typer.Option(help="Exit with 1 below this speedup.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; NAME.llmcoop by default.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print result.json and nothing else.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was cut short.")] = False,
    no_sandbox: _NoSandbox = False,
) -> None:
    """Search for a faster version of a C program."""
    wanted = from_options(
        sources or (),
        spec=spec,
        function=function,
        rewrites=rewrite or None,
        args=_words(args, "--args"),
        stdin=stdin,
        cflags=_words(cflags, "--cflags"),
        ldflags=_words(ldflags, "--ldflags"),
        accept=accept,
        tests=tests,
        levels=None if levels is None else [level.strip() for level in levels.split(",")],
        model=model,
        guide=guide,
        testing_agent=testing_agent,
        budget=budget,
        require_speedup=require_speedup,
        sandbox=False if no_sandbox else None,
    )
    from llmcoop import run

    folder = (out or report.default_folder(wanted.program)).absolute()
    try:
        with _progress(wanted.budget.seconds) as listener:
            found = run.optimize(wanted, out=folder, resume=resume, record=record, replay=replay, listener=listener)
    except KeyboardInterrupt:
        print(f"llmcoop: interrupted before a result; --resume goes on from {folder}", file=sys.stderr)
        _leave(INTERRUPTED)
    print(report.to_json(found) if json else report.summary(found), end="" if json else "\n")
    raise typer.Exit(exit_code(found))


@app.command()
def check(
    rewrites: Annotated[
        list[Path], typer.Argument(help="Other versions of the program, or of the source file with the same name.")
    ],
    original: Annotated[
        list[Path] | None, typer.Option(help="A C source of the program; without any, those of the spec file.")
    ] = None,
    spec: _SpecFile = None,
    function: _Function = None,
    args: _Args = None,
    stdin: _Stdin = None,
    cflags: _CFlags = None,
    ldflags: _LDFlags = None,
    accept: _Accept = None,
    tests: _Tests = None,
    seconds: _Seconds = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; NAME.check by default.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print check.json and nothing else.")] = False,
    no_sandbox: _NoSandbox = False,
) -> None:
    """Say whether rewrites of a program are equal to it: make up tests, try to break each rewrite."""
    wanted = from_options(
        original or (),
        spec=spec,
        function=function,
        rewrites=rewrites,
        args=_words(args, "--args"),
        stdin=stdin,
        cflags=_words(cflags, "--cflags"),
        ldflags=_words(ldflags, "--ldflags"),
        accept=accept,
        tests=tests,
        budget=None if seconds is None else f"seconds={seconds}",
        sandbox=False if no_sandbox else None,
    )
    result = _checked(wanted, out or Path(f"{wanted.program.sources[0].stem}.check"), json)
    raise typer.Exit(0 if result.accepted else REFUSED)


@app.command("test")
def make_tests(
    sources: _Sources = None,
    spec: _SpecFile = None,
    function: _Function = None,
    args: _Args = None,
    stdin: _Stdin = None,
    cflags: _CFlags = None,
    ldflags: _LDFlags = None,
    tests: _Tests = None,
    seconds: _Seconds = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; NAME.tests by default.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print check.json and nothing else.")] = False,
    no_sandbox: _NoSandbox = False,
) -> None:
    """Make up test cases for a program, and measure whether they would notice a wrong version of it."""
    wanted = from_options(
        sources or (),
        spec=spec,
        function=function,
        rewrites=(),
        args=_words(args, "--args"),
        stdin=stdin,
        cflags=_words(cflags, "--cflags"),
        ldflags=_words(ldflags, "--ldflags"),
        tests=tests,
        budget=None if seconds is None else f"seconds={seconds}",
        sandbox=False if no_sandbox else None,
    )
    _checked(wanted, out or Path(f"{wanted.program.sources[0].stem}.tests"), json)


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


def _checked(wanted: Spec, out: Path, json: bool) -> Examination:
    from llmcoop import examination

    with _progress(wanted.budget.seconds) as listener:
        result = examination.check(wanted, out=out.absolute(), listener=listener)
    print(examination.to_json(result) if json else examination.summary(result), end="" if json else "\n")
    return result


def _words(text: str | None, option: str) -> tuple[str, ...] | None:
    return None if text is None else split_words(text, option)


def exit_code(run: Run) -> int:
    """The exit code of `llmcoop optimize` for a run that came to its end."""
    if run.outcome is RunOutcome.INTERRUPTED:
        return INTERRUPTED
    if run.requirement_missed:
        return REQUIREMENT_MISSED
    return MODEL_LOST if run.model and run.model.lost else 0


def _leave(code: int) -> NoReturn:
    """Exit without waiting for threads; the compilers and programs that they wait for end with this process."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@contextmanager
def _progress(budget_s: float) -> Iterator[Listener]:
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
