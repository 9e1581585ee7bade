"""Programs that attack their surroundings: each is contained, reported as data, and gone afterwards."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from llmcoop import process
from llmcoop.runner import Runner, RunResult
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.values import Invocation

SOURCES = Path(__file__).with_name("hostile")
MIB = 1 << 20
LIMITS = Limits(cpu_s=20, wall_s=10, memory_bytes=256 * MIB, file_bytes=16 * MIB, processes=20, stack_bytes=8 * MIB)
SECRET = f"planted-{uuid4().hex}"


@pytest.fixture(scope="module")
def executables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hostile")
    built: dict[str, Path] = {}
    for source in sorted(SOURCES.glob("*.c")):
        built[source.stem] = folder / source.stem
        compiled = process.run(
            ["clang-22", "-O1", "-w", "-D_GNU_SOURCE", source, "-o", built[source.stem]], timeout_s=60
        )
        assert compiled.returncode == 0, compiled.stderr.decode()
    return built


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "precious").write_text("precious")
    return folder


@pytest.fixture
def attack(
    sandbox: Sandbox, executables: dict[str, Path], out: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Attack]:
    """Runs a hostile program; after the test nothing of it may be left on the host."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    attack = Attack(sandbox, executables, out)
    with attack.runner:
        yield attack
        attack.must_still_work()
        assert attack.survivors() == []
    assert attack.survivors() == []
    assert [path.name for path in out.iterdir()] == ["precious"]
    assert (out / "precious").read_text() == "precious"


class Attack:
    """One runner for all hostile programs; a token among their arguments identifies them on the host."""

    def __init__(self, sandbox: Sandbox, executables: dict[str, Path], out: Path) -> None:
        self.names = list(executables)
        self.token = f"token-{uuid4().hex}"
        self.runner = Runner(sandbox, list(executables.values()), limits=LIMITS, writable=out)

    def run(self, name: str, *args: str, files: tuple[Path, ...] = (), timeout_s: float | None = None) -> RunResult:
        invocation = Invocation(args=(*args, self.token), stdin=b"some input", files=files)
        return self.runner.run(self.names.index(name), invocation, timeout_s=timeout_s)

    def must_still_work(self) -> None:
        result = self.run("neighbours")
        assert result.status == "exit 0"
        assert result.stdout == b"program /exe/program\nsees program\n"

    def survivors(self) -> list[str]:
        """Processes of the host that carry the token, other than this test."""
        found: list[str] = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != os.getpid():
                try:
                    command = (folder / "cmdline").read_bytes()
                except OSError:  # it has just ended, or belongs to someone else
                    continue
                if self.token.encode() in command:
                    found.append(folder.name)
        return found


def test_infinite_loop_is_stopped(attack: Attack) -> None:
    result = attack.run("loop", timeout_s=0.5)
    assert result.timed_out
    assert result.status == "time-out after 0.5 s"
    assert result.exit_code is None


def test_cpu_time_is_limited(sandbox: Sandbox, executables: dict[str, Path]) -> None:
    with Runner(sandbox, [executables["loop"]], limits=Limits(cpu_s=1, wall_s=60)) as runner:
        assert runner.run(0, Invocation()).status == "signal SIGXCPU: CPU time over 1 s"


def test_fork_bomb_is_bounded_and_cleaned_up(attack: Attack) -> None:
    for _ in range(3):
        assert attack.run("fork_bomb", timeout_s=0.5).timed_out


@pytest.mark.parametrize("how", ["malloc", "mmap"])
def test_memory_is_refused(attack: Attack, how: str) -> None:
    result = attack.run("memory", how)
    assert result.stdout == b"refused\n"
    assert result.peak_rss_bytes <= 256 * MIB


def test_memory_of_a_family_of_processes_is_summed(attack: Attack) -> None:
    assert attack.run("memory", "family").status == "memory over 256 MiB"


def test_output_is_cut(attack: Attack) -> None:
    result = attack.run("output")
    assert result.status == "signal SIGXFSZ: a file or output over 16 MiB"
    assert len(result.stdout) == LIMITS.file_bytes


def test_output_is_cut_even_if_the_signal_is_ignored(attack: Attack) -> None:
    result = attack.run("output", "ignore")
    assert result.exit_code == 4
    assert len(result.stdout) == LIMITS.file_bytes


def test_nothing_outside_is_written_or_read(attack: Attack, tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.write_text("private")
    places = [
        "/",
        "/usr",
        "/usr/bin",
        "/etc",
        "/dev",
        "/exe",
        "/exe/program",
        "/llmcoop-runner",
        "/home",
        "/root",
    ]
    secrets = ["/etc/passwd", "/etc/shadow", "/etc/hostname", "/proc/1/environ", "/proc/1/mem", str(private)]
    kernel = [
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/proc/1/oom_score_adj",
        "/proc/1/attr/exec",
    ]
    result = attack.run("outside", *places, *secrets, *kernel, str(tmp_path), str(SOURCES))
    lines = set(result.stdout.decode().splitlines())
    harmless = {f"read {path}" for path in ("/exe/program", "/llmcoop-runner", *kernel)}
    assert lines - harmless == set()
    assert result.exit_code == 0
    assert list(tmp_path.rglob("llmcoop-was-here")) == []


def test_environment_is_not_visible(attack: Attack) -> None:
    result = attack.run("environment")
    assert result.exit_code == 0
    assert b"PATH=/usr/bin:/bin" in result.stdout
    for secret in (SECRET.encode(), b"OPENAI_API_KEY", str(SOURCES).encode(), socket.gethostname().encode()):
        assert secret not in result.stdout


def test_network_is_unreachable(attack: Attack) -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        listener.setblocking(False)
        result = attack.run("network", str(listener.getsockname()[1]))
        assert (result.exit_code, result.stdout) == (0, b"")
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_signals_reach_nobody(attack: Attack) -> None:
    result = attack.run("signals")
    assert (result.exit_code, result.stdout) == (0, b"still here\n")


def test_background_process_ends_with_the_run(attack: Attack) -> None:
    result = attack.run("background")
    assert (result.exit_code, result.stdout) == (0, b"done\n")
    assert attack.survivors() == []


def test_links_are_never_followed(attack: Attack, out: Path, tmp_path: Path) -> None:
    given = tmp_path / "input.txt"
    given.write_text("as given")
    for _ in range(3):
        result = attack.run("links", "/out", files=(given,))
        assert (result.exit_code, result.stdout) == (0, b"input as given\n")
        assert (out / "precious").read_text() == "precious"
    assert given.read_text() == "as given"


def test_no_run_remembers_another(attack: Attack) -> None:
    first, second = attack.run("memo"), attack.run("memo")
    assert b"left a note: /tmp/note" in first.stderr  # the program does try
    assert b"left a note: shmget" not in first.stderr
    assert first.stdout == second.stdout == b"process 2 of 1\n"


def test_descriptors_are_its_own(attack: Attack) -> None:
    for _ in range(2):
        assert attack.run("descriptors").stdout == b""


def test_stopped_program_is_ended(attack: Attack) -> None:
    assert attack.run("stop", timeout_s=0.5).timed_out


def test_files_are_bounded_and_wiped(attack: Attack) -> None:
    for _ in range(2):
        assert attack.run("files").stdout == b"full\n"


def test_limits_and_confinement_hold(attack: Attack) -> None:
    result = attack.run("escape")
    assert (result.status, result.stdout) == ("exit 0", b"")


def test_other_system_call_tables_are_closed(attack: Attack) -> None:
    result = attack.run("escape", "int80")
    assert (result.status, result.stdout) == ("signal SIGSYS", b"")


@pytest.mark.parametrize("secret", ["/etc/shadow", "/etc/passwd", "id_rsa", "/proc/1/environ"])
@pytest.mark.parametrize("how", ['#include "{}"', '__asm__(".incbin \\"{}\\"");'])
def test_compiler_finds_no_secret(sandbox: Sandbox, tmp_path: Path, secret: str, how: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "id_rsa").write_text(f'char key[] = "{SECRET}";')
    work = tmp_path / "work"
    work.mkdir()
    path = home / "id_rsa" if secret == "id_rsa" else secret
    (work / "a.c").write_text(f"{how.format(path)}\nint main(void) {{ return 0; }}\n")
    command = ["clang-22", "-O1", "-c", "a.c", "-o", "a.o"]
    wrapped = sandbox.command(command, writable=[work], cwd=work, limits=Limits())
    compiled = process.run(wrapped, timeout_s=60, env={**os.environ, "OPENAI_API_KEY": SECRET})
    if secret.startswith("/proc"):  # exists, but tells nothing
        everything = compiled.stdout + compiled.stderr
        built = work / "a.o"
        assert SECRET.encode() not in everything + (built.read_bytes() if built.exists() else b"")
    else:
        assert compiled.returncode == 1, compiled.stderr
        assert b"not find" in compiled.stderr or b"not found" in compiled.stderr
