"""The program through our own lowering is the program as clang compiles it, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmcoop.ir import CodeGen, Module, Tuning

PROGRAMS = sorted(Path(__file__).with_name("programs").glob("*.c"))
FLAGS = (
    "-O0",
    "-O1",
    "-O2",
    "-O3",
    "-Os",
    "-Oz",
    "-Og",
    "-O3 -march=native",
    "-O3 -march=x86-64-v3 -ffast-math",
    "-O3 -march=x86-64-v4 -mprefer-vector-width=512",
    "-O2 -mtune=znver3 -fno-math-errno -fomit-frame-pointer",
    "-O3 -fno-vectorize",
    "-O3 -fno-slp-vectorize -fno-unroll-loops",
    "-O1 -funroll-loops",
    "-O2 -fPIC -ffunction-sections -fdata-sections",
    "-O3 -fPIC -fno-plt -fno-semantic-interposition",
    "-O3 -fno-pie",
    "-O2 -mcmodel=large",
    "-O3 -g",
    "-O2 -g1 -glldb",
    "-O2 -fno-omit-frame-pointer -fstack-protector-strong -D_FORTIFY_SOURCE=2",
    "-O3 -falign-loops=32 -falign-functions=64 -fno-jump-tables",
    "-O3 -fwrapv -fno-strict-aliasing -fno-asynchronous-unwind-tables -fno-unwind-tables",
    "-O3 -floop-interchange",
    "-Ofast -mavx2 -fveclib=libmvec",
    "-O2 -fcf-protection -fpatchable-function-entry=2 -mno-red-zone",
    "-O2 -fstack-size-section -ffunction-sections -fno-unique-section-names",
    "-O3 -fsplit-machine-functions -fbasic-block-sections=all",
    "-O2 -Wa,-mrelax-relocations=no -fno-addrsig",
    "-O3 -mllvm -unroll-threshold=700",
)


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_object_is_clangs(
    program: Path,
    flags: str,
    tmp_path: Path,
    clang: Callable[..., bytes],
    front_end: Callable[..., bytes],
    cc1_settings: Callable[..., tuple[Tuning, CodeGen]],
) -> None:
    clang(*flags.split(), "-c", program, "-o", tmp_path / "clang.o")
    tuning, codegen = cc1_settings(program, *flags.split())
    module = Module.parse(front_end(program, *flags.split()))
    module.run_passes(tuning.pipeline, tuning=tuning, codegen=codegen)
    assert module.emit("obj", codegen) == (tmp_path / "clang.o").read_bytes()


def test_a_different_flag_gives_a_different_object(
    front_end: Callable[..., bytes], cc1_settings: Callable[..., tuple[Tuning, CodeGen]]
) -> None:
    objects = set()
    for flags in (("-O3",), ("-O3", "-fno-vectorize"), ("-O3", "-fno-unroll-loops"), ("-O2", "-fno-pie")):
        tuning, codegen = cc1_settings(PROGRAMS[1], *flags)
        module = Module.parse(front_end(PROGRAMS[1], "-O3"))
        module.run_passes(tuning.pipeline, tuning=tuning, codegen=codegen)
        objects.add(module.emit("obj", codegen))
    assert len(objects) == 4


def test_bitcode_keeps_what_passes_see(front_end: Callable[..., bytes]) -> None:
    direct = Module.parse(front_end(PROGRAMS[1], "-O3"))
    through = Module.parse(Module.parse(front_end(PROGRAMS[1], "-O3")).bitcode)
    for module in (direct, through):
        module.run_passes("default<O3>")
    assert direct.emit("obj") == through.emit("obj")


def test_default_pipeline_within_another_obeys_the_tuning(front_end: Callable[..., bytes]) -> None:
    bitcode = front_end(PROGRAMS[1], "-O3")
    scalar = Tuning(loop_vectorization=False, slp_vectorization=False)
    texts = {}
    for tuning in (Tuning(), scalar):
        module = Module.parse(bitcode)
        module.run_passes("default<O3>,globaldce", tuning=tuning)
        texts[tuning] = module.text
    assert "<4 x float>" in texts[Tuning()]
    assert "<4 x float>" not in texts[scalar]
