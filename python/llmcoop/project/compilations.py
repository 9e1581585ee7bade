"""What a build compiled, from the log of our compilers, and the IR that clang's front end makes of it."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcoop import process
from llmcoop.ir import CodeGen, Tuning, clang_options
from llmcoop.project import compilers
from llmcoop.toolchain import Toolchain

_TIMEOUT_S = 600.0
_LANGUAGES = ("c", "cpp-output", "c++", "c++-cpp-output")  # not assembly, headers or IR
_EMITTED = ("-emit-obj", "-S", "-emit-llvm", "-emit-llvm-bc")


@dataclass(frozen=True, slots=True)
class Compilation:
    """One source file as one command compiled it."""

    directory: Path
    arguments: tuple[str, ...]  # of the command, the compiler in front
    source: Path  # absolute
    cc1: tuple[str, ...]  # what the driver makes of the command, for this source

    @property
    def triple(self) -> str:
        """What it is compiled for."""
        return self.cc1[self.cc1.index("-triple") + 1]


@dataclass(frozen=True, slots=True)
class Unit:
    """A compilation's module as the front end gives it, before any pass, and what clang would tell passes."""

    bitcode: bytes
    tuning: Tuning
    codegen: CodeGen


def logged(toolchain: Toolchain, log: Path) -> tuple[Compilation, ...]:
    """The compilations that the log of a build names, of sources that are still there.

    Raises ProgramError when there is none.
    """
    lines = log.read_text(errors="surrogateescape").splitlines() if log.is_file() else []
    found: dict[Compilation, None] = {}
    for line in dict.fromkeys(lines):
        entry = json.loads(line)
        found |= dict.fromkeys(_compilations(toolchain, Path(entry["directory"]), tuple(entry["arguments"])))
    if not found:
        raise compilers.unused()
    return tuple(found)


def front_end(compilation: Compilation, folder: Path, extra: Sequence[str] = ()) -> Unit | None:
    """Run the front end as the build did, with `extra` arguments of `clang -cc1`; None when that fails.

    Raises UsageError for flags such as -fsanitize=address, whose passes are clang's own.
    """
    tuning, codegen = clang_options.from_cc1(compilation.cc1)
    output = folder / "unit.bc"
    argv = [
        *compilation.cc1[:-1],
        "-emit-llvm-bc",
        "-disable-llvm-passes",
        *extra,
        "-o",
        str(output),
        compilation.cc1[-1],
    ]
    done = _run(argv, compilation.directory, folder)
    return Unit(output.read_bytes(), tuning, codegen) if done.returncode == 0 else None


def _compilations(toolchain: Toolchain, directory: Path, arguments: tuple[str, ...]) -> Iterator[Compilation]:
    """What `clang -###` says that the command compiles; nothing where its folder was there for a test of CMake only."""
    if not directory.is_dir():
        return
    mode = ["--driver-mode=g++"] if arguments[0].endswith("++") else []
    done = _run([str(toolchain.clang), *mode, "-###", *arguments[1:]], directory, directory)
    for line in done.stderr.decode(errors="surrogateescape").splitlines():
        words = shlex.split(line) if line.startswith(' "') else []
        if "-cc1" not in words or not set(words) & set(_EMITTED) or "-x" not in words:
            continue
        language = words[len(words) - words[::-1].index("-x")]
        source = Path(os.path.normpath(directory / words[-1]))
        if language in _LANGUAGES and source.is_file():
            yield Compilation(directory, arguments, source, tuple(words))


def _run(argv: list[str], directory: Path, scratch: Path) -> process.Completed:
    environment = {**os.environ, "TMPDIR": str(scratch)}
    return process.run(process.dying_with_us(argv), cwd=directory, env=environment, timeout_s=_TIMEOUT_S)
