"""Mutants: what each operator does, that none of them is active unless asked for, and which are equivalent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from llmcoop.ir import IRError, Module, codec
from llmcoop.ir.mutants import MUTANT_LIMIT, FindEquivalent, FixMutant, Mutant, Mutate, Mutated, Operator
from llmcoop.ir.worker import Worker

PROGRAMS = Path(__file__).with_name("programs")
EVERYTHING = 65535


def mutated(ir: str, limit: int = EVERYTHING) -> Mutated:
    return Mutate(Module.parse(ir).bitcode, limit).run()


def fixed(module: Mutated, number: int) -> str:
    """One mutant as text, its definition only."""
    text = Module.parse(FixMutant(module.bitcode, number).run().bitcode).text
    return text[text.index("define") : text.rindex("}")]


def integers(body: str, more: str = "") -> str:
    return f"define i32 @f(i32 %a, i32 %b) {{\n{body}\n}}\n{more}"


def doubles(body: str) -> str:
    return f"define double @f(double %a, double %b, double %c) {{\n{body}\n}}\n"


BRANCH = """
 %c = icmp slt i32 %a, %b
 br i1 %c, label %early, label %late
early:
 ret i32 7
late:
 %d = call i32 @f(i32 %b, i32 %a)
 %e = icmp slt i32 %d, 3
 br i1 %e, label %early, label %last
last:
 ret i32 %d"""


@pytest.mark.parametrize(
    ("operator", "ir", "changed"),
    [
        (Operator.SWAPPED_OPERANDS, integers("%r = sub nsw i32 %a, %b\nret i32 %r"), "sub i32 %1, %0"),
        (Operator.OFF_BY_ONE, integers("%r = add nsw i32 %a, 3\nret i32 %r"), "add i32 %0, 4"),
        (Operator.OFF_BY_ONE, integers("%r = shl i32 %a, 31\nret i32 %r"), "shl i32 %0, 30"),
        (Operator.OFF_BY_ONE, integers("%c = icmp ult i32 %a, %b\n%r = zext i1 %c to i32\nret i32 %r"), "icmp ule"),
        (
            Operator.CHANGED_PREDICATE,
            integers("%c = icmp sle i32 %a, %b\n%r = zext i1 %c to i32\nret i32 %r"),
            "icmp eq",
        ),
        (
            Operator.CHANGED_PREDICATE,
            integers("%c = icmp ne i32 %a, %b\n%r = zext i1 %c to i32\nret i32 %r"),
            "icmp eq",
        ),
        (Operator.NEGATED_BRANCH, integers(BRANCH), "br i1 %3, label %6, label %4"),
        (Operator.REPLACED_ARITHMETIC, integers("%r = mul i32 %a, %b\nret i32 %r"), "add i32 %0, %1"),
        (Operator.REPLACED_ARITHMETIC, integers("%r = lshr i32 %a, %b\nret i32 %r"), "shl i32 %0, %1"),
        (Operator.REPLACED_ARITHMETIC, doubles("%r = fdiv double %a, %b\nret double %r"), "fmul double %0, %1"),
        (Operator.NARROWED_ARITHMETIC, integers("%r = mul nsw i32 %a, %b\nret i32 %r"), "sext i16"),
        (Operator.NARROWED_ARITHMETIC, integers("%r = mul i32 %a, %b\nret i32 %r"), "zext i16"),
        (
            Operator.REORDERED_FLOATS,
            doubles("%s = fadd double %a, %b\n%r = fadd double %s, %c\nret double %r"),
            "fadd double %1, %2",
        ),
        (
            Operator.REORDERED_FLOATS,
            doubles("%s = fmul double %a, %b\n%r = fadd double %s, %c\nret double %r"),
            "fadd x86_fp80",
        ),
        (Operator.REORDERED_FLOATS, doubles("%r = fdiv double %a, %b\nret double %r"), "fdiv double 1.000000e+00, %1"),
        (Operator.SPECIAL_FLOATS, doubles("%r = fneg double %a\nret double %r"), "fsub double 0.000000e+00, %0"),
        (
            Operator.SPECIAL_FLOATS,
            doubles("%c1 = fcmp olt double %a, %b\n%r = uitofp i1 %c1 to double\nret double %r"),
            "fcmp ult",
        ),
        (
            Operator.SWAPPED_ARMS,
            integers("%c = trunc i32 %a to i1\n%r = select i1 %c, i32 %a, i32 %b\nret i32 %r"),
            "i32 %1, i32 %0",
        ),
        (Operator.CHANGED_RETURN, integers("ret i32 %a"), "ret i32 0"),
        (Operator.CHANGED_RETURN, integers("ret i32 0"), "ret i32 1"),
    ],
)
def test_operator(operator: Operator, ir: str, changed: str) -> None:
    module = mutated(ir)
    numbers = [mutant.number for mutant in module.mutants if mutant.operator == operator]
    assert changed not in fixed(module, 0)
    assert any(changed in fixed(module, number) for number in numbers)


def test_early_exits_are_never_taken() -> None:
    module = mutated(integers(BRANCH))
    numbers = [mutant.number for mutant in module.mutants if mutant.operator == Operator.REMOVED_EXIT]
    assert len(numbers) == 1  # that of the last branch is no exit: both ways lead out
    assert "ret i32 7" not in fixed(module, numbers[0]).split("call")[0]


@pytest.mark.parametrize(
    ("operator", "left_out"),
    [
        (Operator.DROPPED_STORE, "store i32"),
        (Operator.DROPPED_CALL, "call void @g"),
        (Operator.DROPPED_INITIALISATION, "call void @llvm.memset"),
    ],
)
def test_effects_are_left_out(operator: Operator, left_out: str) -> None:
    body = "store i32 %b, ptr %p\ncall void @g(ptr %p)\ncall void @llvm.memset.p0.i64(ptr %p, i8 1, i64 4, i1 false)"
    module = mutated(
        f"define void @f(ptr %p, i32 %b) {{\n{body}\nret void\n}}\n"
        "declare void @g(ptr)\ndeclare void @llvm.memset.p0.i64(ptr, i8, i64, i1)"
    )
    (number,) = (mutant.number for mutant in module.mutants if mutant.operator == operator)
    assert left_out in fixed(module, 0)
    assert left_out not in fixed(module, number)


MEMORY = """
declare ptr @malloc(i64)
declare void @free(ptr)
define ptr @allocate(i32 %size) {
 %wide = sext i32 %size to i64
 %memory = call ptr @malloc(i64 %wide)
 ret ptr %memory
}
define void @release(ptr %list) {
 %next = load ptr, ptr %list
 %last = icmp eq ptr %next, null
 br i1 %last, label %end, label %more
more:
 call void @release(ptr %next)
 br label %end
end:
 call void @free(ptr %list)
 ret void
}
"""


@pytest.mark.parametrize(
    "body",
    [
        "store volatile i32 %b, ptr %p",
        "store atomic i32 %b, ptr %p seq_cst, align 4",
        "%old = atomicrmw add ptr %p, i32 1 seq_cst",
        'call void asm sideeffect "nop", ""()',
        "call void @free(ptr %p)",
        "call void @release(ptr %p)",
        "%q = call ptr @allocate(i32 24)\nstore volatile ptr %q, ptr %p",
        "%q = call ptr @malloc(i64 24)\nstore volatile ptr %q, ptr %p",
        "%n = mul i32 %b, 24\n%m = zext i32 %n to i64\n%q = call ptr @malloc(i64 %m)\nstore volatile ptr %q, ptr %p",
    ],
)
def test_what_no_output_can_show_is_not_mutated(body: str) -> None:
    module = mutated(f"define void @f(ptr %p, i32 %b) {{\n{body}\nret void\n}}\n{MEMORY}")
    assert not [mutant for mutant in module.mutants if mutant.function == "f"]


def test_the_sign_of_what_is_squared_does_not_matter() -> None:
    module = mutated(integers("%d = sub i32 %a, %b\n%r = mul i32 %d, %d\nret i32 %r"))
    assert Operator.SWAPPED_OPERANDS not in {mutant.operator for mutant in module.mutants}


def test_equal_values_do_not_get_past_a_branch() -> None:
    body = """
 %equal = icmp eq i32 %a, %b
 br i1 %equal, label %same, label %other
same:
 ret i32 0
other:
 %less = icmp slt i32 %a, %b
 %r = zext i1 %less to i32
 ret i32 %r"""
    assert "< becomes <=" not in {mutant.description for mutant in mutated(integers(body)).mutants}
    assert "< becomes !=" in {mutant.description for mutant in mutated(integers(body)).mutants}


def test_only_the_program_itself_is_mutated() -> None:
    inline = "define available_externally i32 @g(i32 %a) {\n ret i32 %a\n}\ndeclare i32 @h(i32)"
    assert mutated(inline).mutants == ()


@pytest.fixture(scope="module", params=["numeric.c", "integer.c"])
def program(request: pytest.FixtureRequest, front_end: Callable[..., bytes]) -> bytes:
    return front_end(PROGRAMS / request.param, "-O3", "-gline-tables-only")


def test_without_an_active_mutant_the_program_is_the_original(program: bytes) -> None:
    original, module = Module.parse(program), Mutate(program, EVERYTHING).run()
    same = Module.parse(FixMutant(module.bitcode, 0).run().bitcode)
    for each in (original, same):
        each.run_passes("strip,inferattrs,function(sroa,early-cse,adce,simplifycfg)")
        each.run_passes("default<O2>")
    assert same.emit("asm") == original.emit("asm")


def test_every_mutant_is_well_formed(program: bytes) -> None:
    module = Mutate(program, EVERYTHING).run()
    for mutant in module.mutants:
        Module.parse(FixMutant(module.bitcode, mutant.number).run().bitcode).verify()


def test_mutants_tell_where_they_are(program: bytes) -> None:
    mutants = Mutate(program, EVERYTHING).run().mutants
    assert [mutant.number for mutant in mutants] == list(range(1, len(mutants) + 1))
    assert all(mutant.line > 0 for mutant in mutants)


def test_a_limit_is_shared_evenly(program: bytes) -> None:
    def groups(mutants: tuple[Mutant, ...]) -> Counter[tuple[str, Operator]]:
        return Counter((mutant.function, mutant.operator) for mutant in mutants)

    everything, some = (Mutate(program, limit).run().mutants for limit in (EVERYTHING, 60))
    assert len(some) == 60 < len(everything)
    assert groups(some).keys() == groups(everything).keys() or len(groups(everything)) > 60
    share = max(groups(some).values())
    assert all(count in (size, share, share - 1) for count, size in _paired(groups(some), groups(everything)))
    assert Mutate(program, 60).run().mutants == some


def _paired(some: Counter[tuple[str, Operator]], everything: Counter[tuple[str, Operator]]) -> list[tuple[int, int]]:
    return [(some[group], size) for group, size in everything.items()]


def test_a_worker_mutates(program: bytes, worker: Worker) -> None:
    module = worker.mutate(program, 20)
    assert module == Mutate(program, 20).run()
    assert len(worker.mutate(program).mutants) <= MUTANT_LIMIT
    assert worker.fix_mutant(module.bitcode, 3) == FixMutant(module.bitcode, 3).run().bitcode
    assert worker.find_equivalent(module.bitcode, module.mutants) <= {mutant.number for mutant in module.mutants}


def test_an_operator_that_does_not_exist_is_refused() -> None:
    mutant = Mutant(1, Operator.OFF_BY_ONE, "f", 3, "< becomes <=")
    message = codec.encode(mutant)
    assert codec.decode(Mutant, message) == mutant
    with pytest.raises(codec.MalformedMessage):
        codec.decode(Mutant, message.replace(b"off-by-one", b"off-by-two"))


def test_a_module_is_mutated_once_only() -> None:
    module = mutated(integers("ret i32 %a"))
    with pytest.raises(IRError, match="has mutants already"):
        Mutate(module.bitcode, 1).run()
    with pytest.raises(IRError, match="has no mutants"):
        FixMutant(Module.parse(integers("ret i32 %a")).bitcode, 1).run()


def test_equivalent_mutants() -> None:
    # The second operand is 0 or 1: > 0 is != 0, but >= 0 is not.
    body = "%bit = and i32 %b, 1\n%c = icmp ugt i32 %bit, 0\n%r = select i1 %c, i32 %a, i32 %b\nret i32 %r"
    module = mutated(integers(body))
    found = FindEquivalent(module.bitcode, module.mutants).run().numbers
    compared = {mutant.number: mutant.description for mutant in module.mutants if ">" in mutant.description}
    assert [compared[number] for number in found] == ["> becomes !="]
