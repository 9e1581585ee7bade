"""`llmcoop-cc` is clang, argument for argument: same exit status, same output, same files with the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from launching import CC, CLANG, CLANGXX, CXX, PLUGIN, effect, environment, run

HELLO = """
#include <stdio.h>
#include "part.h"
#ifndef TEXT
#define TEXT "plain"
#endif
int main(int argc, char **argv) { return printf("%s %d\\n", TEXT, part(argc)) < 0; }
"""
PART = """
#include "part.h"
int part(int n) {
  int sum = 0;
  for (int i = 0; i < n; i++)
    sum += i * n;
  return sum;
}
"""
SOURCES = {
    "hello.c": HELLO,
    "part.c": PART,
    "part.h": "int part(int n);\n",
    "with space.c": "int spaced(void) { return 1; }\n",
    "wrong.c": "int wrong(void) { return missing; }\n",
    "warns.c": "int warns(void) { int unused; return 2; }\n",
    "plus.cpp": '#include <string>\nint main() { return std::string("four").size() == 4 ? 0 : 1; }\n',
    "code.s": "\t.globl code\ncode:\n\tnop\n\tret\n",
    "macro.S": "#define NAME code\n\t.globl NAME\nNAME:\n\tret\n",
    "module.ll": "define i32 @three() {\n  ret i32 3\n}\n",
    "outer.rsp": "-O2 @inner.rsp\n",
    "inner.rsp": '-DTEXT="\\"a b\\"" -c hello.c\n',
    "odd \udcff.c": "int odd;\n",
}
STDIN = "int from_stdin(int n) { return n * 3; }\n"
STRICT = ("-Werror", "-Wunused-command-line-argument")
COMMANDS = {
    "nothing": [],
    "an empty argument": [""],
    "version": ["--version"],
    "verbose version": ["-v"],
    "machine": ["-dumpmachine"],
    "what is searched": ["-print-search-dirs"],
    "a program of the toolchain": ["-print-prog-name=ld"],
    "help": ["--help"],
    "compile": ["-c", "part.c"],
    "optimize": ["-O2", "-c", "part.c", "-o", "out.o"],
    "highest optimization, debug information": ["-O3", "-g", "-c", "part.c"],
    "position independent": ["-fPIC", "-O2", "-ffunction-sections", "-c", "part.c"],
    "another target": ["--target=aarch64-linux-gnu", "-O2", "-c", "part.c"],
    "sanitizer": ["-fsanitize=undefined", "-O1", "-c", "part.c"],
    "bitcode": ["-flto=thin", "-O2", "-c", "part.c"],
    "link-time optimization": ["-flto=thin", "-fuse-ld=lld", "-O2", "hello.c", "part.c", "-o", "prog"],
    "build a program": ["-O2", "hello.c", "part.c", "-o", "prog"],
    "several objects": ["-O1", "-c", "hello.c", "part.c"],
    "several objects, one name": ["-c", "hello.c", "part.c", "-o", "one.o"],
    "link only": ["part.o", "hello.o", "-o", "prog"],
    "link only, strictly": [*STRICT, "part.o", "hello.o", "-lm", "-o", "prog"],
    "link, a missing definition": ["hello.o", "-o", "prog"],
    "shared object": ["-shared", "-fPIC", "part.c", "-o", "libpart.so"],
    "relocatable object": ["-r", "-nostdlib", "part.o", "hello.o", "-o", "both.o"],
    "preprocess": ["-E", "hello.c"],
    "preprocess, no line marks": ["-E", "-P", "hello.c", "-o", "hello.i"],
    "predefined macros": ["-dM", "-E", "-x", "c", "-"],
    "assembly": ["-O2", "-S", "part.c"],
    "assembly to stdout": ["-O2", "-S", "part.c", "-o", "-"],
    "LLVM IR": ["-O2", "-S", "-emit-llvm", "part.c"],
    "dependencies": ["-M", "hello.c"],
    "own dependencies": ["-MM", "hello.c"],
    "dependencies beside the object": ["-MD", "-c", "hello.c"],
    "dependencies, named": ["-MMD", "-MP", "-MF", "deps.d", "-MT", "target", "-c", "hello.c"],
    "only what would be done": ["-###", "-O2", "hello.c", "part.c", "-o", "prog"],
    "what is done": ["-v", "-c", "part.c"],
    "response file": ["@inner.rsp"],
    "nested response files": ["@outer.rsp"],
    "missing response file": ["@nowhere.rsp"],
    "stdin": ["-O2", "-c", "-x", "c", "-", "-o", "out.o"],
    "stdin without a language": ["-c", "-"],
    "assembly source": ["-c", "code.s"],
    "assembly source, preprocessed": ["-c", "macro.S"],
    "IR source": ["-Wno-override-module", "-O2", "-c", "module.ll"],
    "strict": [*STRICT, "-c", "part.c"],
    "strict, preprocess": [*STRICT, "-E", "part.c"],
    "strict, assembly source": [*STRICT, "-c", "code.s"],
    "strict, syntax": [*STRICT, "-fsyntax-only", "part.c"],
    "the user's own unused argument": [*STRICT, "-lm", "-c", "part.c"],
    "warning": ["-Wall", "-c", "warns.c"],
    "warning as an error": ["-Wall", "-Werror", "-c", "warns.c"],
    "error": ["-c", "wrong.c"],
    "error after a good file": ["-c", "part.c", "wrong.c"],
    "missing file": ["-c", "nowhere.c"],
    "unknown option": ["-fno-such-option", "-c", "part.c"],
    "missing value": ["-c", "part.c", "-o"],
    "a name with a space": ["-c", "with space.c", "-o", "an object.o"],
    "a name that is no text": ["-c", "odd \udcff.c"],
    "quotes": ['-DTEXT="it\'s \\"quoted\\""', "-E", "hello.c"],
    "newline": ["-DTEXT=first\nsecond", "-E", "hello.c"],
    "shell's characters": ["-DTEXT=$HOME`id`*;|&", "-E", "hello.c"],
    "a very long command line": [*(f"-DNAME_{i}=some_value_{i}" for i in range(20_000)), "-c", "part.c"],
    "end of options": ["-c", "--", "part.c"],
    "saved temporaries": ["-save-temps", "-O2", "-c", "part.c"],
    "forced language": ["-x", "c++", "-c", "part.c"],
    "precompiled header": ["-x", "c-header", "part.h", "-o", "part.pch"],
    "record of optimizations": ["-O2", "-fsave-optimization-record", "-c", "part.c"],
    "analyze": ["--analyze", "part.c"],
    "inner compiler": ["-cc1", "-emit-obj", "-O2", "part.c", "-o", "out.o"],
    "inner assembler": ["-cc1as", "-filetype", "obj", "-triple", "x86_64-linux-gnu", "code.s", "-o", "out.o"],
    "no such compiler part": ["-cc1nothing"],
    "inner compiler, not first": ["-c", "-cc1", "part.c"],
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sources, and objects that clang made of two of them."""
    folder = tmp_path_factory.mktemp("sources") / "template"
    folder.mkdir()
    for name, text in SOURCES.items():
        (folder / name).write_text(text)
    assert run([CLANG, "-c", "hello.c", "part.c"], folder).returncode == 0
    return folder


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_a_command_line_does_what_it_does_with_clang(arguments: list[str], template: Path) -> None:
    assert effect([CC, *arguments], template, stdin=STDIN) == effect([CLANG, *arguments], template, stdin=STDIN)


@pytest.mark.parametrize("arguments", [[], ["plus.cpp", "-o", "prog"], ["-O2", "-c", "plus.cpp"], ["-xc", "part.c"]])
def test_a_cxx_command_line_does_what_it_does_with_clang(arguments: list[str], template: Path) -> None:
    assert effect([CXX, *arguments], template) == effect([CLANGXX, *arguments], template)


def test_it_is_clang_with_the_plugin(template: Path) -> None:
    shown = run([CC, "-###", "-O2", "-c", "part.c"], template).stderr.decode()
    assert f'"-fpass-plugin={PLUGIN}"' in shown
    assert "-fpass-plugin" not in run([CLANG, "-###", "-O2", "-c", "part.c"], template).stderr.decode()


def test_a_difference_is_noticed(template: Path) -> None:
    assert effect([CC, "-O0", "-c", "part.c"], template) != effect([CLANG, "-O2", "-c", "part.c"], template)


def test_a_signal_ends_the_compiler_itself(tmp_path: Path) -> None:
    started = subprocess.Popen(
        [CC, "-c", "-x", "c", "-", "-o", "out.o"], cwd=tmp_path, stdin=subprocess.PIPE, env=environment()
    )
    executable = Path(f"/proc/{started.pid}/exe")
    while executable.resolve() != Path(CLANG).resolve():
        assert started.poll() is None
        time.sleep(0.002)
    os.kill(started.pid, signal.SIGTERM)
    assert started.wait(timeout=20) == -signal.SIGTERM
    assert started.stdin is not None
    started.stdin.close()
    assert list(tmp_path.iterdir()) == []
