"""Servers that fail, refuse, vanish and charge, and what whole runs make of it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from command import processes
from project import STOP, Project, asking, edit

from llmcoop.report import ModelUse, RunOutcome
from llmcoop.values import Outcome
from server import Body, Exchange, event, fails, hangs, replies, resets_after, serving, tokens

BROKEN = edit("  return count;", "  return count")
# Wider vectors and an instruction for it make `bits` several times as fast: search finds that without a model.
BITS = """
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) static unsigned long bits(const unsigned long *numbers, unsigned count) {
  unsigned long sum = 0;
  for (unsigned i = 0; i < count; i++)
    for (unsigned long rest = numbers[i]; rest; rest &= rest - 1)
      sum++;
  return sum;
}
int main(int argc, char **argv) {
  unsigned count = argc > 1 ? 12u * (unsigned)atoi(argv[1]) % 100000 : 10;
  unsigned long *numbers = malloc((count + 1) * sizeof *numbers), seed = count, sum = 0;
  for (int round = 0; round < 20; round++) {
    for (unsigned i = 0; i < count; i++)
      numbers[i] = seed = seed % 1000003 * 6364136223846793005ul + i;
    sum += bits(numbers, count);
  }
  printf("%lu\\n", sum);
  free(numbers);
  return 0;
}
"""


def used(project: Project) -> ModelUse:
    model = project.result.model
    assert model is not None
    return model


def within(seconds: float, condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


# Faults


def test_a_server_that_fails_now_and_then_and_is_lost_in_the_end_costs_no_result(tmp_path: Path) -> None:
    project = Project.create(
        tmp_path, levels='"source", "ir"', model='timeout = 1.0\nretries = 3\nguide = "fixed"', source=BITS
    )
    broken = replies(edit("  free(numbers);", "  free(numbers)"), usage=tokens(900, 100))
    faults = (fails(429, retry_after="1"), fails(500), hangs(), resets_after(event({"content": "Ind"})))
    with serving(*faults, broken, fails(503, "gone for good")) as server:
        lost = project.run(server.url, "seconds=60,candidates=20")
        assert lost.returncode == 5, lost.stderr
        assert project.result.outcome is RunOutcome.IMPROVED
        assert (used(project).lost, "HTTP 503: gone for good" in used(project).ended) == (True, True)
        assert "asked no more: no reply of m" in lost.stdout
        spent, known = used(project), project.evaluations
        assert Outcome.DOES_NOT_COMPILE in [each.outcome for each in known]

        server.behaviours, asked = [replies(STOP, usage=tokens(900, 5))], len(server.requests)
        resumed = project.run(server.url, "seconds=60,candidates=21", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert project.result.outcome is RunOutcome.IMPROVED
    assert project.evaluations[: len(known)] == known
    assert not used(project).lost
    added = len(server.requests) - asked
    assert (used(project).calls, used(project).tokens) == (spent.calls + added, spent.tokens + 905 * added)


@pytest.mark.parametrize(
    ("status", "said", "advice"),
    [
        (401, "Incorrect API key provided", "set OPENAI_API_KEY to a key of this server"),
        (404, "The model `m` does not exist", "check the name given with --model"),
    ],
)
def test_what_can_never_work_is_said_at_the_first_call(tmp_path: Path, status: int, said: str, advice: str) -> None:
    project = Project.create(tmp_path)
    with serving(fails(status, said)) as server:
        done = project.run(server.url, "seconds=60")
    assert (done.returncode, len(server.requests)) == (2, 1)
    assert f"HTTP {status}: {said}" in done.stderr
    assert advice in done.stderr


def test_a_server_that_is_not_there_leaves_a_run_by_search_that_says_so(tmp_path: Path) -> None:
    project = Project.create(tmp_path, model="retries = 0")
    with serving(replies()) as server:
        url = server.url
    done = project.run(url, "seconds=60")
    assert done.returncode == 5
    assert project.result.outcome is RunOutcome.NOTHING_FASTER
    assert f"no reply of m from {url}, tried once: [Errno 111] Connection refused" in project.result.reason
    assert (used(project).lost, used(project).calls) == (True, 0)


def test_ctrl_c_does_not_wait_for_a_model_that_thinks(tmp_path: Path) -> None:
    def thinks(exchange: Exchange) -> None:
        exchange.over.wait(100)
        exchange.handler.close_connection = True

    project = Project.create(tmp_path)
    with serving(thinks) as server:
        run = project.bench.start(*project.options("seconds=60"), env=asking(server.url))
        assert within(60, lambda: server.requests)
        run.send_signal(signal.SIGINT)
        printed = run.communicate(timeout=60)[0]  # less than the model thinks
    assert (run.returncode, "Traceback" in printed) == (130, False), printed
    assert "the time was up before m replied" in printed


def test_a_killed_run_pays_for_nothing_twice(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    with serving(replies(BROKEN, usage=tokens(900, 100)), hangs()) as server:
        run = project.bench.start(*project.options("seconds=60"), env=asking(server.url))
        assert within(60, lambda: len(server.requests) == 2)
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        assert within(10, lambda: not list(processes(tmp_path)))

        server.behaviours = [replies(STOP, usage=tokens(900, 5))]
        resumed = project.run(server.url, "seconds=60,calls=3", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    texts = [json.dumps(body["messages"]) for body in server.bodies]
    assert texts.count(texts[0]) == 1
    assert used(project).calls == len(server.requests) == 3, "what hung when the run was killed counts"
    assert [each.outcome for each in project.evaluations] == [Outcome.DOES_NOT_COMPILE]


# Budgets


class Till:
    """A server that writes as much as it may, and charges for all of it."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        self.calls = self.tokens = self.at_once = self.most_at_once = 0
        self.usd = 0.0

    def behaviour(self, exchange: Exchange) -> None:
        with self.lock:
            number = next(self.numbers)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(0.2)
        usage = self._charge(exchange.body)
        broken = edit("  return count;", f"  return count + unknown_{number};")
        replies(broken, usage=usage)(exchange)

    def _charge(self, body: Body) -> Body:
        prompt, completion = len(json.dumps(body["messages"])), body["max_tokens"]
        with self.lock:
            self.at_once -= 1
            self.calls += 1
            self.tokens += prompt + completion
            self.usd += (10 * prompt + 50 * completion) / 1e6
        return tokens(prompt, completion)


@pytest.mark.parametrize(
    ("limit", "left"),
    [
        ("usd=0.50", lambda till: 0.50 - till.usd),
        ("calls=3", lambda till: 3 - till.calls),
        ("tokens=40000", lambda till: 40000 - till.tokens),
    ],
)
def test_a_budget_holds_with_four_calls_at_a_time(tmp_path: Path, limit: str, left: Callable[[Till], float]) -> None:
    prices = '[[price]]\nmodels = ["m"]\nprompt = 10.0\ncompletion = 50.0\n'
    model = 'samples = 4\nrounds = 9\nmax_tokens = 1500\nguide = "fixed"\nprices = "prices.toml"'
    project = Project.create(tmp_path, levels='"source", "ir"', model=model)
    project.bench.write("prices.toml", prices)
    till = Till()
    with serving(till.behaviour) as server:
        done = project.run(server.url, f"seconds=60,candidates=15,{limit}")
    assert done.returncode == 0, done.stderr
    assert left(till) >= 0
    assert till.most_at_once > 1
    assert (used(project).calls, used(project).tokens) == (till.calls, till.tokens)
    assert used(project).usd == pytest.approx(till.usd)
    assert "the budget for the model is spent" in used(project).ended
    assert not used(project).lost
    searched = [each for each in project.evaluations if not each.candidate.authored]
    assert searched, "the run goes on with search"
