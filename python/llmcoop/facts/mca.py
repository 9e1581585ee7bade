"""What llvm-mca says of the innermost loops of a function in assembly."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from llmcoop import process
from llmcoop.errors import UsageError
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.toolchain import Toolchain

_TIMEOUT_S = 30.0
_SIMULATED = 50_000  # instructions; with few iterations the critical sequence is that of the start
_MOST_INSTRUCTIONS = 1500  # llvm-mca's time grows with them
_MOST_LINES = 20_000  # of a function
_MOST_JUMPS = 500  # backwards, the shortest ones
_LOOPS = 2
_SEQUENCE_LINES = 7  # of a critical sequence
_LABEL = re.compile(r'\s*([\w.$@]+|"[^"]+"):')
_JUMP = re.compile(r"\s*(?:j\w+|loop\w*)\s+(\.?[\w.$]+)\s*$")
_END = re.compile(r"\s*(?:jmp|ret|ud2|hlt)")
_FUNCTION = re.compile(r"\s*\.type\s+\S+,\s*@function")
_ARITHMETIC = re.compile(r"\s*v?[a-z0-9]+.*%[xyz]mm|\s*(?:i?mul|i?div|popcnt|sh[lr]|sa[lr]|ro[lr])")
_NUMBER = {
    name: re.compile(rf"^{name}:\s+([\d.]+)", re.MULTILINE)
    for name in ("Instructions", "Total Cycles", "IPC", "Block RThroughput")
}
_PRESSURE = re.compile(r"^  - (\w[\w. ]*?)\s+\[ ([\d.]+)% \]|^  (Resource Pressure)\s+\[ ([\d.]+)% \]", re.MULTILINE)
_CRITICAL = re.compile(r"^ ?\S+[->]+ +\d+\. +(.+?) +## (.+)$", re.MULTILINE)
_RESOURCE = re.compile(r"^\[([\d.]+)\]\s+- (\S+)", re.MULTILINE)
_PER_ITERATION = re.compile(r"^Resource pressure per iteration:\n.*\n(.*)$", re.MULTILINE)
_MISSING = "llvm-mca is not installed: no estimate of the loop (apt-get install llvm-22)"


@dataclass(frozen=True, slots=True)
class _Loop:
    label: str
    code: tuple[str, ...]  # instructions

    @property
    def weight(self) -> tuple[int, int]:
        """How much it computes, how long it is."""
        return sum(bool(_ARITHMETIC.match(line)) for line in self.code), len(self.code)


def report(toolchain: Toolchain, sandbox: Sandbox, assembly: str, function: str, cpu: str) -> str:
    """Throughput and bottleneck of the two innermost loops of `function` that compute most, for `cpu` (as -mcpu=).

    `assembly` is AT&T text of a module and may be anything. Without a loop the whole function is taken as one; that
    llvm-mca is missing is said in the text, which has 25 lines at most.

    Raises UsageError when there is no such function or llvm-mca can't read it.
    """
    if toolchain.mca is None:
        return _MISSING
    body = _body(assembly, function)
    if len(body) > _MOST_LINES:
        raise UsageError(f"'{function}' has {len(body)} lines of assembly; {_MOST_LINES} are looked at")
    loops = sorted(_innermost(body), key=lambda loop: loop.weight, reverse=True)[:_LOOPS]
    chosen = loops or [_Loop("", _instructions(body))]
    return "\n".join(_condensed(loop, _analyse(toolchain, sandbox, loop, cpu), function, cpu) for loop in chosen)


def _body(assembly: str, function: str) -> list[str]:
    """The lines of a function, without comments. Raises UsageError."""
    lines = [line.partition("#")[0].rstrip() for line in assembly.splitlines()]
    start = next((at for at, line in enumerate(lines) if line in (f"{function}:", f'"{function}":')), None)
    if start is None:
        defined = [line.split(",")[0].split()[1] for line in lines if _FUNCTION.match(line)][:20]
        raise UsageError(f"the assembly has no function '{function}', only {', '.join(defined) or 'none'}")
    ends = (at for at in range(start, len(lines)) if re.match(rf"\s*\.size\s+\"?{re.escape(function)}\b", lines[at]))
    return lines[start + 1 : next(ends, len(lines))]


def _innermost(body: Sequence[str]) -> list[_Loop]:
    """Loops without another one in them: what leads from a label to a jump back to it."""
    labels = {match[1]: at for at, line in enumerate(body) if (match := _LABEL.match(line))}
    targets = {at: labels[jump[1]] for at, line in enumerate(body) if (jump := _JUMP.match(line)) and jump[1] in labels}
    ends = {start: at for at, start in sorted(targets.items()) if start < at}
    found: dict[range, list[int]] = {}
    for start, end in sorted(ends.items(), key=lambda span: span[1] - span[0])[:_MOST_JUMPS]:
        inner = any(start <= other.start and other.stop <= end + 1 for other in found)
        circle = [] if inner else _circle(body, targets, start, end)
        if circle:
            found[range(start, end + 1)] = circle
    return [
        _Loop(body[span.start].strip(" \t:"), _instructions([body[at] for at in at_])) for span, at_ in found.items()
    ]


def _circle(body: Sequence[str], targets: Mapping[int, int], start: int, end: int) -> list[int]:
    """The lines between two that lie on a way from the first to the last; none if there is no way."""
    before: defaultdict[int, list[int]] = defaultdict(list)
    reached, waiting = {start}, [start]
    while waiting:
        at = waiting.pop()
        following = ([] if _END.match(body[at]) else [at + 1]) + ([targets[at]] if at in targets else [])
        for following_at in (each for each in following if start <= each <= end and at != end):
            before[following_at].append(at)
            if following_at not in reached:
                reached.add(following_at)
                waiting.append(following_at)
    leading, waiting = {end} & reached, list({end} & reached)
    while waiting:
        new = [at for at in before[waiting.pop()] if at not in leading]
        leading.update(new)
        waiting += new
    return sorted(leading)


def _instructions(lines: Sequence[str]) -> tuple[str, ...]:
    """Without labels and directives."""
    bare = (line for line in lines if line.strip() and not _LABEL.match(line))
    return tuple(line for line in bare if not line.lstrip().startswith("."))


def _analyse(toolchain: Toolchain, sandbox: Sandbox, loop: _Loop, cpu: str) -> str:
    """What llvm-mca prints. Raises UsageError."""
    if not loop.code or len(loop.code) > _MOST_INSTRUCTIONS:
        raise UsageError(f"llvm-mca takes 1 to {_MOST_INSTRUCTIONS} instructions, not {len(loop.code)}")
    options = [f"-iterations={_iterations(loop)}", "-bottleneck-analysis", "-instruction-info=false"]
    command = sandbox.command(
        [str(toolchain.mca), "-mtriple=x86_64", f"-mcpu={cpu}", *options, "-skip-unsupported-instructions=lack-sched"],
        readonly=toolchain.outside_usr,
        limits=Limits(cpu_s=_TIMEOUT_S),
    )
    text = "".join(f"{line}\n" for line in loop.code)
    done = process.run(command, stdin=text.encode(errors="replace"), timeout_s=_TIMEOUT_S)
    if done.timed_out:
        raise UsageError(f"llvm-mca needs more than {_TIMEOUT_S:g} s for {len(loop.code)} instructions")
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").splitlines()
        raise UsageError(f"llvm-mca: {next((line for line in said if 'error' in line), 'it failed')}")
    return done.stdout.decode(errors="replace")


def _iterations(loop: _Loop) -> int:
    return max(50, min(1000, _SIMULATED // len(loop.code)))


def _condensed(loop: _Loop, printed: str, function: str, cpu: str) -> str:
    numbers = {name: float(match[1]) for name, pattern in _NUMBER.items() if (match := pattern.search(printed))}
    if len(numbers) < len(_NUMBER):
        raise UsageError("llvm-mca prints no summary of these instructions")
    what = f"loop {loop.label}" if loop.label else "no loop; once through it"
    cycles, least = numbers["Total Cycles"] / _iterations(loop), numbers["Block RThroughput"]
    lines = [
        f"{function}, {what}: {len(loop.code)} instructions, {cycles:.1f} cycles an iteration on {cpu}, "
        f"{numbers['IPC']:.1f} instructions a cycle; {least:.1f} cycles if throughput alone limited it{_caution(loop)}",
        f"  fullest resources (cycles an iteration): {_fullest(printed)}",
        f"  bottleneck: {_bottleneck(printed)}",
    ]
    critical = [f"    {code.strip()}  <- {why}" for code, why in islice(_critical(printed), _SEQUENCE_LINES)]
    return "\n".join([*lines, *(["  critical sequence:", *critical] if critical else [])])


def _caution(loop: _Loop) -> str:
    """What the simulation leaves out."""
    inside = [line.split()[0] for line in loop.code[:-1]]
    calls = any(name.startswith("call") for name in inside)
    jumps = any(name.startswith(("j", "loop")) for name in inside)
    left_out = [*(["jumps inside fall through"] if jumps else []), *(["calls cost nothing"] if calls else [])]
    return f" ({', '.join(left_out)})" if left_out else ""


def _critical(printed: str) -> list[tuple[str, str]]:
    """Instructions of the critical sequence that wait, and for what."""
    found = ((" ".join(code.split()), " ".join(why.split())) for code, why in _CRITICAL.findall(printed))
    return list(dict.fromkeys(found))


def _bottleneck(printed: str) -> str:
    found = [(name or whole, share or all_share) for name, share, whole, all_share in _PRESSURE.findall(printed)]
    waiting = [f"{name} {float(share):.0f}%" for name, share in found if float(share) >= 5]
    return f"cycles in which instructions wait for {', '.join(waiting)}" if waiting else "none found"


def _fullest(printed: str) -> str:
    """The three resources with the most pressure."""
    names = [name for _, name in _RESOURCE.findall(printed)]
    row = _PER_ITERATION.search(printed)
    cells = [0.0 if cell == "-" else float(cell) for cell in row[1].split()] if row else []
    fullest = sorted(zip(cells, names, strict=False), reverse=True)[:3]
    return ", ".join(f"{name} {pressure:.1f}" for pressure, name in fullest)
