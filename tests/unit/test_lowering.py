"""Candidates become executables: the identity is the user's own build, and each part of a recipe takes effect."""

from __future__ import annotations

from pathlib import Path

import pytest
from preparing import Prepare

from llmcoop import assembly, export, process
from llmcoop.assembly import AssemblyRefused
from llmcoop.attribution import without_each_level
from llmcoop.errors import LLMCoopError, ProgramError
from llmcoop.facts import processor
from llmcoop.history import IDENTITY
from llmcoop.ir import IRError
from llmcoop.prepare import Prepared, machine_code
from llmcoop.values import Candidate, FunctionRecipe, Invocation, Level, Program, Recipe

MAIN = """
#include <stdio.h>
#include <stdlib.h>
int weight(int);
int unused(int x) { return x ^ 5; }
static unsigned total(const int *x, int n) {
  unsigned sum = 0;
  for (int i = 0; i < n; i++)
    sum += (unsigned)(x[i] * x[i]) + (unsigned)weight(i);
  return sum;
}
int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 20000;
  int *x = malloc((unsigned)n * sizeof *x);
  for (int i = 0; i < n; i++)
    x[i] = i % 31 == 3 ? -i : i;
  printf("%u\\n", total(x, n));
  free(x);
  return 0;
}
"""
OTHER = "int unused(int); int weight(int i) { return i % 7 > 2 ? i & 255 : -i; }\n"
OWN_MALLOC = """
#include <stddef.h>
#include <string.h>
static char block[1 << 20];
static size_t used;
void *malloc(size_t n) { void *p = block + used; used += (n + 15) & ~15ul; return p; }
void free(void *p) { if ((char *)p < block || (char *)p >= block + sizeof block) __builtin_trap(); }
void *calloc(size_t n, size_t size) { return memset(malloc(n * size), 0, n * size); }
void *realloc(void *old, size_t n) { void *p = malloc(n); return old ? memcpy(p, old, n) : p; }
"""
USES_MALLOC = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) { char *text = strdup("allocated by libc"); puts(text); free(text); return 0; }
"""
FINDS_ITSELF = """
#include <dlfcn.h>
#include <stdio.h>
int plugin_entry(void) { return 42; }
int main(void) {
  int (*found)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "plugin_entry");
  printf("%d\\n", found ? found() : -1);
  return 0;
}
"""
WHOLE = Candidate(Level.IR, "whole", Recipe(whole_program=True))


@pytest.fixture(scope="module")
def program(prepare: Prepare) -> Prepared:
    return prepare(MAIN, OTHER)


def output(program: Prepared, candidate: Candidate) -> bytes:
    with program.open_runner([program.lowering.lower(candidate).executable]) as runner:
        result = runner.run(0, Invocation())
    assert result.exit_code == 0, result.status
    return result.stdout


def test_identity_is_the_users_own_build(program: Prepared) -> None:
    assert program.same_code


@pytest.mark.parametrize("flags", [["-O2", "-g"], ["-O1"], ["-O3", "-static"], ["-O3", "-ffunction-sections"]], ids=str)
def test_identity_is_the_users_own_build_with_other_flags(prepare: Prepare, flags: list[str]) -> None:
    assert prepare(MAIN, OTHER, cflags=flags).same_code


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(whole_program=True),
        Recipe(profile=True),
        Recipe(clones=("x86-64-v3",)),
        Recipe(pipeline="default<O1>"),
        Recipe(options=("-force-vector-width=2",)),
        Recipe(codegen=("-align-all-nofallthru-blocks=6",)),
        Recipe(functions=(FunctionRecipe("total", (("unroll.count", "8"),)),)),
    ],
    ids=lambda recipe: recipe.canonical(),
)
def test_each_part_of_a_recipe_changes_the_code_and_not_the_output(program: Prepared, recipe: Recipe) -> None:
    candidate = Candidate(Level.IR, "one change", recipe)
    without = WHOLE if recipe.profile else IDENTITY  # a profile is one of the whole program
    assert program.lowering.lower(candidate).sha256 != program.lowering.lower(without).sha256
    assert output(program, candidate) == program.reference.workload.stdout


def test_what_runs_of_a_cloned_function_is_its_best_clone(program: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    cloned = Candidate(Level.IR, "cloned", Recipe(whole_program=True, clones=("x86-64-v3:prefer-vector-width=128",)))
    assert program.lowering.running(WHOLE, "main") == "main"
    assert program.lowering.running(cloned, "elsewhere") == "elsewhere"
    for supported, name in ((True, "main.x86_64_v3"), (False, "main")):  # the version for others is inlined there
        monkeypatch.setattr(processor, "supports", lambda level, yes=supported: yes and level == "x86-64-v3")
        assert program.lowering.running(cloned, "main") == name


def test_a_candidate_is_built_once(program: Prepared) -> None:
    first = program.lowering.lower(WHOLE)
    built = first.executable.stat().st_mtime_ns
    assert program.lowering.lower(WHOLE) == first
    assert first.executable.stat().st_mtime_ns == built


@pytest.mark.parametrize("recipe", [Recipe(pipeline="no-such-pass"), Recipe(options=("-no-such-option",))])
def test_nonsense_in_a_recipe_is_an_error_of_the_candidate(program: Prepared, recipe: Recipe) -> None:
    with pytest.raises(IRError, match="no-such"):
        program.lowering.lower(Candidate(Level.IR, "nonsense", recipe))


def test_text_without_its_parent_is_refused(program: Prepared) -> None:
    orphan = Candidate(Level.IR, "orphan", text="define void @f() {\n  ret void\n}\n", parent="0" * 64)
    with pytest.raises(LLMCoopError, match="parent"):
        program.lowering.lower(orphan)


def test_whole_program_drops_what_nobody_uses(program: Prepared) -> None:
    (whole,) = program.lowering.optimized(WHOLE)
    assert b"unused" not in whole
    assert any(b"unused" in module for module in program.lowering.optimized(IDENTITY))


@pytest.mark.parametrize("flags", [[], ["-static"], ["-static", "-fuse-ld=lld"], ["-static-pie"]], ids=str)
def test_whole_program_keeps_an_allocator_that_libc_uses_too(prepare: Prepare, flags: list[str]) -> None:
    cflags = ["-O3", "-fPIE", *flags] if "-static-pie" in flags else ["-O3", *flags]
    program = prepare(USES_MALLOC, OWN_MALLOC, cflags=cflags)
    assert output(program, WHOLE) == b"allocated by libc\n"


def test_whole_program_keeps_what_is_looked_up_by_name(prepare: Prepare) -> None:
    assert output(prepare(FINDS_ITSELF, ldflags=["-rdynamic"]), WHOLE) == b"42\n"


def test_whole_program_keeps_what_an_archive_calls_back(prepare: Prepare, archive: str) -> None:
    program = prepare(
        "#include <stdio.h>\nint go(void); int callback(void) { return 7; }\n"
        'int main(void) { printf("%d\\n", go()); return 0; }\n',
        ldflags=[archive],
    )
    assert output(program, WHOLE) == b"7\n"


@pytest.fixture
def archive(tmp_path: Path) -> str:
    """A library that calls the program, and has an answer of its own where the program has none."""
    for name, text in (
        ("go", "int callback(void); int go(void) { return callback(); }"),
        ("own", "int callback(void) { return 1; }"),
    ):
        (tmp_path / f"{name}.c").write_text(text)
        compiled = process.run(["clang-22", "-c", f"{name}.c"], cwd=tmp_path, timeout_s=60)
        assert compiled.returncode == 0
    assert process.run(["ar", "rcs", "libgo.a", "go.o", "own.o"], cwd=tmp_path, timeout_s=60).returncode == 0
    return str(tmp_path / "libgo.a")


def rewrite(program: Prepared, old: str, new: str) -> Candidate:
    """The first source with a change in its text, as a person or a model would write it."""
    assert old in MAIN
    candidate = Candidate(
        Level.SOURCE,
        "rewrite",
        text=MAIN.replace(old, new),
        source=source_name(program),
        authored=True,
    )
    program.lowering.remember(candidate)
    return candidate


def source_name(program: Prepared) -> str:
    first, *_ = (path for path in Path(program.baseline).parent.parent.glob("*.c") if "main" in path.read_text())
    return first.name


def test_a_rewritten_source_is_lowered_by_any_recipe(program: Prepared) -> None:
    candidate = rewrite(program, "i % 31 == 3 ? -i : i", "i + 1")
    lowered = Candidate(Level.IR, "search", WHOLE.recipe, parent=candidate.key)
    assert output(program, candidate) == output(program, lowered) != output(program, IDENTITY)
    assert program.lowering.lower(candidate).sha256 != program.lowering.lower(lowered).sha256
    assert program.lowering.authored(lowered)
    assert not program.lowering.authored(WHOLE)


def test_a_rewritten_source_has_a_profile_of_its_own(program: Prepared) -> None:
    candidate = rewrite(program, "int unused(int x)", "int never_called(int x) { return x; }\nint unused(int x)")
    assert program.lowering.profile(candidate)
    assert program.lowering.version(candidate) is not program.lowering.version(IDENTITY)
    assert "main" in program.lowering.version(candidate).hot_functions(0.0)


@pytest.mark.parametrize(
    "directive", ['#include "/etc/passwd"\n', '__asm__(".incbin \\"/etc/passwd\\"");\n', '#include "{secret}"\n']
)
def test_a_rewritten_source_can_not_read_files(program: Prepared, directive: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.h"
    secret.write_text("int secret;\n")
    candidate = rewrite(
        program, "#include <stdio.h>\n", directive.replace("{secret}", str(secret)) + "#include <stdio.h>\n"
    )
    with pytest.raises(LLMCoopError, match=r"not found|Could not find"):
        program.lowering.lower(candidate)


def test_a_rewritten_source_that_does_not_compile_says_why(program: Prepared) -> None:
    with pytest.raises(LLMCoopError, match="does not compile"):
        program.lowering.lower(rewrite(program, "unsigned sum = 0;", "unsigned sum = zero;"))


# Assembly level

WEIGHT = """\
	.text
	.globl	weight
	.p2align	4
	.type	weight,@function
weight:
	movl	%edi, %eax
	cltd
	movl	$7, %ecx
	idivl	%ecx
	cmpl	$2, %edx
	jg	.Lweight_positive
	movl	%edi, %eax
	negl	%eax
	retq
.Lweight_positive:
	movzbl	%dil, %eax
	retq
	.size	weight, .-weight
"""
TWICE = "static __attribute__((noinline)) int twice(int x) { return x * 2 ^ LOW; }\n"


def written(text: str, parent: Candidate = IDENTITY) -> Candidate:
    """A function as a person or a model would write it."""
    return Candidate(Level.ASM, "by hand", parent.recipe, text, parent.key, authored=True)


def function(program: Prepared, name: str, parent: Candidate = IDENTITY) -> str:
    """A function's assembly at a candidate."""
    modules = program.lowering.finish(parent).assembly
    (number,) = assembly.homes(modules, name)
    return assembly.function(modules[number], name)


def slower(text: str) -> str:
    """Another text that does the same."""
    head, back, tail = text.rpartition("\tretq\n")
    assert back
    return f"{head}\tnop\n{back}{tail}"


@pytest.fixture(scope="module")
def newer(prepare: Prepare) -> Prepared:
    """The program for a newer CPU, with other sections and debug information."""
    return prepare(MAIN, OTHER, cflags=["-O3", "-march=x86-64-v3", "-ffunction-sections", "-g"])


@pytest.mark.parametrize("which", ["program", "newer"])
def test_assembly_put_back_unchanged_is_the_users_own_build(which: str, request: pytest.FixtureRequest) -> None:
    program: Prepared = request.getfixturevalue(which)
    for name in ("main", "weight"):
        lowered = program.lowering.lower(written(function(program, name)))
        assert machine_code(program.toolchain, lowered.executable) == machine_code(program.toolchain, program.baseline)


def test_a_function_written_by_hand_takes_the_place_of_the_compilers(program: Prepared) -> None:
    candidate = written(WEIGHT)
    assert output(program, candidate) == output(program, IDENTITY)
    finished = program.lowering.finish(candidate)
    assert finished.lowered == program.lowering.lower(candidate)
    assert ".Lweight_positive" in "".join(finished.assembly)
    assert finished.ir == program.lowering.finish(IDENTITY).ir
    wrong = written(WEIGHT.replace("cmpl\t$2", "cmpl\t$3"))
    assert output(program, wrong) != output(program, IDENTITY)


def test_assembly_lies_on_assembly_on_a_recipe_on_a_source(program: Prepared) -> None:
    source = rewrite(program, "i % 31 == 3 ? -i : i", "i + 2")
    whole = Candidate(Level.IR, "search", WHOLE.recipe, parent=source.key)
    first = written(slower(function(program, "main", whole)), whole)
    expected = output(program, source)
    assert output(program, first) == expected != output(program, IDENTITY)
    second = written(slower(slower(function(program, "main", first))), first)
    assert output(program, second) == expected
    assert program.lowering.texts(second) == program.lowering.texts(source)
    assert function(program, "main", second).count("\tnop\n") == function(program, "main", first).count("\tnop\n") + 2


def test_two_functions_of_two_modules_are_changed_one_after_the_other(program: Prepared) -> None:
    first = written(WEIGHT)
    program.lowering.remember(first)
    second = written(slower(function(program, "main", first)), first)
    assert output(program, second) == output(program, IDENTITY)
    texts = "".join(program.lowering.finish(second).assembly)
    assert ".Lweight_positive" in texts
    assert "\tnop\n" in texts


def test_local_functions_of_the_same_name_can_not_be_told_apart(prepare: Prepare) -> None:
    first = TWICE.replace("LOW", "1") + (
        "#include <stdio.h>\nint other(int);\n"
        'int main(int argc, char **argv) { (void)argv; printf("%d\\n", twice(argc) + other(argc)); return 0; }\n'
    )
    program = prepare(first, TWICE.replace("LOW", "3") + "int other(int x) { return twice(x); }\n")
    modules = program.lowering.finish(IDENTITY).assembly
    text = slower(assembly.function(modules[0], "twice"))
    with pytest.raises(AssemblyRefused, match="more than one module"):
        program.lowering.lower(written(text))
    (whole,) = program.lowering.finish(WHOLE).assembly
    for name in {"twice", *assembly.functions(whole)} - {"main"}:
        candidate = written(slower(assembly.function(whole, name)), WHOLE)
        assert output(program, candidate) == output(program, IDENTITY)


def test_assembly_that_does_not_fit_is_refused_with_a_reason(program: Prepared) -> None:
    for text, reason in (
        (WEIGHT.replace("weight", "nobody"), "no module"),
        ("prose", "must define one function"),
        (WEIGHT + WEIGHT.replace("weight", "main"), "must define one function"),
        (WEIGHT.replace("cltd", "syscall"), "syscall enters the kernel"),
        (WEIGHT.replace("cltd", '.incbin "/etc/passwd"'), "not allowed here"),
        (WEIGHT.replace("cltd", "popcntl %eax, %eax"), "need not have"),
    ):
        with pytest.raises(AssemblyRefused, match=reason):
            program.lowering.lower(written(text))
    with pytest.raises(ProgramError, match="line 7: invalid instruction mnemonic 'clld'"):
        program.lowering.lower(written(WEIGHT.replace("cltd", "clld")))


def test_instructions_of_the_programs_own_cpu_are_allowed(newer: Prepared) -> None:
    candidate = written(WEIGHT.replace("cltd", "popcntl %eax, %edx\n\tcltd"))
    assert output(newer, candidate) == output(newer, IDENTITY)


def test_nothing_above_rewritten_assembly_can_change(program: Prepared) -> None:
    candidate = written(WEIGHT)
    program.lowering.remember(candidate)
    recipe = Candidate(Level.IR, "a recipe", WHOLE.recipe, parent=candidate.key)
    ir = Candidate(Level.IR, "some IR", text="define void @f() {\n  ret void\n}\n", parent=candidate.key)
    source = Candidate(Level.SOURCE, "a source", text=MAIN, source=source_name(program), parent=candidate.key)
    for above in (recipe, ir, source):
        for build in (program.lowering.lower, program.lowering.finish):
            with pytest.raises(IRError, match="would be lost"):
                build(above)
    other = Candidate(Level.ASM, "another recipe", WHOLE.recipe, WEIGHT, IDENTITY.key, authored=True)
    with pytest.raises(IRError, match="another recipe"):
        program.lowering.lower(other)
    assert program.lowering.optimized(candidate) == program.lowering.optimized(IDENTITY)


def test_each_level_is_taken_out_again(program: Prepared) -> None:
    source = rewrite(program, "i % 31 == 3 ? -i : i", "i + 3")
    recipe = Candidate(Level.IR, "search", Recipe(options=("-force-vector-width=2",)), parent=source.key)
    for parent, levels in (
        (IDENTITY, {Level.ASM: IDENTITY.key}),
        (source, {Level.ASM: source.key, Level.SOURCE: IDENTITY.key}),
        (
            recipe,
            {Level.ASM: recipe.key, Level.IR: source.key, Level.SOURCE: Candidate(Level.IR, "", recipe.recipe).key},
        ),
    ):
        program.lowering.remember(parent)
        candidate = written(WEIGHT, parent)
        program.lowering.remember(candidate)
        found = {level: other.key for level, other in without_each_level(candidate, program.lowering)}
        assert found == levels


def test_rewritten_assembly_is_taken_home(program: Prepared, tmp_path: Path) -> None:
    candidate = written(WEIGHT)
    winner = (candidate, program.lowering.finish(candidate))
    names = export.write(tmp_path, program.toolchain, Program(()), program.baseline, winner)
    assert [name for name in names if name.endswith(".s") and ".Lweight" in (tmp_path / name).read_text()]
    done = process.run([tmp_path / "rebuild.sh"], env={"PATH": "/usr/bin"}, timeout_s=60)
    assert (done.returncode, done.stderr) == (0, b"")
    with program.open_runner([tmp_path / "rebuilt"]) as runner:
        assert runner.run(0, Invocation()).stdout == output(program, IDENTITY)
