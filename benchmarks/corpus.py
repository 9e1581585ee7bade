"""How many of the corpus' wrong rewrites are refuted, by what, and how soon; and that no correct one is.

    python benchmarks/corpus.py tests/corpus --seconds 60

Each folder below the given one has an llmcoop.toml with one sample run, wrong-*.c and right-*.c. Tests are grown once
for a program; every rewrite has `--seconds` for that and for the attack on it together.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from llmcoop import user_rewrites
from llmcoop.examiner import Examiner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.spec import Spec, load
from llmcoop.toolchain import Toolchain
from llmcoop.values import Evidence, EvidenceKind
from llmcoop.verdict import decide

PREPARE_SHARE = 0.33


@dataclass(frozen=True, slots=True)
class Trial:
    """One rewrite that was examined."""

    rewrite: Path
    evidence: Evidence
    words: str
    seconds: float  # with the tests' share


def main() -> None:
    """Print a line for each rewrite and a summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0, help="for one rewrite, tests included")
    parser.add_argument("--right", type=float, help="seconds of the attack on a correct one, if others")
    parser.add_argument("--only", default="*", help="programs, as a pattern")
    options = parser.parse_args()
    trials: list[Trial] = []
    for folder in sorted(path.parent for path in options.corpus.glob(f"{options.only}/llmcoop.toml")):
        trials += examined(folder, options.seconds, options.right)
    report(trials, options.seconds)


def examined(folder: Path, seconds: float, right_s: float | None) -> list[Trial]:
    """All rewrites of one program."""
    spec, toolchain, sandbox = load(folder), Toolchain.find(), Sandbox.find()
    found: list[Trial] = []
    with tempfile.TemporaryDirectory() as name:
        examiner = Examiner(spec, toolchain, sandbox, Path(name, "tests"), Path(name, "scratch"), limits=Limits())
        started = time.monotonic()
        testing = examiner.prepare(seconds * PREPARE_SHARE, lambda _: None)
        prepared_s = time.monotonic() - started
        adequacy = testing.adequacy
        score = f"{adequacy.mutation_score:.2f}" if adequacy else "unknown"
        print(f"{folder.name}: {testing.cases} tests, mutation score {score}, {prepared_s:.1f} s", flush=True)
        for rewrite in (*sorted(folder.glob("wrong-*.c")), *sorted(folder.glob("right-*.c"))):
            attack_s = max(1.0, seconds - prepared_s)
            if right_s is not None and rewrite.name.startswith("right"):
                attack_s = right_s
            trial = examine(spec, examiner, rewrite, attack_s, prepared_s)
            print(f"  {rewrite.stem:32} {trial.seconds:6.1f} s  {trial.words}", flush=True)
            found.append(trial)
    return found


def examine(spec: Spec, examiner: Examiner, rewrite: Path, attack_s: float, prepared_s: float) -> Trial:
    """One rewrite."""
    candidate = user_rewrites.as_candidate(spec.program, rewrite)
    started = time.monotonic()
    evidence = examiner.examine({candidate.source: candidate.text}, attack_s, lambda _: None)
    verdict = decide(evidence, spec.accept, examiner.adequacy)
    words = f"{verdict.ruling}: {verdict.reason}"
    return Trial(rewrite, evidence, words, prepared_s + time.monotonic() - started)


def report(trials: list[Trial], seconds: float) -> None:
    """Print what came of it."""
    wrong = [trial for trial in trials if trial.rewrite.name.startswith("wrong")]
    right = [trial for trial in trials if trial.rewrite.name.startswith("right")]
    refuted = [trial for trial in wrong if trial.evidence.kind is EvidenceKind.REFUTED]
    kinds = Counter(trial.evidence.counterexample.kind for trial in refuted if trial.evidence.counterexample)
    times = sorted(trial.seconds for trial in refuted)
    print(f"\nwrong rewrites: {len(refuted)} of {len(wrong)} refuted with at most {seconds:g} s each")
    for kind, count in kinds.most_common():
        print(f"  by {kind}: {count}")
    if times:
        print(f"  seconds with the tests' share: median {times[len(times) // 2]:.1f}, longest {times[-1]:.1f}")
    missed = sorted(f"{trial.rewrite.parent.name}/{trial.rewrite.stem}" for trial in wrong if trial not in refuted)
    print(f"  missed: {', '.join(missed) or 'none'}")
    blamed = sorted(
        f"{trial.rewrite.parent.name}/{trial.rewrite.stem}"
        for trial in right
        if trial.evidence.kind is EvidenceKind.REFUTED
    )
    print(f"correct rewrites: {len(blamed)} of {len(right)} refuted: {', '.join(blamed) or 'none'}")


if __name__ == "__main__":
    main()
