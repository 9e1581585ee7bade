"""Two versions of a function side by side: right ones agree, wrong ones do not, and what can't be seen is said so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from llmcoop.ir.comparison import Agreement, Comparison
from llmcoop.ir.worker import Worker

PAIRS = sorted(Path(__file__).with_name("pairs").glob("*.c"))
VERSIONS = [
    (path, kind, number) for path in PAIRS for kind, number in re.findall(r"(RIGHT|WRONG) == (\d)", path.read_text())
]
LONG_S = 6.0  # ends as soon as a difference is found
SHORT_S = 0.2


def compare(worker: Worker, old: str, new: str, seconds: float = SHORT_S) -> Comparison:
    return worker.compare(old, new, "f", seconds, seed=1)


@pytest.mark.parametrize(("path", "kind", "number"), VERSIONS, ids=lambda value: getattr(value, "stem", value))
def test_right_versions_agree_and_wrong_ones_differ(
    worker: Worker, compiled: Callable[..., str], path: Path, kind: str, number: str
) -> None:
    old = compiled(path, "-DVERSION=0")
    new = compiled(path, "-DVERSION=1", f"-D{kind}={number}")
    found = compare(worker, old, new, SHORT_S if kind == "RIGHT" else LONG_S)
    assert found.answer is (Agreement.AGREED if kind == "RIGHT" else Agreement.DIFFERENT), found
    assert bool(found.counterexample) == (kind == "WRONG")


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_a_function_agrees_with_itself(worker: Worker, compiled: Callable[..., str], path: Path) -> None:
    old = compiled(path, "-DVERSION=0", "-O3")
    found = compare(worker, old, old)
    assert found.answer is Agreement.AGREED, found
    assert found.in_contract >= 5
    assert found.blocks_run > 0
