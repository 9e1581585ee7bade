"""One rewrite, and the text of the file that it is kept in."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from llmcoop.errors import UsageError
from llmcoop.values import EvidenceKind

SUFFIX = ".rewrite"
FIRST = "llmcoop-rewrite 1"
_BEFORE, _AFTER = "--- before\n", "--- after\n"
_NAMED = ("function", "module", "stage", "target", "llvm", "evidence", "measured", "origin")
_REMADE = "it was changed by hand or cut short: take it from where it was made, or drop it"
_UNFIT = re.compile(rb"[^A-Za-z0-9_.]")
_NAME_LENGTH, _HASH_LENGTH = 64, 16  # bytes


class Stage(StrEnum):
    """Where in clang's pipeline a rewrite is applied."""

    START = "start"  # the IR as the front end leaves it
    LAST = "last"  # the IR that goes to the code generator


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A new version of one function of one module, or hints and clones that the plugin carries out itself.

    `before` and `after` are canonical texts: the function in a module of its own, the same wherever it is compiled.
    """

    function: str
    module: str  # name of the source file, without its folder
    stage: Stage
    target: str  # triple
    llvm: int  # major version
    before: str
    evidence: str  # an EvidenceKind, and what it rests on: "tested: 40 cases, …"
    measured: str
    origin: str  # which search or model
    after: str = ""  # empty: hints and clones say what changes
    hints: tuple[tuple[str, str], ...] = ()  # name and value, as in FunctionRecipe
    clones: tuple[str, ...] = ()  # CPU levels with settings, as in Recipe

    @property
    def file_name(self) -> str:
        """The name of its file: the function, and what finds the function's IR."""
        name = _UNFIT.sub(b"_", _bytes(self.function))[:_NAME_LENGTH].decode()
        digest = hashlib.sha256(_bytes(self.before)).hexdigest()
        return f"{name}-{digest[:_HASH_LENGTH]}{SUFFIX}"

    @property
    def kind(self) -> EvidenceKind:
        """The kind of its evidence."""
        return EvidenceKind(self.evidence.partition(":")[0])

    def text(self) -> str:
        """What its file holds. Raises UsageError where a value does not fit in a line."""
        _check(self, self.file_name)
        content = "".join((*self.header(), _BEFORE, self.before, *((_AFTER, self.after) if self.after else ())))
        return f"{FIRST}\ndigest {hashlib.sha256(_bytes(content)).hexdigest()}\n{content}"

    @staticmethod
    def parse(text: str, where: str) -> Rewrite:
        """The inverse of `text`; `where` names the file in errors. Raises UsageError."""
        first, digest, content = (*text.split("\n", 2), "", "")[:3]
        if first != FIRST:
            _refuse(where, f'its first line is not "{FIRST}"', "is it a rewrite, of this version of LLMCoop?")
        if digest != f"digest {hashlib.sha256(_bytes(content)).hexdigest()}":
            _refuse(where, "its digest does not fit what it holds")
        header, before, rest = f"\n{content}".partition(f"\n{_BEFORE}")
        if not before:
            _refuse(where, "it has no text of the function before")
        old, after, new = rest.partition(f"\n{_AFTER}")
        old = f"{old}\n" if after else old
        rewrite = _parsed(header.split("\n")[1:], old, new, where)
        _check(rewrite, where)
        if rewrite.text() != text:
            _refuse(where, "its lines are not as LLMCoop writes them")
        return rewrite

    def header(self) -> Iterator[str]:
        """The lines between the digest and the texts."""
        for name in _NAMED:
            yield f"{name} {getattr(self, name)}\n"
        for name, value in self.hints:
            yield f"hint {name} {value}\n"
        for clone in self.clones:
            yield f"clone {clone}\n"


def _parsed(lines: list[str], before: str, after: str, where: str) -> Rewrite:
    pairs = [(name, value) for name, _, value in (line.partition(" ") for line in lines)]
    named, more = pairs[: len(_NAMED)], pairs[len(_NAMED) :]
    if tuple(name for name, _ in named) != _NAMED:
        _refuse(where, f"its lines are not {', '.join(_NAMED)}, in this order")
    values = dict(named)
    if values["stage"] not in tuple(Stage):
        _refuse(where, f"there is no stage {values['stage']}")
    if not re.fullmatch(r"[1-9][0-9]{0,3}", values["llvm"]):
        _refuse(where, f"{values['llvm']} is no version of LLVM")
    for name, _ in more:
        if name not in ("hint", "clone"):
            _refuse(where, f"it has a line {name!r} that means nothing")
    return Rewrite(
        *(values["function"], values["module"], Stage(values["stage"]), values["target"], int(values["llvm"])),
        *(before, values["evidence"], values["measured"], values["origin"], after),
        hints=tuple((key, text) for key, _, text in (value.partition(" ") for name, value in more if name == "hint")),
        clones=tuple(value for name, value in more if name == "clone"),
    )


def _check(rewrite: Rewrite, where: str) -> None:
    """Raises UsageError for a rewrite that says too little or too much."""
    if any("\n" in line[:-1] or line.endswith(" \n") for line in rewrite.header()):
        _refuse(where, "a value in its header is empty or longer than a line")
    kind = rewrite.evidence.partition(":")[0]
    if kind not in (EvidenceKind.BY_CONSTRUCTION, EvidenceKind.PROVED, EvidenceKind.TESTED):
        _refuse(where, f"there is no evidence {kind}")
    if not rewrite.before.endswith("\n") or (rewrite.after and not rewrite.after.endswith("\n")):
        _refuse(where, "a text of the function is not complete")
    changed = bool(rewrite.hints or rewrite.clones)
    if changed == bool(rewrite.after):
        _refuse(where, "it has both a new version and hints" if changed else "it changes nothing")
    if changed and rewrite.stage is not Stage.START:
        _refuse(where, "hints and clones are for the stage start")


def _refuse(where: str, reason: str, hint: str = _REMADE) -> NoReturn:
    raise UsageError(f"{where}: {reason}", hint)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
