"""A folder of rewrites, one file each."""

from __future__ import annotations

import tempfile
from pathlib import Path

from llmcoop.errors import UsageError
from llmcoop.rewrites.rewrite import SUFFIX, Rewrite


def files(folder: Path) -> tuple[Path, ...]:
    """The files with rewrites in a folder, by name; none where there is no such folder."""
    return tuple(sorted(folder.glob(f"*{SUFFIX}")))


def read(path: Path) -> Rewrite:
    """The rewrite in a file. Raises UsageError when it can't be read or is broken."""
    try:
        with path.open(errors="surrogateescape", newline="") as file:
            text = file.read()
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror}") from error
    rewrite = Rewrite.parse(text, str(path))
    if path.name != rewrite.file_name:
        raise UsageError(f"{path}: its name does not fit what it holds", f"call it {rewrite.file_name}")
    return rewrite


def load(folder: Path) -> tuple[Rewrite, ...]:
    """All rewrites of a folder, by file name. Raises UsageError for the first broken one."""
    return tuple(read(path) for path in files(folder))


def save(rewrite: Rewrite, folder: Path) -> Path:
    """Keep a rewrite in a folder, which is made if need be, in place of an earlier one of the same function text.

    Safe while others read and write there. Gives the file. Raises UsageError when it can't be written.
    """
    path = folder / rewrite.file_name
    content = rewrite.text().encode(errors="surrogateescape")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".tmp", delete=False) as file:
            file.write(content)
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)
    except OSError as error:
        raise UsageError(f"can't write {path}: {error.strerror}", "choose another folder") from error
    return path
