"""Read inputs that a model wrote as JSON. What no input can be made of is counted and left out."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from llmcoop.testing.written import Inputs
from llmcoop.values import Invocation

MOST_CASES, _MOST_WORKLOADS = 200, 16
_STDIN_BYTES, _ALL_BYTES = 1 << 20, 8 << 20  # of one case, and of all cases
_MOST_DROPPED = 10_000  # by then a script prints no cases
_WORKLOAD_BYTES = 16 << 20  # stdin of one workload
_ARGUMENTS, _ARGUMENT_BYTES = 256, 64 << 10  # how many in one case, and the bytes of all of them
_KEYS = {"args", "stdin", "stdin_base64"}


class Collected:
    """The cases and workloads of one reply, up to the limits."""

    def __init__(self, files: Sequence[Path] = ()) -> None:
        """`files` are given to every case: those that the workload reads."""
        self.reason = ""  # why something was dropped last
        self._files = tuple(files)
        self._cases: dict[Invocation, None] = {}
        self._workloads: dict[Invocation, None] = {}
        self._bytes = 0
        self._dropped = 0

    @property
    def usable(self) -> bool:
        """Whether there is anything."""
        return bool(self._cases or self._workloads)

    @property
    def full(self) -> bool:
        """Whether no more cases are taken."""
        return len(self._cases) >= MOST_CASES or self._bytes >= _ALL_BYTES

    def inputs(self) -> Inputs:
        """What there is."""
        return Inputs(tuple(self._cases), tuple(self._workloads), self._dropped)

    def add_document(self, text: str) -> None:
        """Add a JSON object with lists "cases" and "workloads", a list of cases, or one case a line."""
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            self._drop(f"the JSON can't be read: {error}")
            self.add_lines(text)
            return
        if isinstance(document, dict) and not document.keys() & {"cases", "workloads"}:
            document = [document]
        if isinstance(document, dict):
            self._add(document.get("cases"), self._add_case)
            self._add(document.get("workloads"), self._add_workload)
        else:
            self._add(document, self._add_case)

    def add_lines(self, text: str) -> None:
        """Add from lines with a JSON object each: a case, or {"workload": ...}; all other lines are prose."""
        for line in text.split("\n"):
            if self.full or self._dropped >= _MOST_DROPPED:
                return
            written = line.strip().removesuffix(",")
            if not written.startswith("{"):
                continue
            try:
                item = json.loads(written)
                if isinstance(item, dict) and item.keys() == {"workload"}:
                    self._add_workload(item["workload"])
                else:
                    self._add_case(item)
            except (ValueError, RecursionError) as error:
                self._drop(f"a line is not a JSON object: {error}")

    def _add(self, items: object, add: Callable[[object], None]) -> None:
        if items is None:
            return
        if not isinstance(items, list):
            self._drop("cases and workloads must be lists")
            return
        for item in items:
            add(item)

    def _add_case(self, item: object) -> None:
        invocation = self._invocation(item, _STDIN_BYTES)
        if invocation is None or invocation in self._cases:
            return
        size = len(invocation.stdin) + sum(map(len, invocation.args))
        if self.full or self._bytes + size > _ALL_BYTES:
            self._drop(f"at most {MOST_CASES} cases and {_ALL_BYTES >> 20} MiB together are taken")
            return
        self._cases[invocation] = None
        self._bytes += size

    def _add_workload(self, item: object) -> None:
        invocation = self._invocation(item, _WORKLOAD_BYTES)
        if invocation is not None and len(self._workloads) < _MOST_WORKLOADS:
            self._workloads[invocation] = None
        elif invocation is not None:
            self._drop(f"at most {_MOST_WORKLOADS} workloads are taken")

    def _invocation(self, item: object, most_bytes: int) -> Invocation | None:
        """None, and counted, for what is no case."""
        try:
            args, stdin = _parts(item)
        except ValueError as error:  # bad base64 and characters of no encoding too
            self._drop(f"a case can't be used: {error}")
            return None
        if len(stdin) > most_bytes:
            self._drop(f"the stdin of a case has {len(stdin)} bytes; at most {most_bytes >> 20} MiB are taken")
            return None
        return Invocation(args, stdin, self._files)

    def _drop(self, reason: str) -> None:
        self._dropped += 1
        self.reason = reason


def _parts(item: object) -> tuple[tuple[str, ...], bytes]:
    """Args and stdin of a case as it was written. Raises ValueError."""
    if not isinstance(item, dict) or not item or not item.keys() <= _KEYS:
        raise ValueError('it must be an object with "args" and "stdin" or "stdin_base64", and nothing else')
    args = item.get("args", [])
    if not isinstance(args, list) or not all(type(arg) in (str, int, float) for arg in args):
        raise ValueError('"args" must be a list of strings')
    words = tuple(str(arg) for arg in args)
    encoded = [os.fsencode(word) for word in words]
    if any(b"\0" in word for word in encoded):
        raise ValueError("an argument can't hold a NUL")
    if len(words) > _ARGUMENTS or sum(map(len, encoded)) > _ARGUMENT_BYTES:
        raise ValueError(f"at most {_ARGUMENTS} arguments of {_ARGUMENT_BYTES >> 10} KiB together are taken")
    stdin, coded = item.get("stdin", ""), item.get("stdin_base64", "")
    if not isinstance(stdin, str) or not isinstance(coded, str) or (stdin and coded):
        raise ValueError('one of "stdin" and "stdin_base64" must be a string')
    return words, base64.b64decode(coded, validate=True) if coded else os.fsencode(stdin)
