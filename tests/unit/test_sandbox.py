"""What a wrapped command can see, write and reach."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from llmcoop import process
from llmcoop.errors import ToolchainError
from llmcoop.process import Completed
from llmcoop.sandbox import Limits, Sandbox


def shell(sandbox: Sandbox, script: str, **named: Any) -> Completed:
    return process.run(sandbox.command(["/bin/sh", "-c", script], **named), timeout_s=30)


def sleeping(seconds: str) -> bool:
    """Whether a `sleep` of so many seconds runs anywhere on the machine."""
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            if command.read_bytes() == f"sleep\0{seconds}\0".encode():
                return True
    return False


def test_only_the_system_is_visible(sandbox: Sandbox) -> None:
    seen = shell(sandbox, "ls -A / /tmp /dev/shm; ls /etc").stdout.decode().split()
    for hidden in ("home", "root", "var", "run", "srv", "mnt", "passwd", "shadow", "ssl", "hosts"):
        assert hidden not in seen
    assert "usr" in seen


def test_named_paths_are_visible_where_they_are(sandbox: Sandbox, tmp_path: Path) -> None:
    inner = tmp_path / "with space" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "with space" / "a.txt").write_text("text")
    script = "cat '../a.txt' && echo new > b.txt && ! touch ../c.txt 2>/dev/null"
    completed = shell(sandbox, script, readonly=[inner.parent], writable=[inner], cwd=inner)
    assert (completed.returncode, completed.stdout) == (0, b"text")
    assert (inner / "b.txt").read_text() == "new\n"
    assert not (inner.parent / "c.txt").exists()


def test_one_file_can_be_named_without_its_neighbours(sandbox: Sandbox, tmp_path: Path) -> None:
    for name in ("shown", "hidden"):
        (tmp_path / name).write_text(name)
    assert shell(sandbox, f"ls {tmp_path}", readonly=[tmp_path / "shown"]).stdout == b"shown\n"


def test_missing_named_path_is_an_error_of_ours(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match="does not exist"):
        sandbox.command(["true"], readonly=[tmp_path / "gone"])


def test_environment_is_only_what_is_given(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "planted-secret")
    script = "/usr/bin/env; cat /proc/*/environ | tr '\\0' '\\n'"
    told = shell(sandbox, script, env={"GIVEN": "a value"}).stdout.decode()
    assert "GIVEN=a value" in told
    assert "planted" not in told
    assert {line.split("=")[0] for line in told.splitlines()} <= {"GIVEN", "PATH", "HOME", "LANG", "PWD", "_"}


def test_nothing_of_the_system_is_writable(sandbox: Sandbox) -> None:
    script = """
    for place in / /usr /etc /dev /usr/bin; do touch $place/x && echo wrote $place; done
    for setting in kernel/core_pattern vm/swappiness; do
        cat /proc/sys/$setting > /proc/sys/$setting && echo wrote $setting
    done"""
    completed = shell(sandbox, script)
    assert completed.stdout == b""
    assert completed.stderr.count(b"\n") == 7  # each attempt was refused


def test_private_tmp_is_writable_and_private(sandbox: Sandbox) -> None:
    name = f"llmcoop-test-{os.getpid()}"
    assert shell(sandbox, f"echo x > /tmp/{name} && echo y > /dev/shm/{name} && cat /tmp/{name}").stdout == b"x\n"
    assert not Path("/tmp", name).exists()
    assert not Path("/dev/shm", name).exists()


def test_host_name_and_processes_are_hidden(sandbox: Sandbox) -> None:
    told = shell(sandbox, "cat /proc/sys/kernel/hostname; ls /proc").stdout.decode().split()
    assert told[0] == "sandbox"
    assert socket.gethostname() not in told
    assert str(os.getpid()) not in told or os.getpid() < 10


def test_network_has_only_its_own_loopback(sandbox: Sandbox) -> None:
    lines = shell(sandbox, "tail -n +3 /proc/net/dev").stdout.decode().splitlines()
    assert [line.split(":")[0].strip() for line in lines] == ["lo"]


def test_capabilities_reach_no_further_than_named_files(sandbox: Sandbox) -> None:
    lines = shell(sandbox, "cat /proc/self/status").stdout.decode().splitlines()
    status = dict(line.split(":\t", 1) for line in lines)
    override_permissions = 1 << 1
    assert int(status["CapEff"], 16) & ~override_permissions == 0
    assert status["NoNewPrivs"] == "1"


def test_limits_are_set(sandbox: Sandbox) -> None:
    limits = Limits(cpu_s=7, memory_bytes=1 << 30, file_bytes=1 << 20, stack_bytes=16 << 20, processes=33)
    told = shell(sandbox, "ulimit -t; ulimit -v; ulimit -f; ulimit -s; ulimit -c", limits=limits).stdout
    assert told.split() == [b"7", b"1048576", b"2048", b"16384", b"0"]


def test_time_out_ends_everything_inside(sandbox: Sandbox) -> None:
    seconds = f"{os.getpid()}.5"
    command = sandbox.command(["/bin/sh", "-c", f"setsid sleep {seconds} & setsid sleep {seconds}"])
    assert process.run(command, timeout_s=0.5).timed_out
    deadline = time.monotonic() + 10
    while sleeping(seconds):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_without_bubblewrap_it_refuses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError, match="bubblewrap") as error:
        Sandbox.find()
    assert "apt-get install bubblewrap" in error.value.hint
    assert "--no-sandbox" in error.value.hint


def test_bubblewrap_that_can_not_work_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ToolchainError, match="No permissions to create new namespace") as error:
        Sandbox.find()
    assert "--no-sandbox" in error.value.hint


def test_no_sandbox_says_so_and_still_clears_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "planted-secret")
    sandbox = Sandbox.find(enabled=False)
    assert not sandbox.enabled
    assert "--no-sandbox" in sandbox.description
    told = shell(sandbox, "env; pwd", cwd=tmp_path, env={"GIVEN": "x"}, limits=Limits()).stdout.decode()
    assert "planted" not in told
    assert "GIVEN=x" in told
    assert str(tmp_path) in told
