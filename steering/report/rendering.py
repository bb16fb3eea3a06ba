"""How does a report become one HTML file that is safe to open from anybody?

Every text is escaped by jinja2's autoescape; what would hide or reorder text (bidirectional controls, zero-width
characters, control codes) is shown by its code. There is no script, no address is loaded, and the Content-Security-
Policy forbids both: the only style allowed is the sheet in the file, named by its hash, so not even a style attribute
would work.
"""

import base64
import hashlib
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from steering.report.charts import Bar, Point, bars, scatter
from steering.report.content import Report
from steering.report.methods import LARGEST_OVERALL

_HERE = Path(__file__).parent
_JOINERS = "\u200c\u200d"
"""Invisible, but Persian, Hindi and emoji are spelt with them."""

_COLOURS = {"Baseline": 0, "Prompted": 1, "DiffMean": 2, "SAE": 3, "Steered": 3, "LoRA": 4}

TINTS = 8
"""Steps of the heatmap's colour, each a class of the style sheet."""


def render_report(report: Report) -> str:
    """The HTML file."""
    sheet = (_HERE / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    return _environment().get_template("report.html.jinja").render(
        report=report,
        sheet=sheet,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        success=_success(report),
        damage=_damage(report),
        plot=_plot(report),
    )  # fmt: skip


def visible(text: str) -> str:
    """``text`` with everything that hides or reorders text shown by its code, as in ⟨U+202E⟩."""
    return "".join(_shown(character) for character in text)


def tint(share: float) -> int:
    """Step of the heatmap's colour for an activation, 0 for none."""
    return 0 if share <= 0 else min(TINTS, 1 + int(share * TINTS))


def colour_of(method: str) -> int:
    """Number of a method's colour in the style sheet, the same as on the screen."""
    return _COLOURS.get(method, 0)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"visible": visible, "tint": tint, "colour": colour_of}
    environment.filters |= {"number": _number, "interval": _interval}
    return environment


def _shown(character: str) -> str:
    if character in "\n\t" or character in _JOINERS:
        return character
    kind = unicodedata.category(character)
    if kind in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return f"⟨U+{ord(character):04X}⟩"
    return character


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _interval(value: tuple[float, float] | None, sign: bool = False) -> str:
    if value is None:
        return "–"
    low, high = (f"{limit:+.2f}" if sign else f"{limit:.2f}" for limit in value)
    return f"{low} to {high}"


def _success(report: Report) -> Any:
    rows = [
        Bar(visible(one.title), one.overall, colour_of(one.title), one.interval)
        for one in report.methods
        if one.overall is not None
    ]
    if not rows:
        return None
    told = ", ".join(f"{row.title} {row.value:.2f}" for row in rows)
    return bars(
        rows, low=0.0, high=LARGEST_OVERALL, axis="Overall score, 0 to 2, with 95 % interval",
        label=f"Bars of the overall score: {told}.",
    )  # fmt: skip


def _damage(report: Report) -> Any:
    rows = [Bar(visible(one.title), one.kl, colour_of(one.title)) for one in report.methods if one.kl is not None]
    if not rows:
        return None
    told = ", ".join(f"{row.title} {row.value:.2f}" for row in rows)
    return bars(
        rows, low=0.0, high=max(row.value for row in rows) or 1.0, axis="KL to the baseline, nats per token",
        label=f"Bars of the distance from the baseline: {told}.",
    )  # fmt: skip


def _plot(report: Report) -> Any:
    if report.ranking is None:
        return None
    points = [
        Point(str(row.feature_id), row.auroc if row.auroc is not None else row.f1c, row.output_score, row.chosen)
        for row in report.ranking.rows
        if row.output_score is not None
    ]
    if len(points) < 2:
        return None
    reads = "Reads: held-out AUROC" if report.ranking.held_out else "Reads: calibrated F1"
    return scatter(
        points, x_axis=reads, y_axis="Writes: output score",
        label=f"Scatter of {len(points)} ranked features, how well each reads the label against what it writes.",
    )  # fmt: skip
