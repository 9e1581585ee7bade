"""The mutation score: strong tests catch what weak ones do not, hanging and crashing mutants are caught."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmcoop.ir.mutants import Mutant, Operator
from llmcoop.ir.worker import Worker
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.testing import mutants
from llmcoop.testing.mutants import MutantBuild, MutantPool, MutationScore
from llmcoop.testing.servers import Answer
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation, Program

# `positive` is only reached with a third argument.
FIRST = """
#include <stdio.h>
#include <stdlib.h>
int largest(const int *values, int count);
int positive(int value);
int main(int argc, char **argv) {
  if (argc < 3) return 2;
  int values[8], count = 0;
  for (int i = 1; i < argc && count < 8; i++) values[count++] = atoi(argv[i]);
  printf("%d\\n", largest(values, count));
  if (argc > 3) printf("%d\\n", positive(values[2]));
  return 0;
}
"""
SECOND = """
int largest(const int *values, int count) {
  int best = values[0];
  for (int i = 1; i < count; i++)
    if (values[i] > best) best = values[i];
  return best;
}
int positive(int value) {
  if (value > 0) return 1;
  return 0;
}
"""
WEAK = ("1 2",)
STRONG = ("", "7", "1 2", "2 1", "-5 -3 1", "3 9 0", "9 3 -1", "1 2 3 4 5 6 7 8", "8 7 6 5 4 3 2 1 9 10", "0 0 1")


def invocations(*lines: str) -> list[Invocation]:
    return [Invocation(tuple(line.split())) for line in lines]


@pytest.fixture(scope="module")
def worker(sandbox: Sandbox) -> Iterator[Worker]:
    with Worker(sandbox) as started:
        yield started


@pytest.fixture(scope="module")
def build(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> MutantBuild:
    folder: Path = tmp_path_factory.mktemp("mutants")
    sources = (folder / "first.c", folder / "second.c")
    for path, text in zip(sources, (FIRST, SECOND), strict=True):
        path.write_text(text)
    return mutants.build(Toolchain.find(), worker, Program(sources), folder)


@pytest.fixture(scope="module")
def scores(sandbox: Sandbox, worker: Worker, build: MutantBuild) -> tuple[MutationScore, MutationScore]:
    equivalence = mutants.trivially_equivalent(worker, build)
    weak, strong = (
        mutants.measure(sandbox, build, invocations(*lines), equivalence, limits=Limits()) for lines in (WEAK, STRONG)
    )
    return weak, strong


def test_strong_tests_catch_what_weak_ones_do_not(scores: tuple[MutationScore, MutationScore]) -> None:
    weak, strong = scores
    assert weak.caught < strong.caught
    assert weak.score < 0.8
    assert 0.9 < strong.score <= 1
    assert len(strong.caught) + len(strong.survived) + len(strong.equivalent) == len(strong.mutants)


def test_all_sources_have_mutants(scores: tuple[MutationScore, MutationScore]) -> None:
    assert {mutant.function for mutant in scores[0].mutants} == {"main", "largest", "positive"}


def test_what_is_not_executed_is_unreached(scores: tuple[MutationScore, MutationScore]) -> None:
    weak, strong = scores
    unreached = [mutant for mutant in weak.mutants if mutant.number not in weak.reached]
    assert {mutant.function for mutant in unreached} >= {"positive"}
    assert weak.unreached == len({each.number for each in unreached} - weak.equivalent) > strong.unreached == 0
    assert any(each.startswith("positive: ") for each in weak.missed)


def test_hanging_and_crashing_mutants_are_caught(scores: tuple[MutationScore, MutationScore]) -> None:
    strong = scores[1]
    counts = {mutant.number for mutant in strong.mutants if mutant.description == "+ becomes -"}
    assert len(counts & strong.caught) >= 3  # the loops then never end, or read what is not there


def test_an_unexpected_answer_of_the_build_itself_catches_nothing(sandbox: Sandbox, build: MutantBuild) -> None:
    other = Answer(0, None, False, b"another digest", 3, 0, 0)
    with MutantPool(sandbox, build, limits=Limits()) as pool:
        assert pool.catch(Invocation(("1", "2")), other) == frozenset()
        assert pool.remaining == len(build.mutated.mutants)


def test_a_mutant_is_caught_once(sandbox: Sandbox, build: MutantBuild) -> None:
    with MutantPool(sandbox, build, limits=Limits()) as pool:
        caught = [pool.catch(invocation) for invocation in invocations(*STRONG, *STRONG)]
        assert all(first.isdisjoint(second) for first, second in itertools.combinations(caught, 2))
        assert not any(caught[len(STRONG) :])
        assert pool.remaining == len(build.mutated.mutants) - sum(map(len, caught))


def test_what_is_shown_to_be_equivalent_does_not_count(sandbox: Sandbox, build: MutantBuild) -> None:
    with MutantPool(sandbox, build, limits=Limits()) as pool:
        pool.leave_out(lambda left: {mutant.number for mutant in left if mutant.function != "positive"})
        pool.catch(Invocation(("1", "2", "3")))
        score = pool.score
    assert {mutant.function for mutant in score.survived} == {"positive"}
    assert 0 < len(score.caught) < len(score.mutants) - len(score.equivalent)


def test_score_of_no_mutants_is_one() -> None:
    nothing: frozenset[int] = frozenset()
    assert MutationScore((), nothing, nothing, nothing).score == 1
    mutant = Mutant(1, Operator.OFF_BY_ONE, "f", 3, "< becomes <=")
    assert MutationScore((mutant,), nothing, frozenset({1}), nothing).score == 1
    score = MutationScore((mutant,), nothing, nothing, nothing)
    assert (score.score, score.survived, score.unreached, score.missed) == (0, (mutant,), 1, ("f: 1 of 1",))


def test_what_there_was_no_time_to_run_is_not_missed(sandbox: Sandbox, build: MutantBuild) -> None:
    invocation = Invocation(("1", "2", "3"))
    with MutantPool(sandbox, build, limits=Limits()) as pool:
        pool.catch(invocation, deadline=0, latest=0)
        assert pool.score.untried == pool.score.reached > pool.score.caught == frozenset()
        assert not pool.score.untried & {mutant.number for mutant in pool.score.survived}
        pool.catch(invocation, deadline=0)
        assert not pool.score.untried
        caught = pool.score.caught
        pool.catch(Invocation(("3", "1", "2")), deadline=0)  # all that it reaches ran before
        assert pool.score.caught == caught > frozenset()
