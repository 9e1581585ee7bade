"""Proposers for the tests of the plugin."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from llmcoop.ir.worker import Worker
from llmcoop.judge import Function, Proposal


def files(function: Function, worker: Worker) -> Iterator[Proposal]:
    """Whatever lies in the folder $REPLACEMENTS/<function>, in order."""
    for path in sorted((Path(os.environ["REPLACEMENTS"]) / function.name).glob("*.ll")):
        yield Proposal(path.stem, path.read_text())


def instcombine(function: Function, worker: Worker) -> Iterator[Proposal]:
    """The function after one pass: what the gate is given in earnest; claimed to be cheap."""
    passed = worker.run_passes(function.ir, "function(instcombine<no-verify-fixpoint>)")
    yield Proposal("instcombine", passed.ir, 0.0)


def identity(function: Function, worker: Worker) -> Iterator[Proposal]:
    """The function itself, which the gate must let pass; claimed to be cheap, so that it is put in."""
    yield Proposal("identity", function.ir, 0.0)


def fails(function: Function, worker: Worker) -> Iterator[Proposal]:
    """Not a proposer that works."""
    raise ValueError(f"no idea for {function.name}\nnone at all")


def prints(function: Function, worker: Worker) -> Iterator[Proposal]:
    """Talks where the compiler writes its output."""
    print("PRINTED BY A PROPOSER")
    yield from ()
