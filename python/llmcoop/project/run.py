"""Make a whole project faster by its own benchmark: profile, try changes to hot functions, test, measure, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from llmcoop import export, measure, workspace
from llmcoop.facts import processor
from llmcoop.interruption import Interruption
from llmcoop.ir.worker import Worker
from llmcoop.measure import LEAST_PAIRS, Misrun, Plan
from llmcoop.project import change, contest, hot, modelled, patch, report, result
from llmcoop.project.benchmark import Stopped
from llmcoop.project.compilers import Compilers
from llmcoop.project.contest import Contest
from llmcoop.project.hot import HotFunction, Profile
from llmcoop.project.result import Hot, Kept, ProjectRun
from llmcoop.project.search import Search
from llmcoop.project.spec import ProjectSpec
from llmcoop.project.tree import Tree
from llmcoop.report import RunOutcome
from llmcoop.rewrites import Rewrite
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.statistics import Verdict
from llmcoop.toolchain import Toolchain
from llmcoop.values import Measurement

REPORT = "report.txt"
_JOB_LIMITS = Limits(cpu_s=300.0, wall_s=300.0, memory_bytes=8 << 30)  # of LLVM's work on one module of a project
_FINAL_PAIRS, _MOST_FINAL_PAIRS = 20, 100  # of the last measurement
_SELF_PAIRS = 12  # of the project against itself
_LEAST_FINAL_S, _FINAL_SHARE = 2.0, 0.4  # seconds, and at most this share of the budget

Announce = Callable[[str], None]


def optimize(spec: ProjectSpec, out: Path, announce: Announce = lambda _: None) -> ProjectRun:
    """Run it all; results go to the folder `out`.

    Raises ProgramError when the project itself is the obstacle, ToolchainError, UsageError; KeyboardInterrupt before
    there is anything to report. That nothing is faster is a result.
    """
    started = time.monotonic()
    workspace.make(out)
    with Interruption() as interruption, workspace.work_folder(out) as work:
        run = _Run(spec, out, work, started, interruption, announce)
        found = run.run()
    write(found)
    return found


def write(found: ProjectRun) -> None:
    """Write project.json and report.txt. Raises OSError."""
    (found.out / result.FILE_NAME).write_text(result.to_json(found))
    (found.out / REPORT).write_text(report.summary(found))


@dataclass(frozen=True, slots=True)
class _Verified:
    """What is left of the best when the project's own tests and a last measurement had their say."""

    selection: change.Selection
    measurement: Measurement | None
    notes: tuple[str, ...]


class _Run:
    """One run over a project."""

    def __init__(
        self, spec: ProjectSpec, out: Path, work: Path, started: float, interruption: Interruption, announce: Announce
    ) -> None:
        self._spec, self._out, self._work = spec, out, work
        self._started, self._interruption, self._announce = started, interruption, announce
        self._toolchain = Toolchain.find()
        self._sandbox = Sandbox.find(enabled=spec.sandbox)

    def run(self) -> ProjectRun:
        """From the first copy to the values that are reported."""
        confined = None
        if not self._spec.model.absent:
            confined = contest.confinement(self._toolchain, self._sandbox, self._work)
        prepared = contest.prepare(
            self._spec,
            self._work,
            confined=confined,
            without=self._out,
            stop=lambda: self._interruption.requested,
            announce=self._announce,
        )
        with Worker(self._sandbox, _JOB_LIMITS) as worker:
            profile = self._profile(worker)
            self._interruption.defer()
            checked = self._against_itself(prepared)
            search = Search(
                prepared, self._started + self._spec.budget.seconds - self._reserve(prepared), self._announce
            )
            search.explore(self._steps(profile))
            search.prune()
            verified = self._verified(prepared, search)
            folder = self._work / contest.PROFILED
            written = patch.of(verified.selection, worker, folder, self._work / "profile")
        notes = (*checked, *profile.notes, *verified.notes, *written.notes)
        return self._result(prepared, profile, search, verified, written.text, notes)

    def _profile(self, worker: Worker) -> Profile:
        self._announce("building it with counters, and running the benchmark for a profile")
        tree = Tree(self._work / contest.PROFILED, self._spec, Compilers.find(), {"LLMCOOP_MODE": "off"})
        tree.copy(self._out)
        scratch = self._work / "profile"
        scratch.mkdir()
        found = hot.find(self._toolchain, worker, tree, scratch)
        for function in found.functions:
            self._announce(f"{function.share:.1%} of the time: {function.name} ({function.source})")
        return found

    def _against_itself(self, prepared: Contest) -> tuple[str, ...]:
        """What is to be said of timing the project against a copy of itself, which must show no difference."""
        if prepared.is_reproducible():
            return ()
        self._announce("timing it against itself: builds in two folders are not the same, bit for bit")
        pairs_s = 2 * _SELF_PAIRS * prepared.benchmark.seconds
        try:
            measured = prepared.compare(Plan(min_pairs=LEAST_PAIRS, max_pairs=_SELF_PAIRS, max_seconds=pairs_s))
        except Stopped:
            return ()
        if isinstance(measured, Misrun):
            return (f"a copy of the project does not do the same: {measured.status}",)
        if measure.verdict(measured) in (Verdict.FASTER, Verdict.SLOWER):
            figures = report.ratio(measured)
            return (f"timed against a copy of itself the project gives {figures}: trust no difference as small",)
        return ()

    def _steps(self, profile: Profile) -> Iterator[change.Step]:
        if not self._spec.model.absent:
            yield from modelled.steps(self._spec, Compilers.find(), profile.functions, self._work)
        yield from change.steps(profile.functions, processor.supports)

    def _reserve(self, prepared: Contest) -> float:
        """How long the end of the run may take, in seconds."""
        costs = prepared.costs
        needed_s = costs.build_s + costs.test_s + 2 * _FINAL_PAIRS * prepared.benchmark.seconds
        return min(_FINAL_SHARE * self._spec.budget.seconds, needed_s)

    def _verified(self, prepared: Contest, search: Search) -> _Verified:
        """Build the best for the last time, have the project's own tests decide, and time it from scratch."""
        selection, notes = dict(search.best), list[str]()
        while selection:
            self._announce(f"building and testing the best: {len(selection)} functions changed")
            built = prepared.build(selection)
            if built.returncode == 0 and prepared.test().returncode == 0:
                break
            function, dropped = selection.popitem()
            failed = "own tests fail" if built.returncode == 0 else "build fails"
            notes.append(f"dropped {function.name}: {dropped}: with it the project's {failed}")
        if not selection:
            return _Verified({}, None, tuple(notes))
        self._announce("timing it from scratch")
        measured = prepared.confirm(self._last_plan(prepared))
        if isinstance(measured, Misrun):
            return _Verified({}, None, (*notes, f"nothing is kept: {measured.status}"))
        if measure.verdict(measured) is not Verdict.FASTER:
            figures = f"{report.ratio(measured)} when timed from scratch"
            return _Verified({}, None, (*notes, f"nothing is kept: the best of the search is no faster: {figures}"))
        return _Verified(selection, measured, tuple(notes))

    def _last_plan(self, prepared: Contest) -> Plan:
        """How long to measure the result: as long as there is time, but not to no end."""
        left_s = self._started + self._spec.budget.seconds - time.monotonic()
        pairs = _FINAL_PAIRS if self._interruption.requested else _MOST_FINAL_PAIRS
        usual_s = max(_LEAST_FINAL_S, 2 * pairs * prepared.benchmark.seconds)
        return Plan(min_pairs=LEAST_PAIRS, max_pairs=_MOST_FINAL_PAIRS, max_seconds=max(0.0, min(left_s, usual_s)))

    def _result(
        self,
        prepared: Contest,
        profile: Profile,
        search: Search,
        verified: _Verified,
        written: str,
        notes: tuple[str, ...],
    ) -> ProjectRun:
        kept = self._keep(search, verified)
        (self._out / export.PATCH).unlink(missing_ok=True)
        if written:
            (self._out / export.PATCH).write_text(written, errors="surrogateescape")
        patched = (export.PATCH,) if written else ()
        return ProjectRun(
            outcome=self._outcome(kept),
            reason=_reason(profile, search, verified),
            directory=self._spec.directory,
            out=self._out,
            baseline_s=prepared.benchmark.seconds,
            alone=prepared.benchmark.alone,
            same_output=prepared.benchmark.stdout is not None,
            required_speedup=self._spec.require_speedup,
            elapsed_s=time.monotonic() - self._started,
            units=profile.units,
            hot=tuple(Hot(each.name, each.source, each.share) for each in profile.functions),
            trials=tuple(search.trials),
            kept=kept,
            measurement=verified.measurement,
            notes=notes,
            files=(result.FILE_NAME, REPORT, *patched, *(name for each in kept for name in each.files)),
        )

    def _keep(self, search: Search, verified: _Verified) -> tuple[Kept, ...]:
        """Write the rewrites of the result."""
        kept: list[Kept] = []
        rewrites: list[Rewrite] = []
        for function, changed in verified.selection.items():
            assert verified.measurement is not None, "what is kept was measured"
            made = changed.rewrites(function, _words(function, verified.measurement, len(verified.selection)))
            rewrites += made
            files = tuple(f"{export.REWRITES}/{rewrite.file_name}" for rewrite in made)
            gain = search.gains.get(function)
            kept.append(Kept(function.name, function.source, function.share, str(changed), files, gain))
        export.write_rewrites(self._out, rewrites)
        return tuple(kept)

    def _outcome(self, kept: tuple[Kept, ...]) -> RunOutcome:
        if self._interruption.requested:
            return RunOutcome.INTERRUPTED
        return RunOutcome.IMPROVED if kept else RunOutcome.NOTHING_FASTER


def _words(function: HotFunction, whole: Measurement, changed: int) -> str:
    """What a rewrite was worth, for its file."""
    own = result.own_speedup(function.share, whole.speedup) if changed == 1 else None
    together = "" if changed == 1 else f", {changed} functions rewritten"
    itself = f", itself about {own:.1f}x faster" if own else ""
    pairs = f"{whole.samples} pairs, whole benchmark{together}"
    return f"{report.ratio(whole)}, {pairs}; {function.share:.0%} of its time{itself}"


def _reason(profile: Profile, search: Search, verified: _Verified) -> str:
    if verified.measurement:
        functions = len(verified.selection)
        many = "1 function" if functions == 1 else f"{functions} functions"
        return f"{verified.measurement.speedup:.3f}x faster by the project's own benchmark: {many} rewritten"
    if not profile.functions:
        return "nothing faster found: no function that may be changed has 1% of the time or more"
    if not search.trials:
        return "nothing faster found: the time was used up before anything could be tried"
    return f"nothing faster found: {len(search.trials)} changes of {len(profile.functions)} hot functions were tried"
