"""Which column is the text, which the label, and how is the label written?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from steering.examples.labelling import choose_pair, has_known_pair, is_json_list, is_yes_or_no, split_labels
from steering.examples.table import Table

LabelStyle = Literal["binary", "one_of_many", "several"]

TEXT_NAMES = (
    "text", "texts", "output", "response", "completion", "answer", "sentence", "content", "document", "review",
    "comment", "tweet", "message", "utterance", "passage", "body", "generation",
)  # fmt: skip
PROMPT_NAMES = ("prompt", "input", "instruction", "question", "query", "request")
LABEL_NAMES = (
    "label", "labels", "tags", "tag", "category", "categories", "output_concept", "class", "classes", "target",
    "targets", "concept", "concepts", "sentiment", "emotion", "topic", "is_positive", "y",
)  # fmt: skip
GROUP_NAMES = ("group", "groups", "group_id", "pair", "pair_id", "template", "template_id")

AXBENCH_COLUMNS = frozenset({"input", "output", "output_concept", "category", "concept_id"})


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """What the columns of a table mean.

    Attributes:
        text: the column that the model reads.
        label: the column with the labels; None where none could be guessed, and one has to be chosen.
        prompt: the instruction that the text answers.
        group: rows with the same value never straddle the split.
        style: ``binary``: two values; ``one_of_many``: one of several values, which become one label each;
            ``several``: any number of labels in one cell.
        positive: the value that means positive in ``binary``; None where the two values say it themselves.
        separator: what stands between the labels of one cell in ``several``; a cell may also be a JSON list.
    """

    text: str
    label: str | None
    prompt: str | None = None
    group: str | None = None
    style: LabelStyle = "one_of_many"
    positive: str | None = None
    separator: str = ";"


def is_axbench(columns: Sequence[str]) -> bool:
    """Whether these are the columns of AxBench's train_data or latent_eval_data."""
    return set(columns) >= AXBENCH_COLUMNS


def guess_mapping(table: Table, *, label: str | None = None) -> ColumnMapping:
    """Guesses the mapping from names first and contents second; to be shown to the user and changed.

    Args:
        table: what was read.
        label: the label column, where it is known already.

    Raises:
        ExamplesError: ``label`` is not a column.
    """
    columns = list(table.columns)
    if label is not None:
        table.column(label)
    if is_axbench(columns) and label in {None, "output_concept"}:
        return ColumnMapping(text="output", label="output_concept", prompt="input", style="one_of_many")
    free = [column for column in columns if column != label]
    label = label if label is not None else _named(free, LABEL_NAMES)
    free = [column for column in free if column != label]
    group = _named(free, GROUP_NAMES)
    free = [column for column in free if column != group]
    text = _named(free, TEXT_NAMES)
    prompt = _named([column for column in free if column != text], PROMPT_NAMES)
    if text is None and prompt is not None:
        text, prompt = prompt, None
    if text is None:
        lengths = {column: sum(map(len, table.column(column))) for column in free or columns}
        text = max(lengths, key=lambda column: lengths[column])
    if label is None:
        label = _label_by_contents(table, [column for column in free if column not in {text, prompt}])
    if label is None:
        return ColumnMapping(text=text, label=None, prompt=prompt, group=group)
    style, separator = _guess_style(table.column(label), listed=label.casefold() in {"labels", "tags", "categories"})
    positive = None
    if style == "binary" and not has_known_pair(table.column(label)):
        positive = choose_pair(table.column(label), None, label).positive
    return ColumnMapping(text, label, prompt, group, style, positive, separator)


def _named(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """The column whose name comes first in ``names``."""
    by_name = {column.strip().casefold().replace(" ", "_").replace("-", "_"): column for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), None)


def _label_by_contents(table: Table, columns: Sequence[str]) -> str | None:
    """The column with the fewest different short values, at least two and repeated."""
    fewest: tuple[int, str] | None = None
    for column in columns:
        cells = [cell.strip() for cell in table.column(column) if cell.strip()]
        different = len(set(cells))
        short = all(len(cell) <= 60 for cell in cells)
        if 2 <= different <= max(2, len(cells) // 2) and short and (fewest is None or different < fewest[0]):
            fewest = (different, column)
    return fewest[1] if fewest else None


def _guess_style(cells: Sequence[str], *, listed: bool) -> tuple[LabelStyle, str]:
    """Binary, one of many or several, and the separator of several."""
    values = [cell.strip() for cell in cells if cell.strip()]
    if values and sum(map(is_json_list, values)) * 2 > len(values):
        return "several", ";"
    whole = Counter(values)
    for separator in (";", "|", ","):
        joined = [value for value in values if separator in value]
        parts = Counter(part for value in values for part in split_labels(value, separator))
        repeated = sum(parts[part] > 1 for part in parts) * 2 >= len(parts)
        shorter = len(parts) < len(whole) or (listed and repeated)
        if len(joined) * 20 >= len(values) and joined and shorter and max(map(len, parts), default=99) <= 60:
            return "several", separator
    if is_yes_or_no(values):
        return "binary", ";"
    return "one_of_many", ";"
