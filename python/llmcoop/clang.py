"""Call the clang driver: builds by the user's own flags, the front end alone, the link command it would use."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcoop import process
from llmcoop.errors import ProgramError, ToolchainError
from llmcoop.ir import CodeGen, Tuning, clang_options
from llmcoop.toolchain import Toolchain
from llmcoop.values import Program

_COMPILE_TIMEOUT_S = 120.0
_SANITIZERS = (
    "-O1",
    "-g",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
)
# Link-time optimization is a property of a recipe; the front end must give plain modules and objects.
_LTO_FLAG = re.compile(r"-f(no-)?(lto|whole-program-vtables|split-lto-unit).*")


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """The program as clang's front end gives it, before any pass, and what clang would tell passes and back end."""

    modules: tuple[bytes, ...]  # bitcode, one of each source
    tuning: Tuning
    codegen: CodeGen
    link: tuple[str, ...]  # the link command; "{objects}" and "{output}" stand for what they say


def build_with_clang(
    toolchain: Toolchain, program: Program, output: Path, extra: Sequence[str] = ()
) -> process.Completed:
    """Compile and link with the user's own flags, `extra` flags after them."""
    argv = [
        str(toolchain.clang),
        *program.cflags,
        *extra,
        *map(str, program.sources),
        *program.ldflags,
        "-o",
        str(output),
    ]
    return _run(argv, output.parent)


def build_baseline(toolchain: Toolchain, program: Program, output: Path) -> None:
    """The program as the user builds it.

    Raises:
        ProgramError: it does not compile or link.
        ToolchainError: there is no linker.
    """
    done = build_with_clang(toolchain, program, output)
    if done.timed_out:
        raise ProgramError(f"clang takes longer than {_COMPILE_TIMEOUT_S:g} s on the program", "optimize a part of it")
    if b"unable to execute command: posix_spawn failed" in done.stderr:
        raise ToolchainError("clang finds no linker:\n" + _errors(done.stderr), "apt-get install binutils")
    if done.returncode != 0:
        raise ProgramError("the program does not compile:\n" + _errors(done.stderr), _link_hint(done.stderr))


def build_reference(toolchain: Toolchain, program: Program, output: Path) -> tuple[str, ...]:
    """The program at -O0; gives the names by which it and the rest of what is linked (libc, archives) use each other.

    Such a name must stay visible when the program's own sources become one module: a `malloc` of its own, for
    instance, is called by a static libc too. Without names, the linker can't tell (it knows no --cref).

    Raises:
        ProgramError: it does not compile or link so.
    """
    table = output.with_suffix(".map")
    cross_reference = ("-Xlinker", "--cref", "-Xlinker", f"-Map={table}")
    done = build_with_clang(toolchain, program, output, ["-O0", "-fno-lto", *cross_reference])
    if done.returncode == 0:
        return _shared_names(table.read_text(errors="replace"), output.parent)
    done = build_with_clang(toolchain, program, output, ["-O0"])
    if done.returncode != 0:
        raise ProgramError("the program does not compile with -O0 after its own flags:\n" + _errors(done.stderr))
    return ()


def _shared_names(table: str, folder: Path) -> tuple[str, ...]:
    """Symbols of a linker's cross reference table that occur both in objects in `folder` and in other files."""
    files: dict[str, set[bool]] = {}
    symbol = ""
    for line in table.partition("\nCross Reference Table\n")[2].splitlines():
        name, _, file = line.partition(" ")
        symbol = name.partition("@")[0] or symbol
        if file.strip():
            files.setdefault(symbol, set()).add(file.strip().startswith(f"{folder}/"))
    return tuple(sorted(symbol for symbol, places in files.items() if len(places) == 2))


def build_sanitized(toolchain: Toolchain, program: Program, output: Path) -> bool:
    """The program under AddressSanitizer and UndefinedBehaviorSanitizer; False when it does not build so."""
    return build_with_clang(toolchain, program, output, _SANITIZERS).returncode == 0


def front_end(toolchain: Toolchain, program: Program, folder: Path) -> FrontEnd:
    """Run clang's front end on every source, without any pass.

    Raises:
        ProgramError: a source does not compile to LLVM IR.
        ToolchainError: clang's own command lines can't be understood.
    """
    cflags = tuple(flag for flag in program.cflags if not _LTO_FLAG.fullmatch(flag))
    modules = []
    for number, source in enumerate(program.sources):
        output = folder / f"{number}.bc"
        flags = ("-Xclang", "-disable-llvm-passes", "-emit-llvm", "-c")
        argv = [str(toolchain.clang), *cflags, *flags, str(source), "-o", str(output)]
        done = _run(argv, folder)
        if done.returncode != 0:
            raise ProgramError(f"{source} does not compile to LLVM IR:\n{_errors(done.stderr)}")
        modules.append(output.read_bytes())
    cc1 = _commands(toolchain, [*cflags, "-c", str(program.sources[0]), "-o", str(folder / "0.o")], folder)[-1]
    tuning, codegen = clang_options.from_cc1(cc1)
    return FrontEnd(tuple(modules), tuning, codegen, link_command(toolchain, program, folder))


def link_command(toolchain: Toolchain, program: Program, folder: Path, extra: Sequence[str] = ()) -> tuple[str, ...]:
    """The linker's command line that clang would use for the program, with places for objects and output."""
    mark = folder / "objects.o"
    mark.touch()
    cflags = tuple(flag for flag in (*program.cflags, *extra) if not _LTO_FLAG.fullmatch(flag))
    words = _commands(toolchain, [*cflags, str(mark), *program.ldflags, "-o", str(folder / "output")], folder)[-1]
    places = {str(mark): "{objects}", str(folder / "output"): "{output}"}
    return tuple(places.get(word, word) for word in words)


def link(command: Sequence[str], objects: Sequence[Path], output: Path) -> None:
    """Run a command of `link_command`.

    Raises:
        ProgramError: the linker fails.
    """
    argv: list[str] = []
    for word in command:
        argv += map(str, objects) if word == "{objects}" else [str(output) if word == "{output}" else word]
    done = _run(argv, output.parent)
    if done.returncode != 0:
        raise ProgramError("the objects do not link:\n" + _errors(done.stderr))


def _run(argv: Sequence[str], folder: Path) -> process.Completed:
    """Run a compiler or linker that leaves nothing behind, even if we are killed: temporary files go to `folder`."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    return process.run(process.dying_with_us(argv), env=environment, timeout_s=_COMPILE_TIMEOUT_S)


def _commands(toolchain: Toolchain, args: Sequence[str], folder: Path) -> list[list[str]]:
    """The commands that the clang driver would run, from `clang -###`."""
    done = _run([str(toolchain.clang), "-###", *args], folder)
    lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line.startswith(' "')]
    if done.returncode != 0 or not lines:
        raise ToolchainError("clang -### names no command:\n" + _errors(done.stderr))
    return [shlex.split(line) for line in lines]


def _errors(stderr: bytes) -> str:
    """The first lines of what clang or the linker says; the rest repeats or follows from them."""
    lines = stderr.decode(errors="replace").splitlines()
    shown = [line for line in lines if "error" in line or "undefined" in line][:5] or lines[:5]
    return "\n".join(f"  {line}" for line in shown)


def _link_hint(stderr: bytes) -> str:
    if b"undefined reference" in stderr or b"undefined symbol" in stderr:
        return 'a library is missing: name it with --ldflags, for instance --ldflags "-lm"'
    return 'does it need flags? Name them with --cflags, for instance --cflags "-O3 -Iinclude"'
