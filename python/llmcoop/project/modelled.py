"""Have a language model rewrite hot functions: compile their sources with the plugin in search mode."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from llmcoop import process
from llmcoop.project import change
from llmcoop.project.change import Step
from llmcoop.project.compilers import Compilers
from llmcoop.project.hot import HotFunction
from llmcoop.project.spec import ProjectSpec
from llmcoop.project.tree import Tree
from llmcoop.rewrites import load

_CALLS = 40  # of the model, unless the budget says how many
_LEAST_CALLS = 4  # for one function
_TIME_SHARE = 0.5  # of the whole budget, for all that the model does
_GRACE_S = 120.0  # for the compiler itself


def steps(spec: ProjectSpec, compilers: Compilers, functions: Sequence[HotFunction], work: Path) -> Iterator[Step]:
    """One step for each function that the model finds a version of, with evidence, the hottest first.

    The compile asks the model and has its versions judged in the sandbox.
    """
    calls = spec.budget.calls or _CALLS
    asked = functions[: max(1, calls // _LEAST_CALLS)]
    for number, function in enumerate(asked):
        folder = work / f"written-{number}"
        folder.mkdir()
        settings = {
            "LLMCOOP_MODE": "search",
            "LLMCOOP_PYTHON": os.environ.get("LLMCOOP_PYTHON", sys.executable),
            "LLMCOOP_MODEL": spec.model.name,
            "LLMCOOP_FUNCTIONS": f"^{re.escape(function.name)}$",
            "LLMCOOP_ACCEPT": "tested",
            "LLMCOOP_REWRITES": str(folder),
            "LLMCOOP_CALLS": str(calls // len(asked)),
            "LLMCOOP_BUDGET": f"{max(1.0, _TIME_SHARE * spec.budget.seconds / len(asked)):.0f}",
            **({"OPENAI_BASE_URL": spec.model.base_url} if spec.model.base_url else {}),
        }
        _compile(spec, compilers, function, settings)
        found = load(folder)
        if found:
            yield change.written(function, found)


def _compile(spec: ProjectSpec, compilers: Compilers, function: HotFunction, settings: dict[str, str]) -> None:
    """Compile the function's source as the build did; what comes of it lies in the folder of rewrites."""
    for compilation in function.compilations:
        compiler = compilers.cxx if compilation.arguments[0].endswith("++") else compilers.cc
        tree = Tree(compilation.directory, spec, compilers, settings)
        argv = process.dying_with_us([compiler, *compilation.arguments[1:]])
        timeout_s = float(settings["LLMCOOP_BUDGET"]) + _GRACE_S
        process.run(argv, cwd=compilation.directory, env=tree.environment(), timeout_s=timeout_s)
