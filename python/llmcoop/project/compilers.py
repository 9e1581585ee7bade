"""Where the compilers are that a project is built with."""

from __future__ import annotations

from dataclasses import dataclass

from llmcoop import native
from llmcoop.errors import ProgramError, ToolchainError


@dataclass(frozen=True, slots=True)
class Compilers:
    """What CC and CXX are in a project's commands."""

    cc: str
    cxx: str

    @staticmethod
    def find() -> Compilers:
        """Those that are installed with the package. Raises ToolchainError."""
        return Compilers(_word("llmcoop-cc"), _word("llmcoop-c++"))


def _word(name: str) -> str:
    path = str(native.installed(name))
    if any(letter.isspace() for letter in path):
        raise ToolchainError(
            f"CC={path} is no single word, and most build systems would split it",
            "install llmcoop in a folder without spaces in its name",
        )
    return path


def unused() -> ProgramError:
    """The error for a build that does not use them."""
    return ProgramError(
        "the build compiled nothing with our compilers",
        "it must use $CC, as in `make CC=$CC` or `cmake -DCMAKE_C_COMPILER=$CC`, and start from a clean tree",
    )
