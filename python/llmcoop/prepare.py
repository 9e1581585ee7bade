"""Everything before the search: builds, reference, front end, profile and the checks of the harness."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from llmcoop import bolt, clang, process, reference
from llmcoop.errors import LLMCoopError, ToolchainError
from llmcoop.history import IDENTITY
from llmcoop.lowering import Lowered, Lowering
from llmcoop.reference import Builds, Reference
from llmcoop.runner import OUT, Runner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.spec import Spec
from llmcoop.toolchain import Toolchain
from llmcoop.values import Program, TestCase

_RUNS_PER_BUDGET = 10  # a workload run may take this part of the seconds
_MERGE_TIMEOUT_S = 60.0
_TEXT = re.compile(r"\] \.text +PROGBITS +[0-9a-f]+ ([0-9a-f]+) ([0-9a-f]+)")  # offset and size
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
    profiling = _Profiling(sandbox, limits, folder, spec.budget.seconds * _PROFILED_SHARE)
    lowering = Lowering(
        front_end,
        sandbox,
        folder,
        _visible_names(toolchain, builds.baseline, shared),
        lambda movable, output: bolt.reorder(
            toolchain, sandbox, movable, output, lambda executable: profiling.run(executable, [examined.workload])
        ),
    )
    with contextlib.closing(lowering):
        announce("profiling the workload")
        warning = _profile(lowering, toolchain, spec.program, examined, profiling)
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


@dataclass(frozen=True, slots=True)
class _Profiling:
    """Runs instrumented executables, for `seconds` each at most."""

    sandbox: Sandbox
    limits: Limits
    folder: Path
    seconds: float

    def run(self, instrumented: Path, cases: Sequence[TestCase], env: Mapping[str, str] | None = None) -> Path:
        """The folder that the executable saw as /out; what it left there may be anything."""
        raw = self.folder / f"{instrumented.name}.profile"
        raw.mkdir()
        raw.chmod(0o777)  # the sandboxed program may run under another user id
        left_s = self.seconds
        with Runner(self.sandbox, [instrumented], limits=self.limits, env=env, writable=raw) as runner:
            for case in cases:
                left_s -= runner.run(0, case.invocation, timeout_s=left_s).wall_ns / 1e9
                if left_s <= 0:
                    break
        return raw


def _profile(
    lowering: Lowering, toolchain: Toolchain, program: Program, examined: Reference, profiling: _Profiling
) -> str:
    """Take a profile of workload and tests; says why there is none, if there is none."""
    cases = [examined.workload, *(case for case in examined.cases if case.origin != "variant")]
    try:
        link = clang.link_command(toolchain, program, profiling.folder, ["-fprofile-generate"])
        raw = profiling.run(lowering.instrumented(link), cases, {"LLVM_PROFILE_FILE": f"{OUT}/%m.profraw"})
        profile = _merged_profile(toolchain, profiling.sandbox, raw)
        if not profile:
            return "no profile: the program left none when instrumented (does it end by _exit or a signal?)"
        lowering.use_profile(profile)
    except LLMCoopError as error:
        return f"no profile: {error.message}"
    return ""


def _merged_profile(toolchain: Toolchain, sandbox: Sandbox, raw: Path) -> bytes:
    """What llvm-profdata makes of the files in `raw`; empty if it can't.

    The program wrote them, so they may be anything: links are not followed, and they are read in the sandbox.
    """
    files = sorted(filter(_is_plain, raw.glob("*.profraw")))
    if not files:
        return b""
    folder = raw.with_name("merged")
    folder.mkdir()
    merged = folder / "program.profdata"
    command = sandbox.command(
        [toolchain.profdata, "merge", "-o", merged, *files],
        readonly=[raw, *_outside_usr(toolchain.llvm_bin)],
        writable=[folder],
        limits=Limits(),
    )
    done = process.run(command, timeout_s=_MERGE_TIMEOUT_S)
    return merged.read_bytes() if done.returncode == 0 and _is_plain(merged) else b""


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _outside_usr(llvm_bin: Path) -> list[Path]:
    """What the sandbox must show so that the tools of an LLVM run that is not below /usr."""
    return [] if llvm_bin.resolve().is_relative_to("/usr") else [llvm_bin.resolve().parent]


def machine_code(toolchain: Toolchain, executable: Path) -> bytes:
    """The machine code of an executable: its section .text."""
    done = process.run([str(toolchain.readelf), "--sections", "--wide", str(executable)], timeout_s=60)
    found = _TEXT.search(done.stdout.decode(errors="replace"))
    if found is None:
        raise ToolchainError(f"{toolchain.readelf} finds no .text in {executable}")
    offset, size = (int(number, 16) for number in found.groups())
    return executable.read_bytes()[offset : offset + size]
