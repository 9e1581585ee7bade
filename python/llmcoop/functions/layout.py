"""Where the memory of a function under test lies, and where its instrumented version writes what it saw.

Addresses are fixed, so that they are the same in every process and pointers can be compared as they are.
Regions lie in the middle of zones that are far larger than any 32-bit index reaches: what goes past the end of
one hits no other, but a page that is not there.
"""

from __future__ import annotations

ARENA = 0x1000_0000_0000
ZONE_SHIFT = 36
ZONES = 64
ZONE_BYTES = 1 << ZONE_SHIFT
MIDDLE = ZONE_BYTES >> 1
PAGE = 4096

# The notes: counters of 8 bytes, then a byte for each basic block, then bytes of shadow for each zone.
NOTES = 0x0F00_0000_0000
UNDEFINED = NOTES  # bits: see Undefined
LOW = NOTES + 64  # for each zone: the first byte touched, from the middle
HIGH = LOW + 8 * ZONES  # one past the last
ALIGNMENT = HIGH + 8 * ZONES  # the largest that an access relied on
WRITTEN = ALIGNMENT + 8 * ZONES  # 1 if there was a store
BLOCKS = NOTES + 2 * PAGE
MAX_BLOCKS = 1 << 16
SHADOW_BYTES = 1 << 16  # of each zone, from its middle
KINDS = BLOCKS + MAX_BLOCKS
TAGS = KINDS + ZONES * SHADOW_BYTES
NOTES_BYTES = TAGS + ZONES * SHADOW_BYTES - NOTES


def middle(zone: int) -> int:
    """The address from which offsets in a zone count."""
    return ARENA + zone * ZONE_BYTES + MIDDLE


def place(address: int) -> tuple[int, int] | None:
    """Zone and offset of an address; None outside of the arena."""
    zone, offset = divmod(address - ARENA, ZONE_BYTES)
    return (zone, offset - MIDDLE) if 0 <= zone < ZONES else None
