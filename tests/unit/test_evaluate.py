"""The gate: wrong candidates are refused with a counterexample, the identity passes, slower ones are not accepted."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from preparing import Prepare

from llmcoop.evaluate import Evaluator
from llmcoop.history import IDENTITY
from llmcoop.ir import Module
from llmcoop.measure import ScreenPlan
from llmcoop.prepare import Prepared
from llmcoop.runner import Runner, RunnerDied
from llmcoop.values import Candidate, EvidenceKind, Expectation, Invocation, Level, Outcome, Recipe

# The work of each side is a constant that shows in the IR and not in the output.
SOURCE = """
#include <stdio.h>
#include <stdlib.h>
static volatile unsigned spin;
__attribute__((noinline)) unsigned left(unsigned n) {
  for (spin = 0; spin < n * 10000019u;) spin++;
  return n + 1111;
}
__attribute__((noinline)) unsigned right(unsigned n) {
  for (spin = 0; spin < n * 10000079u;) spin++;
  return n + 2222;
}
int main(int argc, char **argv) {
  unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
  printf("%u\\n", argc > 1 && argv[1][0] == 'r' ? right(n) : left(n));
  return (int)n;
}
"""
TESTS = [Expectation(Invocation(("left", "0"))), Expectation(Invocation(("right", "0")), b"2222\n", 0)]


@pytest.fixture(scope="module")
def program(prepare: Prepare) -> Prepared:
    return prepare(SOURCE, args=["left", "0"], variants=[["right", "1"]], tests=TESTS)


@pytest.fixture(scope="module")
def timed(prepare: Prepare) -> Prepared:
    """The workload goes left, its hidden variant goes right; both take some milliseconds."""
    source = SOURCE.replace("return (int)n", "return 0")
    return prepare(source, args=["left", "1"], variants=[["right", "1"]])


def evaluator(program: Prepared) -> Evaluator:
    return Evaluator(program.lowering, program.reference, program.baseline, program.open_runner, 10.0)


def rewritten(program: Prepared, function: str, old: str, new: str, parent: Candidate = IDENTITY) -> Candidate:
    """The program's own IR of a function with a change in its text, as a model or the plugin would propose it."""
    program.lowering.remember(parent)
    (module,) = program.lowering.optimized(parent)
    text = Module.parse(module).extract([function]).text
    assert old in text
    return Candidate(Level.IR, f"{new} in {function}", text=text.replace(old, new), parent=parent.key)


def faster_left(program: Prepared) -> Candidate:
    return rewritten(program, "left", "10000019", "2000003")


def test_own_text_passes(program: Prepared) -> None:
    checked = evaluator(program).check_one(rewritten(program, "left", "1111", "1111"))
    assert checked.evaluation is None
    assert checked.lowered is not None


def test_wrong_constant_is_refuted_with_the_counterexample(program: Prepared) -> None:
    evaluation = evaluator(program).check_one(rewritten(program, "right", ", 2222", ", 2223")).evaluation
    assert evaluation is not None
    assert evaluation.outcome is Outcome.REFUTED
    assert evaluation.evidence is not None
    assert evaluation.evidence.kind is EvidenceKind.REFUTED
    failure = evaluation.evidence.counterexample
    assert failure is not None
    assert (failure.case.invocation.args, failure.stdout, failure.status) == (("right", "0"), b"2223\n", "exit 0")


def test_candidate_that_is_wrong_on_the_workload_only_is_refuted_by_timing_it(timed: Prepared) -> None:
    judge = evaluator(timed)
    checked = judge.check_one(rewritten(timed, "left", ", 1111", ", 1112"))
    assert checked.lowered is not None
    (screened,) = judge.screen([checked.lowered], ScreenPlan())
    assert screened.misrun is not None
    refuted = judge.refuted(checked.candidate, checked.lowered, screened.misrun)
    assert refuted.outcome is Outcome.REFUTED
    assert refuted.evidence is not None
    assert refuted.evidence.counterexample is not None
    assert refuted.evidence.counterexample.stdout == b"1113\n"


@pytest.mark.parametrize(
    ("candidate", "message"),
    [
        (Candidate(Level.IR, "", Recipe(pipeline="no-such-pass")), "no-such-pass"),
        (Candidate(Level.IR, "", text="no IR", parent=IDENTITY.key), "expected"),
    ],
)
def test_candidate_that_does_not_compile_is_data(program: Prepared, candidate: Candidate, message: str) -> None:
    program.lowering.remember(IDENTITY)
    evaluation = evaluator(program).check_one(candidate).evaluation
    assert evaluation is not None
    assert evaluation.outcome is Outcome.DOES_NOT_COMPILE
    assert message in evaluation.message


def test_faster_candidate_is_accepted(timed: Prepared) -> None:
    both = rewritten(timed, "right", "10000079", "2000003", parent=faster_left(timed))
    judge = evaluator(timed)
    confirmed = judge.confirm(both, judge.lower(both), seconds=5)
    assert confirmed.evaluation.outcome is Outcome.ACCEPTED
    assert confirmed.evaluation.evidence is not None
    assert confirmed.evaluation.evidence.cases_hidden == 1
    assert len(confirmed.variants) == 1


def test_candidate_that_is_slower_on_a_hidden_variant_is_not_accepted(timed: Prepared) -> None:
    greedy = rewritten(timed, "right", "10000079", "30000001", parent=faster_left(timed))
    judge = evaluator(timed)
    confirmed = judge.confirm(greedy, judge.lower(greedy), seconds=5)
    assert confirmed.evaluation.outcome is Outcome.NOT_FASTER
    assert "hidden variant 1" in confirmed.evaluation.message


def test_candidate_that_is_wrong_on_a_hidden_variant_is_refuted(timed: Prepared) -> None:
    wrong = rewritten(timed, "right", ", 2222", ", 2223", parent=faster_left(timed))
    judge = evaluator(timed)
    assert judge.check_one(wrong).evaluation is None  # nobody has told it
    assert judge.confirm(wrong, judge.lower(wrong), seconds=5).evaluation.outcome is Outcome.REFUTED


def test_identity_is_not_accepted(timed: Prepared) -> None:
    judge = evaluator(timed)
    confirmed = judge.confirm(IDENTITY, timed.identity, seconds=2)
    assert confirmed.evaluation.outcome is Outcome.NOT_FASTER


class _Dying(Runner):
    """A runner that is killed before its first run, as by an out-of-memory killer."""

    def __enter__(self) -> _Dying:
        super().__enter__()
        assert self._child is not None
        self._child._process.send_signal(signal.SIGKILL)
        return self


def test_a_runner_that_dies_once_is_replaced(program: Prepared) -> None:
    runners = iter([_Dying, Runner])

    def open_runner(executables: Sequence[Path]) -> Runner:
        return next(runners)(program.sandbox, executables, limits=program.limits)

    judge = Evaluator(program.lowering, program.reference, program.baseline, open_runner, 10.0)
    assert judge.test(program.identity, program.reference.cases) is None
    assert next(runners, None) is None  # both were opened


def test_runners_that_die_again_and_again_are_the_machines_fault(program: Prepared) -> None:
    def open_runner(executables: Sequence[Path]) -> Runner:
        return _Dying(program.sandbox, executables, limits=program.limits)

    judge = Evaluator(program.lowering, program.reference, program.baseline, open_runner, 10.0)
    with pytest.raises(RunnerDied):
        judge.test(program.identity, program.reference.cases)
