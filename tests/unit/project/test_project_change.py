"""What is tried on hot functions, and in which order."""

from pathlib import Path

from llmcoop.project.change import Change, Selection, steps, without
from llmcoop.project.hot import HotFunction
from llmcoop.rewrites import Rewrite, Stage

HOT = HotFunction("hot", Path("src/a.c"), 0.7, "x86_64-pc-linux-gnu", ("text 1\n", "text 2\n"), ())
WARM = HotFunction("warm", Path("src/a.c"), 0.2, "x86_64-pc-linux-gnu", ("text 3\n",), ())


def test_all_functions_together_come_first_and_then_what_may_be_worth_most() -> None:
    tried = list(steps([HOT, WARM], lambda level: True))
    assert [step.functions for step in tried[:3]] == [(HOT, WARM)] * 3
    assert tried[3].functions == (HOT,)
    assert "clone" in tried[3].name
    single = [step.name for step in tried if step.functions == (WARM,)]
    assert "clone" in single[0]
    assert any("unroll.count 4" in name for name in single)


def test_versions_that_this_machine_can_not_run_are_not_tried() -> None:
    names = [step.name for step in steps([HOT], lambda level: level == "x86-64-v3")]
    assert any("clone x86-64-v3" in name for name in names)
    assert not any("x86-64-v4" in name for name in names)


def test_a_step_changes_its_own_functions_alone_and_keeps_what_fits_to_it() -> None:
    best: Selection = {HOT: Change(hints=(("unroll.count", "4"),)), WARM: Change(clones=("x86-64-v4",))}
    cloned = next(step for step in steps([HOT], lambda level: True) if step.name == "hot: clone x86-64-v3")
    after = cloned.applied(best)
    assert after == {WARM: best[WARM], HOT: Change((("unroll.count", "4"),), ("x86-64-v3",))}
    assert list(after)[-1] == HOT  # the newest is the first to be dropped
    other = next(step for step in steps([HOT], lambda level: True) if step.name == "hot: unroll.count 8")
    assert other.applied(after)[HOT].hints == (("unroll.count", "8"),)
    assert without(HOT).applied(after) == {WARM: best[WARM]}


def test_each_text_of_a_function_gets_a_rewrite() -> None:
    made = Change((("inline", "never"),), ("x86-64-v3",)).rewrites(HOT, "1.20x")
    assert [rewrite.before for rewrite in made] == ["text 1\n", "text 2\n"]
    assert {(rewrite.function, rewrite.module, rewrite.stage) for rewrite in made} == {("hot", "a.c", Stage.START)}
    assert all(Rewrite.parse(rewrite.text(), "here") == rewrite for rewrite in made)
    assert made[0].evidence == "by-construction"
