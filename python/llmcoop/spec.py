"""What a run is asked to do: llmcoop.toml and the command's options, merged into one `Spec`."""

from __future__ import annotations

import hashlib
import json
import math
import shlex
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack

from llmcoop import model_choice
from llmcoop.errors import UsageError
from llmcoop.includes import absolute, folder_at, local_headers, read_bytes
from llmcoop.model_choice import ModelChoice
from llmcoop.table import Table, nearest
from llmcoop.values import Acceptance, Budget, Expectation, Invocation, Level, Program, Workload

FILE_NAME = "llmcoop.toml"

T = TypeVar("T", "Spec", "ModelChoice", Program, Invocation)

_INVOCATION = ("args", "stdin", "stdin_text", "files")
_KEYS = {
    "": ("program", "workload", "test", "budget", "options", "model", "project"),
    "[program]": ("sources", "function", "rewrites", "cflags", "ldflags"),
    "[workload]": (*_INVOCATION, "exit_code", "variant"),
    "[[workload.variant]]": _INVOCATION,
    "[[test]]": (*_INVOCATION, "stdout_text", "exit_code"),
    "[budget]": tuple(entry.name for entry in fields(Budget)),
    "[options]": ("accept", "levels", "require_speedup", "sandbox", "tests"),
    "[model]": model_choice.KEYS,
    "[project]": ("directory", "configure", "build", "test", "benchmark", "functions"),
}
_BUDGET_OF_MODELS = Budget(seconds=600.0, calls=40)  # where a model is named but no budget


@dataclass(frozen=True, slots=True)
class Spec:
    """Everything that a run needs to know before it starts; all paths are absolute."""

    program: Program
    workload: Workload = field(default_factory=lambda: Workload(Invocation()))
    tests: tuple[Expectation, ...] = ()
    levels: tuple[Level, ...] = tuple(Level)
    model: ModelChoice = field(default_factory=ModelChoice)
    budget: Budget = field(default_factory=Budget)
    budgeted: bool = False  # whether somebody said what the run may use
    require_speedup: float | None = None
    sandbox: bool = True
    function: str = ""  # what to optimize when there is no main: a harness is made for it
    rewrites: tuple[Path, ...] = ()  # versions of a source file that somebody wrote, each a candidate
    kept_tests: Path | None = None  # folder of test cases that were made up earlier
    accept: Acceptance = Acceptance.TESTED

    @property
    def key(self) -> str:
        """SHA-256 over what is optimized: the bytes of sources, headers and inputs, flags, tests.

        Reads the files, and raises `UsageError` when one is gone.
        Budget, model, levels, sandbox and rewrites are left out: they change how much is found, not if it is valid.
        """
        headers = local_headers(self.program)
        content = {
            "function": self.function,
            "sources": [(path.name, _file_digest(path)) for path in self.program.sources],
            "headers": sorted((path.name, _file_digest(path)) for path in headers),
            "cflags": self.program.cflags,
            "ldflags": self.program.ldflags,
            "timed": [_invocation_content(self.workload.timed), self.workload.exit_code],
            "variants": [_invocation_content(variant) for variant in self.workload.variants],
            "tests": [_expectation_content(test) for test in self.tests],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load(path: Path) -> Spec:
    """The spec in the file `path`, or in the llmcoop.toml of the folder `path`.

    Raises `UsageError` when the file or one that it names can't be read, or a key is unknown, missing or of
    the wrong type.
    """
    return _budgeted(_spec(read(path)))


def read(path: Path) -> Table:
    """The whole of the file `path`, or of the llmcoop.toml of the folder `path`.

    Raises `UsageError` when it can't be read, is not valid TOML or has a key at its top level that is not known.
    """
    file = path / FILE_NAME if path.is_dir() else path
    try:
        document = tomllib.loads(read_bytes(file, "spec file").decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}", "docs/spec.md describes the file") from error
    return Table(file.absolute(), _KEYS, "", document)


class SpecOptions(TypedDict, total=False):
    """What may be given besides the sources; an option that is absent or `None` leaves what the spec file says."""

    spec: str | Path | None  # llmcoop.toml, or its folder
    args: Sequence[str] | None
    stdin: str | Path | None  # a file
    function: str | None
    rewrites: Sequence[str | Path] | None
    cflags: Sequence[str] | None
    ldflags: Sequence[str] | None
    accept: str | None
    tests: str | Path | None  # the folder that `llmcoop test` wrote
    levels: Sequence[str] | None
    model: str | None
    guide: str | None
    testing_agent: bool | None
    budget: str | None
    require_speedup: float | None
    sandbox: bool | None


def from_options(sources: Sequence[str | Path] = (), **options: Unpack[SpecOptions]) -> Spec:
    """A spec from options alone, or from the file `spec` with the options that are not `None` over it.

    Without sources and without `spec`, the llmcoop.toml of the current folder is used. Raises `UsageError`.
    """
    here = Path.cwd()
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    spec = options.get("spec")
    base = load(_spec_file(spec, here)) if spec or not sources else Spec(Program(()))
    read: dict[str, Callable[[Any], object]] = {
        "function": str,
        "rewrites": lambda paths: _rewrites(paths, here),
        "accept": _acceptance,
        "levels": _levels,
        "budget": lambda text: parse_budget(text, base.budget),
        "require_speedup": required_speedup,
        "sandbox": bool,
    }
    changes = {name: convert(given[name]) for name, convert in read.items() if name in given}
    if "tests" in given:
        changes["kept_tests"] = folder_at(here / given["tests"], "tests")
    return _budgeted(
        replace(
            base,
            program=_program_over(base.program, sources, given, here),
            workload=replace(base.workload, timed=_timed_over(base.workload.timed, given, here)),
            model=_model_over(base.model, given),
            budgeted=base.budgeted or "budget" in given,
            **changes,
        )
    )


def _program_over(base: Program, sources: Sequence[str | Path], given: Mapping[str, Any], here: Path) -> Program:
    return _over(
        base,
        sources=_sources(sources, here) if sources else None,
        cflags=absolute(given["cflags"], here) if "cflags" in given else None,
        ldflags=absolute(given["ldflags"], here) if "ldflags" in given else None,
    )


def _timed_over(base: Invocation, given: Mapping[str, Any], here: Path) -> Invocation:
    return _over(
        base,
        args=tuple(given["args"]) if "args" in given else None,
        stdin=read_bytes(here / given["stdin"], "standard input") if "stdin" in given else None,
    )


def _model_over(base: ModelChoice, given: Mapping[str, Any]) -> ModelChoice:
    guide = given.get("guide")
    return _over(
        base,
        name=given.get("model"),
        guide=None if guide is None else model_choice.guide(guide),
        testing=given.get("testing_agent"),
    )


def _budgeted(spec: Spec) -> Spec:
    """A model needs time for its replies: where no budget is given, there is more of it."""
    return spec if spec.model.absent or spec.budgeted else replace(spec, budget=_BUDGET_OF_MODELS)


def parse_budget(text: str, base: Budget | None = None) -> Budget:
    """`base` with what `text` says over it, such as "seconds=60,calls=30". Raises `UsageError`."""
    example = 'a budget looks like "seconds=60,candidates=200"'
    chosen: dict[str, float | int] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = (part.strip() for part in entry.partition("="))
        if name not in _KEYS["[budget]"]:
            raise UsageError(f"unknown budget '{name}'", nearest(name, _KEYS["[budget]"]))
        try:
            chosen[name] = _amount(name, float(value))
        except (ValueError, OverflowError):
            raise UsageError(f"budget '{entry}' is not a usable amount", example) from None
    if not chosen:
        raise UsageError("the budget is empty", example)
    return replace(base or Budget(), **chosen)


def split_words(text: str, option: str) -> tuple[str, ...]:
    """The words of `text` as a shell would split them. Raises `UsageError` on an open quote."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: {error}", "quote it as you would in a shell") from error


def _spec(table: Table) -> Spec:
    here = table.file.parent
    program, options = table.table("program"), table.table("options")
    sources = program.strings("sources")
    if not sources:
        raise program.error("sources", 'a list of C files, such as sources = ["main.c"]')
    speedup = options.number("require_speedup")
    levels, accept, tests = options.strings("levels"), options.text("accept"), options.text("tests")
    return _over(
        Spec(
            Program(
                _sources(sources, here),
                absolute(program.strings("cflags", ("-O3",)), here),
                absolute(program.strings("ldflags"), here),
            ),
            workload=_workload(table.table("workload")),
            tests=tuple(_expectation(test) for test in table.tables("test", "[[test]]")),
            budget=budget_of(table.table("budget")),
            budgeted="budget" in table.data,
            model=model_choice.of_table(table.table("model")),
        ),
        function=program.text("function"),
        rewrites=_rewrites(program.strings("rewrites"), here),
        accept=None if accept is None else _acceptance(accept),
        kept_tests=None if tests is None else folder_at(here / tests, "tests"),
        levels=_levels(levels) if levels else None,
        require_speedup=None if speedup is None else required_speedup(speedup),
        sandbox=options.flag("sandbox"),
    )


def _over(base: T, **changes: object) -> T:
    """`base` with those changes that are not `None`."""
    return replace(base, **{name: value for name, value in changes.items() if value is not None})


def _spec_file(spec: str | Path | None, here: Path) -> Path:
    if not spec and not (here / FILE_NAME).is_file():
        hint = f"name C sources, or a spec file with --spec, or add {FILE_NAME} here"
        raise UsageError("nothing to optimize", hint)
    return here / (spec or FILE_NAME)


def _sources(sources: Sequence[str | Path], here: Path) -> tuple[Path, ...]:
    paths = tuple((here / source).resolve() for source in sources)
    for path in paths:
        read_bytes(path, "source")
        if paths.count(path) > 1:
            raise UsageError(f"source {path} is named twice", "name each file once")
    return paths


def _workload(table: Table) -> Workload:
    variants = table.tables("variant", "[[workload.variant]]")
    return Workload(_invocation(table), tuple(_invocation(variant) for variant in variants), _exit_code(table) or 0)


def _invocation(table: Table) -> Invocation:
    here = table.file.parent
    stdin, stdin_text = table.text("stdin"), table.text("stdin_text")
    if stdin is not None and stdin_text is not None:
        raise UsageError(f"{table.file}: {table.name} has both stdin and stdin_text", "keep one of them")
    if stdin is not None:
        data = read_bytes(here / stdin, f"stdin of {table.name} in {table.file}")
    else:
        data = (stdin_text or "").encode()
    files = tuple((here / name).resolve() for name in table.strings("files"))
    for path in files:
        read_bytes(path, f"data file of {table.name} in {table.file}")
        if [other.name for other in files].count(path.name) > 1:
            raise UsageError(f"{table.file}: two data files of {table.name} are called {path.name}", "rename one")
    return Invocation(table.strings("args"), data, files)


def _expectation(table: Table) -> Expectation:
    stdout = table.text("stdout_text")
    return Expectation(_invocation(table), None if stdout is None else stdout.encode(), _exit_code(table))


def _exit_code(table: Table) -> int | None:
    code = table.number("exit_code")
    if code is not None and (not isinstance(code, int) or not 0 <= code <= 255):
        raise table.error("exit_code", "a whole number from 0 to 255")
    return code


def budget_of(table: Table) -> Budget:
    """What the table [budget] says. Raises `UsageError`."""
    chosen: dict[str, float | int] = {}
    for name in table.data:
        value = table.number(name)
        try:
            chosen[name] = _amount(name, float(value or 0))
        except (ValueError, OverflowError):
            raise table.error(name, "a positive amount, whole unless seconds or usd") from None
    return replace(Budget(), **chosen)


def _amount(name: str, value: float) -> float | int:
    """A budget entry: finite, at least 0 (seconds: over 0), counts whole. Raises `ValueError`."""
    if not (value >= 0 and math.isfinite(value)) or (name == "seconds" and value == 0):
        raise ValueError(name)
    if name in ("seconds", "usd"):
        return value
    if value != int(value):
        raise ValueError(name)
    return int(value)


def required_speedup(value: float) -> float:
    """`value`, if a speedup can be required so. Raises `UsageError`."""
    if not 0 < value < float("inf"):
        raise UsageError(f"the required speedup must be over 0, not {value}", "1.05 asks for 5% faster")
    return float(value)


def _acceptance(name: str) -> Acceptance:
    known = [acceptance.value for acceptance in Acceptance]
    if name not in known:
        raise UsageError(f"unknown evidence '{name}'", nearest(name, known))
    return Acceptance(name)


def _rewrites(paths: Iterable[str | Path], here: Path) -> tuple[Path, ...]:
    resolved = tuple((here / path).resolve() for path in paths)
    for path in resolved:
        read_bytes(path, "rewrite")
    return resolved


def _levels(names: Iterable[str]) -> tuple[Level, ...]:
    known = [level.value for level in Level]
    for name in names:
        if name not in known:
            raise UsageError(f"unknown level '{name}'", nearest(name, known))
    return tuple(dict.fromkeys(Level(name) for name in names))


def _invocation_content(invocation: Invocation) -> list[object]:
    files = [(path.name, _file_digest(path)) for path in invocation.files]
    return [invocation.args, hashlib.sha256(invocation.stdin).hexdigest(), files]


def _expectation_content(test: Expectation) -> list[object]:
    stdout = None if test.stdout is None else hashlib.sha256(test.stdout).hexdigest()
    return [_invocation_content(test.invocation), stdout, test.exit_code]


def _file_digest(path: Path) -> str:
    return hashlib.sha256(read_bytes(path, "input")).hexdigest()
