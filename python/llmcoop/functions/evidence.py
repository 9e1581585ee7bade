"""Find the evidence for a rewritten function where there is no program to run: a proof, or else a comparison."""

from __future__ import annotations

from dataclasses import dataclass

from llmcoop.ir import CompilerFailed
from llmcoop.ir.comparison import Agreement, Comparison
from llmcoop.ir.worker import Worker
from llmcoop.validation import Answer, validate
from llmcoop.values import Acceptance, EvidenceKind

LEAST_INPUTS = 30  # on which both versions must have agreed
LEAST_BLOCKS = 0.6  # share of the old version's basic blocks that these must have run


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out, and how to say it in a remark; without a kind, it is not enough either way."""

    kind: EvidenceKind | None
    message: str

    @property
    def supports(self) -> bool:
        """Whether the new version may take the place of the old one."""
        return self.kind not in (None, EvidenceKind.REFUTED)

    @property
    def recorded(self) -> str:
        """In one line, the kind first: "tested: on 40 inputs …"; of what needs no more words, the kind alone."""
        if self.kind is None or self.kind is EvidenceKind.BY_CONSTRUCTION:
            return self.kind or ""
        return f"{self.kind}: {_line(self.message).removeprefix(f'{self.kind} ')}"


def examined(worker: Worker, old_ir: str, new_ir: str, function: str, *, accept: Acceptance, seconds: float) -> Finding:
    """The evidence for `function` of `new_ir` in place of that of `old_ir`, as strong as `accept` at least.

    `seconds` are for the proof, and again for the comparison if that is asked for. Raises IRError for a module that
    is not valid, ToolchainError when a worker can't start.
    """
    if accept is Acceptance.BY_CONSTRUCTION:
        return Finding(None, "it is not by construction, and accept=by-construction")
    validation = validate(old_ir, new_ir, function, seconds=seconds, worker=worker)
    if validation.answer is Answer.CORRECT:
        return Finding(EvidenceKind.PROVED, f"proved by {validation.tool}")
    if validation.answer is Answer.INCORRECT:
        where = f" for {validation.counterexample}" if validation.counterexample else ""
        return Finding(EvidenceKind.REFUTED, f"refuted by {validation.tool}{where}: {_line(validation.detail)}")
    unproved = f"not proved ({validation.answer}: {_line(validation.detail)})"
    if accept is Acceptance.PROVED:
        return Finding(None, f"{unproved}; accept=tested would compare both versions by running them")
    try:
        return _tested(worker.compare(old_ir, new_ir, function, seconds))
    except CompilerFailed as failure:
        return Finding(None, f"{unproved}; not tested: {failure.message}")


def _tested(comparison: Comparison) -> Finding:
    """What a comparison is worth."""
    if comparison.answer is Agreement.DIFFERENT:
        return Finding(EvidenceKind.REFUTED, f"refuted by running both versions: {comparison.counterexample}")
    if comparison.answer is not Agreement.AGREED:
        return Finding(None, f"not tested ({comparison.answer}): {comparison.reason}")
    extent = f"{comparison.in_contract} inputs that run {comparison.blocks_run} of {comparison.blocks} basic blocks"
    if comparison.in_contract < LEAST_INPUTS or comparison.blocks_run < LEAST_BLOCKS * comparison.blocks:
        return Finding(None, f"tested too little: both versions agree on {extent}")
    return Finding(EvidenceKind.TESTED, f"tested on {extent}")


def _line(text: str) -> str:
    return " ".join(text.split())
