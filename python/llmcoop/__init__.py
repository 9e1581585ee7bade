"""Make C programs faster than clang -O3, with evidence.

`optimize` does what the command `llmcoop optimize` does; `llmcoop.ir` has LLVM's passes as Python values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmcoop.report import Event, Run

__all__ = ["optimize", "plugin_path"]

# Imports wait until they are needed: the plugin and the worker processes import this package at each start.
# ruff: noqa: PLC0415


def optimize(
    *sources: str | Path,
    spec: str | Path | None = None,
    args: Sequence[str] | None = None,
    stdin: str | Path | None = None,
    cflags: Sequence[str] | None = None,
    ldflags: Sequence[str] | None = None,
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
        args=args,
        stdin=stdin,
        cflags=cflags,
        ldflags=ldflags,
        levels=levels,
        model=model,
        budget=budget,
        require_speedup=require_speedup,
        sandbox=sandbox,
    )
    folder = Path(out) if out is not None else report.default_folder(wanted.program)
    return run.optimize(wanted, out=folder.absolute(), resume=resume, listener=listener)


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
