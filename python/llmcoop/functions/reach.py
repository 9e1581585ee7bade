"""Leave of a module only a function with what it calls, and the variables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmcoop.functions.subject import parse
from llmcoop.functions.text import CALLEE, DEFINITION

_LINKAGE = re.compile(
    r"^define (private|internal|available_externally|linkonce|linkonce_odr|weak|weak_odr|common|external) "
)
# What a definition may have between its attributes and its body, and a declaration may not.
_OF_DEFINITIONS = re.compile(r" comdat(\(\$[^)]*\))?| personality .*| ![\w.]+ ![\w()]+| \{$")


def with_callees(ir: str, function: str) -> str:
    """The module, printed, with declarations in place of all functions that `function` can't reach by calls.

    A module that does not define it keeps all of them. Raises IRError for what is not well-formed.
    """
    lines = str(parse(ir)).splitlines()
    calls = _calls(lines)
    if function not in calls:
        return "\n".join(lines)
    wanted, open_ends = {function}, [function]
    while open_ends:
        found = (calls[open_ends.pop()] & calls.keys()) - wanted
        wanted |= found
        open_ends += found
    return "\n".join(_without(lines, calls.keys() - wanted))


def _calls(lines: list[str]) -> dict[str, set[str]]:
    """For each function that is defined, what its calls name."""
    calls: dict[str, set[str]] = {}
    within = ""
    for line in lines:
        definition = DEFINITION.match(line)
        if definition:
            within = definition[1].strip('"')
            calls[within] = set()
        elif line == "}":
            within = ""
        elif within:
            calls[within] |= {name.strip('"') for name in CALLEE.findall(line)}
    return calls


def _without(lines: list[str], unwanted: set[str]) -> Iterator[str]:
    skipping = False
    for line in lines:
        definition = DEFINITION.match(line)
        if definition and definition[1].strip('"') in unwanted:
            skipping = True
            yield _OF_DEFINITIONS.sub("", _LINKAGE.sub("define ", line)).replace("define ", "declare ", 1)
        elif not skipping:
            yield line
        elif line == "}":
            skipping = False
