"""A bench over small programs with real runs; the figures over many programs; what is drawn."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from test_report import RUN
from typer.testing import CliRunner

from llmcoop import bench_commands, bench_report, export, plot, report
from llmcoop.bench import Arm, ablate, bench, programs_in
from llmcoop.bench_report import Bench, ProgramResult, Status, geomean, summarize, without_top
from llmcoop.errors import UsageError
from llmcoop.plot import Curve
from llmcoop.recheck import Recheck, recheck
from llmcoop.report import TimedFile
from llmcoop.sandbox import Sandbox
from llmcoop.spec import load
from llmcoop.toolchain import Toolchain

TINY = (
    "#include <stdio.h>\n#include <stdlib.h>\n"
    + """
int main(int argc, char **argv)
{
    unsigned long n = argc > 1 ? strtoul(argv[1], 0, 10) : 0, sum = 0;
    if (n > 100000000) return 2;
    for (unsigned long i = 0; i < n; i++) sum = sum * 31 + (i ^ sum >> 7);
    printf("%lu\\n", sum);
    return 0;
}
"""
)
SPEC = """
[program]
sources = ["tiny.c"]
[workload]
args = ["2000000"]
[[workload.variant]]
args = ["3000000"]
[[test]]
args = ["1"]
"""
QUICK = ("--model", "none", "--budget", "seconds=3,candidates=0")


def program(folder: Path, text: str = TINY) -> Path:
    folder.mkdir(parents=True)
    (folder / "tiny.c").write_text(text)
    (folder / "llmcoop.toml").write_text(SPEC)
    return folder


def result(speedup: float, status: Status = Status.IMPROVED) -> ProgramResult:
    return ProgramResult("p", status, speedup, calls=2, tokens=100, usd=0.5, seconds=10.0)


# Figures


def test_the_geometric_mean_inverts_with_the_speedups() -> None:
    assert geomean([2.0, 0.5]) == pytest.approx(1.0)
    assert geomean([1.1, 3.0]) == pytest.approx(1 / geomean([1 / 1.1, 1 / 3.0]))
    assert geomean([]) == 1.0


def test_the_fastest_hundredth_is_left_out_rounded_up() -> None:
    assert without_top([3.0, 1.0, 100.0, 2.0]) == [1.0, 2.0, 3.0]
    assert len(without_top([1.0] * 100)) == 99
    assert len(without_top([1.0] * 101)) == 99
    assert without_top([5.0]) == [5.0]


def test_what_failed_does_not_count_and_what_is_wrong_counts_as_1() -> None:
    programs = [result(4.0), result(1.0, Status.NOTHING_FASTER), result(1.0, Status.WRONG), result(9.0, Status.FAILED)]
    found = summarize(programs)
    assert (found.programs, found.failed, found.improved, found.wrong) == (3, 1, 1, 1)
    assert found.geomean == pytest.approx(4 ** (1 / 3))
    assert (found.geomean_without_top, found.median) == (1.0, 1.0)
    assert found.share_improved == pytest.approx(1 / 3)
    assert (found.percentiles[0], found.percentiles[100], len(found.percentiles)) == (1.0, 4.0, 101)
    assert (found.calls, found.tokens, found.usd, found.seconds) == (8, 400, 2.0, 40.0)


def test_percentiles_never_fall() -> None:
    found = summarize([result(1 + abs(math.sin(number))) for number in range(37)]).percentiles
    assert list(found) == sorted(found)


def test_a_report_that_is_written_is_read_back(tmp_path: Path) -> None:
    programs = (result(1.5), replace(result(1.0, Status.WRONG), wrong=("another output",)))
    done = Bench(("--model", "none"), programs, summarize(programs))
    bench_report.write(tmp_path / bench_report.FILE_NAME, bench_report.to_json(done))
    assert bench_report.read(tmp_path) == done


@pytest.mark.parametrize("text", ["[]", "{", '{"schema": 99}', '{"schema": 1, "programs": 3}'])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / bench_report.FILE_NAME).write_text(text)
    with pytest.raises(UsageError):
        bench_report.read(tmp_path)


# Picture


def test_the_picture_has_a_line_for_each_curve_and_rises_with_the_speedup() -> None:
    curves = [Curve("a < b & c", (1.0, 2.0, 16.0)), Curve("none", ()), Curve("flat", (1.0, 1.0))]
    picture = ElementTree.fromstring(plot.percentile_curves(curves))
    lines = [
        [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        for line in picture.iter("{http://www.w3.org/2000/svg}polyline")
    ]
    assert [len(line) for line in lines] == [3, 2]
    heights = [y for _, y in lines[0]]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] - heights[2] == pytest.approx(4 * (heights[0] - heights[1]), abs=0.5), "logarithmic"
    assert "a < b & c" in [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]


def test_a_picture_of_nothing_is_still_a_picture() -> None:
    ElementTree.fromstring(plot.percentile_curves([]))


# Runs


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Path:
    """A folder with two programs, one of which fails, and their bench in `out`."""
    folder = tmp_path_factory.mktemp("bench")
    program(folder / "set" / "good")
    program(folder / "set" / "bad", TINY.replace("return 0", "return 7"))
    assert sandbox.enabled
    bench(folder / "set", folder / "out", QUICK)
    return folder


def test_a_program_that_fails_is_reported_and_the_others_go_on(done: Path) -> None:
    found = bench(done / "set", done / "out", QUICK)
    assert [(each.name, each.status) for each in found.programs] == [
        ("bad", Status.FAILED),
        ("good", Status.NOTHING_FASTER),
    ]
    assert "exit 7" in found.programs[0].message
    assert (found.summary.programs, found.summary.failed) == (1, 1)
    assert (done / "out" / "good" / "best").exists()
    assert (done / "out" / "bench.svg").exists()


def test_what_has_a_result_is_not_optimized_again_unless_asked(done: Path) -> None:
    results = done / "out" / "good" / report.FILE_NAME
    stamp = results.stat().st_mtime_ns
    announced: list[ProgramResult] = []
    bench(done / "set" / "good", done / "out", QUICK, announce=announced.append)
    assert [each.name for each in announced] == ["good"]
    assert results.stat().st_mtime_ns == stamp
    with pytest.raises(UsageError, match="other options"):
        bench(done / "set", done / "out", (*QUICK, "--levels", "ir"))
    bench(done / "set" / "good", done / "out", QUICK, again=True)
    assert results.stat().st_mtime_ns != stamp


def test_the_command_prints_a_table_and_json(done: Path) -> None:
    asked = ["bench", str(done / "set" / "good"), "--out", str(done / "out"), *QUICK]
    shown = CliRunner().invoke(bench_commands.app, asked)
    assert shown.exit_code == 0, shown.output
    assert "good" in shown.output and "nothing-faster" in shown.output
    printed = CliRunner().invoke(bench_commands.app, [*asked, "--json"])
    content = json.loads(printed.stdout)
    assert content["options"] == list(QUICK)
    assert content["summary"]["programs"] == 1


def test_an_ablation_runs_each_arm_with_its_options(done: Path) -> None:
    arms = (Arm("ir only", ("--levels", "ir")),)
    found = ablate(done / "set" / "good", done / "arms", QUICK, arms=arms)
    assert [(each.arm.name, each.summary.programs) for each in found] == [("ir only", 1)]
    read = bench_report.read(done / "arms" / "ir-only")
    assert read is not None and read.options == (*QUICK, "--levels", "ir")
    assert json.loads((done / "arms" / "ablation.json").read_text())["arms"][0]["summary"]["programs"] == 1
    assert (done / "arms" / "ablation.svg").exists()
    assert len(bench_commands.arms_table(found).rows) == 1


def test_a_folder_without_programs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no program"):
        programs_in(tmp_path)


def test_a_killed_bench_leaves_nothing_running_and_continues(tmp_path: Path, sandbox: Sandbox) -> None:
    assert sandbox.enabled
    for name in ("a", "b"):
        program(tmp_path / "set" / name)
    out = tmp_path / "out"
    script = "import sys; from pathlib import Path; from llmcoop.bench import bench; bench(Path(sys.argv[1]), "
    script += f"Path(sys.argv[2]), {QUICK!r})"
    running = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "set"), str(out)])
    deadline = time.monotonic() + 60
    while not (out / "b" / "store.db").exists() and time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.02)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    first = (out / "a" / report.FILE_NAME).stat().st_mtime_ns
    assert not (out / "b" / report.FILE_NAME).exists()
    while (left := _processes(str(tmp_path))) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left == []
    found = bench(tmp_path / "set", out, QUICK)
    assert found.summary.programs == 2
    assert (out / "a" / report.FILE_NAME).stat().st_mtime_ns == first


def _processes(place: str) -> list[str]:
    """Command lines with `place` in them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has just ended
            continue
        if place in command:
            found.append(command)
    return found


# Checking again


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (("sum = 0;", "sum = 0, unused = 0; (void)unused;"), ()),
        (("return 0", "return n == 1"), ("exit 1 on a user input (args: 1), and the original: exit 0",)),
        (("i < n", "i < n - (n > 2500000)"), ("another output on a variant input (args: 3000000)",)),
    ],
    ids=["equal", "wrong-exit-code", "wrong-on-a-variant"],
)
def test_the_best_is_compared_with_the_original(
    tmp_path: Path, change: tuple[str, str], wrong: tuple[str, ...]
) -> None:
    found = rechecked(tmp_path, TINY, TINY.replace(*change), "-O2")
    assert (found.inputs, found.wrong) == (3, wrong)


def test_an_input_on_which_the_original_is_not_clean_proves_nothing(tmp_path: Path) -> None:
    overflow = "{ volatile int small = 2147483647; small += argc; sum = small < 0; }"
    original = TINY.replace("if (n > ", f"if (n == 1) {overflow}\n    if (n > ")
    assert rechecked(tmp_path, original, original.replace("small < 0", "small > 0"), "-O0").wrong == ()


def test_another_file_than_the_timed_one_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "best").write_bytes(b"something else")
    assert "not the file that was timed" in recheck(load(program(tmp_path / "p")), RUN, tmp_path).wrong[0]


def rechecked(folder: Path, original: str, best: str, level: str) -> Recheck:
    """What comes out for a run over `original` that left `best`."""
    spec = load(program(folder / "p", original))
    (folder / "best.c").write_text(best)
    clang = str(Toolchain.find().clang)
    subprocess.run([clang, level, folder / "best.c", "-o", folder / "best"], check=True, timeout=60)
    timed = (TimedFile("best", export.sha256(folder / "best")),)
    return recheck(spec, replace(RUN, program=spec.program, timed=timed), folder)
