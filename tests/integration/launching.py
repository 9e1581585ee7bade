"""The compilers `llmcoop-cc` and `llmcoop-c++`, and the clang that they stand in for, on the same command lines."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from llmcoop import native
from llmcoop.toolchain import Toolchain

TIMEOUT_S = 60
CC = str(native.installed("llmcoop-cc"))
CXX = str(native.installed("llmcoop-c++"))
CLANG = str(Toolchain.find().clang)
CLANGXX = f"{CLANG}++"
PLUGIN = str(native.installed("LLMCoop.so"))
_OURS = re.compile(rf' ?"?-fpass-plugin={re.escape(PLUGIN)}"?'.encode())  # as -v and -### show it
_TEMPORARY = re.compile(rb"/tmp/([^/\s\"]+)-[0-9a-f]{6}\b")

Arguments = Sequence[str | Path]


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """This environment without what would change a compiler, and with these changes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LLMCOOP_", "CCACHE_"))}
    return {**kept, "LC_ALL": "C.UTF-8", **(changes or {})}


def run(
    command: Arguments, folder: Path, *, stdin: str = "", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a folder; `env` are changes to the environment."""
    return subprocess.run(
        command,
        cwd=folder,
        input=stdin.encode(),
        env=environment(env),
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@dataclass(frozen=True, slots=True)
class Effect:
    """All that a command did: exit status, output, and the files in its folder afterwards."""

    status: int
    stdout: bytes
    stderr: bytes
    files: Mapping[str, bytes] = field(repr=False)


def effect(command: Arguments, template: Path, *, stdin: str = "", env: Mapping[str, str] | None = None) -> Effect:
    """What the command does in a fresh copy of `template`, which always has the same name: objects may hold it."""
    folder = template.with_name("work")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    done = run(command, folder, stdin=stdin, env=env)
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return Effect(done.returncode, _plain(done.stdout), _plain(done.stderr), files)


def _plain(output: bytes) -> bytes:
    return _TEMPORARY.sub(rb"/tmp/\1", _OURS.sub(b"", output))
