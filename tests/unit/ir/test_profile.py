"""Profiles: instrument, run, use; and costs, which profiles make better."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmcoop import process
from llmcoop.ir import IRError, Module
from llmcoop.ir.jobs import Annotate, Hotness, Link, Optimize, PassRequest
from llmcoop.values import FunctionRecipe

EMPTY = Module.parse("define void @unused() {\n ret void\n}").bitcode
PROGRAM = Path(__file__).with_name("programs") / "integer.c"


@pytest.fixture(scope="module")
def bitcode(front_end: Callable[..., bytes]) -> bytes:
    return front_end(PROGRAM, "-O3")


@pytest.fixture(scope="module")
def profile(bitcode: bytes, clang: Callable[..., bytes], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The profile of one run, from our own instrumentation."""
    folder = tmp_path_factory.mktemp("profile")
    module = Module.parse(bitcode)
    module.run_passes("default<O3>", instrument=True)
    (folder / "counting.o").write_bytes(module.emit("obj"))
    clang("-fprofile-generate", folder / "counting.o", "-o", folder / "counting")
    raw, indexed = folder / "raw", folder / "indexed"
    assert process.run([folder / "counting"], env={"LLVM_PROFILE_FILE": str(raw)}, timeout_s=20).returncode == 0
    done = process.run(["llvm-profdata-22", "merge", str(raw), "-o", str(indexed)], timeout_s=20)
    assert done.returncode == 0, done.stderr
    return indexed.read_bytes()


def test_use_is_what_clang_makes_of_it(
    bitcode: bytes, profile: bytes, clang: Callable[..., bytes], tmp_path: Path
) -> None:
    (tmp_path / "profile").write_bytes(profile)
    clang("-O3", f"-fprofile-use={tmp_path / 'profile'}", "-c", PROGRAM, "-o", tmp_path / "clang.o")
    module = Module.parse(bitcode)
    assert module.run_passes("default<O3>", profile=profile) == []
    assert module.emit("obj") == (tmp_path / "clang.o").read_bytes()


def test_every_function_finds_its_counts(bitcode: bytes, profile: bytes) -> None:
    module = Module.parse(bitcode)
    assert module.annotate("default<O3>", profile) == []
    module.verify()
    assert "function_entry_count" in module.text


def test_counts_travel_through_linking_and_are_read_once(bitcode: bytes, profile: bytes) -> None:
    request = PassRequest(profile=profile)
    annotated = Annotate(bitcode, request).run().data
    again = Annotate(annotated, request).run().data
    assert Module.parse(again).text == Module.parse(annotated).text
    linked = Link((annotated, EMPTY), ("main",)).run().data
    assert dict(Hotness(linked, request).run().shares)["fib"] > 0.5
    # Made local by the link, functions would not find their counts any more.
    late = Hotness(Link((bitcode, EMPTY), ("main",)).run().data, request).run()
    assert "fib" not in dict(late.shares)


def test_hotness_says_where_the_time_goes(bitcode: bytes, profile: bytes) -> None:
    shares = dict(Hotness(bitcode, PassRequest(profile=profile)).run().shares)
    assert sum(shares.values()) == pytest.approx(1)
    assert max(shares, key=lambda name: shares[name]) == "fib"
    assert shares["fib"] > 0.5


def test_counts_follow_clones_and_hints(bitcode: bytes, profile: bytes) -> None:
    request = PassRequest(
        profile=profile,
        clones=("x86-64-v3",),
        clone_functions=("fib", "assembly"),
        hints=(FunctionRecipe("bits", (("unroll.count", "2"),)), FunctionRecipe("gone", ())),
    )
    optimized = Optimize(bitcode, request).run()
    assert {skip.function for skip in optimized.skipped} == {"assembly", "gone"}
    assert not [remark for remark in optimized.remarks if remark.kind == "warning"]
    clone = Module.parse(optimized.bitcode).extract(["fib.x86_64_v3"])
    assert "function_entry_count" in clone.text


def test_a_profile_of_other_code_is_reported(profile: bytes, front_end: Callable[..., bytes], tmp_path: Path) -> None:
    changed = tmp_path / PROGRAM.name
    changed.write_text(PROGRAM.read_text().replace("return n < 2 ? n :", "if (n == 7) return 13; return n < 2 ? n :"))
    remarks = Module.parse(front_end(changed, "-O3")).run_passes("default<O3>", profile=profile)
    (warning,) = (remark for remark in remarks if remark.kind == "warning")
    assert "hash mismatch" in warning.message or "control flow change" in warning.message
    assert "fib" in warning.message


def test_a_damaged_profile_is_refused(bitcode: bytes) -> None:
    with pytest.raises(IRError):
        Module.parse(bitcode).run_passes("default<O3>", profile=b"not a profile")
    with pytest.raises(IRError):
        Module.parse(bitcode).annotate("sroa", b"not read")
