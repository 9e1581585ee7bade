"""Try changes to hot functions one by one, and keep each that makes the whole benchmark faster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from llmcoop import measure
from llmcoop.measure import Misrun, Plan
from llmcoop.process import Completed
from llmcoop.project.benchmark import Stopped
from llmcoop.project.change import Selection, Step, without
from llmcoop.project.contest import Contest
from llmcoop.project.hot import HotFunction
from llmcoop.project.result import Trial
from llmcoop.project.tree import ending
from llmcoop.statistics import Verdict
from llmcoop.values import Measurement, Outcome

THRESHOLD = 0.01  # what is faster by less than this is not faster
_UNDECIDED = "not decided: it may be, in more time or on a quieter machine"
_LOSS = 0.005  # a function whose change is worth less than this goes back to what it was
_LEAST_SECONDS, _USUAL_PAIRS, _MOST_PAIRS = 4.0, 10, 40  # of a trial


class Search:
    """A greedy search: what is faster than the best so far becomes the best."""

    def __init__(self, contest: Contest, deadline: float, announce: Callable[[str], None]) -> None:
        """`deadline` is of the monotonic clock. The contest's second copy is built without any rewrite."""
        self.best: Selection = {}
        self.speedup = 1.0  # of the best, as tried
        self.trials: list[Trial] = []
        self.gains: dict[HotFunction, Measurement] = {}  # of the trial that brought the function's change
        self.stopped = False
        self._contest, self._deadline, self._announce = contest, deadline, announce
        self._build_s = contest.costs.build_s  # of the last build
        self._seen = {contest.digest()}
        self._tried: list[Selection] = [{}]

    def explore(self, steps: Iterable[Step]) -> None:
        """Try steps until they, the time or the user's patience end."""
        try:
            for step in steps:
                if not self._affordable():
                    return
                selection = step.applied(self.best)
                if selection not in self._tried:
                    self._tried.append(selection)
                    self._try(step, selection)
        except Stopped:
            self.stopped = True

    def prune(self) -> None:
        """Leave those functions as they were, those with the smallest shares first, that gain nothing."""
        for function in sorted(self.best, key=lambda function: function.share):
            if len(self.best) < 2 or not self._affordable() or self.stopped:
                return
            self._drop(function)

    def _try(self, step: Step, selection: Selection) -> None:
        trial = self._trial(step.name, selection, self.speedup * (1 + THRESHOLD) - 1)
        measured = trial.measurement
        if trial.outcome is Outcome.ACCEPTED and measured:
            self.best, self.speedup = selection, measured.speedup
            self.gains |= dict.fromkeys(step.functions, measured)
        self._note(trial)

    def _drop(self, function: HotFunction) -> None:
        step = without(function)
        selection = step.applied(self.best)
        try:
            trial = self._trial(step.name, selection, self.speedup * (1 - _LOSS) - 1, two_sided=True)
        except Stopped:
            self.stopped = True
            return
        measured = trial.measurement
        dropped = measured is not None and measured.speedup >= self.speedup * (1 - _LOSS)
        if dropped and measured:
            self.best, self.speedup = selection, max(measured.speedup, 1.0)
        self._note(replace(trial, kept=dropped))

    def _trial(self, name: str, selection: Selection, threshold: float, *, two_sided: bool = False) -> Trial:
        """Build, compare the code with what was seen, test what a model wrote, and time it."""
        built = self._contest.build(selection)
        self._build_s = built.seconds
        if built.returncode != 0:
            return Trial(name, Outcome.DOES_NOT_COMPILE, None, ending(built))
        digest = self._contest.digest()
        if digest in self._seen:
            return Trial(name, Outcome.SAME_CODE, None, _said(built))
        self._seen.add(digest)
        if any(change.written for change in selection.values()):
            tested = self._contest.test()
            if tested.returncode != 0:
                return Trial(name, Outcome.REFUTED, None, f"the project's tests: {ending(tested)}")
        measured = self._contest.compare(self._plan(threshold, two_sided))
        if isinstance(measured, Misrun):
            return Trial(name, Outcome.REFUTED, None, measured.status)
        if measure.verdict(measured, threshold) is Verdict.FASTER:
            return Trial(name, Outcome.ACCEPTED, measured, kept=True)
        undecided = measured.high > 1 + threshold
        return Trial(name, Outcome.NOT_FASTER, measured, _UNDECIDED if undecided else "")

    def _plan(self, threshold: float, two_sided: bool) -> Plan:
        left_s = self._deadline - time.monotonic()
        seconds = min(left_s, max(_LEAST_SECONDS, 2 * _USUAL_PAIRS * self._contest.benchmark.seconds))
        return Plan(
            min_pairs=measure.LEAST_PAIRS,
            max_pairs=_MOST_PAIRS,
            max_seconds=max(0.0, seconds),
            threshold=threshold,
            two_sided=two_sided,
        )

    def _affordable(self) -> bool:
        """Whether there is time for another trial."""
        needed_s = self._build_s + 2 * (measure.LEAST_PAIRS + 1) * self._contest.benchmark.seconds
        return time.monotonic() + needed_s < self._deadline

    def _note(self, trial: Trial) -> None:
        self.trials.append(trial)
        figures = f" {trial.measurement.speedup:.3f}x" if trial.measurement else ""
        self._announce(f"{trial.change}: {trial.outcome}{figures}")


def _said(built: Completed) -> str:
    """What our compilers said about rewrites, such as that they were refused."""
    lines = (built.stdout + built.stderr).decode(errors="replace").splitlines()
    return "; ".join(line.strip() for line in lines if "llmcoop" in line and ".rewrite" in line)[:500]
