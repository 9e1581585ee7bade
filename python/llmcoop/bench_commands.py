"""The commands `llmcoop bench` and `llmcoop ablate`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from llmcoop import bench_report
from llmcoop.bench_report import Bench, ProgramResult, Status, Summary
from llmcoop.errors import UsageError

if TYPE_CHECKING:
    from llmcoop.bench import Arm, ArmResult

# What needs the extension is imported by the command that uses it: --help works without.
# ruff: noqa: PLC0415

app = typer.Typer()

_SHOWN_PERCENTILES = (0, 10, 25, 50, 75, 90, 100)

_SPENDING = ("calls", "tokens", "USD", "s")
_WHOLE = ("program", "arm", "outcome", "speedup")  # columns that a narrow terminal does not break

_Folder = Annotated[Path, typer.Argument(help="Folder of a program, or of folders with an llmcoop.toml each.")]
_Options = Annotated[
    list[str] | None, typer.Argument(help="Further options of `llmcoop optimize`, after --.", show_default=False)
]
_Model = Annotated[str | None, typer.Option(help='Language model, or "none" for search alone.')]
_Budget = Annotated[str | None, typer.Option(help='What each run may use: "seconds=60,calls=30".')]
_Again = Annotated[bool, typer.Option("--again", help="Optimize again what has a result already.")]
_Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON and nothing else.")]


@app.command()
def bench(
    folder: _Folder,
    options: _Options = None,
    model: _Model = None,
    budget: _Budget = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; NAME.bench by default.")] = None,
    again: _Again = False,
    json: _Json = False,
) -> None:
    """Optimize many programs, check the results again and sum up."""
    from llmcoop import bench as benches

    place = (out or Path(f"{folder.resolve().name}.bench")).absolute()
    done = benches.bench(folder, place, _passed_on(model, budget, options), again=again, announce=_announce)
    if json:
        print(bench_report.to_json(done), end="")
        return
    console = Console()
    console.print(programs_table(done))
    console.print("\n".join((figures(done.summary), *complaints(done))), highlight=False, markup=False)
    console.print(f"results: {place}", highlight=False)


@app.command()
def ablate(
    folder: _Folder,
    options: _Options = None,
    model: _Model = None,
    budget: _Budget = None,
    arm: Annotated[list[str] | None, typer.Option(help='Such as "source only"; any number, all by default.')] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; NAME.ablation by default.")] = None,
    again: _Again = False,
    json: _Json = False,
) -> None:
    """Say what each part is worth: the same programs and budget, with one part left out at a time."""
    from llmcoop import bench as benches

    place = (out or Path(f"{folder.resolve().name}.ablation")).absolute()
    passed_on = _passed_on(model, budget, options)
    done = benches.ablate(
        folder, place, passed_on, arms=_arms(arm), again=again, announce=lambda arm, program: _announce(program, arm)
    )
    if json:
        print(benches.ablation_json(done), end="")
        return
    console = Console()
    console.print(arms_table(done))
    console.print(f"results: {place}", highlight=False)


def programs_table(done: Bench) -> Table:
    """A row a program."""
    rows = []
    for program in done.programs:
        measured = f"{program.speedup:.3f} [{program.low:.3f}, {program.high:.3f}]"
        speedup = measured if program.status is Status.IMPROVED else ""
        levels = " ".join(f"{gain.level} {gain.speedup:.2f}" for gain in program.gain_by_level)
        rows.append((program.name, program.status, speedup, levels, *_spending(program)))
    return _table(("program", "outcome", "speedup", "by level", *_SPENDING), rows)


def arms_table(arms: Sequence[ArmResult]) -> Table:
    """A row an arm."""
    rows = [
        (
            each.arm.name,
            f"{each.summary.geomean:.3f}",
            f"{each.summary.share_improved:.0%}",
            str(each.summary.wrong),
            str(each.summary.failed),
            *_spending(each.summary),
        )
        for each in arms
    ]
    return _table(("arm", "geomean", "improved", "wrong", "failed", *_SPENDING), rows)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Without the columns in which nothing stands."""
    filled = [at for at in range(len(headings)) if any(row[at] for row in rows)]
    table = Table(*(Column(headings[at], no_wrap=headings[at] in _WHOLE) for at in filled), box=SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(Text(row[at]) for at in filled))
    return table


def figures(summary: Summary) -> str:
    """The figures over all programs, in a few lines."""
    curve = ", ".join(f"p{at} {summary.percentiles[at]:.3f}" for at in _SHOWN_PERCENTILES if summary.percentiles)
    return "\n".join(
        (
            f"{summary.programs} programs, {summary.failed} failed: "
            f"{summary.improved} improved ({summary.share_improved:.0%}), {summary.wrong} wrong",
            f"geomean {summary.geomean:.3f}, without the top 1% {summary.geomean_without_top:.3f}, "
            f"median {summary.median:.3f}",
            f"percentiles: {curve or 'none'}",
            f"{summary.calls} calls, {summary.tokens} tokens, {summary.usd:.2f} USD, {summary.seconds:.0f} s",
        )
    )


def complaints(done: Bench) -> list[str]:
    """A line for each program that has no result, and for each input on which the best one is wrong."""
    failed = [program for program in done.programs if program.status is Status.FAILED]
    wrong = [f"{program.name}: wrong: {each}" for program in done.programs for each in program.wrong]
    return [*(f"{program.name}: failed: {program.message}" for program in failed), *wrong]


def _spending(spent: ProgramResult | Summary) -> tuple[str, ...]:
    """Calls, tokens, USD and seconds; what cost nothing stays empty."""
    model = (str(spent.calls or ""), str(spent.tokens or ""), f"{spent.usd:.2f}" if spent.usd else "")
    return (*model, f"{spent.seconds:.0f}")


def _passed_on(model: str | None, budget: str | None, options: Sequence[str] | None) -> tuple[str, ...]:
    named = (("--model", model), ("--budget", budget))
    return (*(word for name, value in named if value is not None for word in (name, value)), *(options or ()))


def _arms(names: Sequence[str] | None) -> tuple[Arm, ...]:
    """The arms of these names; all without any. Raises UsageError."""
    from llmcoop.bench import ARMS

    known = {arm.name: arm for arm in ARMS}
    for name in names or ():
        if name not in known:
            raise UsageError(f"unknown arm '{name}'", f"known: {', '.join(known)}")
    return tuple(known[name] for name in names) if names else ARMS


def _announce(program: ProgramResult, arm: Arm | None = None) -> None:
    """A line on standard error for each program that is done."""
    place = f"{arm.name}: {program.name}" if arm else program.name
    what = program.message if program.status is Status.FAILED else f"{program.speedup:.3f}x, {program.seconds:.0f} s"
    print(f"{place}: {program.status}: {what}", file=sys.stderr, flush=True)
