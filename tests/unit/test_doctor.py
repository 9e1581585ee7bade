"""The doctor finds what is wrong, says what to do, and finds nothing wrong where nothing is."""

import subprocess
import sys
from pathlib import Path

import pytest

from llmcoop import doctor
from llmcoop.report import Check, CheckStatus

UNUSABLE = (CheckStatus.FAILED, CheckStatus.SKIPPED)


def examined() -> dict[str, Check]:
    return {check.name: check for check in doctor.examine()}


def other_llvm(folder: Path) -> None:
    """Tools that call themselves LLVM 14."""
    for name in ("clang", "opt", "llc", "llvm-profdata", "llvm-readelf"):
        tool = folder / name
        tool.write_text("#!/bin/sh\necho Debian LLVM version 14.0.6\n")
        tool.chmod(0o755)


def test_a_good_installation_passes() -> None:
    assert not [check for check in examined().values() if check.status in UNUSABLE]


def test_missing_tools_fail_and_what_needs_them_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMCOOP_LLVM_BIN", str(tmp_path))
    checks = examined()
    assert checks["LLVM tools"].status is CheckStatus.FAILED
    assert "apt-get install" in checks["LLVM tools"].hint
    for name in ("linker", "plugin in opt", "plugin in clang", "canary"):
        assert checks[name].status is CheckStatus.SKIPPED, name
    assert checks["sandbox"].status is CheckStatus.PASSED


def test_another_llvm_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other_llvm(tmp_path)
    monkeypatch.setenv("LLMCOOP_LLVM_BIN", str(tmp_path))
    check = examined()["LLVM tools"]
    assert check.status is CheckStatus.FAILED
    assert "14.0.6" in check.detail and "22" in check.detail


def test_a_plugin_that_finds_no_python_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMCOOP_PYTHON", "/nonexistent/python")
    checks = examined()
    for name in ("plugin in opt", "plugin in clang"):
        assert checks[name].status is CheckStatus.FAILED
        assert "/nonexistent/python" in checks[name].detail


def test_the_command_exits_with_4_when_a_check_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMCOOP_LLVM_BIN", str(tmp_path))
    command = [sys.executable, "-m", "llmcoop", "doctor"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 4
    assert "apt-get install" in done.stdout
