"""Which files a program's sources include, and flags that mean the same in every working directory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from llmcoop.errors import UsageError
from llmcoop.values import Program

# Longer ones first: -include is no -I.
_PATH_FLAGS = ("-include", "-isystem", "-iquote", "-I", "-L")
_LOCAL_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)


def absolute(flags: Sequence[str], here: Path) -> tuple[str, ...]:
    """`flags` with the folders and files that they name made absolute, from the folder `here`."""
    result: list[str] = []
    value_follows = False
    for word in flags:
        flag = _path_flag(word)
        if value_follows:
            result.append(str(here / word))
        elif flag and word != flag:
            result.append(flag + str(here / word[len(flag) :]))
        else:
            result.append(word)
        value_follows = not value_follows and word == flag
    return tuple(result)


def include_folders(program: Program) -> tuple[Path, ...]:
    """The folders that -I, -iquote and -isystem name, in their order."""
    return _values(program.cflags, ("-I", "-iquote", "-isystem"))


def linked_files(program: Program) -> tuple[Path, ...]:
    """Files and folders that the linker flags name: objects, archives, -L."""
    named = (Path(word) for word in program.ldflags if not word.startswith("-"))
    return tuple(path for path in (*_values(program.ldflags, ("-L",)), *named) if path.exists())


def local_headers(program: Program) -> frozenset[Path]:
    """The files that the sources include, directly or not, by `#include "…"` or -include.

    They are looked for beside the including file and in `include_folders`. An include under `#if` counts
    whether it is taken or not. Raises `UsageError` when a file can't be read.
    """
    folders = include_folders(program)
    found = {path for path in _values(program.cflags, ("-include",)) if path.is_file()}
    waiting = [*program.sources, *found]
    while waiting:
        file = waiting.pop()
        for name in _LOCAL_INCLUDE.findall(read_bytes(file, "source")):
            places = (folder / name.decode(errors="surrogateescape") for folder in (file.parent, *folders))
            header = next((place.resolve() for place in places if place.is_file()), None)
            if header is not None and header not in found:
                found.add(header)
                waiting.append(header)
    return frozenset(found.difference(program.sources))


def read_bytes(path: Path, role: str) -> bytes:
    """The content of `path`. Raises `UsageError`, which says what `role` the file has."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{role}: can't read {path}: {error.strerror}", "check the path") from error


def folder_at(path: Path, role: str) -> Path:
    """`path`, resolved. Raises `UsageError`, which says what `role` the folder has, when there is none."""
    if not path.is_dir():
        raise UsageError(f"{role}: no folder {path}", "check the path")
    return path.resolve()


def _values(flags: Sequence[str], names: Sequence[str]) -> tuple[Path, ...]:
    """What the flags of these names say, in one word (-Ifolder) or in two (-I folder)."""
    values: list[Path] = []
    for word, following in zip_longest(flags, flags[1:], fillvalue=""):
        flag = _path_flag(word)
        if flag in names:
            values.append(Path(word[len(flag) :] or following))
    return tuple(values)


def _path_flag(word: str) -> str:
    return next((flag for flag in _PATH_FLAGS if word.startswith(flag)), "")
