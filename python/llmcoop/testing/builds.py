"""Build programs so that they can be run by `ForkServers`: with coverage, or under a sanitizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path

from llmcoop import native
from llmcoop.clang import LTO_FLAG, Confinement, build_with_clang, errors_of, link, link_command
from llmcoop.errors import ProgramError
from llmcoop.facts import processor
from llmcoop.toolchain import Toolchain
from llmcoop.values import Program

_RUNTIME = "libllmcoop-runtime.a"
_PROCESSOR = "libllmcoop-processor-{}.a"
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
    # What a candidate does that asks for the processor, where it is a lesser one than this machine's.
    ON_X86_64 = ("-Wl,--require-defined=llmcoop_processor_1",)
    ON_X86_64_V2 = ("-Wl,--require-defined=llmcoop_processor_2",)
    ON_X86_64_V3 = ("-Wl,--require-defined=llmcoop_processor_3",)

    @property
    def sanitizes(self) -> bool:
        """Whether it complains of faults; it makes programs slow."""
        return self in (Instrumentation.ADDRESS, Instrumentation.MEMORY, Instrumentation.THREAD)

    @property
    def processor(self) -> str:
        """The processor that it shows to the program, such as x86-64-v2; empty: the machine's own."""
        return _PROCESSORS.get(self, "")

    @property
    def limited_memory(self) -> bool:
        """For `Target`: sanitizers reserve more addresses than any limit would allow."""
        return not self.sanitizes


_PROCESSORS = {
    Instrumentation.ON_X86_64: "x86-64",
    Instrumentation.ON_X86_64_V2: "x86-64-v2",
    Instrumentation.ON_X86_64_V3: "x86-64-v3",
}


OWN = tuple(kind for kind in Instrumentation if not kind.processor)  # on the machine's own processor


def lesser_processors() -> tuple[Instrumentation, ...]:
    """Those that are less than this machine's."""
    known = list(_PROCESSORS)
    better = ("x86-64-v2", "x86-64-v3", "x86-64-v4")
    return tuple(kind for kind, level in zip(known, better, strict=True) if processor.supports(level))


def asks_processor(executable: Path) -> bool:
    """Whether an executable may choose its code by the processor; of one without symbols nobody knows."""
    content = executable.read_bytes()
    return b"__cpu_model" in content or b".symtab" not in content


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
    runtime = [native.installed(_RUNTIME)]
    if kind.processor:
        runtime.append(native.installed(_PROCESSOR.format(list(_PROCESSORS).index(kind) + 1)))
    link_flags = _LINK if kind is Instrumentation.COVERAGE else _LINK[:2]
    plain = replace(
        program,
        cflags=_without_lto(program.cflags),
        ldflags=(*_without_lto(program.ldflags), *map(str, runtime)),
    )
    if confinement is not None:
        confinement = replace(confinement, readable=(*confinement.readable, *runtime))
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
