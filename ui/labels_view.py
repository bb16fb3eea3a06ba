"""How is a table of labels looked through: by label, by feature, down to the tokens and on to steering?"""

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from steering.errors import SteeringError
from steering.feature_labels import LabelQuery, LabelTable, choose_rows, labels_of_feature, rows_csv
from steering.presets import is_world_model, presets, sae_source, sae_title
from ui import ranking_view, work
from ui.errors import boundary
from ui.feature_view import feature_panel
from ui.frame import STEPS, next_step, page_link
from ui.job_panel import job_panel
from ui.labels_source import labels_choice
from ui.state import chosen
from ui.text import counted, plain

if TYPE_CHECKING:
    from steering.jobs import Job
    from steering.workbench import RankingRun

VIEWS = {"ranking": ":material/manage_search: Ranking", "labels": ":material/label: Labels"}
MOST_ROWS = 2_000
_FEATURE, _READ_NEXT = "steerscope.labels_feature", "steerscope.labels_read_next"


def view_choice() -> str:
    """Which of the screen's views is open."""
    view = st.segmented_control(
        "View", list(VIEWS), format_func=VIEWS.__getitem__, default="ranking", required=True, key="features_view",
        persist_state="session", label_visibility="collapsed",
        help="Ranking: features of one label. Labels: a label for every feature, from a labelling run.",
    )  # fmt: skip
    return str(view)


def labels_view() -> None:
    """The whole view."""
    found = labels_choice()
    if found is None:
        return
    reason = elsewhere(found, chosen.model, chosen.sae)
    _origin(found, reason)
    query = _controls(found)
    rows = choose_rows(found.table, query)
    _rows(found, rows, query, here=reason is None)
    feature_id = _looked_at(found)
    if feature_id is not None:
        st.divider()
        with boundary("The feature could not be read"):
            _feature(found, feature_id, reason)


def elsewhere(found: LabelTable, model: str, sae: str) -> str | None:
    """Why the features of a table are not those of the session's SAE; None where they are.

    A feature id is a number in one SAE: the same number in another is another feature.
    """
    try:
        present = sae_title(sae_source(model, sae))
    except SteeringError:
        present = sae
    if (found.model, found.sae) != (model, present):
        return (
            f"These are features of the SAE {found.sae} on {found.model}; the session works with {present} on {model}, "
            "where the same numbers are other features."
        )
    if "world" in found.metadata and found.metadata["world"] != _shipped_weights(model, present):
        return (
            f"The table was made with other weights of {found.sae} on {found.model} than those on this machine; the "
            "same numbers may be other features. Label again, or take the world that belongs to it."
        )
    return None


def _shipped_weights(model: str, sae: str) -> dict[str, str] | None:
    """What the world's manifest says about the weights, as a stored table repeats it."""
    from steering.world.shipped import manifest

    try:
        hashes: dict[str, str] = manifest()["sha256"]
    except (SteeringError, KeyError):
        return None
    places = {"model_sha256": f"{model}/model/", "sae_sha256": f"{model}/saes/{sae}/"}
    found = {
        key: next((hash for path, hash in sorted(hashes.items()) if _is_weights(path, folder)), "")
        for key, folder in places.items()
    }
    return found if all(found.values()) else None


def _is_weights(path: str, folder: str) -> bool:
    return path.startswith(folder) and "/" not in path[len(folder) :] and path.endswith(".safetensors")


def _origin(found: LabelTable, reason: str | None) -> None:
    """Whose features these are, from how many examples, and whether they are those at hand."""
    known = found.metadata
    several = f", {known['n_several']:,} with several labels" if known.get("n_several") else ""
    n = sum(int(known.get(f"n_{part}", 0)) for part in ("train", "validation", "test"))
    parts = [
        f"SAE {plain(found.sae)} on {plain(found.model)}",
        f"{plain(str(known.get('examples', 'examples')))}: {counted(n, 'example')}{several}",
        f"{known.get('n_features_labelled', 0):,} of {known.get('d_sae', 0):,} features got one of "
        f"{counted(len(found.labels), 'label')}",
        f"π₀ {known.get('pi0', 0):g}",
    ]
    st.caption(" · ".join(parts))
    truth = known.get("truth")
    if isinstance(truth, dict) and truth.get("precision") is not None:
        st.caption(
            f"The world knows the truth: of the {truth['accepted']:,} names with q ≤ 0.05, {truth['precision']:.0%} "
            f"are right on fresh sentences, and {truth['recall']:.0%} of the concepts have a right one."
        )
    if reason is None:
        return
    with st.container(border=True, key="labels_elsewhere"):
        st.markdown(f":orange[:material/warning:] &nbsp;{plain(reason)}")
        preset = presets().get(found.model)
        if preset is not None and found.sae in preset.saes and (chosen.model, chosen.sae) != _pair(found):
            st.button(
                f"Work with {found.sae} on {found.model}", key="labels_take_pair", icon=":material/memory:",
                on_click=_take_pair, args=(found,),
                help="Changes the session's model and SAE: examples stay, the ranking is made anew.",
            )  # fmt: skip


def _pair(found: LabelTable) -> tuple[str, str]:
    return found.model, found.sae


def _take_pair(found: LabelTable) -> None:
    chosen.model, chosen.sae = _pair(found)


# -- search and table ------------------------------------------------------------------------------------------------


def _controls(found: LabelTable) -> LabelQuery:
    with st.container(horizontal=True, vertical_alignment="bottom", key="labels_controls"):
        search = st.text_input(
            "Search", key="labels_search", placeholder="label or feature id", max_chars=200, persist_state="session",
            width=220,
        )  # fmt: skip
        labels = st.multiselect(
            "Labels", found.labels, key=f"labels_of_{work.key_of(found.labels)}", placeholder="All", width=320,
            help="Features of these labels. With several, you can ask for the features that they share.",
        )  # fmt: skip
        support = st.number_input(
            "Least support", 1, 1_000_000, 1, key="labels_support", persist_state="session", width=130,
            help="Training positives on which the feature fires.",
        )  # fmt: skip
        limit = st.number_input(
            "Largest q", 0.0, 1.0, 1.0, 0.01, key="labels_q", persist_state="session", width=130, format="%.3f",
            help="False-discovery rate over all pairs of the table, on the test part. 1 also shows pairs that could "
            "not be tested.",
        )  # fmt: skip
        names_only = st.toggle(
            "Only names", key="labels_names", persist_state="session",
            help="Only rows whose label is the feature's name: the label it reads best of all.",
        )  # fmt: skip
        shared = len(labels) > 1 and st.toggle(
            "Shared by all", key="labels_shared", help="Only features that have a row for each of the chosen labels."
        )
    return LabelQuery(
        search=search,
        labels=tuple(labels),
        shared=shared,
        min_support=int(support),
        max_q=None if limit >= 1 else float(limit),
        names_only=names_only,
    )


def shown_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as the screen shows them, the first ones where there are very many."""
    first = rows.head(MOST_ROWS)
    columns = [
        "label", "feature_id", "rank", "best_label", "f1c_train", "f1c_validation", "f1c_test", "q_value", "support",
        "tp", "tau", "output_score", "max_act",
    ]  # fmt: skip
    tokens = [
        " ".join(token.strip() for token in found[:6]) if found is not None else "" for found in first["top_tokens"]
    ]
    return first[columns].assign(tokens=tokens)


def _rows(found: LabelTable, rows: pd.DataFrame, query: LabelQuery, *, here: bool) -> None:
    """The table; a click chooses the feature that is looked at, also in the ranking where it is of the same SAE."""
    if rows.empty:
        st.info("No row fits this search and these filters.", icon=":material/search_off:")
        return
    shown = shown_table(rows)
    what = "the first feature of every label" if query.is_open else counted(len(rows), "row")
    if len(rows) > len(shown):
        what += f", the first {len(shown):,} are shown"
    st.caption(f"Shown: {what}. A click on a row looks at its feature.")
    bar, number = st.column_config.ProgressColumn, st.column_config.NumberColumn
    top_write = max(1e-9, float(found.table["output_score"].max(skipna=True) or 0.0))
    key = f"labels_table_{work.key_of(found.title, query)}"

    def look() -> None:
        selected = st.session_state[key]["selection"]["rows"]
        if selected:
            feature_id = int(shown["feature_id"].iloc[selected[0]])
            st.session_state[_FEATURE] = (found.model, found.sae, feature_id)
            if here:
                chosen.feature_id = feature_id

    def f1c(part: str, help: str) -> Any:
        return bar(part, width=105, min_value=0.0, max_value=1.0, format="%.2f", help=help)

    st.dataframe(
        shown,
        key=key,
        hide_index=True,
        width="stretch",
        height=min(430, 36 * (len(shown) + 1)),
        on_select=look,
        selection_mode="single-row",
        column_config={
            "label": st.column_config.TextColumn("Label", width=130, pinned=True),
            "feature_id": number("Feature", format="%d", width=70),
            "rank": number("Rank", width=60, help="Place among the label's features, by F1c of the training part"),
            "best_label": st.column_config.CheckboxColumn("Name", width=60, help="The feature reads this label best"),
            "f1c_train": f1c("F1c train", "The threshold was fitted here"),
            "f1c_validation": f1c("F1c valid.", "The prior was chosen here"),
            "f1c_test": f1c("F1c test", "Nothing was chosen here"),
            "q_value": number("q", format="%.2g", width=80, help="False-discovery rate, test part"),
            "support": number("Support", width=75, help="Training positives on which it fires"),
            "tp": number("Found", width=70, help="Training positives at or above τ"),
            "tau": number("τ", format="percent", width=70, help="Share of tokens from which on it says yes"),
            "output_score": bar("Writes: S_out", width=105, min_value=0.0, max_value=top_write, format="%.3f"),
            "max_act": number("Max act", format="%.2f", width=80),
            "tokens": st.column_config.TextColumn("Promotes", width=200, help="Logit-lens tokens"),
        },
    )  # fmt: skip
    # Below the table: above it the table's own toolbar would lie over the button.
    st.download_button(
        f"These {len(rows):,} rows as CSV" if len(rows) > 1 else "This row as CSV", data=lambda: rows_csv(rows),
        file_name="labels.csv", mime="text/csv", key="labels_csv", icon=":material/download:", type="tertiary",
        on_click="ignore",
    )  # fmt: skip


# -- one feature -----------------------------------------------------------------------------------------------------


def _looked_at(found: LabelTable) -> int | None:
    """The feature that was clicked, as long as its table is shown."""
    model, sae, feature_id = st.session_state.get(_FEATURE, ("", "", None))
    return feature_id if (model, sae) == _pair(found) and feature_id is not None else None


def _feature(found: LabelTable, feature_id: int, reason: str | None) -> None:
    """All labels of one feature, and the feature itself where the session can read it."""
    own = labels_of_feature(found.table, feature_id)
    told = [
        f"**{plain(row['label'])}**{' (its name)' if row['best_label'] else ''} F1c {row['f1c_train']:.2f} train, "
        f"{_number(row['f1c_test'])} test, q {_number(row['q_value'], '.2g')}"
        for row in own.head(6).to_dict("records")
    ]
    more = f" · and {len(own) - 6} more" if len(own) > 6 else ""
    st.markdown(f"Labels of feature {feature_id}: " + " · ".join(told) + more)
    if reason is not None:
        st.info(
            f"Feature {feature_id} cannot be looked at or steered with now: {plain(reason)}", icon=":material/block:"
        )
        return
    run = work.ranking_run()
    if run is None:
        _read_examples(found, feature_id, str(own["label"].iloc[0]))
        return
    label = next((name for name in own["label"] if name in run.rankings), chosen.label)
    if label not in run.rankings:
        st.warning(plain(ranking_view.unrankable(run, str(label))), icon=":material/info:")
        return
    feature_panel(run, run.rankings[label], feature_id)
    _steer(run, feature_id)


def _steer(run: "RankingRun", feature_id: int) -> None:
    if feature_id in chosen.features and run.statistics.max_act[feature_id] == 0:
        st.warning(
            f"Feature {feature_id} never fires on your examples, so its factor has no unit; bring examples of its "
            "label.",
            icon=":material/info:",
        )
    next_step(
        STEPS[2].page,
        "Steer with the chosen features" if chosen.features else "Steer",
        ready=bool(chosen.features),
        why_not="Choose a feature first: “Steer with it”.",
        key="labels_to_steer",
    )


def _read_examples(found: LabelTable, feature_id: int, label: str) -> None:
    """The way from a row to the feature's detail, where no examples were read yet."""
    job = work.latest("ranking")
    if work.examples() is None:
        st.markdown("Bring examples to see on which tokens it fires, and to steer with it.")
        with st.container(horizontal=True, vertical_alignment="center"):
            if is_world_model(found.model) and label in _concepts():
                st.button(
                    f"Take the world's examples of {label}", key="labels_world_examples", type="primary",
                    icon=":material/public:", on_click=_take_world, args=(label,),
                )  # fmt: skip
            page_link(STEPS[0].page, "Go to Examples", icon=":material/arrow_forward:")
        return
    st.markdown("Read your examples to see on which tokens it fires, and to steer with it.")
    pressed = st.button("Read my examples", key="labels_read", type="primary", icon=":material/play_arrow:")
    if pressed or st.session_state.pop(_READ_NEXT, False):
        job = _start_ranking() or job
    job_panel(job, key="labels_ranking_job")
    if ranking_view.take_result(job):
        chosen.feature_id = feature_id
        st.rerun()


def _start_ranking() -> "Job | None":
    job = None
    with boundary("The examples could not be read"):
        job = work.start_ranking(ranking_view.usual_settings(chosen.model))
        job.wait(0.3)
    return job


def _concepts() -> set[str]:
    from steering.world.concepts import concepts

    return {one.name for one in concepts()}


def _take_world(label: str) -> None:
    from ui.examples_draft import WorldRecipe, from_world, take

    take(from_world(WorldRecipe(label)))
    st.session_state[_READ_NEXT] = True


def _number(value: float, form: str = ".2f") -> str:
    return "–" if pd.isna(value) else format(value, form)
