"""How `llmcoop` starts compilers and Python: settings, errors, the log, ccache, CMake and configure scripts."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from launching import CC, CLANG, CXX, PLUGIN, TIMEOUT_S, effect, environment, run

PART = "int part(int n) { return n * 3; }\n"
PLUS = '#include <string>\nint main() { return std::string("four").size() == 4 ? 0 : 1; }\n'
TOOLCHAIN_FAILED, USAGE = 4, 2
CMAKE_LISTS = """
cmake_minimum_required(VERSION 3.20)
project(tiny C CXX)
include(CheckFunctionExists)
include(CheckCCompilerFlag)
check_function_exists(printf HAVE_PRINTF)
check_function_exists(no_such_function HAVE_NO_SUCH_FUNCTION)
check_c_compiler_flag(-Wall HAVE_WALL)
check_c_compiler_flag(-Wno-such-warning-for-c HAVE_NO_SUCH_FLAG)
if(NOT HAVE_PRINTF OR HAVE_NO_SUCH_FUNCTION OR NOT HAVE_WALL OR HAVE_NO_SUCH_FLAG)
  message(FATAL_ERROR "a check went wrong")
endif()
add_library(part SHARED part.c)
add_executable(prog plus.cpp)
target_link_libraries(prog PRIVATE part)
message(STATUS "the compiler is ${CMAKE_C_COMPILER_ID} ${CMAKE_CXX_COMPILER_ID} for ${CMAKE_C_COMPILER_ABI}")
"""
# What the scripts that autoconf makes ask a compiler, each answer with its exit status.
CONFIGURE = """
say() { echo "$1: $2"; sed 's/conftest-[0-9a-f]*/conftest/' err; rm -f a.out err; }
for option in --version -v -V -qversion; do $CC $option >/dev/null 2>err; say "$option" $?; done
echo 'int main(void) { return 0; }' >conftest.c
$CC conftest.c 2>err; ./a.out; say 'compiles, and the program runs' $?
$CC -c conftest.c 2>err; say 'object files' $?; ls conftest.*
$CC -g -O2 -Werror -c conftest.c 2>err; say '-g' $?
$CC -E conftest.c >/dev/null 2>err; say 'preprocessor' $?
echo '#include <no_such_header.h>' >conftest.c
$CC -E conftest.c >/dev/null 2>err; say 'missing header' $?
echo 'char printf(); int main(void) { return printf() == 7; }' >conftest.c
$CC -o conftest conftest.c 2>err; say 'printf' $?
echo 'char no_such_function(); int main(void) { return no_such_function(); }' >conftest.c
$CC -o conftest conftest.c 2>err; say 'no_such_function' $?
echo '#define VALUE(x) #x' >conftest.c; echo 'const char *text = VALUE(__VERSION__) __VERSION__;' >>conftest.c
$CC -MD -MF conftest.d -S -o - conftest.c 2>err; say 'assembly' $?; cat conftest.d
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "part.c").write_text(PART)
    (tmp_path / "plus.cpp").write_text(PLUS)
    return tmp_path


def logged(path: Path) -> list[tuple[str, list[str]]]:
    """Folder and arguments of each command in the log."""
    lines = path.read_bytes().decode(errors="surrogateescape").splitlines()
    return [(line["directory"], line["arguments"]) for line in map(json.loads, lines)]


def test_the_compiler_can_be_chosen(folder: Path) -> None:
    seen = folder / "seen.c"
    shim = f'#!/bin/sh\nprintf \'%s\\n\' "$@" > {shlex.quote(str(seen))}\nexec {CLANG} "$@"\n'
    (folder / "a shim").write_text(shim)
    (folder / "a shim").chmod(0o755)
    done = run([CC, "-c", "part.c"], folder, env={"LLMCOOP_CLANG": "'./a shim' -DEXTRA='b c'"})
    assert (done.returncode, done.stderr) == (0, b"")
    words = seen.read_text().splitlines()
    assert words == [
        "-DEXTRA=b c",
        "--start-no-unused-arguments",
        f"-fpass-plugin={PLUGIN}",
        "--end-no-unused-arguments",
        "-c",
        "part.c",
    ]


def test_a_chosen_c_compiler_compiles_cxx(folder: Path) -> None:
    done = run([CXX, "plus.cpp", "-o", "prog"], folder, env={"LLMCOOP_CLANG": CLANG})
    assert (done.returncode, done.stderr) == (0, b"")
    inner = run([CXX, "-cc1", "-emit-obj", "part.c"], folder, env={"LLMCOOP_CLANG": CLANG})
    assert (inner.returncode, inner.stderr) == (0, b"")
    assert run(["./prog"], folder).returncode == 0


def test_words_can_be_added_to_the_end(folder: Path) -> None:
    done = run([CC, "-E", "-DTEXT=1", "part.c"], folder, env={"LLMCOOP_CC_ADD": "-UTEXT -DTEXT='\"a b\"' -dM"})
    assert b'#define TEXT "a b"' in done.stdout
    strict = [CC, "-Werror", "-Wunused-command-line-argument", "-c", "part.c"]
    assert run(strict, folder, env={"LLMCOOP_CC_ADD": "-lm"}).returncode == 0


@pytest.mark.parametrize(
    ("settings", "status", "message"),
    [
        ({"LLMCOOP_CLANG": "no-such-clang -O1"}, TOOLCHAIN_FAILED, "can't run no-such-clang"),
        ({"LLMCOOP_LLVM_BIN": "/nowhere"}, TOOLCHAIN_FAILED, "can't run /nowhere/clang"),
        ({"LLMCOOP_PLUGIN": "/nowhere/LLMCoop.so"}, TOOLCHAIN_FAILED, "LLMCOOP_PLUGIN=/nowhere/LLMCoop.so"),
        ({"LLMCOOP_CC_LOG": "/nowhere/log"}, TOOLCHAIN_FAILED, "LLMCOOP_CC_LOG=/nowhere/log"),
        ({"LLMCOOP_CLANG": "'clang"}, USAGE, "LLMCOOP_CLANG"),
        ({"LLMCOOP_CC_ADD": "$(touch here)"}, USAGE, "LLMCOOP_CC_ADD"),
    ],
)
def test_what_is_wrong_is_said(settings: dict[str, str], status: int, message: str, folder: Path) -> None:
    done = run([CC, "-c", "part.c"], folder, env=settings)
    assert done.returncode == status
    assert message in done.stderr.decode()
    assert sorted(path.name for path in folder.iterdir()) == ["part.c", "plus.cpp"]


def test_without_the_plugin_nothing_is_compiled(folder: Path) -> None:
    lost = folder / "bin" / "llmcoop-cc"
    lost.parent.mkdir()
    shutil.copy(CC, lost)
    done = run([lost, "-c", "part.c"], folder)
    assert done.returncode == TOOLCHAIN_FAILED
    assert f"no LLMCoop.so in the environment of {lost.parent}" in done.stderr.decode()
    assert not (folder / "part.o").exists()
    assert run([lost, "-c", "part.c"], folder, env={"LLMCOOP_PLUGIN": PLUGIN}).returncode == 0


def test_commands_are_logged_as_they_were_given(folder: Path) -> None:
    odd = ["-c", "part.c", '-DA="it\'s"\n\\\t', "-DB=é \udcff", "-o", "out.o"]
    settings = {"LLMCOOP_CC_LOG": "log.jsonl", "LLMCOOP_CC_ADD": "-DADDED"}
    assert run([CC, *odd], folder, env=settings).returncode == 0
    assert run([CXX, "-v"], folder, env={**settings, "LLMCOOP_CLANG": f"env A=1 {CLANG} -pipe"}).returncode == 0
    assert logged(folder / "log.jsonl") == [
        (str(folder), [CLANG, *odd]),
        (str(folder), [CLANG, "-pipe", "--driver-mode=g++", "-v"]),
    ]


def test_commands_at_the_same_time_do_not_mix_their_lines(folder: Path) -> None:
    options = [f"-DNUMBER_{i}=some_value" for i in range(2000)]
    env = environment({"LLMCOOP_CC_LOG": str(folder / "log"), "LLMCOOP_CLANG": "true"})
    commands = [[CC, *options, f"{i}.c"] for i in range(40)]
    started = [subprocess.Popen(command, cwd=folder, env=env) for command in commands]
    assert [process.wait(timeout=TIMEOUT_S) for process in started] == [0] * len(commands)
    found = sorted(arguments for _, arguments in logged(folder / "log"))
    assert found == sorted(["true", *command[1:]] for command in commands)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The launcher of an environment, where a wheel puts it, with this package."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    for name in ("llmcoop", "llmcoop-cc", "llmcoop-c++"):
        shutil.copy(CC, folder / "bin" / name)
    packages = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (packages / "llmcoop").symlink_to(Path(PLUGIN).parent)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin" / "llmcoop"


@pytest.mark.parametrize("command", [["llmcoop", "cc"], ["llmcoop-cc"], ["llmcoop", "c++"], ["llmcoop-c++"]])
def test_the_compilers_have_two_names(command: list[str], installed: Path, folder: Path) -> None:
    program, *rest = command
    done = run([installed.with_name(program), *rest, "-###", "-c", "part.c"], folder)
    shown = done.stderr.decode()
    assert f"-fpass-plugin={installed.parents[1]}/lib" in shown
    assert ('"c++" "part.c"' in shown) == command[-1].endswith("c++")


def test_a_link_to_the_launcher_finds_its_installation(installed: Path, folder: Path) -> None:
    (folder / "llmcoop-cc").symlink_to(installed.with_name("llmcoop-cc"))
    assert run(["./llmcoop-cc", "-c", "part.c"], folder).returncode == 0


def test_other_commands_go_to_the_python_of_the_environment(installed: Path, folder: Path) -> None:
    (folder / "statistics.py").write_text("raise SystemExit('the module of the working directory')\n")
    (folder / "llmcoop").mkdir()
    done = run([installed, "plugin-path"], folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert Path(done.stdout.decode().strip()).samefile(PLUGIN)
    missed = run([installed, "optimize", "nowhere.c"], folder)
    assert missed.returncode == USAGE
    assert "nowhere.c" in missed.stderr.decode()


def ccache_hits(folder: Path, **settings: str) -> bool:
    """Whether ccache has the object of part.c under these settings already."""
    log = folder / "ccache.log"
    log.unlink(missing_ok=True)
    fixed = {"CCACHE_DIR": str(folder / "cache"), "CCACHE_LOGFILE": str(log), "LLMCOOP_CLANG": f"ccache {CLANG}"}
    done = run([CC, "-O2", "-c", "part.c"], folder, env={**fixed, **settings})
    assert (done.returncode, done.stderr) == (0, b"")
    assert (folder / "part.o").exists()
    (folder / "part.o").unlink()
    return "cache_hit" in log.read_text()


@pytest.mark.skipif(shutil.which("ccache") is None, reason="NO CCACHE ON THIS MACHINE")
def test_ccache_knows_what_an_object_depends_on(folder: Path) -> None:
    rewrites = folder / "rewrites"
    with_rewrites = {"LLMCOOP_REWRITES": str(rewrites)}
    assert not ccache_hits(folder)
    assert ccache_hits(folder)
    assert ccache_hits(folder, **with_rewrites)  # no such folder
    rewrites.mkdir()
    (rewrites / "a.rewrite").write_text("one")
    (rewrites / "b.rewrite").write_text("two")
    off = {**with_rewrites, "LLMCOOP_MODE": "off"}
    assert not ccache_hits(folder, **off)
    assert ccache_hits(folder, **off)
    (rewrites / "README").write_text("not a rewrite")
    assert ccache_hits(folder, **off)
    (rewrites / "b.rewrite").write_text("three")
    assert not ccache_hits(folder, **off)
    assert not ccache_hits(folder, **{**off, "LLMCOOP_FUNCTIONS": "^part$"})
    assert not ccache_hits(folder, **off, CCACHE_EXTRAFILES=str(folder / "plus.cpp"))
    other_plugin = folder / "LLMCoop.so"
    shutil.copy(PLUGIN, other_plugin)
    assert not ccache_hits(folder, **off, LLMCOOP_PLUGIN=str(other_plugin))
    assert ccache_hits(folder, **off, LLMCOOP_PLUGIN=str(other_plugin))
    with other_plugin.open("ab") as file:
        file.write(b"\0")
    assert not ccache_hits(folder, **off, LLMCOOP_PLUGIN=str(other_plugin))


@pytest.mark.skipif(shutil.which("ccache") is None, reason="NO CCACHE ON THIS MACHINE")
def test_a_search_does_not_come_from_the_cache(folder: Path) -> None:
    assert not ccache_hits(folder, LLMCOOP_MODE="search", LLMCOOP_FUNCTIONS="none")
    assert not ccache_hits(folder, LLMCOOP_MODE="search", LLMCOOP_FUNCTIONS="none")


@pytest.mark.skipif(shutil.which("ccache") is None, reason="NO CCACHE ON THIS MACHINE")
def test_more_rewrites_than_ccache_can_be_told_of_turn_it_off(folder: Path) -> None:
    rewrites = folder / "rewrites"
    rewrites.mkdir()
    for number in range(900):
        (rewrites / f"{'a_long_name_of_a_function' * 5}-{number}.rewrite").touch()
    off = {"LLMCOOP_REWRITES": str(rewrites), "LLMCOOP_MODE": "off"}
    assert not ccache_hits(folder, **off)
    assert not ccache_hits(folder, **off)


def test_cmake_takes_it_for_clang(installed: Path, folder: Path) -> None:
    (folder / "CMakeLists.txt").write_text(CMAKE_LISTS)
    env = {
        "CC": f"{installed} cc",
        "CXX": str(installed.with_name("llmcoop-c++")),
        "LLMCOOP_CC_LOG": str(folder / "log"),
    }
    configured = run(["cmake", "-G", "Ninja", "-B", "build"], folder, env=env)
    assert configured.returncode == 0, configured.stderr.decode()
    assert "the compiler is Clang Clang for ELF" in configured.stdout.decode()
    built = run(["cmake", "--build", "build"], folder, env=env)
    assert built.returncode == 0, built.stdout.decode()
    assert run(["build/prog"], folder).returncode == 0
    compiled = [arguments for where, arguments in logged(folder / "log") if where == str(folder / "build")]
    assert any("-c" in arguments and str(folder / "part.c") in arguments for arguments in compiled)


def test_a_configure_script_gets_the_answers_of_clang(installed: Path, tmp_path: Path) -> None:
    template = tmp_path / "template"
    template.mkdir()
    (template / "configure").write_text(CONFIGURE)
    answers = effect(["sh", "configure"], template, env={"CC": f"{installed} cc"})
    assert answers == effect(["sh", "configure"], template, env={"CC": CLANG})
    assert b"printf: 0\n" in answers.stdout
    assert b"no_such_function: 1\n" in answers.stdout
