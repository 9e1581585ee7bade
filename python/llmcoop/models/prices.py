"""What tokens cost, by patterns of model names that a user can edit."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from llmcoop.errors import UsageError
from llmcoop.includes import read_bytes
from llmcoop.models import Usage
from llmcoop.models.settings import ModelSettings
from llmcoop.table import Table
from llmcoop.values import Budget

_OURS = Path(__file__).with_name("prices.toml")
_KEYS = {"": ("price",), "[[price]]": ("models", "prompt", "completion")}
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens."""

    prompt: float = 0.0
    completion: float = 0.0

    def usage(self, prompt_tokens: int, completion_tokens: int) -> Usage:
        """What one call with so many tokens takes."""
        usd = (prompt_tokens * self.prompt + completion_tokens * self.completion) / _MILLION
        return Usage(1, prompt_tokens, completion_tokens, usd)


def price_for(settings: ModelSettings, budget: Budget, environment: Mapping[str, str] = os.environ) -> Price:
    """The price of a model: the user's own, nothing on this machine, ours, or nothing where nobody counts money.

    Raises UsageError when money is limited and the price is not known, or a file can't be read.
    """
    own = settings.prices or _config_file(environment)
    price = _listed(own, settings.name) if settings.prices or own.is_file() else None
    if price is None and settings.is_loopback:
        return Price()
    price = price or _listed(_OURS, settings.name)
    if price is None and budget.usd is not None:
        entry = (
            f'[[price]]\nmodels = ["{settings.name}"]\nprompt = 0.00      # USD per million tokens\ncompletion = 0.00'
        )
        raise UsageError(
            f"usd is limited, but the price of model '{settings.name}' is not known", f"add to {own}:\n{entry}"
        )
    return price or Price()


def _config_file(environment: Mapping[str, str]) -> Path:
    folder = environment.get("XDG_CONFIG_HOME")
    return (Path(folder) if folder else Path.home() / ".config") / "llmcoop" / "prices.toml"


def _listed(file: Path, name: str) -> Price | None:
    return next((price for pattern, price in _entries(file) if fnmatchcase(name, pattern)), None)


def _entries(file: Path) -> Iterator[tuple[str, Price]]:
    try:
        document = tomllib.loads(read_bytes(file, "prices").decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}", "docs/models.md describes the file") from error
    for table in Table(file, _KEYS, "", document).tables("price", "[[price]]"):
        price = Price(_amount(table, "prompt"), _amount(table, "completion"))
        for pattern in table.strings("models"):
            yield pattern, price


def _amount(table: Table, key: str) -> float:
    amount = table.number(key)
    if amount is None or not 0 <= amount < float("inf"):
        raise table.error(key, "USD per million tokens")
    return float(amount)
