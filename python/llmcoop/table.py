"""A table of a TOML file, read with checks that name the key and the file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcoop.errors import UsageError


@dataclass(frozen=True, slots=True)
class Table:
    """The table `name` of `file`; `schema` has the keys of each. Methods raise `UsageError`."""

    file: Path
    schema: Mapping[str, Sequence[str]]
    name: str
    data: Mapping[str, object]

    def __post_init__(self) -> None:
        known = self.schema[self.name]
        for key in self.data:
            if key not in known:
                raise UsageError(f"{self.file}: unknown key '{key}' in {self._place()}", nearest(key, known))

    def error(self, key: str, expected: str) -> UsageError:
        """The error for a value that is not what it should be."""
        return UsageError(f"{self.file}: '{key}' in {self._place()} must be {expected}", "docs/spec.md says more")

    def table(self, key: str) -> Table:
        """The table below this one; an empty one when the file has none."""
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            raise self.error(key, f"a table: [{key}]")
        return Table(self.file, self.schema, f"[{key}]", value)

    def tables(self, key: str, name: str) -> list[Table]:
        """The list of tables below this one, which the schema knows as `name`."""
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise self.error(key, f"a list of tables: {name}")
        return [Table(self.file, self.schema, name, entry) for entry in value]

    def strings(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self.data.get(key, default)
        if not isinstance(value, list | tuple) or not all(isinstance(entry, str) for entry in value):
            raise self.error(key, f'a list of strings, such as {key} = ["one", "two"]')
        return tuple(value)

    def text(self, key: str) -> str | None:
        value = self.data.get(key)
        if value is not None and not isinstance(value, str):
            raise self.error(key, "a string")
        return value

    def number(self, key: str) -> float | int | None:
        value = self.data.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise self.error(key, "a number")
        return value

    def flag(self, key: str) -> bool | None:
        value = self.data.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.error(key, "true or false")
        return value

    def _place(self) -> str:
        return self.name or "the top level"


def nearest(word: str, known: Sequence[str]) -> str:
    """A hint for a word that is not in `known`: the one that was probably meant, or all of them."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
