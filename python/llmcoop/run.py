"""One run, from the spec to the result: prepare, search, confirm the winner, write what a user takes home."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import llmcoop
from llmcoop import attribution, export, report, workspace
from llmcoop.conclusion import Findings, conclude
from llmcoop.evaluate import THRESHOLD, Confirmed, Evaluator
from llmcoop.examiner import Examiner
from llmcoop.function_mode import as_program
from llmcoop.history import IDENTITY, History
from llmcoop.interruption import Interruption
from llmcoop.lowering import Lowered
from llmcoop.measure import LEAST_PAIRS, Misrun, Plan, verdict
from llmcoop.prepare import Prepared, prepared
from llmcoop.proposers.functions import Judge, search_functions
from llmcoop.proposers.levers import BOLT_LEVER, PROGRAM_LEVERS, function_levers
from llmcoop.proposers.search import RecipeSearch
from llmcoop.report import Check, CheckStatus, Event, LevelGain, Listener, Run
from llmcoop.rewrites import Rewrites, as_candidate
from llmcoop.search import Allowance, Clock, Search
from llmcoop.spec import Spec
from llmcoop.statistics import Verdict
from llmcoop.store import Store
from llmcoop.values import Candidate, Outcome

STORE = "store.db"
TESTS = "tests"  # in the output folder: test cases that were made up
_THREADS = 2
_HINTED_FUNCTIONS = 3  # how many hot functions get hints of their own
_HOT = 0.05  # share of the time from which on a function is worth a search of its own
_IDENTITY_SHARE = 0.04  # of the budget, for timing the identity
_CONFIRM_SHARES = (0.25, 0.5)  # of the budget, for confirming winners: usually, and for slow programs
_HASTY_SHARE = 0.1  # of the budget, for confirming when it is overdrawn or the user wants to leave
_CONFIRM_PAIRS = (LEAST_PAIRS + 1, 40)  # kept back for at any rate, and what that share need not exceed
_CONFIRMED_AT_MOST = 3
_ATTRIBUTION_SHARE = 0.05  # of the budget, when more than one level was changed
_EXPORT_S = 1.0  # for writing the results
_SHORT_NS = 5_000_000  # a workload that takes less is mostly process start


def optimize(spec: Spec, *, out: Path, resume: bool = False, listener: Listener = lambda _: None) -> Run:
    """Search for a faster version of the program of `spec` and leave it, with the report, in the folder `out`.

    `resume` continues a run of the same spec in `out` that was cut short. Ctrl-C or SIGTERM ends the search, not the
    run: the best so far is confirmed and reported; a second one leaves at once with KeyboardInterrupt, as does one
    before the search. `resume` can go on in each of these cases.

    Raises:
        UsageError: `out` can't be used, or another run is going on there.
        ProgramError: the program can't be optimized.
        ToolchainError: a tool is missing or fails.
    """
    with contextlib.ExitStack() as stack:
        interruption = stack.enter_context(Interruption())
        workspace.make(out)
        store = stack.enter_context(Store.open(out / STORE))
        run = store.unfinished(spec.key) if resume else None
        if run is None:
            run = store.begin(spec.key, spec.program.sources[0].name)
        folder = stack.enter_context(workspace.work_folder(out))
        clock = Clock(spec.budget, store.spent_s(run))
        pool = ThreadPoolExecutor(_THREADS)
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        announce = _Announcer(clock, listener)
        rewrites = [as_candidate(spec.program, path) for path in spec.rewrites]
        spec = as_program(spec, out)
        program = stack.enter_context(prepared(spec, folder, pool, lambda message: announce("prepare", message)))
        interruption.defer()
        return _Run(spec, rewrites, out, store, run, clock, program, folder, pool, announce, interruption).finish()


class _Announcer:
    """Tells the listener, with the time and the best estimate so far."""

    def __init__(self, clock: Clock, listener: Listener) -> None:
        self._clock = clock
        self._listener = listener
        self.history: History | None = None

    def __call__(self, phase: str, message: str) -> None:
        best = math.exp(self.history.best_log_speedup) if self.history else None
        self._listener(Event(self._clock.spent_s, phase, message, best))


class _Run:
    """A run whose program is prepared."""

    def __init__(
        self,
        spec: Spec,
        rewrites: Sequence[Candidate],
        out: Path,
        store: Store,
        run: int,
        clock: Clock,
        program: Prepared,
        folder: Path,
        pool: ThreadPoolExecutor,
        announce: _Announcer,
        interruption: Interruption,
    ) -> None:
        self._spec, self._out, self._store, self._id = spec, out, store, run
        self._clock, self._program, self._folder, self._pool = clock, program, folder, pool
        self._announce, self._interruption = announce, interruption
        self._history = History(program.identity.sha256)
        announce.history = self._history
        for evaluation in store.evaluations(run):
            program.lowering.remember(evaluation.candidate)
            self._history.add(evaluation)
        self._evaluator = Evaluator(
            program.lowering, program.reference, program.baseline, program.open_runner, program.limits.wall_s
        )
        self._examiner = Examiner(
            spec, program.toolchain, program.sandbox, out / TESTS, folder / TESTS, limits=program.limits
        )
        self._rewrites = Rewrites(
            spec,
            rewrites,
            self._evaluator,
            self._examiner,
            self._history,
            baseline=Lowered(program.baseline, ""),
            keep=lambda evaluation, seconds: store.add(run, evaluation, seconds),
            announce=lambda message: announce("rewrite", message),
        )

    def finish(self) -> Run:
        """Search, confirm, report."""
        checks = [self._check_identity(), *self._check_inputs()]
        if self._history.evaluations:
            self._announce("search", f"going on after {len(self._history.evaluations)} candidates")
        root = self._rewrites.best()
        checks += self._rewrites.checks()
        self._search(root).loop()
        interrupted = self._interruption.requested
        self._announce("confirm", "measuring the best candidate again from scratch")
        confirmed = self._confirm()
        findings = Findings(
            evaluations=self._history.evaluations,
            confirmed=confirmed,
            checks=checks,
            interrupted=interrupted,
            tests=self._examiner.testing,
            gains=self._gains(confirmed),
            elapsed_s=self._clock.spent_s,
            evaluating_s=self._store.spent_s(self._id),
        )
        result = conclude(findings, self._spec, self._program, self._out, self._export(findings))
        report.write(result, self._out)
        if not interrupted:
            self._store.finish(self._id, result.outcome)
        self._announce("done", result.reason)
        return result

    def _search(self, root: Candidate | None) -> Search:
        version = self._program.lowering.version(IDENTITY if root is None else root)
        hot = version.hot_functions(_HOT)
        levers = [*PROGRAM_LEVERS, *function_levers(hot[:_HINTED_FUNCTIONS])]
        if self._program.toolchain.bolt:
            levers.append(BOLT_LEVER)
        run_s = self._program.reference.baseline_ns / 1e9
        allowance = Allowance(
            self._spec.budget,
            self._clock,
            reserve_s=self._reserve_s(),
            run_s=run_s,
            interruption=self._interruption,
        )
        return Search(
            evaluator=self._evaluator,
            recipes=RecipeSearch(levers, root),
            root=root,
            functions=self._search_functions,
            history=self._history,
            keep=lambda evaluation, seconds: self._store.add(self._id, evaluation, seconds),
            allowance=allowance,
            pool=self._pool,
            announce=lambda message: self._announce("search", message),
        )

    def _reserve_s(self) -> float:
        """What to keep back for measuring a winner on the workload and its variants."""
        pair_s = 2 * (self._program.reference.baseline_ns + self._program.reference.variants_ns) / 1e9
        least, most = (1.0 + pairs * pair_s for pairs in _CONFIRM_PAIRS)
        usual_s, highest_s = (share * self._spec.budget.seconds for share in _CONFIRM_SHARES)
        return min(highest_s, max(least, min(most, usual_s)))

    def _search_functions(self, base: Candidate, judge: Judge, seconds: float) -> None:
        modules = self._program.lowering.optimized(base)
        hot = self._program.lowering.version(base).hot_functions(_HOT)
        if len(modules) != 1 or not hot:
            return
        search_functions(
            self._program.toolchain,
            llmcoop.plugin_path(),
            modules[0],
            hot,
            judge=judge,
            budget_s=seconds,
            folder=self._folder,
        )

    def _confirm(self) -> list[Confirmed]:
        """Measure the best candidates again, one after the other, until one proves to be faster or time is up."""
        confirmed: list[Confirmed] = []
        hasty_s = _HASTY_SHARE * self._spec.budget.seconds
        for candidate in self._history.ranking()[:_CONFIRMED_AT_MOST]:
            left_s = self._clock.remaining_s - _EXPORT_S
            if confirmed and left_s < hasty_s:
                break
            seconds = hasty_s if self._interruption.requested else max(left_s, hasty_s)
            lowered = self._program.lowering.finish(candidate).lowered
            confirmed.append(self._evaluator.confirm(candidate, lowered, seconds))
            if confirmed[-1].evaluation.outcome is Outcome.ACCEPTED:
                break
        return confirmed

    def _gains(self, confirmed: Sequence[Confirmed]) -> tuple[LevelGain, ...]:
        winner = next((each for each in confirmed if each.evaluation.outcome is Outcome.ACCEPTED), None)
        if winner is None:
            return ()
        seconds = _ATTRIBUTION_SHARE * self._spec.budget.seconds
        return attribution.gains(winner, self._program.lowering, self._evaluator, seconds)

    def _export(self, findings: Findings) -> tuple[str, ...]:
        """Write the best executable and its artifacts; a result that spoke of older ones goes first."""
        (self._out / report.FILE_NAME).unlink(missing_ok=True)
        winner = findings.winner.evaluation.candidate if findings.winner else None
        return export.write(
            self._out,
            self._program.toolchain,
            self._spec.program,
            self._program.baseline,
            (winner, self._program.lowering.finish(winner)) if winner else None,
            self._program.lowering.texts(winner) if winner else {},
        )

    # Checks of the harness

    def _check_identity(self) -> Check:
        """The program through our own lowering, unchanged, must time like the user's own build."""
        name = "identity"
        if self._program.same_code:
            return Check(name, CheckStatus.PASSED, "our lowering gives the machine code of the user's own build")
        plan = Plan(max_seconds=_IDENTITY_SHARE * self._spec.budget.seconds, threshold=THRESHOLD)
        baseline = Lowered(self._program.baseline, "")
        measured = self._evaluator.compare_on_workload(self._program.identity, plan, against=baseline)
        if isinstance(measured, Misrun):
            return Check(name, CheckStatus.FAILED, f"our lowering breaks the program: {measured.status}")
        shown = f"{measured.speedup:.3f}x [{measured.low:.3f}, {measured.high:.3f}] of the user's own build"
        if verdict(measured, THRESHOLD) in (Verdict.FASTER, Verdict.SLOWER):
            return Check(name, CheckStatus.FAILED, f"our lowering alone makes a difference: {shown}")
        return Check(name, CheckStatus.PASSED, f"no difference between our lowering and the user's own build: {shown}")

    def _check_inputs(self) -> Iterator[Check]:
        examined = self._program.reference
        for warning in examined.warnings:
            yield Check("reference", CheckStatus.WARNING, warning)
        for discarded in examined.discarded:
            args = " ".join(discarded.invocation.args)
            left_out = f"{discarded.origin} input ({args}) left out: {discarded.reason}"
            yield Check("reference", CheckStatus.WARNING, left_out)
        if examined.baseline_ns < _SHORT_NS:
            taken = f"too short: it takes {examined.baseline_ns / 1e6:.1f} ms, mostly process start"
            yield Check("workload", CheckStatus.WARNING, f"{taken}; choose a larger one")
        if not examined.variants:
            absent = "the workload has no variants: gains on it may not carry over"
            yield Check("variants", CheckStatus.SKIPPED, absent)
