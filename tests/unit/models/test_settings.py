"""Which model is asked, and what it costs, by settings, environment and price files."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcoop.errors import UsageError
from llmcoop.model_choice import ModelChoice
from llmcoop.models.ledger import Ledger
from llmcoop.models.prices import Price, price_for
from llmcoop.models.settings import ModelSettings
from llmcoop.values import Budget

LIMITED = Budget(usd=1.0)
REMOTE = "https://gateway.example/v1"


def test_the_environment_names_key_and_server() -> None:
    environment = {"OPENAI_API_KEY": " sk-abcdef\n", "OPENAI_BASE_URL": REMOTE}
    assert ModelSettings.from_environment("m", environment=environment) == ModelSettings("m", REMOTE, "sk-abcdef")
    assert ModelSettings.from_environment("m", "http://localhost:1/v1", environment).base_url == "http://localhost:1/v1"


def test_a_key_or_a_server_is_needed() -> None:
    with pytest.raises(UsageError, match="set OPENAI_API_KEY, or OPENAI_BASE_URL"):
        ModelSettings.from_environment("m", environment={})
    assert ModelSettings.from_environment("m", environment={"OPENAI_BASE_URL": REMOTE}).key == ""
    assert ModelSettings.from_environment("m", environment={"OPENAI_API_KEY": "sk-abcdef"}).is_openai


def test_a_choice_goes_over_the_defaults(tmp_path: Path) -> None:
    choice = ModelChoice("m", REMOTE, temperature=0.0, timeout=7.0, retries=0, tools=False, prices=tmp_path)
    chosen = ModelSettings.of(choice, {})
    assert chosen == ModelSettings("m", REMOTE, temperature=0.0, timeout_s=7.0, retries=0, tools=False, prices=tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"base_url": "localhost:8080"},
        {"base_url": "ftp://host/v1"},
        {"base_url": "http://host:port/v1"},
        {"base_url": "http://[::1/v1"},
        {"key": "sk-\nabc"},
        {"key": "schlüssel"},
        {"timeout_s": 0.0},
        {"concurrency": 0},
        {"max_tokens": 0},
        {"retries": -1},
    ],
)
def test_what_can_not_be_used_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        ModelSettings(**({"name": "m"} | changes))  # type: ignore[arg-type]


def test_secrets_are_not_shown() -> None:
    settings = ModelSettings("m", "https://user:password@gateway.example:8443/v1?token=abc", "sk-0123456")
    assert settings.address == "https://gateway.example:8443/v1"
    assert "sk-0123456" not in repr(settings)
    assert settings.redacted("a sk-0123456 b") == "a [key] b"
    assert ModelSettings("m", key="m").redacted("main") == "main", "a placeholder is no secret"


@pytest.mark.parametrize(
    ("url", "here"),
    [("http://localhost:1", True), ("http://127.0.0.2/v1", True), ("http://[::1]:8080/v1", True), (REMOTE, False)],
)
def test_a_server_on_this_machine_is_free(url: str, here: bool, tmp_path: Path) -> None:
    settings, environment = ModelSettings("gpt-4o", url), {"XDG_CONFIG_HOME": str(tmp_path)}
    assert (price_for(settings, LIMITED, environment) == Price()) == here


def test_the_prices_of_well_known_models_are_known(tmp_path: Path) -> None:
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    for name in ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"):
        assert price_for(ModelSettings(name), LIMITED, environment) == Price(0.15, 0.60)
    with pytest.raises(UsageError):
        price_for(ModelSettings("gpt-5-pro"), LIMITED, environment)


def test_a_users_prices_go_over_ours(tmp_path: Path) -> None:
    own = tmp_path / "llmcoop" / "prices.toml"
    own.parent.mkdir()
    own.write_text('[[price]]\nmodels = ["gpt-4o", "local*"]\nprompt = 1\ncompletion = 2.5\n')
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    for settings in (ModelSettings("gpt-4o"), ModelSettings("local-7b", "http://localhost:1/v1")):
        assert price_for(settings, LIMITED, environment) == Price(1, 2.5)
    other = tmp_path / "other.toml"
    other.write_text('[[price]]\nmodels = ["gpt-4o"]\nprompt = 7\ncompletion = 7\n')
    assert price_for(ModelSettings("gpt-4o", prices=other), LIMITED, environment) == Price(7, 7)
    assert price_for(ModelSettings("gpt-4.1", prices=other), LIMITED, environment) == Price(2, 8)


def test_an_unknown_price_is_asked_for_when_money_is_limited(tmp_path: Path) -> None:
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    settings = ModelSettings("mystery", REMOTE)
    assert price_for(settings, Budget(), environment) == Price()
    with pytest.raises(UsageError) as caught:
        price_for(settings, LIMITED, environment)
    assert str(tmp_path / "llmcoop" / "prices.toml") in caught.value.hint
    (tmp_path / "llmcoop").mkdir()
    (tmp_path / "llmcoop" / "prices.toml").write_text(caught.value.hint.partition("\n")[2])
    assert price_for(settings, LIMITED, environment) == Price(), "the lines of the message can be taken as they are"


@pytest.mark.parametrize(
    "text",
    [
        "[[price]\n",
        '[[price]]\nmodels = ["m"]\nprompt = 1\n',
        '[[price]]\nmodels = ["m"]\nprompt = -1\ncompletion = 1\n',
        '[[price]]\nmodels = "m"\nprompt = 1\ncompletion = 1\n',
        '[[price]]\nmodel = ["m"]\nprompt = 1\ncompletion = 1\n',
    ],
)
def test_a_broken_price_file_is_named(text: str, tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=str(file)):
        price_for(ModelSettings("m", prices=file), Budget())


def test_money_without_a_price_is_refused_before_any_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from llmcoop.models.client import OpenAIModel  # noqa: PLC0415

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(UsageError, match="price of model 'mystery'"):
        OpenAIModel(ModelSettings("mystery", REMOTE), Ledger(LIMITED))
