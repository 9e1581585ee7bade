"""Which model is asked, where, and how."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from llmcoop.errors import UsageError
from llmcoop.model_choice import ModelChoice

OPENAI_URL = "https://api.openai.com/v1"
_SHORTEST_SECRET = 6  # characters; what is shorter is a placeholder, and may be a word of a reply


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What the client needs to know. Raises UsageError when something can't be used."""

    name: str  # what the server calls the model
    base_url: str = ""  # of an OpenAI-compatible server; empty: OpenAI's own
    key: str = field(default="", repr=False)  # empty: the server asks for none
    timeout_s: float = 300.0  # without a sign of life from the server; for each part of a streamed reply
    concurrency: int = 4  # calls at the same time
    temperature: float | None = None  # None: the server's own
    max_tokens: int = 16_000  # of one reply
    retries: int = 4  # of an attempt that the server or the network failed
    tools: bool = True  # False: the model is told of tools in its prompt
    stream: bool = True
    prices: Path | None = None  # a file that goes over the default prices

    def __post_init__(self) -> None:
        if not self.name:
            raise UsageError("the model has no name", "say which with --model NAME")
        for name, least in (("concurrency", 1), ("max_tokens", 1), ("retries", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} of the model must be at least {least}", "docs/models.md describes it")
        if not 0 < self.timeout_s < float("inf"):
            raise UsageError(f"timeout of the model must be over 0 seconds, not {self.timeout_s}", "300 is the default")
        if not (self.key.isascii() and self.key.isprintable()):
            raise UsageError("OPENAI_API_KEY has characters that no key has", "set it again, without line breaks")
        self._split()

    @staticmethod
    def from_environment(name: str, base_url: str = "", environment: Mapping[str, str] = os.environ) -> ModelSettings:
        """Defaults for model `name`, with OPENAI_API_KEY, and OPENAI_BASE_URL where no `base_url` is given.

        Raises UsageError when there is neither a key nor a server that may do without one.
        """
        url, key = base_url or environment.get("OPENAI_BASE_URL", ""), environment.get("OPENAI_API_KEY", "").strip()
        if not (url or key):
            hint = "set OPENAI_API_KEY, or OPENAI_BASE_URL to a server of your own; --model none does without"
            raise UsageError(f"no key and no server for model '{name}'", hint)
        return ModelSettings(name, url, key)

    @staticmethod
    def of(choice: ModelChoice, environment: Mapping[str, str] = os.environ) -> ModelSettings:
        """What [model] and the environment say. Raises UsageError as `from_environment` does."""
        known = ModelSettings.from_environment(choice.name, choice.base_url, environment)
        names = {entry.name for entry in fields(ModelSettings)} & {entry.name for entry in fields(ModelChoice)}
        chosen = {name: getattr(choice, name) for name in names - {"name", "base_url"}} | {"timeout_s": choice.timeout}
        return replace(known, **{name: value for name, value in chosen.items() if value is not None})

    @property
    def address(self) -> str:
        """Of the server, as messages show it: what may be a secret in it is left out."""
        parts = self._split()
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @property
    def is_openai(self) -> bool:
        return self._split().hostname == urlsplit(OPENAI_URL).hostname

    @property
    def is_loopback(self) -> bool:
        """Whether the server runs on this machine."""
        host = self._split().hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def redacted(self, text: str) -> str:
        """`text` without the key."""
        return text.replace(self.key, "[key]") if len(self.key) >= _SHORTEST_SECRET else text

    def _split(self) -> SplitResult:
        try:
            parts = urlsplit(self.base_url or OPENAI_URL)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid, parts = False, urlsplit("")
        if not valid:
            raise UsageError("the base URL of the model is not one", "it looks like http://localhost:8080/v1")
        return parts
