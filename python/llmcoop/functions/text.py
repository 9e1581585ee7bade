"""Take printed LLVM IR apart, as far as one line of it."""

from __future__ import annotations

import re

NAME = r'(?:"[^"]*"|[-\w.$]+)'
LABEL = re.compile(rf"({NAME}):(?:\s|$)")
RESULT = re.compile(rf"  (%{NAME}) = (.*)")
DEFINITION = re.compile(rf"define .*?@({NAME})\(")
CALLEE = re.compile(rf"@({NAME})\(")

_OPEN, _CLOSE = "([{<", ")]}>"


def split(text: str, stop: str = ",") -> list[str]:
    """The parts of `text` between commas that are in no bracket."""
    parts, depth, start, quoted = [], 0, 0, False
    for position, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif letter in _OPEN:
            depth += 1
        elif letter in _CLOSE:
            depth -= 1
        elif letter == stop and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
    return [*parts, text[start:].strip()]


def take_type(text: str) -> tuple[str, str]:
    """The type that `text` begins with, and what follows it."""
    kind, *rest = split(text, " ")
    return kind, " ".join(rest)


def call_arguments(text: str) -> list[tuple[str, str]]:
    """Type and value of each argument of a call, without attributes; `text` begins at the callee's bracket."""
    arguments = []
    for argument in split(_bracket(text)):
        kind, rest = take_type(argument)
        arguments.append((kind, split(rest, " ")[-1] if rest else ""))
    return arguments


def _bracket(text: str) -> str:
    depth = 0
    for position, letter in enumerate(text):
        depth += (letter in _OPEN) - (letter in _CLOSE)
        if depth == 0:
            return text[1:position]
    return text[1:]
