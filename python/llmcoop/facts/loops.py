"""What became of hot innermost loops: vectorized, unrolled, short of registers, or why not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from llmcoop.facts.records import Place, Record
from llmcoop.facts.source import Source

_UNKNOWN_COUNT = "how often it runs is not known before it starts: whether it goes on depends on data read in it"
_EXITS = "it can be left at several places, which depend on data"
_CONTROL_FLOW = "its branches can't be turned into selections of values"
_CALLS = ("CantVectorizeLibcall", "CantVectorizeCall", "CantVectorizeIntrinsic")
# Why a loop is not vectorized, by the name of the analysis; the more fundamental reason first.
_REASONS = {
    **dict.fromkeys(_CALLS, ""),  # worded by _called
    "CantComputeNumberOfIterations": _UNKNOWN_COUNT,
    "UnsupportedUncountableLoop": _UNKNOWN_COUNT,
    "TooManyUncountableEarlyExits": _EXITS,
    "NoConditionLoadForEarlyExitLoop": "it can be left early, and stores before it is known whether it goes on",
    "WritesInEarlyExitLoop": "it can be left early, and stores before it is known whether it goes on",
    "PotentiallyFaultingLoadsNotSupported": "it can be left early, and reading beyond that place might fault",
    "CantReorderFPOps": "floating-point results would change if {} were computed in another order",
    "UnsafeDep": "",  # worded by _dependence
    "CantIdentifyArrayBounds": "the addresses of {} follow no pattern that is known before it starts, "
    "so that overlap with other accesses can't be checked",
    "NoCFGForSelect": _CONTROL_FLOW,
    "LoopContainsSwitch": "it contains a switch",
    "LoopContainsUnsupportedSwitch": "it contains a switch",
    "CFGNotUnderstood": "its control flow is not a plain loop",
    "NonReductionValueUsedOutsideLoop": "an iteration needs a value that the one before computes, and that is "
    "no plain sum, product, minimum or maximum",
}
_CANNOT = re.compile(r"loop not vectorized: (.+)", re.DOTALL)
_VAGUE = {"CantVectorizeInstruction", "NoInductionVariable", "VectorizationNotBeneficial"}
_LAST_WORDS = {"PotentiallyFaultingLoadsNotSupported"}  # analyses after which nothing more is said of the loop
_WIDTHS = ("VectorizationFactor", "InterleaveCount")
_FEWEST_SPILLS = 4  # and reloads: less is not worth a word
_SPILLS = ("NumSpills", "NumFoldedSpills")
_RELOADS = ("NumReloads", "NumFoldedReloads")


def explain(records: Sequence[Record], source: Source) -> Iterator[tuple[Place, str, str]]:
    """Place, pass and text of each hot innermost loop of which there is something to say."""
    said: dict[Place, dict[str, str]] = {}
    for place, pass_name, text in (*_vectorization(records, source), *_unrolling(records), *_spills(records)):
        if source.is_hot_innermost(place):
            said.setdefault(place, {})[text] = pass_name
    for place, texts in said.items():
        yield place, next(iter(texts.values())), f"loop at line {place.line}: {'; '.join(texts)}"


def _vectorization(records: Iterable[Record], source: Source) -> Iterator[tuple[Place, str, str]]:
    """The vectorizer analyses a loop, then says how it ended."""
    analyses: list[Record] = []
    for record in (each for each in records if each.pass_name == "loop-vectorize"):
        if record.kind.startswith("Analysis"):
            analyses.append(record)
            if record.name not in _LAST_WORDS:
                continue
        reason = _why_not(analyses, record, source)
        analyses = []
        if record.place is None:
            continue
        if record.kind == "Passed":
            width, interleaved = (record.argument(key) for key in _WIDTHS)
            if width and interleaved:
                times = "" if interleaved.value == "1" else f", interleaved {interleaved.value} times"
                yield record.place, record.pass_name, f"vectorized, {width.value} elements at once{times}"
        elif reason:
            yield record.place, record.pass_name, f"not vectorized, because {reason}"


def _why_not(analyses: Sequence[Record], end: Record, source: Source) -> str:
    """The most fundamental reason that was given; empty if none says anything."""
    given = {each.name: each for each in reversed(analyses) if each.function == end.function}
    calls = [each for each in analyses if each.name in _CALLS]
    if calls:
        return _called(calls, source)
    for name, reason in _REASONS.items():
        if name in given:
            return reason.format(_accessed(given[name], source)) or _dependence(given[name], source)
    unknown = (_CANNOT.match(each.message) for each in given.values() if each.name not in _VAGUE)
    return next((match[1].strip() for match in unknown if match), "")


def _accessed(record: Record, source: Source) -> str:
    memory = source.memory(record.place) if record.place else ""
    return f"{memory} (line {record.place.line})" if record.place and memory else "what it computes"


def _called(calls: Sequence[Record], source: Source) -> str:
    """Which calls stand in the way; of the program's own functions another remark says why they stay calls."""
    places = {source.callee(call.place): call.place.line for call in calls if call.place}
    own = {extent.name for extent in source.profile.functions}
    named = [f"'{name}' (line {line})" for name, line in places.items() if name and name not in own]
    return f"it calls {', '.join(named[:3])}" if named else ""


def _dependence(record: Record, source: Source) -> str:
    """Which two accesses may be to the same memory."""
    location = record.argument("Location")
    first, second = record.place, location.place if location else None
    if first is None or second is None or not (source.memory(first) and source.memory(second)):
        return "one iteration may store what another one reads or stores"
    if source.memory(first) == source.memory(second):
        return f"several iterations may read and write the same {source.memory(first)} (line {first.line})"
    both = f"{source.memory(first)} (line {first.line}) and {source.memory(second)} (line {second.line})"
    if "loop carried" in record.message:  # at a distance that the compiler knows
        return f"{both} are the same memory in nearby iterations"
    return f"the compiler cannot prove that {both} are never the same memory in different iterations"


def _unrolling(records: Iterable[Record]) -> Iterator[tuple[Place, str, str]]:
    for record in records:
        count = record.argument("UnrollCount")
        if record.pass_name == "loop-unroll" and record.kind == "Passed" and record.place and count:
            whole = record.name == "FullyUnrolled"
            text = f"completely unrolled, {count.value} iterations" if whole else f"unrolled {count.value} times"
            yield record.place, record.pass_name, text


def _spills(records: Sequence[Record]) -> Iterator[tuple[Place, str, str]]:
    """In loops that became straight code; of others it is not known whether they are on rare paths."""
    straight = {each.place for each in records if each.name in ("Vectorized", "PartialUnrolled")}
    for record in records:
        if record.name == "LoopSpillReloadCopies" and record.place and record.place in straight:
            spills, reloads = _sum(record, _SPILLS), _sum(record, _RELOADS)
            if spills + reloads >= _FEWEST_SPILLS:
                text = f"too few registers, {spills} spills and {reloads} reloads in its code"
                yield record.place, record.pass_name, text


def _sum(record: Record, keys: Iterable[str]) -> int:
    values = (record.argument(key) for key in keys)
    return sum(int(value.value) for value in values if value and value.value.isdigit())
