"""The plain values that cross from one part to the next."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path


class Level(StrEnum):
    """Where a candidate changes the program."""

    SOURCE = "source"
    IR = "ir"
    ASM = "asm"


class EvidenceKind(StrEnum):
    """Why a candidate is believed equal to the program."""

    BY_CONSTRUCTION = "by-construction"
    PROVED = "proved"
    TESTED = "tested"
    REFUTED = "refuted"


class Acceptance(StrEnum):
    """The weakest evidence that a user lets pass; each includes those before it."""

    BY_CONSTRUCTION = "by-construction"
    PROVED = "proved"
    TESTED = "tested"


class Outcome(StrEnum):
    """How the evaluation of one candidate ended."""

    ACCEPTED = "accepted"  # correct, and measured faster than the baseline
    NOT_FASTER = "not-faster"  # correct as far as tested, but not measurably faster
    SAME_CODE = "same-code"  # lowers to an executable that was evaluated already
    WEAK = "weak"  # nothing speaks against it, but too little for it: see the message
    REFUTED = "refuted"  # a test failed: see the counterexample
    DOES_NOT_COMPILE = "does-not-compile"
    COMPILER_FAILED = "compiler-failed"  # a pass or the code generator crashed, hung or ran out of memory


@dataclass(frozen=True, slots=True)
class Program:
    """What is optimized: sources with the user's own flags."""

    sources: tuple[Path, ...]
    cflags: tuple[str, ...] = ("-O3",)
    ldflags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Invocation:
    """One way to run a program. `files` are copied into its working directory under their own names."""

    args: tuple[str, ...] = ()
    stdin: bytes = b""
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Workload:
    """The run whose time counts, and variants of it that no proposer sees."""

    timed: Invocation
    variants: tuple[Invocation, ...] = ()
    exit_code: int = 0  # what the timed run must end with


@dataclass(frozen=True, slots=True)
class Expectation:
    """A test as the user states it; what is `None` is taken from the reference."""

    invocation: Invocation
    stdout: bytes | None = None
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class TestCase:
    """An input with the reference's answer."""

    __test__ = False  # not a pytest class

    invocation: Invocation
    stdout: bytes
    exit_code: int
    origin: str  # "workload", "variant", "user", "fuzz", later "model"
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class FunctionRecipe:
    """Hints for one function, as LLVM attributes and loop metadata; they never change what it computes."""

    function: str
    hints: tuple[tuple[str, str], ...]  # e.g. ("unroll.count", "8"), ("inline", "never")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the compiler's own parts lower the program. The default is what `clang` itself does.

    Every recipe is correct by construction: it only orders passes, parameters and code generation.
    """

    whole_program: bool = False  # link all modules before optimizing and internalize
    profile: bool = False  # use the instrumentation profile of workload and tests
    clones: tuple[str, ...] = ()  # x86-64 levels to clone the hot functions for, e.g. ("x86-64-v3",)
    pipeline: str = ""  # textual pass pipeline; empty: the one of the user's own -O level
    options: tuple[str, ...] = ()  # LLVM options for the passes, e.g. ("-unroll-threshold=400",)
    codegen: tuple[str, ...] = ()  # LLVM options for code generation
    functions: tuple[FunctionRecipe, ...] = ()
    bolt: bool = False  # reorder the linked executable with llvm-bolt and a profile

    def canonical(self) -> str:
        """The recipe as JSON with sorted keys and without defaults: equal recipes give equal text."""
        default = asdict(Recipe())
        changed = {name: value for name, value in asdict(self).items() if value != default[name]}
        return json.dumps(changed, sort_keys=True, separators=(",", ":"))

    @property
    def settings(self) -> int:
        """How many things it does otherwise than `clang` itself."""
        hints = sum(len(function.hints) for function in self.functions)
        lists = len(self.clones) + len(self.options) + len(self.codegen) + hints
        return lists + self.whole_program + self.profile + bool(self.pipeline) + self.bolt

    @staticmethod
    def parse(text: str) -> Recipe:
        """The inverse of `canonical`."""
        fields = json.loads(text)
        for name in ("clones", "options", "codegen"):
            if name in fields:
                fields[name] = tuple(fields[name])
        if "functions" in fields:
            fields["functions"] = tuple(
                FunctionRecipe(entry["function"], tuple((name, value) for name, value in entry["hints"]))
                for entry in fields["functions"]
            )
        return Recipe(**fields)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One version of the program at one level."""

    level: Level
    origin: str  # which proposer, and why, in a few words: "search: clones=x86-64-v3"
    recipe: Recipe = field(default_factory=Recipe)
    # At source level: the whole text of a source file. At IR level: a module whose definitions replace those of the
    # parent's optimized module.
    text: str = ""
    parent: str = ""  # key of the candidate that this one changes or lowers otherwise; empty for the program itself
    source: str = ""  # at source level: the name of the source file that `text` replaces
    authored: bool = False  # by a person or a model, not by the compiler's own passes: nothing is known of it

    @property
    def key(self) -> str:
        """SHA-256 over what is built (not over how it was thought of)."""
        content = "\0".join((self.level, self.parent, self.source, self.recipe.canonical(), self.text))
        return hashlib.sha256(content.encode(errors="surrogateescape")).hexdigest()


_ON_PROCESSOR = " on a processor of the level "


class Refutation(StrEnum):
    """What is wrong with a candidate that failed a test."""

    OUTPUT = "another output"
    ENDING = "another ending"  # exit code, signal, time-out, memory
    SANITIZER = "undefined behaviour or a data race"  # that the original does not have
    PRECOMPUTED = "precomputed"


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A test that a candidate failed."""

    case: TestCase
    stdout: bytes
    status: str  # "exit 0", "signal SIGSEGV", "time-out after 10 s", a sanitizer's report, "precomputed: …"
    # or an ending on another processor, see `on_processor`

    @property
    def processor(self) -> str:
        """On which processor it failed, in words, as the status ends; empty for this machine's own."""
        _, on, level = self.status.partition(_ON_PROCESSOR)
        return on + level

    @property
    def kind(self) -> Refutation:
        """What the status amounts to."""
        if self.status.removesuffix(self.processor) == f"exit {self.case.exit_code}":
            return Refutation.OUTPUT
        if self.status.startswith("precomputed"):
            return Refutation.PRECOMPUTED
        if self.status.startswith(("exit", "signal", "time-out", "memory", "not executable")):
            return Refutation.ENDING
        return Refutation.SANITIZER


def on_processor(status: str, level: str) -> str:
    """The status of a candidate that failed on a processor of a level, such as x86-64-v2."""
    return f"{status}{_ON_PROCESSOR}{level}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a candidate is believed, or not."""

    kind: EvidenceKind
    cases_passed: int = 0
    cases_hidden: int = 0  # of those, how many no proposer saw
    counterexample: Counterexample | None = None
    inputs_compared: int = 0  # inputs made up for this candidate on which it did what the original does
    sanitizers: tuple[str, ...] = ()  # under which it was as clean as the original: "address", "memory", …


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole."""

    covered: int
    total: int

    @property
    def ratio(self) -> float:
        """From 0 to 1; 1 where there is nothing to cover."""
        return self.covered / self.total if self.total else 1.0


@dataclass(frozen=True, slots=True)
class Adequacy:
    """Whether tests would notice a wrong version of the program: what they run of it, and what they catch."""

    lines: Share
    branches: Share
    conditions: Share  # modified condition/decision coverage (MC/DC)
    mutants: int  # deliberately broken versions, those that are provably equal to the original left out
    caught: int
    missed: tuple[str, ...] = ()  # functions with mutants that were not caught, the most first: "parse: 5 of 12"

    @property
    def mutation_score(self) -> float:
        """The share of mutants that the tests catch, 0 to 1; 1 where there are none."""
        return self.caught / self.mutants if self.mutants else 1.0


@dataclass(frozen=True, slots=True)
class Measurement:
    """Paired runs of baseline and candidate, and what they say about the ratio baseline / candidate.

    The times are what each run needed for itself: wall time less the time that others had its core.
    """

    baseline_ns: tuple[int, ...]
    candidate_ns: tuple[int, ...]
    speedup: float
    low: float  # confidence interval of the speedup
    high: float
    confidence: float = 0.95

    @property
    def samples(self) -> int:
        """How many pairs."""
        return len(self.baseline_ns)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the evaluator found out about one candidate."""

    candidate: Candidate
    outcome: Outcome
    evidence: Evidence | None = None
    measurement: Measurement | None = None
    message: str = ""  # compiler error, culprit pass, …
    executable_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may spend; `None` is no limit of that kind."""

    seconds: float = 60.0
    candidates: int | None = None
    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None
