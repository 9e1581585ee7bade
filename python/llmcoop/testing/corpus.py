"""Inputs worth keeping: the fewest that show all that was seen, some hidden, as files that a user can read."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcoop.errors import UsageError
from llmcoop.values import Invocation, TestCase

SHOWN, HIDDEN = "tests.toml", "hidden.toml"
_LONGEST_TEXT = 2000  # of an expected output that is written down; what is longer, the original is asked for again


@dataclass(slots=True)
class Entry:
    """A kept input, what it shows of the original, and how often it was a parent."""

    invocation: Invocation
    features: frozenset[int] = frozenset()  # coverage of the original
    mutants: frozenset[int] = frozenset()  # deliberately broken versions that it alone caught when it was kept
    ns: int = 0
    picked: int = 0
    found: int = 0  # kept inputs that were made from it

    @property
    def size(self) -> int:
        """Bytes of stdin and args."""
        return size(self.invocation)

    @property
    def cost(self) -> float:
        """What makes an input less welcome than another one that shows the same: bytes and time."""
        return self.size + self.ns / 20_000

    @property
    def weight(self) -> float:
        """How often it should be a parent: fresh, fertile, small and quick ones more often."""
        fertility = (1 + self.found) / (1 + self.picked / 20)
        return fertility / (1 + self.size / 100) ** 0.7 / (1 + self.ns / 2_000_000)


def size(invocation: Invocation) -> int:
    """Bytes of stdin and args."""
    return len(invocation.stdin) + sum(map(len, invocation.args)) + len(invocation.args)


def minimised(entries: Sequence[Entry]) -> list[Entry]:
    """Few entries that together have all features and mutants of `entries`, in their order.

    A greedy cover, cheap entries first; then those are dropped again that later ones made superfluous, dear ones first.
    """
    order = sorted(range(len(entries)), key=lambda at: entries[at].cost)
    counts: Counter[tuple[str, int]] = Counter()
    kept: set[int] = set()
    for at in order:
        shown = _shown(entries[at])
        if any(not counts[each] for each in shown):
            counts.update(shown)
            kept.add(at)
    for at in reversed(order):
        if at in kept and all(counts[each] > 1 for each in _shown(entries[at])):
            counts.subtract(_shown(entries[at]))
            kept.remove(at)
    return [entries[at] for at in sorted(kept)]


def is_hidden(invocation: Invocation) -> bool:
    """Whether a made-up input is hidden from proposers: about every second one, by its content alone."""
    return _digest(invocation)[0] % 2 == 1


def save(folder: Path, cases: Sequence[TestCase]) -> None:
    """Write `tests.toml` and `hidden.toml` with a [[test]] for each case, as in llmcoop.toml, and the files they name.

    Shown cases and hidden ones are apart, so that a folder without `hidden.toml` and `hidden/` gives nothing away.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, hidden in ((SHOWN, False), (HIDDEN, True)):
        inputs = folder / Path(name).stem
        inputs.mkdir(exist_ok=True)
        tables = [_table(case, inputs) for case in cases if case.hidden == hidden]
        _write(folder / name, "\n".join(tables).encode())


def load(folder: Path) -> tuple[Invocation, ...]:
    """The inputs that `save` left in `folder`; none where there is nothing.

    Raises UsageError when a file is damaged.
    """
    return tuple(invocation for name in (SHOWN, HIDDEN) for invocation in _read(folder / name))


def _shown(entry: Entry) -> set[tuple[str, int]]:
    return {("feature", each) for each in entry.features} | {("mutant", each) for each in entry.mutants}


def _digest(invocation: Invocation) -> bytes:
    content = json.dumps([invocation.args, [path.name for path in invocation.files]]).encode()
    return hashlib.sha256(content + b"\0" + invocation.stdin).digest()


def _table(case: TestCase, inputs: Path) -> str:
    invocation = case.invocation
    rows = ["[[test]]"]
    if invocation.args:
        rows.append(f"args = [{', '.join(map(_quoted, invocation.args))}]")
    if invocation.stdin:
        stdin = inputs / f"{_digest(invocation).hex()[:16]}.in"
        _write(stdin, invocation.stdin)
        rows.append(f"stdin = {_quoted(f'{inputs.name}/{stdin.name}')}")
    if invocation.files:
        rows.append(f"files = [{', '.join(_quoted(str(path.absolute())) for path in invocation.files)}]")
    text = _as_text(case.stdout)
    if text is not None:
        rows.append(f"stdout_text = {_quoted(text)}")
    rows.append(f"exit_code = {case.exit_code}")
    return "\n".join(rows) + "\n"


def _as_text(stdout: bytes) -> str | None:
    """An output that TOML can hold, or None."""
    if len(stdout) > _LONGEST_TEXT:
        return None
    try:
        return stdout.decode()
    except UnicodeDecodeError:
        return None


def _quoted(text: str) -> str:
    """A TOML string: JSON's escapes are TOML's, but for the last control character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(path: Path, content: bytes) -> None:
    """Replace a file at once: whoever reads it finds the old one or the new one."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def _read(path: Path) -> list[Invocation]:
    if not path.exists():
        return []
    try:
        tables = tomllib.loads(path.read_text()).get("test", [])
        return [_invocation(path.parent, table) for table in tables]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError, AttributeError) as error:
        raise UsageError(f"the kept inputs in {path} can't be read: {error}", f"remove {path.parent}") from error


def _invocation(folder: Path, table: dict[str, object]) -> Invocation:
    stdin, args, files = table.get("stdin"), table.get("args", []), table.get("files", [])
    if not isinstance(args, list) or not isinstance(files, list):
        raise TypeError("args and files must be lists")
    content = (folder / str(stdin)).read_bytes() if stdin is not None else str(table.get("stdin_text", "")).encode()
    return Invocation(tuple(map(str, args)), content, tuple(Path(str(name)) for name in files))
