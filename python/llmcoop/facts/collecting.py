"""Collect the facts of a program, or of a rewritten version of it, by compiling and running it in the sandbox."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from llmcoop.clang import Confinement
from llmcoop.errors import ProgramError, ToolchainError
from llmcoop.facts import lines, processor, records, remarks
from llmcoop.facts.lines import Extent, Profile
from llmcoop.facts.source import Source
from llmcoop.facts.values import Facts, FunctionFacts
from llmcoop.includes import local_headers
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation, Program


def collect(
    toolchain: Toolchain,
    sandbox: Sandbox,
    program: Program,
    workload: Invocation,
    hotness: Sequence[tuple[str, float]],
    folder: Path,
    *,
    original: Program,
    limits: Limits,
    seconds: float,
) -> Facts:
    """The facts of `program`, which is the `original` or was made of it by `clang.rewritten`.

    `hotness` are functions with their share of the time; for those that it does not name, executions of lines stand in
    for it. The workload is run once, for at most `seconds`. Builds go to new folders in `folder`. What can't be had is
    left out: a program that ends by `_exit` or a signal counts nothing, one that does not compile has no remarks.

    Raises UsageError when a file of the original can't be read.
    """
    confinement = Confinement.of(sandbox, toolchain, original)
    confinement = replace(confinement, readable=(*confinement.readable, *program.sources))
    names = {os.path.abspath(path): path.name for path in (*local_headers(original), *program.sources)}  # noqa: PTH100
    place = Path(tempfile.mkdtemp(prefix="facts-", dir=folder))
    try:
        profile = lines.measure(
            toolchain, confinement, program, workload, place, names=names, limits=limits, seconds=seconds
        )
    except (ProgramError, ToolchainError):
        profile = Profile()
    said = records.collect(toolchain, confinement, program, place)
    source = Source(profile, names, {name: _lines(Path(path)) for path, name in names.items()})
    return Facts(processor.describe(program.cflags), _functions(profile, hotness), remarks.explain(said, source))


def _lines(path: Path) -> tuple[str, ...]:
    """Lines in which a character is a byte, as in the compiler's columns."""
    return tuple(path.read_text(encoding="latin-1").split("\n"))


def _functions(profile: Profile, hotness: Sequence[tuple[str, float]]) -> tuple[FunctionFacts, ...]:
    """The executed functions, the hottest first."""
    work = {extent: sum(line.count for line in profile.lines(extent)) for extent in profile.functions}
    shares = _shares(work, hotness)
    found = [
        FunctionFacts(each.name, each.file, each.first_line, each.last_line, shares[each], profile.lines(each))
        for each in sorted(work, key=lambda extent: -shares[extent])
        if work[each]
    ]
    return tuple(found)


def _shares(work: Mapping[Extent, int], hotness: Sequence[tuple[str, float]]) -> dict[Extent, float]:
    """Each function's own share of the time.

    `hotness` counts what was inlined early for its callers: such a function gets its share of the executed lines, and
    the others theirs of what is left. Static functions of one name are told apart by their order.
    """
    total = max(1, sum(work.values()))
    by_name = _in_order(hotness)
    measured = {extent: by_name[extent.name].pop(0) for extent in work if by_name[extent.name]}
    inlined = {extent: count / total for extent, count in work.items() if extent not in measured}
    left = 1.0 - sum(inlined.values())
    return inlined | {extent: share * left for extent, share in measured.items()}


def _in_order(hotness: Iterable[tuple[str, float]]) -> defaultdict[str, list[float]]:
    """Shares by the name in the source, in the order in which the functions were linked.

    A number at a name is of a static function that was renamed as modules were linked, anything else of a clone for
    certain processors (`target_clones`): the clones of a function are one.
    """
    numbered, cloned = [], defaultdict[str, float](float)
    for written, share in hotness:
        name, _, rest = written.partition(".")
        if rest and not rest.isdigit():
            cloned[name] += share
        else:
            numbered.append((name, int(rest or -1), share))
    numbered += ((name, -1, share) for name, share in cloned.items())
    found: defaultdict[str, list[float]] = defaultdict(list)
    for name, _, share in sorted(numbered):
        found[name].append(share)
    return found
