"""The conversation with the plugin inside opt: it proposes, the run judges, and neither can hold up the other."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from preparing import Prepare

import llmcoop
from llmcoop.history import IDENTITY
from llmcoop.ir import Module
from llmcoop.prepare import Prepared
from llmcoop.proposers.functions import FunctionProposal, FunctionVerdict, Judge, search_functions

SOURCE = """
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) unsigned total(const int *x, int n) {
  unsigned sum = 0;
  for (int i = 0; i < n; i++)
    if (x[i] % 3)
      sum += (unsigned)(x[i] * x[i]);
  return sum;
}
int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 20000, *x = malloc((unsigned)n * sizeof *x);
  for (int i = 0; i < n; i++)
    x[i] = i;
  printf("%u\\n", total(x, n));
  free(x);
  return 0;
}
"""
REFUSED = FunctionVerdict(False, None, "not faster")


@pytest.fixture(scope="module")
def program(prepare: Prepare) -> Prepared:
    return prepare(SOURCE)


def search(program: Prepared, folder: Path, judge: Judge, budget_s: float = 20.0) -> None:
    (module,) = program.lowering.optimized(IDENTITY)
    plugin = llmcoop.plugin_path()
    search_functions(program.toolchain, plugin, module, ["total"], judge=judge, budget_s=budget_s, folder=folder)


def test_proposals_are_the_function_that_was_asked_for(program: Prepared, tmp_path: Path) -> None:
    seen: list[FunctionProposal] = []

    def judge(proposal: FunctionProposal) -> FunctionVerdict:
        seen.append(proposal)
        return REFUSED

    search(program, tmp_path, judge)
    assert seen
    for proposal in seen:
        defined = [function.name for function in Module.parse(proposal.ir).functions if function.defined]
        assert (proposal.function, defined) == ("total", ["total"])


def test_a_judge_that_says_stop_is_not_asked_again(program: Prepared, tmp_path: Path) -> None:
    seen: list[FunctionProposal] = []

    def judge(proposal: FunctionProposal) -> FunctionVerdict:
        seen.append(proposal)
        return FunctionVerdict(False, None, "the budget is spent", stop=True)

    search(program, tmp_path, judge)
    assert len(seen) == 1


def test_nothing_is_judged_after_the_time_is_up(program: Prepared, tmp_path: Path) -> None:
    seen: list[FunctionProposal] = []

    def judge(proposal: FunctionProposal) -> FunctionVerdict:
        seen.append(proposal)
        time.sleep(1.0)
        return REFUSED

    search(program, tmp_path, judge, budget_s=0.5)
    assert len(seen) <= 1


def test_folder_may_have_a_long_name_with_commas(program: Prepared, tmp_path: Path) -> None:
    folder = tmp_path / "long; and, so on>" / ("x" * 120)
    folder.mkdir(parents=True)
    seen: list[FunctionProposal] = []

    def judge(proposal: FunctionProposal) -> FunctionVerdict:
        seen.append(proposal)
        return FunctionVerdict(False, None, "enough", stop=True)

    search(program, folder, judge)
    assert len(seen) == 1


def test_an_error_of_the_judge_ends_opt_too(program: Prepared, tmp_path: Path) -> None:
    def judge(_: FunctionProposal) -> FunctionVerdict:
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        search(program, tmp_path, judge, budget_s=300.0)
    assert time.monotonic() - started < 60
