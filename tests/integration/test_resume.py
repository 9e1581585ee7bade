"""Runs that are killed or interrupted at any moment: nothing lost, nothing doubled, nothing left behind."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command import Bench, processes

from llmcoop import report
from llmcoop.report import Run, RunOutcome
from llmcoop.run import STORE
from llmcoop.store import Store
from llmcoop.values import Evaluation

BUDGET_S = 10
LATEST_KILL_S = 8.0
CANDIDATES = 24
# Hot enough for hints and function search, with a test, and a few hundredths of a second long.
SOURCE = """
#include <stdio.h>
#include <stdlib.h>
static unsigned mix(const unsigned char *data, unsigned n) {
  unsigned sum = 1;
  for (unsigned i = 0; i < n; i++)
    sum = sum * 31 + (data[i] ^ (sum >> 3));
  return sum;
}
static unsigned long squares(const int *x, int n) {
  unsigned long sum = 0;
  for (int i = 0; i < n; i++)
    sum += (unsigned long)x[i] * (unsigned long)x[i];
  return sum;
}
int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 1000, *x = malloc(n * sizeof *x);
  unsigned long sum = 0;
  for (int i = 0; i < n; i++)
    x[i] = i % 1009;
  for (int round = 0; round < 20; round++)
    sum += squares(x, n) + mix((unsigned char *)x, (unsigned)n);
  printf("%lu\\n", sum);
  free(x);
  return 0;
}
"""
SPEC = """
[program]
sources = ["prog.c"]
[workload]
args = ["600000"]
[[workload.variant]]
args = ["500001"]
[[test]]
args = ["17"]
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.write("prog.c", SOURCE)
    bench.write("llmcoop.toml", SPEC)
    return bench


def options(bench: Bench, *more: str) -> list[str]:
    return ["--out", str(bench.folder / "out"), "--budget", f"seconds={BUDGET_S},candidates={CANDIDATES}", *more]


def evaluations(bench: Bench) -> list[Evaluation]:
    """What the store says about the one run that it knows."""
    path = bench.folder / "out" / STORE
    if not path.exists():
        return []
    with Store.open(path) as store:
        runs = store.runs()
        assert len(runs) <= 1, "a resumed run must not begin a second one"
        return store.evaluations(runs[0].id) if runs else []


def kill(run: subprocess.Popen[str]) -> str:
    """Kill the session of the command, as a batch system or an out-of-memory killer would; gives what it printed."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    return run.communicate()[0]


def nobody_is_left(bench: Bench) -> bool:
    """Whether all processes of the run have ended; the kernel may take a moment."""
    return within(10, lambda: not list(processes(bench.folder)))


def within(seconds: float, condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def resumed(bench: Bench) -> Run:
    """Resume to the end; what it leaves must be complete."""
    done = bench.run(*options(bench, "--resume"))
    assert done.returncode == 0, done.stderr
    result = report.read(bench.folder / "out")
    assert all((result.out / name).is_file() for name in result.files)
    keys = [each.candidate.key for each in evaluations(bench)]
    assert len(keys) == len(set(keys)) == sum(count.candidates for count in result.candidates)
    assert len(keys) <= CANDIDATES
    return result


def moments(count: int) -> Iterator[float]:
    """Random seconds, one from each of `count` equal parts of a run; the seed is part of the test's name."""
    chance = random.Random(count)
    for part in range(count):
        yield LATEST_KILL_S * (part + chance.random()) / count


@pytest.mark.parametrize("after_s", [*moments(6)], ids=lambda after_s: f"{after_s:.2f}")
def test_killed_run_is_resumed_without_loss(bench: Bench, after_s: float) -> None:
    run = bench.start(*options(bench))
    with contextlib.suppress(subprocess.TimeoutExpired):
        run.wait(after_s)
    kill(run)
    assert nobody_is_left(bench)
    before = evaluations(bench)
    if (bench.folder / "out" / report.FILE_NAME).exists():
        return  # it was faster than the killer
    resumed(bench)
    assert evaluations(bench)[: len(before)] == before


def test_run_that_is_killed_again_and_again_gets_no_new_budget(bench: Bench) -> None:
    for _ in range(2):
        known = len(evaluations(bench))
        run = bench.start(*options(bench, "--resume"))
        assert within(60, lambda known=known: len(evaluations(bench)) > known)
        kill(run)
        assert nobody_is_left(bench)
    with Store.open(bench.folder / "out" / STORE) as store:
        spent_s = store.spent_s(store.runs()[0].id)
    assert spent_s > 0
    assert resumed(bench).elapsed_s > spent_s


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_search_confirms_the_best_so_far(bench: Bench, number: signal.Signals) -> None:
    run = bench.start(*options(bench))
    assert within(60, lambda: evaluations(bench))
    run.send_signal(number)
    printed = run.communicate()[0]
    result = report.read(bench.folder / "out")
    assert "Ctrl-C again leaves at once" in printed
    assert run.returncode == (130 if result.outcome is RunOutcome.INTERRUPTED else 0), printed
    assert nobody_is_left(bench)
    resumed(bench)


def test_second_interrupt_leaves_at_once_and_resume_goes_on(bench: Bench) -> None:
    run = bench.start(*options(bench))
    assert within(60, lambda: evaluations(bench))
    before = evaluations(bench)
    run.send_signal(signal.SIGINT)
    time.sleep(0.3)
    run.send_signal(signal.SIGINT)
    printed = run.communicate(timeout=10)[0]
    assert run.returncode == 130
    assert "--resume goes on" in printed
    assert "Traceback" not in printed
    assert nobody_is_left(bench)
    resumed(bench)
    assert evaluations(bench)[: len(before)] == before


def test_interrupt_during_preparation_leaves_at_once(bench: Bench) -> None:
    run = bench.start(*options(bench))
    assert within(60, (bench.folder / "out" / "work").exists)
    run.send_signal(signal.SIGINT)
    printed = run.communicate(timeout=10)[0]
    assert (run.returncode, "Traceback" in printed) == (130, False), printed
    assert nobody_is_left(bench)
    assert resumed(bench).outcome in (RunOutcome.IMPROVED, RunOutcome.NOTHING_FASTER)


def test_second_run_in_the_same_folder_is_refused_and_does_no_harm(bench: Bench) -> None:
    first = bench.start(*options(bench))
    assert within(60, (bench.folder / "out" / "work").exists)
    second = subprocess.run(
        bench.argv(*options(bench)),
        cwd=bench.folder,
        env=bench.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 2
    assert "another run is going on" in second.stderr
    printed = first.communicate()[0]
    assert first.returncode == 0, printed
    assert report.read(bench.folder / "out").outcome in (RunOutcome.IMPROVED, RunOutcome.NOTHING_FASTER)


def test_changed_program_is_another_run(bench: Bench) -> None:
    run = bench.start(*options(bench))
    assert within(60, lambda: evaluations(bench))
    kill(run)
    bench.write("prog.c", SOURCE.replace("20;", "21;"))
    done = bench.run(*options(bench, "--resume"))
    assert done.returncode == 0, done.stderr
    with contextlib.closing(sqlite3.connect(bench.folder / "out" / STORE)) as store:
        assert store.execute("SELECT COUNT(*) FROM runs").fetchone() == (2,)
