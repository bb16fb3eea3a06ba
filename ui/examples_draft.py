"""Which examples is this session working on, and what becomes of them when something is changed?

A draft is a table with a mapping and with what came of the two. A draft that can be ranked is put in use at once; one
that cannot is shown beside its reasons and leaves the set in use as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
import streamlit as st

from steering import runtime
from steering.errors import ExamplesError, SteeringError
from steering.examples import (
    MIN_PER_CLASS,
    ColumnMapping,
    Finding,
    LabelledExamples,
    Report,
    Table,
    build_examples,
    guess_mapping,
    is_axbench,
    pasted_table,
    read_table,
    table_from_frame,
)
from ui.state import chosen, owner

Origin = Literal["world", "upload", "paste"]

_SHOWN = "steerscope.examples.shown"
_IN_USE = "steerscope.examples.in_use"
_BEFORE = "steerscope.examples.before"
_MISTAKE = "steerscope.examples.mistake"
_NOTHING_MEANT = {"none", "other", "others", "neutral", "no", "negative", "0", "false", "eeeee"}


@dataclass(frozen=True, slots=True)
class WorldRecipe:
    """How a set of the embedded world was made.

    Attributes:
        concept: name of the concept; None for all of them at once.
        count: texts with the concept, and as many without.
        seed: another seed gives other texts.
    """

    concept: str | None
    count: int = 72
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A table on its way to examples.

    Attributes:
        origin: where the texts come from.
        name: what the set is called.
        table: what was read.
        mapping: what the columns mean.
        label_name: what a binary label is called; None to take what the data say.
        examples: what came of it; None where nothing could be made.
        examples_id: their fingerprint.
        report: what was noticed; None where nothing could be made.
        error: why the set cannot be ranked; None if it can.
        recipe: how the embedded world made it.
        edited: whether cells were changed here.
    """

    origin: Origin
    name: str
    table: Table
    mapping: ColumnMapping
    label_name: str | None = None
    examples: LabelledExamples | None = None
    examples_id: str | None = None
    report: Report | None = None
    error: str | None = None
    recipe: WorldRecipe | None = None
    edited: bool = False

    @property
    def usable(self) -> bool:
        """Whether features can be ranked with it."""
        return self.examples is not None and self.error is None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was noticed, also where no examples came of the table."""
        return self.report.findings if self.report is not None else self.table.findings

    @property
    def axbench(self) -> Finding | None:
        """How the file was understood, where it is one of AxBench's."""
        return next((finding for finding in self.findings if finding.kind == "axbench"), None)


# -- making drafts ---------------------------------------------------------------------------------------------------


def settle(draft: Draft) -> Draft:
    """The draft with its examples, report and error made from table and mapping."""
    try:
        examples, report = build_examples(draft.table, draft.mapping, name=draft.name)
        if draft.label_name and draft.mapping.style == "binary" and len(examples.label_names) == 1:
            examples = replace(examples, label_names=(draft.label_name,))
    except ExamplesError as error:
        return replace(draft, examples=None, examples_id=None, report=None, error=str(error))
    error_message = report.errors[0].message if report.errors else None
    return replace(draft, examples=examples, examples_id=examples.fingerprint, report=report, error=error_message)


def uploaded(data: bytes, filename: str) -> Draft:
    """A draft of an uploaded file.

    Raises:
        ExamplesError: the file cannot be read at all.
    """
    table = read_table(data, filename)
    return settle(Draft("upload", table.name, table, guess_mapping(table)))


def pasted(positives: str, negatives: str, label: str) -> Draft:
    """A draft of pasted texts.

    Raises:
        ExamplesError: one side is empty.
    """
    name = label.strip() or "positive"
    table = pasted_table(positives, negatives, label=name)
    text, column = table.columns
    title = "Pasted texts" if name == "positive" else f"Pasted: {name}"
    return settle(Draft("paste", title, table, ColumnMapping(text, column, style="binary"), label_name=name))


def from_world(recipe: WorldRecipe) -> Draft:
    """A draft of texts of the embedded world.

    Raises:
        WorldError: there is no such concept.
    """
    from steering.world import labelled
    from steering.world.concepts import concept, concepts

    if recipe.concept is None:
        frame = labelled.all_concepts_examples(recipe.count, seed=recipe.seed, split="train")
        name, label_name = f"All {len(concepts())} concepts", None
        mapping = ColumnMapping("text", "labels", "prompt", _group(frame), "several")
    else:
        one = concept(recipe.concept)
        frame = labelled.labelled_examples(recipe.concept, count=recipe.count, seed=recipe.seed, split="train")
        name, label_name = one.title, one.name
        mapping = ColumnMapping("text", "label", "prompt", _group(frame), "binary")
    table = table_from_frame(frame, name=name)
    return settle(Draft("world", name, table, mapping, label_name=label_name, recipe=recipe))


def from_examples(examples: LabelledExamples) -> Draft:
    """A draft of examples that another page put in use, so that they can be seen and edited here."""
    binary = len(examples.label_names) == 1
    column = "label" if binary else "labels"
    separator = next(
        (mark for mark in (";", "|", "\t") if not any(mark in name for name in examples.label_names)), "\n"
    )
    cells = [
        str(int(row[0])) if binary else separator.join(np.array(examples.label_names, dtype=object)[row])
        for row in examples.labels
    ]
    frame = pd.DataFrame(
        {
            "prompt": [prompt or "" for prompt in examples.prompts],
            "text": list(examples.texts),
            column: cells,
            "group": list(examples.groups),
        }
    )
    mapping = ColumnMapping("text", column, "prompt", "group", "binary" if binary else "several", None, separator)
    label_name = examples.label_names[0] if binary else None
    table = table_from_frame(frame, name=examples.name)
    draft = settle(Draft("world", examples.name, table, mapping, label_name=label_name))
    return replace(draft, examples=examples, examples_id=examples.fingerprint)


def remapped(draft: Draft, mapping: ColumnMapping) -> Draft:
    """The same table read in another way."""
    return settle(replace(draft, mapping=mapping))


def relabelled(draft: Draft, column: str) -> Draft:
    """The same table with another label column; how its labels are written is guessed anew."""
    guess = guess_mapping(draft.table, label=column)
    old = draft.mapping
    style, positive, separator = guess.style, guess.positive, guess.separator
    mapping = replace(old, label=column, style=style, positive=positive, separator=separator)
    taken = {mapping.text, mapping.label}
    if old.text == column:
        mapping = replace(mapping, text=guess.text)
        taken = {guess.text, column}
    mapping = replace(
        mapping,
        prompt=None if mapping.prompt in taken else mapping.prompt,
        group=None if mapping.group in taken else mapping.group,
    )
    return settle(replace(draft, mapping=mapping, label_name=None))


def edited(draft: Draft, columns: dict[str, str], rows: pd.DataFrame) -> Draft:
    """The draft after its table was edited on the screen.

    Args:
        draft: before.
        columns: column of the screen → column of the table.
        rows: what the screen shows; column ``row`` holds the row's old number, nothing for a new row.

    Raises:
        ExamplesError: no rows are left, or a cap is exceeded.
    """
    before = draft.table.rows
    separator = draft.mapping.separator
    fresh = []
    for row in rows.to_dict("records"):
        cells = {columns[name]: _as_cell(row.get(name), separator) for name in columns}
        if pd.isna(row["row"]):
            if any(cell.strip() for cell in cells.values()):
                fresh.append(dict.fromkeys(before.columns, "") | cells)
        else:
            fresh.append({str(name): str(cell) for name, cell in before.loc[int(row["row"])].items()} | cells)
    table = draft.table.edited(pd.DataFrame(fresh, columns=before.columns))
    return settle(replace(draft, table=table, edited=True))


def shown_columns(draft: Draft) -> dict[str, str]:
    """The columns worth editing: name on the screen → column of the table."""
    mapping = draft.mapping
    columns = {} if mapping.label is None else {"label": mapping.label}
    if is_axbench(draft.table.columns):
        columns["category"] = "category"
    columns["text"] = mapping.text
    if mapping.prompt is not None:
        columns["prompt"] = mapping.prompt
    return columns


def _as_cell(value: object, separator: str) -> str:
    if isinstance(value, list | tuple | np.ndarray):
        return separator.join(str(label) for label in value)
    return "" if value is None or value is pd.NA or value != value else str(value)


def _group(frame: pd.DataFrame) -> str | None:
    return "group" if "group" in frame.columns else None


# -- the session's drafts --------------------------------------------------------------------------------------------


def current() -> tuple[str, Draft] | None:
    """The draft on the screen with its id; None while there is none.

    Examples that another page put in use since are shown in its place.
    """
    in_use = _draft(_IN_USE)
    if chosen.examples_id is not None and (in_use is None or in_use.examples_id != chosen.examples_id):
        examples = runtime.store.get("examples", chosen.examples_id)
        if examples is not None:
            _show(from_examples(examples), put_in_use=True)
    shown = _draft(_SHOWN)
    if shown is None:
        return None
    return st.session_state[_SHOWN], shown


def in_use() -> Draft | None:
    """The draft whose examples the other pages see."""
    return _draft(_IN_USE)


def before() -> Draft | None:
    """The draft that was in use before the present one."""
    return _draft(_BEFORE)


def take(draft: Draft) -> None:
    """Show a draft, and put its examples in use if they can be ranked."""
    st.session_state.pop(_MISTAKE, None)
    if not draft.usable:
        _show(draft, put_in_use=False)
        return
    assert draft.examples is not None
    assert draft.examples_id is not None
    runtime.store.put("examples", draft.examples_id, draft.examples, owner=owner())
    label = chosen.label
    chosen.examples_id = draft.examples_id
    chosen.examples_title = f"{_shortened(draft.name)} · {draft.examples.n:,} examples"
    chosen.label = label if label in rankable_labels(draft.examples) else first_label(draft.examples)
    used = in_use()
    if used is not None and (used.examples_id, used.name) != (draft.examples_id, draft.name):
        st.session_state[_BEFORE] = st.session_state[_IN_USE]
    _show(draft, put_in_use=True)


def go_back() -> None:
    """Show the set in use again; where it is shown already, put the one before it in use."""
    shown, used = st.session_state.get(_SHOWN), st.session_state.get(_IN_USE)
    if shown != used and _draft(_IN_USE) is not None:
        st.session_state[_SHOWN] = used
        _forget_unused()
        return
    old = before()
    if old is not None:
        take(old)


def mistake() -> tuple[Origin, str] | None:
    """What went wrong at the last attempt to take examples, and with which source."""
    found: tuple[Origin, str] | None = st.session_state.get(_MISTAKE)
    return found


def attempt(origin: Origin, make: Callable[[], Draft]) -> None:
    """Take what ``make`` returns; a mistake of the user is remembered for the source's panel and changes nothing."""
    try:
        draft = make()
    except SteeringError as error:
        st.session_state[_MISTAKE] = (origin, str(error))
    else:
        take(draft)


def rankable_labels(examples: LabelledExamples) -> list[str]:
    """Labels with enough rows on both sides."""
    positives = examples.labels.sum(axis=0)
    fewest = np.minimum(positives, examples.n - positives)
    return [name for name, n in zip(examples.label_names, fewest, strict=True) if n >= MIN_PER_CLASS]


def first_label(examples: LabelledExamples) -> str | None:
    """The label to begin with: the first that can be ranked and does not name the absence of something."""
    labels = rankable_labels(examples)
    return next((name for name in labels if name.casefold() not in _NOTHING_MEANT), labels[0] if labels else None)


def _draft(slot: str) -> Draft | None:
    draft: Draft | None = runtime.store.get("examples_draft", st.session_state.get(slot))
    return draft


def _show(draft: Draft, *, put_in_use: bool) -> None:
    id = runtime.store.put("examples_draft", None, draft, owner=owner())
    st.session_state[_SHOWN] = id
    if put_in_use:
        st.session_state[_IN_USE] = id
    _forget_unused()


def _forget_unused() -> None:
    known = "steerscope.examples.known"
    kept = {st.session_state.get(slot) for slot in (_SHOWN, _IN_USE, _BEFORE)} - {None}
    for id in st.session_state.get(known, set()) - kept:
        runtime.store.drop("examples_draft", id)
    st.session_state[known] = kept


def _shortened(name: str, length: int = 36) -> str:
    return name if len(name) <= length else name[: length - 1] + "…"
