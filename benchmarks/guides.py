"""Compare guides on simulated programs at equal budget: ours, a fixed split, recipes alone, and choosing at random.

    python benchmarks/guides.py --programs 600 --seconds 600 --calls 40

A simulated program has ideas for gains at each level that an expansion finds or misses, dead ends, recipes whose gain
depends on the source, and costs that vary. The distributions follow what published systems and our own runs report:
the source level gives most, on many programs nothing; IR and assembly give little, and sometimes all there is. Prints
the geometric mean of the speedups, and how much of the budget was used.
"""

from __future__ import annotations

import argparse
import math
import random
from dataclasses import dataclass, field, replace
from statistics import fmean

from llmcoop.guide import Action, ActionKind, Node, Option, Policy, Remaining, Spent, State, Step
from llmcoop.guide.bandit import BanditPolicy
from llmcoop.guide.fixed import FixedPolicy
from llmcoop.guide.search import SearchPolicy
from llmcoop.values import Level, Outcome

LOWER = {ActionKind.IR: Level.IR, ActionKind.ASM: Level.ASM}
ROUND_S = 7.0
RECIPE_ROUNDS = 8  # after which the recipes of a root are exhausted


@dataclass(frozen=True, slots=True)
class Nature:
    """What a program is like: the chance that an expansion finds an idea, mean gain of one, by level."""

    chance: dict[ActionKind, float]
    gain: dict[ActionKind, float]
    ideas: dict[ActionKind, int]  # at most so many can be found from the program itself
    seconds: dict[ActionKind, float]  # of an expansion
    recipes: float  # what recipes give in the end

    @staticmethod
    def drawn(rng: random.Random) -> Nature:
        """A random program."""
        source = rng.random() < 0.65
        only_lower = rng.random() < 0.12
        lower = {kind: rng.random() < (0.6 if only_lower else 0.3) for kind in LOWER}
        chance = {kind: rng.betavariate(2, 3) if lower[kind] else 0.0 for kind in LOWER}
        gain = {kind: rng.expovariate(1 / (0.3 if only_lower else 0.06)) for kind in LOWER}
        return Nature(
            chance={ActionKind.SOURCE: rng.betavariate(2, 2.5) if source else 0.0, **chance},
            gain={ActionKind.SOURCE: rng.lognormvariate(math.log(0.2), 1.0), **gain},
            ideas={ActionKind.SOURCE: 1 + int(rng.expovariate(0.7)), **{kind: rng.randint(1, 2) for kind in LOWER}},
            seconds={kind: rng.uniform(20, 90) for kind in (ActionKind.SOURCE, *LOWER)},
            recipes=rng.expovariate(1 / 0.15) if rng.random() < 0.7 else 0.0,
        )


@dataclass(slots=True)
class Place:
    """A candidate: what can still be found from it."""

    root: str  # the source-level candidate that it lowers
    ideas: dict[ActionKind, int]
    recipes: float
    rounds: int = 0
    functions: bool = True


@dataclass(slots=True)
class Simulation:
    """One program that a policy optimizes."""

    nature: Nature
    rng: random.Random
    remaining: Remaining
    nodes: list[Node] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)

    def run(self, policy: Policy) -> float:
        """The best logarithm of a speedup."""
        self.places[""] = Place("", dict(self.nature.ideas), self.nature.recipes)
        while (action := policy.next(self.state())).kind is not ActionKind.STOP:
            self._take(action)
        return self.state().best

    def state(self) -> State:
        """What the policy sees."""
        taken = [step.spent.seconds for step in self.steps if step.action.kind.asks_model]
        return State(
            self.remaining,
            ROUND_S,
            fmean(taken) if taken else 60.0,
            tuple(self.nodes),
            tuple(self.steps),
            tuple(self._options()),
        )

    def _options(self) -> list[Option]:
        found = []
        for key, place in self.places.items():
            if place.root == key:
                found.append(Option(ActionKind.SOURCE, key))
                if place.rounds < RECIPE_ROUNDS:
                    found.append(Option(ActionKind.RECIPES, key))
            found += [Option(kind, key) for kind in LOWER]
            if place.functions:
                found.append(Option(ActionKind.FUNCTIONS, key))
        return found

    def _take(self, action: Action) -> None:
        before, place = self.state().best, self.places[action.parent]
        match action.kind:
            case ActionKind.RECIPES:
                spent = self._recipes(action, place)
            case ActionKind.FUNCTIONS:
                spent = self._functions(action, place)
            case _:
                spent = self._expand(action, place)
        self.remaining = self.remaining.before(Spent(-spent.seconds, -spent.calls, -spent.tokens, -spent.usd))
        self.steps.append(Step(action, self.state().best - before, spent))

    def _recipes(self, action: Action, place: Place) -> Spent:
        place.rounds += 1
        found = place.recipes * (1 - 0.5**place.rounds)
        self._add(action, Level.IR, place.root, found, replace_ideas=place.ideas)
        return Spent(seconds=ROUND_S * self.rng.uniform(0.8, 1.3))

    def _functions(self, action: Action, place: Place) -> Spent:
        place.functions = False
        if self.rng.random() < 0.3:
            self._add(action, Level.IR, place.root, self.rng.expovariate(1 / 0.03), replace_ideas=place.ideas)
        return Spent(seconds=self.rng.uniform(5, 30))

    def _expand(self, action: Action, place: Place) -> Spent:
        kind = action.kind
        calls = self.rng.randint(1, 5)
        spent = Spent(self.nature.seconds[kind] * calls / 3, calls, calls * 6000, 0.0)
        if place.ideas[kind] and self.rng.random() < self.nature.chance[kind]:
            gain = self.rng.expovariate(1 / self.nature.gain[kind])
            left = {**place.ideas, kind: place.ideas[kind] - 1}
            if self.rng.random() < 0.25:  # a dead end: what else could be gained can't be gained from here
                left = {**left, kind: 0}
            self._add(action, LOWER.get(kind, Level.SOURCE), place.root, gain, replace_ideas=left)
        elif self.rng.random() < 0.3:  # correct, and not faster: a sibling with ideas of its own
            self._add(action, LOWER.get(kind, Level.SOURCE), place.root, -0.02, replace_ideas=place.ideas)
        return spent

    def _add(
        self, action: Action, level: Level, root: str, gain: float, *, replace_ideas: dict[ActionKind, int]
    ) -> None:
        key = f"c{len(self.nodes)}"
        log_speedup = self.state().log_speedup(action.parent) + gain
        outcome = Outcome.ACCEPTED if log_speedup > 0.01 else Outcome.NOT_FASTER
        self.nodes.append(Node(key, action.parent, level, "simulated", outcome, log_speedup + self.rng.gauss(0, 0.004)))
        recipes = self.nature.recipes * self.rng.uniform(0.4, 1.3) if level is Level.SOURCE else 0.0
        self.places[key] = Place(key if level is Level.SOURCE else root, dict(replace_ideas), recipes)


class RandomPolicy:
    """Any affordable option, drawn anew each time."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def next(self, state: State) -> Action:
        """See `Policy.next`."""
        if not state.affordable:
            return Action(ActionKind.STOP)
        return Action.of(self._rng.choice(state.affordable), "")


def outcome(policy: Policy, seed: int, budget: Remaining) -> tuple[float, float]:
    """The logarithm of the speedup of one program, and the part of the budget that was used."""
    simulation = Simulation(Nature.drawn(random.Random(seed)), random.Random(seed + 1), replace(budget))
    best = simulation.run(policy)
    return best, max(0.0, 1 - simulation.remaining.seconds / budget.seconds)


def main() -> None:
    """Print a row a policy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--calls", type=int, default=40)
    wanted = parser.parse_args()
    budget = Remaining(wanted.seconds, calls=wanted.calls)
    policies = {"bandit": BanditPolicy(), "fixed": FixedPolicy(), "search": SearchPolicy(), "random": RandomPolicy(1)}
    print(f"{wanted.programs} programs, {wanted.seconds:g} s and {wanted.calls} calls each")
    for name, policy in policies.items():
        results = [outcome(policy, 1000 * seed, budget) for seed in range(wanted.programs)]
        geomean = math.exp(fmean(best for best, _ in results))
        used = fmean(part for _, part in results)
        print(f"{name:8} geomean {geomean:.3f}, {used:4.0%} of the seconds used")


if __name__ == "__main__":
    main()
