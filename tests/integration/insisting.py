"""A model that insists on a tempting wrong rewrite: the programs, its replies, and what a run made of them."""

from __future__ import annotations

import math
import os
import re
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from llmcoop.spec import Spec, load
from llmcoop.store import Store
from llmcoop.toolchain import Toolchain
from llmcoop.values import Evaluation, Invocation

HERE = Path(__file__).with_name("tempting")
EXAMPLES = Path(__file__).parents[2] / "examples"
_TIMED = 7


@dataclass(frozen=True, slots=True)
class Temptation:
    """A program, and a rewrite of it that is faster, right on all that is given, and wrong."""

    rewrite: Path

    @property
    def name(self) -> str:
        return self.rewrite.stem

    @property
    def folder(self) -> Path:
        """Where its llmcoop.toml is."""
        own = HERE / self.name
        return own if own.is_dir() else EXAMPLES / self.name

    @property
    def spec(self) -> Spec:
        return load(self.folder)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One of the model's candidates, and the seconds that its evaluation took."""

    evaluation: Evaluation
    seconds: float


TEMPTATIONS = [Temptation(path) for path in sorted(HERE.glob("*.c"))]


def write_replies(rewrite: Path, folder: Path, count: int) -> None:
    """The replies of a source agent that never gives in: each is the same code, but for a number that nothing uses."""
    text = rewrite.read_text()
    for number in range(1, count + 1):
        insisted = re.sub(
            r"^(?=enum|typedef|#define)",
            f"__attribute__((used)) static const int attempt = {number};\n\n",
            text,
            count=1,
            flags=re.MULTILINE,
        )
        reply = f"Attempt {number}: this is right.\n\n```c\n{insisted}```\n"
        (folder / f"source-{number:02}.md").write_text(reply)


def command(temptation: Temptation, replies: Path, out: Path, budget: str, guide: str) -> list[str]:
    """The command for a run in which these replies are the model."""
    given = ["--spec", str(temptation.folder), "--model", f"scripted:{replies}", "--out", str(out)]
    return [sys.executable, "-m", "llmcoop", "optimize", *given, "--budget", budget, "--guide", guide]


def attempts(out: Path) -> list[Attempt]:
    """What became of the model's candidates, in their order."""
    with Store.open(out / "store.db") as store:
        evaluations = store.evaluations(store.runs()[-1].id)
    with sqlite3.connect(out / "store.db") as connection:
        seconds = [row[0] for row in connection.execute("SELECT seconds FROM evaluations ORDER BY candidate")]
    taken = zip(evaluations, seconds, strict=True)
    return [Attempt(evaluation, each) for evaluation, each in taken if evaluation.candidate.authored]


def told_apart(temptation: Temptation, folder: Path) -> tuple[list[Invocation], float]:
    """The given inputs on which the rewrite is wrong, and how many times faster it is on the workload."""
    spec, built = temptation.spec, [folder / "original", folder / "rewrite"]
    clang = str(Toolchain.find().clang)
    for source, executable in zip((*spec.program.sources, temptation.rewrite), built, strict=True):
        options = [*spec.program.cflags, "-Wall", "-Wextra", "-Werror", *spec.program.ldflags]
        subprocess.run([clang, source, *options, "-o", executable], check=True, timeout=60)
    workload = spec.workload
    given = [workload.timed, *workload.variants, *(test.invocation for test in spec.tests)]
    wrong = [each for each in given if _answer(built[0], each) != _answer(built[1], each)]
    return wrong, _speedup(built[0], built[1], workload.timed)


def _answer(executable: Path, invocation: Invocation) -> tuple[int, bytes]:
    command = [executable, *map(os.fsencode, invocation.args)]
    done = subprocess.run(command, input=invocation.stdin, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout


def _speedup(original: Path, rewrite: Path, invocation: Invocation) -> float:
    """By the least of a few runs of each, in turns."""
    least = [math.inf, math.inf]
    for _ in range(_TIMED):
        for at, executable in enumerate((original, rewrite)):
            started = time.monotonic()
            _answer(executable, invocation)
            least[at] = min(least[at], time.monotonic() - started)
    return least[0] / least[1]
