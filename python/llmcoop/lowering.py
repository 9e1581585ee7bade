"""Lower candidates of one program to executables, by compiler tools only, in worker processes."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcoop import assembly, bolt, clang
from llmcoop.assembly import Assembler, AssemblyRefused
from llmcoop.clang import FrontEnd
from llmcoop.errors import LLMCoopError
from llmcoop.facts import processor
from llmcoop.ir import IRError
from llmcoop.ir.worker import PassRequest, Worker
from llmcoop.reach import Reach
from llmcoop.sandbox import Sandbox
from llmcoop.values import Candidate, Level, Recipe

# Makes a second executable of one that was linked with `bolt.LINK_OPTIONS`.
Reorder = Callable[[Path, Path], None]
# Runs the front end on the program with other texts for the source files of these names.
Compile = Callable[[Mapping[str, str]], FrontEnd]
# Runs an instrumented executable on workload and tests; gives a .profdata file's contents, empty if there is none.
TakeProfile = Callable[[Path], bytes]

_PROGRAM = Candidate(Level.IR, "the program")
CLONED_SHARE = 0.005  # functions with a smaller share of the time get no second version for newer CPUs


@dataclass(frozen=True, slots=True)
class Lowered:
    """An executable, and the SHA-256 of the file."""

    executable: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Finished:
    """An executable with the optimized IR and the assembly of each module that it was made from."""

    lowered: Lowered
    ir: tuple[str, ...]
    assembly: tuple[str, ...]


class Version:
    """The program at source level, as it is or rewritten: its modules before any pass, and where its time goes."""

    def __init__(self, front_end: FrontEnd, whole: bytes) -> None:
        """`whole` is the program as one module, from which what nobody else uses can vanish."""
        self.front_end = front_end
        self.whole = whole
        self.profile = b""
        self.asked_profile = False  # whether one was taken, or is not to be had
        self.hotness: tuple[tuple[str, float], ...] = ()  # functions with their share of the time, the hottest first

    def hot_functions(self, least_share: float) -> tuple[str, ...]:
        """Functions with at least that share (0 to 1) of the time, the hottest first."""
        return tuple(name for name, share in self.hotness if share >= least_share)

    def unoptimized(self, recipe: Recipe) -> tuple[bytes, ...]:
        """The profile is one of the whole program: functions that are internal there have other names in it."""
        return (self.whole,) if recipe.whole_program or recipe.profile else self.front_end.modules


class Lowering:
    """Lowers candidates of the program that its front end left as `front_end`; any thread may use it."""

    def __init__(
        self,
        front_end: FrontEnd,
        sandbox: Sandbox,
        folder: Path,
        *,
        keep: Sequence[str],
        assembler: Assembler,
        compile_texts: Compile,
        take_profile: TakeProfile,
        profile_link: Sequence[str],
        reorder: Reorder,
    ) -> None:
        """`keep` are the names that must stay visible when the whole program is one module; without any, all do.

        `profile_link` links an executable that is instrumented for a profile.
        """
        self._front_end = front_end
        self._sandbox = sandbox
        self._folder = folder
        self._here = threading.local()
        self._workers: list[Worker] = []
        self._known: dict[str, Candidate] = {}
        self._optimized: dict[str, tuple[bytes, ...]] = {}
        self._finished: dict[str, Finished] = {}
        self._keep = tuple(keep)
        self.assembler = assembler
        self._compile_texts = compile_texts
        self._take_profile = take_profile
        self._profile_link = tuple(profile_link)
        self._reorder = reorder
        self._versions: dict[str, Version] = {}
        self._one_version_at_a_time = threading.Lock()
        self._one_profile_at_a_time = threading.Lock()
        self._profiles = itertools.count(1)
        self._one_finish_at_a_time = threading.RLock()
        self._one_lowering_at_a_time: dict[str, threading.Lock] = {}  # of the same candidate

    def close(self) -> None:
        """End the worker processes."""
        for worker in self._workers:
            worker.close()

    def version(self, candidate: Candidate) -> Version:
        """The program at source level that a candidate is made of.

        Raises ProgramError when its sources do not compile.
        """
        texts = self.texts(candidate)
        key = json.dumps(texts, sort_keys=True)
        with self._one_version_at_a_time:
            if key not in self._versions:
                front_end = self._compile_texts(texts) if texts else self._front_end
                whole = self.worker.link(front_end.modules, self._keep)
                self._versions[key] = Version(front_end, whole)
            return self._versions[key]

    def refuse_reach(self, candidate: Candidate) -> None:
        """Raises ProgramError when the sources of a candidate do not compile, or reach for more than the program's."""
        original, rewritten = (self._reach(version) for version in (self.version(_PROGRAM), self.version(candidate)))
        original.refuse(rewritten, processor.features())

    def _reach(self, version: Version) -> Reach:
        declared = [each.name for each in self.worker.functions(version.whole) if not each.defined]
        return Reach.of(self.worker.text(version.whole), declared)

    def texts(self, candidate: Candidate) -> dict[str, str]:
        """The source files that a candidate changes, by name, with their texts."""
        changes = [each for each in self.lineage(candidate) if each.level is Level.SOURCE]
        return {each.source: each.text for each in reversed(changes)}

    def authored(self, candidate: Candidate) -> bool:
        """Whether anything in a candidate was written by a person or a model."""
        return any(each.authored for each in self.lineage(candidate))

    def profiled(self, candidate: Candidate) -> Version:
        """The program at source level that a candidate is made of, with its profile if one can be had.

        Raises ProgramError when its sources do not compile.
        """
        version = self.version(candidate)
        with self._one_profile_at_a_time:
            if not version.asked_profile:
                with contextlib.suppress(LLMCoopError):
                    self.profile(candidate)
        return version

    def profile(self, candidate: Candidate) -> bool:
        """Take a profile of the version of a candidate, for recipes that want one, and for hotness.

        False when the program leaves none. Raises CompilerFailed, IRError or ProgramError.
        """
        version = self.version(candidate)
        version.asked_profile = True
        request = PassRequest(version.front_end.tuning, version.front_end.codegen, instrument=True)
        built = self.worker.build(version.whole, request)
        name = f"{next(self._profiles)}.instrumented"  # two versions may be the same code
        instrumented = self._linked(name, [built.object], self._profile_link)
        profile = self._take_profile(instrumented.executable)
        if profile:
            request = PassRequest(version.front_end.tuning, version.front_end.codegen, profile=profile)
            version.hotness = self.worker.hotness(version.whole, request)
            version.profile = profile
        return bool(profile)

    def lineage(self, candidate: Candidate) -> Iterator[Candidate]:
        """The candidate, what it was made from, and so on; all but the first must have been remembered."""
        yield candidate
        while candidate.parent:
            if candidate.parent not in self._known:
                raise IRError(f"the parent of '{candidate.origin}' is not known")
            candidate = self._known[candidate.parent]
            yield candidate

    def lower(self, candidate: Candidate) -> Lowered:
        """The executable of a candidate; one that was built before is not built again.

        Raises CompilerFailed or IRError when LLVM fails or refuses, ProgramError when the result does not assemble or
        link, or when its assembly is against the rules.
        """
        self.remember(candidate)
        if candidate.level is Level.ASM:
            return self.finish(candidate).lowered
        self._check_levels(candidate)
        with self._one_lowering_at_a_time.setdefault(candidate.key, threading.Lock()):
            output = self._folder / candidate.key
            return Lowered(output, _sha256(output)) if output.exists() else self._lower(candidate)

    def _lower(self, candidate: Candidate) -> Lowered:
        version = self._version_for(candidate)
        request = self._request(version, candidate.recipe)
        if _changes_ir(candidate):
            built = [self.worker.emit(module, request) for module in self.optimized(candidate)]
        else:
            built = [self.worker.build(module, request) for module in version.unoptimized(candidate.recipe)]
        return self._executable(candidate.key, version, [each.object for each in built], candidate.recipe)

    def optimized(self, candidate: Candidate) -> tuple[bytes, ...]:
        """The candidate's modules (bitcode) after all passes; they are what a rewrite of a function changes.

        Those of an assembly candidate are what its assembly was made from.
        """
        self.remember(candidate)
        if candidate.key not in self._optimized:
            self._optimized[candidate.key] = self._optimize(candidate)
        return self._optimized[candidate.key]

    def _optimize(self, candidate: Candidate) -> tuple[bytes, ...]:
        if candidate.level is Level.ASM:
            return self.optimized(self._parent(candidate))
        self._check_levels(candidate)
        if _changes_ir(candidate):
            _, parent, *_ = (*self.lineage(candidate), None)
            if parent is None:
                raise IRError(f"'{candidate.origin}' says not what it changes")
            return tuple(self.worker.replace(module, candidate.text) for module in self.optimized(parent))
        version = self._version_for(candidate)
        request = self._request(version, candidate.recipe)
        modules = version.unoptimized(candidate.recipe)
        return tuple(self.worker.optimize(module, request).bitcode for module in modules)

    def running(self, candidate: Candidate, function: str) -> str:
        """What this machine runs of a function, by its name in the optimized modules: a clone, if it has some."""
        if not candidate.recipe.clones:
            return function
        defined = {
            each.name for module in self.optimized(candidate) for each in self.worker.functions(module) if each.defined
        }
        levels = [clone.partition(":")[0] for clone in reversed(candidate.recipe.clones)]
        clones = [f"{function}.{level.replace('-', '_')}" for level in levels if processor.supports(level)]
        return next((name for name in (*clones, f"{function}.default") if name in defined), function)

    def objects(self, candidate: Candidate, folder: Path) -> tuple[Path, ...]:
        """Object files of a candidate in `folder`, one for each module. Raises what `lower` raises."""
        if candidate.level is Level.ASM:
            made = [self.assembler.object(text) for text in self.finish(candidate).assembly]
        else:
            request = self._request(self.version(candidate), candidate.recipe)
            made = [self.worker.emit(module, request).object for module in self.optimized(candidate)]
        paths = tuple(folder / f"{number}.o" for number in range(len(made)))
        for path, content in zip(paths, made, strict=True):
            path.write_bytes(content)
        return paths

    def remember(self, candidate: Candidate) -> None:
        """Note a candidate that others may name as their parent."""
        self._known[candidate.key] = candidate

    def finish(self, candidate: Candidate) -> Finished:
        """The candidate built once more, such that executable, IR and assembly belong together.

        LLVM does not always do the same twice: Polly depends on addresses. So a rewrite of assembly goes into the
        text that this gave for its parent, and may not fit any more in another run. Raises what `lower` raises.
        """
        self.remember(candidate)
        with self._one_finish_at_a_time:
            if candidate.key not in self._finished:
                make = self._assembled if candidate.level is Level.ASM else self._emitted
                self._finished[candidate.key] = make(candidate)
            return self._finished[candidate.key]

    def _emitted(self, candidate: Candidate) -> Finished:
        modules, version = self.optimized(candidate), self.version(candidate)
        request = self._request(version, candidate.recipe)
        built = [self.worker.emit(module, request, assembly=True) for module in modules]
        return Finished(
            self._executable(f"{candidate.key}.finished", version, [each.object for each in built], candidate.recipe),
            tuple(self.worker.text(module) for module in modules),
            tuple(each.assembly.decode(errors="surrogateescape") for each in built),
        )

    def _assembled(self, candidate: Candidate) -> Finished:
        """The parent with another text for one function, all of its modules made from their assembly."""
        parent = self._parent(candidate)
        if candidate.recipe != parent.recipe:
            raise IRError(f"'{candidate.origin}' changes assembly that was lowered by another recipe")
        below = self.finish(parent)
        name, number = _place(candidate.text, below.assembly)
        features = assembly.features(below.ir[number], name)
        texts = [*below.assembly]
        texts[number], made = self.assembler.rewritten(texts[number], name, candidate.text, features)
        objects = [made if place == number else self.assembler.object(text) for place, text in enumerate(texts)]
        version = self.version(candidate)
        lowered = self._executable(f"{candidate.key}.finished", version, objects, candidate.recipe)
        return Finished(lowered, below.ir, tuple(texts))

    def _parent(self, candidate: Candidate) -> Candidate:
        """What a candidate at assembly level changes."""
        _, parent, *_ = (*self.lineage(candidate), None)
        return parent or Candidate(Level.IR, "the program", candidate.recipe)

    def _check_levels(self, candidate: Candidate) -> None:
        """Assembly can't be kept when anything above it changes. Raises IRError when a candidate would need that."""
        _, *ancestors = self.lineage(candidate)
        if any(each.level is Level.ASM for each in ancestors):
            raise IRError(
                f"'{candidate.origin}' changes the {candidate.level} of a candidate with rewritten assembly, which "
                "would be lost: start from the one that it was made from"
            )

    def _version_for(self, candidate: Candidate) -> Version:
        """The version to lower, profiled if the recipe goes by the profile."""
        needs = candidate.recipe.profile or candidate.recipe.clones
        return self.profiled(candidate) if needs else self.version(candidate)

    @property
    def worker(self) -> Worker:
        """The worker of this thread: a sandboxed process ends with the thread that started it."""
        if not hasattr(self._here, "worker"):
            self._here.worker = Worker(self._sandbox)
            self._workers.append(self._here.worker)
        return self._here.worker

    def _request(self, version: Version, recipe: Recipe) -> PassRequest:
        return PassRequest(
            tuning=version.front_end.tuning,
            codegen=version.front_end.codegen,
            pipeline=recipe.pipeline,
            options=recipe.options,
            codegen_options=recipe.codegen,
            profile=version.profile if recipe.profile else b"",
            hints=recipe.functions,
            clones=recipe.clones,
            clone_functions=self._cloned(version) if recipe.clones else (),
        )

    def _cloned(self, version: Version) -> tuple[str, ...]:
        """What gets a version for newer CPUs: what is hot, or all if that is not known."""
        if version.hotness:
            return version.hot_functions(CLONED_SHARE)
        return tuple(function.name for function in self.worker.functions(version.whole) if function.defined)

    def _executable(self, name: str, version: Version, objects: Sequence[bytes], recipe: Recipe) -> Lowered:
        link = version.front_end.link
        if not recipe.bolt:
            return self._linked(name, objects, link)
        movable = self._linked(f"{name}.movable", objects, (*link, *bolt.LINK_OPTIONS))
        output = self._folder / name
        self._reorder(movable.executable, output)
        movable.executable.unlink()
        return Lowered(output, _sha256(output))

    def _linked(self, name: str, objects: Sequence[bytes], command: Sequence[str]) -> Lowered:
        """Link under the name; the file appears whole or not at all."""
        paths = [self._folder / f"{name}.{number}.o" for number in range(len(objects))]
        for path, content in zip(paths, objects, strict=True):
            path.write_bytes(content)
        unfinished, output = self._folder / f"{name}.linking", self._folder / name
        try:
            clang.link(command, paths, unfinished)
        finally:
            for path in paths:
                path.unlink()
        unfinished.rename(output)
        return Lowered(output, _sha256(output))


def _changes_ir(candidate: Candidate) -> bool:
    """Whether it is a rewrite of the optimized IR of its parent."""
    return bool(candidate.text) and candidate.level is Level.IR


def _place(text: str, modules: Sequence[str]) -> tuple[str, int]:
    """The function that a text defines, and the number of the module that it belongs to.

    Raises AssemblyRefused when it is not one function of one module.
    """
    names = assembly.defined(text)
    if len(names) != 1:
        found = ", ".join(names) or "none"
        raise AssemblyRefused(f"the text must define one function, with its .type directive; it defines: {found}")
    places = assembly.homes(modules, names[0])
    if len(places) != 1:
        count = "more than one module" if places else "no module"
        raise AssemblyRefused(f"{count} of the program defines a function '{names[0]}'")
    return names[0], places[0]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
