"""llmcoop.toml and options become one checked Spec."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcoop.errors import UsageError
from llmcoop.model_choice import ModelChoice
from llmcoop.spec import _KEYS, FILE_NAME, Spec, from_options, load, parse_budget, split_words
from llmcoop.values import Acceptance, Budget, Expectation, Invocation, Level, Program, Workload

FULL = """
[program]
sources = ["main.c", "sub/other.c"]
function = "hot"
rewrites = ["sub/other.c"]
cflags = ["-O2", "-Iinc", "-I", "/usr/include", "-include", "inc/a.h"]
ldflags = ["-lm", "-Llib"]

[workload]
args = ["2000", "two words", "äö"]
stdin = "perf.in"
files = ["sub/data.txt"]
exit_code = 5

[[workload.variant]]
args = ["3000"]

[[workload.variant]]
args = ["7"]
stdin_text = "seven\\n"

[[test]]
args = ["1"]
stdout_text = "one\\n"
exit_code = 3

[[test]]

[budget]
seconds = 30
calls = 4

[options]
accept = "proved"
levels = ["ir"]
require_speedup = 1.05
sandbox = false
tests = "sub"

[model]
name = "large"
base_url = "http://127.0.0.1:8080/v1"
temperature = 0.5
max_tokens = 4000
timeout = 30
concurrency = 2
retries = 0
tools = false
stream = false
prices = "sub/data.txt"
prompts = "sub"
rounds = 5
samples = 2
guide = "model"
testing = false
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (
        ("main.c", '#include "near.h"\n#include <stdio.h>\nint main(void) { return 0; }\n'),
        ("near.h", '#include "far.h"\n'),
        ("sub/other.c", "int other;\n"),
        ("sub/data.txt", "data"),
        ("inc/a.h", ""),
        ("inc/far.h", "#define FAR 1\n"),
        ("perf.in", "performance\n"),
        (FILE_NAME, FULL),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    (folder / FILE_NAME).write_text(text)
    return folder / FILE_NAME


def test_every_key_of_the_file_arrives(folder: Path) -> None:
    assert load(folder) == Spec(
        program=Program(
            (folder / "main.c", folder / "sub/other.c"),
            ("-O2", f"-I{folder}/inc", "-I", "/usr/include", "-include", f"{folder}/inc/a.h"),
            ("-lm", f"-L{folder}/lib"),
        ),
        workload=Workload(
            Invocation(("2000", "two words", "äö"), b"performance\n", (folder / "sub/data.txt",)),
            (Invocation(("3000",)), Invocation(("7",), b"seven\n")),
            exit_code=5,
        ),
        tests=(Expectation(Invocation(("1",)), b"one\n", 3), Expectation(Invocation())),
        levels=(Level.IR,),
        model=ModelChoice(
            name="large",
            base_url="http://127.0.0.1:8080/v1",
            temperature=0.5,
            max_tokens=4000,
            timeout=30,
            concurrency=2,
            retries=0,
            tools=False,
            stream=False,
            prices=folder / "sub/data.txt",
            prompts=folder / "sub",
            rounds=5,
            samples=2,
            guide="model",
            testing=False,
        ),
        budget=Budget(seconds=30.0, calls=4),
        budgeted=True,
        require_speedup=1.05,
        sandbox=False,
        function="hot",
        rewrites=(folder / "sub/other.c",),
        kept_tests=folder / "sub",
        accept=Acceptance.PROVED,
    )


def test_the_smallest_file_has_the_documented_defaults(folder: Path) -> None:
    spec = load(write(folder, '[program]\nsources = ["main.c"]\n'))
    assert spec == Spec(Program((folder / "main.c",), ("-O3",), ()))
    assert spec.levels == (Level.SOURCE, Level.IR, Level.ASM)
    assert (spec.model.name, spec.budget.seconds, spec.sandbox) == ("none", 60.0, True)
    assert (spec.accept, spec.rewrites, spec.kept_tests, spec.function) == (Acceptance.TESTED, (), None, "")


def test_a_model_gets_time_for_its_replies_unless_a_budget_is_given(folder: Path) -> None:
    source = folder / "main.c"
    assert from_options([source], model="large").budget == Budget(seconds=600.0, calls=40)
    assert from_options([source], model="large", budget="usd=1").budget == Budget(usd=1.0)
    assert from_options([source], model="large", budget="seconds=60").budget == Budget()
    assert from_options([source], model="none").budget == Budget()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[program]\nsource = ["main.c"]', "did you mean 'sources'"),
        ("[programm]", "did you mean 'program'"),
        ("[options]\nzzz = 1", "known: accept, levels, require_speedup"),
        ('[program]\nsources = "main.c"', "'sources' in [program] must be a list of strings"),
        ("[program]\nsources = []", "'sources' in [program] must be a list of C files"),
        ("", "'sources' in [program]"),
        ('[program]\nsources = ["gone.c"]', "can't read"),
        ('[program]\nsources = ["main.c", "./main.c"]', "named twice"),
        ('[options]\naccept = "prooved"', "did you mean 'proved'"),
        ('[options]\ntests = "gone"', "no folder"),
        ('[program]\nsources = ["main.c"]\nrewrites = ["gone.c"]', "can't read"),
        ("[workload]\nargs = [2000]", "'args' in [workload] must be a list of strings"),
        ('[workload]\nstdin = "gone.in"', "gone.in"),
        ('[workload]\nstdin = "perf.in"\nstdin_text = ""', "both stdin and stdin_text"),
        ('[workload]\nfiles = ["sub"]', "Is a directory"),
        ('[workload]\nfiles = ["inc/a.h", "sub/a.h"]', "two data files"),
        ("[[workload.variant]]\narg = []", "did you mean 'args'"),
        ("[workload.variant]\nargs = []", "a list of tables: [[workload.variant]]"),
        ("[workload]\nexit_code = -1", "'exit_code' in [workload] must be a whole number"),
        ("[[test]]\nexit_code = 256", "from 0 to 255"),
        ("[[test]]\nexit_code = true", "'exit_code' in [[test]] must be a number"),
        ("[budget]\nseconds = 0", "'seconds' in [budget]"),
        ("[budget]\ncalls = 1.5", "'calls' in [budget]"),
        ('[options]\nlevels = ["src"]', "unknown level 'src'"),
        ('[model]\nguide = "bandid"', "did you mean 'bandit'"),
        ("[model]\nrounds = 0", "'rounds' in [model] must be a whole number of at least 1"),
        ("[model]\ntemperature = -1", "at least 0"),
        ('[model]\nprompts = "gone"', "no folder"),
        ('[model]\nprices = "gone.toml"', "can't read"),
        ('[options]\nmodel = "large"', "unknown key 'model'"),
        ("[options]\nsandbox = 1", "'sandbox' in [options] must be true or false"),
        ("[options]\nrequire_speedup = -1", "over 0"),
        ("[program", "not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_what_to_change(folder: Path, text: str, expected: str) -> None:
    path = write(folder, text if "program" in text or not text else f'[program]\nsources=["main.c"]\n{text}')
    with pytest.raises(UsageError) as error:
        load(path)
    assert expected in str(error.value)


def test_an_unknown_key_names_the_file(folder: Path) -> None:
    path = write(folder, '[program]\nsauces = ["main.c"]')
    with pytest.raises(UsageError) as error:
        load(path)
    assert str(path) in error.value.message
    assert "'sauces' in [program]" in error.value.message


def test_options_alone_make_a_spec(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    spec = from_options(["main.c"], args=["5"], stdin="perf.in", cflags=["-O1", "-Iinc"], ldflags=["-lm"])
    assert spec == Spec(
        Program((folder / "main.c",), ("-O1", f"-I{folder}/inc"), ("-lm",)),
        Workload(Invocation(("5",), b"performance\n")),
    )


def test_options_go_over_the_file_and_leave_the_rest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "sub")
    file = load(folder)
    spec = from_options(spec=folder, args=[], budget="calls=9", levels=["asm", "ir", "asm"], sandbox=True)
    assert spec.program == file.program
    assert spec.tests == file.tests
    assert spec.workload.variants == file.workload.variants
    assert spec.workload.timed == Invocation((), b"performance\n", (folder / "sub/data.txt",))
    assert spec.budget == Budget(seconds=30.0, calls=9)
    assert spec.levels == (Level.ASM, Level.IR)
    assert spec.sandbox


def test_without_sources_the_file_of_the_folder_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert from_options() == load(folder)
    monkeypatch.chdir(folder / "sub")
    with pytest.raises(UsageError, match="nothing to optimize"):
        from_options()


@pytest.mark.parametrize("name", ["gone.c", "sub"])
def test_a_source_that_cannot_be_read_is_named(folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match=name):
        from_options([folder / name])


def test_the_key_changes_with_what_is_optimized_and_with_nothing_else(folder: Path) -> None:
    key = load(folder).key
    assert key == load(folder).key
    seen = {key}
    for change in (
        lambda: (folder / "main.c").write_text("int main(void) { return 1; }\n"),
        lambda: (folder / "perf.in").write_text("other\n"),
        lambda: (folder / "sub/data.txt").write_text("other"),
        lambda: (folder / "inc/a.h").write_text("#define A 2\n"),
        lambda: write(folder, FULL.replace("exit_code = 3", "exit_code = 4")),
        lambda: write(folder, FULL.replace("exit_code = 5", "exit_code = 4")),
        lambda: write(folder, FULL.replace("-O2", "-O1")),
        lambda: write(folder, FULL.replace('"7"', '"8"')),
    ):
        change()
        seen.add(load(folder).key)
    assert len(seen) == 9
    assert load(write(folder, FULL)).key == load(write(folder, FULL.replace("= 30", "= 31"))).key
    assert load(write(folder, FULL)).key == load(write(folder, FULL.replace('["ir"]', '["asm"]'))).key


def test_the_key_follows_headers_that_headers_include(folder: Path) -> None:
    before = load(folder).key
    (folder / "inc/far.h").write_text("#define FAR 2\n")
    assert load(folder).key != before


def test_a_budget_goes_over_another_one() -> None:
    assert parse_budget(" seconds=1.5, calls=30,usd=0.5 ") == Budget(seconds=1.5, calls=30, usd=0.5)
    assert parse_budget("calls=0", Budget(seconds=9, tokens=5)) == Budget(seconds=9, tokens=5, calls=0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "seconds",
        "seconds=",
        "seconds=0",
        "seconds=-1",
        "seconds=nan",
        "calls=1.5",
        "calls=inf",
        "s=1",
    ],
)
def test_a_wrong_budget_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_budget(text)


@given(st.integers(0, 10**12), st.floats(0.001, 1e9))
def test_a_budget_that_is_written_is_read_back(calls: int, seconds: float) -> None:
    assert parse_budget(f"calls={calls},seconds={seconds!r}") == Budget(seconds=seconds, calls=calls)


def test_words_are_split_as_a_shell_does() -> None:
    assert split_words("1 'two words' ä", "--args") == ("1", "two words", "ä")
    with pytest.raises(UsageError, match="--args"):
        split_words("'open", "--args")


def test_the_page_about_the_file_shows_all_of_its_keys(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "spec.md").read_text()
    example = page.partition("```toml\n")[2].partition("```")[0].replace('"data/table.csv"', '"table.csv"')
    (tmp_path / "main.tests" / "tests").mkdir(parents=True)
    for name in ("faster", "prompts"):
        (tmp_path / name).mkdir()
    for name in ("main.c", "parse.c", "perf.in", "table.csv", "faster/parse.c", "prices.toml"):
        (tmp_path / name).touch()
    spec = load(write(tmp_path, example))
    assert len(spec.tests) == len(spec.workload.variants) == 1
    tables = dict(re.findall(r"^\| `(\[.*?\])` \| (.*) \|$", page, re.MULTILINE))
    assert {name: tuple(re.findall(r"`(\w+)`", keys)) for name, keys in tables.items()} == {
        name: tuple(key for key in keys if key != "variant") for name, keys in _KEYS.items() if name
    }


def test_replies_that_a_spec_names_are_beside_it(tmp_path: Path) -> None:
    spec = tmp_path / "llmcoop.toml"
    (tmp_path / "main.c").write_text("int main(void) { return 0; }")
    spec.write_text('[program]\nsources = ["main.c"]\n[model]\nname = "scripted:replies"\n')
    assert load(spec).model.name == f"scripted:{tmp_path.resolve() / 'replies'}"
