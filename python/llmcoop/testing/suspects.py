"""A program and a candidate for it, each built in all the ways that a comparison needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from llmcoop import clang
from llmcoop.answers import precomputed
from llmcoop.clang import Confinement
from llmcoop.errors import ProgramError
from llmcoop.testing.builds import OWN, Instrumentation, asks_processor, build, lesser_processors, link_objects
from llmcoop.toolchain import Toolchain
from llmcoop.values import Counterexample, Program, TestCase

_BUILT_AT_ONCE = 2
_THREADS = (b"pthread_create", b"thrd_create")  # what an executable with threads names


@dataclass(frozen=True, slots=True)
class Original:
    """The program: as the user builds it, at -O0, and instrumented."""

    baseline: Path
    unoptimized: Path
    builds: Mapping[Instrumentation, Path]  # coverage, and those sanitizers that it builds with


@dataclass(frozen=True, slots=True)
class Linked:
    """A candidate that has no sources: an executable, and the objects of the program that it was linked from."""

    executable: Path
    objects: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A candidate: what is timed, and builds of the same code for fork servers; without any, only tests judge it."""

    executable: Path
    builds: Mapping[Instrumentation, Path]
    sources: tuple[Path, ...]  # for the constants in them

    def literals(self, original: Original, cases: Iterable[TestCase]) -> Counterexample | None:
        """The first case whose answer the candidate has in it, which it then did not compute."""
        content, known = self.executable.read_bytes(), original.baseline.read_bytes()
        for case in cases:
            given = "\0".join(case.invocation.args).encode(errors="surrogateescape") + b"\0" + case.invocation.stdin
            found = precomputed(case.stdout, given, known, content)
            if found:
                return Counterexample(case, case.stdout, f"precomputed: {found}")
        return None


def build_original(toolchain: Toolchain, program: Program, folder: Path) -> Original:
    """Raises ProgramError when it does not compile, or not with instrumentation for coverage."""
    baseline, unoptimized = folder / "baseline", folder / "reference"
    with ThreadPoolExecutor(_BUILT_AT_ONCE) as pool:
        built = pool.submit(clang.build_baseline, toolchain, program, baseline)
        reference = pool.submit(clang.build_reference, toolchain, program, unoptimized)
        built.result()
        builds = _instrumented(toolchain, program, folder, OWN, pool)
        reference.result()
    return Original(baseline, unoptimized, builds)


def build_suspect(toolchain: Toolchain, candidate: Program, folder: Path, confinement: Confinement) -> Suspect:
    """Build a candidate that is a program with sources, which nobody has read; raises as `build_original`."""
    executable = folder / "candidate"
    confinement = replace(confinement, readable=(*confinement.readable, *candidate.sources))
    done = clang.build_with_clang(toolchain, candidate, executable, (), confinement)
    if done.returncode != 0:
        raise ProgramError("the candidate does not compile:\n" + clang.errors_of(done.stderr))
    kinds = [kind for kind in OWN if kind is not Instrumentation.THREAD or has_threads(executable)]
    if asks_processor(executable):
        kinds += lesser_processors()
    with ThreadPoolExecutor(_BUILT_AT_ONCE) as pool:
        builds = _instrumented(toolchain, candidate, folder, kinds, pool, confinement)
    return Suspect(executable, builds, candidate.sources)


def link_suspect(toolchain: Toolchain, program: Program, candidate: Linked, folder: Path) -> Suspect:
    """Link the objects of a candidate for `program` with the fork server.

    The build takes the place of the one with coverage, but has none of its own: only the program's guides.
    Raises ProgramError when the objects do not link so.
    """
    plain = folder / "plain"
    link_objects(toolchain, program, candidate.objects, plain)
    return Suspect(candidate.executable, {Instrumentation.COVERAGE: plain}, ())


def has_threads(executable: Path) -> bool:
    """Whether an executable may start threads of its own; those of OpenMP are the runtime's, which TSan can't judge."""
    content = executable.read_bytes()
    return any(name in content for name in _THREADS)


def _instrumented(
    toolchain: Toolchain,
    program: Program,
    folder: Path,
    kinds: Sequence[Instrumentation],
    pool: ThreadPoolExecutor,
    confinement: Confinement | None = None,
) -> dict[Instrumentation, Path]:
    """Builds by kind; a sanitizer that the program does not build with is left out."""
    paths = {kind: folder / kind.name.lower() for kind in kinds}
    pending = {kind: pool.submit(build, toolchain, program, path, kind, confinement) for kind, path in paths.items()}
    builds = {}
    for kind, future in pending.items():
        try:
            future.result()
        except ProgramError:
            if kind is Instrumentation.COVERAGE:
                raise
            continue
        builds[kind] = paths[kind]
    return builds
