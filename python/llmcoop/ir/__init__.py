"""LLVM's passes and code generator as Python values: parse, transform, link and emit IR in memory.

`Module` runs LLVM in this process, which a crash of LLVM ends; `llmcoop.ir.worker.Worker` runs it elsewhere.
LLVM is loaded with the first use of `Module`: a compiler that our plugin runs in has its own and only needs workers.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from llmcoop.ir.errors import (
    CompilerCrashed,
    CompilerFailed,
    CompilerOutOfMemory,
    CompilerTimedOut,
    Culprit,
    IRError,
)
from llmcoop.ir.settings import CodeGen, Tuning
from llmcoop.ir.values import FunctionInfo, Remark, Skipped
from llmcoop.ir.versions import check_llvmlite

if TYPE_CHECKING:
    from llmcoop._llmcoop import LLVM_MAJOR, LLVM_VERSION, Module

__all__ = [
    "LLVM_MAJOR",
    "LLVM_VERSION",
    "CodeGen",
    "CompilerCrashed",
    "CompilerFailed",
    "CompilerOutOfMemory",
    "CompilerTimedOut",
    "Culprit",
    "FunctionInfo",
    "IRError",
    "Module",
    "Remark",
    "Skipped",
    "Tuning",
]

_FROM_EXTENSION = ("LLVM_MAJOR", "LLVM_VERSION", "Module")


def __getattr__(name: str) -> object:
    """Import the extension. Raises ToolchainError if llvmlite is missing or has another LLVM."""
    if name not in _FROM_EXTENSION:
        raise AttributeError(f"module 'llmcoop.ir' has no attribute {name!r}")
    from llmcoop import _llmcoop  # noqa: PLC0415 - see above

    # A worker has no use for llvmlite.
    if "LLMCOOP_IR_WORKER" not in os.environ:
        check_llvmlite(_llmcoop.LLVM_MAJOR)
    return getattr(_llmcoop, name)
