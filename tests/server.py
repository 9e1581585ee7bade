"""A chat completions server that behaves as a test tells it to: well, badly, or not at all."""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


@dataclass
class Exchange:
    """A request as it came in, and the ways to answer it."""

    handler: BaseHTTPRequestHandler
    body: Body
    headers: Mapping[str, str]
    over: threading.Event  # the test is over: who hangs may go

    def send(self, data: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        self.head(status, **{"Content-Type": kind, "Content-Length": str(len(data))}, **headers)
        self.handler.wfile.write(data)

    def head(self, status: int, **headers: str) -> None:
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()

    def reset(self) -> None:
        """Break the connection off, as a machine does that goes down."""
        connection = self.handler.connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.handler.wfile.flush()
        connection.close()
        self.handler.close_connection = True


Behaviour = Callable[[Exchange], None]


@dataclass
class Server:
    """Answers the first request with the first behaviour, and so on; the last one answers all that follow."""

    url: str
    behaviours: Sequence[Behaviour] = ()
    requests: list[Exchange] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def bodies(self) -> list[Body]:
        return [request.body for request in self.requests]

    def answer(self, exchange: Exchange) -> None:
        with self.lock:
            number = len(self.requests)
            self.requests.append(exchange)
        self.behaviours[min(number, len(self.behaviours) - 1)](exchange)


class _Listener(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may go when it has heard enough; what else goes wrong is to be seen."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(*behaviours: Behaviour) -> Iterator[Server]:
    """A server on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.answer(
                Exchange(self, body, {name.lower(): value for name, value in self.headers.items()}, server.over)
            )

        def log_message(self, format: str, *args: object) -> None:
            pass

        def finish(self) -> None:
            if self.connection.fileno() >= 0:
                super().finish()

    listener = _Listener(("127.0.0.1", 0), Handler)
    server = Server(f"http://127.0.0.1:{listener.server_port}/v1", behaviours)
    thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        listener.shutdown()
        thread.join()
        listener.server_close()


def completion(message: Body, usage: Body | None = None, finish: str = "stop") -> Body:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {"id": "1", "object": "chat.completion", "choices": [choice]} | ({"usage": usage} if usage else {})


def tokens(prompt: int = 10, completion: int = 5) -> Body:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def replies(
    content: str | None = "hello", *, usage: Body | None = None, calls: Sequence[Body] = (), finish: str = "stop"
) -> Behaviour:
    """A good reply, streamed in parts when that is asked for."""
    message: Body = {"content": content} | ({"tool_calls": list(calls)} if calls else {})

    def behave(exchange: Exchange) -> None:
        if not exchange.body.get("stream"):
            exchange.send(json.dumps(completion(message, usage, finish)).encode())
            return
        text = content or ""
        step = max(1, len(text) // 7)
        deltas = [{"content": text[at : at + step]} for at in range(0, len(text), step)]
        deltas += [part for index, call in enumerate(calls) for part in call_parts(index, call)]
        asked = exchange.body.get("stream_options", {}).get("include_usage")
        events = [event(delta) for delta in deltas] + [event({}, finish)]
        exchange.send(stream(*events, *([{"choices": [], "usage": usage}] if usage and asked else [])), kind=EVENTS)

    return behave


EVENTS = "text/event-stream"


def event(delta: Body, finish: str | None = None) -> Body:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def call_parts(index: int, call: Body) -> list[Body]:
    """A tool call as servers stream it: its name, then its arguments a few characters at a time."""
    function = call["function"]
    arguments = function["arguments"]
    first = call | {"index": index, "function": {"name": function["name"], "arguments": ""}}
    rest = [{"index": index, "function": {"arguments": arguments[at : at + 4]}} for at in range(0, len(arguments), 4)]
    return [{"tool_calls": [part]} for part in (first, *rest)]


def stream(*events: Body, done: bool = True) -> bytes:
    return b"".join(b"data: %s\n\n" % json.dumps(each).encode() for each in events) + b"data: [DONE]\n\n" * done


def tool_call(name: str, arguments: str, identifier: str) -> Body:
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def fails(status: int, message: str = "on purpose", **headers: str) -> Behaviour:
    """An error status; a client that tries again need not wait long for it."""
    headers.setdefault("retry_after_ms", "1")
    return lambda exchange: exchange.send(json.dumps({"error": {"message": message}}).encode(), status, **headers)


def refuses(part: str, message: str = "", status: int = 400, otherwise: Behaviour | None = None) -> Behaviour:
    """An error for requests that have this part; a good reply to others."""

    def behave(exchange: Exchange) -> None:
        refused = part in exchange.body
        (fails(status, message or f"unknown field {part}") if refused else otherwise or replies())(exchange)

    return behave


def resets(exchange: Exchange) -> None:
    """Before any answer."""
    exchange.reset()


def resets_after(*events: Body) -> Behaviour:
    """In mid-stream."""

    def behave(exchange: Exchange) -> None:
        exchange.head(200, Content_Type=EVENTS, Content_Length="100000")
        exchange.handler.wfile.write(stream(*events, done=False))
        exchange.reset()

    return behave


def hangs(*events: Body) -> Behaviour:
    """Says nothing, or nothing more."""

    def behave(exchange: Exchange) -> None:
        if events:
            exchange.head(200, Content_Type=EVENTS, Content_Length="100000")
            exchange.handler.wfile.write(stream(*events, done=False))
        exchange.over.wait(20)
        exchange.handler.close_connection = True

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One after the other."""
    left = iter(behaviours)

    def behave(exchange: Exchange) -> None:
        next(left)(exchange)

    return behave


def says(data: bytes, kind: str = "application/json") -> Behaviour:
    """These bytes, as if all were well."""
    return lambda exchange: exchange.send(data, kind=kind)
