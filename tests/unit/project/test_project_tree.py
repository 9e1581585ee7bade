"""A copy of a project: its commands, its environment, its code; and how its benchmark is timed."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from llmcoop.errors import ProgramError
from llmcoop.measure import Misrun, Timing
from llmcoop.project import benchmark
from llmcoop.project.benchmark import Stopped
from llmcoop.project.compilers import Compilers
from llmcoop.project.spec import ProjectSpec
from llmcoop.project.tree import Confined, Tree
from llmcoop.sandbox import Sandbox

COMPILERS = Compilers("our-cc", "our-c++")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    folder = tmp_path / "copy"
    folder.mkdir()
    return Tree(folder, ProjectSpec(folder, "true", "true", "true"), COMPILERS)


def with_benchmark(tree: Tree, command: str) -> Tree:
    return replace(tree, spec=replace(tree.spec, benchmark=command))


def test_a_copy_leaves_out_the_folder_for_results_and_is_another_tree(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "out" / "work").mkdir(parents=True)
    (project / "a.c").write_text("int a;\n")
    (project / "link.c").symlink_to("a.c")
    os.utime(project / "a.c", (1, 1))
    spec = ProjectSpec(project, "true", "true", "true")
    tree = Tree(project / "out" / "work" / "copy", spec, COMPILERS)
    tree.copy(project / "out")
    assert sorted(path.name for path in tree.folder.iterdir()) == ["a.c", "link.c"]
    assert (tree.folder / "a.c").stat().st_mtime == 1  # make must not see it as new
    tree.touch([Path("a.c"), Path("gone.c")])
    assert (tree.folder / "a.c").stat().st_mtime > 1
    assert (project / "a.c").stat().st_mtime == 1


def test_commands_see_our_compilers_and_settings_and_none_of_the_users_for_them(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMCOOP_REWRITES", "/elsewhere")
    monkeypatch.setenv("OWN", "kept")
    monkeypatch.setenv("CC", "gcc")
    spec = replace(tree.spec, build='echo "$CC $CXX $OWN $LLMCOOP_REWRITES $LLMCOOP_MODE"; pwd')
    built = replace(tree, spec=spec).with_settings(LLMCOOP_MODE="off").build()
    assert built.stdout.decode().splitlines() == ["our-cc our-c++ kept  off", str(tree.folder)]


def test_a_command_that_fails_is_an_error_with_its_last_words(tree: Tree) -> None:
    broken = replace(tree, spec=replace(tree.spec, configure="echo no such thing >&2; exit 3"))
    with pytest.raises(ProgramError, match=r"configure command .* ended with 3:\n  no such thing"):
        broken.prepare()


def test_the_digest_is_of_code_alone(tree: Tree) -> None:
    source = tree.folder / "a.c"
    source.write_text("int answer(void) { return 42; }\n")
    compile_it = ["clang-22", "-c", str(source), "-o", str(tree.folder / "a.o")]
    subprocess.run(compile_it, check=True, timeout=20)
    first = tree.digest()
    (tree.folder / "notes.txt").write_text("more")
    source.write_text("int answer(void) { return 41 + 1; }\n")
    subprocess.run(compile_it, check=True, timeout=20)
    assert tree.digest() == first
    source.write_text("int answer(void) { return 41; }\n")
    subprocess.run(compile_it, check=True, timeout=20)
    assert tree.digest() != first


def test_confined_commands_reach_their_copy_and_nothing_else(tree: Tree, tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "secret").write_text("key\n")
    spec = replace(tree.spec, test=f"echo written > here && cat {tmp_path}/secret")
    done = replace(tree, spec=spec, confined=Confined(sandbox, ())).test()
    assert done.returncode != 0
    assert b"key" not in done.stdout
    assert (tree.folder / "here").read_text() == "written\n"


BUSY = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done"


def test_a_simple_command_is_timed_without_what_others_had_of_its_processor(tree: Tree) -> None:
    (tree.folder / "busy.sh").write_text(f"#!/bin/sh\n{BUSY}; echo done\n")
    (tree.folder / "busy.sh").chmod(0o755)
    direct = with_benchmark(tree, "./busy.sh 1")
    observed = benchmark.observe(direct, lambda: False)
    assert observed.alone
    assert observed.stdout == b"done\n"
    timing = observed.sample(direct)()
    assert isinstance(timing, Timing)
    assert 0 < timing.queued_ns < timing.wall_ns


def test_one_that_starts_others_is_timed_by_the_wall(tree: Tree) -> None:
    several = with_benchmark(tree, f"sh -c '{BUSY}'; date +%N")
    observed = benchmark.observe(several, lambda: False)
    assert not observed.alone
    assert observed.stdout is None
    timing = observed.sample(several)()
    assert isinstance(timing, Timing)
    assert timing.queued_ns == 0


@pytest.mark.parametrize(
    ("later", "said"), [("echo other", "prints something else"), ("echo same; exit 2", "ended with 2")]
)
def test_a_run_that_does_something_else_is_no_timing(tree: Tree, later: str, said: str) -> None:
    observed = benchmark.observe(with_benchmark(tree, "echo same"), lambda: False)
    run = observed.sample(with_benchmark(tree, later))()
    assert isinstance(run, Misrun)
    assert said in run.status


def test_a_benchmark_that_fails_is_the_projects_fault(tree: Tree) -> None:
    with pytest.raises(ProgramError, match="ended with 7"):
        benchmark.observe(with_benchmark(tree, "exit 7"), lambda: False)


def test_nothing_is_run_any_more_when_the_user_wants_it_to_end(tree: Tree) -> None:
    observed = benchmark.observe(tree, lambda: True)
    with pytest.raises(Stopped):
        observed.sample(tree)()
