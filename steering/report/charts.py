"""Two charts as SVG: no script, no font, no style of their own; colours come from the page's classes.

Every number that a mark shows stands beside it or in the table under it, so nothing is told by colour or length alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup, escape

WIDTH = 460.0
ROW = 30.0
LEFT, RIGHT, TOP, BOTTOM = 78.0, 44.0, 8.0, 34.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with its whisker; the colour is a number of the style sheet."""

    title: str
    value: float
    colour: int
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One feature: how well it reads, how strongly it writes."""

    title: str
    x: float
    y: float
    chosen: bool


def bars(rows: Sequence[Bar], *, low: float, high: float, axis: str, label: str) -> Markup:
    """Horizontal bars from ``low``, with whiskers.

    Args:
        rows: in order from above.
        low: left end of the scale.
        high: right end of the scale.
        axis: what is measured, under the scale.
        label: what the chart says, for those who cannot see it.
    """
    height = TOP + ROW * len(rows) + BOTTOM
    span = WIDTH - LEFT - RIGHT

    def x(value: float) -> float:
        return LEFT + span * (min(high, max(low, value)) - low) / ((high - low) or 1.0)

    parts = [_open(height, label)]
    for tick in ticks(low, high):
        parts.append(_line(x(tick), TOP, x(tick), TOP + ROW * len(rows), "grid"))
        parts.append(_text(x(tick), height - 18, f"{tick:g}", "tick", anchor="middle"))
    for place, row in enumerate(rows):
        middle = TOP + ROW * (place + 0.5)
        parts.append(_text(LEFT - 8, middle + 4, row.title, "name", anchor="end"))
        parts.append(
            Markup('<rect class="bar m{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="14" rx="2"/>').format(
                row.colour, x(low), middle - 7, max(0.0, x(row.value) - x(low))
            )
        )
        end = x(row.value)
        if row.interval is not None:
            first, last = x(row.interval[0]), x(row.interval[1])
            parts.append(_line(first, middle, last, middle, "whisker"))
            parts += [_line(edge, middle - 4, edge, middle + 4, "whisker") for edge in (first, last)]
            end = max(end, last)
        parts.append(_text(end + 6, middle + 4, f"{row.value:.2f}", "value"))
    parts.append(_text(LEFT + span / 2, height - 2, axis, "axis", anchor="middle"))
    return Markup("").join([*parts, Markup("</svg>")])


def scatter(points: Sequence[Point], *, x_axis: str, y_axis: str, label: str) -> Markup:
    """Points with the chosen ones named; both scales run from the least to the largest value."""
    height, top, bottom, left, right = 280.0, 12.0, 40.0, 62.0, 40.0
    xs, ys = [point.x for point in points], [point.y for point in points]
    x_low, x_high = _ends(xs)
    y_low, y_high = _ends([*ys, 0.0])

    def x(value: float) -> float:
        return left + (WIDTH - left - right) * (value - x_low) / (x_high - x_low)

    def y(value: float) -> float:
        return height - bottom - (height - top - bottom) * (value - y_low) / (y_high - y_low)

    parts = [_open(height, label)]
    for tick in ticks(x_low, x_high):
        parts.append(_line(x(tick), top, x(tick), height - bottom, "grid"))
        parts.append(_text(x(tick), height - bottom + 15, f"{tick:g}", "tick", anchor="middle"))
    for tick in ticks(y_low, y_high):
        parts.append(_line(left, y(tick), WIDTH - right, y(tick), "grid"))
        parts.append(_text(left - 6, y(tick) + 4, f"{tick:g}", "tick", anchor="end"))
    for point in sorted(points, key=lambda point: point.chosen):
        circle = Markup('<circle class="dot{}" cx="{:.1f}" cy="{:.1f}" r="{}"><title>{}</title></circle>')
        parts.append(
            circle.format(
                " chosen" if point.chosen else "", x(point.x), y(point.y), 5 if point.chosen else 3.2, point.title
            )
        )
        if point.chosen:
            far = x(point.x) > WIDTH - 120
            aside = -9 if far else 9
            parts.append(_text(x(point.x) + aside, y(point.y) + 4, point.title, "value", anchor="end" if far else ""))
    parts.append(_text((left + WIDTH - right) / 2, height - 6, x_axis, "axis", anchor="middle"))
    parts.append(
        Markup('<text class="axis" text-anchor="middle" transform="translate(13 {:.1f}) rotate(-90)">{}</text>').format(
            (top + height - bottom) / 2, y_axis
        )
    )
    return Markup("").join([*parts, Markup("</svg>")])


def ticks(low: float, high: float) -> tuple[float, ...]:
    """Three to six round numbers within a scale."""
    if not high > low:
        return (low,)
    rough = (high - low) / 4
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first = ceil(low / step - 1e-9)
    return tuple(round(place * step, 12) for place in range(first, floor(high / step + 1e-9) + 1))


def _ends(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return low - room, high + room


def _open(height: float, label: str) -> Markup:
    # The viewBox scales the drawing to the column; role and label are what a screen reader says.
    return Markup('<svg class="chart" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">').format(WIDTH, height, label)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(kind, x1, y1, x2, y2)


def _text(x: float, y: float, text: str, kind: str, *, anchor: str = "") -> Markup:
    side = Markup(' text-anchor="{}"').format(anchor) if anchor else Markup("")
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}"{}>{}</text>').format(kind, x, y, side, escape(text))
