"""Verifying: what is sound passes, and what was tampered with, is wrong or can't be shown does not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kept import HEAD, HINTED, RIGHT, TWICE, WRONG

from llmcoop.ir.worker import Worker
from llmcoop.rewrites import Rewrite, save
from llmcoop.rewrites.verifying import State, Verified, verify
from llmcoop.sandbox import Sandbox

SECONDS = 2.0
PRINTING = (
    f"{HEAD}declare void @print(i32)\n\ndefine i32 @twice(i32 %0) {{\n  call void @print(i32 %0)\n  ret i32 0\n}}\n"
)


@pytest.fixture(scope="module")
def worker(sandbox: Sandbox) -> Iterator[Worker]:
    with Worker(sandbox) as one:
        yield one


def found(rewrite: Rewrite, folder: Path, worker: Worker) -> Verified:
    return verify(save(rewrite, folder), worker, SECONDS)


@pytest.mark.parametrize("rewrite", [RIGHT, HINTED, replace(RIGHT, after=TWICE)], ids=["version", "settings", "same"])
def test_what_is_right_is_sound(rewrite: Rewrite, tmp_path: Path, worker: Worker) -> None:
    verified = found(rewrite, tmp_path, worker)
    assert (verified.state, verified.rewrite) == (State.SOUND, rewrite)
    assert verified.reason.startswith("by-construction" if rewrite is HINTED else "proved: ")


@pytest.mark.parametrize(
    ("rewrite", "state", "reason"),
    [
        (replace(RIGHT, after=WRONG), State.REFUTED, "refuted by"),
        (replace(RIGHT, after=TWICE.replace("@twice", "@thrice")), State.BROKEN, "defines thrice"),
        (replace(RIGHT, before=TWICE.replace("@twice", "@thrice")), State.BROKEN, "defines thrice"),
        (replace(RIGHT, after=TWICE.replace("i32 %2\n", "i32 %3\n")), State.BROKEN, "use of undefined value"),
        (replace(RIGHT, before=TWICE.replace(") {", ") nounwind {")), State.BROKEN, "loses the attribute 'nounwind'"),
        (replace(RIGHT, after=PRINTING), State.BROKEN, "refers to something new: @print"),
        (replace(RIGHT, before=PRINTING, after=PRINTING.replace("i32 0", "i32 1")), State.UNSHOWN, "not tested"),
        (replace(RIGHT, llvm=21), State.UNSHOWN, "for LLVM 21"),
        (replace(HINTED, hints=(("polish", "2"),)), State.BROKEN, "polish"),
        (replace(HINTED, clones=("x86-64-v9",)), State.BROKEN, "x86-64-v9"),
        (replace(HINTED, hints=(("unroll.count@3", "2"),)), State.BROKEN, "loop"),
    ],
)
def test_what_is_not_is_told(rewrite: Rewrite, state: State, reason: str, tmp_path: Path, worker: Worker) -> None:
    verified = found(rewrite, tmp_path, worker)
    assert (verified.state, reason in verified.reason) == (state, True), verified.reason
    assert verified.passes(trust_recorded=False) is False
    assert verified.passes(trust_recorded=True) is (state is State.UNSHOWN)


def test_a_file_that_was_changed_is_broken(tmp_path: Path, worker: Worker) -> None:
    path = save(RIGHT, tmp_path)
    path.write_text(path.read_text().replace("shl i32 %0, 1", "shl i32 %0, 2"))
    verified = verify(path, worker, SECONDS)
    assert (verified.state, verified.rewrite) == (State.BROKEN, None)
    assert verified.reason == "its digest does not fit what it holds"
