"""A copy of a project: where its own commands run, in an environment that makes its build use our compilers."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from llmcoop import process
from llmcoop.errors import ProgramError, UsageError
from llmcoop.project.compilers import Compilers
from llmcoop.project.spec import ProjectSpec
from llmcoop.sandbox import Sandbox

COMMAND_TIMEOUT_S = 3600.0  # of a build or of the tests
_SHOWN_LINES = 12  # of what a failed command wrote
# Settings of the plugin and the compilers that are ours to make; those that say where things are installed stay.
_OURS = ("MODE", "REWRITES", "FUNCTIONS", "BUDGET", "MODEL", "CALLS", "PROPOSER", "ACCEPT", "RUN", "CC_LOG", "CC_ADD")
# One program with arguments and redirections: when it ends there is nothing left to do for a shell.
_SIMPLE = re.compile(r"\s*[\w./+@%:,-]+(\s+[\w./+@%:,=<>-]+)*\s*")
_CODE = (b"\x7fELF", b"!<arch>\n")  # how objects, executables and libraries, and archives of objects start


@dataclass(frozen=True, slots=True)
class Confined:
    """Where all commands of a copy run that has code that a model wrote: a build may execute it, too."""

    sandbox: Sandbox
    readable: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """One copy of a project."""

    folder: Path
    spec: ProjectSpec
    compilers: Compilers
    settings: Mapping[str, str] = field(default_factory=dict[str, str])  # environment variables
    confined: Confined | None = None

    def with_settings(self, **settings: str) -> Tree:
        """The same copy with other environment variables."""
        return replace(self, settings={**self.settings, **settings})

    def copy(self, without: Path | None = None) -> None:
        """Make the copy; what lies in the folder `without` is left out. Raises UsageError."""

        def left_out(parent: str, names: list[str]) -> set[str]:
            return {name for name in names if without and Path(parent, name) == without.resolve()}

        source = self.spec.directory.resolve()
        try:
            shutil.copytree(source, self.folder, symlinks=True, ignore=left_out)
        except (OSError, shutil.Error) as error:
            raise UsageError(f"can't copy {source} to {self.folder}: {error}", "can all of it be read?") from error

    def prepare(self) -> None:
        """Configure and build. Raises ProgramError."""
        if self.spec.configure:
            self._must("configure", self.spec.configure)
        self._must("build", self.spec.build)

    def build(self) -> process.Completed:
        """Build what is not up to date."""
        return self._run(self.spec.build, COMMAND_TIMEOUT_S)

    def test(self) -> process.Completed:
        """Run the project's own tests."""
        return self._run(self.spec.test, COMMAND_TIMEOUT_S)

    def benchmark(self, timeout_s: float, cpu: int | None = None) -> process.Completed:
        """Run the project's own benchmark, on one CPU only if `cpu` says which."""
        return self._run(self.spec.benchmark, timeout_s, cpu)

    def digest(self) -> str:
        """SHA-256 over all code that was built, with where it lies in the copy."""
        whole = hashlib.sha256()
        for path in sorted(self._code()):
            whole.update(os.fsencode(path.relative_to(self.folder)) + b"\0")
            whole.update(hashlib.sha256(path.read_bytes()).digest())
        return whole.hexdigest()

    def touch(self, sources: Iterable[Path]) -> None:
        """Make these files (relative to the copy) newer than what was built from them."""
        for source in sources:
            path = self.folder / source
            if path.is_file():
                path.touch()

    def environment(self) -> dict[str, str]:
        """What a command of this copy sees: the user's own environment, with our compilers and settings."""
        theirs = {name: value for name, value in os.environ.items() if name not in _unwanted()}
        return {**theirs, **self._own()}

    def _own(self) -> dict[str, str]:
        return {"CC": self.compilers.cc, "CXX": self.compilers.cxx, **self.settings}

    def _must(self, what: str, command: str) -> None:
        done = self._run(command, COMMAND_TIMEOUT_S)
        if done.returncode != 0:
            hint = f"does it work in {self.spec.directory}?"
            if self.confined:
                hint += " With a model it runs in the sandbox, which shows it /usr and the copy alone."
            raise ProgramError(f"{what} command `{command}` {ending(done)}", hint)

    def _run(self, command: str, timeout_s: float, cpu: int | None = None) -> process.Completed:
        argv = [*([] if cpu is None else ["taskset", "-c", str(cpu)]), "/bin/sh", "-c", _replacing(command)]
        if self.confined is None:
            whole = process.dying_with_us(argv)
            return process.run(whole, cwd=self.folder, env=self.environment(), timeout_s=timeout_s)
        whole = self.confined.sandbox.command(
            argv, readonly=self.confined.readable, writable=[self.folder], cwd=self.folder, env=self._own()
        )
        return process.run(whole, timeout_s=timeout_s)

    def _code(self) -> Iterator[Path]:
        for parent, _, names in os.walk(self.folder):
            for path in (Path(parent, name) for name in names):
                if path.is_file() and not path.is_symlink() and _starts_as_code(path):
                    yield path


def ending(done: process.Completed) -> str:
    """How a command that failed ended, with the last lines that it wrote."""
    how = f"was still running after {done.seconds:.0f} s" if done.timed_out else f"ended with {done.returncode}"
    lines = (done.stdout + done.stderr).decode(errors="replace").splitlines()[-_SHOWN_LINES:]
    return "\n".join((f"{how}:" if lines else how, *(f"  {line}" for line in lines)))


def _replacing(command: str) -> str:
    """The command such that a simple one takes the place of the shell: how long it waited for a CPU is then known."""
    program = command.split(maxsplit=1)[0]
    return f"exec {command}" if _SIMPLE.fullmatch(command) and (shutil.which(program) or "/" in program) else command


def _unwanted() -> frozenset[str]:
    return frozenset(f"LLMCOOP_{name}" for name in _OURS)


def _starts_as_code(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8).startswith(_CODE)
