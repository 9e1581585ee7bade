"""What mutations draw on: chance, the constants and words of the program, and how large an input may become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

_VECTOR_WIDTHS = (2, 4, 8, 16, 32, 64, 128, 256)
_BUFFERS = (100, 512, 1000, 1024, 2048, 4096, 5000, 8192, 10_000, 16_384, 20_000, 32_768, 65_536, 100_000)
_WIDTHS = (7, 8, 15, 16, 24, 31, 32, 53, 62, 63, 64)  # bits after which something wraps or rounds
_SMALL = 11

EXTREMES = tuple(
    sorted({sign * (1 << bits) + step for bits in _WIDTHS for sign in (1, -1) for step in (-2, -1, 0, 1, 2)})
)


@dataclass(frozen=True, slots=True)
class Stock:
    """The source of all that is new in one input."""

    rng: Random
    numbers: Sequence[int] = ()
    words: Sequence[bytes] = ()
    large: bool = False  # whether sizes are to be those of buffers and overflows, not of a few

    def size(self, most: int) -> int:
        """How many of something: mostly few, around vector widths and buffers, or around a constant."""
        rng = self.rng
        near = [number for number in self.numbers if 0 < number <= most] if rng.random() < 0.3 else []
        if near:
            chosen = rng.choice(near) + rng.choice((-1, 0, 1, 1, 2))
        elif self.large:
            chosen = rng.choice((rng.choice(_BUFFERS) + rng.choice((-2, -1, 0, 1, 2)), rng.randint(most // 20, most)))
        elif rng.random() < 0.35:
            chosen = rng.randrange(_SMALL)
        elif rng.random() < 0.85:
            chosen = rng.choice(_VECTOR_WIDTHS) + rng.choice((-1, 0, 1))
        else:
            chosen = rng.choice(_BUFFERS) + rng.choice((-2, -1, 0, 1, 2))
        return max(0, min(chosen, most))

    def integer(self) -> int:
        """An integer that is worth trying anywhere."""
        rng, kind = self.rng, self.rng.random()
        if self.numbers and kind < 0.3:
            return rng.choice(self.numbers) * rng.choice((1, 1, 1, 1, -1)) + rng.choice((-1, 0, 0, 1))
        if kind < 0.5:
            return rng.randrange(_SMALL) * rng.choice((1, 1, -1))
        if kind < 0.65:
            return self.size(1 << 17)
        if kind < 0.85:
            return rng.choice(EXTREMES) - rng.choice((0, 0, 0, rng.randint(0, 70)))
        return self.spread()

    def spread(self) -> int:
        """An integer of any magnitude, each as likely as the next."""
        return self.rng.getrandbits(self.rng.randint(1, 64)) * self.rng.choice((1, 1, -1))
