"""One run, from the spec to the result: prepare, search, confirm the winner, write what a user takes home."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import llmcoop
from llmcoop import attribution, checks, export, report, workspace
from llmcoop.agents.guiding import GuidingAgent, ModelPolicy
from llmcoop.agents.testing import TestsAgent
from llmcoop.allowance import Allowance, Clock
from llmcoop.announcer import Announcer
from llmcoop.authored import Authored
from llmcoop.conclusion import Findings, conclude
from llmcoop.crew import Crew, assemble
from llmcoop.diary import Diary
from llmcoop.errors import UsageError
from llmcoop.evaluate import Confirmed, Evaluator
from llmcoop.examiner import Examiner
from llmcoop.expansions import Expansions
from llmcoop.function_mode import SOURCE, as_program
from llmcoop.function_search import FunctionSearch
from llmcoop.guide import Policy
from llmcoop.guide.bandit import BanditPolicy
from llmcoop.guide.fixed import FixedPolicy
from llmcoop.guide.search import SearchPolicy
from llmcoop.history import IDENTITY, History
from llmcoop.interruption import Interruption
from llmcoop.lowering import Lowered
from llmcoop.measure import LEAST_PAIRS
from llmcoop.models.recording import Header, Recorder
from llmcoop.prepare import Prepared, prepared
from llmcoop.proposers import Proposer
from llmcoop.proposers.levers import BOLT_LEVER, PROGRAM_LEVERS, Lever, function_levers
from llmcoop.proposers.search import RecipeSearch
from llmcoop.recipe_rounds import RecipeRounds
from llmcoop.replay import Replay
from llmcoop.report import LevelGain, Listener, ModelUse, Run
from llmcoop.rewrites.reduction import Reducer, Reduction
from llmcoop.search import Search
from llmcoop.spec import Spec
from llmcoop.store import Store
from llmcoop.user_rewrites import UserRewrites, as_candidate
from llmcoop.values import Candidate, Outcome

STORE = "store.db"
TESTS = "tests"  # in the output folder: test cases that were made up
_THREADS = 2
_HINTED_FUNCTIONS = 3  # how many hot functions get hints of their own
_HOT = 0.05  # share of the time from which on a function gets them
_IDENTITY_SHARE = 0.04  # of the budget, for timing the identity
_CONFIRM_SHARES = (0.25, 0.5)  # of the budget, for confirming winners: usually, and for slow programs
_HASTY_SHARE = 0.1  # of the budget, for confirming when it is overdrawn or the user wants to leave
_MOST_HASTY_S = 20.0
_CONFIRM_PAIRS = (LEAST_PAIRS + 1, 40)  # kept back for at any rate, and what that share need not exceed
_LEAST_CONFIRM_S = 30.0  # that a winner may take to confirm, however quick the program is
_CONFIRMED_AT_MOST = 3
_ATTRIBUTION_SHARE = 0.05  # of the budget, when more than one level was changed
_REDUCTION_SHARE, _MOST_REDUCTION_S = 0.1, 20.0  # for measuring what is left of a winner in rewrites of functions
_ATTACK_SHARE = 0.05  # of the budget, for attacking one candidate of a model
_ATTACK_S = (10.0, 20.0)  # at least, and at most
_VARIANTS_S = 10.0  # for checking variants of the workload that a model wrote
_EXPORT_S = 1.0  # for writing the results


def optimize(
    spec: Spec,
    *,
    out: Path,
    resume: bool = False,
    record: Path | None = None,
    replay: Path | None = None,
    listener: Listener = lambda _: None,
) -> Run:
    """Search for a faster version of the program of `spec` and leave it, with the report, in the folder `out`.

    `resume` continues a run of the same spec in `out` that was cut short. Ctrl-C or SIGTERM ends the search, not the
    run: the best so far is confirmed and reported; a second one leaves at once with KeyboardInterrupt, as does one
    before the search. `resume` can go on in each of these cases. `record` is a file that the run is written to,
    `replay` one that was, and that this run follows.

    Raises:
        UsageError: `out` can't be used, another run is going on there, or the recording does not fit.
        ModelRefused: the server of the model refuses every call.
        ProgramError: the program can't be optimized.
        ToolchainError: a tool is missing or fails.
    """
    if replay and (resume or record):
        raise UsageError("--replay goes with neither --resume nor --record", "leave out one of them")
    with contextlib.ExitStack() as stack:
        interruption = stack.enter_context(Interruption())
        rewrites = [as_candidate(spec.program, path) for path in spec.rewrites]
        followed = Replay.of(replay, spec, rewrites) if replay else None
        workspace.make(out)
        store = stack.enter_context(Store.open(out / STORE))
        run = store.unfinished(spec.key) if resume else None
        if run is None:
            run = store.begin(spec.key, spec.program.sources[0].name)
        recorder = stack.enter_context(_recorder(record, spec, resume)) if record else None
        calls, recorded = store.cache(run, spec.model.name), followed.recording if followed else None
        crew = assemble(spec.model, spec.budget, store.attempted(run), calls, recording=recorded)
        folder = stack.enter_context(workspace.work_folder(out))
        clock = Clock(spec.budget, store.spent_s(run))
        pool = ThreadPoolExecutor(_THREADS)
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        announce = Announcer(clock, listener)
        spec = as_program(spec, out)
        program = stack.enter_context(prepared(spec, folder, pool, lambda message: announce("prepare", message)))
        interruption.defer()
        site = _Site(
            *(spec, rewrites, out, store, run, clock, program, folder, pool, announce, interruption, crew),
            *(followed, recorder),
        )
        return _Run(site).finish()


def _recorder(path: Path, spec: Spec, resume: bool) -> Recorder:
    program, model = spec.program.sources[0].name, spec.model
    header = Header(llmcoop.__version__, program, spec.key, model.name, model.rounds, model.samples)
    return Recorder(path, header, resume=resume)


@dataclass(frozen=True, slots=True)
class _Site:
    """All that a run works with."""

    spec: Spec
    rewrites: Sequence[Candidate]
    out: Path
    store: Store
    id: int
    clock: Clock
    program: Prepared
    folder: Path
    pool: ThreadPoolExecutor
    announce: Announcer
    interruption: Interruption
    crew: Crew | None
    replay: Replay | None
    recorder: Recorder | None


class _Run:
    """A run whose program is prepared."""

    def __init__(self, site: _Site) -> None:
        self._site, self._spec, self._program, self._announce = site, site.spec, site.program, site.announce
        store, program = site.store, site.program
        self._diary = Diary(store, site.id, site.recorder)
        self._history = History(program.identity.sha256, self._diary.evaluated)
        site.announce.history = self._history
        self._evaluator = Evaluator(
            program.lowering, program.reference, program.baseline, program.open_runner, program.candidate_s
        )
        for evaluation in store.evaluations(site.id):
            program.lowering.remember(evaluation.candidate)
            self._history.add(evaluation)
            self._evaluator.learn(evaluation)
        self._allowance = self._allowed()
        self._crew = site.crew and site.crew.during(lambda: self._allowance.remaining_s, site.recorder)
        crew = self._crew if site.spec.model.testing else None
        self._writer = crew and TestsAgent(crew.model, crew.prompts, site.spec, program.sandbox)
        self._guiding = self._crew and GuidingAgent(self._crew.model, self._crew.prompts)
        self._examiner = Examiner(
            *(site.spec, program.toolchain, program.sandbox, site.out / TESTS, site.folder / TESTS),
            limits=program.limits,
            writer=self._writer,
        )
        self._authored = Authored(
            *(self._evaluator, program.lowering, self._examiner, self._history),
            baseline=Lowered(program.baseline, ""),
            accept=site.spec.accept,
            budget_s=site.spec.budget.seconds,
            announce=lambda message: self._announce("evidence", message),
            prepare=self._prepare_tests,
            known=site.replay.known if site.replay else None,
        )

    def finish(self) -> Run:
        """Search, confirm, report."""
        site = self._site
        identity_s = _IDENTITY_SHARE * self._spec.budget.seconds
        found = [checks.identity(self._program, self._evaluator, identity_s), *checks.inputs(self._program)]
        if self._history.evaluations:
            self._announce("search", f"going on after {len(self._history.evaluations)} candidates")
        rewrites = UserRewrites(
            *(self._spec, site.rewrites, self._authored, self._history),
            announce=lambda message: self._announce("rewrite", message),
        )
        rewrites.evaluate()
        search = self._search()
        search.loop()
        interrupted = site.interruption.requested
        self._announce("confirm", "measuring the best candidate again from scratch")
        confirmed = self._confirm()
        winner = next((each for each in confirmed if each.evaluation.outcome is Outcome.ACCEPTED), None)
        reduction = self._reduction(winner)
        findings = Findings(
            evaluations=self._history.evaluations,
            confirmed=confirmed,
            checks=[*found, *rewrites.checks()],
            interrupted=interrupted,
            tests=self._examiner.testing,
            gains=self._gains(winner),
            rewrites=reduction and reduction.kept,
            model=self._model_use(search),
            spending=tuple(self._diary.spending(self._history.evaluations)),
            elapsed_s=site.clock.spent_s,
        )
        result = conclude(findings, self._spec, self._program, site.out, self._export(findings, reduction))
        report.write(result, site.out)
        if not (interrupted or search.model_lost):
            site.store.finish(site.id, result.outcome)
        self._announce("done", result.reason)
        return result

    # Searching

    def _search(self) -> Search:
        site, program, allowance = self._site, self._program, self._allowance
        least_s, most_s = _ATTACK_S
        attack_s = min(most_s, max(least_s, _ATTACK_SHARE * self._spec.budget.seconds))
        self._functions = FunctionSearch(
            *(program.toolchain, llmcoop.plugin_path(), program.lowering, self._evaluator, self._authored),
            self._history,
            folder=site.folder,
            allowance=allowance,
            attack_s=attack_s,
            announce=self._announce_search,
            replay=site.replay,
        )
        self._expansions = self._crew and Expansions(
            *(self._crew, self._spec, program, self._authored, self._history, self._functions),
            folder=site.folder,
            allowance=allowance,
            attack_s=attack_s,
            announce=self._announce_search,
        )
        return Search(
            self._policy(),
            self._recipes(),
            self._functions,
            self._expansions or None,
            self._history,
            allowance,
            levels=self._spec.levels,
            ledger=self._crew.ledger if self._crew else None,
            steps=self._diary.steps,
            begun=self._diary.begun,
            diary=self._diary,
            announce=self._announce_search,
        )

    def _allowed(self) -> Allowance:
        return Allowance(
            self._spec.budget,
            self._site.clock,
            reserve_s=self._reserve_s(),
            run_s=self._program.reference.baseline_ns / 1e9,
            interruption=self._site.interruption,
            unlimited=self._site.replay is not None,
        )

    def _announce_search(self, message: str) -> None:
        self._announce("search", message)

    def _policy(self) -> Policy:
        if self._site.replay or self._guiding is None:
            return self._site.replay or SearchPolicy()
        match self._spec.model.guide:
            case "model":
                return ModelPolicy(self._guiding)
            case "fixed":
                return FixedPolicy()
        return BanditPolicy()

    def _recipes(self) -> RecipeRounds:
        searches: dict[str, Proposer] = {}

        def proposer(root: Candidate | None) -> Proposer:
            key = root.key if root else ""
            if key not in searches:
                searches[key] = self._site.replay or RecipeSearch(self._levers(root), root)
            return searches[key]

        return RecipeRounds(
            *(self._evaluator, proposer, self._history),
            allowance=self._allowance,
            pool=self._site.pool,
            announce=self._announce_search,
        )

    def _levers(self, root: Candidate | None) -> list[Lever]:
        hot = self._program.lowering.profiled(root or IDENTITY).hot_functions(_HOT)
        levers = [*PROGRAM_LEVERS, *function_levers(hot[:_HINTED_FUNCTIONS])]
        return [*levers, BOLT_LEVER] if self._program.toolchain.bolt else levers

    def _model_use(self, search: Search) -> ModelUse | None:
        if self._crew is None:
            return None
        spent = self._crew.ledger.spent
        return ModelUse(
            self._crew.model.name,
            *(spent.calls, spent.tokens, spent.usd),
            unusable=sum(each.unusable for each in (self._expansions, self._writer, self._guiding) if each),
            unanswered=self._examiner.unanswered,
            ended=search.model_ended,
            lost=search.model_lost,
        )

    # Evidence

    def _prepare_tests(self, seconds: float) -> None:
        """Make up tests, or take those of the recording."""
        site = self._site
        earlier = site.recorder.earlier if site.recorder else None
        told = site.replay.tests if site.replay else earlier.tests if earlier else None
        if told:
            cases = [case for case in told.cases if case.origin != "variant"]
            self._examiner.restore(cases, told.adequacy, self._announce_tests)
            self._evaluator.add([case for case in told.cases if case.origin == "variant"])
            return
        self._examiner.prepare(seconds, self._announce_tests)
        variants = () if self._program.reference.variants else self._examiner.variants(_VARIANTS_S, lambda _: None)
        self._evaluator.add(variants)
        self._diary.tests((*self._examiner.cases, *variants), self._examiner.adequacy)

    def _announce_tests(self, message: str) -> None:
        self._announce("tests", message)

    # Confirming

    def _reserve_s(self) -> float:
        """What to keep back for measuring a winner on the workload and its variants."""
        least, most = (self._pairs_s(pairs) for pairs in _CONFIRM_PAIRS)
        usual_s, highest_s = (share * self._spec.budget.seconds for share in _CONFIRM_SHARES)
        return min(highest_s, max(least, min(most, usual_s)))

    def _pairs_s(self, pairs: int) -> float:
        """What so many pairs of runs take, of the workload and of each variant."""
        reference = self._program.reference
        return 1.0 + pairs * 2 * (reference.baseline_ns + reference.variants_ns) / 1e9

    def _confirm(self) -> list[Confirmed]:
        """Measure the best candidates again, one after the other, until one proves to be faster or time is up."""
        confirmed: list[Confirmed] = []
        hasty_s = min(_MOST_HASTY_S, _HASTY_SHARE * self._spec.budget.seconds)
        most_s = max(_LEAST_CONFIRM_S, self._pairs_s(_CONFIRM_PAIRS[1]))
        for candidate in self._history.ranking()[:_CONFIRMED_AT_MOST]:
            left_s = self._site.clock.remaining_s - _EXPORT_S
            if confirmed and left_s < hasty_s:
                break
            seconds = hasty_s if self._site.interruption.requested else max(min(left_s, most_s), hasty_s)
            lowered = self._program.lowering.finish(candidate).lowered
            confirmed.append(self._evaluator.confirm(candidate, lowered, seconds))
            if confirmed[-1].evaluation.outcome is Outcome.ACCEPTED:
                break
        return confirmed

    def _gains(self, winner: Confirmed | None) -> tuple[LevelGain, ...]:
        if winner is None:
            return ()
        seconds = min(_MOST_HASTY_S, _ATTRIBUTION_SHARE * self._spec.budget.seconds)
        return attribution.gains(winner, self._program.lowering, self._evaluator, seconds)

    def _reduction(self, winner: Confirmed | None) -> Reduction | None:
        """What later builds can have of the winner; None without one, or for a user who wants to leave."""
        site = self._site
        if winner is None or site.interruption.requested:
            return None
        reducer = Reducer(
            *(self._spec, self._program, self._evaluator, self._examiner),
            made_up=(SOURCE,) if self._spec.function else (),
            folder=site.folder,
            prepare_tests=self._prepare_tests,
            announce=lambda message: self._announce("rewrites", message),
        )
        seconds = min(_MOST_REDUCTION_S, _REDUCTION_SHARE * self._spec.budget.seconds)
        return reducer.reduce(winner.evaluation.candidate, seconds)

    def _export(self, findings: Findings, reduction: Reduction | None) -> tuple[str, ...]:
        """Write the best executable and its artifacts; a result that spoke of older ones goes first."""
        (self._site.out / report.FILE_NAME).unlink(missing_ok=True)
        winner = findings.winner.evaluation.candidate if findings.winner else None
        written = export.write(
            self._site.out,
            self._program.toolchain,
            self._spec.program,
            self._program.baseline,
            (winner, self._program.lowering.finish(winner)) if winner else None,
            self._program.lowering.texts(winner) if winner else {},
        )
        return (*written, *export.write_rewrites(self._site.out, reduction.rewrites if reduction else ()))
