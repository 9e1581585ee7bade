"""Versions of single functions that the plugin proposes inside opt: from LLVM's passes, or from a model."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from llmcoop.agents import outcomes
from llmcoop.agents.ir import IrBrief
from llmcoop.allowance import Allowance
from llmcoop.authored import Authored
from llmcoop.evaluate import THRESHOLD, Evaluator
from llmcoop.history import History
from llmcoop.lowering import Lowering
from llmcoop.measure import Misrun, Plan, verdict
from llmcoop.models import Model
from llmcoop.proposers.functions import FunctionProposal, FunctionVerdict, expand_functions, search_functions
from llmcoop.replay import Replay
from llmcoop.statistics import Verdict
from llmcoop.toolchain import Toolchain
from llmcoop.values import Candidate, Evaluation, Level, Outcome

_LONGEST_S = 60.0  # that LLVM's passes are tried in a row; they seldom gain much
_HOT = 0.05  # share of the time from which on a function is worth a search of its own


class FunctionSearch:
    """Runs the plugin over a candidate's module and answers each proposal; what is accepted is built upon."""

    def __init__(
        self,
        toolchain: Toolchain,
        plugin: Path,
        lowering: Lowering,
        evaluator: Evaluator,
        authored: Authored,
        history: History,
        *,
        folder: Path,
        allowance: Allowance,
        attack_s: float,
        announce: Callable[[str], None],
        replay: Replay | None = None,
    ) -> None:
        self._toolchain, self._plugin, self._lowering = toolchain, plugin, lowering
        self._evaluator, self._authored, self._history = evaluator, authored, history
        self._folder, self._allowance, self._attack_s, self._announce = folder, allowance, attack_s, announce
        self._replay = replay
        self.unusable = 0  # replies of a model, and tool calls in them, that nothing could be made of

    def functions(self, base: Candidate) -> Sequence[str]:
        """Functions of a candidate that are worth it, the hottest first; none where there are several modules."""
        hot = self._lowering.profiled(base).hot_functions(_HOT)
        if not hot or len(self._lowering.optimized(base)) != 1:
            return ()
        return tuple(self._lowering.running(base, function) for function in hot)

    def search(self, base: Candidate) -> None:
        """Try further passes on the hot functions of a candidate, as long as the budget lasts."""
        if self._replay:
            for candidate in self._replay.proposals():
                if not self._spent:
                    self._evaluated(candidate)
            return
        functions = self.functions(base)
        if not functions:
            return
        self._announce("searching single functions inside opt")
        search_functions(
            self._toolchain,
            self._plugin,
            self._lowering.optimized(base)[0],
            functions,
            judge=self._judge(base),
            budget_s=min(_LONGEST_S, max(0.0, self._allowance.remaining_s)),
            folder=self._folder,
        )

    def expand(self, base: Candidate, functions: Sequence[str], model: Model, brief: IrBrief, seconds: float) -> None:
        """Have a model rewrite functions of a candidate. Raises ModelError."""
        expand_functions(
            self._toolchain,
            self._plugin,
            self._lowering.optimized(base)[0],
            functions,
            judge=self._judge(base),
            ask=model.complete,
            brief=brief,
            budget_s=seconds,
            folder=self._folder,
            count=self._count,
        )

    def _count(self, unusable: int) -> None:
        self.unusable += unusable

    def _judge(self, base: Candidate) -> Callable[[FunctionProposal], FunctionVerdict]:
        """Answers the plugin; an accepted proposal becomes the parent of the next."""
        lineage = [base]

        def judge(proposal: FunctionProposal) -> FunctionVerdict:
            parent = lineage[-1]
            candidate = _candidate(proposal, parent)
            if self._spent or (candidate.authored and self._authored.beyond_recording(candidate)):
                return FunctionVerdict(False, None, "the budget is spent", stop=True)
            known = self._authored.told(self._evaluated(candidate))
            if known.outcome is Outcome.ACCEPTED:
                lineage.append(known.candidate)
            speedup = known.measurement.speedup if known.measurement else None
            message = known.message or known.outcome
            if proposal.authored:
                parent_speedup = math.exp(self._history.log_speedup(parent) or 0.0)
                message = outcomes.describe(known, self._allowance.run_s, parent_speedup)
            return FunctionVerdict(known.outcome is Outcome.ACCEPTED, speedup, message)

        return judge

    @property
    def _spent(self) -> bool:
        none_left = self._allowance.remaining_candidates(len(self._history.evaluations)) == 0
        return none_left or self._allowance.remaining_s < self._allowance.function_s

    def _evaluated(self, candidate: Candidate) -> Evaluation:
        known = self._history.find(candidate)
        if known is not None:
            return known
        started = time.monotonic()
        if candidate.authored:
            evaluation = self._authored.evaluate(candidate, self._attack_s)
        else:
            evaluation = self._timed(candidate)
        self._history.record(evaluation, time.monotonic() - started)
        return evaluation

    def _timed(self, candidate: Candidate) -> Evaluation:
        """LLVM's passes made it: it is tested and timed."""
        checked = self._evaluator.check_one(candidate)
        known = checked.evaluation
        if checked.lowered is None or known is not None:
            assert known is not None
            return known
        same = self._history.same_code(candidate, checked.lowered.sha256)
        if same is not None:
            return same
        parent = list(self._lowering.lineage(candidate))[1]
        plan = Plan(max_seconds=self._allowance.function_s, threshold=THRESHOLD / 2)
        measured = self._evaluator.compare_on_workload(checked.lowered, plan, against=self._evaluator.lower(parent))
        if isinstance(measured, Misrun):
            return self._evaluator.refuted(candidate, checked.lowered, measured)
        faster = verdict(measured, plan.threshold) is Verdict.FASTER
        return Evaluation(
            candidate,
            Outcome.ACCEPTED if faster else Outcome.NOT_FASTER,
            self._evaluator.evidence(candidate, 1),
            self._history.over_baseline(parent, measured),
            executable_sha256=checked.lowered.sha256,
        )


def _candidate(proposal: FunctionProposal, parent: Candidate) -> Candidate:
    origin = f"plugin: {proposal.function}: {proposal.pipeline}"
    return Candidate(Level.IR, origin, parent.recipe, proposal.ir, parent.key, authored=proposal.authored)
