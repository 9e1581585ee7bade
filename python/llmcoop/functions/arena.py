"""The memory of a function under test: regions between pages that can't be touched, at fixed addresses."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

from llmcoop.errors import ToolchainError
from llmcoop.functions import layout
from llmcoop.functions.inputs import Input

CANARY = 0xA5  # what lies between a region and the border of its page

_NONE, _READ, _WRITE = 0, 1, 2
_PRIVATE, _ANONYMOUS, _NORESERVE, _AT = 0x02, 0x20, 0x4000, 0x100000
_DONTNEED = 4

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


@contextmanager
def reserved() -> Iterator[None]:
    """Hold the addresses of all zones and of the notes. Raises ToolchainError if the system does not give them."""
    taken: list[tuple[int, int]] = []
    try:
        for address, size, protection in (
            (layout.ARENA, layout.ZONES * layout.ZONE_BYTES, _NONE),
            (layout.NOTES, layout.NOTES_BYTES, _READ | _WRITE),
        ):
            if _libc.mmap(address, size, protection, _PRIVATE | _NORESERVE | _ANONYMOUS | _AT, -1, 0) != address:
                reason = os.strerror(ctypes.get_errno())
                raise ToolchainError(
                    f"no {size >> 30} GiB of addresses for the memory of functions under test: {reason}",
                    "a limit on address space (ulimit -v) is the usual cause: lift it",
                )
            taken.append((address, size))
        yield
    finally:
        for address, size in taken:
            _libc.munmap(address, size)


def fill(given: Input) -> None:
    """Bring every region into memory."""
    for number, region in enumerate(given.regions):
        first, stop = region.pages
        if first == stop:
            continue
        start = layout.middle(number) + first
        _libc.mprotect(start, stop - first, _READ | _WRITE)
        ctypes.memset(start, CANARY, stop - first)
        ctypes.memmove(layout.middle(number) + region.shift + region.low, given.image(number), len(region.contents))
        if not region.writable:
            _libc.mprotect(start, stop - first, _READ)


def contents(given: Input) -> tuple[bytes, ...]:
    """All pages of each region, as they are now."""
    return tuple(
        ctypes.string_at(layout.middle(number) + region.pages[0], region.pages[1] - region.pages[0])
        for number, region in enumerate(given.regions)
    )


def clear(given: Input) -> None:
    """Take every region away."""
    for number, region in enumerate(given.regions):
        first, stop = region.pages
        if first < stop:
            _libc.mprotect(layout.middle(number) + first, stop - first, _NONE)
            _libc.madvise(layout.middle(number) + first, stop - first, _DONTNEED)
