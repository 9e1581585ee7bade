"""Coverage counts what inputs execute, decide and show."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcoop.errors import ProgramError, ToolchainError
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.testing import coverage
from llmcoop.testing.coverage import Coverage
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation, Program, Share

SOURCE = """
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void leave(int code) {
  puts("leaves");
  exit(code);
}
int main(int argc, char **argv) {
  if (argc == 2) _exit(0);
  int a = argc > 1 ? atoi(argv[1]) : 0, b = argc > 2 ? atoi(argv[2]) : 0;
  if (a > 0 && b > 0)
    leave(a);
  return 0;
}
"""


@pytest.fixture(scope="module")
def tools() -> tuple[Toolchain, Sandbox]:
    try:
        return Toolchain.find(), Sandbox.find()
    except ToolchainError as error:
        pytest.skip(f"NO TOOLCHAIN OR SANDBOX ON THIS MACHINE: {error}")


def measured(tools: tuple[Toolchain, Sandbox], folder: Path, *runs: str, source: str = SOURCE) -> Coverage:
    path = folder / "program.c"
    path.write_text(source)
    invocations = [Invocation(tuple(run.split())) for run in runs]
    return coverage.measure(*tools, Program((path,)), invocations, folder, limits=Limits(), seconds=20)


def test_runs_add_up(tools: tuple[Toolchain, Sandbox], tmp_path: Path) -> None:
    found = measured(tools, tmp_path, "1 1", "1 0", "0 1")
    assert found.lines == Share(11, 11)
    assert found.conditions == Share(2, 2)
    assert found.branches.covered == found.branches.total - 3  # argc is never 1 or 2


def test_a_condition_must_be_shown_to_decide_alone(tools: tuple[Toolchain, Sandbox], tmp_path: Path) -> None:
    found = measured(tools, tmp_path, "1 1", "0 0")
    assert found.lines.ratio == 1
    assert found.conditions == Share(1, 2)


def test_what_is_not_executed_is_not_covered(tools: tuple[Toolchain, Sandbox], tmp_path: Path) -> None:
    found = measured(tools, tmp_path, "0 0")
    assert found.lines.covered < found.lines.total
    assert found.conditions.covered == 0


def test_without_counters_there_is_no_coverage(tools: tuple[Toolchain, Sandbox], tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="leaves no counters"):
        measured(tools, tmp_path, "1")


def test_a_program_that_does_not_build(tools: tuple[Toolchain, Sandbox], tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="does not build"):
        measured(tools, tmp_path, "1", source="int main(void) { return missing(); }")
