"""What one call of a function under test is given: arguments and the memory behind them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from llmcoop.functions import layout


@dataclass(frozen=True, slots=True)
class Link:
    """A pointer in memory, or as an argument: to `delta` bytes from the origin of a region; null without one."""

    offset: int  # where it lies, from the origin of its own region; 0 for an argument
    region: int  # -1: null
    delta: int = 0


@dataclass(frozen=True)  # no slots: it remembers where it lies
class Region:
    """Memory from `low` (at most 0) to `low + len(contents)` around an origin, with guard pages on both sides."""

    path: tuple[str, ...]  # how the function gets there: parameter or global, then offsets of pointers
    low: int
    contents: bytes
    align: int = 16  # of the origin, in bytes
    at_end: bool = True  # the guard page behind follows directly; else the one before
    writable: bool = True
    links: tuple[Link, ...] = ()

    @cached_property
    def high(self) -> int:
        """The offset of its end."""
        return self.low + len(self.contents)

    @cached_property
    def shift(self) -> int:
        """Where its origin lies, from the middle of its zone."""
        shift = -self.high % layout.PAGE if self.at_end else -self.low
        return shift - shift % self.align if self.at_end else shift + -shift % self.align

    @cached_property
    def pages(self) -> tuple[int, int]:
        """First page and end of the last one, as bytes from the middle of its zone."""
        first = self.shift + self.low
        last = self.shift + self.high
        return first - first % layout.PAGE, last + -last % layout.PAGE


@dataclass(frozen=True, slots=True)
class Input:
    """Arguments as bytes of their types; those that are pointers as links. Region i lies in zone i."""

    scalars: tuple[bytes, ...]  # empty for pointers
    pointers: tuple[tuple[int, Link], ...]  # by number of the argument
    regions: tuple[Region, ...]

    def address(self, link: Link) -> int:
        """The pointer itself."""
        if link.region < 0:
            return 0
        return layout.middle(link.region) + self.regions[link.region].shift + link.delta

    def image(self, number: int) -> bytes:
        """The contents of a region with its pointers in place."""
        region = self.regions[number]
        if not region.links:
            return region.contents
        image = bytearray(region.contents)
        for link in region.links:
            start = link.offset - region.low
            if 0 <= start <= len(image) - 8:
                image[start : start + 8] = self.address(link).to_bytes(8, "little")
        return bytes(image)

    def with_region(self, number: int, region: Region) -> Input:
        """The same with another region."""
        return replace(self, regions=(*self.regions[:number], region, *self.regions[number + 1 :]))


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a function did with an input."""

    ending: str  # "returned", or what stopped it
    result: bytes = b""  # the slots of the result
    memory: tuple[bytes, ...] = ()  # all pages of each region, afterwards
    cpu_s: float = 0.0

    @property
    def returned(self) -> bool:
        return self.ending == RETURNED


RETURNED = "returns"
