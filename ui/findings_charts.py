"""What do findings look like? Means and differences with their intervals, of one result or of two beside each other.

A decided difference is filled, an undecided one hollow; two results differ in their marker and dash.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from steering.evidence.bootstrap import Interval
from steering.findings.contrasts import Contrast, MethodScore
from steering.findings.sparsity import At
from steering.findings.words import phrase, standing
from ui.benchmark_style import style
from ui.palette import FEATURE_COLOURS, NEGATIVE

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HIGHEST = 2.0
_SYMBOLS = ("circle", "diamond", "square")
_DASHES = ("solid", "dot", "dash")
_SERIES = (FEATURE_COLOURS[0], FEATURE_COLOURS[1], FEATURE_COLOURS[2])
_ROW, _EDGE = 34, 92
_NAMES = ("LoRA", "DiffMean", "F1c alone")
"""Labels that keep their capital within another one."""


def scores(series: Mapping[str, Sequence[MethodScore]]) -> "Figure":
    """A row for each method: mean overall score with its interval, the first series' best method on top.

    Args:
        series: name of a result → its scores; one name or two.
    """
    methods = list(dict.fromkeys(one.method for found in series.values() for one in found))
    figure = _figure(len(methods) * max(1, len(series)), "Overall score, 0 to 2", legend=len(series) > 1)
    for place, (name, found) in reversed(list(enumerate(series.items()))):
        shown = {one.method: one for one in found}
        rows = [method for method in methods if method in shown]
        values = [shown[method].overall for method in rows]
        figure.add_trace(
            _points(
                name,
                values,
                [row_label(method) for method in rows],
                place,
                colours=[style(method).colour for method in rows],
                hollow=[style(method).symbol.endswith("-open") for method in rows],
                hints=[_ratings(shown[method]) for method in rows],
            )
        )
    figure.update_xaxes(range=[-0.04, HIGHEST + 0.04])
    _order(figure, [row_label(method) for method in methods])
    return figure


def differences(series: Mapping[str, Sequence[Contrast]]) -> "Figure":
    """A row for each comparison: mean difference with its interval about a line at zero.

    Args:
        series: name of a result → its comparisons; one name or two.
    """
    pairs = list(dict.fromkeys((one.ours, one.theirs) for found in series.values() for one in found))
    figure = _figure(len(pairs) * max(1, len(series)), "Difference, overall", legend=len(series) > 1)
    figure.add_vline(x=0, line={"width": 1.5, "color": NEGATIVE})
    for place, (name, found) in reversed(list(enumerate(series.items()))):
        shown = {(one.ours, one.theirs): one.difference for one in found}
        rows = [pair for pair in pairs if pair in shown]
        values = [shown[pair] for pair in rows]
        figure.add_trace(
            _points(
                name,
                values,
                [pair_label(*pair) for pair in rows],
                place,
                colours=[_SERIES[place % len(_SERIES)]] * len(rows),
                hollow=[standing(value) not in ("above", "below") for value in values],
                hints=[_STANDING[standing(value)] for value in values],
            )
        )
    _order(figure, [pair_label(*pair) for pair in pairs])
    return figure


def by_l0(
    series: Mapping[str, Sequence[At]], y: str, *, reference: tuple[str, float] | None = None, signed: bool = False
) -> "Figure":
    """A line for each layer of each result over l0, on a doubling axis.

    Args:
        series: name of a result → its estimates.
        y: title of the vertical axis.
        reference: name and height of a level to draw.
        signed: whether the values are correlations: from −1 to 1, with a line at zero.
    """
    from plotly.graph_objects import Scatter

    figure = _figure(0, "l0 (features active per token)", legend=True, height=330)
    if signed:
        figure.add_hline(y=0, line={"width": 1.5, "color": NEGATIVE})
        figure.update_yaxes(range=[-1.06, 1.06])
    if reference is not None:
        figure.add_hline(y=reference[1], line={"width": 1.5, "color": NEGATIVE, "dash": "dash"})
        figure.add_annotation(
            x=1, xref="paper", y=reference[1], text=reference[0], showarrow=False, xanchor="right", yanchor="bottom"
        )
    layers = sorted({at.layer for found in series.values() for at in found})
    for place, (name, found) in enumerate(series.items()):
        for slot, layer in enumerate(layers):
            points = sorted((at for at in found if at.layer == layer), key=lambda at: at.l0)
            if not points:
                continue
            values = [at.found for at in points]
            # A small step apart, so that intervals of two layers at one l0 do not hide each other.
            step = 1 + 0.035 * ((slot - (len(layers) - 1) / 2) + 0.5 * (place - (len(series) - 1) / 2))
            title = f"block {layer}" + (f", {name}" if len(series) > 1 else "")
            colour = FEATURE_COLOURS[slot % len(FEATURE_COLOURS)]
            figure.add_trace(
                Scatter(
                    x=[at.l0 * step for at in points],
                    y=[value.value for value in values],
                    error_y=_bars(values, colour),
                    name=title,
                    mode="lines+markers",
                    line={"color": colour, "width": 2, "dash": _DASHES[place % len(_DASHES)]},
                    marker={"size": 9, "symbol": _SYMBOLS[(slot + place) % len(_SYMBOLS)], "color": colour},
                    customdata=[[at.l0, at.n_concepts, _limits(at.found)] for at in points],
                    hovertemplate=(
                        f"{title}, l0 %{{customdata[0]}}: %{{y:.2f}} %{{customdata[2]}}, "
                        "%{customdata[1]} concepts<extra></extra>"
                    ),
                )
            )
    ticks = sorted({at.l0 for found in series.values() for at in found})
    figure.update_xaxes(type="log", tickvals=ticks, ticktext=[str(tick) for tick in ticks])
    figure.update_yaxes(title=y, automargin=True)
    return figure


def row_label(method: str) -> str:
    """A method on an axis, by the words of the verdicts."""
    told = {"sae_f1c": "F1c alone", "sae_f1c_confidence": "F1c, token confidence"}.get(method)
    told = told or phrase(method).removeprefix("a ").removeprefix("the ")
    return told[0].upper() + told[1:]


def pair_label(ours: str, theirs: str) -> str:
    """A comparison on an axis."""
    theirs = row_label(theirs)
    return f"{row_label(ours)} − {theirs if theirs in _NAMES else theirs[0].lower() + theirs[1:]}"


_STANDING = {
    "above": "the interval lies above zero",
    "below": "the interval lies below zero",
    "undecided": "the interval holds zero: cannot be told apart",
    "equal": "equal on every concept",
    "unknown": "no interval",
}


def _ratings(score: MethodScore) -> str:
    return f"concept {score.concept:.2f}, instruction {score.instruction:.2f}, fluency {score.fluency:.2f}"


def _limits(interval: Interval) -> str:
    return f"({interval.low:.2f} to {interval.high:.2f})" if interval.is_known else "(no interval)"


def _bars(values: Sequence[Interval], colour: str) -> dict[str, Any]:
    """Limits as plotly wants them: distances from the value, none where there are no limits."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, one.high - one.value) if one.is_known else None for one in values],
        "arrayminus": [max(0.0, one.value - one.low) if one.is_known else None for one in values],
        "thickness": 2,
        "width": 5,
        "color": colour,
    }


def _points(
    name: str,
    values: Sequence[Interval],
    rows: Sequence[str],
    place: int,
    *,
    colours: Sequence[str],
    hollow: Sequence[bool],
    hints: Sequence[str],
) -> Any:
    from plotly.graph_objects import Scatter

    symbol = _SYMBOLS[place % len(_SYMBOLS)]
    return Scatter(
        x=[value.value for value in values],
        y=list(rows),
        name=name,
        mode="markers",
        # One colour for all bars of a trace is all that plotly has; points have their own.
        error_x=_bars(values, colours[0] if len(set(colours)) == 1 and colours else NEGATIVE),
        marker={
            "size": 11,
            "symbol": [f"{symbol}-open" if empty else symbol for empty in hollow],
            "color": list(colours),
            "line": {"width": [2.0 if empty else 0.0 for empty in hollow]},
        },
        orientation="h",
        cliponaxis=False,
        offsetgroup=str(place),
        customdata=[[_limits(value), hint] for value, hint in zip(values, hints, strict=True)],
        hovertemplate="%{y}: %{x:.2f} %{customdata[0]}<br>%{customdata[1]}<extra></extra>",
    )


def _order(figure: "Figure", rows: Sequence[str]) -> None:
    """First row on top; two results side by side within a row."""
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=list(reversed(rows)), automargin=True, ticksuffix="  "
    )
    # Rows are drawn from the bottom up, so the last result is the first trace.
    figure.update_layout(scattermode="group", scattergap=0.45, legend={"traceorder": "reversed"})


def _figure(rows: int, x: str, *, legend: bool, height: int | None = None) -> "Figure":
    from plotly.graph_objects import Figure

    figure = Figure()
    figure.update_layout(
        height=height or _EDGE + (30 if legend else 0) + _ROW * rows,
        margin={"l": 8, "r": 12, "t": 12, "b": 8},
        hoverlabel={"namelength": -1},
        showlegend=legend,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None},
        dragmode=False,
    )
    figure.update_xaxes(title=x, zeroline=False, automargin=True)
    return figure
