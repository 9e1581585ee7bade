"""Make C programs faster than clang -O3, with evidence.

`optimize` and `check` do what the commands of these names do; `llmcoop.ir` has LLVM's passes as Python values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmcoop.examination import Examination
    from llmcoop.report import Event, Run

__all__ = ["check", "optimize", "plugin_path"]

# Imports wait until they are needed: the plugin and the worker processes import this package at each start.
# ruff: noqa: PLC0415


def optimize(
    *sources: str | Path,
    spec: str | Path | None = None,
    function: str | None = None,
    rewrites: Sequence[str | Path] | None = None,
    args: Sequence[str] | None = None,
    stdin: str | Path | None = None,
    cflags: Sequence[str] | None = None,
    ldflags: Sequence[str] | None = None,
    accept: str | None = None,
    tests: str | Path | None = None,
    levels: Sequence[str] | None = None,
    model: str | None = None,
    budget: str | None = None,
    require_speedup: float | None = None,
    sandbox: bool | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    listener: Callable[[Event], None] = lambda _: None,
) -> Run:
    """Search for a faster version of a program; the files go to `out`, by default NAME.llmcoop.

    The arguments are the options of `llmcoop optimize`; `stdin` is a file, `args` and the flags are lists.
    `listener` is told about progress. Raises `llmcoop.errors.LLMCoopError`; that no version is faster, or not
    by `require_speedup`, is a result.
    """
    from llmcoop import report, run
    from llmcoop.spec import from_options

    wanted = from_options(
        sources,
        spec=spec,
        function=function,
        rewrites=rewrites,
        args=args,
        stdin=stdin,
        cflags=cflags,
        ldflags=ldflags,
        accept=accept,
        tests=tests,
        levels=levels,
        model=model,
        budget=budget,
        require_speedup=require_speedup,
        sandbox=sandbox,
    )
    folder = Path(out) if out is not None else report.default_folder(wanted.program)
    return run.optimize(wanted, out=folder.absolute(), resume=resume, listener=listener)


def check(
    *rewrites: str | Path,
    original: Sequence[str | Path] = (),
    spec: str | Path | None = None,
    function: str | None = None,
    args: Sequence[str] | None = None,
    stdin: str | Path | None = None,
    cflags: Sequence[str] | None = None,
    ldflags: Sequence[str] | None = None,
    accept: str | None = None,
    tests: str | Path | None = None,
    seconds: float | None = None,
    sandbox: bool | None = None,
    out: str | Path | None = None,
    listener: Callable[[Event], None] = lambda _: None,
) -> Examination:
    """Say whether rewrites of a program are equal to it; the files go to `out`, by default NAME.check.

    The arguments are the options of `llmcoop check`; without rewrites, it makes tests, as `llmcoop test` does. Raises
    `llmcoop.errors.LLMCoopError`; that a rewrite is refuted is a result.
    """
    from llmcoop import examination
    from llmcoop.spec import from_options

    wanted = from_options(
        original,
        spec=spec,
        function=function,
        rewrites=rewrites,
        args=args,
        stdin=stdin,
        cflags=cflags,
        ldflags=ldflags,
        accept=accept,
        tests=tests,
        budget=None if seconds is None else f"seconds={seconds}",
        sandbox=sandbox,
    )
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
