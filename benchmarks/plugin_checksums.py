"""Compile programs with the plugin in opt and in clang, run them, and compare what they print with plain builds.

    python benchmarks/plugin_checksums.py examples/*                  folders with an llmcoop.toml
    python benchmarks/plugin_checksums.py --csmith 60                 programs that csmith generates, by seed
    python benchmarks/plugin_checksums.py a.c b.c --ldflags=-lm       each file is a program

A program is built plainly, by way of the front end and `opt -passes='default<O3>,llmcoop' -verify-each`, and by
`clang -fpass-plugin`; it runs in the sandbox on the tests of its llmcoop.toml, else once. A program whose plain
build does not compile, or runs for too long, is skipped. Exits with 1 if any build of another one crashes, fails the
verifier or prints something else, or if no function was replaced. `--accept any` has the first few versions of each
function put in, however bad.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shlex
import shutil
import socketserver
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from llmcoop import plugin_path, process
from llmcoop.errors import LLMCoopError, ToolchainError
from llmcoop.ir import Module
from llmcoop.runner import Runner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.spec import load
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation, Program

WAYS = ("opt", "clang")
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
    proposer: str  # as the plugin's option; empty: the pass search


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
            request = json.loads(line)
            function = request["function"]
            if function not in wanted:
                wanted[function] = random.Random(function).randint(1, 14)
            accepted = wanted[function] > 0
            wanted[function] -= 1
            answer = {"accepted": True, "speedup": None, "message": "taken"} if accepted else {"stop": True}
            self._say({"id": request["id"], **answer})

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
    own |= {"LLMCOOP_BUDGET": str(bench.budget_s)}
    if bench.proposer:
        own |= {"LLMCOOP_PROPOSER": bench.proposer}
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

    executable: Path
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


def through_opt(bench: Bench, program: Program, modules: Sequence[Path], compilation: Compilation) -> Compilation:
    """Front end, opt with the plugin, code generation and link by clang."""
    passes = f"default<O3>,llmcoop<mode=search;budget={bench.budget_s:g}>"
    tool = (bench.toolchain.opt, f"-load-pass-plugin={bench.plugin}", f"-passes={passes}", "-verify-each")
    optimized = [module.with_suffix(".opt.bc") for module in modules]
    for module, output in zip(modules, optimized, strict=True):
        record = output.with_suffix(".yaml")
        remarks = (f"-pass-remarks-output={record}", "-pass-remarks-filter=llmcoop")
        compilation.step([*tool, *remarks, module, "-o", output], record)
    flags = ("-Wno-unused-command-line-argument", "-Xclang", "-disable-llvm-passes")
    argv = [bench.toolchain.clang, *program.cflags, *flags, *optimized, *program.ldflags]
    compilation.step([*argv, "-o", compilation.executable])
    return compilation


def through_clang(bench: Bench, program: Program, compilation: Compilation) -> Compilation:
    """clang with the plugin."""
    plugin = (f"-fpass-plugin={bench.plugin}", "-mllvm", "-llmcoop-mode=search")
    tool = (bench.toolchain.clang, *program.cflags, *plugin, "-Xclang", "-llvm-verify-each")
    objects = [compilation.executable.with_suffix(f".{number}.o") for number in range(len(program.sources))]
    for source, output in zip(program.sources, objects, strict=True):
        record = output.with_suffix(".yaml")
        remarks = ("-fsave-optimization-record", f"-foptimization-record-file={record}")
        only_ours = "-foptimization-record-passes=llmcoop"
        compilation.step([*tool, *remarks, only_ours, "-c", source, "-o", output], record)
    argv = [bench.toolchain.clang, *program.cflags, *objects, *program.ldflags]
    compilation.step([*argv, "-o", compilation.executable])
    return compilation


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
        with plugin_environment(bench, modules, folder) as environment:
            builds = [
                through_opt(bench, program, modules, Compilation(folder / "opt", environment)),
                through_clang(bench, program, Compilation(folder / "clang", environment)),
            ]
        return Comparison(case, tuple(judged(bench, case, build, expected) for build in builds))


def judged(bench: Bench, case: Case, compilation: Compilation, expected: object) -> Build:
    """Run what was compiled."""
    outcome, message, executable = compilation.outcome, compilation.message, compilation.executable
    if outcome is Outcome.SAME and answers(bench, executable, case.runs) != expected:
        outcome, message = Outcome.DIFFERENT, "  prints something else than the plain build, or ends otherwise"
    return Build(executable.name, outcome, message, tuple(compilation.remarks))


def answers(bench: Bench, executable: Path, runs: Sequence[Invocation]) -> list[tuple[str, str]] | None:
    """Status and the SHA-256 of stdout of each run; None if one takes too long."""
    found = []
    with Runner(bench.sandbox, [executable], limits=Limits(wall_s=4 * RUN_TIMEOUT_S)) as runner:
        for invocation in runs:
            result = runner.run(0, invocation)
            if result.timed_out or result.wall_ns - result.queued_ns > RUN_TIMEOUT_S * 1e9:
                return None
            found.append((result.status, result.stdout))
    return found


def generated(seed: int, cflags: tuple[str, ...], folder: Path) -> Case:
    """The program that csmith makes of a seed. Raises ToolchainError without csmith."""
    source = folder / f"csmith-{seed}.c"
    if shutil.which("csmith") is None or not Path("/usr/include/csmith/csmith.h").exists():
        raise ToolchainError("csmith or its csmith.h not found", "apt-get install csmith libcsmith-dev")
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
    for comparison in comparisons:
        if comparison.skipped:
            print(f"{comparison.case.name:24} skipped: {comparison.skipped}")
        for build in comparison.builds:
            counts = f"{build.functions(TRIED):6} {build.functions({'Rewritten'}):9}"
            print(f"{comparison.case.name:24} {build.way:6} {counts}  {build.outcome}")
            if build.message:
                print(build.message)
    skipped = sum(bool(comparison.skipped) for comparison in comparisons)
    print(f"\n{len(comparisons) - skipped} programs compared, {skipped} skipped")
    builds = [build for comparison in comparisons for build in comparison.builds]
    all_well = [well(way, [build for build in builds if build.way == way]) for way in WAYS]
    return all(all_well)


def well(way: str, builds: Sequence[Build]) -> bool:
    """Print the sums of one way; whether every program is as it was although functions were replaced."""
    outcomes = Counter(build.outcome for build in builds)
    names = Counter(name for build in builds for name, _ in set(build.remarks))
    counts = ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in Outcome)
    print(f"{way}: {sum(build.functions(TRIED) for build in builds)} functions tried; {counts}")
    print(f"  functions by remark: {', '.join(f'{name} {count}' for name, count in names.most_common())}")
    if not names["Rewritten"]:
        print("  no function was replaced: this proves nothing")
    return names["Rewritten"] > 0 and outcomes[Outcome.SAME] == len(builds)


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
    parser.add_argument("--proposer", default="", help="file.py:function, in place of the pass search")
    parser.add_argument("--jobs", type=int, default=1, help="programs at a time")
    wanted = parser.parse_args()
    try:
        comparisons = compared(wanted)
    except LLMCoopError as error:
        print(f"plugin_checksums: {error}", file=sys.stderr)
        return error.exit_code
    return 0 if report(comparisons) else 1


def compared(wanted: argparse.Namespace) -> list[Comparison]:
    """Compare all programs that the options name."""
    sandbox, accept_any = Sandbox.find(), wanted.accept == "any"
    bench = Bench(Toolchain.find(), sandbox, plugin_path(), wanted.budget, accept_any, wanted.proposer)
    cflags, ldflags = tuple(shlex.split(wanted.cflags)), tuple(shlex.split(wanted.ldflags))
    with tempfile.TemporaryDirectory(prefix="llmcoop-") as folder, ThreadPoolExecutor(wanted.jobs) as pool:
        cases = [named(path.absolute(), cflags, ldflags) for path in wanted.programs]
        seeds = range(wanted.seed, wanted.seed + wanted.csmith)
        cases += [generated(seed, cflags, Path(folder)) for seed in seeds]
        return list(pool.map(lambda case: compare(bench, case), cases))


if __name__ == "__main__":
    sys.exit(main())
