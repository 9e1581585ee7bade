"""Instrumented builds: the user's flags keep their meaning, and the executables are still the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcoop import process
from llmcoop.clang import Confinement
from llmcoop.errors import ProgramError
from llmcoop.sandbox import Sandbox
from llmcoop.testing.builds import Instrumentation, build, link_objects
from llmcoop.toolchain import Toolchain
from llmcoop.values import Program

TALK = """
#include <stdio.h>
#include <string.h>
int main(int Count, char **Arguments) {
  printf("%d %s\\n", NUMBER, Count > 1 && strcmp(Arguments[1], "yes") == 0 ? "yes" : "no");
  return 3;
}
"""


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    return Toolchain.find()


def program(folder: Path, text: str, *cflags: str, ldflags: tuple[str, ...] = ()) -> Program:
    source = folder / "program.c"
    source.write_text(text)
    return Program((source,), cflags, ldflags)


@pytest.mark.parametrize("kind", Instrumentation)
def test_without_a_driver_it_is_the_program(toolchain: Toolchain, tmp_path: Path, kind: Instrumentation) -> None:
    build(toolchain, program(tmp_path, TALK, "-O3", "-flto", "-DNUMBER=17"), tmp_path / "out", kind)
    done = process.run([tmp_path / "out", "yes"], timeout_s=20)
    assert (done.stdout, done.returncode) == (b"17 yes\n", 3)


def test_a_static_program_builds(toolchain: Toolchain, tmp_path: Path) -> None:
    static = program(tmp_path, TALK, "-DNUMBER=1", ldflags=("-static", "-lm"))
    build(toolchain, static, tmp_path / "out", Instrumentation.COVERAGE)
    assert process.run([tmp_path / "out"], timeout_s=20).stdout == b"1 no\n"


def test_a_program_may_have_its_own_comparison(toolchain: Toolchain, tmp_path: Path) -> None:
    own = "int strcasecmp(const char *A, const char *B) { return A != B; }"
    (tmp_path / "own.c").write_text(own)
    caller = program(tmp_path, '#include <strings.h>\nint main(void) { return strcasecmp("a", "A"); }')
    both = Program((*caller.sources, tmp_path / "own.c"), ("-O2",))
    build(toolchain, both, tmp_path / "out", Instrumentation.COVERAGE)
    assert process.run([tmp_path / "out"], timeout_s=20).returncode == 1


def test_objects_of_others_link(toolchain: Toolchain, tmp_path: Path) -> None:
    made = process.run(
        [toolchain.clang, "-c", "-DNUMBER=2", *program(tmp_path, TALK).sources, "-o", tmp_path / "made.o"],
        timeout_s=60,
    )
    assert made.returncode == 0
    link_objects(toolchain, program(tmp_path, TALK), [tmp_path / "made.o"], tmp_path / "out")
    assert process.run([tmp_path / "out"], timeout_s=20).stdout == b"2 no\n"


def test_what_does_not_compile_is_the_programs_fault(toolchain: Toolchain, tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="does not build with coverage instrumentation"):
        build(toolchain, program(tmp_path, "int main(void) { return x; }"), tmp_path / "out", Instrumentation.COVERAGE)


@pytest.mark.parametrize("kind", [Instrumentation.COVERAGE, Instrumentation.ADDRESS])
def test_unread_code_compiles_confined(
    sandbox: Sandbox, toolchain: Toolchain, tmp_path: Path, kind: Instrumentation
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("17")
    (tmp_path / "original").mkdir()
    (tmp_path / "out").mkdir()
    original = program(tmp_path / "original", f'int main(void) {{ return\n#include "{secret}"\n; }}')
    confinement = Confinement(sandbox, original.sources)
    with pytest.raises(ProgramError, match="file not found"):
        build(toolchain, original, tmp_path / "out" / "program", kind, confinement)
    harmless = program(tmp_path / "original", "int main(void) { return 17; }")
    build(toolchain, harmless, tmp_path / "out" / "program", kind, confinement)
    assert process.run([tmp_path / "out" / "program"], timeout_s=20).returncode == 17
