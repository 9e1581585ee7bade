"""Compile today's code with kept rewrites applied, and tell from the compiler's remarks what became of each."""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import llmcoop
from llmcoop import process
from llmcoop.clang import errors_of
from llmcoop.errors import ProgramError, UsageError
from llmcoop.facts import records
from llmcoop.facts.records import Record
from llmcoop.rewrites.rewrite import Rewrite
from llmcoop.toolchain import Toolchain

PASS = "llmcoop"
_COMPILE_TIMEOUT_S = 600.0
_LAUNCHERS = ("ccache", "sccache", "distcc", "icecc")
# Words of a -cc1 command line that name a file to write; the next word is the file.
_WRITES = ("-o", "-dependency-file", "-opt-record-file", "-serialize-diagnostic-file", "-split-dwarf-output")
_WRITES_MORE = ("-coverage-notes-file=", "-coverage-data-file=", "-ftime-trace=", "-stack-usage-file=")


class Use(StrEnum):
    """What became of a rewrite in a build."""

    APPLIED = "applied"
    REFUSED = "refused"
    STALE = "stale"  # the function is there, and has changed since
    UNUSED = "unused"  # no such function was compiled

    @property
    def in_order(self) -> bool:
        """Whether the code still fits: one that is merely not compiled in this build does."""
        return self in (Use.APPLIED, Use.UNUSED)


@dataclass(frozen=True, slots=True)
class Used:
    """What became of one rewrite, and in which source files."""

    use: Use
    places: tuple[str, ...] = ()  # "FILE", or "FILE: why"


@dataclass(frozen=True, slots=True)
class Compile:
    """One call of a compiler driver."""

    directory: Path
    arguments: tuple[str, ...]  # the compiler first

    def may_compile(self, names: Collection[str]) -> bool:
        """Whether a source file of one of these names may be among what it compiles."""
        return any(Path(word).name in names or word.startswith("@") for word in self.arguments)


def read_compiles(file: Path) -> tuple[Compile, ...]:
    """The calls in a compile_commands.json, or in the lines that `llmcoop cc` logs. Raises UsageError."""
    hint = "give a compile_commands.json, or a file that LLMCOOP_CC_LOG named"
    try:
        text = file.read_text(errors="surrogateescape")
        entries = json.loads(text) if text.lstrip().startswith("[") else [*map(json.loads, text.splitlines())]
        return tuple(dict.fromkeys(_compile(entry) for entry in entries))
    except OSError as error:
        raise UsageError(f"can't read {file}: {error.strerror}", hint) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} does not hold compile commands: {error!r}", hint) from error


def _compile(entry: Mapping[str, str | list[str]]) -> Compile:
    directory, words = entry["directory"], entry.get("arguments") or shlex.split(str(entry["command"]))
    return Compile(Path(str(directory)), tuple(map(str, words)))


def uses(
    toolchain: Toolchain, folder: Path, rewrites: Sequence[Rewrite], compiles: Iterable[Compile]
) -> dict[str, Used]:
    """What becomes of the rewrites in `folder` when the calls are made again, by file name; nothing of it is kept.

    Only files from which there are rewrites are compiled. Raises ProgramError when one does not compile any more.
    """
    modules = {rewrite.module for rewrite in rewrites}
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        calls = [call for call in compiles if call.may_compile(modules)]
        jobs = [job for found in pool.map(lambda call: [*_jobs(toolchain, call)], calls) for job in found]
        wanted = [job for job in jobs if job.module in modules]
        told = pool.map(lambda numbered: _run(numbered[1], Path(scratch) / f"{numbered[0]}", folder), enumerate(wanted))
        remarks = [(job, record) for job, found in zip(wanted, told, strict=True) for record in found]
    return {rewrite.file_name: _used(rewrite, remarks) for rewrite in rewrites}


@dataclass(frozen=True, slots=True)
class _Job:
    """One run of clang's front end and optimizer."""

    directory: Path
    arguments: tuple[str, ...]
    source: str  # as it was named

    @property
    def module(self) -> str:
        """The name of the source, without its folder."""
        return Path(self.source).name


def _jobs(toolchain: Toolchain, call: Compile) -> Iterator[_Job]:
    """What the driver runs for a call, as far as it makes code; it resolves response files and names of targets.

    Nothing for a call that fails, such as one for a file that was there while a build was configured.
    """
    words = list(call.arguments)
    while words and (words[0] == "llmcoop" or Path(words[0]).name in _LAUNCHERS):
        del words[: 2 if words[0] == "llmcoop" else 1]
    mode = ["--driver-mode=g++"] if words and "++" in Path(words[0]).name else []
    argv = [str(toolchain.clang), *mode, "-###", *words[1:]]
    done = process.run(argv, cwd=call.directory, timeout_s=_COMPILE_TIMEOUT_S)
    lines = done.stderr.decode(errors="surrogateescape").splitlines() if done.returncode == 0 else ()
    for line in lines:
        job = shlex.split(line) if line.startswith(' "') else []
        if "-cc1" in job[:2] and any(word.startswith("-emit-obj") or word in ("-S", "-emit-llvm-bc") for word in job):
            yield _Job(call.directory, tuple(job), job[-1])


def _run(job: _Job, scratch: Path, folder: Path) -> tuple[Record, ...]:
    """Run a job with all that it writes in a folder of its own; gives what the plugin said. Raises ProgramError."""
    scratch.mkdir()
    remarks = scratch / "remarks"
    argv = [*_kept(job.arguments[:-1]), "-o", str(scratch / "out"), f"-fpass-plugin={llmcoop.plugin_path()}"]
    argv += ["-opt-record-file", str(remarks), "-opt-record-format", "yaml", "-opt-record-passes", PASS, job.source]
    environment = {**os.environ, "LLMCOOP_MODE": "apply", "LLMCOOP_REWRITES": str(folder), "TMPDIR": str(scratch)}
    done = process.run(argv, cwd=job.directory, env=environment, timeout_s=_COMPILE_TIMEOUT_S)
    if done.returncode:
        raise ProgramError(f"{job.directory / job.source} does not compile any more:\n{errors_of(done.stderr)}")
    text = remarks.read_text(errors="surrogateescape") if remarks.exists() else ""
    return tuple(record for record in records.parse(text) if record.pass_name == PASS)


def _kept(arguments: Sequence[str]) -> Iterator[str]:
    """The words of a -cc1 command line that do not name a file to write, nor our plugin."""
    previous = ""
    for word in arguments:
        ours = word.startswith("-fpass-plugin=") and word.endswith("/LLMCoop.so")
        if word not in _WRITES and previous not in _WRITES and not word.startswith(_WRITES_MORE) and not ours:
            yield word
        previous = word


def _used(rewrite: Rewrite, remarks: Iterable[tuple[_Job, Record]]) -> Used:
    """Applied where it was applied anywhere: a file may be compiled in more than one way."""
    found: dict[Use, dict[str, None]] = {}
    for job, record in remarks:
        use = next((each for each in Use if record.name.lower() == each), None)
        if use and job.module == rewrite.module and rewrite.file_name in record.message:
            place = str(job.directory / job.source)
            found.setdefault(use, {})[place if use is Use.APPLIED else f"{place}: {record.message}"] = None
    return next((Used(use, tuple(found[use])) for use in Use if use in found), Used(Use.UNUSED))
