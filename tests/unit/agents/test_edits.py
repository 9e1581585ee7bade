"""Edits fit at one place or not at all, and say why not."""

from __future__ import annotations

import pytest

from llmcoop.agents import edits
from llmcoop.agents.edits import Edit
from llmcoop.agents.reading import Unusable

TEXT = """#include <stdio.h>

static int sum(int n) {
\tint total = 0;
\tfor (int i = 0; i < n; i++)
\t\ttotal += i;
\treturn total;
}

int main(void) {
\tprintf("%d\\n", sum(10));
\treturn 0;
}
"""


def edit(search: str, replace: str) -> str:
    return f"<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


def changed(*parts: str) -> str:
    return edits.applied(edits.parsed("".join(parts)), TEXT)


def test_lines_are_replaced() -> None:
    assert changed(edit("\treturn total;\n", "\treturn -total;\n")) == TEXT.replace("return total", "return -total")


def test_several_edits_are_made_in_their_order() -> None:
    first = edit("\tint total = 0;\n", "\tint total = 1;\n")
    assert "total = 2" in changed(first, "and then\n", edit("\tint total = 1;\n", "\tint total = 2;\n"))


def test_lines_can_be_removed_and_added() -> None:
    without = changed(edit("\tfor (int i = 0; i < n; i++)\n\t\ttotal += i;\n", ""))
    assert without == TEXT.replace("\tfor (int i = 0; i < n; i++)\n\t\ttotal += i;\n", "")
    head = "#include <stdio.h>\n"
    assert changed(edit(head, f"{head}#include <string.h>\n")).startswith(f"{head}#include <string.h>\n\n")


def test_white_space_does_not_matter_where_the_place_is_clear() -> None:
    search = "\n    for (int i = 0;  i < n; i++)   \n        total += i;\r\n\n"
    assert changed(edit(search, "\ttotal = n;\n")) == changed(
        edit("\tfor (int i = 0; i < n; i++)\n\t\ttotal += i;\n", "\ttotal = n;\n")
    )


def test_a_line_as_it_is_goes_before_one_that_is_similar() -> None:
    text = "a;\n  a;\nb;\n"
    assert edits.applied([Edit(("  a;",), ("c;",))], text) == "a;\nc;\nb;\n"


def test_part_of_a_line_is_no_match() -> None:
    with pytest.raises(Unusable, match="not in the file"):
        changed(edit("total;\n", "0;\n"))


def test_a_text_that_is_there_twice_is_ambiguous() -> None:
    with pytest.raises(Unusable, match=r"edit 1 is there 2 times \(lines 8, 13\)"):
        changed(edit("}\n", "};\n"))


def test_what_is_not_found_is_shown_with_what_is_nearest() -> None:
    with pytest.raises(Unusable) as caught:
        changed(edit("\tfor (int i = 0; i <= n; i++)\n\t\ttotal += i;\n", "x\n"))
    assert "edit 1 is not in the file:\n\tfor (int i = 0; i <= n; i++)" in str(caught.value)
    assert "from line 5:\n\tfor (int i = 0; i < n; i++)\n" in str(caught.value)
    with pytest.raises(Unusable, match=r"from line 4:\n\tint total = 0;"):
        changed(edit("\tlong total = 0;\n", "x\n"))
    with pytest.raises(Unusable, match="Nothing in it is similar"):
        changed(edit("################\n", "x\n"))


def test_nothing_to_search_for_is_told() -> None:
    with pytest.raises(Unusable, match="edit 1 searches for nothing"):
        changed(edit("\n", "int a;\n"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no edit"),
        ("int a;\n", "has no edit"),
        ("<<<<<<< SEARCH\nint a;\n", "edit 1 is not whole"),
        ("<<<<<<< SEARCH\nint a;\n=======\nint b;\n", "edit 1 is not whole"),
        ("<<<<<<< SEARCH\nint a;\n>>>>>>> REPLACE\n", "edit 1 is not whole"),
        (edit("a\n", "b\n") + "<<<<<<< SEARCH\n", "edit 2 is not whole"),
    ],
)
def test_a_damaged_edit_is_told_with_the_form(text: str, reason: str) -> None:
    with pytest.raises(Unusable, match=reason) as caught:
        edits.parsed(text)
    assert edits.parsed(str(caught.value).partition("form:\n")[2])


def test_the_hunks_of_a_diff_are_edits() -> None:
    diff = """--- a/sum.c
+++ b/sum.c
@@ -4,3 +4,2 @@ static int sum(int n) {
 \tint total = 0;
-\tfor (int i = 0; i < n; i++)
-\t\ttotal += i;
+\ttotal = n * (n - 1) / 2;
@@ -99,2 +98,2 @@
 \tprintf("%d\\n", sum(10));
-\treturn 0;
+\treturn 1;
\\ No newline at end of file
"""
    assert edits.is_diff(diff)
    assert edits.applied(edits.hunks(diff), TEXT) == TEXT.replace(
        "\tfor (int i = 0; i < n; i++)\n\t\ttotal += i;\n", "\ttotal = n * (n - 1) / 2;\n"
    ).replace("return 0", "return 1")


def test_a_diff_without_hunks_is_told() -> None:
    with pytest.raises(Unusable, match="no hunk"):
        edits.hunks("--- a\n+++ b\n")


def test_a_file_without_a_last_newline_gets_one() -> None:
    assert edits.applied([Edit(("a",), ("b",))], "a") == "b\n"


def test_hostile_edits_end_soon() -> None:
    text = "x;\n" * 20_000
    with pytest.raises(Unusable, match="too many"):
        edits.applied(edits.parsed(edit("x;\n", "y;\n") * 40_000), text)
    with pytest.raises(Unusable, match="there 1"):
        edits.applied([Edit(("x;",) * 10_000, ())], text)
    with pytest.raises(Unusable, match="not in the file"):
        edits.applied([Edit(("y" * 2_000_000,), ())], text)
