"""Workloads that somebody writes besides the user's own: which of them can be timed as well."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from llmcoop import reference
from llmcoop.runner import Runner
from llmcoop.values import Invocation, TestCase, Workload

_BASELINE = 0
_SHORTEST, _LONGEST = 0.05, 3.0  # what one may take, in times of the user's workload
_UNOPTIMIZED = 10.0  # times of the user's workload: the -O0 build takes longer


def timeable(
    runner: Runner, workload: Workload, written: Sequence[Invocation], *, limit_s: float, deadline: float
) -> Iterator[TestCase]:
    """Those that end like the user's workload, always print the same, and take about as long; as hidden variants.

    `runner` has the baseline first and the -O0 build second; `limit_s` is how long the user's workload may take.
    After `deadline` (time.monotonic) no more are run.
    """
    usual_s = runner.run(_BASELINE, workload.timed, timeout_s=limit_s).wall_ns / 1e9
    for invocation in dict.fromkeys(written):
        if time.monotonic() > deadline:
            return
        if invocation in (workload.timed, *workload.variants):
            continue
        once = runner.run(_BASELINE, invocation, timeout_s=_LONGEST * usual_s)
        if once.exit_code != workload.exit_code or once.wall_ns < _SHORTEST * usual_s * 1e9:
            continue
        case = reference.answer(runner, invocation, "variant", limit_s=_UNOPTIMIZED * usual_s)
        if isinstance(case, TestCase) and once.passes(case):
            yield case
