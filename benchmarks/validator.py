"""What the validator says of the rewrites in tests/rewrites, and how long it takes.

    python benchmarks/validator.py --widths 8 32 64 --seconds 10

Every pair goes through a worker in the sandbox, as in a run. A wrong pair that is accepted, or a right one that is
refuted, is named, and makes the exit status 1; so are those without an answer.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from llmcoop.ir.worker import Worker
from llmcoop.sandbox import Sandbox
from llmcoop.validation import Answer, validate

# The pairs belong to the tests, and so does what reads them.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "unit" / "validation"))
from rewrite_pairs import Rewrite, rewrites  # pyright: ignore[reportMissingImports]


@dataclass(frozen=True)
class Judged:
    """One pair, what was said of it, and the milliseconds that it took."""

    pair: Rewrite
    answer: Answer
    tool: str
    detail: str
    ms: float

    @property
    def mistaken(self) -> bool:
        """Whether a wrong pair was accepted or a right one refuted."""
        return self.answer is (Answer.INCORRECT if self.pair.right else Answer.CORRECT)


def judge(pair: Rewrite, worker: Worker, seconds: float) -> Judged:
    """Validate one pair."""
    started = time.monotonic()
    validation = validate(pair.old, pair.new, "f", seconds=seconds, worker=worker)
    ms = 1000 * (time.monotonic() - started)
    return Judged(pair, validation.answer, validation.tool, validation.detail, ms)


def report(width: int, judged: list[Judged]) -> None:
    """Print two lines of the table, and every pair that did not get the answer it should."""
    for claim, right in (("right", True), ("wrong", False)):
        group = [each for each in judged if each.pair.right is right]
        counts = Counter(each.answer for each in group)
        times = sorted(each.ms for each in group)
        answers = "".join(f"{counts[answer]:11}" for answer in Answer if answer is not Answer.BOUNDED)
        slow = times[int(0.95 * len(times))]
        print(
            f"i{width:<4}{claim:6}{len(group):6}{answers}{statistics.median(times):10.0f}{slow:10.0f}{times[-1]:10.0f}"
        )
    for each in judged:
        if each.mistaken or each.answer in (Answer.UNPROVED, Answer.UNSUPPORTED):
            mark = "MISTAKEN " if each.mistaken else ""
            print(f"     {mark}{each.pair.name}: {each.answer} ({each.tool}): {each.detail}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=[8, 32, 64])
    parser.add_argument("--seconds", type=float, default=10.0, help="for each pair")
    wanted = parser.parse_args()
    answers = "".join(f"{answer:>11}" for answer in Answer if answer is not Answer.BOUNDED)
    print(f"{'':5}{'claim':6}{'pairs':>6}{answers}{'median ms':>10}{'95% ms':>10}{'most ms':>10}")
    mistaken = False
    with Worker(Sandbox.find()) as worker:
        for width in wanted.widths:
            judged = [judge(pair, worker, wanted.seconds) for pair in rewrites(width)]
            report(width, judged)
            mistaken |= any(each.mistaken for each in judged)
    raise SystemExit(1 if mistaken else 0)


if __name__ == "__main__":
    main()
