"""Other programs: their output, their end, and what happens when they do not end."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from llmcoop.errors import ToolchainError
from llmcoop.process import Child, ChildDied, ChildTimedOut, run


def alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def ends_soon(pid: int) -> bool:
    """Wait for the kernel to finish what a kill has begun."""
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


def test_output_and_status_are_returned() -> None:
    completed = run(["sh", "-c", "cat; echo problem >&2; exit 3"], stdin=b"input", timeout_s=30)
    assert (completed.returncode, completed.stdout, completed.stderr) == (3, b"input", b"problem\n")
    assert not completed.timed_out
    assert completed.seconds > 0


def test_signal_is_a_negative_status() -> None:
    assert run(["sh", "-c", "kill -SEGV $$"], timeout_s=30).returncode == -11


def test_large_streams_in_both_directions_do_not_block() -> None:
    data = os.urandom(5 << 20)
    assert run(["cat"], stdin=data, timeout_s=60).stdout == data


def test_program_that_does_not_read_its_input_is_fine() -> None:
    completed = run(["sh", "-c", "exec 0<&-; echo done"], stdin=bytes(5 << 20), timeout_s=30)
    assert (completed.returncode, completed.stdout) == (0, b"done\n")


def test_time_out_kills_the_whole_group() -> None:
    completed = run(["sh", "-c", "sleep 1000 & echo $!; wait"], timeout_s=0.5)
    assert completed.timed_out
    assert completed.returncode == -9
    assert ends_soon(int(completed.stdout))


def test_time_out_holds_after_the_outputs_are_closed() -> None:
    assert run(["sh", "-c", "exec >&- 2>&-; exec sleep 1000"], timeout_s=0.5).timed_out


def test_output_limit_stops_the_program() -> None:
    completed = run(["yes"], timeout_s=60, output_limit=1000)
    assert completed.output_exceeded
    assert not completed.timed_out
    assert completed.stdout == b"y\n" * 500


def test_output_of_exactly_the_limit_is_allowed() -> None:
    completed = run(["printf", "12345"], timeout_s=30, output_limit=5)
    assert (completed.stdout, completed.output_exceeded) == (b"12345", False)


def test_environment_and_folder_are_as_given(tmp_path: Path) -> None:
    completed = run(["/usr/bin/env"], env={"ONLY": "this"}, cwd=tmp_path, timeout_s=30)
    assert completed.stdout == b"ONLY=this\n"
    assert run(["/bin/pwd"], cwd=tmp_path, timeout_s=30).stdout.decode().strip() == str(tmp_path.resolve())


def test_missing_tool_names_itself() -> None:
    with pytest.raises(ToolchainError, match="no-such-tool") as error:
        run(["no-such-tool"], timeout_s=5)
    assert "install" in error.value.hint
    with pytest.raises(ToolchainError, match="no-such-tool"):
        Child(["no-such-tool"])


def test_missing_folder_is_not_a_missing_tool(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError) as error:
        run(["true"], cwd=tmp_path / "gone", timeout_s=5)
    assert "install" not in error.value.hint


def test_child_answers_many_times() -> None:
    with Child(["cat"]) as child:
        for text in (b"one", b"two" * 10000, b""):
            child.send(text)
            assert child.receive(len(text), 30) == text


def test_child_that_dies_tells_why() -> None:
    with Child(["sh", "-c", "echo last words >&2; exit 7"]) as child:
        with pytest.raises(ChildDied, match="last words") as error:
            child.receive(1, 30)
        assert error.value.returncode == 7


def test_child_that_closed_its_input_died() -> None:
    with Child(["true"]) as child, pytest.raises(ChildDied):
        for _ in range(100):
            child.send(bytes(1 << 16))


def test_silent_child_times_out() -> None:
    with Child(["sleep", "1000"]) as child:
        with pytest.raises(ChildTimedOut):
            child.receive(1, 0.1)
        with pytest.raises(ChildTimedOut):
            child.send(bytes(1 << 20), 0.1)


def test_kill_ends_the_group_and_can_be_repeated() -> None:
    child = Child(["sh", "-c", "sleep 1000 & echo $!; wait"])
    line = bytearray()
    while not line.endswith(b"\n"):
        line += child.receive(1, 30)
    child.kill()
    child.kill()
    assert ends_soon(int(line))


def test_close_lets_a_willing_child_finish(tmp_path: Path) -> None:
    Child(["sh", "-c", f"cat; echo finished > '{tmp_path}/note'"]).close(grace_s=30)
    assert (tmp_path / "note").read_text() == "finished\n"


def test_close_kills_an_unwilling_child() -> None:
    child = Child(["sh", "-c", "echo $$; exec sleep 1000"])
    line = bytearray()
    while not line.endswith(b"\n"):
        line += child.receive(1, 30)
    child.close(grace_s=0.1)
    assert ends_soon(int(line))


def test_file_descriptors_do_not_leak() -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    run(["true"], timeout_s=30)
    before = count()
    for _ in range(5):
        run(["true"], timeout_s=30)
        with Child([sys.executable, "-c", "pass"]):
            pass
    assert count() == before
