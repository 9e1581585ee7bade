"""What the compiler did and could not do where it matters, in plain words that say what, where and why.

Vague remarks do harm in a prompt (arXiv 2604.13927): what gives no reason, concerns cold lines, or was overcome by a
later pass is left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from llmcoop.facts import loops
from llmcoop.facts.records import Place, Record
from llmcoop.facts.source import Source
from llmcoop.facts.values import Remark

_MOST = 20
# A load that one of these speaks of was taken out of the loop, or away, in the end.
_OVERCOME = {("licm", "Hoisted"), ("licm", "PromoteLoopAccessesToScalar"), ("gvn", "LoadElim"), ("gvn", "LoadPRE")}

_DEFAULT = re.compile(r"\.default(\.\d+)?$")  # the clone that `target_clones` makes for any processor

Found = tuple[Place, str, str]  # where, which pass, what


def explain(records: Sequence[Record], source: Source) -> tuple[Remark, ...]:
    """At most 20 remarks on hot lines, those on the most executed ones first; equal ones are one."""
    records = _of_final_code(records)
    found = [*loops.explain(records, source), *_loads(records, source), *_calls(records, source)]
    remarks = dict.fromkeys(_remark(place, pass_name, text, source) for place, pass_name, text in found)
    return tuple(sorted(remarks, key=lambda remark: _rank(remark, source))[:_MOST])


def _of_final_code(records: Sequence[Record]) -> list[Record]:
    """Without functions of which no code is left: what is said of them is said again where they were inlined.

    A loop that vanished before that is not spoken of again. Of a function with clones for certain processors, the one
    for all others is left out: it does not run here.
    """
    emitted = {record.function for record in records if record.pass_name == "prologepilog"}
    records = [each for each in records if not _DEFAULT.search(each.function)]
    return [each for each in records if each.function in emitted or not emitted or each.name == "FullyUnrolled"]


def _remark(place: Place, pass_name: str, text: str, source: Source) -> Remark:
    file = source.file(place)
    return Remark(file, place.line, place.column, source.profile.function_at(file, place.line), pass_name, text)


def _rank(remark: Remark, source: Source) -> tuple[int, str, int, int]:
    return (-source.profile.count(remark.file, remark.line), remark.file, remark.line, remark.column)


def _loads(records: Iterable[Record], source: Source) -> Iterator[Found]:
    """Values that are loaded in every iteration although their address does not change."""
    overcome = {(each.function, each.place) for each in records if (each.pass_name, each.name) in _OVERCOME}
    clobbers = defaultdict(dict[Place, None])
    for record in records:
        cause = record.argument("ClobberedBy") if record.name == "LoadClobbered" else None
        if cause and cause.place and record.place:
            clobbers[record.function, record.place][cause.place] = None
    for record in records:
        place = record.place
        if record.name != "LoadWithLoopInvariantAddressInvalidated" or place is None or not source.is_hot(place):
            continue
        value = source.memory(place) or source.macro(place)
        cause = _cause(clobbers[record.function, place], source)
        if value and cause and (record.function, place) not in overcome:
            text = f"{value} (line {place.line}) is loaded again in every iteration of a loop: {cause}"
            yield place, record.pass_name, text


def _cause(places: Iterable[Place], source: Source) -> str:
    """Who may change a value in the loop; empty if the compiler names nobody."""
    for place in filter(source.is_hot, places):
        callee, memory = source.callee(place), source.memory(place)
        if callee:
            return f"the call of '{callee}' (line {place.line}) may change it"
        if memory:
            return f"the compiler cannot prove that the store to {memory} (line {place.line}) leaves it unchanged"
    return ""


def _calls(records: Iterable[Record], source: Source) -> Iterator[Found]:
    """Calls of the program's own functions that stay calls."""
    inlined = {(each.function, each.place) for each in records if each.name == "Inlined"}
    own = {extent.name: extent.file for extent in source.profile.functions}
    for record in records:
        callee, place = record.argument("Callee"), record.place
        if record.pass_name != "inline" or callee is None or place is None or not source.is_hot(place):
            continue
        reason = _not_inlined(record, own.get(callee.value, ""), source.file(place))
        if reason and (record.function, place) not in inlined:
            yield place, "inline", f"call of '{callee.value}' (line {place.line}) not inlined: {reason}"


def _not_inlined(record: Record, defined_in: str, called_in: str) -> str:
    """Why, if it says something: that a recursive function stays is no news."""
    cost, threshold, callee = record.argument("Cost"), record.argument("Threshold"), record.argument("Callee")
    if record.name == "TooCostly" and cost and threshold and callee and callee.value != record.function:
        return f"its estimated cost {cost.value} reaches the threshold {threshold.value}"
    if record.name == "NoDefinition" and defined_in and defined_in != called_in:
        return f"its body is in another source file, {defined_in}"
    if record.name == "NeverInline" and "noinline" in record.message:
        return "it is marked noinline"
    return ""
