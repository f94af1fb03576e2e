"""Curves as SVG: several lines over one axis, both axes with logarithmic scales."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 640, 380
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 40, 50
COLOURS = ("#1b6ca8", "#c8553d", "#588157", "#8e6c8a")
_STYLE = (
    "text{font:12px sans-serif;fill:#333}.t{font-size:14px;font-weight:bold}"
    "path{fill:none;stroke-width:2}.g{stroke:#ddd;stroke-width:1}"
)

Curve = Sequence[tuple[float, float]]


def chart(title: str, x: str, y: str, curves: Mapping[str, Curve]) -> str:
    """A picture. All numbers are above 0."""
    points = [point for curve in curves.values() for point in curve]
    across = _Axis([p[0] for p in points], LEFT, WIDTH - RIGHT)
    up = _Axis([p[1] for p in points], HEIGHT - BOTTOM, TOP)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"><style>{_STYLE}</style>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text class="t" x="{LEFT}" y="22">{escape(title)}</text>',
        f'<text x="{LEFT}" y="{HEIGHT - 10}">{escape(x)}</text><text x="8" y="{TOP - 6}">{escape(y)}</text>',
    ]
    for value in across.marks():
        at = across.at(value)
        out.append(f'<path class="g" d="M{at} {TOP}V{HEIGHT - BOTTOM}"/>')
        out.append(f'<text x="{at}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{_short(value)}</text>')
    for value in up.marks():
        at = up.at(value)
        out.append(f'<path class="g" d="M{LEFT} {at}H{WIDTH - RIGHT}"/>')
        out.append(f'<text x="{LEFT - 6}" y="{at + 4}" text-anchor="end">{_short(value)}</text>')
    for curve, colour in zip(curves.values(), COLOURS, strict=False):
        path = "L".join(f"{across.at(a)} {up.at(b)}" for a, b in curve)
        out.append(f'<path stroke="{colour}" d="M{path}"/>')
        out += [f'<circle cx="{across.at(a)}" cy="{up.at(b)}" r="3" fill="{colour}"/>' for a, b in curve]
    for row, (name, colour) in enumerate(zip(curves, COLOURS, strict=False)):
        at = TOP + 8 + 20 * row
        out.append(f'<path stroke="{colour}" d="M{WIDTH - RIGHT + 10} {at}h16"/>')
        out.append(f'<text x="{WIDTH - RIGHT + 32}" y="{at + 4}">{escape(name)}</text>')
    return "\n".join([*out, "</svg>", ""])


class _Axis:
    """From numbers to places on the picture."""

    def __init__(self, values: Sequence[float], begin: int, end: int) -> None:
        self._low, self._high = min(values), max(values)
        if self._high < self._low * 2:
            self._high = self._low * 2
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        part = math.log(value / self._low) / math.log(self._high / self._low)
        return round(self._begin + part * (self._end - self._begin), 1)

    def marks(self) -> list[float]:
        """Powers of ten; of two, or every fourth and so on, where there would be too few or too many."""
        tens = _powers(10, self._low, self._high)
        if len(tens) >= 3:
            return tens
        twos = _powers(2, self._low, self._high)
        return twos[:: math.ceil(len(twos) / 8)]


def _powers(base: int, low: float, high: float) -> list[float]:
    begin, end = math.ceil(math.log(low, base) - 1e-9), math.floor(math.log(high, base) + 1e-9)
    return [float(base) ** power for power in range(begin, end + 1)]


def _short(value: float) -> str:
    for scale, suffix in ((1 << 20, "Mi"), (1 << 10, "Ki")):
        if value >= scale and value % scale == 0:
            return f"{value / scale:g}{suffix}"
    return f"{value:g}" if value < 1e6 else f"{value:.0e}"
