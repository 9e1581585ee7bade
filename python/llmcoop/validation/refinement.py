"""Whether one loop-free function refines another, decided by z3 and a second time by running both.

For all inputs and all choices of the new function there must be choices of the old one such that the old is
undefined, or the new is not and each lane that it returns is equal to the old one's, or the old one's is poison
(Lopes et al., Alive2: Bounded Translation Validation for LLVM, PLDI 2021, section 4).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from llmcoop.ir.body import Body
from llmcoop.ir.refining import Answer, Argument, Refined
from llmcoop.validation import fragment, replay
from llmcoop.validation.encoding import Encoded, Input, Register, Sample, TooManySamples, encode, resampled
from llmcoop.validation.terms import FALSE, Bits, Model, Truth, constant, either, z3

_MOST_ROUNDS = 40
_MOST_GUESSES = 16
_PLAINER_S = 1.0  # for a counterexample that is easier to read
_SMALL = (0, 1, 15, 255, 65535)  # such as one with arguments up to these

Inputs = tuple[tuple[Input, ...], ...]  # by parameter and lane
Pairs = list[tuple[Bits, Bits]]


class OutOfTime(Exception):  # noqa: N818 - it says what happened
    """The solver did not come to an end."""


def refine(old: Body, new: Body, seconds: float) -> Refined:
    """Decide it within about `seconds`; the caller must see to it that it really ends."""
    reason = fragment.why_unsupported(old, new)
    if reason:
        return Refined(Answer.UNSUPPORTED, reason)
    if not seconds:
        return Refined(Answer.UNPROVED, "not tried")
    deadline = time.monotonic() + seconds
    may_be_undefined = any(fragment.may_be_undefined(body) for body in (old, new))
    try:
        # Arguments that are plain integers come first: they give the counterexamples that everybody understands.
        for undefined in (False, True) if may_be_undefined else (False,):
            outcome = _Question(old, new, deadline, undefined=undefined).answer()
            if outcome.answer is not Answer.CORRECT:
                return outcome
        return Refined(Answer.CORRECT, "proved for all arguments")
    except TooManySamples:
        return Refined(Answer.UNPROVED, "values that may be undef are used too often")
    except OutOfTime:
        return Refined(Answer.UNPROVED, f"no answer of the solver within {seconds:g} s")


@dataclass(frozen=True, slots=True)
class _Formula:
    """`holds` says that the behaviours fit; `theirs` are the choices of the old function in it."""

    holds: Truth
    theirs: tuple[Sample, ...]


class _Question:
    """One pair of functions, with arguments that are plain integers or, with `undefined`, undef or poison too."""

    def __init__(self, old: Body, new: Body, deadline: float, *, undefined: bool) -> None:
        self._bodies = old, new
        self._deadline = deadline
        self._inputs = _inputs(old, undefined=undefined)
        self._old = encode(old, self._inputs, "old")
        self._new = encode(new, self._inputs, "new")
        self._limits: list[Truth] = []  # on the inputs that are looked at
        self._chosen: tuple[Sample, ...] = ()  # by the new function

    def answer(self) -> Refined:
        """Search for an input, and choices of the new function, that no choices of the old one fit.

        Raises OutOfTime.
        """
        found = self._decided()
        if found.answer is not Answer.INCORRECT or all(argument.defined for argument in found.arguments):
            return found
        # The same without poison, and with arguments that are undef as a whole if at all, is easier to understand.
        self._deadline = min(self._deadline, time.monotonic() + _PLAINER_S)
        lanes = [lane for lanes in self._inputs for lane in lanes]
        self._limits = [z3.Or(lane.undef == 0, lane.undef == -1) for lane in lanes if lane.undef is not None]
        self._limits += [z3.Not(lane.poison) for lane in lanes]
        try:
            plainer = self._decided()
        except OutOfTime:
            return found
        return plainer if plainer.answer is Answer.INCORRECT else found

    def _decided(self) -> Refined:
        once = _fits(self._old, self._new, self._old.returned, self._new.returned)
        used = _variables(once)
        encoded = (self._old.samples, self._old.frozen, (*self._new.samples, *self._new.frozen))
        free, frozen, self._chosen = (tuple(s for s in samples if s.variable.get_id() in used) for samples in encoded)
        formula = _Formula(once, (*free, *frozen))
        if not (frozen and self._new.returned.undef):
            return self._search(formula)
        return self._search_in_sets(formula, len(free))

    def _search_in_sets(self, formula: _Formula, first_frozen: int) -> Refined:
        """As `_search`, where the new function returns a set of values, and what the old one freezes decides of which.

        The choices of freeze must then fit all values of the new set: a proof needs one guess for them that does
        not look at the value, a counterexample two values that none fits both.
        """
        own = {sample.variable.get_id() for sample in self._new.returned.undef}
        for guess in self._guesses(formula.theirs):
            looks = any(_variables(term) & own for _, term in guess[first_frozen:])
            if not looks and self._check(z3.Not(z3.substitute(formula.holds, *guess))) is None:
                return Refined(Answer.CORRECT, "proved")
        twins = [_twin(encoded.returned) for encoded in (self._old, self._new)]
        again = _fits(self._old, self._new, *twins)
        both = _Formula(z3.And(formula.holds, again), (*formula.theirs, *twins[0].undef))
        outcome = self._search(both)
        if outcome.answer is Answer.CORRECT:  # two values fit, which does not mean that all do
            return Refined(Answer.UNPROVED, "freeze of a value that may be undef")
        return outcome

    def _search(self, formula: _Formula) -> Refined:
        """Guess the old function's choices; each input that no guess fits is either wrong or teaches another guess."""
        refuted = [*self._limits, z3.Not(formula.holds)]
        if formula.theirs:
            refuted = [*self._limits]
            refuted += [z3.Not(z3.substitute(formula.holds, *guess)) for guess in self._guesses(formula.theirs)]
        for _ in range(_MOST_ROUNDS):
            model = self._check(*refuted)
            if model is None:
                return Refined(Answer.CORRECT, "proved")
            if not formula.theirs:
                return self._counterexample(self._smaller(refuted, model))
            choices = self._choices_for(formula, model)
            if choices is None:
                return self._counterexample(model)
            refuted.append(z3.Not(z3.substitute(formula.holds, *choices)))
        return self._quantified(formula)

    def _quantified(self, formula: _Formula) -> Refined:
        """The same, left to the solver's own quantifiers: slow, but it needs no luck."""
        solver = self._solver(z3.Solver())
        solver.add(*self._limits)
        solver.add(z3.ForAll([sample.variable for sample in formula.theirs], z3.Not(formula.holds)))
        model = self._model(solver)
        return Refined(Answer.CORRECT, "proved") if model is None else self._counterexample(model)

    def _check(self, *conditions: Truth) -> Model | None:
        """A model; None if there is none. Raises OutOfTime."""
        solver = self._solver(z3.SolverFor("QF_BV"))
        solver.add(*conditions)
        return self._model(solver)

    def _solver(self, solver: Any) -> Any:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise OutOfTime
        solver.set("timeout", max(1, int(left_s * 1000)))
        return solver

    def _model(self, solver: Any) -> Model | None:
        result = solver.check()
        if result == z3.unknown:
            raise OutOfTime
        return solver.model() if result == z3.sat else None

    def _choices_for(self, formula: _Formula, model: Model) -> Pairs | None:
        """Choices of the old function that fit this model's input and choices; None if there are none."""
        theirs = {sample.variable.get_id() for sample in formula.theirs}
        fixed = [
            (variable, model.eval(variable, model_completion=True))
            for variable in _leaves(formula.holds)
            if variable.get_id() not in theirs
        ]
        found = self._check(z3.substitute(formula.holds, *fixed))
        if found is None:
            return None
        return [(sample.variable, found.eval(sample.variable, model_completion=True)) for sample in formula.theirs]

    def _guesses(self, theirs: Sequence[Sample]) -> list[Pairs]:
        """Terms for the old function's choices: first of all what the new function chooses for the same thing."""
        made = (
            [(sample.variable, term) for sample, term in zip(theirs, terms, strict=True)]
            for terms in self._terms(theirs)
        )
        distinct = {tuple(term.get_id() for _, term in guess): guess for guess in itertools.islice(made, 64)}
        return list(distinct.values())[:_MOST_GUESSES]

    def _terms(self, theirs: Sequence[Sample]) -> Iterator[list[Bits]]:
        chosen = self._chosen
        places = [sum(1 for s in theirs[:place] if s.origin == sample.origin) for place, sample in enumerate(theirs)]
        for other in (0, -1):
            for number in range(4):
                yield [_pick(_alike(chosen, sample), number, sample, other) for sample in theirs]
            yield [_pick(_alike(chosen, s), place, s, other) for s, place in zip(theirs, places, strict=True)]
        values = [lane.bits for lane in self._new.returned.lanes]
        values += [lane.value for lanes in self._inputs for lane in lanes]
        values += [s.variable for s in chosen]
        for value in values:
            yield [value if s.variable.size() == value.size() else _pick(_alike(chosen, s), 0, s, 0) for s in theirs]
        for value in (0, -1):
            yield [constant(value, sample.variable.size()) for sample in theirs]

    def _smaller(self, conditions: list[Truth], model: Model) -> Model:
        """A model with smaller arguments, if one is quickly found."""
        lanes = [lane for lanes in self._inputs for lane in lanes]
        self._deadline = min(self._deadline, time.monotonic() + _PLAINER_S)
        try:
            for limit in _SMALL:
                bounds = [z3.ULE(x.value, limit) for x in lanes if x.value.size() > limit.bit_length()]
                smaller = self._check(*conditions, *bounds)
                if smaller is not None:
                    return smaller
        except OutOfTime:
            pass
        return model

    def _counterexample(self, model: Model) -> Refined:
        """What the solver found, if both functions do what it says when they are run."""
        arguments = tuple(_argument(lanes, model) for lanes in self._inputs)
        samples = (*self._new.samples, *self._new.frozen, *self._old.samples, *self._old.frozen)
        seen = {(s.variable.size(), _number(model, s.variable)) for s in samples}
        happened = replay.difference(*self._bodies, arguments, frozenset(seen))
        if not happened:
            return Refined(
                Answer.UNPROVED, "the solver's counterexample does not show when the functions are run", arguments
            )
        return Refined(Answer.INCORRECT, happened, arguments)


def _inputs(body: Body, *, undefined: bool) -> Inputs:
    def lane(number: int, position: int, width: int) -> Input:
        name = f"argument{number}.{position}"
        value = z3.BitVec(name, width)
        if not undefined:
            return Input(value, FALSE)
        return Input(value, z3.Bool(f"{name}.poison"), z3.BitVec(f"{name}.undef", width))

    return tuple(
        tuple(lane(number, position, width) for position, width in enumerate(parameter.type.lane_widths))
        for number, parameter in enumerate(body.parameters)
    )


def _fits(old: Encoded, new: Encoded, old_value: Register, new_value: Register) -> Truth:
    lanes = zip(old_value.lanes, new_value.lanes, strict=True)
    equal = [either(a.poison, z3.And(z3.Not(b.poison), a.bits == b.bits)) for a, b in lanes]
    return z3.Or(old.undefined, z3.And(z3.Not(new.undefined), *equal))


def _twin(register: Register) -> Register:
    """The same value with other choices of undef."""
    return resampled(
        register, [Sample(z3.BitVec(f"{s.variable}'", s.variable.size()), s.origin) for s in register.undef]
    )


def _alike(chosen: Sequence[Sample], sample: Sample) -> list[Bits]:
    return [s.variable for s in chosen if s.origin == sample.origin and s.variable.size() == sample.variable.size()]


def _pick(terms: list[Bits], number: int, sample: Sample, other: int) -> Bits:
    return terms[min(number, len(terms) - 1)] if terms else constant(other, sample.variable.size())


def _leaves(formula: Any) -> list[Any]:
    """The variables of a formula."""
    seen: set[int] = set()
    found, left = [], [formula]
    while left:
        term = left.pop()
        if term.get_id() in seen:
            continue
        seen.add(term.get_id())
        if z3.is_const(term) and term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            found.append(term)
        left.extend(term.children())
    return found


def _variables(formula: Any) -> set[int]:
    return {variable.get_id() for variable in _leaves(formula)}


def _number(model: Model, bits: Bits) -> int:
    value = model.eval(bits, model_completion=True)
    return value.as_long()


def _argument(lanes: Sequence[Input], model: Model) -> Argument:
    return Argument(
        widths=tuple(lane.value.size() for lane in lanes),
        values=tuple(_number(model, lane.value) for lane in lanes),
        poison=tuple(z3.is_true(model.eval(lane.poison, model_completion=True)) for lane in lanes),
        undef=tuple(0 if lane.undef is None else _number(model, lane.undef) for lane in lanes),
    )
