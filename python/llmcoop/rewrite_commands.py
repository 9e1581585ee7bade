"""The commands `llmcoop rewrites …`: look at kept rewrites, check them, pass them on."""

from __future__ import annotations

import difflib
import json as json_text
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from llmcoop.errors import UsageError
from llmcoop.rewrites import SUFFIX, Rewrite, bundle, files, load, read

if TYPE_CHECKING:
    from llmcoop.rewrites.building import Used
    from llmcoop.rewrites.verifying import Verified

# What needs the extension is imported by the command that uses it: the others work without.
# ruff: noqa: PLC0415

NOT_SOUND = 1
_TIMED_S = 60.0  # for timing a project
_TEXTS = {"before", "after"}  # what a list leaves out

app = typer.Typer(
    name="rewrites",
    help="Look at rewrites that are kept for builds, check them, pass them on.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Folder = Annotated[
    Path | None, typer.Option("--rewrites", envvar="LLMCOOP_REWRITES", help="Folder with rewrites, one file each.")
]
_Names = Annotated[list[str], typer.Argument(help="Rewrites by file name, or all of a function by its name.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@app.command("list")
def list_(rewrites: _Folder = None, json: _Json = False) -> None:
    """List them: function, stage, evidence, measurement, origin."""
    found = load(_folder(rewrites))
    if json:
        _print_json([_header(rewrite) for rewrite in found])
        return
    table = Table(*(Column(name, overflow="fold") for name in _HEADINGS), box=SIMPLE_HEAD)
    for each in found:
        table.add_row(*map(Text, (each.function, each.module, each.stage, each.evidence, each.measured, each.origin)))
    Console().print(table if found else "no rewrites")


_HEADINGS = ("function", "module", "stage", "evidence", "measured", "origin")


@app.command()
def show(names: _Names, rewrites: _Folder = None) -> None:
    """Show what each says of itself, and what it changes, as a diff."""
    folder = _folder(rewrites)
    for path in _named(folder, names):
        rewrite = read(path)
        print(f"{path.name}\n{''.join(rewrite.header())}{_diff(rewrite)}")


@app.command()
def drop(names: _Names, rewrites: _Folder = None) -> None:
    """Delete some."""
    for path in _named(_folder(rewrites), names):
        path.unlink()
        print(f"dropped {path.name}")


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Text file to write.")],
    rewrites: _Folder = None,
) -> None:
    """Write all of them to one text file, for review or mail."""
    found = load(_folder(rewrites))
    try:
        file.write_bytes(bundle.text_of(found).encode(errors="surrogateescape"))
    except OSError as error:
        raise UsageError(f"can't write {file}: {error.strerror}") from error
    print(f"{len(found)} rewrites: {file}")


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="File of `export`, folder of rewrites, or folder of a run.")],
    rewrites: _Folder = None,
    replace: Annotated[bool, typer.Option("--replace", help="Also in place of another version.")] = False,
) -> None:
    """Take over rewrites; another version of one is replaced only on demand."""
    found = bundle.read_bundle(source)
    taken = bundle.take(found, _folder(rewrites, must_exist=False), replace=replace)
    for path in taken:
        print(f"imported {path.name}")
    print(f"{len(taken)} imported, {len(found) - len(taken)} known already")


@app.command()
def verify(
    rewrites: _Folder = None,
    compile_commands: Annotated[
        Path | None, typer.Option(help="Also tell stale ones: compile_commands.json, or the log of `llmcoop cc`.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="For the proof of each, and again for its tests.")] = 10.0,
    trust_recorded: Annotated[
        bool, typer.Option("--trust-recorded", help="Let pass whose evidence can't be made again from its texts.")
    ] = False,
    require_speedup: Annotated[
        float | None, typer.Option(help="Build and time the project with them, too; exit with 1 below this speedup.")
    ] = None,
    spec: Annotated[Path, typer.Option(help="llmcoop.toml with a table [project], or its folder.")] = Path(),
    json: _Json = False,
    no_sandbox: Annotated[bool, typer.Option("--no-sandbox", help="Run functions with your own rights.")] = False,
) -> None:
    """Check each again: its file, the gate, its evidence; exit with 1 if one is not sound or is stale."""
    from llmcoop.rewrites import verifying

    folder = _folder(rewrites)
    verified = verifying.verify_all(folder, seconds=seconds, sandbox=not no_sandbox)
    used = _used(folder, [each.rewrite for each in verified if each.rewrite], compile_commands)
    sound = all(each.passes(trust_recorded=trust_recorded) for each in verified)
    sound = sound and all(each.use.in_order for each in used.values())
    # What is not sound is not built and run.
    speedup = _speedup(folder, spec) if sound and require_speedup is not None else None
    missed = require_speedup is not None and (speedup is None or speedup < require_speedup)
    if json:
        entries = [_entry(each, used.get(each.file)) for each in verified]
        _print_json({"sound": sound, "speedup": speedup, "rewrites": entries})
    else:
        for each in verified:
            print(_line(each, used.get(each.file)))
        print(f"{len(verified)} rewrites: {'all sound' if sound else 'not all are sound'}{_shown(speedup)}")
    raise typer.Exit(NOT_SOUND if missed or not sound else 0)


def _speedup(folder: Path, spec: Path) -> float:
    """What the project gains by all of them, by its own benchmark."""
    from llmcoop.project import measured_speedup
    from llmcoop.project.spec import load as load_project

    return measured_speedup(load_project(spec), folder, _TIMED_S).speedup


def _shown(speedup: float | None) -> str:
    return "" if speedup is None else f"; the project is {speedup:.3f}x as fast with them"


def _used(folder: Path, rewrites: Sequence[Rewrite], compile_commands: Path | None) -> dict[str, Used]:
    """What becomes of rewrites in a build of today's code, if there is one to be made."""
    if compile_commands is None:
        return {}
    from llmcoop.rewrites import building
    from llmcoop.toolchain import Toolchain

    return building.uses(Toolchain.find(), folder, rewrites, building.read_compiles(compile_commands))


def _line(verified: Verified, used: Used | None) -> str:
    """What was found out, one line a place."""
    lines = [f"{verified.file}: {verified.state}: {verified.reason}"]
    if used:
        lines += [f"  {used.use}: {place}" for place in used.places] or [f"  {used.use}"]
    return "\n".join(lines)


def _entry(verified: Verified, used: Used | None) -> dict[str, Any]:
    header = _header(verified.rewrite) if verified.rewrite else {}
    found = {"file": verified.file, "state": verified.state, "reason": verified.reason}
    return found | header | {"use": used.use if used else None, "places": used.places if used else ()}


def _header(rewrite: Rewrite) -> dict[str, Any]:
    """Everything but the texts."""
    values = {name: value for name, value in asdict(rewrite).items() if name not in _TEXTS}
    return {"file": rewrite.file_name} | values


def _print_json(content: object) -> None:
    print(json_text.dumps(content, indent=2))


def _diff(rewrite: Rewrite) -> str:
    """What changes, as a unified diff; nothing for hints and clones, which the header names."""
    if not rewrite.after:
        return ""
    before, after = (text.splitlines(keepends=True) for text in (rewrite.before, rewrite.after))
    return "".join(difflib.unified_diff(before, after, "before", "after"))


def _folder(rewrites: Path | None, *, must_exist: bool = True) -> Path:
    hint = "name it with --rewrites DIR or LLMCOOP_REWRITES"
    if rewrites is None:
        raise UsageError("which folder of rewrites?", hint)
    if must_exist and not rewrites.is_dir():
        raise UsageError(f"there is no folder {rewrites}", hint)
    return rewrites


def _named(folder: Path, names: Iterable[str]) -> list[Path]:
    """The files of these names, with or without the suffix, or of functions of these names. Raises UsageError."""
    known = {path.name: path for path in files(folder)}
    found: dict[Path, None] = {}
    for name in names:
        named = [known[each] for each in (name, f"{name}{SUFFIX}") if each in known]
        named = named or [path for path in known.values() if _function(path) == name]
        if not named:
            raise UsageError(f"no rewrite {name} in {folder}", "`llmcoop rewrites list` names them all")
        found |= dict.fromkeys(named)
    return list(found)


def _function(path: Path) -> str:
    """The function of a rewrite; none of a broken one, which has only its file's name."""
    try:
        return read(path).function
    except UsageError:
        return ""
