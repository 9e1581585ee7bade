"""Fixtures for function-level tests: C through clang, and a worker in the sandbox."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llmcoop import process
from llmcoop.ir import Module
from llmcoop.ir.worker import Worker
from llmcoop.sandbox import Sandbox

Compile = Callable[..., str]


@pytest.fixture(scope="session")
def compiled() -> Compile:
    """`compiled(source, *flags)`: a C file as the text of a module that defines its function `f` only."""
    clang = shutil.which("clang-22")
    if clang is None:
        pytest.skip("CLANG-22 IS NOT INSTALLED")

    def run(source: Path, *flags: str) -> str:
        argv = [clang, "-O2", *flags, "-emit-llvm", "-c", source, "-o", "-"]
        done = process.run(argv, timeout_s=60)
        assert done.returncode == 0, done.stderr.decode()
        return Module.parse(done.stdout).extract(["f"]).text

    return run


@pytest.fixture(scope="session")
def worker(sandbox: Sandbox) -> Iterator[Worker]:
    with Worker(sandbox) as started:
        yield started
