"""Keep what the plugin installs in a search build, such that a later build applies it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from llmcoop.rewrites.folder import save
from llmcoop.rewrites.rewrite import Rewrite, Stage
from llmcoop.toolchain import LLVM_MAJOR

_FILE = re.compile(r'^source_filename = "((?:[^"\\]|\\[0-9A-Fa-f]{2})*)"$', re.MULTILINE)
_TARGET = re.compile(r'^target triple = "([^"]*)"$', re.MULTILINE)
_ESCAPE = re.compile(rb"\\([0-9A-Fa-f]{2})")


class Texts(Protocol):
    """The functions of a module that is compiled."""

    def extract(self, function: str) -> str:
        """The IR of a module in which only `function` is defined."""
        ...

    def canonical(self, function: str) -> str:
        """The canonical text of `function`."""
        ...

    def canonical_replacement(self, function: str, ir: str) -> str:
        """`ir`, a version of `function` in the names of `extract`, in those of the canonical text."""
        ...


class Keeper:
    """Saves versions of a module's functions as rewrites of what these were before any was replaced."""

    def __init__(self, module: Texts, functions: Iterable[str], folder: Path) -> None:
        self._module, self._folder = module, folder
        self._before = {function: module.canonical(function) for function in functions}

    def rewrite(self, function: str, ir: str, *, evidence: str, measured: str, origin: str) -> Rewrite:
        """`ir` as a rewrite of `function`, which must not have been replaced yet.

        Raises ValueError when it can't be said in the names of the canonical text.
        """
        extracted = self._module.extract(function)
        return Rewrite(
            function=function,
            module=source_name(extracted),
            stage=Stage.LAST,
            target=target(extracted),
            llvm=LLVM_MAJOR,
            before=self._before[function],
            evidence=evidence,
            measured=measured,
            origin=origin,
            after=self._module.canonical_replacement(function, ir),
        )

    def save(self, rewrite: Rewrite) -> Path:
        """Keep a rewrite that was installed. Raises UsageError when it can't be written."""
        return save(rewrite, self._folder)


def source_name(module: str) -> str:
    """The name of the file that a module (text) was compiled from, without its folder."""
    match = _FILE.search(module)
    written = match[1].encode(errors="surrogateescape") if match else b""
    name = _ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), written)
    return Path(name.decode(errors="surrogateescape")).name or "-"


def target(module: str) -> str:
    """The triple that a module (text) is for."""
    match = _TARGET.search(module)
    return match[1] if match else "unknown"
