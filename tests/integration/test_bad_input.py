"""Programs, options and machines as they should not be: the right exit code and one clear message each."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from command import Bench

from llmcoop import report

BUDGET_S = 6
QUICK = ("--budget", f"seconds={BUDGET_S},candidates=2")  # for programs that are all right
HELLO = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'
INCLUDES = "#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <time.h>\n#include <unistd.h>\n"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def refused(bench: Bench, exit_code: int, expected: str, *args: str | Path, **how: object) -> str:
    """The message of a run that must fail so: the only one, and without a result."""
    done = bench.run(*args, **how)  # type: ignore[arg-type]
    messages = done.stderr[done.stderr.find("llmcoop: ") :]
    assert done.returncode == exit_code, done.stderr
    assert expected in messages
    assert messages.count("llmcoop: ") == 1
    assert done.stdout == ""
    assert list(bench.folder.rglob(report.FILE_NAME)) == []
    return messages


def finished(bench: Bench, *args: str | Path, **how: object) -> str:
    """The summary of a run that must end well, with an executable and a result that can be read."""
    done = bench.run(*args, **how)  # type: ignore[arg-type]
    assert done.returncode == 0, done.stderr
    (result,) = bench.folder.rglob(report.FILE_NAME)
    assert (report.read(result.parent).out / "best").is_file()
    return done.stdout


def test_no_such_file(bench: Bench) -> None:
    refused(bench, 2, "gone.c: No such file or directory", "gone.c")


def test_unknown_key(bench: Bench) -> None:
    bench.write("prog.c", HELLO)
    bench.write("llmcoop.toml", '[program]\nsources = ["prog.c"]\ncflag = ["-O2"]\n')
    assert "did you mean 'cflags'?" in refused(bench, 2, "cflag")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return undeclared;", "undeclared"),
        ('printf("%f\\n", cos(time(0)));', '--ldflags "-lm"'),
        ("abort();", "SIGABRT"),
        ("return *(volatile int *)0;", "SIGSEGV"),
        ("return 3;", "exit_code = 3"),
        ('printf("%ld\\n", (long)time(0));', "not deterministic"),
        ('int here; printf("%p\\n", (void *)&here);', "not deterministic"),
        ('srand((unsigned)time(0)); printf("%d\\n", rand());', "not deterministic"),
        ('if (!fopen("table.txt", "r")) { perror("table.txt"); return 1; }', "table.txt: No such file"),
    ],
    ids=["undeclared", "libm", "abort", "segfault", "exit 3", "clock", "address", "random", "missing file"],
)
def test_program_that_can_not_be_optimized(bench: Bench, body: str, expected: str) -> None:
    source = bench.write("prog.c", f"{INCLUDES}int main(void) {{ {body} return 0; }}\n")
    refused(bench, 3, expected, source, "--budget", f"seconds={BUDGET_S}")


def test_program_that_runs_for_an_hour_is_given_up_early(bench: Bench) -> None:
    source = bench.write("prog.c", f"{INCLUDES}int main(void) {{ return (int)sleep(3600); }}\n")
    started = time.monotonic()
    message = refused(bench, 3, "takes longer than 2 s", source, "--budget", "seconds=20")
    assert "smaller workload" in message
    assert time.monotonic() - started < 20


def test_short_program_finishes_and_is_called_short(bench: Bench) -> None:
    assert "too short" in finished(bench, bench.write("prog.c", HELLO), *QUICK)


def test_budget_that_preparing_uses_up_is_reported(bench: Bench) -> None:
    summary = finished(bench, bench.write("prog.c", HELLO), "--budget", "seconds=1")
    assert "no candidate was tried" in summary


def test_args_with_spaces_and_utf8_arrive(bench: Bench) -> None:
    check = 'return argc == 3 && !strcmp(argv[1], "Grüße, Welt") && !strcmp(argv[2], "") ? 0 : 5;'
    source = bench.write("prog.c", f"#include <string.h>\nint main(int argc, char **argv) {{ {check} }}\n")
    finished(bench, source, "--args", "'Grüße, Welt' ''", *QUICK)


def test_large_stdin_arrives(bench: Bench) -> None:
    count = "long n = 0; while (getchar() != EOF) n++; return n == 5000000 ? 0 : 5;"
    source = bench.write("prog.c", f"#include <stdio.h>\nint main(void) {{ {count} }}\n")
    finished(bench, source, "--stdin", bench.write("large.in", "x" * 5_000_000), *QUICK)


def test_paths_with_spaces_work(bench: Bench) -> None:
    bench.write("a folder/it's here.h", '#define TEXT "hello"\n')
    text = '#include <stdio.h>\n#include "it\'s here.h"\nint main(void) { puts(TEXT); return 0; }\n'
    source = bench.write("a folder/my prog, too.c", text)
    finished(bench, source, "--out", "an out, folder", "--cflags", "-O2 '-Ia folder'", *QUICK)
    assert (bench.folder / "an out, folder" / report.FILE_NAME).is_file()


def test_undefined_behaviour_is_a_warning(bench: Bench) -> None:
    body = 'int large = 2147483647; large += argc; printf("%d\\n", large); return 0;'
    source = bench.write("prog.c", f"#include <stdio.h>\nint main(int argc, char **argv) {{ {body} }}\n")
    assert "signed integer overflow" in finished(bench, source, *QUICK)


def test_file_in_the_way_of_the_output_folder(bench: Bench) -> None:
    refused(bench, 2, "can't write to", bench.write("prog.c", HELLO), "--out", bench.write("taken", ""))


def test_output_folder_that_is_read_only(bench: Bench) -> None:
    source, out = bench.write("prog.c", HELLO), bench.folder / "out"
    out.mkdir()
    prefix = ("bwrap", "--dev-bind", "/", "/", "--ro-bind", str(out), str(out), "--")
    refused(bench, 2, "is the folder writable", source, "--out", out, prefix=prefix)


@pytest.fixture
def no_bwrap(bench: Bench) -> dict[str, str]:
    """An environment in which PATH leads to a linker and to nothing else."""
    tools = bench.folder / "tools"
    tools.mkdir()
    (tools / "ld").symlink_to("/usr/bin/ld")
    return {"PATH": str(tools)}


def test_without_bubblewrap_nothing_unread_runs(bench: Bench, no_bwrap: dict[str, str]) -> None:
    message = refused(bench, 4, "bubblewrap (bwrap) not found", bench.write("prog.c", HELLO), env=no_bwrap)
    assert "--no-sandbox" in message


def test_no_sandbox_is_the_users_decision_and_reported(bench: Bench, no_bwrap: dict[str, str]) -> None:
    done = bench.run(bench.write("prog.c", HELLO), "--no-sandbox", "--json", *QUICK, env=no_bwrap)
    assert done.returncode == 0, done.stderr
    assert "--no-sandbox" in json.loads(done.stdout)["environment"]["sandbox"]


def test_no_linker(bench: Bench) -> None:
    nowhere = {"PATH": str(bench.folder / "nowhere")}
    source = bench.write("prog.c", HELLO)
    refused(bench, 4, "clang finds no linker", source, "--no-sandbox", env=nowhere)


def test_required_speedup_that_is_missed_is_exit_1_with_a_result(bench: Bench) -> None:
    done = bench.run(bench.write("prog.c", HELLO), "--require-speedup", "100", *QUICK)
    assert (done.returncode, "speedup of 100x was missed" in done.stdout) == (1, True), done.stderr


def test_folder_without_llvm(bench: Bench) -> None:
    stated = {"LLMCOOP_LLVM_BIN": str(bench.temporary.parent)}
    refused(bench, 4, "holds no clang", bench.write("prog.c", HELLO), env=stated)


def test_other_version_of_llvm(bench: Bench) -> None:
    for name in ("clang", "opt", "llc", "llvm-profdata", "llvm-readelf"):
        tool = bench.write(f"llvm-21/bin/{name}", "#!/bin/sh\necho clang version 21.1.0\n")
        tool.chmod(0o755)
    stated = {"LLMCOOP_LLVM_BIN": str(bench.folder / "llvm-21" / "bin")}
    refused(bench, 4, "is version 21.1.0", bench.write("prog.c", HELLO), env=stated)
