"""What goes wrong between us and a server, and what a user can do about it."""

from __future__ import annotations

from dataclasses import dataclass

from llmcoop.models import ModelError, ModelRefused, ModelUnavailable
from llmcoop.models.settings import ModelSettings

_MAY_PASS = (408, 409, 429)  # as may all from 500 on
_ADVICE = {
    401: "set OPENAI_API_KEY to a key of this server",
    402: "the server wants to be paid first",
    403: "set OPENAI_API_KEY to a key that may use this model, or choose another one with --model",
    404: "check the name given with --model, and OPENAI_BASE_URL or base_url in [model]: most end in /v1",
    405: "check OPENAI_BASE_URL or base_url in [model]: most end in /v1",
    413: "the program is too long for this server",
}
_ADVICE_ELSE = (
    "check --model and the settings in [model]: max_tokens and temperature; stream and tools can be turned off"
)
_LATER = "when the server is well again, go on with --resume; a longer timeout or more retries can be set in [model]"


@dataclass(eq=False)
class StatusError(Exception):
    """The server answered with an error status, after as many attempts as are made for it."""

    status: int
    words: str  # the server's own, without the key
    attempts: int
    wait: str  # Retry-After as the server says it; empty where it does not


@dataclass(eq=False)
class NoAnswerError(Exception):
    """The server could not be reached, or did not answer, in so many attempts."""

    words: str
    attempts: int


class BrokenOffError(Exception):
    """An answer began, and is none: it broke off, or can't be read."""


def refusal(fault: StatusError, settings: ModelSettings) -> ModelError:
    """The error for an error status that nothing mends."""
    status, said = fault.status, f"HTTP {fault.status}: {fault.words}"
    if status in _MAY_PASS or status >= 500:
        wait = f"; it asks to wait {fault.wait} s" if fault.wait else ""
        return unavailable(f"{said}{wait}", fault.attempts, settings)
    return ModelRefused(
        f"{settings.address} refuses calls of {settings.name}: {said}", _ADVICE.get(status, _ADVICE_ELSE)
    )


def unavailable(words: str, attempts: int, settings: ModelSettings) -> ModelUnavailable:
    """The error for a server that does not answer as it should."""
    tried = "once" if attempts == 1 else f"{attempts} times"
    return ModelUnavailable(f"no reply of {settings.name} from {settings.address}, tried {tried}: {words}", _LATER)
