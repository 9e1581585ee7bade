"""Make C programs faster than clang -O3, with evidence.

`optimize` and `check` do what the commands of these names do; `llmcoop.ir` has LLVM's passes as Python values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

if TYPE_CHECKING:
    from llmcoop.examination import Examination
    from llmcoop.report import Event, Run
    from llmcoop.spec import SpecOptions

__all__ = ["check", "optimize", "plugin_path"]

# Imports wait until they are needed: the plugin and the worker processes import this package at each start.
# ruff: noqa: PLC0415


def optimize(
    *sources: str | Path,
    out: str | Path | None = None,
    resume: bool = False,
    record: str | Path | None = None,
    replay: str | Path | None = None,
    listener: Callable[[Event], None] = lambda _: None,
    **options: Unpack[SpecOptions],
) -> Run:
    """Search for a faster version of a program; the files go to `out`, by default NAME.llmcoop.

    The options are those of `llmcoop optimize`; see `llmcoop.spec.SpecOptions` for their types. `record` and `replay`
    are files: the run is recorded there, or follows what is. `listener` is told about progress. Raises
    `llmcoop.errors.LLMCoopError`; that no version is faster, or not by `require_speedup`, is a result.
    """
    from llmcoop import report, run
    from llmcoop.spec import from_options

    wanted = from_options(sources, **options)
    folder = Path(out) if out is not None else report.default_folder(wanted.program)
    files = {name: Path(path).absolute() for name, path in (("record", record), ("replay", replay)) if path}
    return run.optimize(wanted, out=folder.absolute(), resume=resume, listener=listener, **files)


def check(
    *rewrites: str | Path,
    original: Sequence[str | Path] = (),
    seconds: float | None = None,
    out: str | Path | None = None,
    listener: Callable[[Event], None] = lambda _: None,
    **options: Unpack[SpecOptions],
) -> Examination:
    """Say whether rewrites of a program are equal to it; the files go to `out`, by default NAME.check.

    The options are those of `llmcoop check`; without rewrites, it makes tests, as `llmcoop test` does. Raises
    `llmcoop.errors.LLMCoopError`; that a rewrite is refuted is a result.
    """
    from llmcoop import examination
    from llmcoop.spec import from_options

    budget = None if seconds is None else f"seconds={seconds}"
    wanted = from_options(original, **{**options, "rewrites": rewrites, "budget": budget})
    folder = Path(out) if out is not None else Path(f"{wanted.program.sources[0].stem}.check")
    return examination.check(wanted, out=folder.absolute(), listener=listener)


def plugin_path() -> Path:
    """The pass plugin, for `opt -load-pass-plugin` and `clang -fpass-plugin`.

    Raises `ToolchainError` when it was not built with the package.
    """
    from llmcoop.errors import ToolchainError

    for folder in __path__:
        if (path := Path(folder, "LLMCoop.so")).is_file():
            return path
    raise ToolchainError("LLMCoop.so is not installed beside the package", "install again: pip install .")


def __getattr__(name: str) -> str:
    if name == "__version__":
        from importlib.metadata import version

        return version("llmcoop")
    raise AttributeError(f"module 'llmcoop' has no attribute {name!r}")
