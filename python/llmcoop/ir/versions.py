"""Check that llvmlite, which compiles IR in the differential tester, reads the IR that we write."""

from __future__ import annotations

from llmcoop.errors import ToolchainError


def check_llvmlite(our_major: int) -> None:
    """Raise ToolchainError unless llvmlite is there and was built with LLVM `our_major`."""
    try:
        from llvmlite import binding  # noqa: PLC0415 - its absence is an error of ours
    except (ImportError, OSError) as error:
        raise ToolchainError(
            f"llvmlite can't be imported: {error}",
            "install llmcoop again with pip: llvmlite is one of its dependencies",
        ) from error
    check_majors(our_major, binding.llvm_version_info[0])


def check_majors(ours: int, llvmlites: int) -> None:
    """Raise ToolchainError if the LLVM majors of llmcoop and of llvmlite differ."""
    if ours != llvmlites:
        raise ToolchainError(
            f"llmcoop was built with LLVM {ours}, but llvmlite has LLVM {llvmlites}",
            f"install an llvmlite with LLVM {ours}, or build llmcoop with LLVM {llvmlites}",
        )
