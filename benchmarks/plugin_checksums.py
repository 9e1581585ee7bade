"""Compile programs with the plugin in opt and in clang, run them, and compare what they print with plain builds.

    python benchmarks/plugin_checksums.py examples/*                  folders with an llmcoop.toml
    python benchmarks/plugin_checksums.py --csmith 60                 programs that csmith generates, by seed
    python benchmarks/plugin_checksums.py a.c b.c --ldflags=-lm       each file is a program

A program is built plainly, by way of the front end and `opt -passes='default<O3>,llmcoop' -verify-each`, and by
`clang -fpass-plugin`; it runs in the sandbox on the tests of its llmcoop.toml, else once. A program whose plain
build does not compile, or runs for too long, is skipped. Exits with 1 if any build of another one crashes, fails the
verifier or prints something else. `--accept any` has the first few versions of each function put in, however bad.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shlex
import socketserver
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from llmcoop import plugin_path, process
from llmcoop.errors import ToolchainError
from llmcoop.ir import Module
from llmcoop.runner import Runner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.spec import load
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation, Program

COMPILE_TIMEOUT_S = 600.0
RUN_TIMEOUT_S = 5.0
CSMITH_FLAGS = ("-w", "-I/usr/include/csmith")
# What the plugin says last about a function that it has tried to improve.
TRIED = {"Rewritten", "NotFaster", "CompilerFailed"}
REMARK = re.compile(r"--- !\w+\nPass: +llmcoop\nName: +(\w+)\n(?:DebugLoc: [^}]*}\n)?Function: +(\S+)\n")
CRASH = (b"PLEASE submit a bug report", b"Stack dump:")
BROKEN = (b"Broken module found", b"Broken function found", b"failed to verify", b"input module is broken")


class Outcome(StrEnum):
    """How the comparison of one build ended."""

    SAME = "same"
    DIFFERENT = "different output"
    CRASHED = "compiler crashed"
    BROKEN = "verifier failed"
    FAILED = "does not compile"


@dataclass(frozen=True, slots=True)
class Case:
    """A program and the inputs that it is compared on."""

    name: str
    program: Program
    runs: tuple[Invocation, ...] = (Invocation(),)


@dataclass(frozen=True, slots=True)
class Bench:
    """What every comparison needs."""

    toolchain: Toolchain
    sandbox: Sandbox
    plugin: Path
    budget_s: float
    accept_any: bool


@dataclass(frozen=True, slots=True)
class Build:
    """One way of compiling a program: what came of it, and the remarks (name, function) of the plugin."""

    way: str
    outcome: Outcome
    message: str = ""
    remarks: tuple[tuple[str, str], ...] = ()

    def functions(self, names: set[str]) -> int:
        """How many functions had one of these remarks."""
        return len({function for name, function in self.remarks if name in names})


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of one program; `skipped` says why there are no builds."""

    case: Case
    builds: tuple[Build, ...] = ()
    skipped: str = ""


class _Acceptor(socketserver.StreamRequestHandler):
    """A run that accepts the first few proposals for each function, a different number for each."""

    def handle(self) -> None:
        assert isinstance(self.server, _AcceptingRun)
        self._say({"functions": self.server.functions, "budget_s": self.server.budget_s})
        wanted: Counter[str] = Counter()
        for line in self.rfile:
            function = json.loads(line)["function"]
            if function not in wanted:
                wanted[function] = random.Random(function).randint(1, 14)
            accepted = wanted[function] > 0
            wanted[function] -= 1
            self._say({"accepted": True, "speedup": None, "message": "taken"} if accepted else {"stop": True})

    def _say(self, value: object) -> None:
        self.wfile.write(json.dumps(value).encode() + b"\n")


class _AcceptingRun(socketserver.ThreadingUnixStreamServer):
    """Listens for compilers at `path`."""

    def __init__(self, path: Path, functions: list[str], budget_s: float) -> None:
        super().__init__(str(path), _Acceptor)
        self.functions = functions
        self.budget_s = budget_s


@contextmanager
def plugin_environment(bench: Bench, modules: Sequence[Path], folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which the plugin judges as `bench` says."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("LLMCOOP_") or "PYTHON" in name}
    own["LLMCOOP_BUDGET"] = str(bench.budget_s)
    if not bench.accept_any:
        yield own
        return
    names = [info.name for path in modules for info in Module.parse(path.read_bytes()).functions if info.defined]
    with _AcceptingRun(folder / "run", names, bench.budget_s) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield own | {"LLMCOOP_RUN": str(folder / "run")}
        server.shutdown()


@dataclass(slots=True)
class Compilation:
    """The steps of one build; stops at the first that fails."""

    environment: dict[str, str]
    outcome: Outcome = Outcome.SAME
    message: str = ""
    remarks: list[tuple[str, str]] = field(default_factory=list)

    def step(self, argv: Sequence[str | Path], record: Path | None = None) -> None:
        """Run one compiler; `record` is the file with its remarks."""
        if self.outcome is not Outcome.SAME:
            return
        done = process.run(argv, env=self.environment, timeout_s=COMPILE_TIMEOUT_S)
        if done.returncode != 0 or done.timed_out:
            self.outcome = failure(done)
            self.message = f"{Path(argv[0]).name}: {done.stderr.decode(errors='replace').strip()[-2000:]}"
        if record is not None and record.exists():
            self.remarks += REMARK.findall(record.read_text(errors="replace"))


def failure(done: process.Completed) -> Outcome:
    """How a compiler failed."""
    if any(sign in done.stderr for sign in BROKEN):
        return Outcome.BROKEN
    if done.timed_out or done.returncode < 0 or any(sign in done.stderr for sign in CRASH):
        return Outcome.CRASHED
    return Outcome.FAILED


def front_end(bench: Bench, program: Program, folder: Path) -> list[Path]:
    """Bitcode of each source, before any pass; raises ToolchainError, for the plain build has compiled."""
    modules = []
    for number, source in enumerate(program.sources):
        module = folder / f"{number}.bc"
        flags = ("-Xclang", "-disable-llvm-passes", "-emit-llvm", "-c", source, "-o", module)
        done = process.run([bench.toolchain.clang, *program.cflags, *flags], timeout_s=COMPILE_TIMEOUT_S)
        if done.returncode != 0:
            raise ToolchainError(f"no bitcode of {source}: {done.stderr.decode(errors='replace')}")
        modules.append(module)
    return modules


def through_opt(bench: Bench, program: Program, modules: Sequence[Path], output: Path) -> Callable[[Compilation], None]:
    """Front end, opt with the plugin, code generation and link by clang."""

    def build(compilation: Compilation) -> None:
        optimized = []
        for module in modules:
            optimized.append(module.with_suffix(".opt.bc"))
            record = module.with_suffix(".opt.yaml")
            passes = f"default<O3>,llmcoop<mode=search;budget={bench.budget_s:g}>"
            remarks = (f"-pass-remarks-output={record}", "-pass-remarks-filter=llmcoop")
            plugin = f"-load-pass-plugin={bench.plugin}"
            argv = [bench.toolchain.opt, plugin, f"-passes={passes}", "-verify-each", *remarks]
            compilation.step([*argv, module, "-o", optimized[-1]], record)
        flags = ("-Wno-unused-command-line-argument", "-Xclang", "-disable-llvm-passes")
        argv = [bench.toolchain.clang, *program.cflags, *flags, *optimized, *program.ldflags]
        compilation.step([*argv, "-o", output])

    return build


def through_clang(bench: Bench, program: Program, folder: Path, output: Path) -> Callable[[Compilation], None]:
    """clang with the plugin."""

    def build(compilation: Compilation) -> None:
        objects = []
        for number, source in enumerate(program.sources):
            objects.append(folder / f"{number}.o")
            record = folder / f"{number}.clang.yaml"
            remarks = ("-fsave-optimization-record", f"-foptimization-record-file={record}")
            only_ours = "-foptimization-record-passes=llmcoop"
            checks = (f"-fpass-plugin={bench.plugin}", "-Xclang", "-llvm-verify-each")
            argv = [bench.toolchain.clang, *program.cflags, *checks, *remarks, only_ours]
            compilation.step([*argv, "-c", source, "-o", objects[-1]], record)
        compilation.step([bench.toolchain.clang, *program.cflags, *objects, *program.ldflags, "-o", output])

    return build


def compare(bench: Bench, case: Case) -> Comparison:
    """Build `case` in every way, and run it."""
    with tempfile.TemporaryDirectory(prefix="llmcoop-") as name:
        folder = Path(name)
        plain = folder / "plain"
        program = case.program
        argv = [bench.toolchain.clang, *program.cflags, *program.sources, *program.ldflags, "-o", plain]
        if process.run(argv, timeout_s=COMPILE_TIMEOUT_S).returncode != 0:
            return Comparison(case, skipped="does not compile")
        expected = answers(bench, plain, case.runs)
        if expected is None:
            return Comparison(case, skipped=f"runs for more than {RUN_TIMEOUT_S:g} s")
        modules = front_end(bench, program, folder)
        ways = {
            "opt": through_opt(bench, program, modules, folder / "opt"),
            "clang": through_clang(bench, program, folder, folder / "clang"),
        }
        builds = []
        with plugin_environment(bench, modules, folder) as environment:
            for way, build in ways.items():
                compilation = Compilation(environment)
                build(compilation)
                outcome, message = compilation.outcome, compilation.message
                if outcome is Outcome.SAME and answers(bench, folder / way, case.runs) != expected:
                    outcome, message = (
                        Outcome.DIFFERENT,
                        "prints something else than the plain build, or ends otherwise",
                    )
                builds.append(Build(way, outcome, message, tuple(compilation.remarks)))
        return Comparison(case, tuple(builds))


def answers(bench: Bench, executable: Path, runs: Sequence[Invocation]) -> list[tuple[str, str]] | None:
    """Status and the SHA-256 of stdout of each run; None if one takes too long."""
    found = []
    with Runner(bench.sandbox, [executable], limits=Limits(wall_s=4 * RUN_TIMEOUT_S)) as runner:
        for invocation in runs:
            result = runner.run(0, invocation)
            if result.timed_out or result.wall_ns - result.queued_ns > RUN_TIMEOUT_S * 1e9:
                return None
            found.append((result.status, result.stdout_sha256))
    return found


def generated(seed: int, cflags: tuple[str, ...], folder: Path) -> Case:
    """The program that csmith makes of a seed. Raises ToolchainError without csmith."""
    source = folder / f"csmith-{seed}.c"
    if not Path("/usr/include/csmith/csmith.h").exists():
        raise ToolchainError("csmith.h not found", "apt-get install csmith libcsmith-dev")
    command = ["csmith", "--no-argc", "--seed", str(seed), "--output", source]
    done = process.run(command, timeout_s=60, cwd=folder)
    if done.returncode != 0:
        raise ToolchainError(f"csmith --seed {seed}: {done.stderr.decode(errors='replace')}")
    return Case(source.stem, Program((source,), ("-O3", *CSMITH_FLAGS, *cflags)))


def named(path: Path, cflags: tuple[str, ...], ldflags: tuple[str, ...]) -> Case:
    """The program in a folder or file."""
    if path.suffix == ".c":
        return Case(path.stem, Program((path,), ("-O3", *cflags), ldflags))
    spec = load(path)
    tests = tuple(test.invocation for test in spec.tests)
    return Case(path.name, spec.program, tests or (spec.workload.timed,))


def report(comparisons: Sequence[Comparison]) -> bool:
    """Print what was found; whether all is well."""
    print(f"{'program':24} {'way':6} {'tried':>6} {'replaced':>9}  outcome")
    bad = 0
    for comparison in comparisons:
        if comparison.skipped:
            print(f"{comparison.case.name:24} skipped: {comparison.skipped}")
        for build in comparison.builds:
            counts = f"{build.functions(TRIED):6} {build.functions({'Rewritten'}):9}"
            print(f"{comparison.case.name:24} {build.way:6} {counts}  {build.outcome}")
            if build.outcome is not Outcome.SAME:
                bad += 1
                print(build.message)
    builds = [build for comparison in comparisons for build in comparison.builds]
    compared = [comparison for comparison in comparisons if not comparison.skipped]
    print(f"\n{len(compared)} programs compared, {len(comparisons) - len(compared)} skipped")
    for way in sorted({build.way for build in builds}):
        of_way = [build for build in builds if build.way == way]
        outcomes = Counter(build.outcome for build in of_way)
        names = Counter(name for build in of_way for name, _ in set(build.remarks))
        counts = ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in Outcome)
        print(f"{way}: {sum(build.functions(TRIED) for build in of_way)} functions tried; {counts}")
        print(f"  functions by remark: {', '.join(f'{name} {count}' for name, count in names.most_common())}")
    return bad == 0 and bool(compared)


def main() -> int:
    """Compare all programs; 1 if a build is not as good as the plain one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=Path, nargs="*", help="C files, or folders with an llmcoop.toml")
    parser.add_argument("--csmith", type=int, default=0, metavar="N", help="also N generated programs")
    parser.add_argument("--seed", type=int, default=1, help="of the first of them")
    parser.add_argument("--cflags", default="", help="for C files and csmith, besides -O3")
    parser.add_argument("--ldflags", default="", help="for C files")
    parser.add_argument("--budget", type=float, default=120, help="seconds of search for a module (120)")
    parser.add_argument("--accept", choices=("cheaper", "any"), default="cheaper", help="which versions are put in")
    parser.add_argument("--jobs", type=int, default=1, help="programs at a time")
    wanted = parser.parse_args()
    toolchain = Toolchain.find()
    bench = Bench(toolchain, Sandbox.find(), plugin_path(), wanted.budget, wanted.accept == "any")
    cflags, ldflags = tuple(shlex.split(wanted.cflags)), tuple(shlex.split(wanted.ldflags))
    with tempfile.TemporaryDirectory(prefix="llmcoop-") as folder, ThreadPoolExecutor(wanted.jobs) as pool:
        cases = [named(path.absolute(), cflags, ldflags) for path in wanted.programs]
        seeds = range(wanted.seed, wanted.seed + wanted.csmith)
        cases += [generated(seed, cflags, Path(folder)) for seed in seeds]
        comparisons = list(pool.map(lambda case: compare(bench, case), cases))
    return 0 if report(comparisons) else 1


if __name__ == "__main__":
    sys.exit(main())
