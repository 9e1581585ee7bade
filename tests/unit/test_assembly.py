"""Functions in assembly: found, put back, and refused when a rewrite does more than compute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmcoop import assembly, process
from llmcoop.assembly import Assembler, AssemblyRefused
from llmcoop.errors import ProgramError, UsageError
from llmcoop.sandbox import Sandbox
from llmcoop.toolchain import Toolchain

PROGRAM = """
#include <stdio.h>
#include <stdlib.h>
static __attribute__((noinline)) double poly(double x) { return ((x * 3.5 + 1.25) * x + 2.5) * x; }
__attribute__((noinline)) int pick(int a, int b) {
  switch (a) {
  case 0: return b * 7;
  case 1: puts("one"); return 3;
  case 2: return b - 1;
  case 3: return b ^ 5;
  case 4: return rand();
  case 5: return b / 3;
  }
  return 0;
}
__attribute__((noinline)) int run(const unsigned char *p) {
  static void *at[] = {&&a, &&b, &&c};
  int s = 0;
  goto *at[*p++];
a: s += 1; goto *at[*p++];
b: s *= 3; goto *at[*p++];
c: return s;
}
__attribute__((noinline)) void add(float *a, float *b, int n) {
  for (int i = 0; i < n; i++)
    a[i] = b[i] * 2.0f + 1.0f;
}
int main(int argc, char **argv) {
  float a[16], b[16] = {(float)argc};
  add(a, b, 16);
  printf("%f %d %d %f\\n", poly(argc), pick(argc, 3), run((const unsigned char *)"\\0\\1\\2"), a[0]);
  return argv == 0;
}
"""
FLAGS = (
    ("-O3",),
    ("-O2", "-g"),
    ("-O0",),
    ("-O3", "-march=x86-64-v3", "-ffunction-sections"),
    ("-O1", "-fno-omit-frame-pointer", "-fstack-protector-all"),
    ("-O3", "-fcf-protection", "-fno-plt"),
)
# Adds up what `weigh` says of each number.
ORIGINAL = """\
	.text
	.globl	total
	.p2align	4
	.type	total,@function
total:                                  # @total
	.cfi_startproc
# %bb.0:
	pushq	%rbx
	.cfi_def_cfa_offset 16
	subq	$16, %rsp
	.cfi_def_cfa_offset 32
	.cfi_offset %rbx, -16
	xorl	%ebx, %ebx
.LBB1_1:
	movq	%rdi, 8(%rsp)
	callq	weigh@PLT
	addl	%eax, %ebx
	addl	table(%rip), %ebx
	movq	8(%rsp), %rdi
	decq	%rdi
	jne	.LBB1_1
# %bb.2:
	movl	%ebx, %eax
	addq	$16, %rsp
	.cfi_def_cfa_offset 16
	popq	%rbx
	.cfi_def_cfa_offset 8
	retq
.Lfunc_end1:
	.size	total, .Lfunc_end1-total
	.cfi_endproc
"""
MODULE = f"""\
	.file	"total.c"
	.text
	.globl	other                           # -- Begin function other
	.type	other,@function
other:
.LBB0_1:
	retq
	.size	other, .-other
                                        # -- End function
	# -- Begin function total
{ORIGINAL}\
                                        # -- End function
	.data
table:
	.long	3
"""
LEAF = """\
	.text
	.p2align	4
	.type	leaf,@function
leaf:
	leal	(%rdi,%rsi), %eax
	retq
	.size	leaf, .-leaf
"""
LEAF_MODULE = f"\t.text\n\t# -- Begin function leaf\n{LEAF}\t# -- End function\n"

Compile = Callable[..., str]


@pytest.fixture
def compiled(tmp_path: Path) -> Compile:
    """Compiles C to assembly."""

    def run(*flags: str, text: str = PROGRAM) -> str:
        (tmp_path / "p.c").write_text(text)
        argv = ["clang-22", *flags, "-w", "-S", "p.c", "-o", "p.s"]
        done = process.run(argv, cwd=tmp_path, timeout_s=60)
        assert done.returncode == 0, done.stderr
        return (tmp_path / "p.s").read_text()

    return run


@pytest.fixture(scope="module")
def assembler(sandbox: Sandbox) -> Assembler:
    return Assembler(Toolchain.find(), sandbox)


def code(object_file: bytes, folder: Path) -> bytes:
    """The disassembly of an object."""
    (folder / "some.o").write_bytes(object_file)
    tool = Toolchain.find().llvm_bin / "llvm-objdump"
    return process.run([tool, "-d", "-r", "some.o"], cwd=folder, timeout_s=60).stdout


# Finding and replacing


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
def test_every_function_of_a_module_is_found_passes_and_can_be_put_back(
    flags: tuple[str, ...], compiled: Compile, assembler: Assembler, tmp_path: Path
) -> None:
    module = compiled(*flags)
    found = assembly.functions(module)
    assert set(found) == {"poly", "pick", "run", "add", "main"}
    same = module
    for name, text in found.items():
        assembly.check(text, text, module)
        same = assembly.replaced(same, name, text)
    assert set(assembly.functions(same)) == set(found)
    assert code(assembler.object(same), tmp_path) == code(assembler.object(module), tmp_path)


def test_a_function_comes_with_its_constants_and_tables_and_without_debug_information(compiled: Compile) -> None:
    module = compiled("-O2", "-g")
    assert ".LCPI" in assembly.function(module, "poly")
    assert ".rodata" in assembly.function(module, "poly")
    assert ".LJTI" in assembly.function(module, "pick")
    texts = assembly.functions(module)
    assert not [name for name, text in texts.items() if ".loc" in text or ".debug" in text]
    assert ".Ltmp" not in texts["add"]
    assert ".Ltmp" in texts["run"], "data refers to these"


def test_a_function_goes_in_place_of_itself_and_only_there() -> None:
    changed = assembly.replaced(MODULE, "total", ORIGINAL.replace("decq\t%rdi", "subq\t$1, %rdi"))
    assert changed.count("subq\t$1, %rdi") == 1
    assert "decq\t%rdi" not in changed
    assert assembly.function(changed, "other") == assembly.function(MODULE, "other")
    assert "\t.data\ntable:" in changed


def test_a_section_that_the_text_leaves_open_does_not_swallow_what_follows() -> None:
    open_end = LEAF + '\t.section\t.rodata,"a",@progbits\n.Lx:\n\t.long\t1\n'
    changed = assembly.replaced(LEAF_MODULE + "next:\n\tretq\n", "leaf", open_end)
    assert changed.index(".Lx:") < changed.rindex("\t.text\n") < changed.index("next:")


def test_a_function_that_is_not_there_is_said_so() -> None:
    with pytest.raises(UsageError, match="no function 'nothing'"):
        assembly.function(MODULE, "nothing")
    with pytest.raises(UsageError, match="no function 'nothing'"):
        assembly.replaced(MODULE, "nothing", ORIGINAL)


def test_the_module_of_a_local_function_is_found() -> None:
    assert assembly.homes([LEAF_MODULE, MODULE, LEAF_MODULE], "leaf") == (0, 2)


# The rules


def test_the_original_passes() -> None:
    assembly.check(ORIGINAL, ORIGINAL, MODULE)
    assembly.check(LEAF, LEAF, LEAF_MODULE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("decq\t%rdi\n\tjne", "subq\t$1, %rdi\n\tjne"),
        ("\tpushq\t%rbx\n", "\tpushq\t%rbx # kept; with a remark \N{WHITE SMILING FACE}\n"),
        (".LBB1_1", ".Lmy_loop"),
        ("\tmovl\t%ebx, %eax\n", "\tmovl\t%ebx, %eax; nop\n"),
        ("jne\t.LBB1_1", "je 1f\n\tjmp .LBB1_1\n1:"),
        (".Lfunc_end1-total", ".-total"),
        (
            "addl\ttable(%rip), %ebx",
            'addl\t.Lmine(%rip), %ebx\n\t.section .rodata, "a", @progbits\n.Lmine:\n\t.long 3, 5\n\t.zero 8\n\t.text\n',
        ),
        ("subq\t$16, %rsp", "leaq\t-16(%rsp), %rsp"),
        ("movq\t8(%rsp), %rdi", "movq\t8(%rsp), %rdi\n\tprefetcht0\t64(%rdi)"),
        ("xorl\t%ebx, %ebx", "xorl\t%ebx, %ebx\n\tmovl\t$1, %r8d\n\tmovb\t%r8b, %r9b"),
        ("decq\t%rdi\n\tjne", "lock decq\t(%rdi)\n\tjne"),
    ],
    ids=lambda text: text[:30],
)
def test_what_computes_passes(old: str, new: str) -> None:
    assert old in ORIGINAL
    assembly.check(ORIGINAL, ORIGINAL.replace(old, new), MODULE)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        # one function, whole
        ("total:   ", "sum:   ", r"'total:' is missing"),
        ("\t.globl\ttotal\n", "", r"'.globl total' of the original is missing"),
        ("\t.size\ttotal, .Lfunc_end1-total\n", "", r"'.size total, .-total' is missing"),
        ("\tretq\n", "\tretq\nevil:\n\tretq\n", r"'evil:' starts another function"),
        (".LBB1_1", ".LBB0_1", r"'.LBB0_1:' belongs to another function"),
        # directives
        ("\tretq\n", '\tretq\n\t.incbin "/etc/passwd"\n', r"line 29: the directive '.incbin"),
        ("\tretq\n", '\tretq\n\t.include "/etc/passwd"\n', r"'.include"),
        ("\tretq\n", "\tretq\n\t.macro m\n\t.endm\n", r"'.macro m'"),
        ("\tretq\n", "\tretq\n\t.rept 9\n\tnop\n\t.endr\n", r"'.rept 9'"),
        ("\tretq\n", "\tretq\n\t.altmacro\n", r"'.altmacro'"),
        ("\tretq\n", "\tretq\n\t.set\tputs, system\n", r"'.set puts, system'"),
        ("\tretq\n", "\tretq\n\tputs = system\n", r"is no instruction"),
        ("\tretq\n", "\tretq\n\t.symver total,puts@@V1\n", r"'.symver"),
        ("\tretq\n", "\tretq\n\t.weak\tputs\n", r"'.weak puts'"),
        ("\tretq\n", "\tretq\n\t.globl\tputs\n", r"'.globl puts'"),
        ("\tretq\n", "\tretq\n\t.type\tputs,@function\n", r"'.type puts,@function'"),
        ("\tretq\n", "\tretq\n\t.pushsection .init_array\n\t.quad total\n", r"'.pushsection .init_array'"),
        ("\tretq\n", '\tretq\n\t.section\t.init_array,"aw"\n', r"'.section .init_array"),
        ("\tretq\n", '\tretq\n\t.section\t.rodata.x,"awx",@progbits\n', r"'.section .rodata.x"),
        ("\tretq\n", "\tretq\n\t.data\n", r"'.data'"),
        ("\tretq\n", "\tretq\n\t.intel_syntax noprefix\n", r"'.intel_syntax"),
        ("\tretq\n", "\tretq\n\t.p2align\t30\n", r"12 at most"),
        ("\tretq\n", "\tretq\n\t.p2align\t4, 0xcc\n", r"without a filler"),
        ("\tretq\n", "\tretq\n\t.p2align\t007\n", r"12 at most"),
        ("\tretq\n", "\t.byte\t0x0f, 0x05\n\tretq\n", r"line 28: .byte puts data into the code"),
        ("\tretq\n", "\t.quad\t0x050f\n\tretq\n", r".quad puts data into the code"),
        ("\tretq\n", '\tretq\n\t.section\t.rodata,"a",@progbits\n\t.zero\t99999999\n', r"too large"),
        ("\tretq\n", '\tretq\n\t.section\t.rodata,"a",@progbits\n\tnop\n', r"section for data"),
        ("\t.cfi_def_cfa_offset 8\n", "\t.cfi_escape 0x0f\n", r"'.cfi_escape 0x0f'"),
        # instructions
        ("\tretq\n", "\tsyscall\n\tretq\n", r"line 28: syscall enters the kernel"),
        ("\tretq\n", "\tint\t$0x80\n\tretq\n", r"int enters the kernel"),
        ("\tretq\n", "\tSYSENTER\n\tretq\n", r"sysenter enters the kernel"),
        ("\tretq\n", "\thlt\n\tretq\n", r"hlt enters the kernel"),
        ("\tretq\n", "\trep; outsb\n\tretq\n", r"outsb enters the kernel"),
        ("\tretq\n", "\tnop; nop; rdmsr\n\tretq\n", r"rdmsr enters the kernel"),
        ("\tretq\n", ".Lx: rdtsc\n\tretq\n", r"rdtsc depends on when"),
        ("\tretq\n", "\tcpuid\n\tretq\n", r"cpuid depends on when"),
        ("\tretq\n", "\tstd\n\tretq\n", r"std changes a state"),
        ("\tretq\n", "\tldmxcsr\t(%rdi)\n\tretq\n", r"ldmxcsr changes a state"),
        ("\tretq\n", "\tfldcw\t(%rdi)\n\tretq\n", r"fldcw changes a state"),
        ("\tretq\n", "\tmovq\t%fs:0, %rax\n\tretq\n", r"does not use %fs"),
        ("\tretq\n", "\tmovq\t%cr0, %rax\n\tretq\n", r"does not use %cr0"),
        # references
        ("callq\tweigh@PLT", "callq\tsystem@PLT", r"line 16: 'system' is neither a label"),
        ("addl\ttable(%rip)", "addl\tenviron@GOTPCREL(%rip)", r"'environ' is neither"),
        ("addl\ttable(%rip)", "addl\t.LCPI7_0(%rip)", r"'.LCPI7_0' is not defined"),
        ("movl\t%ebx, %eax", "movl\tebx, %eax", r"in AT&T syntax the register is %ebx"),
        ("movl\t%ebx, %eax", "movl\t$system, %eax", r"'system' is neither"),
        # jumps and calls
        ("callq\tweigh@PLT", "callq\t*%rax", r"known at run time only"),
        ("\tretq\n", "\tjmp\t*%rax\n", r"known at run time only"),
        ("callq\tweigh@PLT", "callq\tweigh+4", r"must go to a label or a function"),
        ("callq\tweigh@PLT", "callq\t0x401000", r"must go to a label or a function"),
        ("callq\tweigh@PLT", "callq\t.LBB1_1", r"calls a part of this function"),
        # the calling convention
        ("\tpushq\t%rbx\n", "\tpushq\t%rax\n", r"leaves the function with %rbx changed"),
        ("\tpopq\t%rbx\n", "\tpopq\t%rcx\n", r"leaves the function with %rbx changed"),
        ("xorl\t%ebx, %ebx", "xorl\t%ebx, %ebx\n\tmovb\t$1, %r12b", r"leaves the function with %r12 changed"),
        ("\tpopq\t%rbx\n", "", r"with 8 bytes on the stack"),
        ("jne\t.LBB1_1", "je .Lout\n\tpushq %rdi\n\tjmp .LBB1_1\n.Lout:", r"bytes deep on one way and 32 on another"),
        ("subq\t$16, %rsp", "subq\t$8, %rsp\n\tsubq\t$0, %rsp", r"not aligned to 16 bytes"),
        ("movq\t%rdi, 8(%rsp)", "movq\t%rdi, -8(%rsp)", r"below %rsp"),
        ("movq\t%rdi, 8(%rsp)", "movq\t%rdi, 24(%rsp)", r"overwrites the return address"),
        ("\tretq\n", "", r"goes on behind its last instruction"),
        # what Python and an assembler might read differently
        ("decq\t%rdi", "decq\t%rdi # harmless\r\tsyscall", r"line 20: there is a control character"),
        ("decq\t%rdi", "decq\t%rdi # harmless\x0b\tsyscall", r"control character"),
        ("decq\t%rdi", "decq\t%rdi\0", r"control character"),
        ("decq\t%rdi", "decq\t%rdi # \ud800", r"control character"),
        ("decq\t%rdi", 'decq\t%rdi # "\n\tsyscall # "', r"syscall enters the kernel"),
        ("decq\t%rdi", "decq\t%rdi /* # */ ; syscall", r"is no instruction"),
        ("\t.cfi_def_cfa_offset 8\n", "\t.cfi_def_cfa_offset 8 /*\n", r"is no directive"),
    ],
    ids=lambda text: text[:30],
)
def test_what_does_more_is_refused(old: str, new: str, reason: str) -> None:
    assert old in ORIGINAL
    with pytest.raises(AssemblyRefused, match=reason):
        assembly.check(
            ORIGINAL, ORIGINAL.replace(old, new, 1) if old != ".LBB1_1" else ORIGINAL.replace(old, new), MODULE
        )


def test_what_the_original_does_stays_allowed() -> None:
    odd = LEAF.replace("\tretq\n", "\trdtsc\n\tmovq\t%fs:8, %rcx\n\tcallq\t*%rdx\n\t.byte\t15, 11\n\tjmpq\t*%rcx\n")
    module = LEAF_MODULE.replace(LEAF, odd)
    assembly.check(odd, odd.replace("leal\t(%rdi,%rsi), %eax", "movl\t%edi, %eax\n\taddl\t%esi, %eax"), module)
    with pytest.raises(AssemblyRefused, match="puts data into the code"):
        assembly.check(odd, odd.replace(".byte\t15, 11", ".byte\t15, 5"), module)


def test_data_of_the_original_is_not_allowed_in_the_code() -> None:
    with_table = LEAF + '\t.section\t.rodata,"a",@progbits\n\t.byte\t15, 5\n\t.text\n'
    module = LEAF_MODULE.replace(LEAF, with_table)
    with pytest.raises(AssemblyRefused, match="puts data into the code"):
        assembly.check(with_table, LEAF.replace("\tretq", "\t.byte\t15, 5\n\tretq"), module)


def test_labels_that_data_elsewhere_refers_to_must_stay(compiled: Compile) -> None:
    module = compiled("-O2")
    original = assembly.function(module, "run")
    with pytest.raises(AssemblyRefused, match=r"label '\.Ltmp\d+:' is missing"):
        assembly.check(original, original.replace(".Ltmp", ".Lelsewhere"), module)


def test_a_jump_table_of_its_own_is_allowed() -> None:
    with_table = LEAF.replace(
        "\tretq\n",
        "\tleaq\t.Ltable(%rip), %rcx\n\tmovslq\t(%rcx,%rdi,4), %rdx\n\taddq\t%rcx, %rdx\n\tjmpq\t*%rdx\n"
        ".Lone:\n\tretq\n.Ltwo:\n\tincl\t%eax\n\tretq\n",
    )
    with_table += '\t.section\t.rodata,"a",@progbits\n.Ltable:\n\t.long\t.Lone-.Ltable\n\t.long\t.Ltwo-.Ltable\n'
    assembly.check(LEAF, with_table, LEAF_MODULE)
    with pytest.raises(AssemblyRefused, match="%rbx changed"):
        assembly.check(LEAF, with_table.replace("incl\t%eax", "incl\t%ebx"), LEAF_MODULE)


def test_all_reasons_are_told_at_once() -> None:
    with pytest.raises(AssemblyRefused, match=r"(?s)syscall.*'system'"):
        assembly.check(ORIGINAL, ORIGINAL.replace("callq\tweigh@PLT", "syscall\n\tcallq\tsystem"), MODULE)


@pytest.mark.parametrize(
    ("added", "reason"),
    [
        ("\tnop\n" * 300_000, "characters"),
        ('\t.ascii\t"' + '\\"' * 100_000 + "\n", r"line \d+ has"),
        ("," * 500_000, r"line \d+ has"),
        ("1:\tjmp\t1f\n" * 30_000, "syscall"),
        ("\tmovq\t%r15, 8(%rsp)\n\tpushq\t%r14\n" * 10_000, "syscall"),
    ],
    ids=lambda text: text[:20],
)
def test_enormous_texts_get_their_reason_soon(added: str, reason: str) -> None:
    with pytest.raises(AssemblyRefused, match=reason):
        assembly.check(ORIGINAL, f"{ORIGINAL}{added}\n\tsyscall\n", MODULE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "prose",
        "\t.type\ttotal,@function\n",
        ":::",
        '"',
        "total:\n" * 3,
        "%$#@!\n",
        "\t.section\n\t.type\n\t.size\n\t.p2align\n",
    ],
    ids=repr,
)
def test_any_text_gets_a_reason(text: str) -> None:
    with pytest.raises(AssemblyRefused):
        assembly.check(ORIGINAL, text, MODULE)


# The assembler


@pytest.mark.parametrize(
    "instruction",
    ["popcntl\t%edi, %eax", "vpaddd\t%xmm0, %xmm1, %xmm2", "pshufb\t%xmm0, %xmm1", "mulxq\t%rdi, %rax, %rcx"],
)
def test_instructions_beyond_the_programs_cpu_are_refused(instruction: str, assembler: Assembler) -> None:
    proposed = LEAF.replace("\tretq", f"\t{instruction}\n\tretq")
    name = instruction.partition("\t")[0].rstrip("lq")
    with pytest.raises(AssemblyRefused, match=rf"(?s)need not have.*line 6: {name}"):
        assembler.rewritten(LEAF_MODULE, "leaf", proposed, "+cmov,+sse,+sse2")
    newer = "+avx,+avx2,+bmi,+bmi2,+popcnt,+sse2,+sse3,+sse4.1,+sse4.2,+ssse3"
    module, made = assembler.rewritten(LEAF_MODULE, "leaf", proposed, newer)
    assert assembly.same(assembly.function(module, "leaf"), proposed)
    assert made.startswith(b"\x7fELF")
    assembler.rewritten(module, "leaf", proposed.replace("(%rdi,%rsi)", "(%rsi,%rdi)"), "+sse2")


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
def test_what_clang_writes_is_never_beyond_the_cpu(
    flags: tuple[str, ...], compiled: Compile, assembler: Assembler
) -> None:
    module = compiled(*flags)
    ir = compiled(*flags, "-emit-llvm")
    for name, text in assembly.functions(module).items():
        features = assembly.features(ir, name)
        assert "+sse2" in features
        # Another text as the original: nothing is allowed for standing there.
        assert assembler.beyond(text, features) == []


def test_a_file_can_not_be_read_even_without_the_rules(assembler: Assembler, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text('\t.ascii "secret"\n')
    for directive in (f'.incbin "{secret}"', f'.include "{secret}"', '.incbin "/etc/passwd"'):
        with pytest.raises(ProgramError, match="Could not find"):
            assembler.object(f"\t.data\n\t{directive}\n")


def test_errors_name_the_lines_of_the_function(assembler: Assembler) -> None:
    wrong = LEAF.replace("leal\t(%rdi,%rsi), %eax", "frobnicate\t%eax")
    with pytest.raises(ProgramError, match=r"line 5: invalid instruction mnemonic 'frobnicate': frobnicate"):
        assembler.object(assembly.replaced(LEAF_MODULE, "leaf", wrong))
