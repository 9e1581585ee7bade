"""The type of the fixture that prepares programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from llmcoop.prepare import Prepared
from llmcoop.values import Expectation


class Prepare(Protocol):
    """Prepares C sources, given as text."""

    def __call__(
        self,
        *sources: str,
        args: Sequence[str] = (),
        variants: Sequence[Sequence[str]] = (),
        tests: Sequence[Expectation] = (),
        cflags: Sequence[str] = ("-O3",),
        ldflags: Sequence[str] = (),
        seconds: float = 20.0,
    ) -> Prepared: ...
