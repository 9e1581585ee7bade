"""Compare two versions of a function on inputs that the old one accepts.

The versions run in processes of their own, forked from one that holds both compiled. The process of the new
version is given inputs and never the answers; a forged answer would have to be the right one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from llvmlite import binding

from llmcoop.functions import arena, constants
from llmcoop.functions.describe import arguments, behaviours
from llmcoop.functions.explore import Examined, Explorer
from llmcoop.functions.inputs import Behaviour
from llmcoop.functions.process import confine
from llmcoop.functions.reach import with_callees
from llmcoop.functions.same import same
from llmcoop.functions.signature import NoSignature
from llmcoop.functions.stream import Stream
from llmcoop.functions.subject import Subject, Version, parse, variables
from llmcoop.functions.support import aliasing_is_promised_away, why_unsupported
from llmcoop.ir.comparison import Agreement, Comparison

_ENOUGH = 3000  # inputs in contract; more find next to nothing
_HOPELESS = 400  # inputs of which none was in contract
_FIRST_BATCH, _LARGEST_BATCH = 8, 128
_MAX_VARIABLES = 32
_PATIENCE = 50  # how many times longer than the old version the new one may take, besides …
_GRACE_CPU_S = 0.25
_ANSWER_S = 30.0


def compare(old_ir: str, new_ir: str, function: str, *, seconds: float, seed: int) -> Comparison:
    """Compare `function` as two modules define it, for at most about `seconds` after they are compiled.

    Raises IRError for a module that is not well-formed, and ToolchainError if the system has no room for the memory.
    """
    old_ir, new_ir = with_callees(old_ir, function), with_callees(new_ir, function)
    reason = _unsupported(old_ir, new_ir, function)
    if reason:
        return Comparison(Agreement.UNSUPPORTED, reason)
    try:
        subject = Subject(old_ir, new_ir, function)
    except NoSignature as obstacle:
        return Comparison(Agreement.UNSUPPORTED, str(obstacle))
    if len(subject.globals) > _MAX_VARIABLES:
        return Comparison(Agreement.UNSUPPORTED, f"it uses {len(subject.globals)} variables")
    duel = _Duel(subject, seed, constants.of(old_ir, new_ir), not aliasing_is_promised_away(old_ir))
    with arena.reserved():
        return duel.run(time.monotonic() + seconds)


def _unsupported(old_ir: str, new_ir: str, function: str) -> str:
    old, new = parse(old_ir), parse(new_ir)
    for version, module in (("", old), ("in the new version, ", new)):
        reason = why_unsupported(module, function)
        if reason:
            return version + reason
    kinds = {str(module.get_function(function).global_value_type) for module in (old, new)}
    if len(kinds) > 1:
        return "the versions have different types"
    state = {variable.name for variable in variables(old)} ^ {variable.name for variable in variables(new)}
    known = {variable.name for module in (old, new) for variable in module.global_variables if not _is_local(variable)}
    own = sorted(state - known)
    return f"only one of the versions keeps something in {own[0]}" if own else ""


def _is_local(variable: binding.ValueRef) -> bool:
    """Whether nobody outside of the module could see what is in it."""
    return variable.linkage in (binding.Linkage.internal, binding.Linkage.private)


@dataclass(slots=True)
class _Duel:
    """One comparison in progress."""

    subject: Subject
    seed: int
    constants: Sequence[int]
    aliasing: bool
    tried: int = 0
    in_contract: int = 0
    blocks: set[int] = field(default_factory=set)
    reasons: dict[str, int] = field(default_factory=dict)

    def run(self, deadline: float) -> Comparison:
        with closing(Stream(self._explore(0), Examined)) as explorer:
            size = _FIRST_BATCH
            while time.monotonic() < deadline and self.in_contract < _ENOUGH and not self._hopeless:
                found = self._differing(self._batch(explorer, size, deadline))
                if found is not None:
                    return self._different(*found)
                size = min(2 * size, _LARGEST_BATCH)
        if self.in_contract:
            return self._result(Agreement.AGREED)
        return self._result(Agreement.NO_VALID_INPUT, self._commonest_reason)

    @property
    def _hopeless(self) -> bool:
        return not self.in_contract and self.tried >= _HOPELESS

    @property
    def _commonest_reason(self) -> str:
        most = max(self.reasons, key=lambda reason: self.reasons[reason], default="")
        return f"mostly: the old version {most}" if most else "no input was tried in time"

    def _explore(self, restarts: int) -> Iterator[Examined]:
        confine(self.subject)
        explorer = Explorer(self.subject, self.seed + restarts, self.constants, self.aliasing)
        while True:
            yield explorer.examine()

    def _batch(self, explorer: Stream[Examined], size: int, deadline: float) -> list[Examined]:
        """Up to `size` inputs in contract."""
        batch: list[Examined] = []
        until = min(deadline, time.monotonic() + 0.5)
        while len(batch) < size and time.monotonic() < until and not self._hopeless:
            examined = explorer.next(_ANSWER_S)
            if examined is None:  # a wild write of the old version: begin again elsewhere
                explorer.restart(self._explore(self.tried + 1))
                self.tried += 1
                continue
            self.tried += 1
            if examined.reason:
                self.reasons[examined.reason] = self.reasons.get(examined.reason, 0) + 1
                continue
            self.in_contract += 1
            self.blocks |= set(examined.blocks)
            batch.append(examined)
        return batch

    def _differing(self, batch: Sequence[Examined]) -> tuple[Examined, Behaviour] | None:
        """The first input, if any, with which the new version does something else, each time."""
        with closing(Stream(self._run(Version.NEW, batch), Behaviour)) as answers:
            for examined in batch:
                answer = answers.next(_ANSWER_S) or Behaviour("ends the process")
                if self._same(examined, answer):
                    continue
                return (examined, answer) if self._confirmed(examined) else None
        return None

    def _run(self, version: Version, batch: Sequence[Examined]) -> Iterator[Behaviour]:
        confine(self.subject)
        for examined in batch:
            cpu_s = _GRACE_CPU_S + _PATIENCE * examined.behaviour.cpu_s
            yield self.subject.run(version, examined.given, cpu_s=cpu_s)[0]

    def _same(self, examined: Examined, answer: Behaviour) -> bool:
        return same(examined.behaviour, answer, self.subject.signature, examined.floats)

    def _confirmed(self, examined: Examined) -> bool:
        """Whether fresh processes show the difference again."""
        for version, alike in ((Version.OLD, True), (Version.NEW, False)):
            with closing(Stream(self._run(version, [examined]), Behaviour)) as answers:
                answer = answers.next(_ANSWER_S) or Behaviour("ends the process")
            if self._same(examined, answer) != alike:
                return False
        return True

    def _different(self, examined: Examined, answer: Behaviour) -> Comparison:
        old, new = behaviours(examined, answer, self.subject.signature)
        shown = arguments(examined.given, self.subject.signature, examined.floats)
        return self._result(Agreement.DIFFERENT, "", shown, old, new)

    def _result(
        self, answer: Agreement, reason: str = "", shown: tuple[str, ...] = (), old: str = "", new: str = ""
    ) -> Comparison:
        return Comparison(
            answer, reason, shown, old, new, self.tried, self.in_contract, self.subject.blocks, len(self.blocks)
        )
