"""Line charts as inline SVG in the page's own colours, which are CSS variables: one drawing serves light and dark.

A page has dozens of charts of one kind. Written by hand they take a millisecond and a few kilobytes each, where a
plotting library takes a tenth of a second and three times the bytes, most of it for what it lays out anew every time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from markupsafe import escape

from predictive_scaling.base.series import FloatArray

# Roles of colours; what they are is in style.html.
ROLES = ("ink", "muted", "model", "vpa", "current")
FONT = "9px sans-serif"
DAY = 86_400.0
TICKS = 6
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_LETTER = 5.0  # width of a letter at that size, about


@dataclass(frozen=True)
class Axis:
    """What a side shows, from `low` to `high`, over the points `begin` to `end` of the drawing."""

    low: float
    high: float
    begin: float
    end: float

    def at(self, values: FloatArray | Sequence[float]) -> FloatArray:
        """Where values lie; missing ones (NaN) nowhere."""
        span = (self.high - self.low) or 1.0
        share = (np.asarray(values, dtype=np.float64) - self.low) / span
        return np.asarray(self.begin + share * (self.end - self.begin), dtype=np.float64)


@dataclass
class Drawing:
    """A chart of so many points (1/72 inch); x and y are the axes, what was drawn comes out in its order."""

    width: float
    height: float
    x: Axis
    y: Axis
    _parts: list[str] = field(default_factory=list)
    _legend: list[tuple[str, str]] = field(default_factory=list)

    def line(self, x: FloatArray, y: FloatArray, role: str, label: str = "", *, dashed: bool = False) -> None:
        """Joins points; a missing one leaves a gap."""
        dashes = "; stroke-dasharray: 4 2" if dashed else ""
        style = f"fill: none; stroke: var(--{role}); stroke-linejoin: round{dashes}"
        path = " ".join(_joined(self.x.at(x)[run], self.y.at(y)[run]) for run in _known(y))
        self._add(f'<path d="{path}" style="{style}"/>', label, f'<path d="M0 -2h14" style="{style}"/>')

    def band(self, x: FloatArray, low: FloatArray, high: FloatArray, role: str) -> None:
        """What lies between two lines; nothing where one of them is missing."""
        for run in _known(low + high):
            there, back = self.x.at(x)[run], self.y.at(low)[run][::-1]
            path = (
                f"{_joined(there, self.y.at(high)[run])} {_joined(there[::-1], back).replace('M', 'L', 1)}z"
            )
            self._add(f'<path d="{path}" style="fill: var(--{role}); opacity: 0.2"/>')

    def dots(self, x: FloatArray, y: FloatArray, role: str, size: float, label: str = "") -> None:
        """Points; small ones are faint, for there are many."""
        style = f"fill: var(--{role}); opacity: {0.55 if size < 3 else 1}"
        for left, top in zip(self.x.at(x), self.y.at(y), strict=True):
            self._add(f'<circle cx="{left:.1f}" cy="{top:.1f}" r="{size}" style="{style}"/>')
        self._add("", label, f'<circle cx="7" cy="-2" r="{size}" style="{style}"/>')

    def y_ticks(self, name: str = "") -> None:
        """Round numbers at the left, of large ones in powers of a thousand."""
        power = 3 * math.floor(math.log10(self.y.high) / 3) if self.y.high >= 10_000 else 0
        left = self.x.begin
        for value in ticks(self.y.low, self.y.high):
            text, top = f"{value / 10**power:g}", float(self.y.at([value])[0])
            self._add(f'<path d="M{left:.1f} {top:.1f}h-3" style="{_STROKE}"/>')
            self._add(_text(left - 5, top + 3, text, "end"))
        if power:
            self._add(_text(left - 5, self.y.end - 4, f"×10{str(power).translate(_SUPERSCRIPT)}", "end"))
        if name:
            middle = (self.y.begin + self.y.end) / 2
            turned = f' transform="rotate(-90 10 {middle:.1f})"'
            self._add(_text(10, middle, name, "middle", turned))

    def x_ticks(self, name: str = "") -> None:
        """Round numbers at the bottom."""
        for value in ticks(self.x.low, self.x.high):
            self._x_tick(value, f"{value:g}")
        if name:
            self._add(_text((self.x.begin + self.x.end) / 2, self.height - 4, name, "middle"))

    def days(self) -> None:
        """Midnights (UTC) at the bottom, or six hours where there is one day; x is seconds since 1970."""
        step = DAY if self.x.high - self.x.low > 2 * DAY else DAY / 4
        for at in np.arange(math.ceil(self.x.low / step) * step, self.x.high + 1, step):
            when = datetime.fromtimestamp(at, UTC)
            self._x_tick(float(at), f"{when:%d %b}" if at % DAY == 0 else f"{when:%H:%M}")

    def _x_tick(self, value: float, text: str) -> None:
        left, top = float(self.x.at([value])[0]), self.y.begin
        self._add(f'<path d="M{left:.1f} {top:.1f}v3" style="{_STROKE}"/>')
        self._add(_text(left, top + 11, text, "middle"))

    def _add(self, part: str, label: str = "", sample: str = "") -> None:
        self._parts += [part] if part else []
        self._legend += [(label, sample)] if label else []

    def svg(self) -> str:
        """The whole element."""
        frame = f"M{self.x.begin:.1f} {self.y.end:.1f}V{self.y.begin:.1f}H{self.x.end:.1f}"
        parts = "\n".join([f'<path d="{frame}" style="{_STROKE}"/>', *self._parts, *self._legend_parts()])
        size = f'width="{self.width:g}pt" height="{self.height:g}pt" viewBox="0 0 {self.width:g} {self.height:g}"'
        return f'<svg {size} xmlns="http://www.w3.org/2000/svg" style="font: {FONT}">\n{parts}\n</svg>'

    def _legend_parts(self) -> Iterator[str]:
        left = self.x.begin + 8
        for label, sample in self._legend:
            text = _text(18, 0, label, "start", role="ink")
            yield f'<g transform="translate({left:.1f} {self.y.end - 3:.1f})">{sample}{text}</g>'
            left += 30 + _LETTER * len(label)


_STROKE = "fill: none; stroke: var(--muted); stroke-width: 0.8"


def _text(left: float, top: float, text: str, anchor: str, more: str = "", role: str = "muted") -> str:
    place = f'x="{left:.1f}" y="{top:.1f}"{more} style="text-anchor: {anchor}; fill: var(--{role})"'
    return f"<text {place}>{escape(text)}</text>"


def _known(values: FloatArray) -> list[slice]:
    """Runs of neighbours that are not missing."""
    known = np.concatenate([[False], np.isfinite(values), [False]])
    edges = np.flatnonzero(known[1:] != known[:-1])
    return [slice(low, high) for low, high in zip(edges[::2], edges[1::2], strict=True)]


def _joined(x: FloatArray, y: FloatArray) -> str:
    return "M" + "L".join(f"{left:.1f} {top:.1f}" for left, top in zip(x.tolist(), y.tolist(), strict=True))


def ticks(low: float, high: float) -> list[float]:
    """At most TICKS round numbers between two."""
    if not high > low:
        return [low]
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{at * step:.10g}") for at in range(first, last + 1)]


def seconds(moments: Sequence[datetime]) -> FloatArray:
    """Instants as seconds since 1970."""
    return np.array([moment.timestamp() for moment in moments])
