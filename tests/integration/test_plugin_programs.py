"""Whole programs, compiled with the plugin in opt and in clang, print what they print without it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/llmcoop.toml"))
WRONG = """
from llmcoop.judge import Proposal

def propose(function, worker):
    yield Proposal("wrong", function.ir.replace(", 41", ", 42"), 0.0)
"""


def checksums(*args: str | Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "benchmarks" / "plugin_checksums.py"
    return subprocess.run([sys.executable, script, *args], capture_output=True, text=True, timeout=1800, check=False)


def test_examples_print_the_same() -> None:
    done = checksums(*EXAMPLES, "--budget=3", "--accept=any")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_generated_programs_print_the_same() -> None:
    done = checksums("--csmith=10", "--seed=1", "--cflags=-fno-inline", "--budget=10", "--accept=any")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_function_is_noticed(tmp_path: Path) -> None:
    proposer, program = tmp_path / "wrong.py", tmp_path / "program.c"
    proposer.write_text(WRONG)
    program.write_text("int main(int argc, char **argv) { return argc * 41; }\n")
    done = checksums(program, f"--proposer={proposer}:propose", "--accept=any")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "opt: 1 functions tried; 0 same, 1 different output" in done.stdout
    assert "clang: 1 functions tried; 0 same, 1 different output" in done.stdout
