"""Validate with what is there: alive-tv if it is installed, and the validator of our own."""

from __future__ import annotations

import time

from llmcoop.ir.errors import CompilerFailed, CompilerTimedOut
from llmcoop.ir.refining import Answer, Refined
from llmcoop.ir.worker import Worker
from llmcoop.sandbox import Sandbox
from llmcoop.validation.alive import AliveTv
from llmcoop.validation.values import CounterexampleArgument, CounterexampleArguments, Validation

TOOL = "llmcoop"
UNROLL = 8  # iterations of each loop that alive-tv looks at
_DECIDED = (Answer.CORRECT, Answer.INCORRECT, Answer.BOUNDED)


def validate(
    old_ir: str,
    new_ir: str,
    function: str,
    *,
    seconds: float,
    worker: Worker | None = None,
    unroll: int = UNROLL,
) -> Validation:
    """Whether `function` of `new_ir` does only what that of `old_ir` allows, for all arguments.

    `seconds` is what each of the two validators may take. Without a `worker`, one is started in a sandbox.
    alive-tv is asked first; our own validator, where it is not installed or has no answer.

    Raises IRError if one of the modules is not valid or does not define the function, ToolchainError without a
    sandbox on this machine.
    """
    if worker is None:
        with Worker(Sandbox.find()) as started:
            return validate(old_ir, new_ir, function, seconds=seconds, worker=started, unroll=unroll)
    started = time.monotonic()
    alive = AliveTv.find()
    if alive is None:
        return _own(_refined(worker, old_ir, new_ir, function, seconds), time.monotonic() - started)
    looked = worker.refine(old_ir, new_ir, function, seconds=0)
    if looked.answer is Answer.CORRECT:
        return _own(looked, time.monotonic() - started)
    bound = unroll if looked.cyclic else None
    theirs = alive.validate(old_ir, new_ir, function, sandbox=worker.sandbox, seconds=seconds, unroll=bound)
    if theirs.answer in _DECIDED or looked.answer is Answer.UNSUPPORTED:
        return theirs
    return _own(_refined(worker, old_ir, new_ir, function, seconds), time.monotonic() - started)


def _refined(worker: Worker, old_ir: str, new_ir: str, function: str, seconds: float) -> Refined:
    try:
        return worker.refine(old_ir, new_ir, function, seconds)
    except CompilerFailed as error:
        timed_out = isinstance(error, CompilerTimedOut)
        reason = (
            f"no answer within {seconds:g} s" if timed_out else f"the solver failed: {error.detail or error.message}"
        )
        return Refined(Answer.UNPROVED, reason)


def _own(refined: Refined, seconds: float) -> Validation:
    counterexample = None
    if refined.answer is Answer.INCORRECT:
        named = zip(refined.names, refined.arguments, strict=True)
        counterexample = CounterexampleArguments(
            tuple(CounterexampleArgument(name, each.text, each.values if each.defined else ()) for name, each in named)
        )
    return Validation(refined.answer, TOOL, refined.detail, seconds, counterexample=counterexample)
