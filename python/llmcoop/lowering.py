"""Lower candidates of one program to executables, by compiler tools only, in worker processes."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from llmcoop import bolt, clang
from llmcoop.clang import FrontEnd
from llmcoop.ir import IRError
from llmcoop.ir.worker import PassRequest, Worker
from llmcoop.sandbox import Sandbox
from llmcoop.values import Candidate, Recipe

# Makes a second executable of one that was linked with `bolt.LINK_OPTIONS`.
Reorder = Callable[[Path, Path], None]

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


class Lowering:
    """Lowers candidates of the program that its front end left as `front_end`; any thread may use it."""

    def __init__(
        self, front_end: FrontEnd, sandbox: Sandbox, folder: Path, keep: Sequence[str], reorder: Reorder
    ) -> None:
        """`keep` are the names that must stay visible when the whole program is one module; without any, all do."""
        self.front_end = front_end
        self.hotness: tuple[tuple[str, float], ...] = ()
        self._sandbox = sandbox
        self._folder = folder
        self._here = threading.local()
        self._workers: list[Worker] = []
        self._profile = b""
        self._known: dict[str, Candidate] = {}
        self._optimized: dict[str, tuple[bytes, ...]] = {}
        self._finished: dict[str, Finished] = {}
        self._keep = tuple(keep)
        self._reorder = reorder

    @cached_property
    def _whole(self) -> bytes:
        """The program as one module, from which what nobody else uses can vanish."""
        return self._worker.link(self.front_end.modules, self._keep)

    def close(self) -> None:
        """End the worker processes."""
        for worker in self._workers:
            worker.close()

    def instrumented(self, link: Sequence[str]) -> Path:
        """The whole program with counters for a profile, linked by the command `link`."""
        request = PassRequest(self.front_end.tuning, self.front_end.codegen, instrument=True)
        built = self._worker.build(self._whole, request)
        return self._linked("instrumented", [built.object], link).executable

    def use_profile(self, profile: bytes) -> None:
        """Take the profile (the contents of a .profdata file) for recipes that want one, and for hotness.

        Raises CompilerFailed or IRError when LLVM can't read it.
        """
        request = PassRequest(self.front_end.tuning, self.front_end.codegen, profile=profile)
        self.hotness = self._worker.hotness(self._whole, request)
        self._profile = profile

    def hot_functions(self, least_share: float) -> tuple[str, ...]:
        """Functions with at least that share (0 to 1) of the time, the hottest first."""
        return tuple(name for name, share in self.hotness if share >= least_share)

    def lower(self, candidate: Candidate) -> Lowered:
        """The executable of a candidate; one that was built before is not built again.

        Raises CompilerFailed or IRError when LLVM fails or refuses, ProgramError when the result does not link.
        """
        self.remember(candidate)
        output = self._folder / candidate.key
        if output.exists():
            return Lowered(output, _sha256(output))
        request = self._request(candidate.recipe)
        if candidate.text:
            built = [self._worker.emit(module, request) for module in self.optimized(candidate)]
        else:
            built = [self._worker.build(module, request) for module in self._unoptimized(candidate.recipe)]
        return self._executable(candidate.key, [each.object for each in built], candidate.recipe)

    def optimized(self, candidate: Candidate) -> tuple[bytes, ...]:
        """The candidate's modules (bitcode) after all passes; they are what a rewrite of a function changes."""
        self.remember(candidate)
        if candidate.key not in self._optimized:
            self._optimized[candidate.key] = self._optimize(candidate)
        return self._optimized[candidate.key]

    def _optimize(self, candidate: Candidate) -> tuple[bytes, ...]:
        if candidate.text:
            if candidate.parent not in self._known:
                raise IRError(f"the parent of '{candidate.origin}' is not known")
            parent = self.optimized(self._known[candidate.parent])
            return tuple(self._worker.replace(module, candidate.text) for module in parent)
        request = self._request(candidate.recipe)
        return tuple(self._worker.optimize(module, request).bitcode for module in self._unoptimized(candidate.recipe))

    def remember(self, candidate: Candidate) -> None:
        """Note a candidate that others may name as their parent."""
        self._known[candidate.key] = candidate

    def finish(self, candidate: Candidate) -> Finished:
        """The candidate built once more, such that executable, IR and assembly belong together.

        LLVM does not always do the same twice: Polly depends on addresses. Raises what `lower` raises.
        """
        if candidate.key not in self._finished:
            modules, request = self.optimized(candidate), self._request(candidate.recipe)
            built = [self._worker.emit(module, request, assembly=True) for module in modules]
            self._finished[candidate.key] = Finished(
                self._executable(f"{candidate.key}.finished", [each.object for each in built], candidate.recipe),
                tuple(self._worker.text(module) for module in modules),
                tuple(each.assembly.decode() for each in built),
            )
        return self._finished[candidate.key]

    @property
    def _worker(self) -> Worker:
        """The worker of this thread: a sandboxed process ends with the thread that started it."""
        if not hasattr(self._here, "worker"):
            self._here.worker = Worker(self._sandbox)
            self._workers.append(self._here.worker)
        return self._here.worker

    def _unoptimized(self, recipe: Recipe) -> tuple[bytes, ...]:
        """The profile is one of the whole program: functions that are internal there have other names in it."""
        return (self._whole,) if recipe.whole_program or recipe.profile else self.front_end.modules

    def _request(self, recipe: Recipe) -> PassRequest:
        return PassRequest(
            tuning=self.front_end.tuning,
            codegen=self.front_end.codegen,
            pipeline=recipe.pipeline,
            options=recipe.options,
            codegen_options=recipe.codegen,
            profile=self._profile if recipe.profile else b"",
            hints=recipe.functions,
            clones=recipe.clones,
            clone_functions=self._cloned if recipe.clones else (),
        )

    @cached_property
    def _cloned(self) -> tuple[str, ...]:
        """What gets a version for newer CPUs: what is hot, or all if that is not known."""
        if self.hotness:
            return self.hot_functions(CLONED_SHARE)
        return tuple(function.name for function in self._worker.functions(self._whole) if function.defined)

    def _executable(self, name: str, objects: Sequence[bytes], recipe: Recipe) -> Lowered:
        if not recipe.bolt:
            return self._linked(name, objects, self.front_end.link)
        movable = self._linked(f"{name}.movable", objects, (*self.front_end.link, *bolt.LINK_OPTIONS))
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


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
