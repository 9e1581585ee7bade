"""The testing agent, with real programs: wrong rewrites are found out, right ones are not accused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmcoop.errors import ProgramError
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.testing import corpus
from llmcoop.testing.agent import TestingAgent
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation, Program, Workload

# The sum and the largest of the numbers on stdin.
ORIGINAL = """
#include <stdio.h>
int main(void) {
  long Value, Sum = 0, Largest = 0; int Count = 0;
  while (Count < 200 && scanf("%ld", &Value) == 1) {
    if (Value < -1000000000 || Value > 1000000000) return puts("out of range"), 2;
    Sum += Value; Largest = Count == 0 || Value > Largest ? Value : Largest; Count++;
  }
  return printf("%d %ld %ld\\n", Count, Sum, Largest) < 0;
}
"""
UNROLLED = """
#include <stdio.h>
static long Values[200 + PAD];
int main(void) {
  long Value, Sum = 0, Largest = 0; int Count = 0;
  while (Count < 200 && scanf("%ld", &Value) == 1) {
    if (Value < -1000000000 || Value > 1000000000) return puts("out of range"), 2;
    Values[Count++] = Value;
  }
  for (int I = 0; I < Count; I += 4) Sum += Values[I] + Values[I + 1] + Values[I + 2] + Values[I + 3];
  if (Count > 0) Largest = Values[0];
  for (int I = 1; I < Count; I++) if (Values[I] > Largest) Largest = Values[I];
  return printf("%d %ld %ld\\n", Count, Sum, Largest) < 0;
}
"""
RIGHT = UNROLLED.replace("PAD", "4")
REWRITES = {
    "a narrow sum": ORIGINAL.replace("long Value, Sum = 0, Largest = 0;", "long Value, Largest = 0; int Sum = 0;")
    .replace("Sum += Value", "Sum = (int)((unsigned)Sum + (unsigned)Value)")
    .replace("%ld %ld", "%d %ld"),
    "a maximum that starts at 0": ORIGINAL.replace("Count == 0 || ", ""),
    "one number fewer": ORIGINAL.replace("Count < 200", "Count < 199"),
}
UNSET = RIGHT.replace("static long Values[200 + 4];", "").replace("long Value,", "long Values[204], Value,")
SUM_IN_THREADS = """
#include <pthread.h>
#include <stdio.h>
static long Sum, Values[200]; static int Count;
static pthread_mutex_t Lock = PTHREAD_MUTEX_INITIALIZER;
static void *add(void *Start) {
  for (int I = Start != 0; I < Count; I += 2) { LOCK; Sum += Values[I]; UNLOCK; }
  return 0;
}
int main(void) {
  pthread_t Thread;
  while (Count < 200 && scanf("%ld", &Values[Count]) == 1 && Values[Count] % 1000000 == Values[Count]) Count++;
  pthread_create(&Thread, 0, add, &Count);
  add(0);
  pthread_join(Thread, 0);
  printf("%ld\\n", Sum);
}
"""
# Code for each level of processors; FAULT: what the one for x86-64-v2 counts too much.
FOR_PROCESSORS = """
__attribute__((target_clones("default", "arch=x86-64-v3"))) static long sum(const long *Values, int Count) {
  long Sum = 0;
  for (int I = 0; I < Count; I++) Sum += Values[I];
  return Sum;
}
""" + RIGHT.replace(
    "for (int I = 0; I < Count; I += 4) Sum += Values[I] + Values[I + 1] + Values[I + 2] + Values[I + 3];",
    'int Old = !__builtin_cpu_supports("x86-64-v3"); Sum = sum(Values, Count) + (Old && Count > 2 ? FAULT : 0);',
)
Made = Callable[..., Program]
SECONDS = 40.0


@pytest.fixture
def program(tmp_path: Path) -> Made:
    def write(text: str, ldflags: tuple[str, ...] = ()) -> Program:
        source = tmp_path / f"{abs(hash(text))}.c"
        source.write_text(text)
        return Program((source,), ("-O3",), ldflags)

    return write


def agent(sandbox: Sandbox, program: Program, folder: Path, workload: Invocation) -> TestingAgent:
    return TestingAgent(Toolchain.find(), sandbox, program, Workload(workload), (), folder, limits=Limits(), seed=1)


def silent(_: str) -> None:
    """Announce nothing."""


def test_wrong_rewrites_are_refuted_and_right_ones_are_not(sandbox: Sandbox, program: Made, tmp_path: Path) -> None:
    tester = agent(sandbox, program(ORIGINAL), tmp_path / "kept", Invocation((), b"3 5 8\n13 21\n"))
    for name, text in REWRITES.items():
        attack = tester.attack(program(text), SECONDS, silent)
        assert attack.counterexample is not None, name
        assert attack.counterexample.case.stdout != attack.counterexample.stdout, name
    attack = tester.attack(program(RIGHT), 2.5, silent)
    assert attack.counterexample is None
    assert {"address", "memory"} <= set(attack.sanitizers)
    assert attack.pairs > 20


def test_who_repeats_a_mistake_is_refuted_without_a_search(sandbox: Sandbox, program: Made, tmp_path: Path) -> None:
    tester = agent(sandbox, program(ORIGINAL), tmp_path / "kept", Invocation((), b"3 5 8\n13 21\n"))
    wrong = REWRITES["a maximum that starts at 0"]
    first = tester.attack(program(wrong), SECONDS, silent)
    again = tester.attack(program(wrong.replace("Largest", "Greatest")), SECONDS, silent)
    assert first.counterexample is not None
    assert again.counterexample is not None
    assert again.counterexample.case == first.counterexample.case
    assert (first.pairs > 0, again.pairs) == (True, 0)
    assert tester.attack(program(RIGHT), 2.5, silent).counterexample is None


def test_undefined_behaviour_of_the_rewrite_alone_refutes_it(sandbox: Sandbox, program: Made, tmp_path: Path) -> None:
    tester = agent(sandbox, program(ORIGINAL), tmp_path / "kept", Invocation((), b"3 5 8\n13 21\n"))
    attack = tester.attack(program(UNSET), SECONDS, silent)
    assert attack.counterexample is not None


def test_a_race_refutes_and_a_lock_does_not(sandbox: Sandbox, program: Made, tmp_path: Path) -> None:
    locked = SUM_IN_THREADS.replace("UNLOCK", "pthread_mutex_unlock(&Lock)").replace(
        "LOCK;", "pthread_mutex_lock(&Lock);"
    )
    racing = SUM_IN_THREADS.replace("UNLOCK;", "").replace("LOCK;", "")
    threads = ("-pthread",)
    tester = agent(sandbox, program(locked, threads), tmp_path / "kept", Invocation((), b"1 2 3 4 5 6 7 8\n"))
    attack = tester.attack(program(racing, threads), SECONDS, silent)
    assert attack.counterexample is not None
    attack = tester.attack(program(locked.replace("%ld\\n", "%li\\n"), threads), 2.5, silent)
    assert attack.counterexample is None
    assert "thread" in attack.sanitizers


def test_what_only_lesser_processors_run_is_tried_too(sandbox: Sandbox, program: Made, tmp_path: Path) -> None:
    tester = agent(sandbox, program(ORIGINAL), tmp_path / "kept", Invocation((), b"3 5 8\n13 21\n"))
    attack = tester.attack(program(FOR_PROCESSORS.replace("FAULT", "1")), SECONDS, silent)
    assert attack.counterexample is not None
    assert attack.counterexample.processor
    assert attack.counterexample.case.stdout != attack.counterexample.stdout
    assert tester.attack(program(FOR_PROCESSORS.replace("FAULT", "0")), 2.5, silent).counterexample is None


def test_tests_grow_are_kept_and_are_where_a_later_agent_starts(
    sandbox: Sandbox, program: Made, tmp_path: Path
) -> None:
    sample = Invocation((), b"3 5 8\n13 21\n")
    tester = agent(sandbox, program(ORIGINAL), tmp_path / "kept", sample)
    first = tester.grow(4.0, silent)
    assert len(first.cases) > 3
    assert {2, 0} == {case.exit_code for case in first.cases}
    assert {case.origin for case in first.cases} == {"fuzz"}
    assert {case.hidden for case in first.cases} == {True, False}
    assert set(corpus.load(tmp_path / "kept")) == {case.invocation for case in first.cases}
    again = tester.grow(2.0, silent)
    assert again.features >= first.features * 0.9
    later = agent(sandbox, program(ORIGINAL), tmp_path / "kept", sample).grow(2.5, silent)
    assert later.features >= first.features * 0.9


def test_a_sample_that_takes_too_long_is_a_parent_only(sandbox: Sandbox, program: Made, tmp_path: Path) -> None:
    text = """
    #include <stdio.h>
    #include <stdlib.h>
    int main(int Count, char **Arguments) {
      unsigned Limit = Count > 1 ? (unsigned)atoi(Arguments[1]) : 0, Hash = SEED;
      for (unsigned I = 0; I < Limit; I++) for (volatile unsigned K = 0; K < 30000; K++) Hash = Hash * 31 + I;
      return printf("%u\\n", Hash) < 0;
    }
    """
    tester = agent(sandbox, program(text.replace("SEED", "7")), tmp_path / "kept", Invocation(("30000",)))
    attack = tester.attack(program(text.replace("SEED", "Limit > 3 ? 8 : 7")), SECONDS, silent)
    assert attack.counterexample is not None
    assert int(attack.counterexample.case.invocation.args[0]) < 30000


def test_a_program_that_does_not_build_is_an_error(sandbox: Sandbox, program: Made, tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="does not compile"):
        agent(sandbox, program("int main(void) { return x; }"), tmp_path / "a", Invocation()).grow(5.0, silent)
    tester = agent(sandbox, program(ORIGINAL), tmp_path / "b", Invocation((), b"1 2\n"))
    with pytest.raises(ProgramError, match="does not compile"):
        tester.attack(program("int main(void) { return x; }"), 5.0, silent)
