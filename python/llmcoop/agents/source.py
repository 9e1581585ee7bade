"""The source agent: has a model rewrite C, a whole file or edits of its hot functions."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace

from llmcoop.agents import edits, outcomes, reading, showing
from llmcoop.agents.brief import SourceBrief
from llmcoop.agents.conversation import Conversation
from llmcoop.agents.edits import Edit
from llmcoop.agents.reading import Block, Unusable
from llmcoop.agents.rounds import rounds
from llmcoop.models import Model
from llmcoop.prompts import Prompts
from llmcoop.values import Candidate, Evaluation, Level, Outcome

AGENT = "source"

_KINDS = ("c", "edit", "diff", "patch")
_FILE_NAME = re.compile(r"[\w.+-]+\.[ch]\b")  # in what follows a fence
_DIFF_FILE = re.compile(r"^\+\+\+ (?:\S*/)?([\w.+-]+)", re.MULTILINE)
_MAIN = re.compile(r"\bmain\s*\(")
_PLACEHOLDER = re.compile(r"^\s*(?://|/\*)\s*(?:\.\.\.|…).*$", re.MULTILINE)
_ORIGIN_CHARACTERS = 60
_CLEARLY = 1.05  # times as fast
_NOT_DONE = (Outcome.NOT_FASTER, Outcome.SAME_CODE)  # nothing to mend: the next proposal starts without it


class SourceAgent:
    """Proposes candidates at source level."""

    def __init__(self, model: Model, prompts: Prompts) -> None:
        self._model, self._prompts = model, prompts
        self.unusable = 0  # replies that nothing could be made of

    def expand(self, brief: SourceBrief, number: int) -> Generator[Candidate, Evaluation, None]:
        """Yield rewrites of one version and be sent what came of each; `number` is the conversation's.

        What is accepted and faster than the version is the one that later rounds change. Raises ModelError, and
        UsageError when a prompt is broken.
        """
        rewriting = _Rewriting(brief, self._prompts)
        conversation = Conversation(self._model, AGENT, number, self._prompts.render(AGENT, "system", brief=brief))
        try:
            yield from rounds(
                conversation,
                rewriting.task(),
                rewriting.read,
                rewriting.tell,
                rounds=brief.rounds,
                samples=brief.samples,
            )
        finally:
            self.unusable += conversation.unusable


@dataclass(frozen=True, slots=True)
class _Version:
    """What a proposal may change: all source files, and the candidate that they are of."""

    key: str
    texts: Mapping[str, str]
    speedup: float

    def after(self, candidate: Candidate) -> Mapping[str, str]:
        return {**self.texts, candidate.source: candidate.text}


class _Rewriting:
    """One task: the version that is changed now, and the broken proposal that the next one may mend."""

    def __init__(self, brief: SourceBrief, prompts: Prompts) -> None:
        self._brief, self._prompts = brief, prompts
        self._version = _Version(brief.parent.key if brief.parent else "", brief.texts, brief.parent_speedup)
        self._broken: Mapping[str, str] | None = None
        self._views = showing.views(brief)
        self._byte_wise = any(showing.has_bytes(text) for text in brief.texts.values())

    def task(self) -> str:
        brief = self._brief
        return self._prompts.render(
            AGENT,
            "task",
            brief=brief,
            views=self._views,
            workload=outcomes.invocation(brief.workload),
            tried=[outcomes.summary(each) for each in brief.tried],
            ahead=self._ahead(),
        )

    def _ahead(self) -> float | None:
        """The speedup of the fastest other version, if it is clearly faster than the one to change."""
        others = [
            each.measurement.speedup
            for each in self._brief.tried
            if each.outcome is Outcome.ACCEPTED and each.measurement and each.candidate.key != self._version.key
        ]
        return max((each for each in others if each > _CLEARLY * self._version.speedup), default=None)

    def tell(self, evaluation: Evaluation) -> str:
        """What the model hears of its proposal; from now on, the next one changes what that leads to."""
        candidate, before, measured = evaluation.candidate, self._version, evaluation.measurement
        speedup = measured.speedup if measured else 0.0
        # Who is accepted was faster than the version that it changes; figures of two measurements may say otherwise.
        improved = evaluation.outcome is Outcome.ACCEPTED
        if improved:
            self._version = _Version(candidate.key, before.after(candidate), speedup)
        dropped = improved or evaluation.outcome in _NOT_DONE
        self._broken = None if dropped else before.after(candidate)
        return self._prompts.render(
            AGENT,
            "outcome",
            outcome=evaluation.outcome,
            description=outcomes.describe(evaluation, self._brief.baseline_s, before.speedup),
            improved=improved,
            facts=self._brief.facts_of(candidate) if improved else None,
            texts=self._version.texts,
            to_mend=self._broken is not None,
            speedup=self._version.speedup,
        )

    def read(self, reply: str) -> Candidate:
        """The candidate that a reply proposes. Raises Unusable."""
        block = _proposal(reply)
        name = self._file(block)
        written = showing.with_bytes(block.text) if self._byte_wise else block.text
        if "\0" in written:
            raise Unusable("it has NUL characters; send plain C")
        text = self._changed(name, replace(block, text=written))
        if _lines(text) == _lines(self._version.texts[name]):
            raise Unusable(f"{name} is as it was; change it, or end with a block ```stop")
        return Candidate(
            Level.SOURCE,
            f"source agent: {_summary(reply)}",
            text=text,
            parent=self._version.key,
            source=name,
            authored=True,
        )

    def _file(self, block: Block) -> str:
        """Which file a block is about: the one that it names, or else the one that was shown first."""
        texts = self._version.texts
        named = [name for name in _FILE_NAME.findall(block.info) if name in texts]
        if not named and _FILE_NAME.search(block.info):
            raise Unusable(f"there is no source file of the name '{block.info[:100]}'; there are: {', '.join(texts)}")
        diffed = _DIFF_FILE.search(block.text) if edits.is_diff(block.text) else None
        if not named and diffed and diffed[1] in texts:
            return diffed[1]
        return named[0] if named else self._views[0].file

    def _changed(self, name: str, block: Block) -> str:
        """The whole new text of the file."""
        if edits.is_edit(block.text) or block.kind == "edit":
            return self._edited(name, edits.parsed(block.text))
        if edits.is_diff(block.text) or block.kind in ("diff", "patch"):
            return self._edited(name, edits.hunks(block.text))
        text = "\n".join(showing.without_margin(block.text.split("\n")))
        return _whole(text, self._version.texts[name])

    def _edited(self, name: str, changes: Sequence[Edit]) -> str:
        """Edits of the broken proposal, if they fit there, else of the version before it."""
        changes = [Edit(showing.without_margin(each.search), showing.without_margin(each.replace)) for each in changes]
        if self._broken is not None:
            try:
                return edits.applied(changes, self._broken[name])
            except Unusable as error:
                reason = error
            try:
                return edits.applied(changes, self._version.texts[name])
            except Unusable:
                raise reason from None
        return edits.applied(changes, self._version.texts[name])


def _proposal(reply: str) -> Block:
    """The proposal of a reply: its last block, or all its edits of one file together. Raises Unusable."""
    last = reading.proposed(reply, _KINDS)
    if last.kind != "edit":
        return last
    parts = [block for block in reading.blocks(reply) if block.kind == "edit"]
    if any(part.info != last.info for part in parts):
        raise Unusable("change one file in a proposal, and name it in the same way at each block of edits")
    return replace(last, text="".join(part.text for part in parts))


def _whole(text: str, original: str) -> str:
    """A file that a model wrote, if it can be meant to be whole. Raises Unusable."""
    if _MAIN.search(original) and not _MAIN.search(text):
        raise Unusable(
            "the file has no main, and the original has one: send the whole file "
            "(with a longer fence if there are fences in it), or edits in this form, in a block ```edit:\n" + edits.FORM
        )
    placeholder = _PLACEHOLDER.search(text)
    if placeholder and placeholder[0] not in original:
        raise Unusable(
            f"'{placeholder[0].strip()[:80]}' stands for code that you left out: send the whole file, or edits"
        )
    return text


def _summary(reply: str) -> str:
    """The first words of a reply that are not in a block."""
    for line in reply.split("\n"):
        words = " ".join(line.strip(" \t\r#*_>-").split())
        if words.startswith(("```", "~~~")):
            break
        if words:
            return words if len(words) <= _ORIGIN_CHARACTERS else f"{words[: _ORIGIN_CHARACTERS - 1]}…"
    return "no summary"


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]
