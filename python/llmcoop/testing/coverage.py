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

_FLAGS = ("-O0", "-fno-lto", "-fprofile-instr-generate", "-fcoverage-mapping", "-fcoverage-mcdc")
_EXPORT_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was executed of a program's own sources."""

    lines: Share
    branches: Share  # each condition once true and once false
    conditions: Share  # each condition of a decision shown to decide it alone (MC/DC)


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
    executable = folder / "coverage"
    if clang.build_with_clang(toolchain, program, executable, _FLAGS).returncode != 0:
        raise ProgramError(f"{program.sources[0].name} does not build with -fprofile-instr-generate -fcoverage-mapping")
    raw = Profiling(sandbox, limits, folder, seconds).run(executable, invocations, profiles.ENVIRONMENT)
    merged = profiles.merge(toolchain, sandbox, raw)
    if merged is None:
        raise ProgramError(
            f"{program.sources[0].name} leaves no counters of what it executed", "does it end by _exit or a signal?"
        )
    return _summary(toolchain, sandbox, executable, merged)


def _summary(toolchain: Toolchain, sandbox: Sandbox, executable: Path, merged: Path) -> Coverage:
    """What llvm-cov says; in the sandbox too, for its input goes back to the program."""
    command = sandbox.command(
        [toolchain.cov, "export", "-summary-only", f"-instr-profile={merged}", executable],
        readonly=[merged, executable, *toolchain.outside_usr],
        limits=Limits(),
    )
    done = process.run(command, timeout_s=_EXPORT_TIMEOUT_S)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()[:300]
        raise ToolchainError(f"{toolchain.cov} fails on {executable.name}: {said}", "is it of the same LLVM as clang?")
    totals = json.loads(done.stdout)["data"][0]["totals"]
    lines, branches, conditions = (
        Share(totals[kind]["covered"], totals[kind]["count"]) for kind in ("lines", "branches", "mcdc")
    )
    return Coverage(lines, branches, conditions)
