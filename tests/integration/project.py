"""Whole runs of `llmcoop optimize` on a small program, with a model behind a server or with replies from files."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from command import Bench

from llmcoop import report
from llmcoop.report import Run
from llmcoop.run import STORE
from llmcoop.store import Store
from llmcoop.values import Evaluation

KEY = "sk-test-0123456789abcdef"
# Takes a few hundredths of a second, most of it in one function; recipes gain nothing.
SOURCE = """
#include <stdio.h>
#include <stdlib.h>

/* How many numbers below n divide it. */
__attribute__((noinline)) static unsigned divisors(unsigned n) {
  unsigned count = 0;
  for (unsigned d = 1; d < n; d++)
    if (n % d == 0)
      count++;
  return count;
}

int main(int argc, char **argv) {
  unsigned limit = argc > 1 ? (unsigned)atoi(argv[1]) % 10000 : 10, sum = 0;
  for (unsigned n = 1; n <= limit; n++)
    sum = sum * 31 + divisors(n);
  printf("%u\\n", sum);
  return 0;
}
"""
ANSWER = "1211834842"  # on the workload
SPEC = """
[program]
sources = ["prog.c"]
[workload]
args = ["5000"]
[[workload.variant]]
args = ["4001"]
[[test]]
args = ["17"]
[options]
levels = [{levels}]
[model]
name = "m"
testing = false
{model}
"""


@dataclass(frozen=True, slots=True)
class Project:
    """A program in a folder, with a spec that names a model."""

    bench: Bench

    @staticmethod
    def create(folder: Path, *, levels: str = '"source"', model: str = "", source: str = SOURCE) -> Project:
        """`levels` and `model` are lines of the spec."""
        bench = Bench(folder)
        bench.write("prog.c", source)
        bench.write("llmcoop.toml", SPEC.format(levels=levels, model=model))
        return Project(bench)

    def options(self, budget: str, *more: str) -> list[str]:
        return ["--out", str(self.out), "--budget", budget, *more]

    def run(self, url: str, budget: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end; it leaves nothing behind, and the key is nowhere."""
        done = self.bench.run(*self.options(budget, *more), env=asking(url))
        assert KEY not in done.stdout + done.stderr
        assert KEY.encode() not in b"".join(path.read_bytes() for path in self.out.rglob("*") if path.is_file())
        return done

    @property
    def out(self) -> Path:
        return self.bench.folder / "out"

    @property
    def result(self) -> Run:
        return report.read(self.out)

    @property
    def evaluations(self) -> list[Evaluation]:
        """Of the latest run."""
        with Store.open(self.out / STORE) as store:
            return store.evaluations(store.runs()[-1].id)


def asking(url: str) -> Mapping[str, str]:
    """The environment of a command that asks this server."""
    return {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY}


def edit(search: str, replace: str, idea: str = "An idea") -> str:
    """A reply that proposes an edit."""
    return f"{idea}.\n\n```edit\n<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n```\n"


def whole(text: str, idea: str, kind: str = "c") -> str:
    """A reply that proposes a whole text."""
    return f"{idea}.\n\n````{kind}\n{text}\n````\n"


STOP = "```stop\n```"
