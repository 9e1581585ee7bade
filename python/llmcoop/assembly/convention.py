"""The System V calling convention, followed along every way through a function.

For each statement: how deep the stack is, which registers that belong to the caller are changed, and where their
values were saved. What can't be known (a stack that is aligned or of variable size) is given the benefit of the doubt.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from llmcoop.assembly.statements import Kind, Statement, family, labels, symbols

_OF_CALLER = frozenset(("rbx", "rbp", "r12", "r13", "r14", "r15"))
_PLACES = 4  # where one register is saved, that are remembered
_WORD_BYTES = 8
_ALIGNMENT_BYTES = 16
_ONLY_READS = re.compile(
    r"cmp(?!xchg).*|v?u?comis.|v?ptest|vtestp.|test.?|bt[wlq]?|prefetch.*|nop.?|kor?test.|ud2|endbr64"
)
_IMPLICIT = re.compile(r"(i?mul|i?div)[bwlq]?")  # with one operand: into rax and rdx
_BOTH_WRITTEN = re.compile(r"(xchg|xadd|mulx)[bwlq]?")
_STACK = re.compile(r"(push|pop|leave)q?")
_MEMORY = re.compile(r"(-?\w*)\(%(rsp|rbp)\)")
_ENDS = re.compile(r"ud2|ret.?")


@dataclass(frozen=True, slots=True)
class _State:
    """What is known before a statement; places in the stack are relative to %rsp at the function's start."""

    depth: int | None = 0  # bytes on the stack above the return address's end
    frame: int | None = None  # %rbp is this many bytes below the %rsp of the start
    changed: frozenset[str] = frozenset()  # registers of the caller
    saved: frozenset[tuple[str, int | None]] = frozenset()  # register and place; None: somewhere

    def joined(self, other: _State) -> _State:
        """What holds whichever of two ways was taken."""
        return _State(
            self.depth if self.depth == other.depth else None,
            self.frame if self.frame == other.frame else None,
            self.changed | other.changed,
            self.saved & other.saved,
        )


def violations(statements: Sequence[Statement]) -> tuple[str, ...]:
    """Where a function would return with another stack or changed registers, or calls with a misaligned stack."""
    code = [each for each in statements if each.kind is not Kind.DIRECTIVE]
    states, clashes = _flow(code, _Ways(code, table(statements)))
    found = list(clashes)
    own = labels(statements)
    for each, state in zip(code, states, strict=True):
        if state is not None:
            found += _wrong(each, state, own)
    last = next((each for each in reversed(code) if each.kind is Kind.INSTRUCTION), None)
    if last is None or not _ended(last):
        found.append("the function goes on behind its last instruction: end it with retq or a jump")
    return tuple(dict.fromkeys(found))


def table(statements: Sequence[Statement]) -> frozenset[str]:
    """Labels whose address is taken, by data or by an instruction that is no jump: where an indirect jump may go."""
    own = labels(statements)
    takers = [each for each in statements if each.kind is not Kind.LABEL and not each.jumps and each.name != ".size"]
    return symbols(takers) & own & _before_instructions(statements)


def _before_instructions(statements: Sequence[Statement]) -> frozenset[str]:
    """Local labels of code."""
    found: set[str] = set()
    waiting: list[str] = []
    for each in statements:
        if each.kind is Kind.LABEL:
            waiting.append(each.name)
        elif each.kind is Kind.INSTRUCTION:
            found.update(waiting)
            waiting = []
        elif not each.name.startswith((".p2align", ".cfi")):
            waiting = []
    return frozenset(name for name in found if name.startswith(".L"))


class _Ways:
    """Where control may go from each statement, by index."""

    def __init__(self, code: Sequence[Statement], taken: frozenset[str]) -> None:
        self._code = code
        self._places: dict[str, list[int]] = {}
        for index, each in enumerate(code):
            if each.kind is Kind.LABEL:
                self._places.setdefault(each.name, []).append(index)
        self._taken = [place for name in taken for place in self._places[name]]

    def onward(self, index: int) -> Iterator[int]:
        """Every statement that may follow."""
        each = self._code[index]
        if each.jumps:
            yield from self._anywhere(each) if each.indirect else self._targets(index)
        if not each.always_jumps and not _ENDS.fullmatch(each.name) and index + 1 < len(self._code):
            yield index + 1

    def _anywhere(self, jump: Statement) -> Sequence[int]:
        """Where an indirect jump may go; one through a pointer that lies elsewhere is the call of a function."""
        return self._taken if jump.symbols <= self._places.keys() else ()

    def _targets(self, index: int) -> Sequence[int]:
        target = self._code[index].operands[-1] if self._code[index].operands else ""
        if not target[:1].isdecimal():
            return self._places.get(target, ())
        places = self._places.get(target.rstrip("bf"), [])
        following = bisect(places, index)
        return places[following : following + 1] if target.endswith("f") else places[:following][-1:]


def _flow(code: Sequence[Statement], ways: _Ways) -> tuple[list[_State | None], list[str]]:
    """The state before each statement, None where none was found; and where ways with different stacks meet."""
    states: list[_State | None] = [None] * len(code)
    clashes: list[str] = []
    doubtful: list[tuple[int, _State]] = []  # behind calls, which may never return
    waiting = [(0, _State())] if code else []
    while waiting or doubtful:
        if waiting:
            index, state = waiting.pop()
        else:
            index, state = doubtful.pop(0)
            if states[index] is not None:
                continue
        known = states[index]
        if known is not None and None not in (known.depth, state.depth) and known.depth != state.depth:
            clashes.append(
                f"line {code[index].line}: at '{code[index].text}' the stack is {known.depth} bytes deep on one way "
                f"and {state.depth} on another"
            )
        met = state if known is None else known.joined(state)
        if met == known:
            continue
        states[index] = met
        after = _after(code[index], met)
        for following in ways.onward(index):
            ends_in_call = code[index].calls and code[following].kind is Kind.LABEL
            (doubtful if ends_in_call else waiting).append((following, after))
    return states, clashes


def _wrong(each: Statement, state: _State, own: frozenset[str]) -> Iterator[str]:
    place = f"line {each.line}: "
    if each.calls and state.depth is not None and (state.depth + _WORD_BYTES) % _ALIGNMENT_BYTES:
        yield f"{place}'{each.text}' calls with a stack that is not aligned to 16 bytes: it is {state.depth} bytes deep"
    if _leaves(each, own):
        if state.depth:
            yield f"{place}'{each.text}' leaves the function with {state.depth} bytes on the stack"
        for register in sorted(state.changed):
            yield f"{place}'{each.text}' leaves the function with %{register} changed: save and restore it"
    if _overwrites_return_address(each, state):
        yield f"{place}'{each.text}' overwrites the return address"


def _leaves(each: Statement, own: frozenset[str]) -> bool:
    """Whether it returns, or jumps to another function."""
    target = each.operands[0] if each.operands else ""
    outside = each.jumps and not each.indirect and not target[:1].isdecimal() and target not in own
    return each.returns or outside


def _ended(last: Statement) -> bool:
    return last.always_jumps or last.calls or bool(_ENDS.fullmatch(last.name))


def _after(each: Statement, state: _State) -> _State:
    """What is known after a statement."""
    if each.kind is Kind.LABEL or each.jumps or each.calls or _ONLY_READS.fullmatch(each.name):
        return state
    if _STACK.fullmatch(each.name):
        return _stacked(each, state)
    if each.operands and family(each.operands[-1].removeprefix("%")) == "rsp":
        return replace(state, depth=_moved(each, state))
    if each.name == "movq" and len(each.operands) == 2:
        return _copied(each, state)
    return _written(each, state)


def _stacked(each: Statement, state: _State) -> _State:
    """After a push, a pop or `leave`."""
    operand = each.operands[0] if each.operands else "%rbp"
    if each.name.startswith("push"):
        depth = None if state.depth is None else state.depth + _WORD_BYTES
        return _kept(operand, None if depth is None else -depth, replace(state, depth=depth))
    depth = state.frame if each.name.startswith("leave") else state.depth
    popped = _restored(operand, None if depth is None else -depth, state)
    return replace(popped, depth=None if depth is None else depth - _WORD_BYTES)


def _kept(operand: str, place: int | None, state: _State) -> _State:
    """A register's value goes to a place in the stack, and what was saved there is lost."""
    saved = state.saved if place is None else frozenset(pair for pair in state.saved if pair[1] != place)
    register = operand.removeprefix("%")
    places = sum(name == register for name, _ in saved)
    if register in _OF_CALLER - state.changed and places < _PLACES:
        saved |= {(register, place)}
    return replace(state, saved=saved)


def _restored(operand: str, place: int | None, state: _State) -> _State:
    """A register gets what is at a place in the stack."""
    register = operand.removeprefix("%")
    if register not in _OF_CALLER:
        return state
    places = [where for name, where in state.saved if name == register]
    restores = place in places or None in places or (place is None and bool(places))
    changed = state.changed - {register} if restores else state.changed | {register}
    return replace(state, changed=changed, frame=None if register == "rbp" else state.frame)


def _copied(each: Statement, state: _State) -> _State:
    """After a `movq`."""
    source, target = each.operands
    if (source, target) == ("%rsp", "%rbp"):
        return replace(state, frame=state.depth, changed=state.changed | {"rbp"})
    if _MEMORY.fullmatch(target):
        return _kept(source, _place(target, state), state)
    if _MEMORY.fullmatch(source):
        return _restored(target, _place(source, state), state)
    return _written(each, state)


def _moved(each: Statement, state: _State) -> int | None:
    """The depth after an instruction that writes %rsp; None if it can't be told."""
    amount = _number(each.operands[0].removeprefix("$"))
    if each.name in ("subq", "addq") and amount is not None and state.depth is not None:
        return state.depth + (amount if each.name == "subq" else -amount)
    if each.name == "leaq":
        place = _place(each.operands[0], state)
        return None if place is None else -place
    return state.frame if each.name == "movq" and each.operands[0] == "%rbp" else None


def _written(each: Statement, state: _State) -> _State:
    """After an instruction without a meaning of its own: its destination is changed."""
    operands = each.operands
    if not operands or (len(operands) == 1 and _IMPLICIT.fullmatch(each.name)):
        return state
    targets = operands[-2:] if _BOTH_WRITTEN.fullmatch(each.name) else operands[-1:]
    written = {family(target[1:]) for target in targets if target.startswith("%")}
    return replace(
        state,
        changed=state.changed | (written & _OF_CALLER),
        frame=None if "rbp" in written else state.frame,
    )


def _overwrites_return_address(each: Statement, state: _State) -> bool:
    stores = each.name.startswith("mov") and len(each.operands) == 2 and bool(_MEMORY.fullmatch(each.operands[1]))
    place = _place(each.operands[1], state) if stores else None
    return place is not None and 0 <= place < _WORD_BYTES


def _place(operand: str, state: _State) -> int | None:
    """Where in the stack an operand lies, None if it can't be told."""
    match = _MEMORY.fullmatch(operand)
    base = None if match is None else state.depth if match[2] == "rsp" else state.frame
    offset = _number(match[1] or "0") if match else None
    return None if base is None or offset is None else offset - base


def _number(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None
