"""The part of a result that can be written in C, as a patch of the project's sources."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from llmcoop.export import PATCH
from llmcoop.ir import CompilerFailed, IRError
from llmcoop.ir.worker import Worker
from llmcoop.project import compilations, spelling
from llmcoop.project.change import Change, Selection
from llmcoop.project.hot import HotFunction
from llmcoop.project.spelling import Loop, NotInC

# What would make the compiler ignore or refuse a part of the patch.
_STRICT = ("-Werror=ignored-attributes", "-Werror=unknown-attributes", "-Werror=unknown-pragmas")


@dataclass(frozen=True, slots=True)
class Patch:
    """A unified diff, empty where nothing can be written in C, and why not for what is missing in it."""

    text: str
    notes: tuple[str, ...]


def of(selection: Selection, worker: Worker, folder: Path, scratch: Path) -> Patch:
    """The patch for `selection`. `folder` is a built copy of the project that nobody needs: it is patched, too."""
    notes: list[str] = []
    diffs: list[str] = []
    sources: dict[Path, dict[HotFunction, Change]] = {}
    for function, change in selection.items():
        sources.setdefault(function.source, {})[function] = change
    for source, changes in sources.items():
        original = (folder / source).read_text(errors="surrogateescape")
        text = original
        for function, change in changes.items():
            try:
                text = _patched(text, function, change, worker, folder / source, scratch)
            except NotInC as reason:
                notes.append(f"not in {PATCH}: {function.name}: {change}: {reason}")
        end = "\t" if " " in str(source) else ""  # as diff(1) writes it: patch(1) takes a name to end at a space
        names = (f"a/{source}{end}", f"b/{source}{end}")
        diffs += difflib.unified_diff(original.splitlines(True), text.splitlines(True), *names)
    text = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in diffs)
    return Patch(text, tuple(notes))


def _patched(text: str, function: HotFunction, change: Change, worker: Worker, source: Path, scratch: Path) -> str:
    """The source with the change of a function, tried out. Raises NotInC."""
    spelled = spelling.spelled(change, "".join(function.before))
    compilation = function.compilations[0]
    unit = compilations.front_end(compilation, scratch, ("-debug-info-kind=line-tables-only",))
    if unit is None:
        raise NotInC("its source does not compile any more")
    try:
        line, loops = _places(worker.text(unit.bitcode), function.name, source.name)
    except (CompilerFailed, IRError) as error:
        raise NotInC(error.message) from error
    changed = spelling.inserted(text, line, loops, spelled)
    source.write_text(changed, errors="surrogateescape")
    if compilations.front_end(compilation, scratch, _STRICT) is None:
        source.write_text(text, errors="surrogateescape")
        raise NotInC("the compiler takes it differently there")
    return changed


def _places(ir: str, function: str, file: str) -> tuple[int, tuple[Loop, ...]]:
    """The line of a function's name and its loops, by the debug information of a module. Raises NotInC."""
    body = re.search(
        rf'^define [^\n]*@"?{re.escape(function)}"?\([^\n]*!dbg !(\d+)[^\n]*\{{\n(.*?)^\}}', ir, re.M | re.S
    )
    nodes = dict(re.findall(r"^!(\d+) = (.*)$", ir, re.M))
    subprogram = nodes.get(body[1], "") if body else ""
    line = re.search(r"\bline: (\d+)", subprogram)
    if body is None or line is None or not _in_file(nodes, subprogram, file):
        raise NotInC("its definition is not a line of that file")
    loops = {_loop(nodes, number) for number in re.findall(r"!llvm\.loop !(\d+)", body[2])}
    return int(line[1]), tuple(loop for loop in loops if loop)


def _in_file(nodes: Mapping[str, str], subprogram: str, file: str) -> bool:
    number = re.search(r"\bfile: !(\d+)", subprogram)
    name = re.search(r'filename: "([^"]*)"', nodes.get(number[1], "") if number else "")
    return name is not None and Path(name[1]).name == file


def _loop(nodes: Mapping[str, str], number: str) -> Loop | None:
    """The loop of a loop identifier, whose first two locations are its start and its end."""
    places = [
        (int(place[1]), int(place[2]))
        for operand in re.findall(r"!(\d+)", nodes.get(number, ""))
        if (place := re.match(r"!DILocation\(line: (\d+), column: (\d+)", nodes.get(operand, "")))
    ]
    return Loop(*places[0], places[-1][0]) if places else None
