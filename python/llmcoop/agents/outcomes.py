"""How the evaluation of a candidate is told to a model: exactly, but of a hidden test only that it failed."""

from __future__ import annotations

import json
import re
from itertools import takewhile

from llmcoop.prompts import fenced
from llmcoop.values import Candidate, Counterexample, Evaluation, Invocation, Level, Measurement, Outcome, Refutation

_INPUT_CHARACTERS = 800  # of arguments, and of standard input
_WHOLE_CHARACTERS = 600  # of an output that is shown whole
_LINES_BEFORE, _LINES_AFTER = 2, 3  # of the first line that differs
_LINE_CHARACTERS = 200
_MESSAGE_CHARACTERS = 2_000
_SUMMARY_CHARACTERS = 160
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_PLACE = re.compile(r"([^/\s:]+\.[ch]):(\d+):")  # in what a compiler says
_FOLDER = re.compile(r"/\S*/(?=[^/\s]+\.[cho]\b)")
_VARIANT = "variant"


def describe(evaluation: Evaluation, baseline_s: float, parent_speedup: float = 1.0) -> str:
    """What came of a candidate, in Markdown.

    `baseline_s` is what the workload takes the baseline; `parent_speedup` is of the version that was to be improved.
    """
    measured = evaluation.measurement
    ratio = _ratio(measured, baseline_s, parent_speedup) if measured else "not measured"
    message = _shortened(evaluation.message)
    counterexample = evaluation.evidence.counterexample if evaluation.evidence else None
    match evaluation.outcome:
        case Outcome.ACCEPTED:
            told = f"Accepted: it is {ratio}, and nothing was found that speaks against it."
        case Outcome.NOT_FASTER:
            told = f"It passed the tests, but it does not count as faster: it is {ratio}. {message}"
        case Outcome.SAME_CODE:
            told = f"The compiler makes the same code of it as of what was measured before: {message}"
        case Outcome.WEAK:
            told = f"It is {ratio}, and nothing speaks against it, but too little for it: {message}"
        case Outcome.REFUTED:
            told = _refutation(counterexample) if counterexample else f"It is wrong. {message}"
        case Outcome.DOES_NOT_COMPILE:
            told = "It does not compile:\n\n" + fenced(_with_lines(evaluation.message, evaluation.candidate))
        case Outcome.COMPILER_FAILED:
            told = "The compiler crashed on it, or took too long:\n\n" + fenced(message)
    return told.rstrip()


def summary(evaluation: Evaluation) -> str:
    """One line about an earlier candidate: what it was, how it ended, how fast it was."""
    measured = evaluation.measurement
    speedup = f" ({measured.speedup:.2f}x)" if measured else ""
    counterexample = evaluation.evidence.counterexample if evaluation.evidence else None
    reason = f"failed a test: {counterexample.kind}" if counterexample else " ".join(evaluation.message.split())
    line = f"{evaluation.candidate.origin}: {evaluation.outcome}{speedup}" + (f": {reason}" if reason else "")
    return line if len(line) <= _SUMMARY_CHARACTERS else f"{line[:_SUMMARY_CHARACTERS]}…"


def visible(content: bytes) -> str:
    """Bytes as text, with escapes for those that make no characters, and for control characters."""
    text = content.decode(errors="backslashreplace")
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def invocation(run: Invocation) -> str:
    """How the program is run: arguments, standard input and files; long ones are shortened."""
    args = json.dumps(list(run.args))
    lines = [f"Arguments: {args[:_INPUT_CHARACTERS]}{' [...]' if len(args) > _INPUT_CHARACTERS else ''}"]
    stdin = visible(run.stdin[:_INPUT_CHARACTERS])
    if len(run.stdin) > _INPUT_CHARACTERS:
        lines.append(f"Standard input, the first {_INPUT_CHARACTERS} of {len(run.stdin)} bytes:\n{fenced(stdin)}")
    elif run.stdin:
        lines.append(f"Standard input, {len(run.stdin)} bytes:\n{fenced(stdin)}")
    else:
        lines.append("Standard input: empty")
    if run.files:
        lines.append(f"Files in its folder: {', '.join(path.name for path in run.files)}")
    return "\n".join(lines)


def _ratio(measured: Measurement, baseline_s: float, parent_speedup: float) -> str:
    now_s = baseline_s / measured.speedup
    text = (
        f"{measured.speedup:.3f}x as fast as the baseline ({measured.confidence:.0%} interval {measured.low:.3f} to "
        f"{measured.high:.3f}; {baseline_s:.3g} s became {now_s:.3g} s)"
    )
    if parent_speedup == 1.0:
        return text
    return f"{text} and {measured.speedup / parent_speedup:.3f}x as fast as the version before"


def _shortened(text: str) -> str:
    return text if len(text) <= _MESSAGE_CHARACTERS else f"{text[:_MESSAGE_CHARACTERS]} [...]"


def _with_lines(message: str, candidate: Candidate) -> str:
    """The compiler's message, with the lines of the candidate that it is about; models can't count lines."""
    written = candidate.text.split("\n") if candidate.level is Level.SOURCE else []
    told: list[str] = []
    for line in message.split("\n"):
        told.append(_FOLDER.sub("", line)[:_LINE_CHARACTERS])
        place = _PLACE.search(line)
        if place and place[1] == candidate.source and 0 < int(place[2]) <= len(written):
            told.append(f"    {place[2]} | {written[int(place[2]) - 1][:_LINE_CHARACTERS]}")
    return _shortened("\n".join(told))


def _refutation(failure: Counterexample) -> str:
    if failure.case.hidden or failure.case.origin == _VARIANT:
        return f"It is wrong: it failed a hidden test ({failure.kind}). Other inputs than those you saw matter, too."
    lines = [f"It is wrong: {failure.kind}. The input:", "", invocation(failure.case.invocation), ""]
    right = f"exit {failure.case.exit_code}"
    same = failure.status == right
    lines.append(
        f"Both end with {right}." if same else f"The original ends with {right}, yours with {_status(failure)}"
    )
    if failure.stdout == failure.case.stdout:
        lines.append("Their outputs are the same.")
    elif failure.kind in (Refutation.OUTPUT, Refutation.ENDING):
        lines += ["", _difference(failure.case.stdout, failure.stdout)]
    return "\n".join(lines)


def _status(failure: Counterexample) -> str:
    status = _shortened(failure.status)
    return f"this report:\n{fenced(status)}" if "\n" in status else f"{status}."


def _difference(expected: bytes, actual: bytes) -> str:
    """Both outputs if they are short; else what is around the first line that differs."""
    if max(len(expected), len(actual)) <= _WHOLE_CHARACTERS:
        return f"{_part('Expected', '', expected)}\n{_part('Got', '', actual)}"
    old, new = expected.split(b"\n"), actual.split(b"\n")
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    first, last = max(0, same - _LINES_BEFORE), same + _LINES_AFTER
    where = f" from line {first + 1}"
    sizes = f"They differ first in line {same + 1}; expected are {len(expected)} bytes, got {len(actual)}."
    shown = [b"\n".join(_clipped(line, *_around(old, new, same)) for line in part[first:last]) for part in (old, new)]
    return f"{sizes}\n{_part('Expected', where, shown[0])}\n{_part('Got', where, shown[1])}"


def _part(title: str, where: str, content: bytes) -> str:
    return f"{title}{where}:\n{fenced(visible(content))}"


def _around(old: list[bytes], new: list[bytes], number: int) -> tuple[int, int]:
    """The part of long lines that is worth showing: where the first different ones differ."""
    if number >= min(len(old), len(new)):
        return 0, _LINE_CHARACTERS
    pairs = zip(old[number], new[number], strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    start = max(0, same - _LINE_CHARACTERS // 2)
    return start, start + _LINE_CHARACTERS


def _clipped(line: bytes, start: int, end: int) -> bytes:
    return (b"[...]" if start else b"") + line[start:end] + (b"[...]" if len(line) > end else b"")
