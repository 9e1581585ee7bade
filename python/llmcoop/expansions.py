"""Have agents rewrite candidates: tell each what it needs to know, evaluate what it proposes."""

from __future__ import annotations

import json
import math
import re
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

from llmcoop import assembly, clang, facts
from llmcoop.agents import outcomes
from llmcoop.agents.asm import AsmAgent, AsmBrief
from llmcoop.agents.brief import SourceBrief
from llmcoop.agents.ir import IrBrief
from llmcoop.agents.source import SourceAgent
from llmcoop.allowance import Allowance
from llmcoop.authored import Authored
from llmcoop.crew import Crew
from llmcoop.errors import ProgramError
from llmcoop.facts import Facts, mca
from llmcoop.function_search import FunctionSearch
from llmcoop.history import IDENTITY, History
from llmcoop.includes import local_headers
from llmcoop.lowering import Lowering
from llmcoop.prepare import Prepared
from llmcoop.spec import Spec
from llmcoop.values import Candidate, Evaluation, Level, Outcome

_FACTS_S = 20.0
_LONGEST_EXPANSION_S = 3600.0
_FUNCTIONS = 2  # how many of the hottest functions one expansion has rewritten in IR
_LONGEST_IR = 20_000  # characters
_ASSEMBLED = 5  # among how many of the hottest functions the one is whose assembly is rewritten


class Expansions:
    """Expands candidates of one program at each level."""

    def __init__(
        self,
        crew: Crew,
        spec: Spec,
        prepared: Prepared,
        authored: Authored,
        history: History,
        functions: FunctionSearch,
        *,
        folder: Path,
        allowance: Allowance,
        attack_s: float,
        announce: Callable[[str], None],
    ) -> None:
        self._crew, self._spec, self._prepared, self._authored = crew, spec, prepared, authored
        self._history, self._functions = history, functions
        self._folder, self._allowance, self._attack_s, self._announce = folder, allowance, attack_s, announce
        self._source = SourceAgent(crew.model, crew.prompts)
        self._asm = AsmAgent(crew.model, crew.prompts, prepared.lowering.assembler)
        self._facts: dict[str, Facts] = {}

    @property
    def unusable(self) -> int:
        """Replies, and tool calls in them, that nothing could be made of."""
        return self._source.unusable + self._functions.unusable + self._asm.unusable

    def expand(self, level: Level, parent: Candidate, number: int) -> None:
        """Have a model rewrite a candidate; `number` is that of the conversation. Raises ModelError."""
        match level:
            case Level.SOURCE:
                self._drive(self._source.expand(self._source_brief(parent), number))
            case Level.IR:
                functions = self._functions.functions(parent)[:_FUNCTIONS]
                brief = self._ir_brief(parent, functions, number)
                seconds = min(_LONGEST_EXPANSION_S, max(0.0, self._allowance.remaining_s))
                self._functions.expand(parent, functions, self._crew.model, brief, seconds)
            case Level.ASM:
                brief = self._asm_brief(parent)
                if brief is not None:
                    self._drive(self._asm.expand(brief, number))

    def _source_brief(self, parent: Candidate) -> SourceBrief:
        program = self._spec.program
        return SourceBrief(
            parent=None if parent is IDENTITY else parent,
            program=program,
            texts=self._texts(parent),
            facts=self._facts_of(parent),
            workload=self._spec.workload.timed,
            baseline_s=self._baseline_s,
            parent_speedup=self._speedup(parent),
            tried=self._tried(Level.SOURCE),
            rounds=self._crew.rounds,
            samples=self._crew.samples,
            headers={path.name: path.read_text(errors="surrogateescape") for path in local_headers(program)},
            facts_of=self._facts_of,
        )

    def _ir_brief(self, parent: Candidate, functions: Sequence[str], number: int) -> IrBrief:
        hot = {self._lowering.running(parent, name): (name, share) for name, share in self._hotness(parent)}
        return IrBrief(
            model=self._crew.model.name,
            calls_tools=self._crew.model.calls_tools,
            rounds=self._crew.rounds,
            samples=self._crew.samples,
            conversation=number * _FUNCTIONS,
            prompts=self._spec.model.prompts,
            sandbox=self._spec.sandbox,
            cpu=self._facts_of(parent).cpu,
            baseline_s=self._baseline_s,
            parent_speedup=self._speedup(parent),
            shares={function: share for function, (_, share) in hot.items()},
            sources={function: self._source_of(parent, hot[function][0]) for function in functions},
            tried=tuple(outcomes.summary(each) for each in self._tried(Level.IR)),
        )

    def _asm_brief(self, parent: Candidate) -> AsmBrief | None:
        """About the hottest function that the assembly still has by its name; None if there is none."""
        finished = self._lowering.finish(parent)
        for name, share in self._hotness(parent)[:_ASSEMBLED]:
            function = self._lowering.running(parent, name)
            for ir, module in zip(finished.ir, finished.assembly, strict=True):
                if function in assembly.functions(module):
                    source = self._source_of(parent, name)
                    return self._asm_brief_of(parent, function, source, share, ir, module)
        return None

    def _asm_brief_of(
        self, parent: Candidate, function: str, source: str, share: float, ir: str, module: str
    ) -> AsmBrief:
        known, prepared = self._facts_of(parent), self._prepared
        return AsmBrief(
            parent=parent,
            function=function,
            assembly=assembly.function(module, function),
            module=module,
            features=assembly.features(ir, function),
            ir=_definition(ir, function),
            source=source,
            share=share,
            cpu=known.cpu,
            mca=mca.report(prepared.toolchain, prepared.sandbox, module, function, known.cpu.name),
            baseline_s=self._baseline_s,
            parent_speedup=self._speedup(parent),
            tried=self._tried(Level.ASM),
            rounds=self._crew.rounds,
            samples=self._crew.samples,
        )

    # Candidates

    def _drive(self, proposals: Generator[Candidate, Evaluation, None]) -> None:
        """Evaluate what an agent proposes as long as the budget lasts."""
        try:
            candidate = next(proposals)
            while not self._over(candidate):
                candidate = proposals.send(self._authored.told(self._evaluated(candidate)))
        except StopIteration:
            return
        proposals.close()

    def _over(self, candidate: Candidate) -> bool:
        """Whether the run, or the recorded one that it follows, has ended here."""
        return self._allowance.spent(len(self._history.evaluations)) or self._authored.beyond_recording(candidate)

    def _evaluated(self, candidate: Candidate) -> Evaluation:
        known = self._history.find(candidate)
        if known is not None:
            return known
        self._announce(f"{candidate.origin}: building, testing and timing it")
        started = time.monotonic()
        evaluation = self._refused(candidate) or self._authored.evaluate(candidate, self._attack_s)
        self._history.record(evaluation, time.monotonic() - started)
        self._announce(f"{candidate.origin}: {evaluation.outcome}")
        return evaluation

    def _refused(self, candidate: Candidate) -> Evaluation | None:
        """The evaluation of a rewrite in C that would reach outside itself: a sandbox hides what that might do."""
        if candidate.level is not Level.SOURCE:
            return None
        try:
            self._lowering.refuse_reach(candidate)
        except ProgramError as error:
            return Evaluation(candidate, Outcome.DOES_NOT_COMPILE, message=error.message)
        return None

    # What agents are told

    @property
    def _lowering(self) -> Lowering:
        return self._prepared.lowering

    @property
    def _baseline_s(self) -> float:
        return self._prepared.reference.baseline_ns / 1e9

    def _hotness(self, candidate: Candidate) -> tuple[tuple[str, float], ...]:
        """Functions by their names in C with their share of the time, the hottest first."""
        return self._lowering.profiled(candidate).hotness

    def _speedup(self, candidate: Candidate) -> float:
        return math.exp(self._history.log_speedup(candidate) or 0.0)

    def _tried(self, level: Level) -> tuple[Evaluation, ...]:
        evaluations = self._history.evaluations
        return tuple(each for each in evaluations if each.candidate.level is level and each.candidate.authored)

    def _texts(self, candidate: Candidate) -> dict[str, str]:
        """The whole text of each source file that a candidate is made of."""
        original = {path.name: path.read_text(errors="surrogateescape") for path in self._spec.program.sources}
        return {**original, **self._lowering.texts(candidate)}

    def _source_of(self, candidate: Candidate, function: str) -> str:
        """The C of a function; empty if it is not known where that is."""
        name = function.partition(".")[0]  # without what was added when it was cloned or renamed
        found = next((each for each in self._facts_of(candidate).functions if each.name == name), None)
        if found is None or found.file not in self._texts(candidate):
            return ""
        return "\n".join(self._texts(candidate)[found.file].split("\n")[found.first_line - 1 : found.last_line])

    def _facts_of(self, candidate: Candidate) -> Facts:
        """What is known of the sources that a candidate is made of."""
        texts = self._lowering.texts(candidate)
        key = json.dumps(texts, sort_keys=True)
        if key not in self._facts:
            with tempfile.TemporaryDirectory(dir=self._folder) as name:
                self._facts[key] = self._collected(candidate, texts, Path(name))
        return self._facts[key]

    def _collected(self, candidate: Candidate, texts: Mapping[str, str], folder: Path) -> Facts:
        self._announce("looking at hot lines and missed optimizations")
        return facts.collect(
            self._prepared.toolchain,
            self._prepared.sandbox,
            clang.rewritten(self._spec.program, texts, folder) if texts else self._spec.program,
            self._spec.workload.timed,
            self._hotness(candidate),
            folder,
            original=self._spec.program,
            limits=self._prepared.limits,
            seconds=_FACTS_S,
        )


def _definition(ir: str, function: str) -> str:
    """The text of one function of a module; empty if it is too long to be read."""
    name = re.escape(function)
    found = re.search(rf'^define [^\n]*@(?:{name}|"{name}")\(.*?^\}}$', ir, re.MULTILINE | re.DOTALL)
    return found[0] if found and len(found[0]) <= _LONGEST_IR else ""
