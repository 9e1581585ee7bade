"""Show source files to a model: whole while they are short, else what comes before the functions and the hot ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from llmcoop.agents.brief import SourceBrief
from llmcoop.facts import FunctionFacts, annotated

WHOLE_LINES = 400  # of all files together that are shown whole
HOT_SHARE = 0.02  # of the time: functions with less are left out of long files

_MARGIN = re.compile(r" *\d+ +(?:[\d.e]+ +)?\| ?")
_NO_CHARACTER = re.compile(r"[\udc80-\udcff]")
# Bytes that are no UTF-8 come as surrogates, which can't be sent; private characters stand for them.
_SENT = {0xDC80 + offset: 0xEF80 + offset for offset in range(128)}
_RECEIVED = {sent: kept for kept, sent in _SENT.items()}


@dataclass(frozen=True, slots=True)
class View:
    """A source file as a model sees it; `text` has a margin with line numbers and executions."""

    file: str
    text: str
    lines: int  # of the whole file
    whole: bool


def views(brief: SourceBrief) -> tuple[View, ...]:
    """The file with the hottest function, and what else fits or is hot."""
    shown: list[View] = []
    left = WHOLE_LINES
    for name in sorted(brief.texts, key=lambda name: -_share(brief, name)):
        lines = brief.texts[name].count("\n")
        parts = _parts(brief, name, lines)
        whole = lines <= left or not parts
        if whole and lines > left and shown:
            continue
        text = annotated(brief.texts[name], brief.facts, name).translate(_SENT)
        shown.append(View(name, text if whole else _excerpt(text, parts, brief, name), lines, whole))
        left -= lines if whole else sum(len(part) for part in parts)
    return tuple(shown)


def has_bytes(text: str) -> bool:
    """Whether the text has bytes that are no UTF-8."""
    return bool(_NO_CHARACTER.search(text))


def with_bytes(text: str) -> str:
    """What a model wrote, with the bytes that it was shown as private characters."""
    return text.translate(_RECEIVED)


def without_margin(lines: Sequence[str]) -> tuple[str, ...]:
    """Lines that a model wrote, without the margin if it copied that with every line."""
    matches = [_MARGIN.match(line) for line in lines]
    if any(line.strip() and not match for line, match in zip(lines, matches, strict=True)):
        return tuple(lines)
    return tuple(line[match.end() :] if match else line for line, match in zip(lines, matches, strict=True))


def _share(brief: SourceBrief, name: str) -> float:
    """Of the time that is spent in a file."""
    return sum(function.share for function in brief.facts.functions if function.file == name)


def _functions(brief: SourceBrief, name: str) -> list[FunctionFacts]:
    return sorted(
        (function for function in brief.facts.functions if function.file == name),
        key=lambda function: function.first_line,
    )


def _parts(brief: SourceBrief, name: str, lines: int) -> list[range]:
    """The lines (from 0) that are shown of a long file; nothing where no function of it is known to be hot."""
    functions = _functions(brief, name)
    hot = [function for function in functions if function.share >= HOT_SHARE]
    if not hot:
        return []
    return [
        range(functions[0].first_line - 1),
        *(range(each.first_line - 1, min(each.last_line, lines)) for each in hot),
    ]


def _excerpt(text: str, parts: Sequence[range], brief: SourceBrief, name: str) -> str:
    lines = text.split("\n")[:-1]
    kept = {number for part in parts for number in part}
    shown: list[str] = []
    for number, line in enumerate(lines):
        if number in kept:
            shown.append(line)
        elif number == 0 or number - 1 in kept:
            left_out = next((end for end in range(number, len(lines)) if end in kept), len(lines))
            shown.append(f"[lines {number + 1} to {left_out} are left out{_named(brief, name, number, left_out)}]")
    return "\n".join(shown) + "\n"


def _named(brief: SourceBrief, name: str, first: int, last: int) -> str:
    names = [each.name for each in _functions(brief, name) if first <= each.first_line - 1 < last]
    return f": {', '.join(names)}" if names else ""
