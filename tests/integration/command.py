"""The real command in a process of its own, and what it must never leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder in which a command of `llmcoop` runs, with a folder for temporary files of its own."""

    folder: Path
    command: str = "optimize"

    @property
    def temporary(self) -> Path:
        path = self.folder / "temporary files"
        path.mkdir(exist_ok=True)
        return path

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def argv(self, *args: str | Path) -> list[str]:
        return [sys.executable, "-m", "llmcoop", self.command, *map(str, args)]

    def environment(self, changes: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, "TMPDIR": str(self.temporary), **(changes or {})}

    def run(
        self, *args: str | Path, env: Mapping[str, str] | None = None, prefix: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end; it must leave no process and no temporary file, nor show its insides."""
        done = subprocess.run(
            [*prefix, *self.argv(*args)],
            cwd=self.folder,
            env=self.environment(env),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert list(self.temporary.iterdir()) == []
        assert list(self.folder.rglob("work")) == []
        assert list(processes(self.folder)) == []
        return done

    def start(self, *args: str | Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start the command in a session of its own, as a terminal or a batch system does."""
        return subprocess.Popen(
            self.argv(*args),
            cwd=self.folder,
            env=self.environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def processes(folder: Path) -> Iterator[str]:
    """Command lines of the processes that have something to do with `folder`, this one left out."""
    place = str(folder).encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command, here = (entry / "cmdline").read_bytes(), os.fsencode((entry / "cwd").readlink())
            except OSError:  # it has just ended, or belongs to someone else
                continue
            if place in command or here.startswith(place):
                yield command.replace(b"\0", b" ").decode(errors="replace")
