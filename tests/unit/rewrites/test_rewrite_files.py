"""The files that rewrites are kept in: what is written is read again, and nothing else is."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from llmcoop.errors import UsageError
from llmcoop.rewrites import Rewrite, Stage, files, load, read, save

BEFORE = "define i32 @0() {\n  ret i32 1\n}\n"
AFTER = "define i32 @0() {\n  ret i32 2\n}\n"
CHANGED = Rewrite(
    *("hot", "main.c", Stage.LAST, "x86_64-unknown-linux-gnu", 22, BEFORE),
    *("tested: 40 inputs", "1.34x [1.31, 1.37], 15 pairs, whole benchmark", "pass search", AFTER),
)
HINTED = replace(
    CHANGED,
    stage=Stage.START,
    after="",
    evidence="by-construction",
    hints=(("unroll.count", "8"), ("vectorize.width@2", "16")),
    clones=("x86-64-v3", "x86-64-v4:tune=znver4,prefer-vector-width=512"),
)


@pytest.mark.parametrize("rewrite", [CHANGED, HINTED, replace(CHANGED, function="\udce9t", module="ü \udcff.c")])
def test_what_is_saved_is_loaded(rewrite: Rewrite, tmp_path: Path) -> None:
    path = save(rewrite, tmp_path / "made")
    assert load(tmp_path / "made") == (rewrite,)
    assert [each.name for each in path.parent.iterdir()] == [rewrite.file_name]


def test_the_format_is_what_the_plugin_reads() -> None:
    content = (
        "function hot\nmodule main.c\nstage last\ntarget x86_64-unknown-linux-gnu\nllvm 22\n"
        "evidence tested: 40 inputs\nmeasured 1.34x [1.31, 1.37], 15 pairs, whole benchmark\norigin pass search\n"
        f"--- before\n{BEFORE}--- after\n{AFTER}"
    )
    assert CHANGED.text() == f"llmcoop-rewrite 1\ndigest {hashlib.sha256(content.encode()).hexdigest()}\n{content}"
    lines = HINTED.text().split("\n")
    assert lines[10:15] == [
        "hint unroll.count 8",
        "hint vectorize.width@2 16",
        "clone x86-64-v3",
        "clone x86-64-v4:tune=znver4,prefer-vector-width=512",
        "--- before",
    ]


def test_a_file_is_named_by_function_and_text() -> None:
    digest = hashlib.sha256(BEFORE.encode()).hexdigest()[:16]
    assert CHANGED.file_name == f"hot-{digest}.rewrite"
    assert replace(CHANGED, function="_Z3é$" + "x" * 80).file_name == f"_Z3___{'x' * 58}-{digest}.rewrite"


def test_a_later_version_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    save(CHANGED, tmp_path)
    save(replace(CHANGED, measured="1.5x"), tmp_path)
    assert [each.measured for each in load(tmp_path)] == ["1.5x"]


def signed(content: str) -> str:
    """A file with that content and the digest that fits."""
    return f"llmcoop-rewrite 1\ndigest {hashlib.sha256(content.encode()).hexdigest()}\n{content}"


def edited(old: str, new: str) -> Callable[[str], str]:
    """An edit after which the digest is made again."""
    return lambda text: signed(text.split("\n", 2)[2].replace(old, new))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("ret i32 2", "ret i32 3"), "digest does not fit"),
        (lambda text: text[:-1], "digest does not fit"),
        (lambda text: text.replace("\n", "\r\n"), "its first line is not"),
        (lambda text: text.replace("llmcoop-rewrite 1", "llmcoop-rewrite 2"), "its first line is not"),
        (lambda _: "", "its first line is not"),
        (edited("stage last", "stage middle"), "there is no stage middle"),
        (edited("llvm 22", "llvm latest"), "no version of LLVM"),
        (edited("evidence tested", "evidence refuted"), "there is no evidence refuted"),
        (edited("evidence tested", "evidence hoped"), "there is no evidence hoped"),
        (edited("function hot\nmodule main.c", "module main.c\nfunction hot"), "in this order"),
        (edited("origin pass search\n", ""), "in this order"),
        (edited("origin pass search", "origin "), "a value in its header"),
        (edited("--- before", "more words\n--- before"), "means nothing"),
        (edited("--- before", "hint inline never\n--- before"), "both a new version and hints"),
        (edited(f"--- after\n{AFTER}", ""), "it changes nothing"),
        (edited(f"--- after\n{AFTER}", "--- after\n"), "it changes nothing"),
        (edited("--- before\n", ""), "no text of the function"),
        (lambda text: signed(text.split("\n", 2)[2][:-1]), "is not complete"),
    ],
)
def test_what_is_broken_is_refused(change: Callable[[str], str], reason: str, tmp_path: Path) -> None:
    path = save(CHANGED, tmp_path)
    path.write_bytes(change(CHANGED.text()).encode())
    with pytest.raises(UsageError, match=reason) as refusal:
        load(tmp_path)
    assert str(path) in refusal.value.message


@pytest.mark.parametrize(
    "wrong",
    [
        replace(CHANGED, origin="two\nlines"),
        replace(CHANGED, measured=""),
        replace(CHANGED, after=""),
        replace(CHANGED, after="no end"),
        replace(HINTED, stage=Stage.LAST),
    ],
)
def test_what_could_not_be_read_is_not_written(wrong: Rewrite, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        save(wrong, tmp_path)
    assert files(tmp_path) == ()


def test_a_file_under_another_name_is_refused(tmp_path: Path) -> None:
    path = save(CHANGED, tmp_path)
    with pytest.raises(UsageError, match="its name does not fit"):
        read(path.rename(tmp_path / "other.rewrite"))


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert load(tmp_path / "gone") == ()
