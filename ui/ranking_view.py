"""How is a ranking shown: settings, filters, table, scatter?"""

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from steering.presets import default_positions, is_world_model
from ui import charts, work
from ui.export_panel import ranking_download
from ui.state import chosen, is_news
from ui.text import counted, plain

if TYPE_CHECKING:
    from steering.examples import LabelledExamples
    from steering.jobs import Job
    from steering.positions import Positions
    from steering.ranking import Ranking, RankingSettings
    from steering.workbench import RankingRun

_POSITIONS: dict["Positions", str] = {"all": "All tokens", "sentence_ends": "Sentence ends"}
WORLD_OUTPUT_SCORE = 0.1
_PRIORS = {"0.0001": 1e-4, "0.001": 1e-3, "0.01": 1e-2, "0.1": 1e-1, "0.5": 0.5, "tuned": "auto"}


def take_result(job: "Job | None") -> bool:
    """Put the ranking of a job that has just ended in use; whether there was one, and the page is to be drawn anew."""
    if job is None or not isinstance(job.result, str) or not is_news("ranking_job", job.id):
        return False
    chosen.ranking_id = job.result
    found = work.ranking_run()
    ranked = found.rankings[chosen.label].features if found and chosen.label in found.rankings else ()
    chosen.ranking_title = f"{len(ranked)} features ranked"
    chosen.feature_id = ranked[0].feature_id if ranked else None
    return True


def label_choice(examples: "LabelledExamples") -> None:
    """Which label is looked at, where there are several; all of them are ranked in one pass."""
    names = list(examples.label_names)
    if len(names) < 2:
        return
    counts = dict(zip(names, examples.labels.sum(axis=0).tolist(), strict=True))
    at = names.index(chosen.label) if chosen.label in names else 0
    name = st.selectbox(
        "Label", names, index=at, key=f"label_{chosen.examples_id}",
        format_func=lambda name: f"{name} ({counts[name]})", help="All labels are ranked in one pass.",
    )  # fmt: skip
    if name != chosen.label:
        chosen.label = name
        st.rerun()


def usual_settings(model: str) -> "RankingSettings":
    """The choices behind a ranking before anybody changes one.

    The paper's where it has them; on the embedded world what its development concepts say (docs/adr/0010), and only
    features that write something, because there one may read a concept well and write nothing.
    """
    from steering.ranking import RankingSettings

    if not is_world_model(model):
        return RankingSettings()
    return RankingSettings(
        pi0="auto", positions=default_positions(model), use_output_score=True, min_output_score=WORLD_OUTPUT_SCORE
    )


def settings_controls() -> "RankingSettings":
    """The choices behind a ranking; they start at :func:`usual_settings`."""
    from steering.ranking import RankingSettings

    usual = usual_settings(chosen.model)
    with st.popover("Settings and filters", icon=":material/tune:"):
        in_world = is_world_model(chosen.model)
        positions = st.segmented_control(
            "Read at", list(_POSITIONS), format_func=_POSITIONS.__getitem__, default=usual.positions,
            required=True, key=f"rank_positions_{in_world}", persist_state="session",
            help="Which tokens of an example count. Where a sentence has just ended the model decides what comes next: "
            "features found there are of the answer's plan rather than of a word, and steer better on the embedded "
            "world. All tokens is the paper's way.",
        )  # fmt: skip
        left, right = st.columns(2)
        prior = left.selectbox(
            "Prior π₀", list(_PRIORS), index=list(_PRIORS.values()).index(usual.pi0),
            key=f"rank_pi0_{in_world}", persist_state="session",
            help="The share of texts that F1 is calibrated to. Small: one false alarm costs a lot. "
            "Tuned: chosen inside the training part.",
        )  # fmt: skip
        heldout = right.slider(
            "Held out", 0.0, 0.6, 0.3, 0.05, key="rank_heldout", persist_state="session",
            help="Share of the examples on which nothing is fitted. 0 fits on every row.",
        )  # fmt: skip
        seed = left.number_input("Seed of the split", 0, 2**31 - 1, 0, key="rank_seed", persist_state="session")
        candidates = right.number_input(
            "Candidates", 1, 2000, 200, key="rank_candidates", persist_state="session",
            help="How many of the best get intervals, q-values and output scores.",
        )  # fmt: skip
        st.markdown("**The paper's filters**")
        use_support = st.toggle(
            "Support", True, key="rank_use_support", persist_state="session",
            help="A feature must fire on enough positives: few can look precise by luck.",
        )  # fmt: skip
        min_support = st.number_input(
            "At least this many positives (or a fifth of them)", 1, 10_000, 10, key="rank_support",
            persist_state="session", disabled=not use_support,
        )  # fmt: skip
        use_density = st.toggle(
            "Density", True, key="rank_use_density", persist_state="session",
            help="A feature that fires almost everywhere is about no one thing.",
        )  # fmt: skip
        max_density = st.number_input(
            "At most this share of tokens", 0.0, 1.0, usual.max_density, 0.05, key="rank_density",
            persist_state="session", disabled=not use_density,
        )  # fmt: skip
        use_output = st.toggle(
            "Output score", usual.use_output_score, key=f"rank_use_output_{in_world}", persist_state="session",
            help="Arad's S_out: does writing with the feature raise its own tokens? Off ranks by reading alone, the "
            "paper's way; on the embedded world it is on, because a feature may read well and write nothing.",
        )  # fmt: skip
        min_output = st.number_input(
            "At least", 0.0, 1.0, usual.min_output_score, 0.001, key=f"rank_output_{in_world}",
            persist_state="session", format="%.4f",
            disabled=not use_output,
        )  # fmt: skip
        use_top = st.toggle("Top K", False, key="rank_use_top", persist_state="session")
        top = st.number_input("K", 1, 1000, 20, key="rank_top", persist_state="session", disabled=not use_top)
    return RankingSettings(
        pi0=_PRIORS[prior],  # type: ignore[arg-type]  # a number or "auto"
        heldout=float(heldout),
        seed=int(seed),
        positions=positions,
        candidates=int(candidates),
        min_support=int(min_support),
        max_density=float(max_density),
        min_output_score=float(min_output),
        top_k=int(top),
        use_support=use_support,
        use_density=use_density,
        use_output_score=use_output,
        use_top_k=use_top,
    )


def put_settings(settings: "RankingSettings") -> None:
    """Give the controls of `settings_controls` these values, before they are drawn; what they do not offer is left."""
    in_world = is_world_model(chosen.model)
    prior = next((name for name, value in _PRIORS.items() if value == settings.pi0), None)
    if prior is None or settings.heldout > 0.6:
        return
    st.session_state[f"rank_positions_{in_world}"] = settings.positions
    st.session_state[f"rank_pi0_{in_world}"] = prior
    st.session_state["rank_heldout"] = settings.heldout
    st.session_state["rank_seed"] = settings.seed
    st.session_state["rank_candidates"] = settings.candidates
    st.session_state["rank_use_support"] = settings.use_support
    st.session_state["rank_support"] = settings.min_support
    st.session_state["rank_use_density"] = settings.use_density
    st.session_state["rank_density"] = settings.max_density
    st.session_state[f"rank_use_output_{in_world}"] = settings.use_output_score
    st.session_state[f"rank_output_{in_world}"] = settings.min_output_score
    st.session_state["rank_use_top"] = settings.use_top_k
    if settings.top_k is not None:
        st.session_state["rank_top"] = settings.top_k


def summary(ranking: "Ranking") -> None:
    """What was found, in one row of numbers, and what the filters took away."""
    best = ranking.features[0] if ranking.features else None
    sure = sum(feature.q_value is not None and feature.q_value < 0.05 for feature in ranking.features)
    with st.grid(min_column_width=140, gap="small", key="ranking_summary"):
        st.metric("Examples", f"{ranking.n_positive} + {ranking.n_negative}", border=True, help="Positives + negatives")
        noise = best is not None and best.f1c <= ranking.null_f1c
        st.metric(
            "First feature", "none" if best is None else str(best.feature_id), border=True,
            delta="within the noise" if noise else None, delta_color="off", delta_arrow="off",
            help="First of the ranking: highest calibrated F1 on the training part. Within the noise: shuffled labels "
            "reach as much; try the tuned prior π₀, or sort by held-out AUROC.",
        )  # fmt: skip
        st.metric(
            "Its held-out AUROC", _number(best.auroc_heldout if best else None), border=True,
            help="Of the firing frequency, on examples nothing was fitted on. "
            + (f"95 % interval {best.interval[0]:.2f} to {best.interval[1]:.2f}." if best and best.interval else ""),
        )  # fmt: skip
        st.metric(
            "With q < 0.05", f"{sure} of {len(ranking.features)}", border=True,
            help="Of the ranked features. The expected share of false discoveries among them is below 5 % "
            "(Benjamini–Yekutieli over an exact label-permutation test on the held-out part).",
        )  # fmt: skip
        st.metric(
            "Noise floor of F1c", f"{ranking.null_f1c:.2f}", border=True,
            help="With shuffled labels the best of all features stays below this in 95 % of shuffles.",
        )  # fmt: skip
    for warning in ranking.warnings:
        st.caption(f":orange[:material/info:] {plain(warning)}")


def unrankable(run: "RankingRun", label: str) -> str:
    """Why a label has no ranking."""
    positive = run.examples.label(label)[run.split.train]
    n, found = len(positive), int(positive.sum())
    rows = counted(n, "training row")
    if found == n:
        what = f"every one of the {rows} carries it"
    elif found == 0:
        what = f"none of the {rows} carries it"
    else:
        what = f"{found} of the {rows} carry it, and it was left out; rank again"
    return f"“{label}” cannot be ranked: {what}. Add rows of the other kind, choose another label, or hold out fewer."


def uncovered_note(run: "RankingRun", label: str) -> None:
    """Say so where a label's positives could not be divided over training and held-out part."""
    if label in run.split.uncovered:
        st.caption(
            f":orange[:material/info:] The positives of {plain(label)} all lie in one part: too few groups to divide. "
            "Held-out numbers say nothing about them."
        )


def filter_steps(ranking: "Ranking") -> None:
    """Every filter with how many features it removed."""
    st.markdown("**What was left out**")
    rows = [
        {
            "filter": step.name,
            "on": step.enabled,
            "before": step.n_before,
            "removed": step.n_removed,
            "why": step.description,
        }
        for step in ranking.filters
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        key="filter_steps",
        column_config={
            "before": st.column_config.NumberColumn(width=70),
            "why": st.column_config.TextColumn(width=420),
        },
    )


def feature_table(ranking: "Ranking") -> pd.DataFrame:
    """The ranking as it is shown: one row per feature, plain columns."""
    return pd.DataFrame(
        {
            "feature": [feature.feature_id for feature in ranking.features],
            "tokens": [
                " ".join(token.strip() for token in (feature.top_tokens or ())[:6]) for feature in ranking.features
            ],
            "reads": [feature.f1c for feature in ranking.features],
            "heldout": [feature.auroc_heldout for feature in ranking.features],
            "interval": [
                f"{feature.interval[0]:.2f} – {feature.interval[1]:.2f}" if feature.interval else "–"
                for feature in ranking.features
            ],
            "q": [feature.q_value for feature in ranking.features],
            "writes": [feature.output_score for feature in ranking.features],
            "confidence": [feature.delta_confidence for feature in ranking.features],
            "support": [feature.support for feature in ranking.features],
            "density": [feature.density for feature in ranking.features],
            "max_act": [feature.max_act for feature in ranking.features],
            "also": [feature.best_label for feature in ranking.features],
        }
    )


def ranked_table(run: "RankingRun", ranking: "Ranking") -> None:
    """The table of features; a click chooses the one that is looked at."""
    table = feature_table(ranking)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.text_input(
            "Search", key="features_search", placeholder="token or feature id", persist_state="session", width=240
        )
        only_sure = st.toggle("Only q < 0.05", key="features_sure", persist_state="session")
        ranking_download(run, ranking)
    shown = table
    if wanted.strip():
        needle = wanted.strip().lower()
        shown = shown[
            shown["tokens"].str.lower().str.contains(needle, regex=False) | (shown["feature"].astype(str) == needle)
        ]
    if only_sure:
        shown = shown[shown["q"].astype(float) < 0.05]
    shown = shown.reset_index(drop=True)
    if shown.empty:
        st.info("No feature fits this search.", icon=":material/search_off:")
        return
    top_write = max(1e-9, float(table["writes"].astype(float).max(skipna=True) or 0.0))
    bar = st.column_config.ProgressColumn
    number = st.column_config.NumberColumn

    def choose() -> None:
        rows = st.session_state["features_table"]["selection"]["rows"]
        if rows:
            chosen.feature_id = int(shown["feature"].iloc[rows[0]])

    st.dataframe(
        shown,
        key="features_table",
        hide_index=True,
        width="stretch",
        height=min(330, 36 * (len(shown) + 1)),
        on_select=choose,
        selection_mode="single-row",
        column_order=[
            "feature", "tokens", "reads", "heldout", "interval", "q", "writes", "confidence", "support", "density",
            "max_act", *(["also"] if shown["also"].notna().any() else []),
        ],
        column_config={
            "feature": number("Feature", format="%d", width=70, pinned=True),
            "tokens": st.column_config.TextColumn("Promotes", width=180, help="Logit-lens tokens"),
            "reads": bar("Reads: F1c", width=120, min_value=0.0, max_value=1.0, format="%.2f", help="Calibrated F1"),
            "heldout": bar("Held-out AUROC", width=120, min_value=0.0, max_value=1.0, format="%.2f"),
            "interval": st.column_config.TextColumn("95 % interval", width=110),
            "q": number("q", format="%.2g", width=80, help="False-discovery rate"),
            "writes": bar("Writes: S_out", width=120, min_value=0.0, max_value=top_write, format="%.4f"),
            "confidence": number("Δ confidence", format="%.2f", help="Wang's change of token confidence, nats"),
            "support": number("Support", help="Training positives on which it fires"),
            "density": number("Density", format="percent", help="Share of all tokens on which it fires"),
            "max_act": number("Max act", format="%.2f"),
            "also": st.column_config.TextColumn("Reads best", help="Of all labels, the one this feature reads best"),
        },
    )  # fmt: skip


def scatter(ranking: "Ranking") -> None:
    """Reads against writes; a click chooses the feature that is looked at."""
    points = [feature for feature in ranking.features if feature.output_score is not None]
    if not points:
        st.caption("Output scores were not measured.")
        return
    held_out = all(feature.auroc_heldout is not None for feature in points)
    figure = charts.reads_writes(
        [feature.feature_id for feature in points],
        [feature.auroc_heldout if held_out else feature.auroc for feature in points],  # type: ignore[misc]
        [feature.output_score for feature in points],  # type: ignore[misc]
        chosen=chosen.features,
        current=chosen.feature_id,
        hints=[" ".join((feature.top_tokens or ())[:5]) for feature in points],
        reads_name="Reads: held-out AUROC" if held_out else "Reads: AUROC",
    )
    clicked = charts.show(
        figure, key="features_scatter", select=True,
        alt=f"Scatter of {len(points)} features: how well each reads the concept against its output score.",
    )  # fmt: skip
    # A click stays in the chart's state; it counts once, so that the table can choose another feature afterwards.
    if clicked and is_news("features_scatter", clicked):
        chosen.feature_id = int(clicked[0])
        st.rerun()


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
