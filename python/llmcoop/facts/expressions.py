"""The C expression that a place in the source names, so that a remark can quote it."""

from __future__ import annotations

import re

_SUBSCRIPT = r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]"
_CHAIN = rf"[A-Za-z_]\w*(?:{_SUBSCRIPT}|\s?(?:->|\.)\s?[A-Za-z_]\w*)*"
_ASSIGNMENT = re.compile(r"(?:[-+*/%&|^]|<<|>>)?=(?!=)|\+\+|--")
_BEFORE = re.compile(rf"(\*?{_CHAIN})\s*$")
_OWNER = re.compile(rf"({_CHAIN}(?:->|\.))$")
_FROM = re.compile(rf"(?:\+\+|--)?(\*?{_CHAIN})(?!\w|\s*\()")
_MEMBER = re.compile(r"[A-Za-z_]\w*")
_CALL = re.compile(r"([A-Za-z_]\w*)\s*\(")
_LONGEST = 60
_AROUND = 200  # characters that are looked at: a line may be very long


def memory_at(line: str, column: int) -> str:
    """What is loaded or stored at a column (from 1) of a line: "text->data[i]"; empty if it can't be told.

    An access to a member is placed at the member's name, one to an element at its start, a store at the operator.
    """
    before, rest = line[: column - 1][-_AROUND:], line[column - 1 :][:_AROUND]
    if _ASSIGNMENT.match(rest) and (target := _BEFORE.search(before)):
        return _short(target[1])
    owner, member = _OWNER.search(before), _MEMBER.match(rest)
    if owner and member:
        return _short(owner[1] + member[0])
    whole = _FROM.match(rest)
    return _short(whole[1]) if whole else ""


def callee_at(line: str, column: int) -> str:
    """The name of the function that is called at a column (from 1) of a line; empty if it can't be told."""
    called = _CALL.match(line[column - 1 :][:_AROUND])
    return called[1] if called else ""


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else ""
