"""Find out whether a kept rewrite is still sound: read it, have the gate look at it, make its evidence again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from llmcoop.errors import UsageError
from llmcoop.functions.evidence import examined
from llmcoop.ir import CompilerFailed, IRError
from llmcoop.ir.worker import PassRequest, Worker
from llmcoop.rewrites.folder import files, read
from llmcoop.rewrites.rewrite import Rewrite
from llmcoop.sandbox import Sandbox
from llmcoop.toolchain import LLVM_MAJOR
from llmcoop.values import Acceptance, EvidenceKind, FunctionRecipe


class State(StrEnum):
    """What can be said of a rewrite from its file alone."""

    SOUND = "sound"  # it is as strong as it says
    UNSHOWN = "unshown"  # nothing speaks against it, but its evidence could not be made again from its texts
    REFUTED = "refuted"  # it computes something else
    BROKEN = "broken"  # it can't be read, or the gate does not let it in


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of looking at one file."""

    file: str  # its name
    rewrite: Rewrite | None  # None: it can't be read
    state: State
    reason: str

    def passes(self, *, trust_recorded: bool) -> bool:
        """Whether it may stay; with `trust_recorded`, evidence that is not to be had again counts."""
        return self.state is State.SOUND or (trust_recorded and self.state is State.UNSHOWN)


def verify_all(folder: Path, *, seconds: float, sandbox: bool = True) -> tuple[Verified, ...]:
    """`verify` for every file of a folder."""
    with Worker(Sandbox.find(sandbox)) as worker:
        return tuple(verify(path, worker, seconds) for path in files(folder))


def verify(path: Path, worker: Worker, seconds: float) -> Verified:
    """What the rewrite in a file is worth; `seconds` are for a proof, and again for tests.

    Raises ToolchainError when a worker can't start.
    """
    try:
        rewrite = read(path)
    except UsageError as error:
        return Verified(path.name, None, State.BROKEN, error.message.removeprefix(f"{path}: "))
    try:
        state, reason = _judged(rewrite, worker, seconds)
    except IRError as error:
        state, reason = State.BROKEN, error.message
    except CompilerFailed as error:
        state, reason = State.UNSHOWN, error.message
    return Verified(path.name, rewrite, state, reason)


def _judged(rewrite: Rewrite, worker: Worker, seconds: float) -> tuple[State, str]:
    """Raises IRError for what the gate refuses, CompilerFailed where LLVM fails on it."""
    if rewrite.llvm != LLVM_MAJOR:
        return State.UNSHOWN, f"it is for LLVM {rewrite.llvm}, and this is {LLVM_MAJOR}"
    for text in filter(None, (rewrite.before, rewrite.after)):
        defined = [each.name for each in worker.functions(text) if each.defined]
        if defined != [rewrite.function]:
            return (
                State.BROKEN,
                f"it is for {rewrite.function}, and a text of it defines {', '.join(defined) or 'none'}",
            )
    if not rewrite.after:
        return _carried_out(rewrite, worker)
    worker.replace(rewrite.before.encode(errors="surrogateescape"), rewrite.after)
    accept = Acceptance.TESTED
    finding = examined(worker, rewrite.before, rewrite.after, rewrite.function, accept=accept, seconds=seconds)
    if finding.kind is EvidenceKind.REFUTED:
        return State.REFUTED, finding.message
    return (State.SOUND, finding.recorded) if finding.supports else (State.UNSHOWN, finding.message)


def _carried_out(rewrite: Rewrite, worker: Worker) -> tuple[State, str]:
    """Hints and clones can't change what is computed; but they must be possible."""
    hints = (FunctionRecipe(rewrite.function, rewrite.hints),) if rewrite.hints else ()
    request = PassRequest(
        pipeline="verify",
        hints=hints,
        clones=rewrite.clones,
        clone_functions=(rewrite.function,) * bool(rewrite.clones),
    )
    skipped = worker.optimize(rewrite.before.encode(errors="surrogateescape"), request).skipped
    if skipped:
        return State.BROKEN, skipped[0].reason
    return State.SOUND, EvidenceKind.BY_CONSTRUCTION
