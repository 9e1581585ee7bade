"""The report of llvm-mca on hot loops in assembly, whatever the assembly is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmcoop.errors import ToolchainError, UsageError
from llmcoop.facts import mca
from llmcoop.sandbox import Sandbox
from llmcoop.toolchain import Toolchain

CHAIN = """
\t.type f,@function
f:
\txorpd %xmm0, %xmm0
.LBB0_1:                                # outer
\txorl %eax, %eax
.LBB0_2:
\tmulsd (%rdi,%rax,8), %xmm0            # the chain
\tincq %rax
\tcmpq %rax, %rsi
\tjne .LBB0_2
\tdecq %rdx
\tjne .LBB0_1
\tretq
\t.size f, .-f
\t.type other,@function
other:
\tjmp .Lother
.Lcold:
\taddl $1, %eax
\tretq
.Lother:
\ttestl %edi, %edi
\tje .Lcold
\tretq
\t.size other, .-other
"""


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    try:
        found = Toolchain.find()
    except ToolchainError as error:
        pytest.skip(f"NO TOOLCHAIN ON THIS MACHINE: {error}")
    if found.mca is None:
        pytest.skip("LLVM-MCA IS NOT INSTALLED")
    return found


def test_the_innermost_loop_is_analysed(toolchain: Toolchain, sandbox: Sandbox) -> None:
    report = mca.report(toolchain, sandbox, CHAIN, "f", "skylake")
    assert "f, loop .LBB0_2: 4 instructions, 4.0 cycles an iteration on skylake" in report
    assert "Register Dependencies" in report
    assert "mulsd (%rdi,%rax,8), %xmm0  <- REGISTER dependency: %xmm0" in report
    assert len(report.splitlines()) <= 25


def test_a_jump_back_that_nothing_leads_to_again_is_no_loop(toolchain: Toolchain, sandbox: Sandbox) -> None:
    report = mca.report(toolchain, sandbox, CHAIN, "other", "znver4")
    assert "other, no loop; once through it: 6 instructions" in report
    assert "(jumps inside fall through)" in report


def test_at_most_two_loops_those_that_compute_most(toolchain: Toolchain, sandbox: Sandbox) -> None:
    loops = "".join(f".L{n}:\n" + "\taddpd %xmm1, %xmm2\n" * n + f"\tdecq %rax\n\tjne .L{n}\n" for n in range(1, 6))
    report = mca.report(toolchain, sandbox, f"f:\n{loops}\tret\n\t.size f, .-f\n", "f", "skylake")
    assert [line.split(":")[0] for line in report.splitlines() if ", loop" in line] == ["f, loop .L5", "f, loop .L4"]
    assert len(report.splitlines()) <= 25


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("\tfrobnicate %rax\n", "error: invalid instruction mnemonic 'frobnicate'"),
        ("", "1 to 1500 instructions, not 0"),
        ("\tnop\n" * 1501, "not 1501"),
        ("\tnop\n" * 20_001, "20000 are looked at"),
        ('\t.incbin "/etc/passwd"\n\t.include "/etc/passwd"\n', "not 0"),
        ("\t\x00\udcff%%\n", "error"),
    ],
)
def test_bad_assembly_is_refused_with_the_reason(toolchain: Toolchain, sandbox: Sandbox, body: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        mca.report(toolchain, sandbox, f"f:\n{body}\t.size f, .-f\n", "f", "skylake")
    assert said in raised.value.message


def test_a_function_that_is_not_there(toolchain: Toolchain, sandbox: Sandbox) -> None:
    with pytest.raises(UsageError, match=r"no function 'g', only f, other"):
        mca.report(toolchain, sandbox, CHAIN, "g", "skylake")


def test_that_the_tool_is_missing_is_said_in_the_report(toolchain: Toolchain, sandbox: Sandbox) -> None:
    assert "not installed" in mca.report(replace(toolchain, mca=None), sandbox, CHAIN, "f", "skylake")
