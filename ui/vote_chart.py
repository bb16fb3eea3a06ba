"""How often is each method preferred? A point with its interval for each, about the line at one half."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steering.votes.results import MethodResult
from steering.votes.words import rate_text
from ui.palette import NEGATIVE

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_ROW, _EDGE = 40, 74


def win_rates(methods: Sequence[MethodResult], colours: Sequence[str]) -> "Figure":
    """A row for each method that has votes, in the given order from the top.

    Args:
        methods: with their rates.
        colours: one per method.
    """
    from plotly.graph_objects import Figure, Scatter

    shown = [(method, colour) for method, colour in zip(methods, colours, strict=True) if method.rate is not None]
    figure = Figure()
    figure.add_vline(x=0.5, line={"width": 1.5, "color": NEGATIVE, "dash": "dash"})
    for method, colour in shown:
        rate = method.rate
        assert rate is not None
        title = _inert(method.title)
        if rate.is_known:
            figure.add_trace(
                Scatter(x=[rate.low, rate.high], y=[title] * 2, mode="lines", line={"color": colour, "width": 3},
                        hoverinfo="skip")
            )  # fmt: skip
        figure.add_trace(
            Scatter(x=[rate.value], y=[title], mode="markers", marker={"color": colour, "size": 12}, name=title,
                    hovertemplate=f"{rate_text(rate)}, {method.n_votes:,} votes<extra></extra>")
        )  # fmt: skip
    figure.update_layout(
        height=_ROW * len(shown) + _EDGE, margin={"l": 8, "r": 12, "t": 8, "b": 8}, showlegend=False, dragmode=False
    )
    figure.update_xaxes(title="Win rate (0.5: as good as the others)", range=[-0.02, 1.02], automargin=True)
    figure.update_yaxes(autorange="reversed", automargin=True)
    return figure


def _inert(text: str) -> str:
    """Plotly reads a little HTML in labels."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
