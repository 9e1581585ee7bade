"""Messages survive the way through a pipe, and anything else is refused."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcoop.ir import CodeGen, Remark, Tuning, codec
from llmcoop.ir.jobs import Built, PassRequest
from llmcoop.values import FunctionRecipe


@dataclass(frozen=True, slots=True)
class Everything:
    text: str
    number: int
    share: float
    flag: bool
    data: bytes
    many: tuple[bytes, ...]
    pair: tuple[str, float]
    nested: tuple[Remark, ...]


REMARK = Remark("passed", "licm", "Hoisted", "f", "a.c", 3, "hoisted ✓")


@given(
    st.builds(
        Everything,
        text=st.text(),
        number=st.integers(),
        share=st.floats(allow_nan=False),
        flag=st.booleans(),
        data=st.binary(),
        many=st.lists(st.binary()).map(tuple),
        pair=st.tuples(st.text(), st.floats(allow_nan=False)),
        nested=st.sampled_from([(), (REMARK,), (REMARK, REMARK)]),
    )
)
def test_round_trip(value: Everything) -> None:
    assert codec.decode(Everything, codec.encode(value)) == value


def test_requests_and_results_round_trip() -> None:
    request = PassRequest(
        Tuning(options=("-a",)),
        CodeGen(cpu="znver4"),
        profile=b"\0\1",
        hints=(FunctionRecipe("f", (("unroll.count", "2"),)),),
    )
    assert codec.decode(PassRequest, codec.encode(request)) == request
    built = Built(b"\x7fELF", b"", (REMARK,), ())
    assert codec.decode(Built, codec.encode(built)) == built


VALID = codec.encode(REMARK)


def message(body: object, blobs: object = ()) -> bytes:
    header = json.dumps({"body": body, "blobs": blobs}).encode()
    return struct.pack("<I", len(header)) + header


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        VALID[:-1],
        struct.pack("<I", 0xFFFFFFFF) + VALID[4:],
        struct.pack("<I", 4) + b"null",
        struct.pack("<I", 4) + b"\xff\xfe\0\0",
        struct.pack("<I", 100_000) + b"[" * 100_000,
        message({}),
        message([1, 2, 3]),
        message({"kind": "passed"}),
        message({}, [-1]),
        message({}, [1 << 40]),
        message({}, ["x"]),
        message({**json.loads(VALID[4:])["body"], "line": "3"}),
        message({**json.loads(VALID[4:])["body"], "line": True}),
        message({**json.loads(VALID[4:])["body"], "more": 1}),
    ],
)
def test_damaged_messages_are_refused(damaged: bytes) -> None:
    with pytest.raises(codec.MalformedMessage):
        codec.decode(Remark, damaged)


def test_a_blob_that_is_not_there_is_refused() -> None:
    body = json.loads(codec.encode(replace(Built(b"", b"", (), ())))[4:].decode())["body"]
    with pytest.raises(codec.MalformedMessage):
        codec.decode(Built, message({**body, "object": 7}))
