"""The programs in examples/ are what a user would bring: clean, deterministic, tested, and with variants."""

import subprocess
from pathlib import Path

import pytest

from llmcoop.spec import Spec, load
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation

EXAMPLES = sorted(path.parent for path in (Path(__file__).parents[2] / "examples").glob("*/llmcoop.toml"))
BUILDS = {
    "optimized": ("-O3", "-Wall", "-Wextra", "-Werror"),
    "unoptimized": ("-O0",),
    "sanitized": ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
}


def build(spec: Spec, folder: Path) -> dict[str, Path]:
    clang = str(Toolchain.find().clang)
    for name, flags in BUILDS.items():
        command = [clang, *flags, *map(str, spec.program.sources), *spec.program.ldflags, "-o", str(folder / name)]
        subprocess.run(command, check=True, timeout=120)
    return {name: folder / name for name in BUILDS}


def answer(executable: Path, invocation: Invocation) -> tuple[int, bytes]:
    command = [str(executable), *invocation.args]
    done = subprocess.run(command, input=invocation.stdin, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout


def test_there_are_several_kinds() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_gives_the_same_answer_however_it_is_built(example: Path, tmp_path: Path) -> None:
    spec = load(example)
    assert len(spec.workload.variants) >= 2
    assert len(spec.tests) >= 6
    executables = build(spec, tmp_path)
    for test in spec.tests:
        answers = {answer(executable, test.invocation) for executable in executables.values()}
        assert len(answers) == 1, test
        ((exit_code, stdout),) = answers
        assert exit_code == (test.exit_code or 0)
        assert test.stdout in (None, stdout)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_small(example: Path) -> None:
    spec = load(example)
    lines = sum(len(source.read_text().splitlines()) for source in spec.program.sources)
    assert 50 <= lines <= 250
    sizes = {path.name: path.stat().st_size for path in example.rglob("*") if path.is_file()}
    assert sizes.pop("recorded.jsonl", 0) < 2_000_000
    assert sum(sizes.values()) < 100_000
