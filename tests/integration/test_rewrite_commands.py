"""The commands about evidence: rewrites are tried, checked and refused, tests are made and used again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Bench

from llmcoop.sandbox import Sandbox

ORIGINAL = """
#include <stdio.h>
#include <stdlib.h>
static int is_prime(long n) {
  if (n < 2)
    return 0;
  for (long d = 2; d <= n / 2 && d * d <= 4 * n; d++)
    if (n % d == 0)
      return 0;
  return 1;
}
int main(int argc, char **argv) {
  long limit = argc > 1 ? atol(argv[1]) : 0, count = 0, sum = 0;
  if (limit < 0 || limit > 400000) {
    puts("limit out of range");
    return 1;
  }
  for (long i = 0; i < limit; i++)
    if (is_prime(i)) {
      count++;
      sum += i;
    }
  printf("%ld primes, sum %ld\\n", count, sum);
  return 0;
}
"""
RIGHT = ORIGINAL.replace("d <= n / 2 && d * d <= 4 * n", "d * d <= n")
WRONG = RIGHT.replace("d * d <= n", "d * d < n")
BROKEN = RIGHT.replace("d * d <= n", "d * e <= n")
LIBRARY = """
long weigh(const int *x, int n) {
  long sum = 0;
  for (int i = 0; i < n; i++)
    sum += x[i] % 7 * (long)i;
  return sum;
}
"""
TYPO = LIBRARY.replace("% 7", "% 8")


@pytest.fixture
def folder(sandbox: Sandbox, tmp_path: Path) -> Path:
    texts = {
        "prog.c": ORIGINAL,
        "right.c": RIGHT,
        "wrong.c": WRONG,
        "broken.c": BROKEN,
        "lib.c": LIBRARY,
        "typo.c": TYPO,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_check_tells_right_rewrites_from_wrong_ones(folder: Path) -> None:
    bench = Bench(folder, "check")
    rewrites = ("right.c", "wrong.c", "broken.c")
    done = bench.run(*rewrites, "--original", "prog.c", "--args", "5000", "--seconds", "36", "--json")
    assert done.returncode == 1
    found = {Path(each["rewrite"]).name: each for each in json.loads(done.stdout)["rewrites"]}
    assert {name: each["ruling"] for name, each in found.items()} == {
        "right.c": "accepted",
        "wrong.c": "refuted",
        "broken.c": None,
    }
    assert "undeclared identifier 'e'" in found["broken.c"]["reason"]
    counterexample = Path(found["wrong.c"]["counterexample"])
    assert (counterexample / "expected.stdout").read_bytes() != (counterexample / "actual.stdout").read_bytes()


def test_check_asks_for_the_evidence_that_is_wanted(folder: Path) -> None:
    done = Bench(folder, "check").run(
        "right.c", "--original", "prog.c", "--args", "5000", "--seconds", "12", "--accept", "proved"
    )
    assert done.returncode == 1
    assert "weak: it is tested, and what was asked for is proved" in done.stdout


def test_tests_that_were_made_are_used_again(folder: Path) -> None:
    made = Bench(folder, "test").run("prog.c", "--args", "5000", "--seconds", "12", "--json")
    assert made.returncode == 0, made.stderr
    testing = json.loads(made.stdout)["testing"]
    assert testing["cases"] > testing["hidden"] > 0
    assert testing["adequacy"]["caught"] > 0.5 * testing["adequacy"]["mutants"]
    kept = folder / "prog.tests" / "tests"
    assert "[[test]]" in (kept / "tests.toml").read_text()
    done = Bench(folder).run("prog.c", "--args", "5000", "--tests", kept, "--budget", "seconds=8", "--json")
    assert done.returncode == 0, done.stderr


def test_optimize_tries_rewrites_as_candidates(folder: Path) -> None:
    done = Bench(folder).run(
        *("prog.c", "--args", "100000", "--rewrite", "wrong.c", "--rewrite", "right.c"),
        *("--budget", "seconds=40", "--out", "found", "--json"),
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["outcome"] == "improved"
    assert result["winner"]["evidence"] == "tested"
    assert result["winner"]["inputs_compared"] > 0
    assert result["tests"]["adequacy"]["mutants"] > 0
    assert "source" in [gain["level"] for gain in result["gain_by_level"]]
    assert {each["outcome"]: each["candidates"] for each in result["candidates"]}["refuted"] == 1
    assert "+  for (long d = 2; d * d <= n; d++)" in (folder / "found" / "rewrite.patch").read_text()


def test_code_without_main_is_made_faster_by_function(folder: Path) -> None:
    done = Bench(folder).run("lib.c", "--function", "weigh", "--budget", "seconds=25", "--out", "found", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["outcome"] in ("improved", "nothing-faster")
    assert sum(each["candidates"] for each in result["candidates"]) > 0
    assert (folder / "found" / "harness.c").is_file()


def test_a_rewrite_of_a_function_is_checked(folder: Path) -> None:
    done = Bench(folder, "check").run("typo.c", "--original", "lib.c", "--function", "weigh", "--seconds", "15")
    assert done.returncode == 1
    assert "typo.c: refuted" in done.stdout


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("check", "gone.c", "--original", "prog.c"), "can't read"),
        (("check", "right.c", "--original", "prog.c", "--accept", "prooved"), "did you mean 'proved'"),
        (("check", "right.c", "--original", "prog.c", "--original", "lib.c"), "which source does right.c replace"),
        (("test", "prog.c", "--tests", "gone"), "no folder"),
        (("optimize", "lib.c", "--function", "weight"), "no function weight is defined"),
        (("optimize", "lib.c", "--function", "weigh", "--args", "5"), "its harness makes up workload"),
    ],
)
def test_bad_input_is_explained(folder: Path, args: tuple[str, ...], expected: str) -> None:
    command, *rest = args
    done = Bench(folder, command).run(*rest)
    assert done.returncode == 2
    assert expected in done.stderr
