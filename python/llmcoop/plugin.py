"""The Python side of the compiler plugin: have versions of functions proposed and judged, put the best in.

`run` is called by LLMCoopPython.so inside `opt` or `clang`. Whatever it raises becomes one remark there.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Protocol, cast

from llmcoop.agents import ir_text
from llmcoop.connection import Connection
from llmcoop.errors import UsageError
from llmcoop.functions.evidence import Finding, examined
from llmcoop.ir import CompilerFailed
from llmcoop.ir.worker import Worker
from llmcoop.judge import MARGIN, CostModelJudge, Function, Judge, Proposal, RunJudge, Verdict
from llmcoop.models import ModelError
from llmcoop.proposers import passes
from llmcoop.rewrites import Rewrite
from llmcoop.rewrites.keeping import Keeper
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.values import Acceptance, EvidenceKind

# A generator is sent the verdict on each of its proposals; what is iterable otherwise goes without.
Proposer = Callable[[Function, Worker], Iterable[Proposal] | Generator[Proposal, Verdict, None]]
Examine = Callable[[Function, Proposal], Finding]

_REMARK = 600  # characters
_LEAST_EVIDENCE_S, _MOST_EVIDENCE_S = 0.5, 5.0  # for a proof, and again for tests, of one candidate


class Options(Protocol):
    """The plugin's options, as C++ has read them."""

    budget_s: float
    model: str  # language model that proposes; empty: none does
    calls: int  # how often it may be asked
    run: str  # socket of the run that judges; empty: cost model
    proposer: str  # file.py:function; empty: the pass search
    accept: str  # the weakest evidence that lets a version in: by-construction, proved or tested
    rewrites: str  # folder that keeps what is installed; empty: none does


class FunctionSummary(Protocol):
    """A function that may be rewritten. `work`: instructions in one call, by LLVM's block frequencies."""

    name: str
    instructions: int
    work: float


class Host(Protocol):
    """The compiler; implemented in C++ (cpp/plugin/Python.cpp)."""

    @property
    def options(self) -> Options: ...

    def functions(self) -> Sequence[FunctionSummary]:
        """What may be rewritten."""
        ...

    def extract(self, function: str) -> str:
        """The IR of a module in which only `function` is defined."""
        ...

    def canonical(self, function: str) -> str:
        """The canonical text of `function`: the same wherever it is compiled."""
        ...

    def canonical_replacement(self, function: str, ir: str) -> str:
        """`ir`, a version of `function` as extracted, in the names of the canonical text. Raises ValueError."""
        ...

    def check(self, function: str, ir: str) -> str | None:
        """Why `ir` can't replace `function`; None when it can."""
        ...

    def replace(self, function: str, ir: str) -> str | None:
        """Replace `function`, or say why not."""
        ...

    def passed(self, name: str, function: str, message: str) -> None:
        """Emit a remark about an optimization that was done."""
        ...

    def missed(self, name: str, function: str, message: str) -> None:
        """Emit a remark about an optimization that was not done."""
        ...

    def analysis(self, name: str, function: str, message: str) -> None:
        """Emit a remark about what was found out."""
        ...


def run(host: Host) -> None:
    """Look for a better version of each function of the module, most work first, within the budget.

    Raises LLMCoopError for what the user can mend; what a proposer of the user's own raises is passed on.
    """
    options = host.options
    with ExitStack() as ending:
        connection = ending.enter_context(closing(Connection(options.run))) if options.run else None
        budget_s = float(connection.opening["budget_s"]) if connection else options.budget_s
        deadline = time.monotonic() + budget_s
        propose, sandboxed = _proposer(host, connection, deadline)
        worker = ending.enter_context(Worker(Sandbox.find(enabled=sandboxed), _limits(options)))
        judge = RunJudge(connection) if connection else CostModelJudge(worker, budget_s)
        examine = _examiner(options, worker)
        wanted = [summary for summary in host.functions() if judge.wants(summary.name)]
        # A run that judges keeps what it finds by itself.
        folder = "" if options.run else options.rewrites
        keeper = Keeper(host, (summary.name for summary in wanted), Path(folder)) if folder else None
        stopped = False
        for summary in sorted(wanted, key=lambda summary: -summary.work):
            if stopped or time.monotonic() >= deadline:
                host.missed("BudgetSpent", summary.name, f"not tried within {budget_s:g} s")
                continue
            # Without the name of its file, a version is the same on every machine.
            function = Function(summary.name, ir_text.shown(host.extract(summary.name)), summary.instructions)
            improvement = Improvement(host, function, judge, examine, keeper)
            try:
                stopped = _pursue(improvement, propose(function, worker), deadline)
            except CompilerFailed as failure:
                host.missed("CompilerFailed", function.name, failure.message)
                improvement.install()
            except ModelError:
                improvement.install()
                raise
            else:
                improvement.conclude()


def _proposer(host: Host, connection: Connection | None, deadline: float) -> tuple[Proposer, bool]:
    """Who proposes, and whether that needs a sandbox: a stranger's code does, passes over the user's own do not.

    Raises UsageError.
    """
    options = host.options
    agent = connection.opening.get("agent") if connection else None
    if agent or (options.model and not connection and not options.proposer):
        from llmcoop.proposers import modelled  # noqa: PLC0415 - most compiles need none of what it imports

        if connection and agent:
            return modelled.by_run(connection, agent, host.check, deadline)
        settings = modelled.Settings(options.model, options.calls, options.budget_s)
        return modelled.by_server(settings, host.check, deadline), True
    if options.proposer:
        return _load(options.proposer), True
    return passes.search, False


def _limits(options: Options) -> Limits:
    """One pass pipeline may not take longer than all of them together should."""
    seconds = 20.0 if options.run else min(20.0, max(1.0, options.budget_s))
    return Limits(cpu_s=seconds, wall_s=seconds)


def _examiner(options: Options, worker: Worker) -> Examine:
    """What finds the evidence for a proposal that is cheaper; a run that judges has tests of its own."""
    accept, seconds = Acceptance(options.accept), min(_MOST_EVIDENCE_S, max(_LEAST_EVIDENCE_S, options.budget_s / 4))

    def examine(function: Function, proposal: Proposal) -> Finding:
        if options.run:
            return Finding(EvidenceKind.TESTED, "tested by the run")
        if not proposal.authored:
            return Finding(EvidenceKind.BY_CONSTRUCTION, "by construction")
        return examined(worker, function.ir, proposal.ir, function.name, accept=accept, seconds=seconds)

    return examine


class Improvement:
    """What was proposed for one function, and the best of it."""

    def __init__(
        self, host: Host, function: Function, judge: Judge, examine: Examine, keeper: Keeper | None = None
    ) -> None:
        self._host, self._function, self._judge, self._examine = host, function, judge, examine
        self._keeper = keeper
        self._verdicts: dict[str, Verdict] = {}  # by IR
        self._best: tuple[Proposal, Verdict, Finding] | None = None

    def verdict(self, proposal: Proposal) -> Verdict | None:
        """What comes of a proposal; None when the budget is spent."""
        if proposal.ir not in self._verdicts:
            verdict = self._tried(proposal)
            if verdict is None:
                return None
            self._verdicts[proposal.ir] = verdict
        return self._verdicts[proposal.ir]

    def conclude(self) -> None:
        """Replace the function by the best version, or say that there is none."""
        if self._best is None:
            message = f"none of {len(self._verdicts)} candidates is {MARGIN:.0%} better"
            self._host.missed("NotFaster", self._function.name, message)
        self.install()

    def install(self) -> None:
        """Replace the function by the last, and so best, accepted proposal, if there is one."""
        if self._best is None:
            return
        proposal, verdict, finding = self._best
        rewrite = self._kept(proposal, verdict, finding)
        refusal = self._host.replace(self._function.name, proposal.ir)
        if refusal is not None:
            self._missed("Refused", proposal, refusal)
            return
        if self._keeper and rewrite:
            self._keeper.save(rewrite)
        gain = f" ({verdict.speedup:.2f}x)" if verdict.speedup is not None else ""
        message = f"{_line(verdict.message)}{gain} by {proposal.pipeline}; {finding.message}"
        self._host.passed("Rewritten", self._function.name, message)

    def _kept(self, proposal: Proposal, verdict: Verdict, finding: Finding) -> Rewrite | None:
        """The proposal as a later build will apply it, if somebody keeps it; made while the function is as it was."""
        if self._keeper is None:
            return None
        estimate = f"estimated {verdict.speedup:.2f}x" if verdict.speedup is not None else "estimated"
        options = self._host.options
        by = Path(options.proposer).name or (f"model {options.model}" if options.model else "pass search")
        try:
            return self._keeper.rewrite(
                self._function.name,
                proposal.ir,
                evidence=finding.recorded,
                measured=f"{estimate} by LLVM's cost model, {_line(verdict.message)}",
                origin=f"{by}: {_line(proposal.pipeline)}",
            )
        except ValueError as refusal:
            self._missed("NotKept", proposal, str(refusal))
            return None

    def _tried(self, proposal: Proposal) -> Verdict | None:
        # The gate is cheap and the judge is not.
        refusal = self._host.check(self._function.name, proposal.ir)
        if refusal is not None:
            self._missed("Refused", proposal, refusal)
            return Verdict(False, None, refusal)
        verdict = self._judge.verdict(self._function, proposal)
        if verdict is None:
            return None
        message = f"{proposal.pipeline}: {_line(verdict.message)}"
        self._host.analysis("Judged", self._function.name, message)
        if not verdict.accepted:
            return verdict
        finding = self._examine(self._function, proposal)
        if not finding.supports:
            self._missed("NoEvidence", proposal, finding.message)
            return Verdict(False, None, finding.message)
        self._judge.keep(self._function.name, verdict)
        self._best = (proposal, verdict, finding)
        return verdict

    def _missed(self, name: str, proposal: Proposal, reason: str) -> None:
        self._host.missed(name, self._function.name, f"{proposal.pipeline}: {reason}")


def _line(text: str) -> str:
    """As one line of bounded length, for a remark."""
    return " ".join(text.split())[:_REMARK]


def _pursue(improvement: Improvement, proposals: Iterable[Proposal], deadline: float) -> bool:
    """Have one proposal after the other judged, and tell each verdict; True when the budget is spent."""
    source, verdict = iter(proposals), None
    try:
        while (proposal := _next(source, verdict)) is not None:
            verdict = improvement.verdict(proposal)
            if verdict is None or time.monotonic() >= deadline:
                return verdict is None
        return False
    finally:
        if isinstance(source, Generator):
            source.close()


def _next(source: Iterator[Proposal], verdict: Verdict | None) -> Proposal | None:
    """The next proposal, made in the light of the verdict on the one before; None at the end."""
    if verdict is None or not isinstance(source, Generator):
        return next(source, None)
    try:
        return source.send(verdict)
    except StopIteration:
        return None


def _load(name: str) -> Proposer:
    """The proposer `file.py:function`. Raises UsageError if there is none."""
    path, _, attribute = name.rpartition(":")
    if not Path(path).is_file():
        raise UsageError(f"proposer={name}: no file {path}", "write proposer=<file.py>:<function>")
    spec = importlib.util.spec_from_file_location("llmcoop_proposer", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    propose = getattr(module, attribute, None)
    if not callable(propose):
        raise UsageError(f"proposer={name}: {path} has no function {attribute}")
    return cast(Proposer, propose)
