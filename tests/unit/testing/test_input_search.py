"""The guided loop over real fork servers: it gets where chance alone does not, and keeps only what proves something."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from llmcoop.sandbox import Limits, Sandbox
from llmcoop.testing.builds import Instrumentation, build
from llmcoop.testing.corpus import Entry
from llmcoop.testing.inputs import Mutator
from llmcoop.testing.patience import Patience
from llmcoop.testing.search import Disagreement, Rejection, Search
from llmcoop.testing.servers import ForkServers, Target
from llmcoop.testing.vocabulary import Vocabulary
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation, Program

MAGIC = """
#include <stdio.h>
#include <string.h>
int main(void) {
  char Word[16]; unsigned Number;
  if (scanf("%15s %u", Word, &Number) != 2) return puts("usage"), 2;
  if (strcmp(Word, "swordfish") != 0) return puts("no"), 0;
  if (Number * 3u == 3703690365u) RIGHT;
  return puts("nearly"), 0;
}
"""
UNCLEAN = """
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int Table[10];
int main(int Count, char **Arguments) {
  int Index = Count > 1 ? atoi(Arguments[1]) : 0;
  if (Index == 7) usleep(3000000);
  if (Index == 8) abort();
  if (Index == 9) { printf("%d\\n", (int)getpid() + rand() % 2 * (int)sizeof Table); return 0; }
  printf("%d\\n", Index >= 0 && Index < 40 ? Table[Index] : -1);
}
"""
SECONDS = 40.0


def built(folder: Path, text: str, kinds: Sequence[Instrumentation]) -> list[Target]:
    folder.mkdir()
    source = folder / "program.c"
    source.write_text(text)
    for kind in kinds:
        build(Toolchain.find(), Program((source,)), folder / kind.name, kind)
    return [Target(folder / kind.name, kind.limited_memory) for kind in kinds]


def test_words_and_numbers_that_are_compared_are_found(sandbox: Sandbox, tmp_path: Path) -> None:
    kinds = (Instrumentation.COVERAGE, Instrumentation.ADDRESS)
    original = built(tmp_path / "original", MAGIC.replace("RIGHT", 'return puts("yes"), 0'), kinds)
    rewrite = built(tmp_path / "rewrite", MAGIC.replace("RIGHT", 'return puts("no"), 0'), kinds[:1])
    with ForkServers(sandbox, [*original, *rewrite], limits=Limits()) as servers:
        search = Search(
            servers,
            {kinds[0]: 0, kinds[1]: 1},
            {kinds[0]: 2},
            [],
            [Invocation((), b"hello 42\n")],
            Mutator(Vocabulary(), seed=1),
            Patience(),
        )
        deadline = time.monotonic() + SECONDS
        seed = [Invocation((), b"hello 42\n")]
        found = next(itertools.chain(search.begin(seed, deadline), search.until(deadline)), None)
    assert isinstance(found, Disagreement)
    word, number = found.invocation.stdin.split()[:2]
    assert word == b"swordfish"
    assert int(number) * 3 % 2**32 == 3703690365


def test_inputs_that_prove_nothing_are_rejected(sandbox: Sandbox, tmp_path: Path) -> None:
    targets = built(tmp_path / "program", UNCLEAN, (Instrumentation.COVERAGE, Instrumentation.ADDRESS))
    entries: list[Entry] = []
    inputs = [Invocation((str(number),)) for number in (1, 7, 8, 9, 20, 50)]
    with ForkServers(sandbox, targets, limits=Limits()) as servers:
        builds = {Instrumentation.COVERAGE: 0, Instrumentation.ADDRESS: 1}
        search = Search(servers, builds, {}, entries, [], Mutator(Vocabulary()), Patience())
        for invocation in inputs:
            assert list(search.begin([invocation], time.monotonic() + SECONDS)) == []
    assert {entry.invocation.args[0] for entry in entries} <= {"1", "50"}
    assert search.rejected[Rejection.SLOW] == 1
    assert search.rejected[Rejection.CRASHED] == 1
    assert search.rejected[Rejection.UNSTABLE] == 1
    assert search.rejected[Rejection.UNCLEAN] == 1


def test_inputs_as_large_as_a_slow_one_are_left_out() -> None:
    patience = Patience()
    patience.slow(Invocation(("1000", "3")))
    assert patience.expects_slow(Invocation(("5000", "7")))
    assert not patience.expects_slow(Invocation(("10", "3")))
    assert not patience.expects_slow(Invocation(("5000",)))
    asked = [patience.expects_slow(Invocation(("5000", "7"))) for _ in range(40)]
    assert not all(asked)


def test_patience_follows_what_is_usual() -> None:
    patience = Patience()
    for _ in range(50):
        patience.quick(200_000)
    assert patience.limit_s == pytest.approx(0.02)
    for _ in range(300):
        patience.quick(50_000_000)
    assert patience.limit_s == pytest.approx(0.1)
