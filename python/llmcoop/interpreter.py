"""This Python inside the sandbox: what must be shown for it to start, and scripts that nobody has read."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from llmcoop import native, process
from llmcoop.sandbox import Limits, Sandbox

_ALONE = ("-I", "-S", "-B")  # no site packages, no environment, nothing written


def folders(*others: Path) -> list[Path]:
    """What the sandbox must show besides /usr so that this Python starts, and `others`."""
    found = {
        Path(sys.prefix),
        Path(sys.base_prefix),
        Path(sys.executable).parent,
        Path(sys.executable).resolve().parent,
        *others,
    }
    return sorted(folder for folder in found if not folder.is_relative_to("/usr"))


def run_script(
    sandbox: Sandbox, script: str, args: Sequence[str], *, limits: Limits, output_limit: int
) -> process.Completed:
    """Run a script with the standard library alone; what it did, and what it wrote until it was ended, is data.

    It sees the system, read-only, and an empty /tmp. `output_limit` is in bytes, of stdout and stderr together.
    Raises ToolchainError when it can't be started.
    """
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "script.py")
        path.write_text(script, errors="backslashreplace")
        for each in (path.parent, path):
            each.chmod(0o755)  # another user reads it
        command = sandbox.command(
            [sys.executable, *_ALONE, str(path), *args],
            readonly=[*folders(), path.parent] if sandbox.enabled else (),
            limits=limits,
            user=native.user_of_candidates(sandbox),
        )
        return process.run(command, timeout_s=limits.wall_s, output_limit=output_limit)
