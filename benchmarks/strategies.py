"""Compare search strategies at equal budget: ours, random recipes, and Optuna's TPE if it is installed.

    python benchmarks/strategies.py examples/blur examples/words --seconds 45

Every strategy gets the same levers, evaluator, races and seconds; only what to try next differs. Its best candidate
is then measured again from scratch. Prints one row a program and the geometric mean of each strategy.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import random
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from llmcoop.allowance import Allowance, Clock
from llmcoop.diary import Diary
from llmcoop.evaluate import Evaluator
from llmcoop.guide.search import SearchPolicy
from llmcoop.history import IDENTITY, History
from llmcoop.measure import Misrun, Plan
from llmcoop.prepare import Prepared, prepared
from llmcoop.proposers import Proposer, Trial
from llmcoop.proposers.levers import PROGRAM_LEVERS, Lever
from llmcoop.proposers.search import RecipeSearch
from llmcoop.recipe_rounds import RecipeRounds
from llmcoop.search import Search
from llmcoop.spec import load
from llmcoop.store import Store
from llmcoop.values import Budget, Candidate, Level, Recipe


def recipe_of(levers: Sequence[Lever]) -> Recipe:
    """All levers, one after the other."""
    recipe = Recipe()
    for lever in levers:
        recipe = lever.applied(recipe)
    return recipe


class RandomSearch:
    """One to six levers, drawn anew each time."""

    def propose(self, trials: Sequence[Trial], count: int) -> list[Candidate]:
        """See `Proposer.propose`."""
        tried = {trial.candidate.key for trial in trials}
        generator, found = random.Random(len(trials)), {}
        for _ in range(20 * count):
            recipe = recipe_of(generator.sample(PROGRAM_LEVERS, generator.randint(1, 6)))
            candidate = Candidate(Level.IR, "random", recipe)
            if candidate.key not in tried:
                found[candidate.key] = candidate
            if len(found) == count:
                break
        return list(found.values())


class TreeParzen:
    """Optuna's default sampler over one switch a lever."""

    def propose(self, trials: Sequence[Trial], count: int) -> list[Candidate]:
        """See `Proposer.propose`."""
        import optuna  # noqa: PLC0415  # pyright: ignore[reportMissingImports] - optional

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        switch = optuna.distributions.CategoricalDistribution((False, True))
        switches: dict[str, Any] = {lever.name: switch for lever in PROGRAM_LEVERS}
        study = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.TPESampler(seed=len(trials), constant_liar=True)
        )
        tried = {trial.candidate.recipe.canonical() for trial in trials}
        for trial in trials:
            if trial.log_speedup is not None:
                on = trial.candidate.origin.split("|")
                params = {name: name in on for name in switches}
                study.add_trial(
                    optuna.trial.create_trial(params=params, distributions=switches, value=trial.log_speedup)
                )
        found: dict[str, Candidate] = {}
        for _ in range(4 * count):
            asked = study.ask(switches)
            levers = [lever for lever in PROGRAM_LEVERS if asked.params[lever.name]]
            recipe = recipe_of(levers)
            if recipe.canonical() not in tried and recipe != Recipe():
                names = "|".join(lever.name for lever in levers)
                found[recipe.canonical()] = Candidate(Level.IR, names, recipe)
            if len(found) == count:
                break
        return list(found.values())


def best_speedup(program: Prepared, strategy: Proposer, seconds: float, pool: ThreadPoolExecutor) -> tuple[float, int]:
    """What the strategy's best candidate measures again, and how many candidates it took."""
    budget = Budget(seconds=seconds)
    history = History(program.identity.sha256)
    evaluator = Evaluator(
        program.lowering, program.reference, program.baseline, program.open_runner, program.limits.wall_s
    )
    allowance = Allowance(budget, Clock(budget), 0.0, program.reference.baseline_ns / 1e9)
    rounds = RecipeRounds(
        evaluator, lambda _: strategy, history, allowance=allowance, pool=pool, announce=lambda _: None
    )
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder, "store.db")) as store:
        diary = Diary(store, store.begin("", ""), None)
        Search(SearchPolicy(), rounds, None, None, history, allowance, diary=diary, announce=lambda _: None).loop()
    champion = history.champion
    if champion is IDENTITY:
        return 1.0, len(history.evaluations)
    measured = evaluator.compare_on_workload(evaluator.lower(champion), Plan(max_seconds=8.0), against=program.identity)
    speedup = 0.0 if isinstance(measured, Misrun) else measured.speedup
    return max(1.0, speedup), len(history.evaluations)


def main() -> None:
    """Print a row a program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=Path, nargs="+", help="folders with an llmcoop.toml")
    parser.add_argument("--seconds", type=float, default=45.0)
    wanted = parser.parse_args()
    strategies: dict[str, Proposer] = {"ours": RecipeSearch(PROGRAM_LEVERS), "random": RandomSearch()}
    if importlib.util.find_spec("optuna"):
        strategies["optuna TPE"] = TreeParzen()
    logs: dict[str, list[float]] = {name: [] for name in strategies}
    for folder in wanted.programs:
        with (
            tempfile.TemporaryDirectory() as work,
            ThreadPoolExecutor(2) as pool,
            prepared(load(folder), Path(work), pool, lambda _: None) as program,
        ):
            row = []
            for name, strategy in strategies.items():
                speedup, count = best_speedup(program, strategy, wanted.seconds, pool)
                logs[name].append(math.log(speedup))
                row.append(f"{name} {speedup:.3f}x ({count} candidates)")
        print(f"{folder.name:14} " + "  ".join(row), flush=True)
    means = "  ".join(f"{name} {math.exp(sum(values) / len(values)):.3f}x" for name, values in logs.items())
    print(f"{'geomean':14} {means}")


if __name__ == "__main__":
    main()
