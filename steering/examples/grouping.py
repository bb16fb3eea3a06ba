"""Which rows belong together, so that a split may not separate them?"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from steering.examples.findings import Finding
from steering.examples.limits import MIN_PER_CLASS

_WORD = re.compile(r"\w+")


def flatten(text: str) -> str:
    """The text with every run of white space as one space: what counts as the same text."""
    return " ".join(text.split())


def simplify(text: str) -> str:
    """Words only, without case or punctuation: what counts as nearly the same text."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return " ".join(words) or flatten(text)


def group_rows(
    texts: Sequence[str],
    prompts: Sequence[str | None],
    labels: Bool[np.ndarray, "n_examples n_labels"],
    *,
    column: Sequence[str] | None = None,
) -> tuple[tuple[str, ...], Finding | None]:
    """Names the group of every row.

    With a group column its value is the group, and a row without a value stands with rows of the same text. Without
    one, rows with the same prompt or with the same words stand together. Prompts are ignored where they would leave a
    label with fewer than four groups on either side, as when all rows answer the same instruction: such data could
    not be split at all.

    Args:
        texts: one text per row.
        prompts: one prompt per row; None where there is none.
        labels: ``[n_examples n_labels]``, to see whether a split stays possible.
        column: the values of a group column.

    Returns:
        One name per row, a function of contents only, and a note where prompts were ignored.
    """
    text_keys = [f"t:{simplify(text)}" for text in texts]
    if column is not None:
        keys = [f"c:{value.strip()}" if value.strip() else key for value, key in zip(column, text_keys, strict=True)]
        return tuple(_short(key) for key in keys), None
    alone = _joined([text_keys])
    prompt_keys = [
        f"p:{simplify(prompt)}" if prompt and prompt.strip() else key
        for prompt, key in zip(prompts, text_keys, strict=True)
    ]
    together = _joined([text_keys, prompt_keys])
    if together == alone or _splittable(together, alone, labels):
        return together, None
    n_prompts = len(set(prompt_keys))
    note = Finding(
        "note",
        "prompts_not_grouped",
        f"The texts answer only {n_prompts} different prompts, too few to keep each prompt on one side of the split; "
        "rows are grouped by their text alone, so name a group column if related rows must stay together.",
    )
    return alone, note


def _joined(key_columns: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Groups of rows connected by a shared key in any column, each named after its smallest key."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for keys in zip(*key_columns, strict=True):
        first = root(keys[0])
        for key in keys[1:]:
            other = root(key)
            first, last = sorted((first, other))
            parent[last] = first
    return tuple(_short(root(key)) for key in key_columns[0])


def _splittable(together: Sequence[str], alone: Sequence[str], labels: Bool[np.ndarray, "n_examples n_labels"]) -> bool:
    """Whether every label that has enough texts on a side still has enough groups there."""
    _, coarse = np.unique(np.array(together), return_inverse=True)
    _, fine = np.unique(np.array(alone), return_inverse=True)
    for member in (side for column in labels.T for side in (column, ~column)):
        wanted = min(MIN_PER_CLASS, int(np.count_nonzero(np.bincount(fine[member]))))
        if np.count_nonzero(np.bincount(coarse[member])) < wanted:
            return False
    return True


def _short(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
