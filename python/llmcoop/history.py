"""What a run knows of the candidates that it has evaluated; all of it can be built again from the store."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from llmcoop.proposers import Trial
from llmcoop.values import Candidate, Evaluation, Level, Measurement, Outcome

IDENTITY = Candidate(Level.IR, "identity: the program through our own lowering")

_UNCHANGED = Trial(IDENTITY, Outcome.SAME_CODE, 0.0)
_ESTIMATE_ERROR = 0.01  # of one estimate, as a standard deviation of its logarithm
_COMPLEXITY = 0.001  # what each setting of a recipe must gain, as a logarithm: of equals the simpler one leads


class History:
    """Evaluations in their order, and the best estimate of each candidate's speedup."""

    def __init__(self, identity_sha256: str, keep: Callable[[Evaluation, float], None] = lambda *_: None) -> None:
        """`keep` makes an evaluation, and the seconds that it took, durable."""
        self._keep = keep
        self.evaluations: list[Evaluation] = []
        self._by_code: dict[str, Candidate] = {identity_sha256: IDENTITY}
        self._log_speedups: dict[str, list[float]] = {IDENTITY.key: [0.0]}

    def add(self, evaluation: Evaluation) -> None:
        """Learn from one evaluation."""
        self.evaluations.append(evaluation)
        if evaluation.executable_sha256:
            self._by_code.setdefault(evaluation.executable_sha256, evaluation.candidate)
        if evaluation.measurement is not None:
            self.refine(evaluation.candidate, evaluation.measurement.speedup)

    def record(self, evaluation: Evaluation, seconds: float) -> None:
        """Keep an evaluation that took so many seconds, and learn from it."""
        self._keep(evaluation, seconds)
        self.add(evaluation)

    def same_code(self, candidate: Candidate, sha256: str) -> Evaluation | None:
        """The evaluation of a candidate whose executable is known already; None if it is not."""
        twin = self.twin(sha256)
        if twin is None:
            return None
        message = f"the same executable as of '{twin.origin}'"
        return Evaluation(candidate, Outcome.SAME_CODE, message=message, executable_sha256=sha256)

    def refine(self, candidate: Candidate, speedup: float) -> None:
        """Add one more estimate of a candidate's speedup, as good as each of the earlier ones."""
        self._log_speedups.setdefault(candidate.key, []).append(math.log(max(speedup, 1e-6)))

    def twin(self, sha256: str) -> Candidate | None:
        """The first candidate with this very executable."""
        return self._by_code.get(sha256)

    def find(self, candidate: Candidate) -> Evaluation | None:
        """The evaluation of this candidate, if there is one."""
        return next((known for known in self.evaluations if known.candidate.key == candidate.key), None)

    def log_speedup(self, candidate: Candidate) -> float | None:
        """Mean of the estimates as a natural logarithm; None for a candidate that was not timed."""
        estimates = self._log_speedups.get(candidate.key)
        return sum(estimates) / len(estimates) if estimates else None

    def over_baseline(self, parent: Candidate, measured: Measurement) -> Measurement:
        """What was measured over `parent`, as a ratio over the baseline."""
        gain = math.exp(self.log_speedup(parent) or 0.0)
        return replace(measured, speedup=measured.speedup * gain, low=measured.low * gain, high=measured.high * gain)

    def ranking(self) -> list[Candidate]:
        """Candidates that seem faster than the baseline, the best first."""
        accepted = [known.candidate for known in self.evaluations if known.outcome is Outcome.ACCEPTED]
        return sorted(accepted, key=lambda candidate: -self._cautious(candidate))

    def _cautious(self, candidate: Candidate) -> float:
        """The mean of the estimates less its error: whoever was lucky once does not lead at once."""
        estimates = self._log_speedups[candidate.key]
        error = _ESTIMATE_ERROR / math.sqrt(len(estimates))
        return sum(estimates) / len(estimates) - error - _COMPLEXITY * candidate.recipe.settings

    @property
    def champion(self) -> Candidate:
        """The best candidate so far; the identity as long as nothing is faster than the baseline."""
        return next(iter(self.ranking()), IDENTITY)

    @property
    def best_log_speedup(self) -> float:
        """That of the champion."""
        return self.log_speedup(self.champion) or 0.0

    def trials(self, root: Candidate | None = None) -> list[Trial]:
        """What the recipe search over `root` may know: its own candidates; those of equal code share one estimate.

        `root` is the source-level candidate that the recipes lower; without one, it is the program itself.
        """
        parent = root.key if root else ""
        known = [
            Trial(entry.candidate, entry.outcome, self._shared_log(entry))
            for entry in self.evaluations
            if not entry.candidate.text and entry.candidate.parent == parent
        ]
        first = Trial(root, Outcome.ACCEPTED, self.log_speedup(root)) if root else _UNCHANGED
        return [first, *known]

    def _shared_log(self, evaluation: Evaluation) -> float | None:
        if evaluation.outcome is not Outcome.SAME_CODE:
            return self.log_speedup(evaluation.candidate)
        twin = self.twin(evaluation.executable_sha256)
        return self.log_speedup(twin) if twin else None
