"""Fixtures for IR: clang's front end, and a worker."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llmcoop import process
from llmcoop.ir import CodeGen, Tuning, clang_options
from llmcoop.ir.worker import Worker
from llmcoop.sandbox import Limits, Sandbox

Clang = Callable[..., bytes]


@pytest.fixture(scope="session")
def clang() -> Clang:
    """Runs `clang-22` with the given arguments and returns what it prints to stdout."""
    program = shutil.which("clang-22")
    if program is None:
        pytest.skip("CLANG-22 IS NOT INSTALLED")

    def run(*args: str | Path, stderr: bool = False) -> bytes:
        done = process.run([program, *args], timeout_s=60)
        assert done.returncode == 0, done.stderr.decode()
        return done.stderr if stderr else done.stdout

    return run


@pytest.fixture(scope="session")
def front_end(clang: Clang) -> Callable[..., bytes]:
    """`front_end(source, *flags)`: a C file as bitcode before any pass, with the flags that LLMCoop uses."""

    def run(source: Path, *flags: str) -> bytes:
        return clang(*flags, "-Xclang", "-disable-llvm-passes", "-emit-llvm", "-c", source, "-o", "-")

    return run


@pytest.fixture(scope="session")
def cc1_settings(clang: Clang) -> Callable[..., tuple[Tuning, CodeGen]]:
    """`cc1_settings(source, *flags)`: what clang would tell LLVM."""

    def run(source: Path, *flags: str) -> tuple[Tuning, CodeGen]:
        lines = clang(*flags, "-###", "-c", source, "-o", "out.o", stderr=True).decode().splitlines()
        (line,) = (line for line in lines if '"-cc1"' in line)
        return clang_options.from_cc1(shlex.split(line))

    return run


@pytest.fixture(scope="module")
def worker(sandbox: Sandbox) -> Iterator[Worker]:
    with Worker(sandbox, Limits(cpu_s=20, wall_s=20, memory_bytes=2 << 30)) as started:
        yield started
