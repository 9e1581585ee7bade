"""`llmcoop rewrites …` over a folder; what a build does with them is tested with the plugin."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from kept import HINTED, RIGHT, TWICE, WRONG
from typer.testing import CliRunner

from llmcoop.cli import app
from llmcoop.errors import UsageError
from llmcoop.rewrites import files, load, save

OTHER = replace(RIGHT, function="thrice", before=TWICE.replace("@twice", "@thrice"), after=WRONG.replace("@tw", "@thr"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    kept = tmp_path / "kept"
    for rewrite in (RIGHT, OTHER):
        save(rewrite, kept)
    return kept


def run(*words: str | Path, code: int = 0, rewrites: Path | None = None) -> str:
    """Standard output of a command; raises what its main would print."""
    environment = {"LLMCOOP_REWRITES": str(rewrites) if rewrites else None, "COLUMNS": "200"}
    done = CliRunner().invoke(app, ["rewrites", *map(str, words)], env=environment)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.stdout


def test_list_names_all(folder: Path) -> None:
    table = run("list", "--rewrites", folder)
    assert all(part in table for part in ("twice", "thrice", "main.c", "last", "proved: by z3", "1.34x", "pass search"))
    entries = json.loads(run("list", "--json", rewrites=folder))
    assert [entry["function"] for entry in entries] == ["thrice", "twice"]
    assert entries[1]["file"] == RIGHT.file_name
    assert "before" not in entries[1]


def test_show_prints_header_and_difference(folder: Path) -> None:
    for name in ("twice", RIGHT.file_name, RIGHT.file_name.removesuffix(".rewrite")):
        shown = run("show", name, rewrites=folder)
        assert shown.startswith(f"{RIGHT.file_name}\nfunction twice\n")
        assert "-  %2 = add i32 %0, %0\n+  %2 = shl i32 %0, 1\n" in shown
    save(HINTED, folder)
    assert "hint inline never\nclone x86-64-v3\n" in run("show", "twice", rewrites=folder)


def test_drop_deletes_what_is_named_only(folder: Path) -> None:
    assert run("drop", "twice", rewrites=folder) == f"dropped {RIGHT.file_name}\n"
    assert load(folder) == (OTHER,)
    with pytest.raises(UsageError, match="no rewrite twice"):
        run("drop", "thrice", "twice", rewrites=folder)
    assert load(folder) == (OTHER,)


def test_drop_deletes_a_broken_file_by_its_name(folder: Path) -> None:
    (folder / RIGHT.file_name).write_text("damaged")
    run("drop", RIGHT.file_name, rewrites=folder)
    assert [path.name for path in files(folder)] == [OTHER.file_name]


def test_what_is_exported_is_imported(folder: Path, tmp_path: Path) -> None:
    bundle, there = tmp_path / "all.txt", tmp_path / "there"
    assert run("export", bundle, rewrites=folder) == f"2 rewrites: {bundle}\n"
    assert run("import", bundle, rewrites=there).endswith("2 imported, 0 known already\n")
    assert load(there) == load(folder)
    assert run("import", bundle, rewrites=there) == "0 imported, 2 known already\n"


def test_a_folder_is_imported_and_that_of_a_run_too(folder: Path, tmp_path: Path) -> None:
    run("import", folder, "--rewrites", tmp_path / "there")
    (tmp_path / "run").mkdir()
    folder.rename(tmp_path / "run" / "rewrites")
    run("import", tmp_path / "run", "--rewrites", tmp_path / "here")
    assert set(load(tmp_path / "there")) == set(load(tmp_path / "here")) == {RIGHT, OTHER}


def test_another_version_is_replaced_only_on_demand(folder: Path, tmp_path: Path) -> None:
    newer = replace(RIGHT, measured="1.5x")
    there = tmp_path / "there"
    save(newer, there)
    with pytest.raises(UsageError, match=RIGHT.file_name):
        run("import", folder, rewrites=there)
    assert load(there) == (newer,)
    run("import", folder, "--replace", rewrites=there)
    assert set(load(there)) == {RIGHT, OTHER}


def test_a_damaged_bundle_is_refused_whole(folder: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "all.txt"
    run("export", bundle, rewrites=folder)
    bundle.write_text(bundle.read_text().replace("shl i32 %0, 1", "shl i32 %0, 3"))
    with pytest.raises(UsageError, match=r"all\.txt, rewrite 2: its digest"):
        run("import", bundle, rewrites=tmp_path / "there")
    assert files(tmp_path / "there") == ()


@pytest.mark.parametrize("words", [["list"], ["show", "f"], ["verify"], ["import", "gone"]])
def test_a_folder_must_be_named_and_be_there(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        run(*words)
    with pytest.raises(UsageError, match="gone"):
        run(*words, rewrites=tmp_path / "gone")


@pytest.mark.usefixtures("sandbox")
def test_verify_answers_by_its_exit_code(folder: Path) -> None:
    told = run("verify", "--seconds", "2", rewrites=folder, code=1)
    assert f"{RIGHT.file_name}: sound: proved" in told
    assert f"{OTHER.file_name}: refuted" in told
    run("drop", "thrice", rewrites=folder)
    found = json.loads(run("verify", "--json", rewrites=folder))
    assert (found["sound"], [each["state"] for each in found["rewrites"]]) == (True, ["sound"])
    (folder / RIGHT.file_name).write_text("damaged")
    found = json.loads(run("verify", "--json", rewrites=folder, code=1))
    assert [(each["file"], each["state"]) for each in found["rewrites"]] == [(RIGHT.file_name, "broken")]
