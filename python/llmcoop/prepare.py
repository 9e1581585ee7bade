"""Everything before the search: builds, reference, front end, profile and the checks of the harness."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from llmcoop import bolt, clang, process, profiles, reference
from llmcoop.assembly import Assembler
from llmcoop.errors import LLMCoopError, ToolchainError
from llmcoop.history import IDENTITY
from llmcoop.lowering import Lowered, Lowering
from llmcoop.reference import Builds, Reference
from llmcoop.runner import Runner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.spec import Spec
from llmcoop.toolchain import Toolchain
from llmcoop.values import Program

_RUNS_PER_BUDGET = 10  # a workload run may take this part of the seconds
_TEXT = re.compile(r"\] \.text +PROGBITS +[0-9a-f]+ ([0-9a-f]+) ([0-9a-f]+)")  # offset and size
_SLOWEST, _LEAST_CANDIDATE_S = 20.0, 5.0  # times as slow as the program, and seconds: as far as a candidate may go
_PROFILED_SHARE = 0.2  # of the budget: what the runs under instrumentation may take together

Announce = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A program that is ready to be searched."""

    toolchain: Toolchain
    sandbox: Sandbox
    limits: Limits
    cpu: int
    baseline: Path
    reference: Reference
    lowering: Lowering
    identity: Lowered  # the program through our own lowering, unchanged
    same_code: bool  # whether the identity's machine code is the baseline's, byte for byte

    @property
    def candidate_s(self) -> float:
        """What one run of a candidate may take: a multiple of what the program takes for all that is timed."""
        timed_s = (self.reference.baseline_ns + self.reference.variants_ns) / 1e9
        return min(self.limits.wall_s, max(_LEAST_CANDIDATE_S, _SLOWEST * timed_s))

    def open_runner(self, executables: Sequence[Path]) -> Runner:
        """A sandboxed runner over these executables, pinned to the core that all timing uses."""
        return Runner(self.sandbox, executables, limits=self.limits, cpu=self.cpu)


@contextlib.contextmanager
def prepared(spec: Spec, folder: Path, pool: ThreadPoolExecutor, announce: Announce) -> Iterator[Prepared]:
    """Build and examine the program of `spec`; the worker processes live as long as the context.

    Raises ProgramError or ToolchainError when there is no point in going on.
    """
    toolchain, sandbox = Toolchain.find(), Sandbox.find(spec.sandbox)
    limit_s = spec.budget.seconds / _RUNS_PER_BUDGET
    limits = Limits(cpu_s=8 * limit_s + 1, wall_s=8 * limit_s)
    cpu = max(os.sched_getaffinity(0))
    announce("building the baseline, the reference and the sanitized program")
    builds, front_end, shared = _build(toolchain, spec, folder, pool)
    announce("running the original: expected outputs, determinism, sanitizers")
    sanitized = pool.submit(_sanitize, builds, spec, sandbox, limits, limit_s)
    examined = reference.establish(
        builds,
        spec.workload,
        spec.tests,
        open_runner=lambda executables: Runner(sandbox, executables, limits=limits, cpu=cpu),
        limit_s=limit_s,
    )
    profiling = profiles.Profiling(sandbox, limits, folder, spec.budget.seconds * _PROFILED_SHARE)
    profiled = [examined.workload.invocation]
    profiled += [case.invocation for case in examined.cases if case.origin != "variant"]
    lowering = Lowering(
        front_end,
        sandbox,
        folder,
        keep=_visible_names(toolchain, builds.baseline, shared),
        assembler=Assembler(toolchain, sandbox, spec.program.cflags),
        compile_texts=lambda texts: _compile(toolchain, sandbox, spec.program, texts, folder),
        take_profile=lambda instrumented: _merged(
            toolchain, sandbox, profiling.run(instrumented, profiled, profiles.ENVIRONMENT)
        ),
        profile_link=clang.link_command(toolchain, spec.program, folder, ["-fprofile-generate"]),
        reorder=lambda movable, output: bolt.reorder(
            toolchain,
            sandbox,
            movable,
            output,
            lambda executable: profiling.run(executable, [examined.workload.invocation]),
        ),
    )
    with contextlib.closing(lowering):
        announce("profiling the workload")
        warning = _profile(lowering)
        examined = reference.without_unclean(examined, sanitized.result())
        if warning:
            examined = replace(examined, warnings=(*examined.warnings, warning))
        identity = lowering.lower(IDENTITY)
        same_code = machine_code(toolchain, identity.executable) == machine_code(toolchain, builds.baseline)
        yield Prepared(toolchain, sandbox, limits, cpu, builds.baseline, examined, lowering, identity, same_code)


def _sanitize(builds: Builds, spec: Spec, sandbox: Sandbox, limits: Limits, limit_s: float) -> reference.Answers | None:
    """Run the sanitized build on every input, on any core but without the limit on address space."""
    if builds.sanitized is None:
        return None
    unlimited = replace(limits, memory_bytes=None)
    tests = [test.invocation for test in spec.tests]
    return reference.sanitized_answers(
        builds.sanitized,
        [*tests, spec.workload.timed, *spec.workload.variants],
        open_runner=lambda executables: Runner(
            sandbox, executables, limits=unlimited, env=reference.SANITIZER_ENVIRONMENT
        ),
        limit_s=limit_s,
    )


def _build(
    toolchain: Toolchain, spec: Spec, folder: Path, pool: ThreadPoolExecutor
) -> tuple[Builds, clang.FrontEnd, tuple[str, ...]]:
    """Builds, modules, and the names that the program shares with what it is linked with."""
    baseline, unoptimized, sanitized = (folder / name for name in ("baseline", "reference", "sanitized"))
    clang.build_baseline(toolchain, spec.program, baseline)
    sanitizing = pool.submit(clang.build_sanitized, toolchain, spec.program, sanitized)
    front_end = clang.front_end(toolchain, spec.program, folder)
    shared = clang.build_reference(toolchain, spec.program, unoptimized)
    return Builds(baseline, unoptimized, sanitized if sanitizing.result() else None), front_end, shared


def _visible_names(toolchain: Toolchain, executable: Path, shared: Sequence[str]) -> list[str]:
    """Names that other code may use: shared when linking, or seen by the dynamic linker.

    Empty if it can't be told: for a linker without cross reference, and for a static libc, of which lld's is not whole.
    """
    done = process.run([str(toolchain.readelf), "--dyn-syms", "--wide", str(executable)], timeout_s=60)
    rows = [line.split() for line in done.stdout.decode(errors="replace").splitlines()]
    symbols = [(row[7].partition("@")[0], row[6]) for row in rows if len(row) > 7]
    if not shared or ("__libc_start_main", "UND") not in symbols:
        return []
    return sorted({"main", *shared, *(name for name, section in symbols if section.isdigit())})


def _profile(lowering: Lowering) -> str:
    """Take a profile of workload and tests; says why there is none, if there is none."""
    try:
        if lowering.profile(IDENTITY):
            return ""
    except LLMCoopError as error:
        return f"no profile: {error.message}"
    return "no profile: the program left none when instrumented (does it end by _exit or a signal?)"


def _compile(
    toolchain: Toolchain, sandbox: Sandbox, program: Program, texts: Mapping[str, str], folder: Path
) -> clang.FrontEnd:
    """Run the front end on the program with other texts for the sources of these names, inside the sandbox."""
    rewritten = folder / hashlib.sha256("\0".join(sorted(chain(*texts.items()))).encode()).hexdigest()
    rewritten.mkdir(exist_ok=True)  # what does not compile may be proposed again
    confinement = clang.Confinement.of(sandbox, toolchain, program)
    return clang.front_end(toolchain, clang.rewritten(program, texts, rewritten), rewritten, confinement)


def _merged(toolchain: Toolchain, sandbox: Sandbox, raw: Path) -> bytes:
    """The contents of the profile that the files in `raw` give; empty if they give none."""
    merged = profiles.merge(toolchain, sandbox, raw)
    return merged.read_bytes() if merged else b""


def machine_code(toolchain: Toolchain, executable: Path) -> bytes:
    """The machine code of an executable: its section .text."""
    done = process.run([str(toolchain.readelf), "--sections", "--wide", str(executable)], timeout_s=60)
    found = _TEXT.search(done.stdout.decode(errors="replace"))
    if found is None:
        raise ToolchainError(f"{toolchain.readelf} finds no .text in {executable}")
    offset, size = (int(number, 16) for number in found.groups())
    return executable.read_bytes()[offset : offset + size]
