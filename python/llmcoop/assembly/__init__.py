"""Assembly text of x86-64 as LLVM writes it: take one function out of a module, judge a rewrite, put it back."""

from llmcoop.assembly.assembler import Assembler, extensions, features
from llmcoop.assembly.listing import defined, function, functions, homes, replaced
from llmcoop.assembly.rules import AssemblyRefused, check
from llmcoop.assembly.statements import same

__all__ = [
    "Assembler",
    "AssemblyRefused",
    "check",
    "defined",
    "extensions",
    "features",
    "function",
    "functions",
    "homes",
    "replaced",
    "same",
]
