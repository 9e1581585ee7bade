"""Apply what a model wants changed in a text: search/replace blocks, or the hunks of a unified diff."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from llmcoop.agents.reading import Unusable

FORM = "<<<<<<< SEARCH\nlines as they are\n=======\nlines as they shall be\n>>>>>>> REPLACE"

_MOST_EDITS = 200
_SEARCH = re.compile(r"\s*<{5,9}\s*SEARCH\b", re.IGNORECASE)
_DIVIDER = re.compile(r"\s*={7}\s*")
_REPLACE = re.compile(r"\s*>{5,9}\s*REPLACE\b", re.IGNORECASE)
_HUNK = re.compile(r"@@ .*|@@")
_SHOWN_LINES = 8  # of a text that was not found, and of what is nearest to it
_LINE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines to look for, and lines to put in their place."""

    search: tuple[str, ...]
    replace: tuple[str, ...]


def is_edit(text: str) -> bool:
    """Whether a text has a search/replace block."""
    return any(_SEARCH.match(line) for line in text.split("\n"))


def is_diff(text: str) -> bool:
    """Whether a text is a unified diff."""
    return text.startswith(("--- ", "diff ", "@@")) and any(_HUNK.fullmatch(line) for line in text.split("\n"))


def parsed(text: str) -> list[Edit]:
    """The search/replace blocks of a text. Raises Unusable when there are none, or one is not whole."""
    found: list[Edit] = []
    search: list[str] = []
    replace: list[str] = []
    part: list[str] | None = None
    for line in text.removesuffix("\n").split("\n"):
        if part is None:
            if _SEARCH.match(line):
                part = search = []
        elif part is search and _DIVIDER.fullmatch(line):
            part = replace = []
        elif part is replace and _REPLACE.match(line):
            found.append(Edit(tuple(search), tuple(replace)))
            part = None
        else:
            part.append(line)
    if part is not None:
        raise Unusable(f"edit {len(found) + 1} is not whole; this is the form:\n{FORM}")
    if not found:
        raise Unusable(f"it has no edit; this is the form:\n{FORM}")
    return found


def hunks(text: str) -> list[Edit]:
    """The hunks of a unified diff as edits; their line numbers do not count. Raises Unusable when there are none."""
    found: list[tuple[list[str], list[str]]] = []
    for line in text.removesuffix("\n").split("\n"):
        if _HUNK.fullmatch(line):
            found.append(([], []))
        elif found and not line.startswith("\\"):
            old, new = found[-1]
            old += [line[1:]] if line[:1] in ("-", " ", "") else []
            new += [line[1:]] if line[:1] in ("+", " ", "") else []
    if not found:
        raise Unusable(f"the diff has no hunk; send edits instead, in this form:\n{FORM}")
    return [Edit(tuple(old), tuple(new)) for old, new in found]


def applied(edits: Sequence[Edit], text: str) -> str:
    """`text` after the edits, one after another; each must fit at one place only.

    Lines are compared as they are, and if that fails without regard to white space. Raises Unusable.
    """
    if len(edits) > _MOST_EDITS:
        raise Unusable(f"{len(edits)} edits are too many (at most {_MOST_EDITS}); change larger parts at once")
    lines = text.removesuffix("\n").split("\n")
    for number, edit in enumerate(edits, 1):
        search = _stripped(edit.search)
        if not search:
            raise Unusable(f"edit {number} searches for nothing: give the lines beside which yours belong")
        replace = edit.replace if len(search) == len(edit.search) else _stripped(edit.replace)
        try:
            start = _place(number, search, lines)
        except Unusable as error:
            if len(edits) == 1:
                raise
            raise Unusable(f"{error}\nNone of the {len(edits)} edits was made: send all of them") from None
        lines[start : start + len(search)] = replace
    return "\n".join(lines) + "\n"


def _stripped(lines: Sequence[str]) -> tuple[str, ...]:
    """Without blank lines at both ends."""
    written = [number for number, line in enumerate(lines) if line.strip()]
    return tuple(lines[written[0] : written[-1] + 1]) if written else ()


def _place(number: int, search: Sequence[str], lines: Sequence[str]) -> int:
    """Where in `lines` the only match begins. Raises Unusable."""
    for form in (str, _words):
        places = _places(search, lines, form)
        if len(places) == 1:
            return places[0]
        if places:
            where = ", ".join(str(place + 1) for place in places[:10])
            raise Unusable(
                f"the SEARCH text of edit {number} is there {len(places)} times (lines {where}): "
                f"give more of the lines around the one that you mean:\n{_excerpt(search)}"
            )
    raise Unusable(
        f"the SEARCH text of edit {number} is not in the file:\n{_excerpt(search)}\n{_nearest(search, lines)}"
    )


def _places(search: Sequence[str], lines: Sequence[str], form: Callable[[str], str]) -> list[int]:
    wanted, given = [form(line) for line in search], [form(line) for line in lines]
    size = len(wanted)
    return [
        start
        for start in range(len(given) - size + 1)
        if given[start] == wanted[0] and given[start : start + size] == wanted
    ]


def _words(line: str) -> str:
    return " ".join(line.split())


def _nearest(search: Sequence[str], lines: Sequence[str]) -> str:
    """The part of the text that has most lines in common with what is looked for, for the model to see."""
    places: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        places.setdefault(_words(line), []).append(number)
    votes = Counter(
        place - offset
        for offset, line in enumerate(search)
        for place in (places.get(_words(line), []) if len(_words(line)) > 1 else [])
    )
    if votes:
        start = max(0, votes.most_common(1)[0][0])
    else:
        longest = max(search, key=len)
        close = get_close_matches(_words(longest)[:_LINE_CHARACTERS], [key[:_LINE_CHARACTERS] for key in places], 1)
        if not close:
            return "Nothing in it is similar. Copy the lines from the file as it was shown."
        start = next(number for number, line in enumerate(lines) if _words(line)[:_LINE_CHARACTERS] == close[0])
    return f"The nearest part, from line {start + 1}:\n{_excerpt(lines[start : start + len(search) + 1])}"


def _excerpt(lines: Sequence[str]) -> str:
    shown = [line[:_LINE_CHARACTERS] for line in lines[:_SHOWN_LINES]]
    return "\n".join([*shown, "[...]"] if len(lines) > _SHOWN_LINES else shown)
