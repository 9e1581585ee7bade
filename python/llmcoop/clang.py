"""Call the clang driver: builds by the user's own flags, the front end alone, the link command it would use."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llmcoop import process
from llmcoop.errors import ProgramError, ToolchainError, UsageError
from llmcoop.includes import include_folders, linked_files, local_headers
from llmcoop.ir import CodeGen, Tuning, clang_options
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.toolchain import Toolchain
from llmcoop.values import Program

_COMPILE_TIMEOUT_S = 120.0
_COMPILE_LIMITS = Limits(cpu_s=60.0)
_SANITIZERS = (
    "-O1",
    "-g",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
)
# Link-time optimization is a property of a recipe; the front end must give plain modules and objects.
LTO_FLAG = re.compile(r"-f(no-)?(lto|whole-program-vtables|split-lto-unit).*")


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """The program as clang's front end gives it, before any pass, and what clang would tell passes and back end."""

    modules: tuple[bytes, ...]  # bitcode, one of each source
    tuning: Tuning
    codegen: CodeGen
    link: tuple[str, ...]  # the link command; "{objects}" and "{output}" stand for what they say


@dataclass(frozen=True, slots=True)
class Confinement:
    """Where code that nobody has read is compiled: an #include or .incbin there finds only the original's own files."""

    sandbox: Sandbox
    readable: tuple[Path, ...]

    @staticmethod
    def of(sandbox: Sandbox, toolchain: Toolchain, original: Program) -> Confinement:
        """A confinement for rewrites of `original`."""
        folders = [path for path in include_folders(original) if path.is_dir()]
        return Confinement(
            sandbox,
            (*original.sources, *local_headers(original), *folders, *linked_files(original), *toolchain.outside_usr),
        )

    def command(self, argv: Sequence[str], folder: Path) -> list[str]:
        """A compiler's command line that can read and write `folder` besides."""
        return self.sandbox.command(argv, readonly=self.readable, writable=[folder], limits=_COMPILE_LIMITS)


def build_with_clang(
    toolchain: Toolchain,
    program: Program,
    output: Path,
    extra: Sequence[str] = (),
    confinement: Confinement | None = None,
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
    return _run(argv if confinement is None else confinement.command(argv, output.parent), output.parent)


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
        raise ToolchainError("clang finds no linker:\n" + errors_of(done.stderr), "apt-get install binutils")
    if done.returncode != 0:
        raise ProgramError("the program does not compile:\n" + errors_of(done.stderr), _link_hint(done.stderr))


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
        raise ProgramError("the program does not compile with -O0 after its own flags:\n" + errors_of(done.stderr))
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


def replaced_source(program: Program, name: str) -> str:
    """The name of the source that a file `name` replaces: the one of that name, or the only one.

    Raises UsageError when it fits none.
    """
    names = [source.name for source in program.sources]
    if len(names) > 1 and name not in names:
        raise UsageError(f"which source does {name} replace?", f"give it the name of one of them: {', '.join(names)}")
    return name if len(names) > 1 else names[0]


def rewritten(program: Program, texts: Mapping[str, str], folder: Path) -> Program:
    """The program with other texts, written to `folder`, for the sources of these names.

    What they include by `#include "…"` is still found beside the original, and __FILE__ names the original.
    """
    sources, named = [], []
    for source in program.sources:
        if source.name in texts:
            (folder / source.name).write_text(texts[source.name], errors="surrogateescape")
            named.append(f"-fmacro-prefix-map={folder / source.name}={source}")
        sources.append(folder / source.name if source.name in texts else source)
    beside = dict.fromkeys(f"-iquote{source.parent}" for source in program.sources)
    return replace(program, sources=tuple(sources), cflags=(*program.cflags, *beside, *named))


def front_end(toolchain: Toolchain, program: Program, folder: Path, confinement: Confinement | None = None) -> FrontEnd:
    """Run clang's front end on every source, without any pass.

    Raises:
        ProgramError: a source does not compile to LLVM IR.
        ToolchainError: clang's own command lines can't be understood.
    """
    cflags = tuple(flag for flag in program.cflags if not LTO_FLAG.fullmatch(flag))
    modules = []
    for number, source in enumerate(program.sources):
        output = folder / f"{number}.bc"
        flags = ("-Xclang", "-disable-llvm-passes", "-emit-llvm", "-c")
        argv = [str(toolchain.clang), *cflags, *flags, str(source), "-o", str(output)]
        done = _run(argv if confinement is None else confinement.command(argv, folder), folder)
        if done.returncode != 0:
            message = f"{source} does not compile to LLVM IR:\n{errors_of(done.stderr)}"
            raise ProgramError(message.replace(f"{folder}/", ""))  # a text of ours is known by its name alone
        modules.append(output.read_bytes())
    cc1 = _commands(toolchain, [*cflags, "-c", str(program.sources[0]), "-o", str(folder / "0.o")], folder)[-1]
    tuning, codegen = clang_options.from_cc1(cc1)
    return FrontEnd(tuple(modules), tuning, codegen, link_command(toolchain, program, folder))


def assemble(
    toolchain: Toolchain, cflags: Sequence[str], assembly: Path, output: Path, confinement: Confinement
) -> process.Completed:
    """Make an object file of assembly text, with the flags of the program, as far as they concern the assembler."""
    flags = [flag for flag in cflags if not LTO_FLAG.fullmatch(flag)]
    # -g would describe the lines of the assembly. The code generator pads for the CPU that it tunes for, which is
    # "generic" where nothing else is said; the assembler would pad for the oldest x86-64.
    own = ["-g0", "-Qunused-arguments", "-Xclangas", "-target-feature", "-Xclangas", "+fast-15bytenop"]
    argv = [str(toolchain.clang), *flags, *own, "-x", "assembler", "-c", str(assembly), "-o", str(output)]
    return _run(confinement.command(argv, output.parent), output.parent)


def link_command(toolchain: Toolchain, program: Program, folder: Path, extra: Sequence[str] = ()) -> tuple[str, ...]:
    """The linker's command line that clang would use for the program, with places for objects and output."""
    mark = folder / "objects.o"
    mark.touch()
    cflags = tuple(flag for flag in (*program.cflags, *extra) if not LTO_FLAG.fullmatch(flag))
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
        raise ProgramError("the objects do not link:\n" + errors_of(done.stderr))


def _run(argv: Sequence[str], folder: Path) -> process.Completed:
    """Run a compiler or linker that leaves nothing behind, even if we are killed: temporary files go to `folder`."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    return process.run(process.dying_with_us(argv), env=environment, timeout_s=_COMPILE_TIMEOUT_S)


def _commands(toolchain: Toolchain, args: Sequence[str], folder: Path) -> list[list[str]]:
    """The commands that the clang driver would run, from `clang -###`."""
    done = _run([str(toolchain.clang), "-###", *args], folder)
    lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line.startswith(' "')]
    if done.returncode != 0 or not lines:
        raise ToolchainError("clang -### names no command:\n" + errors_of(done.stderr))
    return [shlex.split(line) for line in lines]


def errors_of(stderr: bytes) -> str:
    """The first lines of what clang or the linker says; the rest repeats or follows from them."""
    lines = stderr.decode(errors="replace").splitlines()
    shown = [line for line in lines if "error" in line or "undefined" in line][:5] or lines[:5]
    return "\n".join(f"  {line}" for line in shown)


def _link_hint(stderr: bytes) -> str:
    if b"undefined reference" in stderr or b"undefined symbol" in stderr:
        return 'a library is missing: name it with --ldflags, for instance --ldflags "-lm"'
    return 'does it need flags? Name them with --cflags, for instance --cflags "-O3 -Iinclude"'
