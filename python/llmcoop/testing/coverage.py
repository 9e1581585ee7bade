"""How much of the original program a set of inputs executes, by clang's source-based coverage."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcoop import clang, process, profiles
from llmcoop.errors import ProgramError, ToolchainError
from llmcoop.profiles import Profiling
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation, Program, Share

COUNTING = ("-fno-lto", "-fprofile-instr-generate", "-fcoverage-mapping")  # flags that make a program count
_EXPORT_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was executed of a program's own sources."""

    lines: Share
    branches: Share  # each condition once true and once false
    conditions: Share  # each condition of a decision shown to decide it alone (MC/DC)


@dataclass(frozen=True, slots=True)
class Counted:
    """An executable and what its runs counted."""

    executable: Path
    profile: Path  # as llvm-profdata merges it


def measure(
    toolchain: Toolchain,
    sandbox: Sandbox,
    program: Program,
    invocations: Sequence[Invocation],
    folder: Path,
    *,
    limits: Limits,
    seconds: float,
) -> Coverage:
    """Build the program with counters in `folder`, run it for at most `seconds` in all, and count.

    A run that ends by a signal or `_exit` counts nothing.

    Raises ProgramError if the program does not build so or no run leaves counters.
    """
    flags = ("-O0", *COUNTING, "-fcoverage-mcdc")
    counted = count(toolchain, sandbox, program, invocations, folder, flags=flags, limits=limits, seconds=seconds)
    return _summary(export(toolchain, sandbox, counted, "-summary-only"))


def count(
    toolchain: Toolchain,
    sandbox: Sandbox,
    program: Program,
    invocations: Sequence[Invocation],
    folder: Path,
    *,
    flags: Sequence[str],
    limits: Limits,
    seconds: float,
    confinement: clang.Confinement | None = None,
) -> Counted:
    """Build the program with `flags` after its own in `folder`, and run it for at most `seconds` in all.

    Raises ProgramError if the program does not build so or no run leaves counters.
    """
    executable = folder / "coverage"
    if clang.build_with_clang(toolchain, program, executable, flags, confinement).returncode != 0:
        raise ProgramError(f"{program.sources[0].name} does not build with -fprofile-instr-generate -fcoverage-mapping")
    raw = Profiling(sandbox, limits, folder, seconds).run(executable, invocations, profiles.ENVIRONMENT)
    merged = profiles.merge(toolchain, sandbox, raw)
    if merged is None:
        raise ProgramError(
            f"{program.sources[0].name} leaves no counters of what it executed", "does it end by _exit or a signal?"
        )
    return Counted(executable, merged)


def export(toolchain: Toolchain, sandbox: Sandbox, counted: Counted, *options: str) -> bytes:
    """What llvm-cov says; in the sandbox too, for its input goes back to the program. Raises ToolchainError."""
    command = sandbox.command(
        [toolchain.cov, "export", *options, f"-instr-profile={counted.profile}", counted.executable],
        readonly=[counted.profile, counted.executable, *toolchain.outside_usr],
        limits=Limits(),
    )
    done = process.run(command, timeout_s=_EXPORT_TIMEOUT_S)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()[:300]
        name = counted.executable.name
        raise ToolchainError(f"{toolchain.cov} fails on {name}: {said}", "is it of the same LLVM as clang?")
    return done.stdout


def _summary(exported: bytes) -> Coverage:
    totals = json.loads(exported)["data"][0]["totals"]
    lines, branches, conditions = (
        Share(totals[kind]["covered"], totals[kind]["count"]) for kind in ("lines", "branches", "mcdc")
    )
    return Coverage(lines, branches, conditions)
