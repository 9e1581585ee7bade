"""The folder that a command leaves its results in, and one inside it for builds, only there while it runs."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from llmcoop.errors import UsageError

_WORK = "work"


def make(out: Path) -> None:
    """Make the folder for results if needed. Raises UsageError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(out, error) from error


@contextlib.contextmanager
def work_folder(out: Path) -> Iterator[Path]:
    """A folder for builds inside `out`; what a killed run left in it is removed. Raises UsageError."""
    folder = out / _WORK
    try:
        _remove(folder)
        folder.mkdir()
    except OSError as error:
        raise _unusable(out, error) from error
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder in which a profiled program may have left folders without permissions."""
    for parent, names, _ in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _unusable(out: Path, error: OSError) -> UsageError:
    return UsageError(f"can't write to {out}: {error.strerror}", "choose another folder with --out")
