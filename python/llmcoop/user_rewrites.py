"""Candidates that somebody wrote: build, test and time each, and try to break those that are faster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from llmcoop import clang
from llmcoop.authored import Authored
from llmcoop.history import History
from llmcoop.report import Check, CheckStatus
from llmcoop.spec import Spec
from llmcoop.values import Candidate, Evaluation, Level, Outcome, Program
from llmcoop.verdict import decide

_ATTACKS_SHARE = 0.3  # of the budget, for all attacks together


class UserRewrites:
    """The rewrites that a user names, each a candidate at source level."""

    def __init__(
        self,
        spec: Spec,
        candidates: Sequence[Candidate],
        authored: Authored,
        history: History,
        *,
        announce: Callable[[str], None],
    ) -> None:
        self._spec, self._candidates, self._history = spec, candidates, history
        self._authored = authored
        self._attack_s = _ATTACKS_SHARE * spec.budget.seconds / max(1, len(candidates))
        self._announce = announce
        self._evaluations: list[Evaluation] = []

    def evaluate(self) -> None:
        """Evaluate every rewrite that an earlier part of the run has not."""
        self._evaluations = [self._known_or_evaluated(rewrite) for rewrite in self._candidates]

    def checks(self) -> Iterator[Check]:
        """What came of each rewrite, for the report."""
        for each in self._evaluations:
            accepted = each.outcome is Outcome.ACCEPTED
            status = CheckStatus.PASSED if accepted else CheckStatus.WARNING
            yield Check(each.candidate.origin, status, f"{each.outcome}: {self._reason(each)}")

    def _reason(self, evaluation: Evaluation) -> str:
        if evaluation.outcome is Outcome.NOT_FASTER and evaluation.measurement:
            measured = evaluation.measurement
            return f"{measured.speedup:.3f}x [{measured.low:.3f}, {measured.high:.3f}]"
        if evaluation.message or evaluation.evidence is None:
            return evaluation.message
        return decide(evaluation.evidence, self._spec.accept).reason

    def _known_or_evaluated(self, rewrite: Candidate) -> Evaluation:
        known = self._history.find(rewrite)
        if known is not None:
            return known
        started = time.monotonic()
        self._announce(f"{rewrite.origin}: building, testing and timing it")
        evaluation = self._authored.evaluate(rewrite, self._attack_s)
        self._announce(f"{rewrite.origin}: {evaluation.outcome}: {self._reason(evaluation)}")
        self._history.record(evaluation, time.monotonic() - started)
        return evaluation


def as_candidate(program: Program, rewrite: Path) -> Candidate:
    """The candidate in which the text of the file `rewrite` replaces the source of that name, or the only one.

    Raises UsageError when it fits none.
    """
    text = rewrite.read_text(errors="surrogateescape")
    name = clang.replaced_source(program, rewrite.name)
    return Candidate(Level.SOURCE, f"rewrite {rewrite.name}", text=text, source=name, authored=True)
