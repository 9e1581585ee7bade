"""What a worker and its server say to each other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """One job with its limits."""

    kind: str  # a key of `jobs.KINDS`
    job: bytes  # the encoded job
    wall_s: float
    cpu_s: float
    memory_bytes: int  # of address space; 0: no limit
    file_bytes: int
    stack_bytes: int


@dataclass(frozen=True, slots=True)
class Reply:
    """How a job ended."""

    outcome: str  # ready (to the first request), done, invalid, crashed, timed out, out of memory
    result: bytes = b""  # the encoded result, when done
    detail: str = ""  # the message, or what passes printed last
    line: int = 0  # when invalid: where
    column: int = 0
    signal: int = 0  # when crashed: by which signal
    pass_name: str = ""
    function: str = ""
