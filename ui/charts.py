"""What do rankings, activations, doses and training look like? Figures as pure functions, shown by one call.

Backgrounds, text and grid come from Streamlit's theme, light or dark; the data's colours from `ui.palette`. Colour
never stands alone: chosen points carry their number, classes their own bar pattern, lines their dash.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from ui.palette import FEATURE_COLOURS, NEGATIVE, POSITIVE, WARNING, feature_colour

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_GREY = "#8a93a3"
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def _figure(height: int, x: str, y: str) -> "Figure":
    from plotly.graph_objects import Figure

    figure = Figure()
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 12, "t": 12, "b": 8},
        hoverlabel={"namelength": -1},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None},
        dragmode=False,
    )
    figure.update_xaxes(title=x, zeroline=False, automargin=True)
    figure.update_yaxes(title=y, zeroline=False, automargin=True)
    return figure


def reads_writes(
    feature_ids: Sequence[int],
    reads: Sequence[float],
    writes: Sequence[float],
    *,
    chosen: Sequence[int] = (),
    current: int | None = None,
    hints: Sequence[str] | None = None,
    reads_name: str = "Reads: held-out AUROC",
    writes_name: str = "Writes: output score",
    height: int = 380,
) -> "Figure":
    """Scatter of how well each feature reads the concept against how strongly it writes it.

    A click comes back from `show` as the feature id (`customdata`).

    Args:
        feature_ids: one per point.
        reads: horizontal place of each.
        writes: vertical place of each.
        chosen: features to steer with, in their slots; drawn large, in their slot's colour, with their number.
        current: the feature that is looked at; ringed.
        hints: a line for the hover label of each point, for example its top tokens; plain text.
        reads_name: title of the horizontal axis.
        writes_name: title of the vertical axis.
        height: pixels.
    """
    from plotly.graph_objects import Scatter

    ids = [int(id) for id in feature_ids]
    slots = {id: slot for slot, id in enumerate(chosen)}
    lines = [_escape(hint) for hint in hints] if hints is not None else [""] * len(ids)
    marked = [id in slots or id == current for id in ids]
    figure = _figure(height, reads_name, writes_name)
    figure.add_trace(
        Scatter(
            x=list(reads),
            y=list(writes),
            mode="markers+text",
            customdata=ids,
            text=[f"#{id}" if mark else "" for id, mark in zip(ids, marked, strict=True)],
            textposition="top center",
            hovertext=lines,
            hovertemplate="<b>#%{customdata}</b><br>reads %{x:.3f} · writes %{y:.3f}<br>%{hovertext}<extra></extra>",
            marker={
                "size": [14 if mark else 8 for mark in marked],
                "color": [feature_colour(slots[id]) if id in slots else _GREY for id in ids],
                "opacity": [1.0 if mark else 0.6 for mark in marked],
                "line": {
                    "width": [2.5 if id == current else 0 for id in ids],
                    "color": POSITIVE if current not in slots else WARNING,
                },
            },
            selected={"marker": {"opacity": 1.0}},
            unselected={"marker": {"opacity": 0.6}},
            cliponaxis=False,
        )
    )
    figure.update_layout(clickmode="event+select", showlegend=False)
    return figure


def histogram_by_class(
    positive: Sequence[float],
    negative: Sequence[float],
    *,
    tau: float | None = None,
    value_name: str = "Largest activation in the example",
    colour: str = POSITIVE,
    bins: int = 30,
    height: int = 260,
) -> "Figure":
    """Share of positive and of negative examples per value, with the decision threshold.

    Both classes are shares of their own size, so that unequal sizes do not mislead.

    Args:
        positive: one value per positive example.
        negative: one value per negative example.
        tau: the threshold; drawn as a line if given.
        value_name: title of the horizontal axis.
        colour: the feature's colour.
        bins: how many bins over the common range.
        height: pixels.
    """
    from plotly.graph_objects import Histogram

    values = [*positive, *negative]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    size = (high - low) / bins or 1.0
    figure = _figure(height, value_name, "Share of examples")
    for name, part, fill, pattern in (("negative", negative, NEGATIVE, "/"), ("positive", positive, colour, "")):
        figure.add_trace(
            Histogram(
                x=list(part),
                name=f"{name} ({len(part)})",
                histnorm="probability",
                xbins={"start": low, "end": high + size, "size": size},
                marker={"color": fill, "opacity": 0.72, "pattern": {"shape": pattern, "solidity": 0.25}},
                hovertemplate=f"{name}: %{{y:.1%}} at %{{x}}<extra></extra>",
            )
        )
    figure.update_layout(barmode="overlay", bargap=0.04)
    figure.update_yaxes(tickformat=".0%")
    if tau is not None:
        figure.add_vline(x=tau, line={"width": 2, "dash": "dash", "color": WARNING})
        figure.add_annotation(
            x=tau, y=1, yref="paper", text=f"τ = {tau:.3g}", showarrow=False, xanchor="left", xshift=5, yanchor="top"
        )
    return figure


def dose_curve(
    factors: Sequence[float],
    measures: Mapping[str, Sequence[float]],
    *,
    safe: tuple[float, float] | None = None,
    current: float | None = None,
    y_name: str = "",
    height: int = 300,
) -> "Figure":
    """What happens as the factor grows: one line per measure, the measured safe band shaded.

    Args:
        factors: the strengths that were measured, in units of the feature's largest activation.
        measures: name to one value per factor.
        safe: lowest and highest factor of the safe band.
        current: the factor that is set now; drawn as a line.
        y_name: title of the vertical axis.
        height: pixels.
    """
    from plotly.graph_objects import Scatter

    figure = _figure(height, "Factor (× largest activation)", y_name)
    if safe is not None:
        figure.add_vrect(
            x0=safe[0], x1=safe[1], fillcolor=FEATURE_COLOURS[2], opacity=0.12, line_width=0, layer="below"
        )
        figure.add_annotation(
            x=(safe[0] + safe[1]) / 2, y=1, yref="paper", text="safe band", showarrow=False, yanchor="top"
        )
    for slot, (name, values) in enumerate(measures.items()):
        figure.add_trace(
            Scatter(
                x=list(factors),
                y=list(values),
                name=name,
                mode="lines+markers",
                line={"color": feature_colour(slot), "width": 2.5, "dash": _DASHES[slot % len(_DASHES)]},
                marker={"size": 7},
                hovertemplate=f"{_escape(name)}: %{{y:.3g}} at %{{x:.3g}}<extra></extra>",
            )
        )
    if current is not None:
        figure.add_vline(x=current, line={"width": 2, "dash": "dot", "color": WARNING})
    return figure


def loss_curve(
    steps: Sequence[float],
    losses: Sequence[float],
    *,
    heldout_steps: Sequence[float] = (),
    heldout_losses: Sequence[float] = (),
    best_step: float | None = None,
    height: int = 240,
) -> "Figure":
    """Training loss by step, with the held-out loss and the step that was kept.

    Args:
        steps: optimiser steps.
        losses: training loss at each, nats per token.
        heldout_steps: steps at which held-out loss was measured.
        heldout_losses: held-out loss at each.
        best_step: the step whose weights were kept.
        height: pixels.
    """
    from plotly.graph_objects import Scatter

    figure = _figure(height, "Step", "Loss (nats per token)")
    figure.add_trace(
        Scatter(x=list(steps), y=list(losses), name="training", mode="lines", line={"color": POSITIVE, "width": 2})
    )
    if len(heldout_losses):
        figure.add_trace(
            Scatter(
                x=list(heldout_steps),
                y=list(heldout_losses),
                name="held out",
                mode="lines+markers",
                line={"color": WARNING, "width": 2.5, "dash": "dash"},
            )
        )
    if best_step is not None:
        figure.add_vline(x=best_step, line={"width": 1.5, "dash": "dot", "color": _GREY})
        figure.add_annotation(x=best_step, y=1, yref="paper", text="kept", showarrow=False, xanchor="left", xshift=4)
    return figure


def show(figure: "Figure", *, key: str, alt: str, select: bool = False) -> list[Any]:
    """Draw a figure; with ``select``, the ``customdata`` of the points that were clicked comes back.

    Args:
        figure: what to draw.
        key: widget key.
        alt: what the figure says, in a sentence, for those who cannot see it.
        select: whether points can be clicked.
    """
    config = {"displayModeBar": False, "scrollZoom": False}
    if not select:
        st.plotly_chart(figure, key=key, alt=alt, config=config)
        return []
    state: Any = st.plotly_chart(figure, key=key, alt=alt, config=config, on_select="rerun", selection_mode="points")
    return [point["customdata"] for point in state["selection"]["points"] if "customdata" in point]


def _escape(text: str) -> str:
    """Plotly reads a little HTML in labels; make text inert."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "% {")
