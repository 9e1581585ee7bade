"""A scripted model says what it was told to, to each agent by itself."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from llmcoop.errors import UsageError
from llmcoop.models import Message, RecordingEnded, Request, Role, ToolCall, Turn
from llmcoop.models.scripted import ScriptedModel


def ask(model: ScriptedModel, agent: str = "source", text: str = "go") -> str:
    return model.complete(Request(Turn(agent, 1, 0, 1), (Message(Role.USER, text),))).message.content


def test_each_agent_gets_its_replies_in_order() -> None:
    model = ScriptedModel({"source": ["one", "two"], "guide": ["stop"]})
    assert [ask(model), ask(model, "guide"), ask(model)] == ["one", "stop", "two"]


@pytest.mark.parametrize("agent", ["source", "asm"])
def test_a_script_ends(agent: str) -> None:
    model = ScriptedModel({"source": ["one"]}, "demo")
    ask(model)
    with pytest.raises(RecordingEnded, match=f"the script of demo has . replies for the agent '{agent}'"):
        ask(model, agent)


def test_the_last_reply_can_be_repeated() -> None:
    model = ScriptedModel({"source": ["one", "two"], "guide": []}, repeat=True)
    assert [ask(model) for _ in range(4)] == ["one", "two", "two", "two"]
    with pytest.raises(RecordingEnded):
        ask(model, "guide")


def test_a_reply_may_call_tools() -> None:
    message = Message(Role.ASSISTANT, "", (ToolCall("1", "mca", "{}"),))
    model = ScriptedModel({"ir": [message]})
    assert model.complete(Request(Turn("ir", 1, 0, 1), ())).message == message
    assert model.calls_tools


def test_usage_grows_with_what_is_said() -> None:
    model = ScriptedModel({"source": ["x" * 400]}, repeat=True)
    few, many = (
        model.complete(Request(Turn("source", 1, 0, 1), (Message(Role.USER, "ä" * size),))).usage for size in (2, 2000)
    )
    assert (few.calls, few.prompt_tokens, few.completion_tokens, few.usd) == (1, 1, 100, 0)
    assert many.prompt_tokens == 1000


def test_many_threads_may_ask() -> None:
    model = ScriptedModel({"source": [str(number) for number in range(500)]})
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: ask(model), range(500)))
    assert sorted(said, key=int) == [str(number) for number in range(500)]


def test_a_script_can_be_a_folder(tmp_path: Path) -> None:
    for name, text in (("source-10", "ten"), ("source-9", "nine"), ("guide-01", "stop"), ("README", "about")):
        (tmp_path / f"{name}.md").write_text(text)
    model = ScriptedModel.load(tmp_path)
    assert [ask(model), ask(model), ask(model, "guide")] == ["nine", "ten", "stop"]
    assert (model.name, model.calls_tools) == (f"scripted:{tmp_path}", False)


def test_a_folder_without_replies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no replies in"):
        ScriptedModel.load(tmp_path)
    with pytest.raises(UsageError, match="can't read the replies"):
        ScriptedModel.load(tmp_path / "absent")
    (tmp_path / "source-01.md").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="can't read the replies"):
        ScriptedModel.load(tmp_path)
