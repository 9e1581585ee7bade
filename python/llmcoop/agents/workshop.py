"""What an expert in LLVM would try one function with: passes, analyses, the machine's view of the code."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from llmcoop.agents import edits, ir_text
from llmcoop.agents.conversation import BoundTool
from llmcoop.agents.reading import Unusable
from llmcoop.ir import CompilerFailed, IRError, Remark
from llmcoop.ir.worker import Passed, PassRequest, Worker
from llmcoop.judge import Function
from llmcoop.models import Tool

Check = Callable[[str], str | None]  # why a module can't replace the function; None when it can
MachineReport = Callable[[str, str], str]  # of the assembly of a module, about the function of that name

ORIGINAL = "original"
_NAME = re.compile(rf"{ORIGINAL}|v[0-9a-f]{{6}}")
_PRINTER = re.compile(r"print<[a-z0-9-]+>")
_NOTHING = "verify"
_LABEL = re.compile(r"\.LBB\d+_\d+")
_REMARKS = "remarks"
_VECTORIZERS = "function(loop-vectorize,slp-vectorizer,loop-unroll<O3>)"
_MOST_REMARKS = 12
_LINE = 200  # characters of a line that is wrong
_IR = {
    "type": "string",
    "description": f"LLVM IR, edits of '{ORIGINAL}', or the name of a version; without it, '{ORIGINAL}'",
}


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the function: a whole module, verified. Its name says what it is, whoever made it when."""

    name: str
    ir: str
    cost: float | None  # estimated cycles of one call


def name_of(ir: str) -> str:
    """The name of a version with this text."""
    return f"v{hashlib.sha256(ir.encode()).hexdigest()[:6]}"


class Workshop:
    """The versions of one function. For the thread that the worker is bound to.

    Whatever a model wrote is parsed and compiled in the worker only. Methods raise Unusable and LLMCoopError, whose
    messages are for the model.
    """

    def __init__(self, function: Function, worker: Worker, check: Check, report: MachineReport) -> None:
        self._function = function
        self._worker = worker
        self._check = check
        self._report = report
        self.original = self._kept(worker.run_passes(function.ir, _NOTHING))
        self._versions = {ORIGINAL: self.original, self.original.name: self.original}

    def admitted(self, text: str, base: str = "") -> Version:
        """That version, if it can replace the function."""
        version = self.version(text, base)
        if version.ir == self.original.ir:
            raise Unusable("this is the function as it is; send a version that differs, or end with a block ```stop")
        refusal = self._check(version.ir)
        if refusal is not None:
            raise Unusable(f"this can't replace @{self._function.name}: it {refusal}")
        return version

    def version(self, text: str, base: str = "") -> Version:
        """The version that `text` is, names, or makes of version `base` (else the original) by edits."""
        if edits.is_edit(text):
            text = edits.applied(edits.parsed(text), self.version(base or ORIGINAL).ir)
        name = text.strip()
        if name in self._versions:
            return self._versions[name]
        if _NAME.fullmatch(name):
            raise Unusable(f"there is no version '{name}'; there are: {', '.join(self._versions)}")
        module = ir_text.completed(text.encode(errors="replace").decode(), self._function.ir)
        try:
            return self._added(self._worker.run_passes(module, _NOTHING))
        except IRError as error:
            line = module.splitlines()[error.line - 1 : error.line]
            place = "".join(f" in: {each.strip()[:_LINE]}" for each in line)
            raise Unusable(f"the IR is not valid: {error.reason}{place}") from None
        except CompilerFailed as failure:
            raise Unusable(f"LLVM fails on this IR: {failure.message}") from None

    def tools(self) -> list[BoundTool]:
        """What a model may call, `evaluate` apart."""
        return [
            BoundTool(_RUN_PASSES, self._run_passes),
            BoundTool(_ANALYZE, self._analyze),
            BoundTool(_MCA, self._mca),
        ]

    def _run_passes(self, arguments: Mapping[str, object]) -> str:
        before = self._given(arguments)
        options = str(arguments.get("options", "")).split()
        passed = self._worker.run_passes(before.ir, str(arguments["pipeline"]), options, remarks=True)
        after = self._added(self._worker.run_passes(passed.ir, _NOTHING))  # as it reads when it is sent back
        if after.name == before.name:
            return "\n".join(("the passes change nothing", *_remarks(passed.remarks)))
        return "\n".join((f"{self._summary(after)}:", *_remarks(passed.remarks), ir_text.body(after.ir)))

    def _analyze(self, arguments: Mapping[str, object]) -> str:
        version, analysis = self._given(arguments), str(arguments["pass"]).strip()
        if analysis == _REMARKS:
            remarks = _remarks(self._worker.run_passes(version.ir, _VECTORIZERS, remarks=True).remarks)
            return "\n".join(remarks) or "the vectorizers say nothing"
        if not _PRINTER.fullmatch(analysis):
            raise Unusable(f"'{analysis}' prints no analysis; use print<…>, such as print<loops>, or '{_REMARKS}'")
        return self._worker.analyze(version.ir, analysis)

    def _mca(self, arguments: Mapping[str, object]) -> str:
        version = self._given(arguments)
        assembly = self._worker.emit(version.ir.encode(), PassRequest(), object=False, assembly=True).assembly.decode()
        report = self._report(assembly, self._function.name)
        return f"{report}\n\n{_code(assembly, self._function.name, _LABEL.findall(report))}"

    def _given(self, arguments: Mapping[str, object]) -> Version:
        return self.version(str(arguments.get("ir", ORIGINAL)))

    def _added(self, passed: Passed) -> Version:
        version = self._kept(passed)
        return self._versions.setdefault(version.name, version)

    def _kept(self, passed: Passed) -> Version:
        return Version(name_of(passed.ir), passed.ir, dict(passed.costs.functions).get(self._function.name))

    def _summary(self, version: Version) -> str:
        """Its name, and what LLVM's cost model thinks of it."""
        if version.cost is None or self.original.cost is None:
            return f"version {version.name}"
        return f"version {version.name}, estimated cost {version.cost:.1f} (original: {self.original.cost:.1f})"


def _remarks(remarks: Sequence[Remark]) -> list[str]:
    """Each once, shortly."""
    said = dict.fromkeys(f"remark: {each.pass_name}: {' '.join(each.message.split()) or each.name}" for each in remarks)
    return list(said)[:_MOST_REMARKS]


def _code(assembly: str, function: str, labels: Sequence[str]) -> str:
    """The loops that begin at `labels` in the code of a function, else all of it; without directives."""
    lines = assembly.partition(f"\n{function}:")[2].partition(".Lfunc_end")[0].splitlines()
    code = [line for line in lines[1:] if not line.startswith(("\t.", "#"))]
    loops = [loop for label in labels if (loop := _loop(code, label))]
    return "\n...\n".join("\n".join(part) for part in loops or [code])


def _loop(code: Sequence[str], label: str) -> Sequence[str]:
    """From a label to the last jump back to it."""
    start = next((at for at, line in enumerate(code) if line.startswith(f"{label}:")), 0)
    ends = [at for at in range(start, len(code)) if re.search(rf"\tj\w+\t{re.escape(label)}$", code[at])]
    return code[start : ends[-1] + 1] if ends else ()


def _tool(name: str, description: str, required: Sequence[str], **parameters: object) -> Tool:
    schema = {"type": "object", "properties": parameters, "required": list(required), "additionalProperties": False}
    return Tool(name, description, schema)


def _text(description: str) -> dict[str, str]:
    return {"type": "string", "description": description}


_RUN_PASSES = _tool(
    "run_passes",
    "Run a pipeline of LLVM passes on a version. Gives the new version's name, its IR, its estimated cost and remarks.",
    ["pipeline"],
    pipeline=_text("as opt -passes= takes it, such as 'function(loop-unroll<O3>,slp-vectorizer,instcombine)'"),
    options=_text("LLVM options for the passes, such as '-unroll-runtime -unroll-count=4'"),
    ir=_IR,
)
_ANALYZE = _tool(
    "analyze",
    "Print what an analysis finds out about a version: print<loops>, print<scalar-evolution>, print<access-info>, "
    f"print<da>, print<memoryssa>, print<block-freq>, print<cost-model>, …; '{_REMARKS}': what the vectorizers say.",
    ["pass"],
    **{"pass": _text(f"print<…> or '{_REMARKS}'")},
    ir=_IR,
)
_MCA = _tool(
    "mca",
    "What llvm-mca says about the innermost loops of a version on the processor that it is timed on, and its assembly.",
    [],
    ir=_IR,
)
EVALUATE = _tool(
    "evaluate",
    "Have a version built into the program, tested and timed; says what came of it. It takes seconds: use it well.",
    ["ir"],
    ir=_text(f"LLVM IR, edits of '{ORIGINAL}', or the name of a version"),
    idea=_text("what is different, in a few words"),
)
