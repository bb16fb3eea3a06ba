"""What do a leaderboard, dose-response curves and a concept-against-damage front look like? Figures only."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from ui.benchmark_style import style

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HIGHEST = 2.0


def leaderboard_figure(table: pd.DataFrame) -> "Figure":
    """Every method's mean overall score with its interval, best on top; controls are hollow.

    Args:
        table: columns ``method, score, low, high`` as of ``steering.benchmark.board.Board``, best first.
    """
    from plotly.graph_objects import Scatter

    figure = _figure(height=90 + 27 * len(table), x="Mean overall score, 0 to 2", y="")
    row: Any
    for row in table.itertuples(index=False):
        look = style(row.method)
        figure.add_trace(
            Scatter(
                x=[row.score],
                y=[look.title],
                mode="markers",
                marker={"size": 10, "color": look.colour, "symbol": look.symbol, "line": {"width": 2}},
                error_x=_error(row.score, row.low, row.high, look.colour),
                hovertemplate=f"<b>{look.title}</b><br>{_with_limits(row.score, row.low, row.high)}<extra></extra>",
                showlegend=False,
                cliponaxis=False,
            )
        )
    figure.update_yaxes(autorange="reversed", tickfont={"size": 12})
    top = max([HIGHEST / 2, *table["score"], *table["high"].dropna()])
    figure.update_xaxes(range=[-0.04, min(HIGHEST, top * 1.08) + 0.02])
    return figure


def curves_figure(
    curves: pd.DataFrame, *, flat: dict[str, float], x_name: str, y_name: str, height: int = 340
) -> "Figure":
    """One line per method over its factors, with a band where there are intervals.

    Args:
        curves: columns ``method, factor, value`` and, where known, ``low, high``.
        flat: value of each method without a strength, drawn as a level.
        x_name: title of the horizontal axis.
        y_name: title of the vertical axis.
        height: pixels.
    """
    from plotly.graph_objects import Scatter

    figure = _figure(height=height, x=x_name, y=y_name)
    for name, rows in curves.groupby("method", sort=False, observed=True):
        look = style(str(name))
        for band in _bands(rows):
            figure.add_trace(
                Scatter(
                    x=[*band["factor"], *band["factor"][::-1]],
                    y=[*band["high"], *band["low"][::-1]],
                    fill="toself",
                    fillcolor=_faded(look.colour),
                    line={"width": 0},
                    hoverinfo="skip",
                    showlegend=False,
                )
            )
        figure.add_trace(
            Scatter(
                x=rows["factor"].tolist(),
                y=rows["value"].tolist(),
                name=look.title,
                mode="lines+markers",
                line={"color": look.colour, "dash": look.dash, "width": 2.2},
                marker={"size": 6, "symbol": look.symbol},
                hovertemplate=f"{look.title}: %{{y:.2f}} at %{{x:.3g}}<extra></extra>",
            )
        )
    ends = [float(curves["factor"].min()), float(curves["factor"].max())] if len(curves) else [0.0, 1.0]
    for name, value in flat.items():
        look = style(name)
        figure.add_trace(
            Scatter(
                x=ends,
                y=[value, value],
                name=look.title,
                mode="lines",
                line={"color": look.colour, "dash": "dot", "width": 2},
                hovertemplate=f"{look.title}: %{{y:.2f}}, no strength<extra></extra>",
            )
        )
    return figure


def front_figure(points: pd.DataFrame, *, damage_name: str, height: int = 380) -> "Figure":
    """Concept against damage at every factor; points that no other point beats in both are filled in larger.

    Args:
        points: columns ``method, factor, concept_score, damage, on_front``.
        damage_name: title of the horizontal axis.
        height: pixels.
    """
    from plotly.graph_objects import Scatter

    figure = _figure(height=height, x=damage_name, y="Concept, 0 to 2")
    for name, rows in points.groupby("method", sort=False, observed=True):
        look = style(str(name))
        figure.add_trace(
            Scatter(
                x=rows["damage"].tolist(),
                y=rows["concept_score"].tolist(),
                name=look.title,
                mode="lines+markers",
                line={"color": look.colour, "dash": look.dash, "width": 1.2},
                marker={
                    "symbol": look.symbol,
                    "color": look.colour,
                    "size": [12 if best else 6 for best in rows["on_front"]],
                    "opacity": [1.0 if best else 0.55 for best in rows["on_front"]],
                },
                customdata=rows["factor"].tolist(),
                hovertemplate=(
                    f"<b>{look.title}</b> at %{{customdata:.3g}}<br>"
                    "concept %{y:.2f}, damage %{x:.2f}<extra></extra>"
                ),
            )
        )
    return figure


def _figure(*, height: int, x: str, y: str) -> "Figure":
    from plotly.graph_objects import Figure

    figure = Figure()
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 12, "t": 12, "b": 8},
        hoverlabel={"namelength": -1},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None, "font": {"size": 11}},
        dragmode=False,
    )
    figure.update_xaxes(title=x, zeroline=False, automargin=True)
    figure.update_yaxes(title=y, zeroline=False, automargin=True)
    return figure


def _bands(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """The stretches of a curve that have an interval; where all concepts agree there is none."""
    if not {"low", "high"} <= set(rows.columns):
        return []
    known = rows["low"].notna()
    stretches = (known != known.shift()).cumsum()
    return [part for _, part in rows[known].groupby(stretches[known]) if len(part) > 1]


def _error(value: float, low: float, high: float, colour: str) -> dict[str, Any] | None:
    if pd.isna(low):
        return None
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value],
        "arrayminus": [value - low],
        "color": colour,
        "thickness": 2,
        "width": 5,
    }


def _with_limits(value: float, low: float, high: float) -> str:
    return f"{value:.2f}" if pd.isna(low) else f"{value:.2f}, {low:.2f} to {high:.2f}"


def _faded(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.14)"
