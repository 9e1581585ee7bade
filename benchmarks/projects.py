"""Real projects in builds that apply kept rewrites: their own tests, identical objects, and what the builds cost.

    python benchmarks/projects.py DIR --only 'zlib|xz' --pairs 10

DIR has a folder for each project, with its unpacked sources and an llmcoop.toml with the table [project]. Copies of
each project are built by clang, with the plugin and no rewrites, in a search that saves what it finds, and with those
rewrites in two folders. Its own tests must pass in each, and objects must be the same where nothing differs. Then full
builds are timed in interleaved pairs: by clang and with no rewrites, and by clang and with 100 rewrites that put back
what they replace, so that only what applying them costs is seen. To configure is not part of a build.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from llmcoop import process, statistics
from llmcoop.errors import LLMCoopError, ProgramError
from llmcoop.ir.worker import Worker
from llmcoop.project import compilations
from llmcoop.project.compilations import Compilation, front_end
from llmcoop.project.compilers import Compilers
from llmcoop.project.spec import ProjectSpec, load
from llmcoop.rewrites import Rewrite, Stage, files, save
from llmcoop.sandbox import Sandbox
from llmcoop.toolchain import LLVM_MAJOR, Toolchain

REWRITES = 100  # in a timed build
TIMEOUT_S = 3600.0
_ELF, _TYPE, _OBJECT = b"\x7fELF", slice(16, 18), b"\x01\x00"  # how a file starts, where its type is, and that one


@dataclass(frozen=True, slots=True)
class Spent:
    """What commands took."""

    cpu_ns: int  # user and system, of all processes
    wall_ns: int


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a project, configured for the compilers that it is built with."""

    spec: ProjectSpec
    folder: Path
    compilers: Compilers
    settings: Mapping[str, str] = field(default_factory=dict[str, str])  # of the plugin and our compilers

    def make(self) -> None:
        """Copy the sources and configure; a second copy is kept, from which every build starts."""
        shutil.copytree(self.spec.directory, self.folder, symlinks=True)
        if self.spec.configure:
            self._run(self.spec.configure, {**self.settings, "LLMCOOP_MODE": "off"})
        shutil.copytree(self.folder, self._configured, symlinks=True)

    def build(self) -> Spent:
        """Build everything."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._configured, self.folder, symlinks=True)
        return self._run(self.spec.build, self.settings)

    def test(self) -> None:
        """Run the project's own tests. Raises ProgramError when one fails."""
        self._run(self.spec.test, self.settings)

    def objects(self) -> dict[Path, bytes]:
        """The SHA-256 of each object, by its place; of what is linked where the project compiles and links at once."""
        found: dict[bool, dict[Path, bytes]] = {True: {}, False: {}}
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and not path.is_symlink() and (content := path.read_bytes()).startswith(_ELF):
                digest = hashlib.sha256(content).digest()
                found[content[_TYPE] == _OBJECT][path.relative_to(self.folder)] = digest
        return found[True] or found[False]

    @property
    def _configured(self) -> Path:
        return self.folder.with_suffix(".configured")

    def _run(self, command: str, settings: Mapping[str, str]) -> Spent:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LLMCOOP_")}
        environment |= {"CC": self.compilers.cc, "CXX": self.compilers.cxx, **settings}
        started, before = time.monotonic_ns(), _children_ns()
        argv = process.dying_with_us(["/bin/sh", "-c", command])
        done = process.run(argv, cwd=self.folder, env=environment, timeout_s=TIMEOUT_S)
        if done.returncode:
            last = (done.stdout + done.stderr).decode(errors="replace").splitlines()[-12:]
            raise ProgramError(f"`{command}` in {self.folder} ended with {done.returncode}:\n" + "\n".join(last))
        return Spent(_children_ns() - before, time.monotonic_ns() - started)


@dataclass(frozen=True, slots=True)
class Copies:
    """All copies of one project, below one folder."""

    spec: ProjectSpec
    folder: Path
    toolchain: Toolchain
    ours: Compilers

    @property
    def rewrites(self) -> Path:
        """What the search saves."""
        return self.folder / "rewrites"

    @property
    def identities(self) -> Path:
        """Rewrites that change nothing."""
        return self.folder / "identities"

    def by_clang(self, name: str) -> Copy:
        """One that clang alone builds."""
        flag, clang = self._forget(name), self.toolchain.clang
        return self._made(name, Compilers(f"{clang} {flag}", f"{clang} --driver-mode=g++ {flag}"), {})

    def by_us(self, name: str, **settings: str) -> Copy:
        """One that is built with the plugin and these settings."""
        return self._made(name, self.ours, {"LLMCOOP_CC_ADD": self._forget(name), **settings})

    def _forget(self, name: str) -> str:
        """The flag by which objects do not name their folder: those of two folders are compared."""
        return f"-ffile-prefix-map={self.folder / name}=."

    def _made(self, name: str, compilers: Compilers, settings: Mapping[str, str]) -> Copy:
        copy = Copy(self.spec, self.folder / name, compilers, settings)
        copy.make()
        return copy


def _children_ns() -> int:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round((used.ru_utime + used.ru_stime) * 1e9)


def study(copies: Copies, budget: str, pairs: int) -> bool:
    """Print what is found of one project; whether all is as it must be. Raises ProgramError when a test fails."""
    plain, log = copies.by_clang("plain"), copies.folder / "log"
    none = copies.by_us("none", LLMCOOP_CC_LOG=str(log))
    kept = {"LLMCOOP_REWRITES": str(copies.rewrites)}
    searched = copies.by_us("searched", LLMCOOP_MODE="search", LLMCOOP_BUDGET=budget, **kept)
    clangs, untouched = _built(plain), _built(none)
    compiles = len(compilations.logged(copies.toolchain, log))
    found = _built(searched)
    applied, elsewhere = copies.by_us("applied", **kept), copies.by_us("applied-in-another-folder", **kept)
    saved = files(copies.rewrites)
    first, second = _built(applied), _built(elsewhere)
    for copy in (plain, none, searched, applied):
        copy.test()
    print(f"  {compiles} compiles, {len(saved)} rewrites saved; its own tests pass in every mode", flush=True)
    good = _told("no rewrites, and clang alone", clangs, untouched)
    good &= _told("applied in two folders", first, second)
    _told("search, and applied", found, first)  # they differ where a file is compiled twice: each search is its own
    if pairs:
        _time(plain, copies.by_us("timed-with-none"), "no rewrites", compiles, pairs)
        _keep_identities(copies, compilations.logged(copies.toolchain, log))
        timed = copies.by_us("timed-with-many", LLMCOOP_REWRITES=str(copies.identities))
        _time(plain, timed, f"{len(files(copies.identities))} rewrites", compiles, pairs)
        _told("those, and clang alone", clangs, _built(timed))  # they differ where there is debug info: it is lost
    return good


def _keep_identities(copies: Copies, compiled: Sequence[Compilation]) -> None:
    """Keep rewrites of functions all over the project that put back what they replace."""
    with tempfile.TemporaryDirectory() as scratch, Worker(Sandbox.find()) as worker:
        modules = [(unit, compilation) for compilation in compiled if (unit := front_end(compilation, Path(scratch)))]
        each = ((unit, worker.functions(unit.bitcode), compilation) for unit, compilation in modules)
        found = [
            (unit, function.name, compilation)
            for unit, functions, compilation in each
            for function in functions
            if function.eligible and function.name != "main"
        ]
        for unit, name, compilation in found[:: max(1, len(found) // REWRITES)][:REWRITES]:
            same = worker.canonical(unit.bitcode, name)
            rewrite = Rewrite(
                function=name,
                module=compilation.source.name,
                stage=Stage.START,
                target=compilation.triple,
                llvm=LLVM_MAJOR,
                before=same,
                evidence="by-construction",
                measured="not at all",
                origin="benchmarks/projects.py",
                after=same,
            )
            save(rewrite, copies.identities)


def _built(copy: Copy) -> dict[Path, bytes]:
    copy.build()
    return copy.objects()


def _told(which: str, first: Mapping[Path, bytes], second: Mapping[Path, bytes]) -> bool:
    """Print how many objects of two builds are the same; whether all are, and there are some."""
    places = first.keys() | second.keys()
    same = sum(first.get(place) == second.get(place) for place in places)
    print(f"  {which}: {same} of {len(places)} objects are identical", flush=True)
    return same == len(places) > 0


def _time(plain: Copy, ours: Copy, name: str, compiles: int, pairs: int) -> None:
    """Time full builds of two copies in interleaved pairs, and print by how much the second takes longer."""
    taken: list[tuple[Spent, Spent]] = []
    for index in range(pairs + 1):
        if index % 2:
            first, second = plain.build(), ours.build()
        else:
            second, first = ours.build(), plain.build()
        taken.append((first, second))
    taken = taken[1:]  # the first pair warms the caches
    cpu = statistics.interval([pair[1].cpu_ns for pair in taken], [pair[0].cpu_ns for pair in taken])
    wall = statistics.interval([pair[1].wall_ns for pair in taken], [pair[0].wall_ns for pair in taken])
    plain_s = median(pair[0].cpu_ns for pair in taken) / 1e9
    print(
        f"  {name}: CPU time {_percent(cpu)}, {(cpu.speedup - 1) * plain_s / compiles * 1e3:+.1f} ms a compile "
        f"(clang's: {plain_s:.2f} s in all); wall time {_percent(wall)}",
        flush=True,
    )


def _percent(ratio: statistics.Interval) -> str:
    return f"{ratio.speedup - 1:+.1%} [{ratio.low - 1:+.1%}, {ratio.high - 1:+.1%}]"


def main() -> int:
    """Study each project; 1 if a build or a test failed, or objects differ that must not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default=".*", help="regular expression for names of projects")
    parser.add_argument("--budget", default="1", help="of the search, in seconds a compile")
    parser.add_argument("--pairs", type=int, default=10, help="of full builds that are timed; 0: none")
    wanted = parser.parse_args()
    toolchain, ours, good = Toolchain.find(), Compilers.find(), True
    for file in sorted(wanted.folder.glob("*/llmcoop.toml")):
        if not re.fullmatch(wanted.only, file.parent.name):
            continue
        print(file.parent.name, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            try:
                good &= study(Copies(load(file), Path(folder), toolchain, ours), wanted.budget, wanted.pairs)
            except LLMCoopError as error:
                print(f"  {error}", flush=True)
                good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
