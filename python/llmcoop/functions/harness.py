"""Make a program of a function without main: a harness that calls it on generated data, and runs for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcoop import clang
from llmcoop.errors import ProgramError, UsageError
from llmcoop.functions.harness_source import growths, source
from llmcoop.ir.demands import Demands
from llmcoop.ir.jobs import PassRequest
from llmcoop.ir.settings import Tuning
from llmcoop.ir.worker import Worker
from llmcoop.reference import SANITIZER_ENVIRONMENT
from llmcoop.runner import Runner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation, Program

_WAY_OUT = "write a C file with a main that calls it on data of your choice, and optimize both files as a program"
_TEST_SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100)
_TIMED_SIZES = (64, 128, 256, 512, 1024, 4096, 16384)
_MOST_BYTES = 1 << 20  # of all buffers of a timed run: data that stays in the caches
_LONGEST_CALL_S = 0.03
_TIMED_S = 0.1
_SEEDS = (1, 2)


@dataclass(frozen=True, slots=True)
class Harness:
    """A main for a function, and how to run it. `tests` are clean under sanitizers."""

    source_text: str  # C, to be compiled as a file of its own
    timed: Invocation  # takes about 0.1 s
    variants: tuple[Invocation, ...]  # as long, with other data
    tests: tuple[Invocation, ...]


def harness(
    toolchain: Toolchain, program: Program, function: str, *, worker: Worker, sandbox: Sandbox, folder: Path
) -> Harness:
    """A harness for `function` of `program`, whose sources have no main. `folder` is for files of the builds.

    Raises UsageError if there is no such function, or its arguments can't be made up, and ProgramError if the
    sources do not compile.
    """
    demands = _demands(toolchain, program, function, worker, folder)
    if demands.reason:
        raise UsageError(f"no harness can be made for {function}: {demands.reason}", _WAY_OUT)
    file = folder / "harness.c"
    file.write_text(source(function, demands))
    whole = Program((*program.sources, file), program.cflags, program.ldflags)
    baseline, sanitized = folder / "harness-baseline", folder / "harness-sanitized"
    clang.build_baseline(toolchain, whole, baseline)
    if not clang.build_sanitized(toolchain, whole, sanitized):
        raise ProgramError(f"{function} does not build with AddressSanitizer", "build it so to see why")
    with (
        Runner(sandbox, [baseline], limits=Limits()) as plain,
        Runner(sandbox, [sanitized], limits=Limits(memory_bytes=None), env=SANITIZER_ENVIRONMENT) as checked,
    ):
        tests = tuple(_invocation(seed, size) for size in _sizes(demands) for seed in _SEEDS)
        tests = tuple(test for test in tests if _clean(checked, test))
        if not tests:
            raise UsageError(f"{function} is not clean under AddressSanitizer on any generated data", _WAY_OUT)
        size, repetitions = _timed(plain, checked, _timed_sizes(demands))
    timed, *variants = (_invocation(seed, size, repetitions) for seed in (11, 12, 13))
    return Harness(file.read_text(), timed, tuple(variants), tests)


def _demands(toolchain: Toolchain, program: Program, function: str, worker: Worker, folder: Path) -> Demands:
    front_end = clang.front_end(toolchain, program, folder)
    for bitcode in front_end.modules:
        for known in worker.functions(bitcode):
            if known.name != function or not known.defined:
                continue
            if known.linkage in ("internal", "private"):
                raise UsageError(f"{function} is static: no other file can call it", f"make it extern, or {_WAY_OUT}")
            # Optimized code shows what memory is used for; vectorized code does so less.
            request = PassRequest(tuning=Tuning(level="O1"))
            return worker.demand(worker.text(worker.optimize(bitcode, request).bitcode), function)
    names = ", ".join(map(str, program.sources))
    raise UsageError(f"no function {function} is defined in {names}", "look for its name in the sources")


def _sizes(demands: Demands) -> Sequence[int]:
    return _TEST_SIZES if any(parameter.is_size for parameter in demands.parameters) else _TEST_SIZES[:1]


def _timed_sizes(demands: Demands) -> list[int]:
    """Sizes whose buffers fit into the caches, and one in any case."""
    known = growths(demands).values()
    fitting = [size for size in _TIMED_SIZES if sum(each.bytes_at(size) for each in known) <= _MOST_BYTES]
    return [size for size in (1, 16, *fitting) if size <= max(_sizes(demands)[-1], *fitting, 1)]


def _timed(plain: Runner, checked: Runner, sizes: Sequence[int]) -> tuple[int, int]:
    """A size, the largest that is clean and quick, and how many calls with it take long enough to be timed."""
    best = (sizes[0], 1 << 16)
    for size in sizes:
        seconds = _seconds_per_call(plain, size)
        if seconds is None or seconds > _LONGEST_CALL_S or not _clean(checked, _invocation(1, size)):
            break
        best = (size, max(1, round(_TIMED_S / seconds)))
    return best


def _seconds_per_call(plain: Runner, size: int) -> float | None:
    """By runs with more and more repetitions, until one takes long enough; None if one fails."""
    before, repetitions = 0, 1
    while repetitions < 1 << 28:
        run = plain.run(0, _invocation(1, size, repetitions))
        if run.exit_code != 0:
            return None
        if repetitions == 1:
            before = run.wall_ns
        elif run.wall_ns - before > 20_000_000:
            return (run.wall_ns - before) / (repetitions - 1) / 1e9
        repetitions *= 4
    return _TIMED_S / repetitions


def _clean(checked: Runner, invocation: Invocation) -> bool:
    return checked.run(0, invocation).exit_code == 0


def _invocation(seed: int, size: int, repetitions: int = 1) -> Invocation:
    return Invocation((str(seed), str(size), str(repetitions)))
