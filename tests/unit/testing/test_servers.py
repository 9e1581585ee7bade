"""Fork servers: every run like the first, told apart exactly, and nothing that a run does ends them."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from llmcoop.errors import UsageError
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.testing.builds import Instrumentation, build
from llmcoop.testing.servers import FIRST_VALUE_FEATURE, ForkServers, NotServing, Output, Target
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation, Program

LIMITS = Limits(memory_bytes=256 << 20, file_bytes=4 << 20, processes=32, stack_bytes=8 << 20)
TIMEOUT_S = 20.0
RUNTIME = Path(__file__).parents[3] / "cpp" / "fuzz"
Build = Callable[..., Target]

# Counts its own runs in every place that could outlive one.
STATE = """
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static int Runs;
static char *Heap;
__attribute__((constructor)) static void start(void) { Heap = calloc(1, 1); }
static int seen(const char *Path) {
  int Old = access(Path, F_OK) == 0;
  close(open(Path, O_CREAT | O_RDWR, 0600));
  return Old;
}
int main(int Count, char **Arguments) {
  int Files = seen("here");
  if (Count > 1) Files += seen("/tmp/there") + seen("/dev/shm/shared");
  Arguments[0][0] = 'P';
  fcntl(1, F_SETFL, O_APPEND);
  printf("%d %d %d %s", ++Runs, ++Heap[0], Files, Arguments[0]);
  for (int C; (C = getchar()) != EOF;) putchar(C);
  return 0;
}
"""
NEST = """
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
int main(void) {
  int Old = mkdir("a", 0700) != 0;
  chdir("a"); mkdir("b", 0700); chdir("b");
  fclose(fopen("file", "w"));
  chmod("../b", 0); chmod("../../a", 0);
  printf("%d", Old);
}
"""
ENDINGS = """
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int Count, char **Arguments) {
  const char *How = Arguments[1];
  fputs("told", stderr);
  puts("said");
  if (!strcmp(How, "exit")) return 200;
  fflush(stdout);
  if (!strcmp(How, "_exit")) _exit(5);
  if (!strcmp(How, "abort")) abort();
  if (!strcmp(How, "crash")) *(volatile int *)0 = 1;
  if (!strcmp(How, "loop")) for (volatile int I = 0;; ++I);
  if (!strcmp(How, "stop")) raise(SIGSTOP);
  if (!strcmp(How, "flood")) for (;;) puts("a line that is repeated until the limit");
  if (!strcmp(How, "memory")) for (;;) { char *volatile Block = malloc(1 << 20); memset(Block, 1, 1 << 20); }
  return 0;
}
"""
# Leaves processes behind, or attacks its surroundings.
HOSTILE = """
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int Count, char **Arguments) {
  const char *How = Arguments[1];
  puts("first"); fflush(stdout);
  if (!strcmp(How, "daemon") && fork() == 0) { setsid(); if (fork() == 0) for (;;) pause(); _exit(0); }
  if (!strcmp(How, "late") && fork() == 0) { for (;;) puts("later"), fflush(stdout); }
  if (!strcmp(How, "bomb")) for (int I = 0; I < 1000; ++I) fork();
  if (!strcmp(How, "kill all")) kill(-1, SIGKILL);
  return 0;
}
"""
# Writes to the memory that it shares with the driver.
FORGER = """
#include "shared.h"
#include <stddef.h>
#include <string.h>
extern uint8_t *llmcoop_reached;
int main(int Count, char **Arguments) {
  Shared *Memory = (Shared *)(llmcoop_reached - offsetof(Shared, Reached));
  if (Count > 1) Memory->Child = Arguments[1][0] - '0';
  else memset(Memory, 0xff, sizeof *Memory);
  return 7;
}
"""
MAGIC = """
#include <stdio.h>
#include <string.h>
int main(int Count, char **Arguments) {
  unsigned Number = 0;
  char Word[32] = "";
  scanf("%u %31s", &Number, Word);
  if (Number == 123456789) puts("number");
  if (strcmp(Word, "xyzzy") == 0) puts("word");
  switch (Number) { case 77777: puts("case"); break; case 88888: puts("other"); }
  for (unsigned I = 0; I < Number % 300; ++I) putchar('.');
  return 0;
}
"""
MUTANTS = """
#include <stdint.h>
#include <stdio.h>
extern uint32_t llmcoop_mutant;
extern uint8_t *llmcoop_reached;
int main(int Count, char **Arguments) {
  llmcoop_reached[1] = 1;
  if (Count > 1) llmcoop_reached[65535] = 1;
  printf("%d", llmcoop_mutant == 1 ? Count - 1 : Count + 1);
  return 0;
}
"""
UNCLEAN = """
#include <limits.h>
#include <stdlib.h>
#include <string.h>
int main(int Count, char **Arguments) {
  char *Block = malloc(4);
  int Number = INT_MAX;
  if (!strcmp(Arguments[1], "overrun")) return Block[Count + 2];
  if (!strcmp(Arguments[1], "overflow")) return Number + Count > 0;
  if (!strcmp(Arguments[1], "uninitialised") && Block[Count]) return 1;
  return 0;
}
"""
RACE = """
#include <pthread.h>
static int Shared;
static void *add(void *None) { for (int I = 0; I < 1000; ++I) ++Shared; return None; }
int main(void) {
  pthread_t Threads[2];
  for (int I = 0; I < 2; ++I) pthread_create(&Threads[I], 0, add, 0);
  for (int I = 0; I < 2; ++I) pthread_join(Threads[I], 0);
  return 0;
}
"""
BROKEN = """
#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void start(void) { fputs("no good start", stderr); abort(); }
int main(void) { return 0; }
"""


@pytest.fixture(params=["sandbox", "no sandbox"])
def sandbox(request: pytest.FixtureRequest, sandbox: Sandbox) -> Sandbox:
    return sandbox if request.param == "sandbox" else Sandbox.find(enabled=False)


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Build:
    toolchain = Toolchain.find()
    made: dict[tuple[str, Instrumentation], Target] = {}

    def make(text: str, kind: Instrumentation = Instrumentation.COVERAGE) -> Target:
        if (text, kind) not in made:
            folder = tmp_path_factory.mktemp("a program")
            source = folder / "program.c"
            source.write_text(text)
            executable = folder / f"program {uuid4().hex}"
            flags = ("-w", "-O2", "-pthread", f"-I{RUNTIME}")
            build(toolchain, Program((source,), flags), executable, kind)
            made[text, kind] = Target(executable, kind.limited_memory)
        return made[text, kind]

    return make


def test_no_state_survives_a_run(sandbox: Sandbox, builds: Build) -> None:
    args = ("files everywhere",) if sandbox.enabled else ()
    with ForkServers(sandbox, [builds(STATE)] * 2, limits=LIMITS) as servers:
        for number in range(3):
            text = b" input" * number * 1000
            output = servers.output(Invocation(args, text), 0, timeout_s=TIMEOUT_S)
            assert (output.stdout, output.status) == (b"1 1 0 Program" + text, "exit 0")
        answers = servers.run([Invocation(args)] * 20, [0, 1], timeout_s=TIMEOUT_S)
    assert {answer.digest for pair in answers for answer in pair} == {hashlib.sha256(b"1 1 0 Program").digest()}


def test_a_folder_that_can_not_be_emptied_is_replaced(sandbox: Sandbox, builds: Build) -> None:
    with ForkServers(sandbox, [builds(NEST)], limits=LIMITS) as servers:
        answers = servers.run([Invocation()] * 5, [0], timeout_s=TIMEOUT_S)
    assert {answer.digest for (answer,) in answers} == {hashlib.sha256(b"0").digest()}


def test_files_are_there_and_nowhere_else(sandbox: Sandbox, builds: Build, tmp_path: Path) -> None:
    (tmp_path / "here").write_text("given")
    given, nothing = Invocation(files=(tmp_path / "here",)), Invocation()
    with ForkServers(sandbox, [builds(STATE)], limits=LIMITS) as servers:
        outputs = [servers.output(run, 0, timeout_s=TIMEOUT_S).stdout for run in (given, nothing, given)]
    assert outputs == [b"1 1 1 Program", b"1 1 0 Program", b"1 1 1 Program"]


def test_endings_are_told_apart(sandbox: Sandbox, builds: Build) -> None:
    def end(how: str, timeout_s: float = TIMEOUT_S) -> Output:
        return servers.output(Invocation((how,)), 0, timeout_s=timeout_s)

    with ForkServers(sandbox, [builds(ENDINGS)], limits=LIMITS) as servers:
        assert [end(how).status for how in ("exit", "_exit", "abort", "crash", "fine")] == [
            "exit 200",
            "exit 5",
            "signal SIGABRT",
            "signal SIGSEGV",
            "exit 0",
        ]
        loop, stopped, flood = end("loop", 0.3), end("stop", 0.3), end("flood")
        assert end("crash").answer.signal == signal.SIGSEGV
        assert end("memory").status == "signal SIGSEGV"  # after malloc gave none
        last = end("fine")
    assert [(run.stdout, run.status) for run in (loop, stopped)] == [(b"said\n", "time-out after 0.3 s")] * 2
    assert (flood.answer.size, flood.status) == (4 << 20, "signal SIGXFSZ: a file or output over 4 MiB")
    assert (last.stdout, last.stderr) == (b"said\n", b"told")


@pytest.mark.parametrize("sandbox", ["sandbox"], indirect=True)
def test_memory_without_a_limit_of_addresses_is_watched(sandbox: Sandbox, builds: Build) -> None:
    target = Target(builds(ENDINGS).executable, limited_memory=False)
    with ForkServers(sandbox, [target], limits=Limits(memory_bytes=128 << 20)) as servers:
        output = servers.output(Invocation(("memory",)), 0, timeout_s=TIMEOUT_S)
        assert (output.answer.exit_code, output.answer.signal, output.status) == (None, None, "memory over 128 MiB")
        assert servers.output(Invocation(("fine",)), 0, timeout_s=TIMEOUT_S).status == "exit 0"


def test_only_equal_outputs_and_exit_codes_are_the_same(sandbox: Sandbox, builds: Build) -> None:
    runs = [Invocation((how,)) for how in ("exit", "fine", "crash", "loop")]
    with ForkServers(sandbox, [builds(ENDINGS)] * 2, limits=LIMITS) as servers:
        pairs = servers.run(runs, [0, 1], timeout_s=0.5)
    assert [one.same_as(other) for one, other in pairs] == [True, True, False, False]
    assert not pairs[0][0].same_as(pairs[1][1])


@pytest.mark.parametrize("how", ["daemon", "late", "bomb", "kill all"])
def test_what_a_run_leaves_behind_is_gone(sandbox: Sandbox, builds: Build, how: str) -> None:
    if not sandbox.enabled and how in ("bomb", "kill all"):
        pytest.skip("without a sandbox, nothing holds it back")
    with ForkServers(sandbox, [builds(HOSTILE), builds(STATE)], limits=LIMITS) as servers:
        for _ in range(3):
            output = servers.output(Invocation((how,)), 0, timeout_s=TIMEOUT_S)
            assert output.stdout.startswith(b"first\n")
            assert servers.output(Invocation(("fine",)), 0, timeout_s=TIMEOUT_S).stdout == b"first\n"
            assert servers.output(Invocation(), 1, timeout_s=TIMEOUT_S).stdout == b"1 1 0 Program"


def test_what_a_run_leaves_behind_does_not_touch_its_neighbour(sandbox: Sandbox, builds: Build) -> None:
    daemon = Invocation(("daemon",))
    with ForkServers(sandbox, [builds(HOSTILE), builds(ENDINGS)], limits=LIMITS) as servers:
        pairs = servers.run([daemon] * 5, [0, 1], timeout_s=TIMEOUT_S)
    assert [(one.exit_code, other.exit_code) for one, other in pairs] == [(0, 0)] * 5


@pytest.mark.parametrize("args", [(), ("0",), ("1",), ("2",)])
def test_forged_results_cost_their_own_run_only(sandbox: Sandbox, builds: Build, args: tuple[str, ...]) -> None:
    with ForkServers(sandbox, [builds(FORGER), builds(STATE)], limits=LIMITS) as servers:
        for _ in range(2):
            [(forged,)] = servers.run([Invocation(args)], [0], timeout_s=0.3)
            assert forged.timed_out
            [(fine,)] = servers.run([Invocation()], [1], timeout_s=TIMEOUT_S)
            assert fine.digest == hashlib.sha256(b"1 1 0 Program").digest()


def test_features_are_new_until_they_are_kept(sandbox: Sandbox, builds: Build) -> None:
    small, large = Invocation(stdin=b"1"), Invocation(stdin=b"299")
    with ForkServers(sandbox, [builds(MAGIC)] * 2, limits=LIMITS) as servers:
        first = servers.run([small, small], [0], timeout_s=TIMEOUT_S)
        assert first[0][0].new_features == first[1][0].new_features > first[0][0].new_edges > 0
        features = servers.keep(small, 0, timeout_s=TIMEOUT_S)
        assert len([feature for feature in features if feature < FIRST_VALUE_FEATURE]) == first[0][0].new_edges
        assert len(features) == first[0][0].new_features
        [(again, untouched), (new, _)] = servers.run([small, large], [0, 1], timeout_s=TIMEOUT_S)
        assert (again.new_features, untouched.new_features) == (0, len(features))
        assert new.new_edges > 0
        assert servers.keep(large, 0, timeout_s=TIMEOUT_S) - features


def test_comparisons_lead_to_the_values_that_matter(sandbox: Sandbox, builds: Build) -> None:
    with ForkServers(sandbox, [builds(MAGIC)], limits=LIMITS) as servers:
        found = servers.comparisons(Invocation(stdin=b"4242 plugh"), 0, timeout_s=TIMEOUT_S)
    four = (4242).to_bytes(4, "little")
    integers = {
        value
        for pair in found
        if not pair.memory and four in (pair.left, pair.right)
        for value in (pair.left, pair.right)
    }
    assert {number.to_bytes(4, "little") for number in (123456789, 77777, 88888)} <= integers
    assert (b"plugh", b"xyzzy") in {(pair.left, pair.right) for pair in found if pair.memory}


def test_coverage_of_a_crash_is_not_lost(sandbox: Sandbox, builds: Build) -> None:
    crash = Invocation(("crash",))
    with ForkServers(sandbox, [builds(ENDINGS)], limits=LIMITS) as servers:
        servers.keep(Invocation(("fine",)), 0, timeout_s=TIMEOUT_S)
        [(answer,)] = servers.run([crash], [0], timeout_s=TIMEOUT_S)
    assert answer.new_edges > 0


def test_variants_and_reached_places(sandbox: Sandbox, builds: Build) -> None:
    with ForkServers(sandbox, [builds(MUTANTS)], limits=LIMITS) as servers:
        outputs = [servers.output(Invocation(("a",)), 0, timeout_s=TIMEOUT_S, variant=v).stdout for v in (0, 1, 2, 0)]
        assert outputs == [b"3", b"1", b"3", b"3"]
        reached = [servers.reached(Invocation(args), 0, timeout_s=TIMEOUT_S) for args in (("a",), ())]
    assert reached == [{1, 65535}, {1}]


@pytest.mark.parametrize(
    ("kind", "how", "report"),
    [
        (Instrumentation.ADDRESS, "overrun", b"heap-buffer-overflow"),
        (Instrumentation.ADDRESS, "overflow", b"signed integer overflow"),
        (Instrumentation.MEMORY, "uninitialised", b"use-of-uninitialized-value"),
    ],
)
def test_sanitizers_report(sandbox: Sandbox, builds: Build, kind: Instrumentation, how: str, report: bytes) -> None:
    with ForkServers(sandbox, [builds(UNCLEAN, kind)], limits=LIMITS) as servers:
        for _ in range(2):
            assert servers.output(Invocation(("fine",)), 0, timeout_s=TIMEOUT_S).status == "exit 0"
            found = servers.output(Invocation((how,)), 0, timeout_s=TIMEOUT_S)
            assert (found.status, report in found.stderr) == ("exit 86", True)


def test_races_are_reported(sandbox: Sandbox, builds: Build) -> None:
    with ForkServers(sandbox, [builds(RACE, Instrumentation.THREAD)], limits=LIMITS) as servers:
        found = servers.output(Invocation(), 0, timeout_s=TIMEOUT_S)
    assert (found.status, b"data race" in found.stderr) == ("exit 86", True)


def test_a_program_that_does_not_start_is_named(sandbox: Sandbox, builds: Build) -> None:
    targets = [builds(STATE), builds(BROKEN)]
    with pytest.raises(NotServing, match=r"signal SIGABRT; it says: no good start") as caught:
        ForkServers(sandbox, targets, limits=LIMITS).__enter__()
    assert caught.value.target == 1


def test_large_batches_and_outputs_are_exact(sandbox: Sandbox, builds: Build) -> None:
    texts = [bytes([number % 256]) * 100 * number for number in range(300)]
    with ForkServers(sandbox, [builds(STATE)], limits=LIMITS) as servers:
        answers = servers.run([Invocation(stdin=text) for text in texts], [0], timeout_s=TIMEOUT_S)
    expected = [b"1 1 0 Program" + text for text in texts]
    assert [answer.digest for (answer,) in answers] == [hashlib.sha256(text).digest() for text in expected]
    assert [answer.size for (answer,) in answers] == list(map(len, expected))


def test_one_cpu_is_enough(sandbox: Sandbox, builds: Build) -> None:
    cpu = min(os.sched_getaffinity(0))
    with ForkServers(sandbox, [builds(STATE)] * 2, limits=LIMITS, cpu=cpu) as servers:
        [(one, other)] = servers.run([Invocation()], [0, 1], timeout_s=TIMEOUT_S)
    assert one.same_as(other)
    with pytest.raises(UsageError, match="CPU 4711 is not available"):
        ForkServers(sandbox, [builds(STATE)], limits=LIMITS, cpu=4711).__enter__()


def test_wrong_targets_and_huge_arguments_are_refused(sandbox: Sandbox, builds: Build) -> None:
    with ForkServers(sandbox, [builds(STATE)], limits=LIMITS) as servers:
        for targets in ([1], [0, 0], [-1]):
            with pytest.raises(UsageError, match="no targets"):
                servers.run([Invocation()], targets, timeout_s=TIMEOUT_S)
        with pytest.raises(UsageError, match="2 MiB"):
            servers.run([Invocation(("x" * (1 << 21),))], [0], timeout_s=TIMEOUT_S)
        assert servers.output(Invocation(), 0, timeout_s=TIMEOUT_S).stdout == b"1 1 0 Program"
