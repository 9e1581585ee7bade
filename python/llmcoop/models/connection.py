"""The connection to a server, over the openai client: each attempt is drawn from the ledger before it is sent."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import openai

from llmcoop.errors import UsageError
from llmcoop.models import Usage
from llmcoop.models.dialect import LIMITS
from llmcoop.models.draft import Draft
from llmcoop.models.faults import BrokenOffError, NoAnswerError, StatusError
from llmcoop.models.ledger import Ledger, Reservation
from llmcoop.models.prices import Price
from llmcoop.models.settings import OPENAI_URL, ModelSettings

_LEAST_TOKENS = 1024  # of a reply that is worth asking for
_CONNECT_S = 10.0
_BODY_BYTES = 16 << 20  # of a reply that comes whole, with its JSON
_WORDS = 400  # characters of what a server says about an error
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


class Connection:
    """Sends bodies to the chat completions of one server; any thread may."""

    def __init__(self, settings: ModelSettings, ledger: Ledger, price: Price) -> None:
        """Raises UsageError when the environment's proxies or the address can't be used."""
        self._settings = settings
        try:
            self._client = openai.OpenAI(
                api_key=settings.key or "none",  # the client insists on one
                base_url=settings.base_url or OPENAI_URL,
                max_retries=settings.retries,
                timeout=httpx2.Timeout(settings.timeout_s, connect=min(settings.timeout_s, _CONNECT_S)),
                http_client=_Metered(ledger, price),
            )
        except (httpx2.InvalidURL, ValueError, ImportError) as error:
            words = settings.redacted(str(error))
            raise UsageError(f"can't connect to {settings.address}: {words}", "check the URL and proxies") from None

    def send(self, body: Mapping[str, object]) -> Answer:
        """The answer, still to be read. Raises StatusError, NoAnswerError and BudgetSpent."""
        try:
            response = self._client.post(
                "/chat/completions", body=body, cast_to=httpx2.Response, stream=True, stream_cls=openai.Stream[object]
            )
        except openai.APIStatusError as error:
            wait = error.response.headers.get("retry-after", "")
            raise StatusError(error.status_code, self._words(error.body), _attempts(error.request), wait) from None
        except openai.APITimeoutError as error:
            waited = f"no answer within {self._settings.timeout_s:g} s"
            raise NoAnswerError(waited, _attempts(error.request)) from None
        except openai.APIConnectionError as error:
            raise NoAnswerError(self._words(str(error.__cause__ or error)), _attempts(error.request)) from None
        except httpx2.RequestError as error:  # while the body of an error was read
            raise NoAnswerError(self._words(str(error)), 1) from None
        assert isinstance(response, httpx2.Response)
        return Answer(self._client, response, asked_to_stream=bool(body.get("stream")))

    def _words(self, body: object) -> str:
        """What a server says about an error, in one short line."""
        said = body
        for key in ("error", "message", "detail"):
            said = said.get(key, said) if isinstance(said, dict) else said
        line = " ".join(self._settings.redacted(str(said or "no reason given")).split())
        return line if len(line) <= _WORDS else f"{line[:_WORDS]}…"


class Answer:
    """A successful response whose body is read into a draft."""

    def __init__(self, client: openai.OpenAI, response: httpx2.Response, *, asked_to_stream: bool) -> None:
        self._client = client
        self._response = response
        self._attempt: _Attempt = response.extensions[_Attempt.__name__]
        kind = response.headers.get("content-type", "")
        self._streams = asked_to_stream and "json" not in kind and "html" not in kind

    def read(self) -> tuple[Draft, Usage]:
        """All of it up to its limit, and what it took. Raises BrokenOffError."""
        draft = Draft()
        with contextlib.ExitStack() as stack:
            stack.callback(self._response.close)
            stack.callback(lambda: self._attempt.settle(draft))
            for event in self._events():
                draft.add(event)
                if draft.full:
                    break
            if not (draft.full or draft.ending):
                raise BrokenOffError("the answer ended before the reply did")
        return draft, self._attempt.used(draft)

    def _events(self) -> Iterator[object]:
        try:
            if self._streams:
                yield from openai.Stream(cast_to=object, response=self._response, client=self._client)
            else:
                yield json.loads(self._whole())
        except openai.APITimeoutError:
            raise BrokenOffError("the answer stopped in the middle") from None
        except (openai.APIError, httpx2.RequestError) as error:
            raise BrokenOffError(f"the answer broke off: {error.__cause__ or error}") from None
        except (ValueError, RecursionError):
            kind = self._response.headers.get("content-type", "nothing that is named")
            raise BrokenOffError(f"the answer is no chat completion but {kind}") from None

    def _whole(self) -> bytes:
        data = bytearray()
        for part in self._response.iter_bytes():
            data += part
            if len(data) > _BODY_BYTES:
                raise BrokenOffError(f"the answer has more than {_BODY_BYTES >> 20} MiB")
        return bytes(data)


class _Attempt:
    """One request that was sent, with what is set aside for it."""

    def __init__(self, reservation: Reservation, price: Price, *, streams: bool) -> None:
        self.reservation = reservation
        self._price = price
        self._streams = streams

    def used(self, draft: Draft) -> Usage:
        """What it took as the server says; where that is not known, a token for each byte, as none is shorter."""
        most = self.reservation.amount
        prompt, completion = draft.usage or (most.prompt_tokens, min(draft.size, most.completion_tokens))
        return self._price.usage(prompt, completion)

    def settle(self, draft: Draft) -> None:
        self.reservation.settle(self.used(draft))

    def give_up(self) -> None:
        """Nothing was received. A server that does not stream may have written, and billed, all of the reply."""
        self.reservation.settle(self.used(Draft()) if self._streams else self.reservation.amount)


class _Metered(openai.DefaultHttpxClient):
    """The HTTP client under openai's: it sees each attempt, also those that are retries of openai's own."""

    def __init__(self, ledger: Ledger, price: Price) -> None:
        super().__init__()
        self._ledger = ledger
        self._price = price

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Raises BudgetSpent before anything is sent, which openai's client passes on as it is."""
        request, attempt = self._drawn(request)
        with contextlib.ExitStack() as stack:
            stack.callback(attempt.give_up)
            try:
                response = super().send(request, **options)
            except _NOT_SENT:
                attempt.reservation.cancel()
                raise
            if response.is_success:
                response.extensions[_Attempt.__name__] = attempt
                stack.pop_all()
            else:
                attempt.reservation.cancel()
        return response

    def _drawn(self, request: httpx2.Request) -> tuple[httpx2.Request, _Attempt]:
        """The request, with a smaller limit of tokens where the budget has no room for more, and what it may take."""
        body = json.loads(request.content)
        limit = next(name for name in LIMITS if name in body)
        prompt_tokens = len(request.content)  # no tokenizer makes more tokens than bytes
        reservation = self._ledger.reserve(*(self._price.usage(prompt_tokens, most) for most in _limits(body[limit])))
        attempt = _Attempt(reservation, self._price, streams=bool(body.get("stream")))
        if reservation.amount.completion_tokens == body[limit]:
            return request, attempt
        body[limit] = reservation.amount.completion_tokens
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = httpx2.Headers([(name, value) for name, value in request.headers.items() if name != "content-length"])
        smaller = httpx2.Request(
            request.method, request.url, headers=headers, content=content, extensions=request.extensions
        )
        return smaller, attempt


def _limits(most: int) -> Iterator[int]:
    """The limits of tokens to try: from `most` down by halves, as long as a reply is worth it."""
    yield most
    while most > _LEAST_TOKENS:
        most = max(most // 2, _LEAST_TOKENS)
        yield most


def _attempts(request: httpx2.Request) -> int:
    """How many were made, from the header in which openai's client counts its retries."""
    return int(request.headers.get("x-stainless-retry-count", 0)) + 1
