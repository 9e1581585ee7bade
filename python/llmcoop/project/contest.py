"""Two copies of a project side by side: as it is, and with rewrites; built, tested and timed against each other."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import llmcoop
from llmcoop import interpreter, measure, process
from llmcoop.errors import ProgramError
from llmcoop.measure import Misrun, Plan, Sample
from llmcoop.project import benchmark
from llmcoop.project.benchmark import Benchmark
from llmcoop.project.change import Selection
from llmcoop.project.compilers import Compilers, unused
from llmcoop.project.spec import ProjectSpec
from llmcoop.project.tree import Confined, Tree, ending
from llmcoop.rewrites import files, save
from llmcoop.sandbox import Sandbox
from llmcoop.toolchain import Toolchain
from llmcoop.values import Measurement

# Names of one length: what is in memory where depends on the lengths of working directory and environment.
BASELINE, REWRITTEN, PROFILED = "baseline", "improved", "profiled"
_REWRITES, _NO_REWRITES = "rewrites", "original"
_LOG = ".llmcoop-compiled"  # in the copy, where a sandbox lets it be written


@dataclass(frozen=True, slots=True)
class Costs:
    """What things take, in seconds, as they were done once."""

    build_s: float
    test_s: float


class Contest:
    """The project as it was against the project with rewrites."""

    def __init__(self, baseline: Tree, rewritten: Tree, rewrites: Path, timed: Benchmark, costs: Costs) -> None:
        """Both copies are built, `rewritten` with what is in the folder `rewrites`."""
        self.benchmark, self.costs = timed, costs
        self._baseline, self._rewritten, self._rewrites = baseline, rewritten, rewrites
        self._installed: Selection = {}

    def build(self, selection: Selection) -> process.Completed:
        """Build the second copy with these rewrites: what concerns them is compiled anew."""
        for file in files(self._rewrites):
            file.unlink()
        for function, change in selection.items():
            for rewrite in change.rewrites(function, "not yet"):
                save(rewrite, self._rewrites)
        changed = {**self._installed, **selection}
        self._rewritten.touch(
            {function.source for function in changed if self._installed.get(function) != selection.get(function)}
        )
        self._installed = selection
        return self._rewritten.build()

    def test(self) -> process.Completed:
        """The project's own tests, on the second copy."""
        return self._rewritten.test()

    def digest(self) -> str:
        """SHA-256 over the code of the second copy."""
        return self._rewritten.digest()

    def is_reproducible(self) -> bool:
        """Whether both copies have the same code, as they should as long as there are no rewrites."""
        return self._baseline.digest() == self._rewritten.digest()

    def compare(self, plan: Plan) -> Measurement | Misrun:
        """Time both. Raises `benchmark.Stopped`, ProgramError."""
        return measure.compare(*self._samples(self.benchmark), plan)

    def confirm(self, plan: Plan) -> Measurement | Misrun:
        """Time both from scratch, whatever the user wants."""
        patient = replace(self.benchmark, stop=lambda: False)
        return measure.confirm(lambda: contextlib.nullcontext(self._samples(patient)), plan)

    def _samples(self, timed: Benchmark) -> tuple[Sample, Sample]:
        return timed.sample(self._baseline), timed.sample(self._rewritten)


def prepare(
    spec: ProjectSpec,
    work: Path,
    *,
    confined: Confined | None = None,
    rewrites: Iterable[Path] = (),
    without: Path | None = None,
    stop: Callable[[], bool] = lambda: False,
    announce: Callable[[str], None] = lambda _: None,
) -> Contest:
    """Copy and build the project twice in `work`, test the first copy, and try the benchmark on it.

    The second copy is built with the files `rewrites`. The folder `without`, where results go, is not copied. Raises
    ProgramError when the project does not build, or its own tests or benchmark fail, and ToolchainError when our
    compilers are missing.
    """
    log = work / BASELINE / _LOG
    baseline, rewritten = (
        Tree(work / name, spec, Compilers.find(), {"LLMCOOP_MODE": "apply", "LLMCOOP_REWRITES": str(folder)}, confined)
        for name, folder in zip((BASELINE, REWRITTEN), folders(work), strict=True)
    )
    baseline.copy(without)
    announce("building the project as it is")
    started = time.monotonic()
    baseline.with_settings(LLMCOOP_CC_LOG=str(log)).prepare()
    built = time.monotonic()
    if not log.exists():
        raise unused()
    announce("running its tests")
    _must_pass(baseline)
    costs = Costs(built - started, time.monotonic() - built)
    announce("running its benchmark")
    timed = benchmark.observe(baseline, stop)
    announce("building the copy that is to be changed")
    for rewrite in rewrites:
        shutil.copy2(rewrite, work / _REWRITES)
    rewritten.copy(without)
    rewritten.prepare()
    return Contest(baseline, rewritten, work / _REWRITES, timed, costs)


def _must_pass(baseline: Tree) -> None:
    tested = baseline.test()
    if tested.returncode != 0:
        command = f"the test command `{baseline.spec.test}`"
        raise ProgramError(f"{command} {ending(tested)}", "the tests must pass for the project as it is")


def folders(work: Path) -> tuple[Path, Path]:
    """The folders in `work` with the rewrites for the first copy, none, and for the second."""
    found = work / _NO_REWRITES, work / _REWRITES
    for folder in found:
        folder.mkdir(exist_ok=True)
    return found


def confinement(toolchain: Toolchain, sandbox: Sandbox, work: Path) -> Confined:
    """Where a project with code that a model wrote is built, tested and timed."""
    compilers = Path(Compilers.find().cc).parent
    shown = interpreter.folders(*map(Path, llmcoop.__path__), compilers, *toolchain.outside_usr)
    return Confined(sandbox, (*shown, *folders(work)))
