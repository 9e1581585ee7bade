"""Split assembly text (AT&T syntax) into statements, and say what they name, read and write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache

_PARTS = re.compile(r'"(?:[^"\\]|\\.)*"|[#;"]|[^"#;]+')
_LABEL = re.compile(r"([A-Za-z_.$][\w.$]*|\d+)[ \t]*:")
_PREFIX = re.compile(r"(?:(?:rep|repn?[ez]|lock|notrack|bnd|data16|addr32|x(?:acquire|release)|\{\w+\})[ \t]+)*")
_WORD = re.compile(r"([^\s]+)[ \t]*(.*)")
_COMMA = re.compile(r",(?![^(]*\))")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_REGISTER = re.compile(r"%(\w+)")
_IMMEDIATE = re.compile(r"(?:^|(?<=[,\s(*]))\$")
_SYMBOL = re.compile(r"(?<![\w.$@%])(?=\.?[A-Za-z_$])[A-Za-z_.$][\w.$]*")
_NAMES_NOTHING = (".section", ".cfi_", ".ident", ".file", ".addrsig")


class Kind(Enum):
    """What a statement is."""

    LABEL = auto()
    DIRECTIVE = auto()
    INSTRUCTION = auto()


@dataclass(frozen=True, slots=True)
class Statement:
    """One label, directive or instruction; `text` is it without its comment and with single spaces."""

    line: int  # from 1
    kind: Kind
    text: str
    name: str  # of the label or directive, or the mnemonic
    operands: tuple[str, ...] = ()
    prefix: str = ""  # "lock", "rep", …

    @property
    def symbols(self) -> frozenset[str]:
        """What it refers to by name."""
        if self.kind is Kind.LABEL or self.name.startswith(_NAMES_NOTHING):
            return frozenset()
        operands = (_IMMEDIATE.sub(" ", STRING.sub(" ", operand)) for operand in self.operands)
        return frozenset(name for operand in operands for name in _SYMBOL.findall(operand))

    @property
    def registers(self) -> frozenset[str]:
        """The registers that stand in it, without %."""
        return frozenset(name for operand in self.operands for name in _REGISTER.findall(operand))

    @property
    def jumps(self) -> bool:
        """Whether it may go on elsewhere in the function, or in another one for good."""
        return self.kind is Kind.INSTRUCTION and self.name.startswith(("j", "loop"))

    @property
    def always_jumps(self) -> bool:
        """Whether it never goes on with the next statement."""
        return self.jumps and self.name in ("jmp", "jmpq")

    @property
    def calls(self) -> bool:
        """Whether it calls a function."""
        return self.kind is Kind.INSTRUCTION and self.name in ("call", "callq")

    @property
    def returns(self) -> bool:
        """Whether it returns from the function."""
        return self.kind is Kind.INSTRUCTION and self.name in ("ret", "retq")

    @property
    def indirect(self) -> bool:
        """Whether the place it goes to stands in a register or in memory."""
        return (self.jumps or self.calls) and any(operand.startswith("*") for operand in self.operands)


def parse(text: str) -> tuple[Statement, ...]:
    """The statements of a text; whatever is no label and no directive counts as an instruction."""
    return tuple(
        statement
        for number, line in enumerate(text.split("\n"), 1)
        for part in _parts(line)
        for statement in _statements(number, part.strip())
    )


def without_comments(text: str) -> str:
    """The text line by line, without comments."""
    return "\n".join("; ".join(part.strip() for part in _parts(line)) for line in text.split("\n")) + "\n"


def same(text: str, other: str) -> bool:
    """Whether two texts differ in comments and spaces at most."""
    return _words(text) == _words(other)


def _words(text: str) -> list[list[str]]:
    return [words for line in text.split("\n") if (words := line.partition("#")[0].split())]


def labels(statements: Sequence[Statement]) -> frozenset[str]:
    """What they define; numbers, which may be defined again and again, left out."""
    names = (statement.name for statement in statements if statement.kind is Kind.LABEL)
    return frozenset(name for name in names if not name.isdecimal())


def symbols(statements: Sequence[Statement]) -> frozenset[str]:
    """What they refer to."""
    return frozenset(name for statement in statements for name in statement.symbols)


@cache
def family(register: str) -> str:
    """The 64-bit register that a general register is a part of; any other stands for itself."""
    if numbered := re.fullmatch(r"(r\d+)[bwdl]?", register):
        return numbered[1]
    if re.fullmatch(r"[re]?[abcd]x|[abcd][lh]", register):
        return f"r{register.lstrip('re')[0]}x"
    if pointer := re.fullmatch(r"[re]?(si|di|bp|sp)l?", register):
        return f"r{pointer[1]}"
    return register


def _parts(line: str) -> Iterator[str]:
    """The statements in a line, without its comment."""
    part = ""
    for piece in _PARTS.findall(line):
        if piece == "#":
            break
        if piece == ";":
            yield part
            part = ""
        else:
            part += piece
    yield part


def _statements(line: int, text: str) -> Iterator[Statement]:
    while match := _LABEL.match(text):
        yield Statement(line, Kind.LABEL, f"{match[1]}:", match[1])
        text = text[match.end() :].strip()
    if not text:
        return
    prefixed = _PREFIX.match(text)
    assert prefixed is not None
    prefix, rest = prefixed[0].strip(), text[prefixed.end() :]
    word = _WORD.match(rest)
    if word is None:
        yield Statement(line, Kind.INSTRUCTION, text, prefix)
        return
    kind = Kind.DIRECTIVE if word[1].startswith(".") else Kind.INSTRUCTION
    operands = tuple(part.strip() for part in _COMMA.split(word[2])) if word[2].strip() else ()
    yield Statement(line, kind, " ".join(text.split()), word[1].lower(), operands, prefix)
