"""Replies are read tolerantly: the last right block counts, and what can't be read says what to send."""

from __future__ import annotations

import json

import pytest

from llmcoop.agents import reading
from llmcoop.agents.reading import Block, Unusable
from llmcoop.models import Tool

C = ("c",)


def test_the_last_block_of_the_right_kind_is_the_proposal() -> None:
    reply = "First an idea:\n```c\nint a;\n```\nBetter:\n```C\nint b;\n```\nIt prints\n```text\nb\n```\nDone."
    assert reading.last_block(reply, C) == "int b;\n"


def test_a_block_without_a_kind_will_do_where_there_is_none_with() -> None:
    assert reading.last_block("```\nint a;\n```\n```text\nno\n```", C) == "int a;\n"
    assert reading.last_block("```c\nint a;\n```\n```\nno\n```", C) == "int a;\n"


@pytest.mark.parametrize(
    "reply",
    [
        "~~~c\nint a;\n~~~",
        "~~~~ c\nint a;\n~~~~~",
        "  ```c\nint a;\n  ```",
        "```c file: parse.c\r\nint a;\r\n```\r\n",
        "```c\nint a;\n```   ",
    ],
)
def test_all_forms_of_fences_are_known(reply: str) -> None:
    assert reading.last_block(reply, C) == "int a;\n"


@pytest.mark.parametrize(
    "text",
    [
        "/* usage:\n```sh\nrun\n```\n*/\nint a;\n",
        "/*\n~~~\nart\n~~~\n*/\n",
        "int a;\f\nint b;\v\n",
        'char *s = "\u2028\x85";\n',
        "\n\nint a;\n\n",
    ],
)
def test_the_text_in_a_longer_fence_is_taken_as_it_is(text: str) -> None:
    assert reading.last_block(f"Here:\n````c\n{text}````\n", C) == text


def test_code_within_a_line_opens_no_block() -> None:
    assert reading.blocks("```int a;``` is what I mean, not ``` or\n```c```\n") == []


def test_what_follows_the_fence_is_kept() -> None:
    assert reading.blocks("```edit file: a.c\nx\n```") == [Block("edit file: a.c", "x\n", True)]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "no fenced block ```c"),
        ("I would use a hash table.", "no fenced block ```c"),
        ("```python\nprint()\n```", "no fenced block ```c"),
        ("```c\n\n```", "no fenced block ```c"),
        ("```c\nint main(void) {", "not closed"),
        ("An example:\n```c\nint a;\n```\nThe file:\n```c\nint main(void) {", "not closed"),
    ],
)
def test_what_is_no_proposal_is_told(reply: str, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        reading.last_block(reply, C)


def test_a_stop_must_be_the_last_block() -> None:
    assert reading.stops("Nothing is left.\n```stop\nit is bound by memory\n```")
    assert reading.stops("```c\nint a;\n```\n```STOP\n```\n")
    assert not reading.stops("```stop\n```\n```c\nint a;\n```")
    assert not reading.stops("stop")


@pytest.mark.parametrize(
    "reply",
    ["`" * 2_000_000, "```c\n" + "x" * 2_000_000, "```" + " " * 2_000_000 + "`", "```c\nx\n```\n" * 150_000],
    ids=["fence", "line", "spaces", "blocks"],
)
def test_two_megabytes_are_read_at_once(reply: str) -> None:
    assert len(reading.blocks(reply)) in (0, 1, 150_000)


def test_calls_are_read_from_text() -> None:
    reply = 'Let me see.\n```tool\n{"name": "mca", "arguments": {"asm": "nop\\n"}}\n```\n```tool\n{"name": "list"}\n```'
    first, second = reading.tool_calls(reply)
    assert (first.name, json.loads(first.arguments)) == ("mca", {"asm": "nop\n"})
    assert (second.name, json.loads(second.arguments)) == ("list", {})
    assert first.id != second.id


@pytest.mark.parametrize("written", ["mca()", "[1, 2]", '"mca"', "{}", "null", "[" * 100_000, '{"name": "mca"'])
def test_a_call_that_is_no_json_object_is_one_of_an_unknown_tool(written: str) -> None:
    (call,) = reading.tool_calls(f"```tool\n{written}\n```")
    assert call.name == "?"


def test_tools_are_described_with_a_call_that_can_be_read() -> None:
    text = reading.described([Tool("mca", "Analyse.", {"type": "object", "properties": {}})])
    assert "mca: Analyse." in text
    (call,) = reading.tool_calls(text.replace("{…}", "{}"))
    assert call.name == "mca"
