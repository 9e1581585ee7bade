"""`llmcoop project` on a small project with a makefile: real builds, tests, benchmark, compilers and processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from llmcoop import native
from llmcoop.facts import processor
from llmcoop.project import measured_speedup
from llmcoop.project.spec import load
from llmcoop.rewrites import Stage
from llmcoop.rewrites import load as load_rewrites
from llmcoop.sandbox import Sandbox
from llmcoop.values import EvidenceKind
from server import replies, serving

TINY = Path(__file__).parent / "projects" / "tiny"
needs_avx2 = pytest.mark.skipif(not processor.supports("x86-64-v3"), reason="NO AVX2 ON THIS MACHINE")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "tiny"))


def command(*args: str | Path) -> list[str]:
    return [sys.executable, "-m", "llmcoop", "project", *map(str, args)]


def llmcoop(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*args), capture_output=True, text=True, timeout=120, check=False)


def build(folder: Path, rewrites: Path) -> bytes:
    """The project's object as any later build makes it, without a Python to start."""
    environment = {"PATH": os.environ["PATH"], "LLMCOOP_REWRITES": str(rewrites), "LLMCOOP_PYTHON": "/nonexistent"}
    environment["CC"] = str(native.installed("llmcoop-cc"))
    subprocess.run(["make", "-C", folder, "check"], env=environment, check=True, capture_output=True, timeout=60)
    return (folder / "sums.o").read_bytes()


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@needs_avx2
def test_a_hot_function_becomes_faster_and_later_builds_have_it(project: Path, tmp_path: Path) -> None:
    before, out = files_of(project), tmp_path / "out"
    done = llmcoop(project, "--budget", "seconds=8", "--out", out, "--require-speedup", "1.1")
    assert done.returncode == 0, done.stderr
    assert files_of(project) == before
    assert done.stdout == (out / "report.txt").read_text()
    found = json.loads((out / "project.json").read_text())
    assert found["outcome"] == "improved"
    assert found["speedup"] > 1.1
    assert found["same_output"]
    assert found["hot"][0]["function"] == found["kept"][0]["function"] == "distance"
    assert "the gain means distance itself became about" in done.stdout
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()) == sorted(found["files"])

    plain = build(Path(shutil.copytree(project, tmp_path / "plain")), tmp_path / "no rewrites")
    one, two = (build(Path(shutil.copytree(project, tmp_path / name)), out / "rewrites") for name in ("one", "two"))
    assert one == two != plain
    measured = measured_speedup(load(project), out / "rewrites", 1.0)
    assert measured.low > 1.05


def test_a_wrong_project_is_told_what_is_wrong(project: Path, tmp_path: Path) -> None:
    check = project / "check.sh"
    check.write_text("#!/bin/sh\necho no luck today\nexit 1\n")
    done = llmcoop(project, "--out", tmp_path / "out")
    assert done.returncode == 3
    assert "no luck today" in done.stderr
    makefile = project / "Makefile"
    makefile.write_text(f"CC = cc\n{makefile.read_text()}")
    done = llmcoop(project, "--out", tmp_path / "out")
    assert done.returncode == 3
    assert "make CC=$CC" in done.stderr


def test_nothing_faster_is_an_honest_result(project: Path, tmp_path: Path) -> None:
    spec = project / "llmcoop.toml"
    spec.write_text(f'{spec.read_text()}functions = "^checksum$"\n')
    out = tmp_path / "out"
    done = llmcoop(project, "--out", out, "--json", "--require-speedup", "1.01")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert (found["outcome"], found["speedup"], found["kept"]) == ("nothing-faster", 1.0, [])
    assert "nothing faster found" in found["reason"]


def stopped_after_the_first_gain(project: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """A run that gets Ctrl-C when it has found something."""
    argv = command(project, "--out", out, "--budget", "seconds=60")
    with subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stderr
        for line in running.stderr:
            if "accepted" in line:
                running.send_signal(signal.SIGINT)
                break
        stdout, stderr = running.communicate(timeout=60)
    return subprocess.CompletedProcess(argv, running.returncode, stdout, stderr)


@needs_avx2
def test_ctrl_c_ends_the_search_with_the_best_so_far(project: Path, tmp_path: Path) -> None:
    done = stopped_after_the_first_gain(project, tmp_path / "out")
    assert done.returncode == 130
    assert json.loads((tmp_path / "out" / "project.json").read_text())["outcome"] == "interrupted"
    assert "kept:" in done.stdout


@needs_avx2
def test_what_fails_the_projects_own_tests_is_taken_out_again(project: Path, tmp_path: Path) -> None:
    check = project / "check.sh"
    check.write_text(f"{check.read_text()}if objdump -d sums.o | grep -q '[yz]mm'; then exit 1; fi\n")
    done = stopped_after_the_first_gain(project, tmp_path / "out")
    assert "nothing faster found" in done.stdout
    assert "dropped distance" in done.stdout
    assert "tests fail" in done.stdout
    assert not list((tmp_path / "out" / "rewrites").glob("*"))


BITS = """
unsigned bits(unsigned word) {
  unsigned count = 0;
  while (word) {
    count += word & 1;
    word >>= 1;
  }
  return count;
}
"""
COUNTING = """
#include <stdio.h>
#include <stdlib.h>
unsigned bits(unsigned word);
int main(int argc, char **argv) {
  unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 10, sum = 0;
  for (unsigned i = 0; i < rounds; i++)
    sum += bits(i * 2654435761u);
  printf("%u\\n", sum);
  return 0;
}
"""
COUNTED = """Counting is one intrinsic.

```llvm
define dso_local i32 @bits(i32 noundef %word) #0 {
  %count = call i32 @llvm.ctpop.i32(i32 %word)
  ret i32 %count
}
declare i32 @llvm.ctpop.i32(i32)
attributes #0 = { nofree norecurse nosync nounwind memory(none) uwtable "min-legal-vector-width"="0" \
"no-trapping-math"="true" "stack-protector-buffer-size"="8" "target-cpu"="x86-64" \
"target-features"="+cmov,+cx8,+fxsr,+mmx,+sse,+sse2,+x87" "tune-cpu"="generic" }
```
"""
TOO_FEW = COUNTED.replace("  ret i32 %count", "  %few = and i32 %count, 15\n  ret i32 %few")
COMMANDS = """
[project]
build = "$CC -O2 -c bits.c && $CC -O2 main.c bits.o -o count"
test = 'test "$(./count 10)" = 155'
benchmark = "./count 500000"
functions = "^bits$"
[model]
name = "tiny"
base_url = "{url}/v1"
[budget]
seconds = 25
calls = 8
"""


def test_what_a_model_writes_is_tried_in_the_sandbox_and_kept_with_its_evidence(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    project, out = tmp_path / "bits", tmp_path / "out"
    project.mkdir()
    (project / "bits.c").write_text(BITS)
    (project / "main.c").write_text(COUNTING)
    with serving(replies(TOO_FEW), replies(COUNTED), replies("```stop\n```")) as server:
        (project / "llmcoop.toml").write_text(COMMANDS.format(url=server.url))
        done = llmcoop(project, "--out", out)
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "project.json").read_text())
    assert [kept["change"][:10] for kept in found["kept"]] == ["written by"], done.stdout + done.stderr
    (rewrite,) = load_rewrites(out / "rewrites")
    assert (rewrite.stage, rewrite.kind in (EvidenceKind.PROVED, EvidenceKind.TESTED)) == (Stage.LAST, True)
    assert "ctpop" in rewrite.after
    assert "whole benchmark" in rewrite.measured
    assert "not in rewrite.patch: bits" in done.stdout
