"""What becomes of a model that insists on a tempting wrong rewrite, for each program in tests/integration/tempting.

    python benchmarks/tempting.py --seconds 120 --only 'blur'

Every rewrite is faster and right on the workload, its variants and the user's tests; both are checked first. With
`--testing FOLDER`, the replies in FOLDER/PROGRAM/testing-*.md are those of the testing agent. The exit status is 1 if a
wrong rewrite was accepted, passed for weak, or was not tried, or a run did not end well.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path

from llmcoop.values import Counterexample, Outcome

# The programs belong to the tests, and so does what knows about them.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "integration"))
import insisting  # pyright: ignore[reportMissingImports]
from insisting import TEMPTATIONS, Attempt, Temptation  # pyright: ignore[reportMissingImports]

_REPLIES = 24  # more than a run asks for
_INPUT_CHARACTERS = 60


def main() -> int:
    """Run all programs; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0, help="the budget of each run")
    parser.add_argument("--only", default="*", help="programs, as a pattern")
    parser.add_argument("--testing", type=Path, help="folder with folders of replies of the testing agent")
    parser.add_argument("--guide", default="fixed", help="the default begins with the source")
    options = parser.parse_args()
    failed = []
    for temptation in (each for each in TEMPTATIONS if fnmatch(each.name, options.only)):
        with tempfile.TemporaryDirectory() as name:
            if not insist(temptation, Path(name), options):
                failed.append(temptation.name)
    print(f"\nnot as it should be: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def insist(temptation: Temptation, folder: Path, options: argparse.Namespace) -> bool:
    """One program; gives whether each attempt was refuted and the run ended well."""
    wrong, speedup = insisting.told_apart(temptation, folder)
    replies, out = folder / "replies", folder / "out"
    replies.mkdir()
    insisting.write_replies(temptation.rewrite, replies, _REPLIES)
    if options.testing:
        for reply in (options.testing / temptation.name).glob("testing-*.md"):
            shutil.copy(reply, replies)
    command = insisting.command(temptation, replies, out, f"seconds={options.seconds:g}", options.guide)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [*done.stdout.splitlines(), *done.stderr.splitlines()[-1:]]
    print(f"{temptation.name}: {speedup:.2f}x; exit {done.returncode}: {lines[0] if lines else ''}")
    attempts = insisting.attempts(out)
    for number, attempt in enumerate(attempts, 1):
        print(f"  {number:3}  {attempt.seconds:5.1f} s  {told(attempt)}", flush=True)
    refuted = attempts and all(each.evaluation.outcome is Outcome.REFUTED for each in attempts)
    return bool(refuted) and done.returncode == 0 and not wrong and speedup > 1.1


def told(attempt: Attempt) -> str:
    """What came of one attempt, and what showed it."""
    evaluation = attempt.evaluation
    counterexample = evaluation.evidence.counterexample if evaluation.evidence else None
    return f"{evaluation.outcome}: {shown(counterexample) if counterexample else evaluation.message}"


def shown(counterexample: Counterexample) -> str:
    """The input, where it is from, and what was wrong there."""
    case = counterexample.case
    given = " ".join(case.invocation.args) + (f" < {case.invocation.stdin!r}" if case.invocation.stdin else "")
    hidden = ", hidden" if case.hidden else ""
    where = f"{case.origin}{hidden}: {given[:_INPUT_CHARACTERS]}"
    return f"{where}: {counterexample.kind} ({counterexample.status[:_INPUT_CHARACTERS]})"


if __name__ == "__main__":
    sys.exit(main())
