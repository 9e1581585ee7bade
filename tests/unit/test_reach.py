"""A rewrite in C reaches for no more than the program does, whatever a sandbox would hide of it."""

from __future__ import annotations

import pytest

from llmcoop.errors import ProgramError
from llmcoop.reach import Reach

PROGRAM = Reach.of("define i32 @main() {\n  ret i32 0\n}\n", ["puts", "getenv"])


@pytest.mark.parametrize(
    "called",
    [
        [],
        ["getenv"],
        ["memcpy", "llvm.memcpy.p0.p0.i64", "sqrtf", "fmaxl", "__isoc99_sscanf", "putchar", "fwrite_unlocked"],
        ["__cpu_indicator_init"],  # of `target_clones`, and of `__builtin_cpu_init`
    ],
)
def test_what_the_program_calls_and_what_computes_or_prints_is_fine(called: list[str]) -> None:
    PROGRAM.refuse(Reach.of("", called), ())


@pytest.mark.parametrize("called", ["system", "fopen", "open", "socket", "dlsym", "syscall", "fork", "mmap", "execl"])
def test_what_opens_starts_or_connects_is_refused_by_its_name(called: str) -> None:
    with pytest.raises(ProgramError, match=called):
        PROGRAM.refuse(Reach.of("", ["memcpy", called]), ())


@pytest.mark.parametrize(
    "module",
    [
        '  call void asm sideeffect "syscall", "~{memory}"()',
        '  %1 = call i64 asm "rdtsc", "=A"()',
        'module asm ".incbin \\22/etc/passwd\\22"',
    ],
)
def test_assembly_in_c_is_refused(module: str) -> None:
    with pytest.raises(ProgramError, match="assembly"):
        PROGRAM.refuse(Reach.of(module, []), ())


def test_empty_assembly_is_a_barrier_and_fine() -> None:
    PROGRAM.refuse(Reach.of('  call void asm sideeffect "", "~{memory}"()', []), ())


def test_assembly_that_the_program_has_may_stay() -> None:
    module = '  %1 = call i64 asm "rdtsc", "=A"()'
    Reach.of(module, []).refuse(Reach.of(module, []), ())


def compiled_for(features: str) -> Reach:
    return Reach.of(f'attributes #0 = {{ "target-features"="{features}" }}', [])


def test_code_for_processors_that_this_one_is_not_is_refused() -> None:
    original, rewritten = compiled_for("+sse2,+x87"), compiled_for("+sse2,+x87,+avx2,-avx512f")
    original.refuse(rewritten, {"avx2"})
    with pytest.raises(ProgramError, match="avx2"):
        original.refuse(rewritten, {"sse4.2"})
