"""Reorder an executable's code by a profile of it, with llvm-bolt where that is installed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from llmcoop import process
from llmcoop.errors import ProgramError
from llmcoop.runner import OUT
from llmcoop.sandbox import Sandbox
from llmcoop.toolchain import Toolchain

LINK_OPTIONS = ("--emit-relocs",)  # without relocations llvm-bolt can't move functions
_PROFILE = "bolt.fdata"
_TIMEOUT_S = 60.0
_INSTRUMENT = ("-instrument", f"--instrumentation-file={OUT}/{_PROFILE}")
_REORDER = ("-reorder-blocks=ext-tsp", "-reorder-functions=cdsort", "-split-functions", "-split-all-cold")

# Runs an executable on the workload; gives the folder that it saw as /out.
Profiler = Callable[[Path], Path]


def reorder(toolchain: Toolchain, sandbox: Sandbox, executable: Path, output: Path, profiler: Profiler) -> None:
    """Write to `output` a version of `executable` (linked with `LINK_OPTIONS`) laid out for how it runs.

    Raises:
        ProgramError: llvm-bolt is not installed, or can't handle this executable.
    """
    if toolchain.bolt is None:
        raise ProgramError("llvm-bolt is not installed", "apt-get install bolt-22")
    instrumented = output.with_name(output.name + ".instrumented")
    _bolt(toolchain.bolt, executable, instrumented, _INSTRUMENT)
    try:
        profile = profiler(instrumented) / _PROFILE
    finally:
        instrumented.unlink()
    if not profile.is_file() or profile.is_symlink():
        raise ProgramError("the program left no profile for llvm-bolt")
    # The program wrote it, so it may be anything: it is read in the sandbox.
    _bolt(toolchain.bolt, executable, output, (f"-data={profile}", *_REORDER), sandbox, profile.parent)


def _bolt(
    bolt: Path,
    executable: Path,
    output: Path,
    options: Sequence[str],
    sandbox: Sandbox | None = None,
    profile_folder: Path | None = None,
) -> None:
    argv = [str(bolt), str(executable), "-o", str(output), *options]
    if sandbox is not None and profile_folder is not None:
        argv = sandbox.command(argv, readonly=[profile_folder], writable=[output.parent])
    done = process.run(argv, timeout_s=_TIMEOUT_S)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ProgramError(f"llvm-bolt: {said[-1] if said else f'exit status {done.returncode}'}")
