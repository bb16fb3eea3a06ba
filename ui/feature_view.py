"""How is one feature looked at: on which of the user's tokens it fires, how it divides the classes, what it writes?"""

from typing import TYPE_CHECKING

import streamlit as st

from steering import runtime
from steering.neuronpedia import dashboard_url, feature_url, quick_list_url
from steering.report.heat import content_tokens, row_title, strongest_rows
from steering.studies.study import MAX_CHOSEN
from ui import charts
from ui.errors import boundary
from ui.heatmap import HeatmapRow, heatmap
from ui.job_panel import job_panel
from ui.palette import POSITIVE, feature_colour
from ui.state import chosen, toggle_feature
from ui.text import plain
from ui.work import ShownExamples, heatmap_id, latest, request_of, start_heatmap

if TYPE_CHECKING:
    from steering.ranking import FeatureRank, Ranking
    from steering.workbench import RankingRun

PER_PAGE = 10
MOST_ROWS = 60
QUICK_SECONDS = 2.0
MOST_FEATURES = MAX_CHOSEN


def feature_panel(run: "RankingRun", ranking: "Ranking", feature_id: int) -> None:
    """Everything about one feature."""
    rank = next((feature for feature in ranking.features if feature.feature_id == feature_id), None)
    picked = feature_id in chosen.features
    colour = feature_colour(chosen.features.index(feature_id)) if picked else POSITIVE
    head, button = st.columns([3, 1], vertical_alignment="center")
    head.subheader(f"Feature {feature_id}", anchor=False)
    if button.button(
        "Take out" if picked else "Steer with it",
        key="feature_pick",
        icon=":material/remove:" if picked else ":material/add:",
        type="secondary" if picked else "primary",
        width="stretch",
    ):
        if not toggle_feature(feature_id):
            st.toast("Four features at most; take one out first.", icon=":material/block:")
        else:
            chosen.features_title = _title(chosen.features)
            st.rerun()
    if rank is not None:
        _lens(rank)
    _neuronpedia(run, feature_id)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _examples(run, ranking, feature_id, colour)
    with right:
        _histogram(run, ranking, feature_id, rank, colour)


def feature_picker(run: "RankingRun", label: str) -> None:
    """Choose up to four features to steer with, without going back to the table."""
    ranked = [feature.feature_id for feature in run.rankings[label].features] if label in run.rankings else []
    options = list(dict.fromkeys([*chosen.features, *ranked]))
    if not options:
        st.info("The ranking is empty; loosen its filters on the Features screen.", icon=":material/info:")
        return
    about = {feature.feature_id: feature for feature in run.rankings[label].features}

    def describe(feature_id: int) -> str:
        rank = about.get(feature_id)
        whole = [token.strip() for token in (rank.top_tokens or ()) if "\ufffd" not in token] if rank else []
        tokens = " ".join(whole[:3])  # a piece of a character says nothing in a menu
        return f"{feature_id}" + (f"  ({tokens})" if tokens else "")

    # The session's choice is the truth and the widget its mirror: features are chosen on other screens too.
    key = f"pick_{chosen.ranking_id}"
    st.session_state[key] = list(chosen.features)
    st.multiselect(
        "Features", options, format_func=describe, max_selections=MOST_FEATURES, key=key,
        placeholder="Choose up to four, best first", on_change=lambda: choose_features(tuple(st.session_state[key])),
    )  # fmt: skip
    if not chosen.features:
        st.button(
            f"Use the best one: feature {options[0]}", key="pick_best", type="primary", icon=":material/star:",
            on_click=choose_features, args=((options[0],),),
        )  # fmt: skip


def choose_features(features: tuple[int, ...]) -> None:
    """Steer with these features, in this order."""
    chosen.features = features
    chosen.features_title = _title(features)


def _title(features: tuple[int, ...]) -> str | None:
    return None if not features else f"Feature{'s' if len(features) > 1 else ''} {', '.join(map(str, features))}"


def _lens(rank: "FeatureRank") -> None:
    if rank.top_tokens:
        tokens = " ".join(f"`{_shown(token)}`" for token in rank.top_tokens[:12])
        st.markdown(f"Promotes {tokens}")


def _neuronpedia(run: "RankingRun", feature_id: int) -> None:
    """Links to Neuronpedia; its dashboard stands here once it is asked for, and nothing is fetched before."""
    if run.neuronpedia_id is None:
        return
    key = f"neuronpedia_{run.neuronpedia_id}_{feature_id}"
    with boundary("Neuronpedia has no page for this SAE"):
        with st.container(horizontal=True, key="neuronpedia"):
            st.link_button("On Neuronpedia", feature_url(run.neuronpedia_id, feature_id), icon=":material/open_in_new:")
            shown = st.toggle(
                "Show its dashboard here", key=key, help="Your browser then loads this page from www.neuronpedia.org."
            )
            if chosen.features:
                name = f"Steerscope: {chosen.label or 'features'}"
                st.link_button(
                    f"All {len(chosen.features)} chosen" if len(chosen.features) > 1 else "The chosen one as a list",
                    quick_list_url(run.neuronpedia_id, chosen.features, name=name), icon=":material/list:",
                )  # fmt: skip
        if shown:
            st.iframe(dashboard_url(run.neuronpedia_id, feature_id), height=520)


def _shown(token: str) -> str:
    # Inside a code span only the backtick and the line break mean something.
    return token.replace("`", "ˋ").replace("\n", "↵").replace(" ", "·") or "∅"


def _examples(run: "RankingRun", ranking: "Ranking", feature_id: int, colour: str) -> None:
    which = st.segmented_control(
        "Examples", ["Positives", "Negatives", "Both"], default="Positives", required=True, key="feature_class",
        persist_state="session", label_visibility="collapsed",
    )  # fmt: skip
    rows = strongest_rows(run, ranking.label, feature_id, which)[:MOST_ROWS]
    pages = max(1, -(-len(rows) // PER_PAGE))
    page = st.pagination(pages, key=f"feature_page_{feature_id}_{which}") if pages > 1 else 1
    shown = tuple(int(row) for row in rows[(page - 1) * PER_PAGE : page * PER_PAGE])
    found: ShownExamples | None = runtime.store.get("heatmap", heatmap_id(feature_id, shown))
    if found is None:
        job = latest("heatmap")
        # One that was stopped or failed for these rows is started again by its button alone.
        if job is None or request_of("heatmap") != heatmap_id(feature_id, shown):
            job = start_heatmap(run, feature_id, shown)
            # On a small model the answer is there before a progress bar could be drawn.
            job.wait(QUICK_SECONDS)
        found = runtime.store.get("heatmap", heatmap_id(feature_id, shown))
        if found is None:
            job_panel(job, key="heatmap_job")
            if not job.active and st.button("Read again", key="heatmap_again", icon=":material/refresh:"):
                start_heatmap(run, feature_id, shown)
                st.rerun()
            return
    positive = run.examples.label(ranking.label)
    drawn: list[HeatmapRow] = []
    for row, tokens in zip(found.rows, found.tokens, strict=True):
        values = tokens.values[:, 0]
        texts, acts = content_tokens(tokens)
        drawn.append(
            {
                "tokens": texts,
                "values": acts,
                "label": "positive" if positive[row] else "negative",
                "title": row_title(run, row),
                "score": float(values.max(initial=0.0)),
            }
        )
    heatmap(
        drawn, max_value=float(run.statistics.max_act[feature_id]), key="feature_heatmap", colour=colour, height=520,
        label=f"Activation of feature {feature_id} on each token",
    )  # fmt: skip


def _histogram(run: "RankingRun", ranking: "Ranking", feature_id: int, rank: "FeatureRank | None", colour: str) -> None:
    positive = run.examples.label(ranking.label)
    frequency = run.statistics.frequency[:, [feature_id]].toarray()[:, 0]
    st.markdown("**How it divides the classes**")
    charts.show(
        charts.histogram_by_class(
            frequency[positive].tolist(),
            frequency[~positive].tolist(),
            tau=rank.tau if rank else None,
            value_name="Share of the example's tokens on which it fires",
            colour=colour,
        ),
        key="feature_histogram",
        alt=f"Histogram of the firing frequency of feature {feature_id}, positives against negatives.",
    )
    if rank is None:
        st.caption("This feature did not make it into the ranking.")
        return
    rows = {
        "calibrated F1, training": f"{rank.f1c:.3f}",
        "calibrated F1, held out": _text(rank.f1c_heldout),
        "AUROC, training": f"{rank.auroc:.3f}",
        "AUROC, held out": _text(rank.auroc_heldout)
        + (f" ({rank.interval[0]:.2f} – {rank.interval[1]:.2f})" if rank.interval else ""),
        "q-value": "–" if rank.q_value is None else f"{rank.q_value:.2g}",
        "threshold τ": f"{rank.tau:.1%} of tokens: finds {rank.tpr:.0%}, false alarms {rank.fpr:.1%}",
        "max activation": f"{rank.max_act:.2f}",
        "density": f"{rank.density:.2%} of tokens",
        "output score": _text(rank.output_score, 4),
        "Δ token confidence": _text(rank.delta_confidence),
    }
    st.table({"": list(rows), plain(ranking.label): list(rows.values())}, border="horizontal")


def _text(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
