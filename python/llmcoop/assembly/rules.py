"""What a rewritten function may contain: its own code and constants, and nothing that leaves them.

What the original contains, word for word, is always allowed: the rules are there for what a rewrite adds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from llmcoop.assembly import convention
from llmcoop.assembly.listing import defined, replaced
from llmcoop.assembly.statements import STRING, Kind, Statement, family, labels, parse, symbols
from llmcoop.errors import ProgramError

_SHOWN = 8  # reasons in one message
_LARGEST_TEXT = 1 << 20  # characters
_LONGEST_LINE = 1000  # characters
_LARGEST_FILL = 1 << 16  # bytes that one directive may ask for
_LARGEST_ALIGNMENT = 4096  # bytes

_READ_ONLY = re.compile(r'\.section \.rodata[\w.]*, ?"aM?S?", ?@progbits(, ?\d+)?')
_DATA = re.compile(
    r"\.(byte|short|word|value|2byte|long|int|4byte|quad|8byte|octa|float|single|double|ascii|asciz|string|zero)"
)
_ALIGNMENT = re.compile(r"\.(p2align|balign)")
_UNWINDING = re.compile(
    r"\.cfi_(startproc|endproc|def_cfa(_offset|_register)?|adjust_cfa_offset|(rel_)?offset|restore(_state)?"
    r"|remember_state|same_value|undefined)"
)
_FORBIDDEN = {
    "enters the kernel or needs its rights": re.compile(
        r"syscall|sysenter|sysret[lq]?|sysexit[lq]?|int|int1|int3|into|icebp|hlt|(in|out|ins|outs)[bwl]?|cli|sti|clts"
        r"|(rd|wr)msr\w*|rdpmc|[ls][gil]dt[lqw]?|ltrw?|str[lqw]?|[ls]msw\w?|invlpg\w?|invd|invpcid|wbn?oinvd|wbinvd"
        r"|swapgs|iret\w?|lret\w?|retf\w?|lcall\w?|ljmp\w?|u?mwaitx?|u?monitorx?|vm(call|mcall|run|launch|resume|func)"
        r"|(rd|wr)[fg]sbase\w?|wrpkru|xsetbv|enqcmds?|senduipi|xbegin|xend|xabort|xtest|enter\w?"
    ),
    "depends on when and where the program runs, not on its input": re.compile(
        r"rdtscp?|cpuid|xgetbv|rdrand\w?|rdseed\w?|rdpid\w?|rdpru|tpause"
    ),
    "changes a state of the processor that callers rely on": re.compile(
        r"v?ldmxcsr|fldcw|fldenv|frstor|fn?init|fxrstor\w*|xrstor\w*|popf[qlw]?|std|cld"
    ),
}
_SPECIAL_REGISTER = re.compile(r"[fgcds]s|[cd]r\d+|tr\d|bnd\d")
_GENERAL_REGISTER = re.compile(r"r[abcd]x|r[sd]i|r[sb]p|r\d+|[xyz]mm\d+|rip")
_TARGET = re.compile(r"[A-Za-z_.$][\w.$]*(@PLT)?|\d+[bf]")
_BELOW_STACK = re.compile(r"-\s*\w+\(%rsp")
_ODD = re.compile(r'[="\\/]')
_NUMBER = re.compile(r"0|[1-9]\d{0,17}|0x[0-9a-fA-F]{1,16}")
# Python and the assembler must agree where a line ends, and so where a comment does.
_UNREADABLE = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]|[\u2028\u2029]")


class AssemblyRefused(ProgramError):  # noqa: N818 - it says what happened
    """The text of a function breaks rules; the message names each broken rule with the line."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """A statement, and whether it stands in a section of code."""

    statement: Statement
    in_code: bool


@dataclass(frozen=True, slots=True)
class _Rewrite:
    """What the rules judge."""

    name: str
    original: tuple[Statement, ...]
    proposed: tuple[Statement, ...]
    rest: str  # the module without the original

    def added(self, kind: Kind) -> Iterator[_Placed]:
        """The proposed statements of that kind that do not stand in the original, word for word."""
        known = {(each.statement.text, each.in_code) for each in _placed(self.original)}
        for each in _placed(self.proposed):
            if each.statement.kind is kind and (each.statement.text, each.in_code) not in known:
                yield each


def check(original: str, proposed: str, module: str) -> None:
    """Refuse a text that is not a rewrite of the function `original` of `module`, and of nothing else.

    Raises AssemblyRefused with reasons that its author can act on; lines are those of `proposed`.
    """
    _check_readable(proposed)
    name, *_ = defined(original)
    rewrite = _Rewrite(name, parse(original), parse(proposed), replaced(module, name, ""))
    reasons = list(dict.fromkeys(reason for rule in _RULES for reason in rule(rewrite)))
    if reasons:
        left = len(reasons) - _SHOWN
        raise AssemblyRefused("\n".join((*reasons[:_SHOWN], *([f"and {left} more"] if left > 0 else []))))


def _check_readable(text: str) -> None:
    if len(text) > _LARGEST_TEXT:
        raise AssemblyRefused(f"the text has {len(text)} characters; {_LARGEST_TEXT} are allowed")
    if odd := _UNREADABLE.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        raise AssemblyRefused(f"line {line}: there is a control character, {odd[0]!r}")
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > _LONGEST_LINE:
            raise AssemblyRefused(f"line {number} has {len(line)} characters; {_LONGEST_LINE} are allowed")


def _one_function(rewrite: _Rewrite) -> Iterator[str]:
    """It defines the function, as visible as it was, and no other."""
    own = labels(rewrite.proposed)
    if rewrite.name not in own:
        yield f"the label '{rewrite.name}:' is missing: send the whole function under its own name"
    given = {each.text.replace(" ", "") for each in rewrite.proposed}
    for each in rewrite.original:
        needed = each.name in (".globl", ".type", ".hidden", ".protected", ".weak") and rewrite.name in each.operands
        if needed and each.text.replace(" ", "") not in given:
            yield f"the directive '{each.text}' of the original is missing"
    if not any(each.name == ".size" and each.operands[:1] == (rewrite.name,) for each in rewrite.proposed):
        yield f"'.size {rewrite.name}, .-{rewrite.name}' is missing after the last instruction"
    for other in sorted(own - labels(rewrite.original)):
        if not other.startswith(".L"):
            yield f"'{other}:' starts another function; labels inside of '{rewrite.name}' start with .L"


def _labels(rewrite: _Rewrite) -> Iterator[str]:
    """It defines what the rest of the module refers to, and nothing that the rest defines."""
    own, theirs = labels(rewrite.proposed), labels(rewrite.original)
    for name in sorted((theirs - own) & set(re.findall(r"[\w.$]+", rewrite.rest)) - {rewrite.name}):
        yield f"the label '{name}:' is missing: code or data outside of the function refers to it"
    for name in sorted((own - theirs) & set(re.findall(r"^([\w.$]+):", rewrite.rest, re.MULTILINE))):
        yield f"the label '{name}:' belongs to another function: choose another name"


def _directives(rewrite: _Rewrite) -> Iterator[str]:
    """They align, describe the frame, or define constants in a read-only section."""
    own = labels(rewrite.proposed)
    for each in rewrite.added(Kind.DIRECTIVE):
        statement = each.statement
        place = f"line {statement.line}: "
        if _DATA.fullmatch(statement.name):
            if each.in_code:
                yield f"{place}{statement.name} puts data into the code; put it below .section .rodata"
            elif _huge(statement):
                yield f"{place}'{statement.text}' is too large"
        elif _ALIGNMENT.fullmatch(statement.name):
            if not _aligns(statement):
                yield f"{place}align by .p2align with 12 at most, and without a filler"
        elif not _describes(statement, own):
            yield f"{place}the directive '{statement.text}' is not allowed here"


def _syntax(rewrite: _Rewrite) -> Iterator[str]:
    """Nothing that an assembler could take for a comment, an assignment or a quoted name."""
    for kind in (Kind.DIRECTIVE, Kind.INSTRUCTION):
        for each in rewrite.added(kind):
            plain = STRING.sub("", each.statement.text) if kind is Kind.DIRECTIVE else each.statement.text
            if _ODD.search(plain):
                yield f"line {each.statement.line}: '{each.statement.text}' is no {kind.name.lower()} in AT&T syntax"


def _instructions(rewrite: _Rewrite) -> Iterator[str]:
    """They compute; none enters the kernel, asks for the time or changes the processor's state."""
    for each in rewrite.added(Kind.INSTRUCTION):
        statement = each.statement
        place = f"line {statement.line}: "
        if not each.in_code:
            yield f"{place}'{statement.text}' stands in a section for data"
        for reason, names in _FORBIDDEN.items():
            if names.fullmatch(statement.name):
                yield f"{place}{statement.name} {reason}"


def _registers(rewrite: _Rewrite) -> Iterator[str]:
    """Segment, control and debug registers are used only if the original does."""
    known = {name for each in rewrite.original for name in each.registers}
    for each in rewrite.proposed:
        for name in sorted(each.registers - known):
            if _SPECIAL_REGISTER.fullmatch(name):
                yield f"line {each.line}: the original does not use %{name}"


def _references(rewrite: _Rewrite) -> Iterator[str]:
    """They go to its own labels, and to what the original refers to."""
    outside = symbols(rewrite.original) - labels(rewrite.original)
    known = outside | labels(rewrite.proposed) | {rewrite.name}
    for each in rewrite.proposed:
        for name in sorted(each.symbols - known):
            yield f"line {each.line}: {_unknown(name)}"


def _unknown(name: str) -> str:
    if _GENERAL_REGISTER.fullmatch(family(name.lower())):
        return f"'{name}' is no symbol; in AT&T syntax the register is %{name}"
    if name.startswith(".L"):
        return f"the label '{name}' is not defined in the text"
    return f"'{name}' is neither a label of the text nor used by the original"


def _transfers(rewrite: _Rewrite) -> Iterator[str]:
    """Jumps and calls go to a name; through a register or memory only if the original does so, or has a table."""
    calls = any(each.indirect and each.calls for each in rewrite.original)
    jumps = any(each.indirect and each.jumps for each in rewrite.original) or bool(convention.table(rewrite.proposed))
    own = {name for name in labels(rewrite.proposed) if name.startswith(".L")}
    for each in rewrite.proposed:
        if not (each.calls or each.jumps):
            continue
        place = f"line {each.line}: '{each.text}' "
        if each.indirect:
            if not (calls if each.calls else jumps):
                yield f"{place}goes to a place that is known at run time only; the original does not do so"
        elif len(each.operands) != 1 or not _TARGET.fullmatch(each.operands[0]):
            yield f"{place}must go to a label or a function"
        elif each.calls and each.symbols <= own:
            yield f"{place}calls a part of this function; jump to it"


def _red_zone(rewrite: _Rewrite) -> Iterator[str]:
    """What lies below the stack pointer does not survive a call."""
    if not any(each.calls for each in rewrite.proposed):
        return
    for each in rewrite.added(Kind.INSTRUCTION):
        uses = not each.statement.name.startswith("lea")
        if uses and any(_BELOW_STACK.match(operand) for operand in each.statement.operands):
            yield (
                f"line {each.statement.line}: '{each.statement.text}' uses memory below %rsp, which the calls in this "
                "function overwrite: move %rsp down first"
            )


def _calling_convention(rewrite: _Rewrite) -> Iterator[str]:
    """Callers find the stack and their registers as they left them."""
    if not convention.violations(rewrite.original):
        yield from convention.violations(rewrite.proposed)


_RULES: Sequence[Callable[[_Rewrite], Iterator[str]]] = (
    _one_function,
    _labels,
    _syntax,
    _directives,
    _instructions,
    _registers,
    _references,
    _transfers,
    _red_zone,
    _calling_convention,
)


def _placed(statements: Sequence[Statement]) -> Iterator[_Placed]:
    in_code = True
    for each in statements:
        if each.name in (".text", ".section"):
            in_code = ".rodata" not in each.text
        yield _Placed(each, in_code)


def _huge(statement: Statement) -> bool:
    """Whether it asks for more memory than a constant needs."""
    if statement.name != ".zero":
        return False
    numbers = [operand for operand in statement.operands if _NUMBER.fullmatch(operand)]
    return len(numbers) != len(statement.operands) or any(int(number, 0) > _LARGEST_FILL for number in numbers)


def _aligns(statement: Statement) -> bool:
    amount, filler, *_ = (*statement.operands, "", "")
    if not _NUMBER.fullmatch(amount) or filler not in ("", "0x90", "0", "0x0"):
        return False
    number = int(amount, 0)
    return (
        (number <= _LARGEST_ALIGNMENT) if statement.name == ".balign" else (1 << min(number, 64)) <= _LARGEST_ALIGNMENT
    )


def _describes(statement: Statement, own: frozenset[str]) -> bool:
    """Whether it selects code or read-only data, or says something of what the text defines."""
    if statement.name == ".section":
        return bool(_READ_ONLY.fullmatch(statement.text))
    if statement.name in (".type", ".size"):
        return statement.operands[:1] != () and statement.operands[0] in own
    return statement.name == ".text" or bool(_UNWINDING.fullmatch(statement.name))
