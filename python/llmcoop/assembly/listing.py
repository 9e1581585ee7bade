"""Find the functions in a module's assembly, and put another text in the place of one.

LLVM frames each function, with the constants and jump tables that belong to it, by comments: `-- Begin function`
and `-- End function`. Debug information is left out: it is full of references into the functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from llmcoop.errors import UsageError

_BEGIN = re.compile(r"[ \t]*# -- Begin function (\S+)[ \t]*$")
_END = re.compile(r"[ \t]*# -- End function[ \t]*$")
_NUMBERED = re.compile(r"# 1 \"")
_SECTION = re.compile(r"[ \t]*(?:\.text|\.data|\.bss|\.section[ \t].*?)[ \t]*(?:#.*)?$")
_DEBUG_SECTION = re.compile(r'[ \t]*\.section[ \t]+"?\.debug_')
_DEBUG_LINE = re.compile(r"[ \t]*(?:\.loc[ \t]|\.file[ \t]+\d|#DEBUG_VALUE:)")
_MARK = re.compile(r"\.L(?:tmp|func_begin|sec_end)\d+")  # labels that mostly debug information needs
_MARKED = re.compile(rf"({_MARK.pattern}):[ \t]*(?:#.*)?$")
_TYPE = re.compile(r"^[ \t]*\.type[ \t]+([\w.$]+)[ \t]*,[ \t]*@function\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a function stands in the lines of a module: from `first` to before `end`."""

    name: str
    first: int
    end: int
    section: str  # the line that selects the section of its code
    after: str  # the line that selects the section which is current behind it


def functions(module: str) -> Mapping[str, str]:
    """The functions of a module by name, each with its constants and jump tables, and with its section named."""
    lines = _without_debug(module.split("\n"))
    return {place.name: _text(lines, place) for place in _places(lines)}


def function(module: str, name: str) -> str:
    """The text of one function. Raises UsageError when the module does not define it."""
    found = functions(module)
    if name not in found:
        raise UsageError(f"the assembly defines no function '{name}'", f"it defines: {', '.join(found) or 'none'}")
    return found[name]


def replaced(module: str, name: str, text: str) -> str:
    """The module, without debug information, with `text` in place of a function.

    Raises UsageError when the module does not define it.
    """
    lines = _without_debug(module.split("\n"))
    place = next((place for place in _places(lines) if place.name == name), None)
    if place is None:
        raise UsageError(f"the assembly defines no function '{name}'")
    own = [*_unframed(text.rstrip("\n").split("\n"))]
    framed = (
        f"\t# -- Begin function {name}",
        *_selected(own, place),
        f'# 1 "{name}"',  # so that the assembler's errors name lines of the text
        *own,
        "\t# -- End function",
        place.after,
    )
    return "\n".join((*lines[: place.first], *framed, *lines[place.end :]))


def homes(modules: Sequence[str], name: str) -> tuple[int, ...]:
    """The numbers of the modules that define a function; more than one for local functions of the same name."""
    return tuple(number for number, module in enumerate(modules) if name in functions(module))


def defined(text: str) -> tuple[str, ...]:
    """The names of the functions that a text says it defines."""
    return tuple(dict.fromkeys(_TYPE.findall(text)))


def _places(lines: Sequence[str]) -> Iterator[_Place]:
    section, code = "\t.text", "\t.text"
    name, first = "", 0
    for number, line in enumerate(lines):
        if _SECTION.match(line):
            section = line
        begin = _BEGIN.search(line)
        if begin:
            name, first = begin[1], _with_section(lines, number)
        if name and line.startswith(f"{name}:"):
            code = section
        if name and _END.match(line):
            yield _Place(name, first, number + 1, code, section)
            name = ""


def _with_section(lines: Sequence[str], number: int) -> int:
    """The first of the lines that select a section right before a line."""
    while number > 0 and _SECTION.match(lines[number - 1]):
        number -= 1
    return number


def _text(lines: Sequence[str], place: _Place) -> str:
    own = [line for line in _unframed(lines[place.first : place.end]) if line.strip()]
    return "".join(f"{line}\n" for line in (*_selected(own, place), *own))


def _selected(own: Sequence[str], place: _Place) -> list[str]:
    """What selects the section of a function's code, unless its lines begin with that."""
    return [] if own and _SECTION.match(own[0]) else [place.section]


def _unframed(lines: Sequence[str]) -> Iterator[str]:
    """The lines without the comments that frame a function."""
    for line in lines:
        if _BEGIN.search(line):
            yield _BEGIN.sub("", line)
        elif not _END.match(line) and not _NUMBERED.match(line):
            yield line


def _without_debug(lines: Sequence[str]) -> list[str]:
    kept: list[str] = []
    debug = False
    for line in lines:
        if _SECTION.match(line):
            debug = bool(_DEBUG_SECTION.match(line))
        if not debug and not _DEBUG_LINE.match(line):
            kept.append(line)
    if len(kept) == len(lines):
        return kept
    used = {mark for line in kept if not _MARKED.match(line) for mark in _MARK.findall(line)}
    return [line for line in kept if not ((mark := _MARKED.match(line)) and mark[1] not in used)]
