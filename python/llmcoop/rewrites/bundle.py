"""Several rewrites in one text, for review or mail, and taking rewrites over from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from llmcoop.errors import UsageError
from llmcoop.rewrites.folder import files, load, read, save
from llmcoop.rewrites.rewrite import FIRST, Rewrite

IN_RUN = "rewrites"  # the folder in that of a run's results
_START = re.compile(rf"^(?={re.escape(FIRST)}$)", re.MULTILINE)


def text_of(rewrites: Sequence[Rewrite]) -> str:
    """Their files one after the other; each says by its first line where it begins."""
    return "".join(rewrite.text() for rewrite in rewrites)


def read_bundle(source: Path) -> tuple[Rewrite, ...]:
    """The rewrites of `text_of` in a file, in a folder of rewrites, or in the folder of a run. Raises UsageError."""
    if source.is_dir():
        found = load(source / IN_RUN if not files(source) and (source / IN_RUN).is_dir() else source)
        if not found:
            raise UsageError(
                f"{source} holds no rewrites", "name a folder of rewrites, or that of a run that left some"
            )
        return found
    try:
        with source.open(errors="surrogateescape", newline="") as file:
            parts = _START.split(file.read())
    except OSError as error:
        raise UsageError(f"can't read {source}: {error.strerror}") from error
    whole = parts[1:] if parts and not parts[0].strip() else parts
    return tuple(Rewrite.parse(part, f"{source}, rewrite {number}") for number, part in enumerate(whole, 1))


def take(rewrites: Sequence[Rewrite], folder: Path, *, replace: bool) -> tuple[Path, ...]:
    """Save rewrites in a folder; gives the files that are new or changed.

    Raises UsageError, and saves nothing, when another version of one is there and it may not `replace` that.
    """
    known = {path.name for path in files(folder)}
    news = [each for each in rewrites if each.file_name not in known or _differs(each, folder)]
    clashes = [rewrite.file_name for rewrite in news if rewrite.file_name in known]
    if clashes and not replace:
        raise UsageError(
            f"{folder} has another version of {', '.join(clashes)}",
            "look at it with `show`, and say --replace to take the new one",
        )
    return tuple(save(rewrite, folder) for rewrite in news)


def _differs(rewrite: Rewrite, folder: Path) -> bool:
    try:
        return read(folder / rewrite.file_name) != rewrite
    except UsageError:  # what is broken is another version, too
        return True
