"""Small functions from a seed, and small changes to them that may or may not be right."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

_FLAGS = {
    **dict.fromkeys(("add", "sub", "mul", "shl"), ("nuw", "nsw")),
    **dict.fromkeys(("lshr", "ashr", "udiv", "sdiv"), ("exact",)),
    "or": ("disjoint",),
}
_BINARY = ("add", "sub", "mul", "shl", "lshr", "ashr", "udiv", "sdiv", "urem", "srem", "and", "or", "xor")
_CHOOSING = ("smin", "smax", "umin", "umax", "uadd.sat", "sadd.sat", "usub.sat", "ssub.sat", "ushl.sat", "sshl.sat")
_PREDICATES = ("eq", "ne", "ult", "ule", "ugt", "uge", "slt", "sle", "sgt", "sge")
_KINDS = (
    *("binary",) * 6,
    "icmp",
    "select",
    "select",
    "freeze",
    "call",
    "call",
    "cast",
    "zeros",
    "zeros",
    "fsh",
    "overflow",
)


@dataclass(frozen=True)
class Step:
    """One instruction; `uses` are its operands: earlier results, arguments or constants, as text."""

    kind: str
    name: str
    flags: tuple[str, ...]
    uses: tuple[str, ...]
    condition: tuple[str, str]  # what an i1 is made of, by a comparison


@dataclass(frozen=True)
class Sketch:
    """A function of integers of one width: steps, and perhaps a branch around the last of them."""

    width: int
    parameters: tuple[str, ...]  # attributes
    steps: tuple[Step, ...]
    branch: bool

    def text(self) -> str:
        """As a module that defines @f."""
        type_ = f"i{self.width}"
        parameters = ", ".join(f"{type_} {extra} %a{number}" for number, extra in enumerate(self.parameters))
        lines = [line for number, step in enumerate(self.steps[:-1]) for line in _lines(step, number, self.width)]
        last = len(self.steps) - 1
        ending = _lines(self.steps[last], last, self.width)
        result = f"%v{last}"
        if self.branch:
            a, b = self.steps[last].condition
            lines += [f"%cond = icmp ult {type_} {a}, {b}", "br i1 %cond, label %then, label %end", "then:", *ending]
            lines += ["br label %end", "end:", f"%merged = phi {type_} [ {result}, %then ], [ {a}, %entry ]"]
            result = "%merged"
        else:
            lines += ending
        body = "\n  ".join((*lines, f"ret {type_} {result}"))
        return f"define {type_} @f({parameters}) {{\nentry:\n  {body}\n}}\n"


def _lines(step: Step, number: int, width: int) -> list[str]:
    type_, value, extra = f"i{width}", f"%v{number}", f"%w{number}"
    a, b, c = step.uses
    flags = "".join(f" {flag}" for flag in step.flags)
    half, pair = f"i{width - 1}", f"{{ {type_}, i1 }}"
    x, y = step.condition
    return {
        "binary": [f"{value} = {step.name}{flags} {type_} {a}, {b}"],
        "icmp": [f"{extra} = icmp {step.name} {type_} {a}, {b}", f"{value} = zext i1 {extra} to {type_}"],
        "select": [
            f"{extra} = icmp {step.name} {type_} {x}, {y}",
            f"{value} = select i1 {extra}, {type_} {a}, {type_} {b}",
        ],
        "freeze": [f"{value} = freeze {type_} {a}"],
        "call": [f"{value} = call {type_} @llvm.{step.name}.{type_}({type_} {a}, {type_} {b})"],
        "cast": [f"{extra} = trunc{flags} {type_} {a} to {half}", f"{value} = {step.name} {half} {extra} to {type_}"],
        "zeros": [f"{value} = call {type_} @llvm.{step.name}.{type_}({type_} {a}, i1 {'true' if flags else 'false'})"],
        "fsh": [f"{value} = call {type_} @llvm.{step.name}.{type_}({type_} {a}, {type_} {b}, {type_} {c})"],
        "overflow": [
            f"{extra} = call {pair} @llvm.{step.name}.with.overflow.{type_}({type_} {a}, {type_} {b})",
            f"{extra}.1 = extractvalue {pair} {extra}, 1",
            f"{extra}.0 = extractvalue {pair} {extra}, 0",
            f"{value} = select i1 {extra}.1, {type_} {c}, {type_} {extra}.0",
        ],
    }[step.kind]


def sketch(random_: random.Random, width: int) -> Sketch:
    """A function of one or two arguments and one to four steps."""
    parameters = tuple(random_.choice(("", "noundef")) for _ in range(random_.randint(1, 2)))
    steps: list[Step] = []
    for _ in range(random_.randint(1, 4)):
        steps.append(_step(random_, width, len(parameters), len(steps)))
    return Sketch(width, parameters, tuple(steps), random_.random() < 0.25)


def _use(random_: random.Random, width: int, parameters: int, before: int) -> str:
    kind = random_.random()
    if kind < 0.45 or not before:
        if kind < 0.08:
            return random_.choice(("undef", "poison", "undef"))
        if kind < 0.25:
            value = random_.choice((0, 1, 2, -1, 1 << (width - 1), random_.getrandbits(width)))
            value %= 1 << width
            return str(value - (1 << width) if value >> (width - 1) else value)
        return f"%a{random_.randrange(parameters)}"
    return f"%v{random_.randrange(max(0, before - 2), before)}"


def _step(random_: random.Random, width: int, parameters: int, before: int) -> Step:
    kind = random_.choice(_KINDS)
    name = random_.choice(
        {
            "binary": _BINARY,
            "icmp": _PREDICATES,
            "select": _PREDICATES,
            "call": _CHOOSING,
            "cast": ("zext", "sext", "zext nneg"),
            "zeros": ("ctlz", "cttz", "abs"),
            "fsh": ("fshl", "fshr"),
            "overflow": ("uadd", "sadd", "usub", "ssub", "umul", "smul"),
        }.get(kind, ("",))
    )
    uses = [_use(random_, width, parameters, before) for _ in range(5)]
    return Step(kind, name, _flags(random_, kind, name), (uses[0], uses[1], uses[2]), (uses[3], uses[4]))


def _flags(random_: random.Random, kind: str, name: str) -> tuple[str, ...]:
    known = {"binary": _FLAGS.get(name, ()), "cast": ("nuw", "nsw"), "zeros": ("true",)}.get(kind, ())
    return tuple(flag for flag in known if random_.random() < 0.25)


def changed(random_: random.Random, old: Sketch) -> Sketch:
    """The function with one step changed: flags, an operand, the order of operands, or all of it."""
    number = random_.randrange(len(old.steps))
    step = old.steps[number]
    match random_.randrange(5):
        case 0:
            step = replace(step, flags=_flags(random_, step.kind, step.name))
        case 1:
            step = replace(step, uses=(step.uses[1], step.uses[0], step.uses[2]))
        case 2:
            other = _use(random_, old.width, len(old.parameters), number)
            step = replace(step, uses=(step.uses[0], other, step.uses[2]))
        case 3:
            step = _step(random_, old.width, len(old.parameters), number)
        case _:
            step = replace(step, kind="freeze") if step.kind != "freeze" else replace(step, kind="binary", name="add")
    return replace(old, steps=(*old.steps[:number], step, *old.steps[number + 1 :]))
