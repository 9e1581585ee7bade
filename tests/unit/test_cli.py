"""The command: options, exit codes, what goes to which stream. What it finds is tested elsewhere."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import typer.main
from test_report import NOTHING, RUN
from typer.core import TyperGroup

from llmcoop import cli, report
from llmcoop.report import RunOutcome

DOCUMENT = Path(__file__).parents[2] / "docs" / "commands.md"


def llmcoop(*args: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "llmcoop", *map(str, args)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_show_prints_the_summary(tmp_path: Path) -> None:
    report.write(RUN, tmp_path)
    done = llmcoop("show", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, report.summary(RUN) + "\n", "")


def test_show_json_prints_the_file_and_nothing_else(tmp_path: Path) -> None:
    path = report.write(RUN, tmp_path)
    done = llmcoop("show", tmp_path, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == path.read_text()
    assert json.loads(done.stdout)["speedup"] == 1.25


def test_a_name_that_is_no_text_is_shown_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "b\udce4h"
    folder.mkdir()
    report.write(replace(RUN, out=folder), folder)
    done = llmcoop("show", folder)
    assert done.returncode == 0
    assert "b\\udce4h" in done.stdout
    assert "Traceback" not in llmcoop("show", folder / "gone").stderr


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["optimize"], "nothing to optimize"),
        (["optimize", "gone.c"], "gone.c"),
        (["optimize", "a b.c", "--levels", "source,irr"], "did you mean 'ir'?"),
        (["optimize", "a b.c", "--budget", "second=5"], "did you mean 'seconds'?"),
        (["optimize", "a b.c", "--budget", "seconds=soon"], "seconds=soon"),
        (["optimize", "a b.c", "--args", "'open"], "--args"),
        (["optimize", "a b.c", "--stdin", "gone.in"], "gone.in"),
        (["optimize", "a b.c", "--require-speedup", "0"], "over 0"),
        (["optimize", "a b.c", "--require-speedup", "fast"], "--require-speedup"),
        (["optimize", "--spec", "gone.toml"], "gone.toml"),
        (["optimize", "--fast"], "--fast"),
        (["show", "gone"], "gone"),
        (["polish"], "polish"),
    ],
)
def test_wrong_usage_is_one_message_and_exit_2(tmp_path: Path, args: list[str], expected: str) -> None:
    (tmp_path / "a b.c").write_text("int main(void) { return 0; }\n")
    done = llmcoop(*args, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_printed() -> None:
    assert re.fullmatch(r"llmcoop \d+\.\d+\.\d+\n", llmcoop("--version").stdout)


def test_exit_codes_follow_the_outcome() -> None:
    assert cli.exit_code(RUN) == 0
    assert cli.exit_code(NOTHING) == 0
    assert cli.exit_code(replace(NOTHING, required_speedup=1.05)) == 1
    assert cli.exit_code(replace(RUN, outcome=RunOutcome.INTERRUPTED)) == 130


def test_help_and_its_page_say_the_same() -> None:
    """Rows of docs/commands.md: an option or argument as it is written, and its help."""
    rows = dict(re.findall(r"^\| `([^`]+)` \| (.+?) \|$", DOCUMENT.read_text(), re.MULTILINE))
    group = typer.main.get_command(cli.app)
    assert isinstance(group, TyperGroup)
    assert rows == dict(_shown(group, ""))


def _shown(group: TyperGroup, before: str) -> Iterator[tuple[str, str]]:
    """The commands of a group, and of groups in it, with their options and arguments."""
    for name, command in group.commands.items():
        yield f"llmcoop {before}{name}", command.help or ""
        if isinstance(command, TyperGroup):
            yield from _shown(command, f"{before}{name} ")
            continue
        for parameter in command.params:
            yield f"{before}{name} {_written(parameter)}", getattr(parameter, "help", None) or ""


def _written(parameter: object) -> str:
    """`--budget TEXT` is written `--budget`, the argument `folder` is written `FOLDER`."""
    name = str(getattr(parameter, "name", ""))
    options = list(getattr(parameter, "opts", []))
    return options[0] if options and options[0].startswith("-") else name.upper()
