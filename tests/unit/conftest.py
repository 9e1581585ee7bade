"""Programs that are ready to be searched, through the real toolchain, sandbox and runner."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from preparing import Prepare

from llmcoop.prepare import Prepared, prepared
from llmcoop.sandbox import Sandbox
from llmcoop.spec import Spec
from llmcoop.values import Budget, Expectation, Invocation, Program, Workload


@pytest.fixture(scope="session")
def prepare(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepare]:
    numbers = itertools.count()
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(2))

        def run(
            *sources: str,
            args: Sequence[str] = (),
            variants: Sequence[Sequence[str]] = (),
            tests: Sequence[Expectation] = (),
            cflags: Sequence[str] = ("-O3",),
            ldflags: Sequence[str] = (),
            seconds: float = 20.0,
        ) -> Prepared:
            folder = tmp_path_factory.mktemp("a prepared program")
            paths = tuple(folder / f"{next(numbers)}.c" for _ in sources)
            for path, text in zip(paths, sources, strict=True):
                path.write_text(text)
            workload = Workload(Invocation(tuple(args)), tuple(Invocation(tuple(variant)) for variant in variants))
            spec = Spec(Program(paths, tuple(cflags), tuple(ldflags)), workload, tuple(tests), budget=Budget(seconds))
            work: Path = folder / "work"
            work.mkdir()
            return stack.enter_context(prepared(spec, work, pool, lambda _: None))

        yield run
