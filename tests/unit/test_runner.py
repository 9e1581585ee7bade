"""The runner: what it reports about a run, that every run is like the first, and how it fails."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

import llmcoop
from llmcoop import process
from llmcoop.errors import UsageError
from llmcoop.runner import Runner, RunnerDied
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.values import Invocation

MIB = 1 << 20
LIMITS = Limits(cpu_s=20, wall_s=20, memory_bytes=1 << 30, file_bytes=16 * MIB, processes=16, stack_bytes=8 * MIB)
Compile = Callable[..., Path]

SHELL = """
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
extern char **environ;
int main(int Count, char **Arguments) {
  char Folder[256], Text[256];
  printf("%s|", Arguments[0]);
  for (int I = 1; I < Count; ++I) printf("%s|", Arguments[I]);
  for (char **V = environ; *V; ++V) printf("%s|", *V);
  FILE *File = fopen("given.txt", "r+");
  if (File) printf("%s|", fgets(Text, sizeof Text, File));
  printf("%s", getcwd(Folder, sizeof Folder));
  return 3;
}
"""
COPY = "#include <stdio.h>\nint main(void) { for (int C; (C = getchar()) != EOF;) putchar(C); return 0; }"
SEGFAULT = "int main(void) { volatile int *P = 0; return *P; }"
LOOP = "int main(void) { for (volatile int I = 0;; ++I); }"
PIN = """
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
int main(void) {
  cpu_set_t S;
  sched_getaffinity(0, sizeof S, &S);
  printf("%d %d", CPU_COUNT(&S), sched_getcpu());
}
"""
DAEMON = """
#include <stdio.h>
#include <unistd.h>
int main(void) {
  if (fork() == 0) { setsid(); if (fork() == 0) { setsid(); for (;;) pause(); } _exit(0); }
  puts("done");
  return 0;
}
"""
MEMORY = """
#include <stdlib.h>
#include <string.h>
int main(void) {
  char *volatile Block = malloc(100 << 20);
  memset(Block, 1, 100 << 20);
  return Block[4711] - 1;
}
"""
OVERFLOW = """
#include <stdlib.h>
int main(void) { char *P = malloc(4); P[4] = 1; return P[0]; }
"""


@pytest.fixture(params=["sandbox", "no sandbox"])
def sandbox(request: pytest.FixtureRequest, sandbox: Sandbox) -> Sandbox:
    return sandbox if request.param == "sandbox" else Sandbox.find(enabled=False)


@pytest.fixture
def build(tmp_path: Path) -> Compile:
    def compile_text(text: str, *flags: str) -> Path:
        executable = tmp_path / f"program {uuid4().hex}"
        command = ["clang-22", "-O1", "-w", "-x", "c", "-", *flags, "-o", executable]
        compiled = process.run(command, stdin=text.encode(), timeout_s=60)
        assert compiled.returncode == 0, compiled.stderr.decode()
        return executable

    return compile_text


def survivors(mark: str) -> list[str]:
    """Processes whose arguments carry `mark`, once the kernel had time to finish what a kill has begun."""
    deadline = time.monotonic() + 10
    while True:
        found = [folder.name for folder in Path("/proc").iterdir() if folder.name.isdigit() and _has(folder, mark)]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.01)


def _has(folder: Path, mark: str) -> bool:
    try:
        return mark.encode() in (folder / "cmdline").read_bytes()
    except OSError:
        return False


def test_run_gets_its_invocation_and_nothing_else(
    sandbox: Sandbox, build: Compile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "planted-secret")
    given = tmp_path / "given.txt"
    given.write_text("from a file")
    with Runner(sandbox, [build(SHELL)], limits=LIMITS, env={"GIVEN": "a value"}) as runner:
        invocation = Invocation(args=("with space", "", "größe 大"), files=(given,))
        first, second = runner.run(0, invocation), runner.run(0, invocation)
    fields = first.stdout.decode().split("|")
    environment = ["PATH=/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8", "GIVEN=a value"]
    assert fields[:-1] == ["program", "with space", "", "größe 大", *environment, "from a file"]
    assert (first.status, first.exit_code, first.signal, first.timed_out) == ("exit 3", 3, None, False)
    assert first.stdout == second.stdout


def test_large_input_and_output_are_exact(sandbox: Sandbox, build: Compile) -> None:
    data = os.urandom(5 * MIB)
    with Runner(sandbox, [build(COPY)], limits=LIMITS) as runner:
        for text in (data, b"", data[:1000]):
            assert runner.run(0, Invocation(stdin=text)).stdout == text


def test_executables_are_kept_apart(sandbox: Sandbox, build: Compile) -> None:
    numbers = range(4)
    executables = [build(f"int main(void) {{ return {number}; }}") for number in numbers]
    with Runner(sandbox, executables, limits=LIMITS) as runner:
        for executable in executables:
            executable.unlink()  # what was given is what runs, whatever happens to the file
        for number in (*numbers, *reversed(numbers)):
            assert runner.run(number, Invocation()).exit_code == number


def test_crash_is_data(sandbox: Sandbox, build: Compile) -> None:
    with Runner(sandbox, [build(SEGFAULT)], limits=LIMITS) as runner:
        result = runner.run(0, Invocation())
    assert (result.status, result.exit_code, result.signal) == ("signal SIGSEGV", None, signal.SIGSEGV)


def test_file_that_is_no_program_is_data(sandbox: Sandbox, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no program")
    with Runner(sandbox, [text], limits=LIMITS) as runner:
        result = runner.run(0, Invocation())
    assert (result.status, result.exit_code) == ("not executable: Exec format error", None)


def test_time_out_is_data_and_the_next_run_works(sandbox: Sandbox, build: Compile) -> None:
    with Runner(sandbox, [build(LOOP), build(COPY)], limits=LIMITS) as runner:
        result = runner.run(0, Invocation(), timeout_s=0.2)
        assert (result.timed_out, result.status) == (True, "time-out after 0.2 s")
        assert runner.run(1, Invocation(stdin=b"x")).stdout == b"x"


def test_only_the_end_of_stderr_is_kept(sandbox: Sandbox, build: Compile) -> None:
    noisy = '#include <stdio.h>\nint main(void) { for (int I = 0; I < 100000; ++I) fprintf(stderr, "%05d ", I); }'
    with Runner(sandbox, [build(noisy)], limits=LIMITS) as runner:
        stderr = runner.run(0, Invocation()).stderr
    assert len(stderr) == 1 << 16
    assert stderr.endswith(b"99998 99999 ")


def test_resources_are_reported(sandbox: Sandbox, build: Compile) -> None:
    with Runner(sandbox, [build(MEMORY)], limits=LIMITS) as runner:
        result = runner.run(0, Invocation())
    assert 100 * MIB <= result.peak_rss_bytes < 110 * MIB
    assert result.cpu_ns > 0
    assert result.wall_ns > 0


def test_program_is_pinned_when_asked(sandbox: Sandbox, build: Compile) -> None:
    cpu = max(os.sched_getaffinity(0))
    with Runner(sandbox, [build(PIN)], limits=LIMITS, cpu=cpu) as runner:
        assert runner.run(0, Invocation()).stdout.decode() == f"1 {cpu}"
    with pytest.raises(UsageError, match="CPU 12345"):
        Runner(sandbox, [build(PIN)], limits=LIMITS, cpu=12345).__enter__()


def test_address_sanitizer_runs_without_a_limit_on_address_space(sandbox: Sandbox, build: Compile) -> None:
    limits = Limits(memory_bytes=None)
    environment = {"ASAN_OPTIONS": "detect_leaks=0"}
    executables = [build(OVERFLOW, "-fsanitize=address"), build(COPY, "-fsanitize=address")]
    with Runner(sandbox, executables, limits=limits, env=environment) as runner:
        assert b"heap-buffer-overflow" in runner.run(0, Invocation()).stderr
        assert runner.run(1, Invocation(stdin=b"x")).status == "exit 0"


def test_profile_is_gathered_in_the_writable_folder(sandbox: Sandbox, build: Compile, tmp_path: Path) -> None:
    out = tmp_path / "profiles"
    out.mkdir()
    environment = {"LLVM_PROFILE_FILE": "/out/%m.profraw"}
    program = build(COPY, "-fprofile-instr-generate")
    for _ in range(3):
        with Runner(sandbox, [program], limits=LIMITS, env=environment, writable=out) as runner:
            assert runner.run(0, Invocation(stdin=b"12345")).status == "exit 0"
    (profile,) = out.iterdir()
    shown = process.run(["llvm-profdata-22", "show", "--counts", "--all-functions", "--text", profile], timeout_s=60)
    assert b"\n15\n" in shown.stdout, shown.stdout


def test_nothing_survives_a_run_and_nobody_else_is_harmed(sandbox: Sandbox, build: Compile) -> None:
    mark = f"mark-{uuid4().hex}"
    with process.Child(["sh", "-c", "cat", "bystander"]) as bystander:
        with Runner(sandbox, [build(DAEMON)], limits=LIMITS) as runner:
            assert runner.run(0, Invocation(args=(mark,))).stdout == b"done\n"
            assert survivors(mark) == []
        bystander.send(b"alive")
        assert bystander.receive(5, 30) == b"alive"


def test_nothing_survives_the_death_of_its_user(sandbox: Sandbox, build: Compile) -> None:
    mark = f"mark-{uuid4().hex}"
    script = """
import sys
from pathlib import Path
from llmcoop.runner import Runner
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.values import Invocation
with Runner(Sandbox.find(sys.argv[1] == "True"), [Path(sys.argv[2])], limits=Limits(wall_s=600)) as runner:
    print("running", flush=True)
    runner.run(0, Invocation(args=("mark-" + sys.argv[3],)))
"""
    arguments = [str(sandbox.enabled), build(LOOP), mark.removeprefix("mark-")]
    user = process.Child([sys.executable, "-c", script, *arguments])
    assert user.receive(8, 60) == b"running\n"
    deadline = time.monotonic() + 30
    while not any(_has(folder, mark) for folder in Path("/proc").iterdir()):
        assert time.monotonic() < deadline, "the program never started"
    user.kill()
    assert survivors(mark) == []


def test_death_of_the_runner_is_reported(sandbox: Sandbox, build: Compile) -> None:
    mark = f"mark-{uuid4().hex}"
    with Runner(sandbox, [build(LOOP)], limits=LIMITS) as runner:
        assert runner.run(0, Invocation(args=(mark,)), timeout_s=0.1).timed_out
        victim = next(
            int(folder.name)
            for folder in Path("/proc").iterdir()
            if _has(folder, "llmcoop-runner") and _parent(folder) in (os.getpid(), *_children(os.getpid()))
        )
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(RunnerDied):
            runner.run(0, Invocation(args=(mark,)))
        with pytest.raises(RunnerDied, match="not running"):
            runner.run(0, Invocation())
    assert survivors(mark) == []


def _parent(folder: Path) -> int:
    return int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])


def _children(pid: int) -> list[int]:
    listed = (path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(child) for children in listed for child in children]


def test_wrong_use_is_explained(sandbox: Sandbox, build: Compile, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gone"):
        Runner(sandbox, [tmp_path / "gone"], limits=LIMITS).__enter__()
    with Runner(sandbox, [build(COPY)], limits=LIMITS) as runner:
        with pytest.raises(UsageError, match="no executable number 1"):
            runner.run(1, Invocation())
        with pytest.raises(UsageError, match="gone"):
            runner.run(0, Invocation(files=(tmp_path / "gone",)))
        assert runner.run(0, Invocation(stdin=b"x")).stdout == b"x"


def test_runner_refuses_to_be_isolated_outside_of_a_sandbox() -> None:
    program = next(path for folder in llmcoop.__path__ if (path := Path(folder, "llmcoop-runner")).exists())
    completed = process.run([program, "isolated"], timeout_s=30)
    assert completed.returncode == 2
    assert b"usage" in completed.stderr
