"""Find clang, opt, the linker and the profile tools of one LLVM, and refuse a mixture."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from llmcoop import process
from llmcoop.errors import ToolchainError

LLVM_MAJOR = 22
_INSTALL_HINT = (
    f"apt-get install clang-{LLVM_MAJOR} llvm-{LLVM_MAJOR} lld-{LLVM_MAJOR} libclang-rt-{LLVM_MAJOR}-dev, "
    "or set LLMCOOP_LLVM_BIN to the folder that holds clang, opt and llvm-profdata"
)


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The tools of one LLVM installation."""

    clang: Path
    opt: Path
    profdata: Path
    cov: Path
    readelf: Path
    bolt: Path | None
    mca: Path | None
    llvm_bin: Path
    version: str  # as clang prints it: "22.1.8"

    @property
    def outside_usr(self) -> tuple[Path, ...]:
        """What a sandbox must show so that the tools run if they are not below /usr."""
        folder = self.llvm_bin.resolve()
        return () if folder.is_relative_to("/usr") else (folder.parent,)

    @staticmethod
    def find() -> Toolchain:
        """Look in LLMCOOP_LLVM_BIN, in Debian's folder, then along PATH.

        Raises:
            ToolchainError: a tool is missing, or clang and opt are not both of LLVM 22.
        """
        llvm_bin = _llvm_bin()
        tools = {name: _tool(llvm_bin, name) for name in ("clang", "opt", "llvm-profdata", "llvm-cov", "llvm-readelf")}
        versions = {name: _version(tools[name]) for name in ("clang", "opt")}
        for name, version in versions.items():
            if not version.startswith(f"{LLVM_MAJOR}."):
                raise ToolchainError(f"{tools[name]} is version {version}; LLMCoop needs {LLVM_MAJOR}", _INSTALL_HINT)
        if len(set(versions.values())) > 1:
            raise ToolchainError(f"tools of different LLVM versions in {llvm_bin}: {versions}", _INSTALL_HINT)
        return Toolchain(
            clang=tools["clang"],
            opt=tools["opt"],
            profdata=tools["llvm-profdata"],
            cov=tools["llvm-cov"],
            readelf=tools["llvm-readelf"],
            bolt=_optional(llvm_bin, "llvm-bolt"),
            mca=_optional(llvm_bin, "llvm-mca"),
            llvm_bin=llvm_bin,
            version=versions["clang"],
        )


def _llvm_bin() -> Path:
    stated = os.environ.get("LLMCOOP_LLVM_BIN")
    if stated:
        if not (Path(stated) / "clang").exists():
            raise ToolchainError(f"LLMCOOP_LLVM_BIN={stated} holds no clang", _INSTALL_HINT)
        return Path(stated)
    debian = Path(f"/usr/lib/llvm-{LLVM_MAJOR}/bin")
    if (debian / "clang").exists():
        return debian
    found = shutil.which(f"clang-{LLVM_MAJOR}") or shutil.which("clang")
    if found is None:
        raise ToolchainError(f"clang-{LLVM_MAJOR} not found", _INSTALL_HINT)
    return Path(found).resolve().parent


def _tool(llvm_bin: Path, name: str) -> Path:
    path = _optional(llvm_bin, name)
    if path is None:
        raise ToolchainError(f"{name} not found in {llvm_bin}", _INSTALL_HINT)
    return path


def _optional(llvm_bin: Path, name: str) -> Path | None:
    """The tool of this LLVM; some packages put it on PATH with the major as a suffix only."""
    if (llvm_bin / name).exists():
        return llvm_bin / name
    found = shutil.which(f"{name}-{LLVM_MAJOR}")
    return Path(found) if found else None


def _version(tool: Path) -> str:
    printed = process.run([str(tool), "--version"], timeout_s=20).stdout.decode(errors="replace")
    match = re.search(r"version (\d+\.\d+\.\d+)", printed)
    if match is None:
        raise ToolchainError(f"{tool} --version says no version: {printed[:200]!r}", _INSTALL_HINT)
    return match.group(1)
