"""The proposer of the plugin that needs no model: further pass pipelines on one function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmcoop.ir import CompilerFailed, CompilerTimedOut
from llmcoop.ir.worker import Worker
from llmcoop.judge import Function, Proposal


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
        yield Proposal(str(pipeline), passed.ir, passed.costs.total, BELIEVABLE, authored=False)
