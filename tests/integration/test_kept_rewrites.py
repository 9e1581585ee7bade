"""What a search build keeps, later builds apply: the same code, without Python; `verify` tells when code changes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import llmcoop
from llmcoop.errors import ProgramError
from llmcoop.rewrites import Stage, building, load
from llmcoop.toolchain import Toolchain

SOURCE = """
#include <stdio.h>
static const char *const names[] = {"zero", "one", "two", "three"};
__attribute__((noinline)) unsigned scaled(unsigned x) { return x * 41 + 2; }
__attribute__((noinline)) const char *named(unsigned x) { return names[x * 41 >> 30]; }
int main(int argc, char **argv) { printf("%u %s\\n", scaled(argc), named(argc << 28)); return 0; }
"""
PROPOSER = """
import re
from llmcoop.judge import Proposal

SHIFTS = r"%a = shl i32 \\2, 5\\n  %b = shl i32 \\2, 3\\n  %c = add i32 %a, %b\\n  \\1 = add i32 %c, \\2"

def propose(function, worker):
    changed = re.sub(r"(%\\d+) = mul i32 (%\\d+), 41", SHIFTS, function.ir)
    if changed != function.ir:
        yield Proposal("by shifts", changed, 0.1)
"""


class Project:
    """A source file with kept rewrites, and the real clang with the plugin."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.kept = folder, folder / "kept rewrites"
        self.source = folder / "main.c"
        self.source.write_text(SOURCE)
        (folder / "proposer.py").write_text(PROPOSER)

    def compile(self, name: str, *flags: str, mode: str = "", python: str = "/nonexistent") -> bytes:
        """The object file; nothing may be said on standard error. Without a `mode`, it is the plugin's own."""
        output = self.folder / name
        argv = [Toolchain.find().clang, "-O2", f"-fpass-plugin={llmcoop.plugin_path()}", *flags]
        settings = {"LLMCOOP_REWRITES": str(self.kept), "LLMCOOP_PYTHON": python}
        settings |= {"LLMCOOP_MODE": mode} if mode else {}
        done = subprocess.run(
            [*map(str, argv), "-c", str(self.source), "-o", str(output)],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return output.read_bytes()

    def search(self) -> bytes:
        """Compile with the proposer in place of the search."""
        proposer = ("-mllvm", f"-llmcoop-proposer={self.folder / 'proposer.py'}:propose")
        budget = ("-mllvm", "-llmcoop-budget=60", "-mllvm", "-llmcoop-accept=tested")
        return self.compile("searched.o", *proposer, *budget, mode="search", python=sys.executable)

    def verify(self, commands: Path, code: int) -> dict[str, tuple[str, str]]:
        """State and use of each rewrite, by function."""
        argv = ["-m", "llmcoop", "rewrites", "verify", "--json", "--seconds=2", f"--compile-commands={commands}"]
        environment = {**os.environ, "LLMCOOP_REWRITES": str(self.kept)}
        done = subprocess.run([sys.executable, *argv], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return {each["function"]: (each["state"], each["use"]) for each in json.loads(done.stdout)["rewrites"]}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, bytes]:
    project = Project(tmp_path_factory.mktemp("searched"))
    return project, project.search()


@pytest.fixture
def project(searched: tuple[Project, bytes], tmp_path: Path) -> Project:
    copy = Project(tmp_path)
    shutil.copytree(searched[0].kept, copy.kept)
    return copy


def test_a_search_build_keeps_what_it_installs(searched: tuple[Project, bytes]) -> None:
    kept = {rewrite.function: rewrite for rewrite in load(searched[0].kept)}
    assert set(kept) == {"scaled", "named"}
    for rewrite in kept.values():
        assert (rewrite.module, rewrite.stage, rewrite.llvm) == ("main.c", Stage.LAST, 22)
        assert rewrite.target.startswith("x86_64-")
        assert ", 41\n" in rewrite.before and ", 5\n" in rewrite.after
        assert str(searched[0].folder) not in rewrite.text()
    assert kept["scaled"].evidence.startswith("proved: by ")
    assert kept["scaled"].origin.endswith("proposer.py:propose: by shifts")
    assert "cost model" in kept["scaled"].measured


def test_an_apply_build_gives_the_same_object_without_python(searched: tuple[Project, bytes], project: Project) -> None:
    applied = project.compile("applied.o", mode="apply")
    assert applied == searched[1]
    assert applied == project.compile("default.o")
    assert applied != project.compile("plain.o", mode="off")
    assert not list(project.folder.rglob("__pycache__"))


def log(project: Project) -> Path:
    """As `llmcoop cc` logs its commands, one of which was for a file that is gone."""
    calls = [["clang", "-O2", "-MD", "-c", "main.c", "-o", "main.o"], ["clang", "-c", "probe.c"], ["clang", "main.o"]]
    path = project.folder / "cc.log"
    lines = [json.dumps({"directory": str(project.folder), "arguments": words}) for words in calls]
    path.write_text("\n".join(lines) + "\n")
    return path


def database(project: Project) -> Path:
    """As CMake writes it."""
    path = project.folder / "compile_commands.json"
    command = {"directory": str(project.folder), "command": "ccache cc -O2 -o main.o -c 'main.c'", "file": "main.c"}
    path.write_text(json.dumps([command]))
    return path


def test_a_search_build_takes_what_is_kept_already(searched: tuple[Project, bytes], project: Project) -> None:
    other = PROPOSER.replace("shl i32 \\2, 5", "mul i32 \\2, 37").replace("shl i32 \\2, 3", "shl i32 \\2, 2")
    assert other != PROPOSER
    (project.folder / "proposer.py").write_text(other)
    assert project.search() == searched[1]
    shutil.rmtree(project.kept)
    assert project.search() != searched[1]


def test_verify_tells_what_is_applied(project: Project) -> None:
    commands = log(project)
    before = set(project.folder.iterdir())
    assert project.verify(commands, 0) == {"scaled": ("sound", "applied"), "named": ("sound", "applied")}
    assert set(project.folder.iterdir()) == before  # nothing was compiled to where the commands say


def test_verify_tells_what_is_stale_or_unused(project: Project) -> None:
    project.source.write_text(SOURCE.replace("41 + 2", "41 + 3").replace("named", "called"))
    assert project.verify(database(project), 1) == {"scaled": ("sound", "stale"), "named": ("sound", "unused")}


def test_a_changed_function_stays_as_it_is(project: Project) -> None:
    project.source.write_text(SOURCE.replace("41", "43"))
    assert project.compile("applied.o") == project.compile("plain.o", mode="off")
    remarks = project.folder / "remarks"
    project.compile("applied.o", "-fsave-optimization-record", f"-foptimization-record-file={remarks}")
    assert remarks.read_text().count("Name:            Stale") == 2


def test_verify_says_when_the_code_does_not_compile(project: Project) -> None:
    project.source.write_text("int main(void) { return gone; }")
    with pytest.raises(ProgramError, match=r"main\.c does not compile any more"):
        building.uses(Toolchain.find(), project.kept, load(project.kept), building.read_compiles(database(project)))
