"""Functions of LLVM IR as a model writes them: often without what stands around them in their module."""

from __future__ import annotations

import re

_OPENING = re.compile(r"^define\b", re.MULTILINE)
_FILE = re.compile(r"^(?:; ModuleID|source_filename) =.*\n", re.MULTILINE)
_ENTRY = re.compile(
    r"(?P<name>target \w+|source_filename|attributes #\d+|[@%$!](?:\"[^\"]*\"|[\w.$-]+)) ="
    r"|declare\b[^@\n]*(?P<declared>@(?:\"[^\"]*\"|[\w.$-]+))\("
)


def body(module: str) -> str:
    """The first definition of a function in a module, from `define` to its last brace; all of it if there is none."""
    opening = _OPENING.search(module)
    if opening is None:
        return module
    closing = module.find("\n}", opening.start())
    return module[opening.start() :] if closing < 0 else module[opening.start() : closing + 3]


def shown(module: str) -> str:
    """A module without the name of the file that it comes from."""
    return _FILE.sub("", module)


def completed(written: str, module: str) -> str:
    """The text of a module for what a model has written in place of the function of `module`.

    A text that names its target is one already. What another one leaves out (types, globals, declarations,
    attributes, metadata) is taken from `module`; what it says itself goes before.
    """
    if "target triple" in written or not _OPENING.search(written):
        return written
    definition = body(written)
    entries = _entries(module.replace(body(module), "", 1)) | _entries(written.replace(definition, "", 1))
    return "\n".join((*entries.values(), "", definition))


def _entries(text: str) -> dict[str, str]:
    """The lines outside of functions, by what each is about."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _ENTRY.match(line)
        if match:
            found[match["name"] or match["declared"]] = line
    return found
