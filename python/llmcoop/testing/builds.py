"""Build programs so that they can be run by `ForkServers`: with coverage, or under a sanitizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path

from llmcoop import native
from llmcoop.clang import LTO_FLAG, Confinement, build_with_clang, errors_of, link, link_command
from llmcoop.errors import ProgramError
from llmcoop.toolchain import Toolchain
from llmcoop.values import Program

_RUNTIME = "libllmcoop-runtime.a"
_COMPARISONS = ("memcmp", "bcmp", "strcmp", "strncmp", "strcasecmp", "strncasecmp")
# To the front end itself: the driver would link a sanitizer's runtime, which makes every fork slower.
_TRACE = (
    "-fsanitize-coverage-type=3",  # edges
    "-fsanitize-coverage-trace-pc-guard",
    "-fsanitize-coverage-trace-cmp",
)
_SANITIZED = ("-g", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all")
# Symbols are bound before the first fork, not again in each child.
_LINK = ("-Wl,--wrap=main", "-Wl,-z,now", *(f"-Wl,--wrap={name}" for name in _COMPARISONS))


class Instrumentation(Enum):
    """What a build watches, as the flags that come after the user's own."""

    COVERAGE = (
        *(flag for option in _TRACE for flag in ("-Xclang", option)),
        *(f"-fno-builtin-{name}" for name in _COMPARISONS),
    )
    ADDRESS = ("-fsanitize=address,undefined", *_SANITIZED)  # and undefined behaviour
    MEMORY = ("-fsanitize=memory", *_SANITIZED)  # use of uninitialised memory
    THREAD = ("-fsanitize=thread", *_SANITIZED)  # data races

    @property
    def limited_memory(self) -> bool:
        """For `Target`: sanitizers reserve more addresses than any limit would allow."""
        return self is Instrumentation.COVERAGE


def build(
    toolchain: Toolchain,
    program: Program,
    output: Path,
    kind: Instrumentation,
    confinement: Confinement | None = None,
) -> None:
    """The program at -O1, without LTO, instrumented and with the fork server before its main function.

    The user's other flags keep their meaning. Run without `ForkServers`, the executable is the program.
    Code that nobody has read needs a `confinement`.

    Raises:
        ProgramError: it does not compile or link so.
        ToolchainError: the runtime is not installed.
    """
    runtime = native.installed(_RUNTIME)
    link_flags = _LINK if kind is Instrumentation.COVERAGE else _LINK[:2]
    plain = replace(
        program,
        cflags=_without_lto(program.cflags),
        ldflags=(*_without_lto(program.ldflags), str(runtime)),
    )
    if confinement is not None:
        confinement = replace(confinement, readable=(*confinement.readable, runtime))
    done = build_with_clang(toolchain, plain, output, ["-O1", *kind.value, *link_flags], confinement)
    if done.returncode != 0:
        raise ProgramError(
            f"the program does not build with {kind.name.lower()} instrumentation:\n{errors_of(done.stderr)}"
        )


def link_objects(toolchain: Toolchain, program: Program, objects: Sequence[Path], output: Path) -> None:
    """Link objects that were made of the program elsewhere, with the fork server before its main function.

    Raises:
        ProgramError: they do not link.
        ToolchainError: the runtime is not installed, or clang's own command line can't be understood.
    """
    runtime = native.installed(_RUNTIME)
    link(link_command(toolchain, program, output.parent, _LINK), [*objects, runtime], output)


def _without_lto(flags: Sequence[str]) -> tuple[str, ...]:
    return tuple(flag for flag in flags if not LTO_FLAG.fullmatch(flag))
