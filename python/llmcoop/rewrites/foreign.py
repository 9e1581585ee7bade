"""Whether a function of another build of the program means the same in this one: variables and callees by name."""

from __future__ import annotations

import re

_VARIABLE = re.compile(r'^@("[^"]*"|[-\w.$]+) = (.*)$', re.MULTILINE)
_FUNCTION = re.compile(r'^(?:define|declare) ([^@\n]*)@("[^"]*"|[-\w.$]+)\(', re.MULTILINE)
_ATTACHED = re.compile(r", ![\w.]+ !\d+")
_CONVENTION = re.compile(r"\b(?:\w*cc|cc \d+)\b")


def strange(text: str, here: str, there: str) -> str:
    """Why `text`, a function of the module `there`, would mean something else in the module `here`; empty if it would
    not.

    The gate looks at types and attributes. Constants that only matter by their value are no concern: a version brings
    those along that differ.
    """
    known, origin = dict(_VARIABLE.findall(here)), dict(_VARIABLE.findall(there))
    for name, definition in _VARIABLE.findall(text):
        if " constant " not in definition:
            continue
        private = known.get(name, "private").startswith("private")
        if private and not definition.startswith("available_externally"):
            return f"uses @{name}, which is too long to be brought along"
        if not private and _value(known[name]) != _value(origin.get(name, "")):
            return f"uses @{name}, which has another value"
    conventions = {name: _convention(words) for words, name in _FUNCTION.findall(here)}
    for words, name in _FUNCTION.findall(text):
        if conventions.get(name, "") != _convention(words) and name in conventions:
            return f"calls @{name} by another convention"
    return ""


def _value(definition: str) -> str:
    """What a constant is, without its linkage and metadata."""
    return _ATTACHED.sub("", definition.partition("constant ")[2])


def _convention(words: str) -> str:
    match = _CONVENTION.search(words)
    return match[0] if match else ""
