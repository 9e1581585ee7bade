"""Measurement over scripted programs, plain functions that return the times of a run, and over real ones."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from llmcoop import process
from llmcoop.errors import ProgramError
from llmcoop.measure import (
    LEAST_PAIRS,
    Misrun,
    Plan,
    Sample,
    ScreenPlan,
    Timing,
    checked_sample,
    compare,
    confirm,
    screen,
    verdict,
)
from llmcoop.runner import Runner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.statistics import Verdict
from llmcoop.values import Invocation, Measurement, TestCase

MS = 1_000_000
CRASH = Misrun("signal SIGSEGV", b"half of the out")


def program(mean_ms: float, seed: int, *, noise: float = 0.004, waiting_ms: float = 0.2) -> Sample:
    """A program whose CPU time varies by `noise`, and whose wall time is longer by what it waits."""
    generator = random.Random(seed)

    def sample() -> Timing:
        cpu_ns = mean_ms * MS * generator.gauss(1, noise)
        return Timing(wall_ns=round(cpu_ns + waiting_ms * MS), cpu_ns=round(cpu_ns))

    return sample


def failing(after: int, sample: Sample) -> Sample:
    """A program that runs well `after` times, and then crashes."""
    runs = 0

    def failing_sample() -> Timing | Misrun:
        nonlocal runs
        runs += 1
        return CRASH if runs > after else sample()

    return failing_sample


def measured(baseline: Sample, candidate: Sample, plan: Plan | None = None) -> Measurement:
    result = compare(baseline, candidate, plan)
    assert isinstance(result, Measurement)
    return result


def test_a_program_against_itself_is_no_difference() -> None:
    found = [verdict(measured(program(50, seed), program(50, 1000 + seed))) for seed in range(100)]
    assert found.count(Verdict.FASTER) + found.count(Verdict.SLOWER) == 0
    assert found.count(Verdict.NO_DIFFERENCE) >= 80


def test_two_percent_is_found() -> None:
    found = [verdict(measured(program(51, seed), program(50, 1000 + seed))) for seed in range(100)]
    assert found.count(Verdict.FASTER) >= 90


def test_a_slower_candidate_is_not_faster() -> None:
    assert verdict(measured(program(50, 1), program(55, 2))) is Verdict.SLOWER


def test_a_clear_difference_takes_few_pairs() -> None:
    assert measured(program(50, 1), program(25, 2)).samples == Plan().min_pairs


def test_pairs_end_at_the_limit_when_noise_hides_the_answer() -> None:
    plan = Plan(max_pairs=30)
    result = measured(program(50, 1, noise=0.3), program(50, 2, noise=0.3), plan)
    assert result.samples == 30
    assert verdict(result) is Verdict.UNDECIDED


def test_a_slow_program_gets_the_least_number_of_pairs() -> None:
    assert measured(program(50, 1), program(50, 2), Plan(max_seconds=0)).samples == LEAST_PAIRS
    assert Plan(max_seconds=6).schedule(seconds_per_pair=100) == (LEAST_PAIRS,)


def test_a_two_sided_question_also_needs_the_lower_side() -> None:
    one_sided = measured(program(50, 1, noise=0.03), program(51, 2, noise=0.03), Plan(max_pairs=2000))
    both = measured(program(50, 1, noise=0.03), program(51, 2, noise=0.03), Plan(max_pairs=2000, two_sided=True))
    assert one_sided.high < 1.01
    assert both.samples > one_sided.samples


def test_width_can_be_asked_for() -> None:
    plan = Plan(max_width=0.01)
    result = measured(program(50, 1, noise=0.01), program(25, 2, noise=0.01), plan)
    assert result.samples > plan.min_pairs
    assert (result.high - result.low) / result.speedup <= 0.01


def test_both_run_equally_often_and_in_both_orders() -> None:
    calls: list[str] = []

    def logged(name: str) -> Sample:
        sample = program(50, len(name))
        return lambda: calls.append(name) or sample()

    compare(logged("baseline"), logged("candidate"), Plan(warmups=0, max_width=0))
    assert calls.count("baseline") == calls.count("candidate") == 400
    blocks = {"".join(name[0] for name in calls[i : i + 4]) for i in range(0, len(calls), 4)}
    assert blocks == {"bccb", "cbbc"}


def test_a_wrong_run_surfaces_and_is_never_averaged() -> None:
    for good_runs in (0, 1, 5, 10):
        assert compare(program(50, 1), failing(good_runs, program(25, 2))) is CRASH


def test_a_baseline_that_fails_is_the_programs_fault() -> None:
    with pytest.raises(ProgramError, match="SIGSEGV"):
        compare(failing(5, program(50, 1)), program(50, 2))


def test_waiting_for_the_core_does_not_count_but_waiting_for_anything_else_does() -> None:
    assert Timing(wall_ns=99, cpu_ns=50, queued_ns=49).own_ns == 50
    assert Timing(wall_ns=99, cpu_ns=50, queued_ns=9).own_ns == 90


def test_work_of_threads_and_children_counts() -> None:
    assert Timing(wall_ns=99, cpu_ns=98, queued_ns=60).own_ns == 98


def test_work_left_to_somebody_else_is_no_gain() -> None:
    offloading = program(5, 2, waiting_ms=45)
    assert verdict(measured(program(50, 1), offloading)) is not Verdict.FASTER


def test_a_winner_is_confirmed_on_fresh_samples_only() -> None:
    opened: list[int] = []

    @contextmanager
    def open_samples() -> Iterator[tuple[Sample, Sample]]:
        opened.append(1)
        yield program(50, 7), program(40, 8)
        opened.append(-1)

    result = confirm(open_samples)
    assert isinstance(result, Measurement)
    assert opened == [1, -1]
    assert result.low <= 1.25 <= result.high


def test_screening_ranks_the_fastest_first_and_drops_the_slow() -> None:
    candidates = [program(ms, seed) for seed, ms in enumerate((50, 45, 60, 30, 49.9))]
    screened = screen(program(50, 99), candidates)
    assert [one.candidate for one in screened if one.survived] == [3]
    assert [one.candidate for one in screened][:2] == [3, 1]
    assert screened[0].speedup == pytest.approx(5 / 3, rel=0.02)


def test_screening_is_cheap() -> None:
    runs = 0

    def counted(sample: Sample) -> Sample:
        def counted_sample() -> Timing | Misrun:
            nonlocal runs
            runs += 1
            return sample()

        return counted_sample

    screen(program(50, 99), [counted(program(50 - index, index)) for index in range(20)])
    assert runs <= 20 * ScreenPlan().min_rounds + 10


def test_screening_reports_who_ran_wrong_and_goes_on() -> None:
    candidates = [failing(1, program(10, 1)), program(40, 2), failing(0, program(10, 3))]
    screened = screen(program(50, 99), candidates)
    assert screened[0].candidate == 1 and screened[0].survived
    wrong = {one.candidate: one for one in screened[1:]}
    assert wrong[0].misrun is CRASH and wrong[2].misrun is CRASH
    assert not wrong[0].survived and not wrong[2].survived


def test_screening_nobody_is_nothing() -> None:
    assert screen(program(50, 1), []) == []


REAL = r"""
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static void work(void) {
  unsigned long hash = 1;
  for (long i = 0; i < 4000000; i++)
    hash = (hash ^ (unsigned long)i) * 1099511628211u;
  volatile unsigned long sink = hash;
  (void)sink;
}

int main(void) {
#ifdef OFFLOAD
  volatile int *done = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  signal(SIGCHLD, SIG_IGN); // the kernel then forgets what a child used
  if (fork() == 0) {
    work();
    *done = 1;
    AFTERWARDS;
    _exit(0);
  }
  while (!*done)
    OFFLOAD;
  for (int i = 0; i < 20; i++)
    sched_yield();
#else
  work();
#endif
  puts(ANSWER);
  fflush(stdout);
  _exit(0);
}
"""
CANDIDATES = {
    "identical": ['-DANSWER="right"'],
    "wrong": ['-DANSWER="wrong"'],
    "sleeps while an orphan works": ['-DANSWER="right"', "-DOFFLOAD=usleep(100)", "-DAFTERWARDS=pause()"],
    "yields while an orphan works": ['-DANSWER="right"', "-DOFFLOAD=sched_yield()", "-DAFTERWARDS=pause()"],
    "yields while a child works": ['-DANSWER="right"', "-DOFFLOAD=sched_yield()", "-DAFTERWARDS=0"],
}


@pytest.fixture(scope="module")
def real(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Sample]]:
    """Real executables in the real sandbox; the first is the baseline too."""
    folder = tmp_path_factory.mktemp("real")
    source = folder / "work.c"
    source.write_text(REAL)
    executables = [folder / f"candidate-{number}" for number in range(len(CANDIDATES))]
    for executable, flags in zip(executables, CANDIDATES.values(), strict=True):
        compiled = process.run(["clang-22", "-O2", "-w", *flags, source, "-o", executable], timeout_s=60)
        assert compiled.returncode == 0, compiled.stderr.decode()
    case = TestCase(Invocation(), b"right\n", 0, "workload")
    with Runner(sandbox, executables, limits=Limits(), cpu=max(os.sched_getaffinity(0))) as runner:
        yield {name: checked_sample(runner, number, case) for number, name in enumerate(CANDIDATES)}


def test_a_real_wrong_answer_is_a_misrun(real: dict[str, Sample]) -> None:
    assert compare(real["identical"], real["wrong"]) == Misrun("exit 0", b"wrong\n")


@pytest.mark.parametrize("name", [name for name in CANDIDATES if name != "wrong"])
def test_a_real_program_without_a_gain_is_not_faster(real: dict[str, Sample], name: str) -> None:
    assert verdict(measured(real["identical"], real[name], Plan(max_seconds=2))) is not Verdict.FASTER
