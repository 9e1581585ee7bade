"""The table [project] becomes one checked ProjectSpec."""

from pathlib import Path

import pytest

from llmcoop.errors import UsageError
from llmcoop.project.spec import ProjectSpec, load

LEAST = """
[project]
build = "make"
test = "make check"
benchmark = "./bench"
"""
FULL = """
[project]
directory = "code"
configure = "./configure --disable-shared"
build = "make -j2"
test = "make check"
benchmark = "./bench 3"
functions = "^hot_"

[budget]
seconds = 90
calls = 7

[options]
require_speedup = 1.05
sandbox = false

[model]
name = "some-model"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "llmcoop.toml"
    path.write_text(text)
    return path


def test_what_is_not_said_has_defaults(tmp_path: Path) -> None:
    spec = load(written(tmp_path, LEAST))
    assert spec == ProjectSpec(tmp_path, "make", "make check", "./bench")
    assert (spec.budget.seconds, spec.functions, spec.sandbox, spec.model.absent) == (600.0, ".*", True, True)


def test_all_of_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    written(tmp_path, FULL)
    spec = load(tmp_path)
    assert spec.directory == tmp_path / "code"
    assert (spec.configure, spec.functions) == ("./configure --disable-shared", "^hot_")
    assert (spec.budget.seconds, spec.budget.calls, spec.require_speedup) == (90, 7, 1.05)
    assert (spec.sandbox, spec.model.name) == (False, "some-model")


def test_a_table_of_a_program_may_stand_beside(tmp_path: Path) -> None:
    assert load(written(tmp_path, f'[program]\nsources = ["gone.c"]\n{LEAST}')).build == "make"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no table"),
        (LEAST.replace("build", "biuld"), "did you mean 'build'?"),
        (LEAST.replace('"make"', "3"), "'build' in \\[project\\] must be"),
        (LEAST.replace('"make check"', '" "'), "'test' in \\[project\\] must be"),
        (LEAST + 'functions = "("', "regular expression"),
        (LEAST + 'directory = "gone"', "gone"),
        (LEAST + "[options]\nrequire_speedup = 0", "over 0"),
        (LEAST + "[projects]", "did you mean 'project'?"),
    ],
)
def test_what_does_not_fit_is_an_error_that_says_where(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected) as raised:
        load(written(tmp_path, text))
    assert "llmcoop.toml" in str(raised.value) or "gone" in str(raised.value) or "over 0" in str(raised.value)


@pytest.mark.parametrize("limit", ["usd = 0.5", "tokens = 1000", "candidates = 3"])
def test_a_budget_that_nobody_would_keep_is_refused(tmp_path: Path, limit: str) -> None:
    with pytest.raises(UsageError, match="can't keep a budget of"):
        load(written(tmp_path, f"{LEAST}[budget]\n{limit}"))
