"""How is a strength found, and how are its curves shown?"""

from typing import TYPE_CHECKING, Any

import streamlit as st

from ui import charts, strength_work, work
from ui.controls import Strength, put_strength
from ui.errors import boundary
from ui.frame import renew_note
from ui.job_panel import job_panel
from ui.palette import FEATURE_COLOURS, WARNING
from ui.safe_band import SAFE
from ui.strength_work import FoundStrength
from ui.text import counted, plain

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from steering.workbench import RankingRun

_TITLES = {
    "concept": "Concept",
    "fluency": "Fluency",
    "instruction": "Instruction",
    "kl": "KL",
    "surprise": "Surprise",
    "distinct_2": "Distinct pairs",
    "looping": "Loops",
}
_ROWS = (
    ("Rating, 0 to 2", ("concept", "fluency", "instruction")),
    ("Nats per token", ("kl", "surprise")),
    ("Share", ("distinct_2", "looping")),
)
_DASHES = ("solid", "dash", "dot")


def strength_finder(run: "RankingRun", label: str, strength: Strength) -> None:
    """The button, the job, the curves and the proposal; nothing is measured until the button is pressed."""
    id = strength_work.strength_id(strength)
    if id is None:
        st.caption("Ablation has no strength to find.")
        return
    found = strength_work.found_strength(strength)
    job = work.latest("strength")
    with st.container(horizontal=True, vertical_alignment="center"):
        if job is None or not job.active:
            pressed = st.button(
                "Find strength" if found is None else "Find again", key="find_strength", icon=":material/tune:",
                disabled=found is not None,
                help="Tries factors from gentle to far too strong on a few prompts that name no concept, and measures "
                "what each brings and breaks. Seconds on the embedded world, minutes on a larger model.",
            )  # fmt: skip
            if pressed:
                with boundary("No strength can be looked for"):
                    job = strength_work.start_strength(strength, label, run)
                    job.wait(0.2)
        if found is not None and found.proposal.factor is not None:
            st.button(
                f"Use {found.proposal.factor:.2f}", key="use_strength", icon=":material/check:", on_click=_use,
                args=(found, run),
            )  # fmt: skip
    job_panel(job, key="strength_job")
    if found is None:
        if strength_work.is_stale("strength", id):
            renew_note("Find strength")
        return
    icon = "check_circle" if found.proposal.factor is not None else "info"
    st.markdown(f":material/{icon}: {plain(found.proposal.reason)}")
    with st.expander("Curves", expanded=True, key="strength_curves"):
        current = max((abs(factor) for _, factor, _ in strength.features), default=0.0)
        charts.show(strength_curves(found, current), key="strength_chart", alt=_alt(found))
        st.caption(_small_print(found))


def _use(found: FoundStrength, run: "RankingRun") -> None:
    """Give the sliders the proposed factor; before the page is drawn again."""
    factor, mix = found.proposal.factor, found.sweep.mix
    if factor is not None:
        features = tuple((feature_id, weight * factor, max_act) for feature_id, weight, max_act in mix.features)
        put_strength(Strength(features, mix.mode, mix.scope), run)


def strength_curves(found: FoundStrength, current: float) -> "Figure":
    """Means against the factor in stacked panels, with intervals, the safe band shaded, the proposal and the present
    factor marked. The first point of each line is the untouched model.
    """
    from plotly.graph_objects import Scatter
    from plotly.subplots import make_subplots

    sweep, band = found.sweep, found.band
    rows = [(title, [name for name in names if name in sweep.values]) for title, names in _ROWS]
    rows = [(title, names) for title, names in rows if names]
    figure: Any = make_subplots(rows=len(rows), cols=1, shared_xaxes=True, vertical_spacing=0.17)
    starts_at_zero = sweep.mix.mode in ("add", "min_clamp")
    x = [0.0, *sweep.factors] if starts_at_zero else list(sweep.factors)
    slot = 0
    for row, (title, names) in enumerate(rows, 1):
        for place, name in enumerate(names):
            colour = FEATURE_COLOURS[slot % len(FEATURE_COLOURS)]
            slot += 1
            curve = sweep.curve(name)
            y = [one.value for one in curve]
            low = [one.low if one.is_known else one.value for one in curve]
            high = [one.high if one.is_known else one.value for one in curve]
            if starts_at_zero:
                untouched = float(sweep.baseline[name].mean())
                y, low, high = [untouched, *y], [untouched, *low], [untouched, *high]
            figure.add_trace(
                Scatter(
                    x=[*x, *reversed(x)], y=[*high, *reversed(low)], fill="toself", fillcolor=colour, opacity=0.13,
                    line={"width": 0}, hoverinfo="skip", showlegend=False, mode="lines",
                ),
                row=row, col=1,
            )  # fmt: skip
            figure.add_trace(
                Scatter(
                    x=x, y=y, name=_TITLES[name], mode="lines+markers", legend=_legend(row),
                    line={"color": colour, "width": 2.25, "dash": _DASHES[place % len(_DASHES)]}, marker={"size": 5},
                    customdata=list(zip(low, high, strict=True)),
                    hovertemplate=f"{_TITLES[name]} %{{y:.2f}} (%{{customdata[0]:.2f}} to %{{customdata[1]:.2f}}) at "
                    "%{x:.2f}<extra></extra>",
                ),
                row=row, col=1,
            )  # fmt: skip
        figure.update_yaxes(title=title, row=row, col=1, zeroline=False, automargin=True, rangemode="tozero")
    figure.update_xaxes(zeroline=False)
    figure.update_xaxes(title="Factor (× max_act)", row=len(rows), col=1)
    if band.high is not None:
        figure.add_vrect(x0=band.low, x1=band.high, fillcolor=SAFE, opacity=0.13, line_width=0, layer="below")
    figure.add_vline(x=current, line={"width": 1.5, "dash": "dot", "color": WARNING})
    figure.add_annotation(
        x=current, y=0, yref="paper", text="now", showarrow=False, xanchor="right", xshift=-3, yanchor="bottom",
        font={"color": WARNING},
    )  # fmt: skip
    if found.proposal.factor is not None:
        figure.add_vline(x=found.proposal.factor, line={"width": 2, "color": SAFE})
        figure.add_annotation(
            x=found.proposal.factor, y=0, yref="paper", text="proposed", showarrow=False, xanchor="left", xshift=3,
            yanchor="bottom", font={"color": SAFE},
        )  # fmt: skip
    # A legend for each panel, above it: one for all would be as high as a panel in a narrow column.
    tops = [figure.get_subplot(row, 1).yaxis.domain[1] for row in range(1, len(rows) + 1)]
    legends = {
        _legend(row): {
            "orientation": "h", "y": top + 0.005, "yanchor": "bottom", "x": 0, "title": None, "font": {"size": 11},
        }
        for row, top in enumerate(tops, 1)
    }  # fmt: skip
    figure.update_layout(
        height=60 + 165 * len(rows), margin={"l": 8, "r": 12, "t": 30, "b": 8}, dragmode=False, **legends
    )
    found_figure: Figure = figure
    return found_figure


def _legend(row: int) -> str:
    """What plotly calls the legend of a panel."""
    return "legend" if row == 1 else f"legend{row}"


def _alt(found: FoundStrength) -> str:
    band = found.band
    safe = "No factor is safe." if band.high is None else f"The safe band goes from {band.low:g} to {band.high:g}."
    return f"Success and damage at {counted(len(found.sweep.factors), 'factor')}. {safe} {found.proposal.reason}"


def _small_print(found: FoundStrength) -> str:
    sweep = found.sweep
    bounds = "; ".join(
        f"{one.title} at {'most' if one.is_ceiling else 'least'} {one.limit:.2f} ({one.untouched:.2f} untouched)"
        for one in found.band.bounds
    )
    judged = (
        ""
        if sweep.concept is not None
        else "No judge knows this concept, so success is not in the picture, damage is. "
    )
    return plain(
        f"{judged}Shaded green: the safe band, every factor up to the first that breaks a bound: {bounds}. "
        f"{counted(len(sweep.prompts), 'prompt')}, of which the intervals are resampled; the proposal was chosen on "
        "them, so it looks a little better here than on others. Compare asks other prompts."
    )
