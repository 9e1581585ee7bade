"""LLVM's passes and code generator as Python values: parse, transform, link and emit IR in memory.

`Module` runs LLVM in this process, which a crash of LLVM ends; `llmcoop.ir.worker.Worker` runs it elsewhere.
"""

import os

from llmcoop._llmcoop import LLVM_MAJOR, LLVM_VERSION, Module
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

# A worker's parent has checked, and a worker has no use for llvmlite.
if "LLMCOOP_IR_WORKER" not in os.environ:
    check_llvmlite(LLVM_MAJOR)
