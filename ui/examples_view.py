"""What do the examples on the screen look like: which columns, which texts, how many, how long, what is wrong?"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pandas as pd
import streamlit as st

from steering.examples import LabelledExamples, LabelStyle, Report
from steering.examples.findings import Severity
from steering.examples.labelling import split_labels
from steering.exports.spreadsheet import spreadsheet_csv
from steering.presets import is_world_model
from ui import examples_draft as drafts
from ui.errors import boundary, show_error
from ui.examples_draft import Draft
from ui.frame import STEPS, next_step
from ui.palette import NEGATIVE, POSITIVE
from ui.state import chosen
from ui.text import counted, plain

MAX_EDITED_ROWS = 5_000
"""More rows are shown but not edited: the browser gets all of them with every change."""

STYLES: dict[LabelStyle, str] = {
    "binary": "Yes or no",
    "one_of_many": "One of many",
    "several": "Several per row",
}
SEPARATORS = {";": "; semicolon", "|": "| bar", ",": ", comma", "/": "/ slash", "\t": "tab", "\n": "line break"}
CHECKS = {
    "duplicate": "repeated",
    "contradiction": "contradictory",
    "contradiction_across_prompts": "differs by prompt",
    "empty_text": "no text",
    "missing_label": "no label",
    "unknown_label": "unknown label",
    "near_identical": "nearly a copy",
    "long_text": "long",
    "no_label": "no label",
}
_MARKS: dict[Severity, str] = {
    "error": ":red[:material/error:]",
    "warning": ":orange[:material/warning:]",
    "note": ":gray[:material/info:]",
}
_NO = "\0"  # the option for "none": an empty choice would show a placeholder
_SHOWN_FINDINGS = 4
_HEIGHT = 460
_BINS = 12

_GENERATION = "steerscope.examples.generation"
_EDITS = "steerscope.examples.edits"
_START = "steerscope.examples.start"
_SHOWN_VALUES = 100


# -- heading ---------------------------------------------------------------------------------------------------------


def empty() -> None:
    """What stands where the examples will be."""
    with st.container(border=True, gap=None, key="examples_empty"):
        st.space("small")
        st.markdown("##### No examples yet", text_alignment="center")
        st.caption(
            "A set is a few dozen texts that carry your concept and as many that do not.  \n"
            "One click on a concept above makes one; or upload or paste your own.",
            text_alignment="center",
        )
        st.space("small")


def heading(id: str, draft: Draft) -> None:
    """Name and size of the set, the label to look for, and the way on."""
    several = draft.examples is not None and len(draft.examples.label_names) > 1
    words, actions = st.columns([3, 5] if several else [5, 3], vertical_alignment="bottom")
    with words, st.container(gap=None):
        st.subheader(plain(draft.name) + (" · edited" if draft.edited else ""), anchor=False)
        st.caption(_told(draft))
    with actions, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="bottom"):
        _undo(draft)
        _label_choice(draft)
        unsaved = has_unsaved_edits(id)
        next_step(
            STEPS[1].page,
            "Find features",
            ready=draft.usable and not unsaved,
            why_not="Apply or discard your edits first." if unsaved else "These examples cannot be ranked yet.",
            key="find_features",
        )
    if draft.error is not None:
        show_error(draft.error, title="These examples cannot be used yet")
        used = drafts.in_use()
        if used is not None:
            st.caption(f"Still in use: {plain(used.name)}.")
    if draft.axbench is not None:
        st.info(plain(draft.axbench.message), title="Read as AxBench's own data", icon=":material/dataset:")
    if draft.origin != "world" and is_world_model(chosen.model):
        st.caption(
            ":material/info: &nbsp;This model has only ever seen the embedded world's text; unless yours was drawn "
            "from it, it has never seen text like yours, so features may read single letters and words. Everything "
            "works; for real findings choose a model trained on such text."
        )


def _told(draft: Draft) -> str:
    told = {"world": "embedded world", "upload": "uploaded", "paste": "pasted"}[draft.origin]
    if draft.examples is None:
        return f"{counted(draft.table.n_read, 'row')} · {told}"
    left_out = draft.report.n_left_out if draft.report is not None else 0
    rest = f" · {counted(left_out, 'row')} left out" if left_out else ""
    warnings = len(draft.report.warnings) if draft.report is not None else 0
    warned = f" · {counted(warnings, 'warning')}" if warnings else ""
    return f"{counted(draft.examples.n, 'example')}{rest}{warned} · {told}"


def _undo(draft: Draft) -> None:
    used = drafts.in_use()
    old = used if used is not None and not draft.usable else drafts.before() if draft.usable else None
    if old is not None:
        st.button(
            "Undo" if draft.usable else "Keep the earlier set",
            key="examples_back",
            icon=":material/undo:",
            type="tertiary",
            on_click=drafts.go_back,
            help=f"Take {plain(old.name)} again ({plain(_told(old))})",
        )


def _label_choice(draft: Draft) -> None:
    if draft.examples is None or len(draft.examples.label_names) < 2:
        return
    names = drafts.rankable_labels(draft.examples) if draft.usable else list(draft.examples.label_names)
    titles = _world_titles(draft)
    if draft.usable and len(names) > 1:
        st.session_state.examples_label = chosen.label if chosen.label in names else names[0]
        st.selectbox(
            "Label to look for",
            names,
            format_func=lambda name: titles.get(name, name),
            key="examples_label",
            on_change=_choose_label,
            width=230,
        )


def _choose_label() -> None:
    chosen.label = st.session_state.examples_label


def _world_titles(draft: Draft) -> dict[str, str]:
    if draft.origin != "world":
        return {}
    from steering.world.concepts import concepts

    return {concept.name: concept.title for concept in concepts()}


def label_on_screen(draft: Draft) -> str | None:
    """The label whose sides are shown: the chosen one where the set has it."""
    if draft.examples is None or not draft.examples.label_names:
        return None
    names = draft.examples.label_names
    return chosen.label if chosen.label in names else names[0]


# -- columns ---------------------------------------------------------------------------------------------------------


def columns_panel(draft: Draft) -> None:
    """What the columns mean: guessed, and changeable."""
    if draft.origin != "upload":
        return
    mapping = draft.mapping
    parts = [f"text: {plain(mapping.text)}"]
    parts += [f"prompt: {plain(mapping.prompt)}"] if mapping.prompt else []
    parts += [
        f"label: {plain(mapping.label)} ({STYLES[mapping.style].lower()})" if mapping.label else "label: not found"
    ]
    with st.expander(
        f"Columns · {' · '.join(parts)}",
        expanded=mapping.label is None or draft.examples is None,
        icon=":material/view_column:",
        key=f"examples_columns_{draft.table.name}",
    ):
        columns = list(draft.table.columns)
        with st.grid(min_column_width=190, gap="small"):
            _select("text", "Text", columns, "What the model reads.")
            _select(
                "label", "Label", columns, "What says which texts carry the concept.", placeholder="Choose a column"
            )
            _select("style", "How the label is written", list(STYLES), None, told=STYLES)
            if mapping.label is not None and mapping.style == "binary":
                values = [_NO, *_values(draft, mapping.label)]
                _select(
                    "positive",
                    "Positive value",
                    values,
                    "Which value means that the concept is there.",
                    told={_NO: "Automatic"},
                )
            if mapping.style == "several":
                marks = [*SEPARATORS, *({mapping.separator} - set(SEPARATORS))]
                _select("separator", "Between two labels", marks, "A cell may also be a JSON list.", told=SEPARATORS)
            _select("prompt", "Prompt", [_NO, *columns], "The instruction that the text answers.", told={_NO: "None"})
            _select(
                "group",
                "Group",
                [_NO, *columns],
                "Rows with the same value stay on one side of the held-out split.",
                told={_NO: "None"},
            )
            if mapping.style == "binary" and draft.examples is not None:
                st.session_state.examples_label_name = draft.label_name or draft.examples.label_names[0]
                st.text_input(
                    "What the concept is called",
                    key="examples_label_name",
                    max_chars=80,
                    on_change=_rename_label,
                )


def _select(
    field: str,
    label: str,
    options: list[Any],
    help: str | None,
    *,
    told: Mapping[Any, str] | None = None,
    placeholder: str | None = None,
) -> None:
    found = drafts.current()
    assert found is not None
    key = f"examples_map_{field}"
    value = getattr(found[1].mapping, field)
    st.session_state[key] = _NO if value is None and _NO in options else value
    st.selectbox(
        label,
        options,
        format_func=lambda option: (told or {}).get(option, str(option)),
        key=key,
        help=help,
        placeholder=placeholder,
        on_change=_remap,
        args=(field,),
    )


def _remap(field: str) -> None:
    found = drafts.current()
    value = st.session_state[f"examples_map_{field}"]
    value = None if value == _NO else value
    if found is None or value == getattr(found[1].mapping, field):
        return
    draft = found[1]
    if field == "label":
        if value is not None:
            drafts.attempt("upload", lambda: drafts.relabelled(draft, value))
        return
    changes: dict[str, Any] = {field: value}
    if field in {"text", "prompt", "group"} and value is not None:  # a column means one thing
        changes |= {
            other: None for other in ("prompt", "group") if other != field and getattr(draft.mapping, other) == value
        }
    if field == "style":
        changes["positive"] = None
    drafts.attempt("upload", lambda: drafts.remapped(draft, replace(draft.mapping, **changes)))


def _rename_label() -> None:
    found = drafts.current()
    if found is not None:
        name = st.session_state.examples_label_name.strip() or None
        drafts.take(drafts.settle(replace(found[1], label_name=name)))


def _values(draft: Draft, column: str) -> list[str]:
    counts = Counter(cell.strip() for cell in draft.table.column(column) if cell.strip())
    return [value for value, _ in counts.most_common(_SHOWN_VALUES)]


# -- table -----------------------------------------------------------------------------------------------------------


def has_unsaved_edits(id: str) -> bool:
    """Whether cells were changed that are not applied yet."""
    state = st.session_state.get(_editor_key(id))
    return _kept_edits(id) is not None if state is None else _changed(state) or _start(id) is not None


def table(id: str, draft: Draft) -> None:
    """The texts, to be read and edited; nothing changes before "Apply edits"."""
    rows = editor_rows(draft)
    config = _column_config(draft)
    if len(rows) > MAX_EDITED_ROWS:
        st.dataframe(rows, hide_index=True, column_config=config, height=_HEIGHT, key=f"examples_rows_{id}")
        st.caption(f"Up to {MAX_EDITED_ROWS:,} rows can be edited here; change a larger set in its file.")
        return
    if _editor_key(id) not in st.session_state and _kept_edits(id) is not None:
        # Back from another page: a new editor begins with what was edited before.
        st.session_state[_GENERATION] = st.session_state.get(_GENERATION, 0) + 1
        st.session_state[_START] = (_editor_key(id), _kept_edits(id))
    start = _start(id)
    edited = st.data_editor(
        rows if start is None else start,
        key=_editor_key(id),
        num_rows="dynamic",
        hide_index=True,
        column_config=config,
        disabled=["row", "check"],
        height=min(_HEIGHT, 35 * (len(rows) + 2) + 3),
        alt="The examples: one text per row with its label",
    )
    if not has_unsaved_edits(id):
        st.session_state.pop(_EDITS, None)
        st.caption("Double-click a cell to change it. Add a row at the end; mark rows at the left to delete them.")
        return
    st.session_state[_EDITS] = (id, edited)
    with st.container(horizontal=True, vertical_alignment="center"):
        apply = st.button("Apply edits", key="examples_apply", icon=":material/check:", type="primary")
        st.button("Discard edits", key="examples_discard", icon=":material/close:", on_click=_discard_edits)
        st.caption("Not applied yet")
    if apply:
        with boundary("The edits were not applied"):
            fresh = drafts.edited(draft, drafts.shown_columns(draft), edited)
            _discard_edits()
            drafts.take(fresh)
            st.rerun()


def _editor_key(id: str) -> str:
    return f"examples_table_{id}_{st.session_state.get(_GENERATION, 0)}"


def _kept_edits(id: str) -> pd.DataFrame | None:
    """The rows as they were edited last, where that was this draft."""
    of, rows = st.session_state.get(_EDITS, (None, None))
    return rows if of == id else None


def _start(id: str) -> pd.DataFrame | None:
    """What the present editor began with, where that was not the draft itself."""
    key, rows = st.session_state.get(_START, (None, None))
    return rows if key == _editor_key(id) else None


def _changed(state: Mapping[str, Any]) -> bool:
    return any(state.get(part) for part in ("edited_rows", "added_rows", "deleted_rows"))


def _discard_edits() -> None:
    st.session_state[_GENERATION] = st.session_state.get(_GENERATION, 0) + 1
    st.session_state.pop(_EDITS, None)
    st.session_state.pop(_START, None)


def _column_config(draft: Draft) -> dict[str, Any]:
    mapping = draft.mapping
    columns = drafts.shown_columns(draft)
    titles = _world_titles(draft)

    def origin(name: str) -> str:
        return f"Column '{plain(columns[name])}' of {plain(draft.table.name)}"

    config: dict[str, Any] = {
        "row": st.column_config.NumberColumn("Row", width=56, pinned=True, help="Counted from 1, as in the findings"),
        "text": st.column_config.TextColumn("Text", width=320, help=origin("text")),
        "check": st.column_config.TextColumn("Check", width=100, help="What was noticed about this row"),
    }
    if "prompt" in columns:
        config["prompt"] = st.column_config.TextColumn("Prompt", width="medium", help=origin("prompt"))
    if "category" in columns:
        config["category"] = st.column_config.SelectboxColumn("Category", options=_values(draft, "category"))
    if mapping.label is not None:
        values = _values(draft, mapping.label)
        if _in_lists(draft) and draft.examples is not None:
            config["label"] = st.column_config.MultiselectColumn(
                "Labels",
                options=list(draft.examples.label_names),
                accept_new_options=True,
                width=130,
                help=origin("label"),
                format_func=lambda name: titles.get(name, name),
            )
        elif mapping.style != "several" and len(values) < _SHOWN_VALUES:
            config["label"] = st.column_config.SelectboxColumn(
                "Label", options=values, width=_label_width(values), help=origin("label")
            )
        else:
            config["label"] = st.column_config.TextColumn("Label", width=_label_width(values), help=origin("label"))
    return config


def editor_rows(draft: Draft) -> pd.DataFrame:
    """The table as it is edited: row number, what is worth editing, and what was noticed about the row."""
    rows = draft.table.rows
    frame = pd.DataFrame({"row": np.asarray(rows.index, dtype=np.int64)})
    noticed: dict[int, list[str]] = {}
    for finding in draft.findings:
        for row in finding.rows:
            noticed.setdefault(row, []).append(CHECKS.get(finding.kind, finding.kind.replace("_", " ")))
    if noticed:
        frame["check"] = [", ".join(dict.fromkeys(noticed.get(int(row), []))) for row in rows.index]
    for name, column in drafts.shown_columns(draft).items():
        cells = draft.table.column(column)
        if name == "label" and _in_lists(draft):
            frame[name] = pd.Series([split_labels(cell, draft.mapping.separator) for cell in cells], dtype=object)
        else:
            frame[name] = cells
    return frame


def _in_lists(draft: Draft) -> bool:
    """Whether labels are edited as a list of chips: several per row, every cell readable."""
    if draft.mapping.style != "several" or draft.mapping.label is None:
        return False
    try:
        for cell in draft.table.column(draft.mapping.label):
            split_labels(cell, draft.mapping.separator)
    except ValueError:
        return False
    return True


# -- balance and lengths ---------------------------------------------------------------------------------------------


def balance(draft: Draft) -> None:
    """How many positives and negatives there are: of the label, and of every label where there are several."""
    label = label_on_screen(draft)
    if draft.examples is None or label is None:
        return
    examples = draft.examples
    n_positive = int(examples.label(label).sum())
    titles = _world_titles(draft)
    with st.container(border=True, key="examples_balance"):
        if len(examples.label_names) > 1:
            st.markdown(f"**{plain(titles.get(label, label))}**")
        positive, negative = st.columns(2, wrap=False)
        positive.metric("Positives", f"{n_positive:,}", help="Examples that carry the label")
        negative.metric("Negatives", f"{examples.n - n_positive:,}", help="Examples that do not")
        lengths(examples, label)
    if len(examples.label_names) > 1:
        with st.container(border=True):
            st.markdown(f"**{counted(len(examples.label_names), 'label')}**")
            st.dataframe(
                label_counts(examples, titles),
                hide_index=True,
                height=min(40 + 35 * len(examples.label_names), 240),
                column_config={
                    "label": st.column_config.TextColumn("Label", width=112),
                    "positives": st.column_config.NumberColumn("Positives", width=74),
                    "negatives": st.column_config.NumberColumn("Negatives", width=78),
                },
                alt="Positives and negatives of every label",
            )


def _label_width(values: list[str]) -> int:
    return min(140, max(84, 50 + 8 * max(map(len, values), default=0)))


def label_counts(examples: LabelledExamples, titles: Mapping[str, str]) -> pd.DataFrame:
    """Positives and negatives of every label."""
    positives = examples.labels.sum(axis=0)
    return pd.DataFrame(
        {
            "label": [titles.get(name, name) for name in examples.label_names],
            "positives": positives,
            "negatives": examples.n - positives,
        }
    )


def lengths(examples: LabelledExamples, label: str) -> None:
    """How long the texts of both classes are, as shares of the class so that unequal classes compare."""
    bins, unit = length_bins(examples, label)
    st.vega_lite_chart(
        bins,
        {
            "layer": [
                {
                    "mark": {"type": "area", "interpolate": "step-after", "line": True, "opacity": 0.3},
                    "encoding": {
                        "x": {
                            "field": "length",
                            "type": "quantitative",
                            "title": f"{unit} per text",
                            "axis": {"tickCount": 5, "tickMinStep": 1, "grid": False},
                            "scale": {"nice": False},
                        },
                        "y": {
                            "field": "share",
                            "type": "quantitative",
                            "stack": None,
                            "title": None,
                            "axis": {"format": "%", "tickCount": 3},
                        },
                        "color": {
                            "field": "class",
                            "type": "nominal",
                            "title": None,
                            "scale": {"domain": ["Positives", "Negatives"], "range": [POSITIVE, NEGATIVE]},
                            "legend": {"orient": "top"},
                        },
                        "tooltip": [
                            {"field": "class", "title": "Class"},
                            {"field": "span", "title": unit},
                            {"field": "n", "title": "Texts"},
                        ],
                    },
                }
            ],
        },
        height=210,
        alt=f"How many {unit.lower()} the texts have: positives against negatives",
    )


def length_bins(examples: LabelledExamples, label: str) -> tuple[pd.DataFrame, str]:
    """Share of each class by length, and the unit: words, or characters where words are not set apart by spaces."""
    words = np.array([len(text.split()) for text in examples.texts], dtype=np.float64)
    characters = np.array([len(text) for text in examples.texts], dtype=np.float64)
    in_words = characters.sum() <= 20 * words.sum()
    sizes = words if in_words else characters
    low, high = float(sizes.min()), float(np.quantile(sizes, 0.99))
    width = max(1, int(np.ceil((high - low + 1) / _BINS)))
    edges = low + width * np.arange(int(np.ceil((high - low + 1) / width)) + 1)
    member = examples.label(label)
    parts = []
    for name, side in (("Positives", sizes[member]), ("Negatives", sizes[~member])):
        counts, _ = np.histogram(np.minimum(side, edges[-1] - 0.5), edges)
        spans = [f"{start:,.0f}" + (f" to {start + width - 1:,.0f}" if width > 1 else "") for start in edges[:-1]]
        if sizes.max() >= edges[-1]:
            spans[-1] = f"{edges[-2]:,.0f} or more"
        share = counts / max(1, len(side))
        parts.append(
            pd.DataFrame(
                {  # the last step needs its right end
                    "length": edges,
                    "share": np.append(share, share[-1]),
                    "n": np.append(counts, counts[-1]),
                    "span": [*spans, spans[-1]],
                    "class": name,
                }
            )
        )
    return pd.concat(parts, ignore_index=True), "Words" if in_words else "Characters"


# -- findings --------------------------------------------------------------------------------------------------------


def findings(draft: Draft) -> None:
    """What was noticed, worst first, each with its rows; all of it as a file."""
    found = [finding for finding in draft.findings if finding.kind != "axbench" and finding.message != draft.error]
    with st.container(border=True, key="examples_findings"):
        if not found:
            st.markdown(":green[:material/check_circle:] **Nothing to mend**" if draft.usable else "**Findings**")
            return
        counts = Counter(finding.severity for finding in found)
        told = [counted(counts[severity], severity) for severity in get_args(Severity) if counts[severity]]
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{' · '.join(told)}**", width="content")
            if draft.report is not None:
                st.download_button(
                    "CSV",
                    findings_csv(draft.report),
                    file_name="findings.csv",
                    mime="text/csv",
                    key="examples_findings_csv",
                    icon=":material/download:",
                    type="tertiary",
                    on_click="ignore",
                    help="All findings with all row numbers",
                )
        for finding in found[:_SHOWN_FINDINGS]:
            st.markdown(f"{_MARKS[finding.severity]} &nbsp;{plain(finding.message)}")
        if found[_SHOWN_FINDINGS:]:
            with st.expander(f"{len(found) - _SHOWN_FINDINGS} more"):
                for finding in found[_SHOWN_FINDINGS:]:
                    st.markdown(f"{_MARKS[finding.severity]} &nbsp;{plain(finding.message)}")


def findings_csv(report: Report) -> bytes:
    """The findings for a spreadsheet: UTF-8 with a byte order mark, no cell that it would run as a formula."""
    return spreadsheet_csv(report.table(), texts=("severity", "kind", "message", "rows"))
