"""The examiner: candidates without sources, inputs that somebody writes, tests of an earlier run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from llmcoop import process
from llmcoop.examiner import Examiner
from llmcoop.models import ModelUnavailable
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.spec import Spec
from llmcoop.testing.written import Inputs, InputWriter
from llmcoop.toolchain import Toolchain
from llmcoop.values import (
    Adequacy,
    EvidenceKind,
    Invocation,
    Program,
    Share,
    TestCase,
    Workload,
)

# A number, and how much work to do with it. For one number in four billions the answer is another one.
ORIGINAL = """
#include <stdio.h>
#include <stdlib.h>
static unsigned mix(unsigned Number) { return (Number ^ Number >> 15) * 2654435761u; }
int main(int Count, char **Arguments) {
  if (Count != 3) return puts("usage: program NUMBER ROUNDS"), 2;
  unsigned Number = (unsigned)strtoul(Arguments[1], 0, 10), Rounds = (unsigned)strtoul(Arguments[2], 0, 10);
  unsigned Hash = Number;
  for (unsigned I = 0; I < Rounds; I++) Hash = Hash * 31 + (I ^ Hash >> 3);
  if (mix(Number) == 0x1234abcdu) Hash = 1;
  return printf("%u %u\\n", Hash, Rounds) < 0;
}
"""
RARE = Invocation(("3967952857", "3"))
COMMON = Invocation(("2654435769", "5"))
FORGETFUL = ORIGINAL.replace("Hash = 1;", "Hash = 2;")
RENAMED = ORIGINAL.replace("Hash", "Digest")
NARROW = ORIGINAL.replace("Hash >> 3", "(Hash & 0xffffff) >> 3")
TIMED = Invocation(("1", "50000000"))


class Writer:
    """Says what it was told to say, and remembers what it was asked."""

    def __init__(self, inputs: Inputs | None = None) -> None:
        self._inputs = inputs
        self.asked: list[object] = []

    def for_program(self, missed: Sequence[str]) -> Inputs:
        return self._reply(tuple(missed))

    def for_change(self, diff: str) -> Inputs:
        return self._reply(diff)

    def _reply(self, question: object) -> Inputs:
        self.asked.append(question)
        if self._inputs is None:
            raise ModelUnavailable("the server is gone")
        return self._inputs


Examined = Callable[..., Examiner]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "program.c"
    path.write_text(ORIGINAL)
    return path


@pytest.fixture
def examined(sandbox: Sandbox, source: Path, tmp_path: Path) -> Examined:
    def make(writer: InputWriter | None = None) -> Examiner:
        spec = Spec(Program((source,)), Workload(TIMED))
        tests, scratch = tmp_path / "tests", tmp_path / "scratch"
        return Examiner(spec, Toolchain.find(), sandbox, tests, scratch, limits=Limits(), writer=writer)

    return make


@pytest.fixture
def linked(tmp_path: Path) -> Callable[[str], tuple[list[Path], Path]]:
    """Objects and the executable of a program, without its sources."""

    def build(text: str) -> tuple[list[Path], Path]:
        source, made, executable = (tmp_path / name for name in ("other.c", "other.o", "other"))
        source.write_text(text)
        clang = Toolchain.find().clang
        assert process.run([clang, "-O2", "-c", source, "-o", made], timeout_s=60).returncode == 0
        assert process.run([clang, made, "-o", executable], timeout_s=60).returncode == 0
        source.unlink()
        return [made], executable

    return build


def restored(examined: Examined, writer: InputWriter | None = None) -> Examiner:
    """An examiner with no other tests than the timed run."""
    examiner = examined(writer)
    examiner.restore((), None, silent)
    return examiner


def rewrite(text: str) -> dict[str, str]:
    return {"program.c": text}


def silent(_: str) -> None:
    """Announce nothing."""


def case(invocation: Invocation, stdout: bytes, *, hidden: bool = False, origin: str = "fuzz") -> TestCase:
    return TestCase(invocation, stdout, 0, origin, hidden)


def test_candidates_without_sources_are_attacked_too(
    examined: Examined, linked: Callable[[str], tuple[list[Path], Path]]
) -> None:
    examiner = restored(examined)
    wrong = examiner.examine_objects(*linked(NARROW), 20.0, silent)
    assert wrong.kind is EvidenceKind.REFUTED
    assert wrong.counterexample is not None
    assert wrong.counterexample.case.stdout != wrong.counterexample.stdout
    right = examiner.examine_objects(*linked(RENAMED), 1.5, silent)
    assert right.kind is EvidenceKind.TESTED
    assert right.inputs_compared > 20
    assert right.sanitizers == ()


def test_objects_that_do_not_link_with_the_fork_server_are_tested_at_least(
    examined: Examined, linked: Callable[[str], tuple[list[Path], Path]]
) -> None:
    examiner, said = restored(examined), list[str]()
    objects, executable = linked(FORGETFUL)
    evidence = examiner.examine_objects([*objects, *objects], executable, 1.0, said.append)
    assert (evidence.kind, evidence.inputs_compared) == (EvidenceKind.TESTED, 0)
    assert any("only tested" in message for message in said)
    evidence = examiner.examine_objects([*objects, *objects], executable, 1.0, silent, first=[RARE])
    assert evidence.kind is EvidenceKind.REFUTED


def test_a_known_counterexample_is_tried_first(examined: Examined) -> None:
    evidence = restored(examined).examine(rewrite(FORGETFUL), 0.5, silent, first=[COMMON, RARE])
    assert evidence.counterexample is not None
    assert evidence.counterexample.case == case(RARE, b"1 3\n")
    assert evidence.counterexample.stdout == b"2 3\n"


def test_what_a_writer_thinks_of_refutes(examined: Examined) -> None:
    writer = Writer(Inputs((COMMON, RARE)))
    evidence = restored(examined, writer).examine(rewrite(FORGETFUL), 0.5, silent)
    assert evidence.counterexample is not None
    assert evidence.counterexample.case == case(RARE, b"1 3\n", origin="model")
    (diff,) = writer.asked
    assert isinstance(diff, str)
    assert "-  if (mix(Number) == 0x1234abcdu) Hash = 1;\n+  if (mix(Number) == 0x1234abcdu) Hash = 2;\n" in diff


def test_an_input_on_which_the_original_is_not_clean_refutes_nothing(examined: Examined, source: Path) -> None:
    unclean = ORIGINAL.replace("Hash = 1;", "{ int Wide = 2147483647; Hash = (unsigned)(Wide + Count); }")
    source.write_text(unclean)
    evidence = restored(examined, Writer(Inputs((RARE,)))).examine(rewrite(FORGETFUL), 0.5, silent)
    assert evidence.kind is EvidenceKind.TESTED


def test_tests_grow_from_what_a_writer_thinks_of(examined: Examined) -> None:
    same_end = [Invocation(("2", "30000000")), Invocation(("9", "40000000"))]
    others = [TIMED, Invocation(("3", "10")), Invocation(("4", "500000000")), Invocation(("5",))]
    writer = Writer(Inputs((RARE, Invocation(("1",))), (*same_end, *others), 3))
    examiner, said = examined(writer), list[str]()
    testing = examiner.prepare(3.0, said.append)
    assert {case.origin for case in examiner.cases if case.invocation == RARE} == {"model"}
    assert "fuzz" in {case.origin for case in examiner.cases}
    assert testing.cases == len(examiner.cases)
    assert testing.hidden == sum(case.hidden for case in examiner.cases)
    (missed,) = writer.asked
    assert any(str(each).startswith("main: ") for each in missed)  # type: ignore[attr-defined]
    assert any("3 dropped" in message for message in said)
    variants = examiner.variants(20.0, silent)
    assert [(each.invocation, each.origin, each.hidden) for each in variants] == [
        (invocation, "variant", True) for invocation in same_end
    ]


def test_a_writer_without_a_reply_is_done_without(examined: Examined) -> None:
    examiner, said = examined(Writer()), list[str]()
    examiner.prepare(1.0, said.append)
    assert examiner.cases
    assert any("the server is gone" in message for message in said)
    assert examiner.examine(rewrite(RENAMED), 1.0, silent).kind is EvidenceKind.TESTED
    assert examiner.unanswered == 2
    assert examiner.variants(1.0, silent) == ()


def test_tests_of_an_earlier_run_are_answered_again(examined: Examined) -> None:
    adequacy = Adequacy(Share(9, 10), Share(1, 1), Share(1, 1), 20, 19)
    recorded = [
        case(RARE, b"1 3\n", hidden=True, origin="model"),
        case(COMMON, b"of another program\n"),
        case(TIMED, b""),
    ]
    examiner, said = examined(), list[str]()
    testing = examiner.restore(recorded, adequacy, said.append)
    assert examiner.cases == (recorded[0],)
    assert (testing.cases, testing.hidden, testing.adequacy) == (1, 1, adequacy)
    assert any("2 of 3 test cases dropped" in message for message in said)
    evidence = examiner.examine(rewrite(FORGETFUL), 1.0, silent)
    assert evidence.counterexample is not None
    # A hidden case stays hidden, also when it is what refutes a candidate.
    assert replace(evidence.counterexample.case, invocation=RARE, stdout=b"1 3\n") == recorded[0]
