"""How do a table and a mapping become labelled examples, and which rows do not, and why?"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from steering.errors import ExamplesError
from steering.examples.axbench import read_axbench_labels
from steering.examples.findings import Finding, Report, count, name_rows, quote, sort_findings
from steering.examples.grouping import flatten, group_rows
from steering.examples.labelled import LabelledExamples
from steering.examples.labelling import ReadLabels, read_binary, read_one_of_many, read_several
from steering.examples.mapping import ColumnMapping, is_axbench
from steering.examples.quality import check_quality
from steering.examples.table import Table

_SHOWN_TEXTS = 5


def build_examples(table: Table, mapping: ColumnMapping, *, name: str | None = None) -> tuple[LabelledExamples, Report]:
    """Builds examples from the rows that can be used, and says what became of the others.

    Left out are rows without text or label, with an unknown label, all rows whose text and prompt occur with different
    labels, and all but the first of rows that agree in text, prompt and label. White space does not make a difference.

    Args:
        table: what was read.
        mapping: what the columns mean.
        name: what to call the set; the table's name where None.

    Returns:
        The examples and a report. The report may hold errors: then the examples are there to be shown, but not to be
        ranked.

    Raises:
        ExamplesError: the mapping does not fit the table, or no row can be used.
    """
    name = table.name if name is None else name
    texts = table.column(mapping.text)
    if mapping.label is None:
        headless = any(finding.kind == "no_header" for finding in table.findings)
        if headless:
            todo = "put a line such as text,label above the data"
        elif len(table.columns) == 1:
            todo = "add a column with labels, separated by a comma, semicolon or tab"
        else:
            todo = "choose the label column"
        raise ExamplesError(
            f"No column of {table.name} was recognised as the label (it has {', '.join(table.columns)}); {todo}."
        )
    used_columns = [mapping.text, mapping.label, mapping.prompt, mapping.group]
    named = [column for column in used_columns if column is not None]
    if len(set(named)) < len(named):
        twice = next(column for column in named if named.count(column) > 1)
        raise ExamplesError(f"Column '{twice}' is mapped twice; choose a column of its own for text, label and prompt.")
    numbers = table.row_numbers
    prompts = _prompts(table.column(mapping.prompt) if mapping.prompt is not None else [""] * len(texts))
    labels = _read_labels(table, mapping)
    findings = [*table.findings, *labels.findings]

    empty = np.array([not flatten(text) for text in texts], dtype=bool)
    if empty.any():
        rows = [numbers[i] for i in np.flatnonzero(empty)]
        findings.append(
            Finding(
                "warning",
                "empty_text",
                f"{name_rows(rows).capitalize()}: the text is empty; left out: fill in column '{mapping.text}' or "
                "delete the row.",
                tuple(rows),
            )
        )
    usable = labels.usable & ~empty
    kept, repeated = _without_repetitions(texts, prompts, labels, usable, numbers)
    findings += repeated
    if not kept.any():
        reason = next((f" ({finding.message.rstrip('.')})" for finding in findings if finding.rows), "")
        raise ExamplesError(
            f"None of the {count(table.n_read, 'row')} of {table.name} can be used{reason}; check which column is the "
            "text and which the label."
        )

    rows_used = np.flatnonzero(kept)
    matrix = labels.matrix[rows_used]
    names = labels.names
    if mapping.style != "binary":
        present = [bool(there) for there in np.any(matrix, axis=0)]
        gone = [label for label, there in zip(names, present, strict=True) if not there]
        if gone:
            findings.append(
                Finding(
                    "note",
                    "label_without_rows",
                    f"{count(len(gone), 'label')} ({', '.join(map(quote, gone[:5]))}) had no row left: not offered.",
                )
            )
        matrix = matrix[:, present]
        names = tuple(label for label, there in zip(names, present, strict=True) if there)
    column = table.column(mapping.group) if mapping.group is not None else None
    groups, note = group_rows(
        [texts[i] for i in rows_used],
        [prompts[i] for i in rows_used],
        matrix,
        column=None if column is None else [column[i] for i in rows_used],
    )
    if note:
        findings.append(note)
    examples = LabelledExamples(
        name,
        tuple(texts[i] for i in rows_used),
        tuple(prompts[i] for i in rows_used),
        matrix,
        names,
        groups,
    )
    findings += check_quality(examples, np.array([numbers[i] for i in rows_used], dtype=np.int64))
    return examples, Report(sort_findings(findings), table.n_read, examples.n)


def _read_labels(table: Table, mapping: ColumnMapping) -> ReadLabels:
    assert mapping.label is not None
    cells = table.column(mapping.label)
    if is_axbench(table.columns) and mapping.label == "output_concept" and mapping.style == "one_of_many":
        return read_axbench_labels(table)
    if mapping.style == "binary":
        return read_binary(cells, table.row_numbers, mapping.label, mapping.positive)
    if mapping.style == "several":
        return read_several(cells, table.row_numbers, mapping.separator)
    return read_one_of_many(cells, table.row_numbers)


def _prompts(cells: Sequence[str]) -> list[str | None]:
    return [cell if cell.strip() else None for cell in cells]


def _without_repetitions(
    texts: Sequence[str],
    prompts: Sequence[str | None],
    labels: ReadLabels,
    usable: Bool[np.ndarray, " n_rows"],
    numbers: Sequence[int],
) -> tuple[Bool[np.ndarray, " n_rows"], list[Finding]]:
    """Which rows stay once contradictions (all of them) and duplicates (all but the first) are left out."""
    same: dict[tuple[str, str], list[int]] = defaultdict(list)
    same_text: dict[str, list[int]] = defaultdict(list)
    for i in map(int, np.flatnonzero(usable)):
        text = flatten(texts[i])
        same[text, flatten(prompts[i] or "")].append(i)
        same_text[text].append(i)

    def signature(i: int) -> bytes:
        return labels.matrix[i].tobytes()

    kept = usable.copy()
    duplicate: list[int] = []
    originals: list[int] = []
    contradictions: list[list[int]] = []
    for members in same.values():
        if len({signature(i) for i in members}) > 1:
            kept[members] = False
            contradictions.append(members)
        elif len(members) > 1:
            kept[members[1:]] = False
            originals.append(members[0])
            duplicate += members[1:]
    findings = []
    for members in contradictions[:_SHOWN_TEXTS]:
        rows = [numbers[i] for i in members]
        told = " and ".join(dict.fromkeys(_labels_of(labels, i) for i in members))
        findings.append(
            Finding(
                "warning",
                "contradiction",
                f"{name_rows(rows).capitalize()}: the same text {quote(texts[members[0]])} is labelled {told}; all "
                "left out: keep the row that is right (or put several labels into one cell).",
                tuple(rows),
            )
        )
    if contradictions[_SHOWN_TEXTS:]:
        rows = sorted(numbers[i] for members in contradictions[_SHOWN_TEXTS:] for i in members)
        findings.append(
            Finding(
                "warning",
                "contradiction",
                f"{len(contradictions) - _SHOWN_TEXTS} further texts ({name_rows(rows)}) occur with different labels; "
                "all left out: keep the rows that are right.",
                tuple(rows),
            )
        )
    if duplicate:
        rows = sorted(numbers[i] for i in duplicate)
        first = name_rows(sorted(numbers[i] for i in originals))
        findings.append(
            Finding(
                "warning",
                "duplicate",
                f"{name_rows(rows).capitalize()} {'repeats' if len(rows) == 1 else 'repeat'} {first} word for word "
                "with the same label; only the first was kept: nothing to do unless you expected different texts.",
                tuple(rows),
            )
        )
    across = [
        [i for i in members if kept[i]]
        for members in same_text.values()
        if len({signature(i) for i in members if kept[i]}) > 1
    ]
    if across:
        rows = sorted(numbers[i] for members in across for i in members)
        findings.append(
            Finding(
                "warning",
                "contradiction_across_prompts",
                f"{name_rows(rows).capitalize()}: the same text under different prompts has different labels; kept, "
                "but only the prompt can tell them apart: check these labels.",
                tuple(rows),
            )
        )
    return kept, findings


def _labels_of(labels: ReadLabels, i: int) -> str:
    names = [labels.names[j] for j in np.flatnonzero(labels.matrix[i])]
    if names:
        return "+".join(map(quote, names))
    return f"not {quote(labels.names[0])}" if len(labels.names) == 1 else "without a label"
