"""The original program as the judge: what it answers counts only where its answer can be trusted."""

from __future__ import annotations

import pytest
from preparing import Prepare

from llmcoop.errors import ProgramError
from llmcoop.values import Expectation, Invocation

# What it does is up to its first argument.
SOURCE = """
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  volatile int large = 2147483647;
  if (!strcmp(what, "address")) printf("%p\\n", (void *)&large);
  if (!strcmp(what, "overflow")) large = large + argc;
  if (!strcmp(what, "leak")) large = *(volatile int *)malloc(4) > 0;
  if (!strcmp(what, "crash")) abort();
  if (!strcmp(what, "fail")) return 7;
  if (!strcmp(what, "sleep")) sleep(3600);
#ifdef __OPTIMIZE__
  if (!strcmp(what, "level")) puts("optimized");
#else
  if (!strcmp(what, "slow at -O0")) sleep(3600);
#endif
  printf("did %s\\n", what);
  return 0;
}
"""


def case(*args: str, stdout: bytes | None = None, exit_code: int | None = None) -> Expectation:
    return Expectation(Invocation(args), stdout, exit_code)


def test_answers_come_from_the_original(prepare: Prepare) -> None:
    tests = [case("one"), case("fail"), case("two", stdout=b"did two\n", exit_code=0)]
    reference = prepare(SOURCE, args=["now"], variants=[["then"]], tests=tests).reference
    assert (reference.workload.stdout, reference.workload.exit_code) == (b"did now\n", 0)
    answers = [(each.stdout, each.exit_code, each.origin, each.hidden) for each in reference.cases]
    assert answers == [
        (b"did then\n", 0, "variant", True),
        (b"did one\n", 0, "user", False),
        (b"", 7, "user", False),
        (b"did two\n", 0, "user", False),
    ]
    assert reference.discarded == ()
    assert reference.warnings == ()


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("address", "-O0 gives"),
        ("level", "-O0 gives"),
        ("crash", "SIGABRT"),
        ("overflow", "signed integer overflow"),
    ],
)
def test_input_that_proves_nothing_is_left_out(prepare: Prepare, what: str, reason: str) -> None:
    reference = prepare(SOURCE, args=["now"], variants=[[what]], tests=[case("one")]).reference
    assert [each.invocation.args for each in reference.cases] == [("one",)]
    (discarded,) = reference.discarded
    assert (discarded.invocation.args, discarded.origin) == ((what,), "variant")
    assert reason in discarded.reason


def test_inputs_that_take_too_long_together_are_left_out(prepare: Prepare) -> None:
    variants = [["sleep"]] * 6
    reference = prepare(SOURCE, args=["now"], variants=variants, tests=[case("one")], seconds=3).reference
    assert reference.cases == ()
    assert "together take too long" in reference.discarded[-1].reason


def test_leak_is_no_reason_to_distrust_an_answer(prepare: Prepare) -> None:
    assert len(prepare(SOURCE, args=["now"], tests=[case("leak")]).reference.cases) == 1


def test_unclean_workload_is_a_warning(prepare: Prepare) -> None:
    (warning,) = prepare(SOURCE, args=["overflow"]).reference.warnings
    assert "signed integer overflow" in warning


def test_workload_that_is_too_slow_at_O0_is_judged_by_the_baseline(prepare: Prepare) -> None:  # noqa: N802
    reference = prepare(SOURCE, args=["slow at -O0"], seconds=5).reference
    assert reference.workload.stdout == b"did slow at -O0\n"
    assert any("-O0 build takes too long" in warning for warning in reference.warnings)


@pytest.mark.parametrize(
    ("args", "tests", "message"),
    [
        (["crash"], [], "SIGABRT"),
        (["fail"], [], "exit 7"),
        (["sleep"], [], "takes longer"),
        (["address"], [], "not deterministic"),
        (["level"], [], "depends on the optimization level"),
        (["now"], [case("one"), case("two", stdout=b"something else\n")], "number 2: it prints 'did two"),
        (["now"], [case("fail", exit_code=0)], "number 1: it ends with exit 7"),
    ],
    ids=["crash", "exit code", "time", "address", "level", "stdout of a test", "exit code of a test"],
)
def test_program_that_can_not_be_judged_is_refused(
    prepare: Prepare, args: list[str], tests: list[Expectation], message: str
) -> None:
    with pytest.raises(ProgramError, match=message):
        prepare(SOURCE, args=args, tests=tests, seconds=5)
