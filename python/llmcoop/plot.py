"""Draw percentile curves of speedups as an SVG: no more is needed to see where the gain is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 170, 20, 50
_COLOURS = (
    "#1b6ca8",
    "#d1495b",
    "#3a7d44",
    "#8d5a97",
    "#c98a1b",
    "#4a4a4a",
    "#2a9d8f",
    "#b5651d",
)  # told apart in grey
_TICKS = (0.5, 0.8, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0)
_STYLE = "font-family='sans-serif' font-size='12'"


@dataclass(frozen=True, slots=True)
class Curve:
    """A name and its percentiles, from the 0th to the 100th; none draws nothing."""

    name: str
    percentiles: tuple[float, ...]


def percentile_curves(curves: Sequence[Curve]) -> str:
    """An SVG with the percentile from left to right and the speedup, on a logarithmic scale, upwards."""
    values = [value for curve in curves for value in curve.percentiles] or [1.0]
    scale = _Scale(min(1.0, *values) / 1.02, max(1.1, *values) * 1.02)
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {_HEIGHT}' {_STYLE}>",
        "<rect width='100%' height='100%' fill='white'/>",
        *_axes(scale),
        *(part for number, curve in enumerate(curves) for part in _drawn(number, curve, scale)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


@dataclass(frozen=True, slots=True)
class _Scale:
    """From percentiles and speedups to places in the picture."""

    low: float
    high: float

    def x(self, percentile: float) -> float:
        return _LEFT + percentile / 100 * (_WIDTH - _LEFT - _RIGHT)

    def y(self, speedup: float) -> float:
        part = math.log(speedup / self.low) / math.log(self.high / self.low)
        return _HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM)


def _axes(scale: _Scale) -> Iterator[str]:
    left, right, bottom = scale.x(0), scale.x(100), _HEIGHT - _BOTTOM
    for tick in _TICKS:
        if scale.low <= tick <= scale.high:
            y, colour = scale.y(tick), "#888" if tick == 1 else "#ddd"
            yield f"<line x1='{left}' x2='{right}' y1='{y:.1f}' y2='{y:.1f}' stroke='{colour}'/>"
            yield f"<text x='{left - 8}' y='{y + 4:.1f}' text-anchor='end'>{tick:g}x</text>"
    for percentile in range(0, 101, 10):
        x = scale.x(percentile)
        yield f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{bottom}' y2='{bottom + 5}' stroke='#888'/>"
        yield f"<text x='{x:.1f}' y='{bottom + 18}' text-anchor='middle'>{percentile}</text>"
    yield f"<text x='{(left + right) / 2}' y='{bottom + 38}' text-anchor='middle'>percentile of the programs</text>"
    middle = (_TOP + bottom) / 2
    yield f"<text x='16' y='{middle}' text-anchor='middle' transform='rotate(-90 16 {middle})'>speedup</text>"


def _drawn(number: int, curve: Curve, scale: _Scale) -> Iterator[str]:
    if not curve.percentiles:
        return
    colour = _COLOURS[number % len(_COLOURS)]
    last = len(curve.percentiles) - 1
    points = (
        f"{scale.x(100 * at / max(1, last)):.1f},{scale.y(value):.1f}" for at, value in enumerate(curve.percentiles)
    )
    x, y = scale.x(100) + 14, _TOP + 16 * number + 8
    yield f"<polyline points='{' '.join(points)}' fill='none' stroke='{colour}' stroke-width='2'/>"
    yield f"<rect x='{x}' y='{y - 4}' width='14' height='4' fill='{colour}'/>"
    yield f"<text x='{x + 20}' y='{y + 3}'>{escape(curve.name)}</text>"
