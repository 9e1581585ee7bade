"""What is read from a `-cc1` command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmcoop.errors import UsageError
from llmcoop.ir import CodeGen, Tuning
from llmcoop.ir.clang_options import from_cc1

SOURCE = Path(__file__).with_name("programs") / "integer.c"
Settings = Callable[..., tuple[Tuning, CodeGen]]


def test_defaults_are_those_of_clang_o3(cc1_settings: Settings) -> None:
    assert cc1_settings(SOURCE, "-O3") == (Tuning(), CodeGen())


def test_link_time_optimization_is_not_the_optimizers_business(cc1_settings: Settings) -> None:
    assert cc1_settings(SOURCE, "-O3", "-flto") == cc1_settings(SOURCE, "-O3")


@pytest.mark.parametrize(
    ("flags", "level", "codegen_level"),
    [
        ("", "O0", 0),
        ("-O", "O1", 1),
        ("-Og", "O1", 1),
        ("-Os", "Os", 2),
        ("-O3 -Oz", "Oz", 2),
        ("-O9", "O3", 3),
    ],
)
def test_level(flags: str, level: str, codegen_level: int, cc1_settings: Settings) -> None:
    tuning, codegen = cc1_settings(SOURCE, *flags.split())
    assert (tuning.level, tuning.pipeline, codegen.level) == (level, f"default<{level}>", codegen_level)


def test_flags_of_the_optimizer(cc1_settings: Settings) -> None:
    flags = "-O2 -fno-vectorize -fno-slp-vectorize -fno-unroll-loops -floop-interchange -Xclang -fmerge-functions"
    tuning, _ = cc1_settings(SOURCE, *flags.split())
    assert tuning == Tuning(
        level="O2",
        loop_vectorization=False,
        slp_vectorization=False,
        loop_unrolling=False,
        loop_interleaving=False,
        loop_interchange=True,
        merge_functions=True,
    )


def test_flags_of_the_code_generator(cc1_settings: Settings) -> None:
    flags = "-O3 -fno-pie -ffunction-sections -fdata-sections -ffp-contract=fast -mcmodel=medium -fno-addrsig"
    _, codegen = cc1_settings(SOURCE, *flags.split())
    assert codegen == CodeGen(
        relocation_model="static",
        function_sections=True,
        data_sections=True,
        fp_contract="fast",
        code_model="medium",
        large_data_threshold=65536,
        addrsig=False,
    )


def test_llvm_options_reach_passes_and_code_generator(cc1_settings: Settings) -> None:
    tuning, codegen = cc1_settings(SOURCE, "-O3", "-mllvm", "-polly", "-mllvm", "-unroll-threshold=9")
    assert tuning.options == codegen.options == ("-polly", "-unroll-threshold=9")


@pytest.mark.parametrize("flag", ["-fsanitize=address", "-fprofile-generate", "-pg", "--coverage"])
def test_passes_that_only_clang_adds_are_refused(flag: str, cc1_settings: Settings) -> None:
    with pytest.raises(UsageError, match="remove that flag"):
        cc1_settings(SOURCE, "-O2", flag)


def test_an_empty_command_line_is_o0() -> None:
    tuning, codegen = from_cc1([])
    assert (tuning.level, codegen.cpu) == ("O0", "x86-64")
