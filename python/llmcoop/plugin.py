"""The Python side of the compiler plugin: have versions of functions proposed and judged, put the best in.

`run` is called by LLMCoopPython.so inside `opt` or `clang`. Whatever it raises becomes one remark there.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from llmcoop.errors import UsageError
from llmcoop.functions.evidence import Finding, examined
from llmcoop.ir import CompilerFailed, CompilerTimedOut
from llmcoop.ir.worker import Worker
from llmcoop.judge import MARGIN, CostModelJudge, Function, Judge, Proposal, RunJudge, Verdict
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.values import Acceptance, EvidenceKind

Proposer = Callable[[Function, Worker], Iterable[Proposal]]
Examine = Callable[[Function, Proposal], Finding]

_LEAST_EVIDENCE_S, _MOST_EVIDENCE_S = 0.5, 5.0  # for a proof, and again for tests, of one candidate


class Options(Protocol):
    """The plugin's options, as C++ has read them."""

    budget_s: float
    run: str  # socket of the run that judges; empty: cost model
    proposer: str  # file.py:function; empty: the pass search
    accept: str  # the weakest evidence that lets a version in: by-construction, proved or tested


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


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Passes for one function that has been through the whole optimizer already."""

    passes: str
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.passes, *self.options))


_TIDY = "instcombine<no-verify-fixpoint>,simplifycfg"
_VECTORIZE = f"loop-mssa(licm),loop-vectorize,slp-vectorizer,vector-combine,{_TIDY}"
_UNROLL = f"loop-unroll<O3>,slp-vectorizer,vector-combine,early-cse<memssa>,{_TIDY}"

# Each begins where -O3 ends; the first ones are those that pay most often.
PIPELINES = (
    Pipeline(f"function({_UNROLL})", ("-unroll-runtime", "-unroll-count=4")),
    Pipeline(f"function({_UNROLL})", ("-unroll-runtime", "-unroll-count=8")),
    Pipeline(f"function({_UNROLL})", ("-unroll-threshold=2000", "-unroll-full-max-count=64")),
    Pipeline(f"function({_VECTORIZE})", ("-force-vector-interleave=4",)),
    Pipeline(f"function(loop-distribute,loop-load-elim,{_VECTORIZE})", ("-enable-loop-distribute",)),
    Pipeline(f"function(loop(loop-interchange),{_VECTORIZE})"),
    Pipeline(f"function(loop-versioning,{_VECTORIZE})"),
    Pipeline(f"function(loop-mssa(simple-loop-unswitch<nontrivial>),{_VECTORIZE})"),
    Pipeline(f"function(newgvn,loop-mssa(licm),{_TIDY})"),
    Pipeline(f"function(gvn-hoist,gvn-sink,mldst-motion,{_TIDY})"),
    Pipeline(f"function(dfa-jump-threading,jump-threading,{_TIDY})"),
    Pipeline(f"function(nary-reassociate,slsr,early-cse<memssa>,{_TIDY})"),
    Pipeline(f"function(constraint-elimination,aggressive-instcombine,{_TIDY})"),
)

# Late passes over code that is optimized do no more; an estimate that says so has lost count of a loop.
BELIEVABLE = 2.0


def search(function: Function, worker: Worker) -> Iterator[Proposal]:
    """What each late pipeline makes of the function; the default proposer."""
    for pipeline in PIPELINES:
        try:
            passed = worker.run_passes(function.ir, pipeline.passes, options=pipeline.options)
        except CompilerTimedOut:
            return  # so would the others
        except CompilerFailed:
            continue  # a bug in LLVM in this pipeline
        yield Proposal(str(pipeline), passed.ir, passed.costs.total, BELIEVABLE)


def run(host: Host) -> None:
    """Look for a better version of each function of the module, most work first, within the budget.

    Raises LLMCoopError for what the user can mend; what a proposer of the user's own raises is passed on.
    """
    propose = _load(host.options.proposer) if host.options.proposer else search
    # Passes over the user's own code need no sandbox, only a process; a proposer may bring a stranger's code.
    sandbox = Sandbox.find(enabled=propose is not search)
    with Worker(sandbox, _limits(host.options)) as worker, _judge(host.options, worker) as judge:
        examine = _examiner(host.options, worker)
        deadline = time.monotonic() + judge.budget_s
        wanted = [summary for summary in host.functions() if judge.wants(summary.name)]
        for summary in sorted(wanted, key=lambda summary: -summary.work):
            if time.monotonic() >= deadline:
                host.missed("BudgetSpent", summary.name, f"not tried within {judge.budget_s:g} s")
                continue
            function = Function(summary.name, host.extract(summary.name), summary.instructions)
            try:
                _improve(host, function, _until(deadline, propose(function, worker)), judge, examine)
            except CompilerFailed as failure:
                host.missed("CompilerFailed", function.name, failure.message)


def _limits(options: Options) -> Limits:
    """One pass pipeline may not take longer than all of them together should."""
    seconds = 20.0 if options.run else min(20.0, max(1.0, options.budget_s))
    return Limits(cpu_s=seconds, wall_s=seconds)


@contextmanager
def _judge(options: Options, worker: Worker) -> Iterator[Judge]:
    if not options.run:
        yield CostModelJudge(worker, options.budget_s)
        return
    with closing(RunJudge(options.run)) as judge:
        yield judge


def _until(deadline: float, proposals: Iterable[Proposal]) -> Iterator[Proposal]:
    for proposal in proposals:
        yield proposal
        if time.monotonic() >= deadline:
            return


def _examiner(options: Options, worker: Worker) -> Examine:
    """What finds the evidence for a proposal that is cheaper; a run that judges has tests of its own."""
    accept, seconds = Acceptance(options.accept), min(_MOST_EVIDENCE_S, max(_LEAST_EVIDENCE_S, options.budget_s / 4))

    def examine(function: Function, proposal: Proposal) -> Finding:
        if options.run:
            return Finding(EvidenceKind.TESTED, "tested by the run")
        if not options.proposer:  # LLVM's passes alone
            return Finding(EvidenceKind.BY_CONSTRUCTION, "by construction")
        return examined(worker, function.ir, proposal.ir, function.name, accept=accept, seconds=seconds)

    return examine


def _improve(host: Host, function: Function, proposals: Iterable[Proposal], judge: Judge, examine: Examine) -> None:
    """Replace `function` by the last, and so best, accepted proposal, if there is one."""
    best: tuple[Proposal, Verdict, Finding] | None = None
    seen: set[str] = set()
    for proposal in proposals:
        if proposal.ir in seen:
            continue
        seen.add(proposal.ir)
        # The gate is cheap and the judge is not.
        refusal = host.check(function.name, proposal.ir)
        if refusal is not None:
            host.missed("Refused", function.name, f"{proposal.pipeline}: {refusal}")
            continue
        verdict = judge.verdict(function, proposal)
        if verdict is None:
            break
        host.analysis("Judged", function.name, f"{proposal.pipeline}: {verdict.message}")
        if not verdict.accepted:
            continue
        finding = examine(function, proposal)
        if finding.supports:
            judge.keep(function.name, verdict)
            best = (proposal, verdict, finding)
        else:
            host.missed("NoEvidence", function.name, f"{proposal.pipeline}: {finding.message}")
    if best is None:
        host.missed("NotFaster", function.name, f"none of {len(seen)} candidates is {MARGIN:.0%} better")
        return
    proposal, verdict, finding = best
    refusal = host.replace(function.name, proposal.ir)
    if refusal is not None:
        host.missed("Refused", function.name, f"{proposal.pipeline}: {refusal}")
        return
    gain = f" ({verdict.speedup:.2f}x)" if verdict.speedup is not None else ""
    host.passed("Rewritten", function.name, f"{verdict.message}{gain} by {proposal.pipeline}; {finding.message}")


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
