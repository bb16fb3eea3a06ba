"""What are labelled examples, once every question about the file is settled?"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from steering.errors import ExamplesError
from steering.examples.grouping import group_rows


@dataclass(frozen=True, slots=True, eq=False)
class LabelledExamples:
    """Texts with labels; every row is usable.

    Attributes:
        name: what the set is called.
        texts: what the model reads; never empty.
        prompts: the instruction that the text answers, where there is one.
        labels: ``[n_examples n_labels]`` True where the row carries the label; a row may carry none.
        label_names: one name per column of ``labels``; binary data have one name.
        groups: rows of one group never straddle a split.
    """

    name: str
    texts: tuple[str, ...]
    prompts: tuple[str | None, ...]
    labels: Bool[np.ndarray, "n_examples n_labels"]
    label_names: tuple[str, ...]
    groups: tuple[str, ...]

    def __post_init__(self) -> None:
        n_rows, n_labels = self.labels.shape
        lengths = {len(self.texts), len(self.prompts), len(self.groups), n_rows}
        if len(lengths) > 1 or n_labels != len(self.label_names) or len(set(self.label_names)) != n_labels:
            raise ExamplesError(
                f"The parts of '{self.name}' do not fit together: {len(self.texts)} texts, {len(self.prompts)} "
                f"prompts, {len(self.groups)} groups, labels of shape {self.labels.shape} and "
                f"{len(set(self.label_names))} different label names; give one of each per row and per label."
            )

    @classmethod
    def from_rows(
        cls,
        name: str,
        texts: Sequence[str],
        labels: Bool[np.ndarray, "n_examples n_labels"],
        label_names: Sequence[str],
        *,
        prompts: Sequence[str | None] | None = None,
    ) -> "LabelledExamples":
        """Examples made in Python, for data that need no report; the groups are found here.

        Raises:
            ExamplesError: the parts have different lengths.
        """
        given = tuple(prompts) if prompts is not None else (None,) * len(texts)
        if not len(texts) == len(given) == len(labels):
            raise ExamplesError(
                f"'{name}' has {len(texts)} texts, {len(given)} prompts and {len(labels)} rows of labels; give one "
                "of each per row."
            )
        groups, _ = group_rows(tuple(texts), given, labels)
        return cls(name, tuple(texts), given, labels, tuple(label_names), groups)

    @property
    def n(self) -> int:
        """Number of examples."""
        return len(self.texts)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of texts, prompts, labels, their names and groups, in order; the same in every process."""
        digest = hashlib.sha256(b"steerscope examples 1")
        for part in self._parts():
            data = part.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)
        digest.update(np.packbits(self.labels).tobytes())
        return digest.hexdigest()

    def label(self, name: str) -> Bool[np.ndarray, " n_examples"]:
        """Which rows carry the label.

        Raises:
            ExamplesError: there is no such label; the message names those there are.
        """
        if name not in self.label_names:
            known = ", ".join(f"'{label}'" for label in self.label_names[:20])
            more = f" and {len(self.label_names) - 20} more" if len(self.label_names) > 20 else ""
            raise ExamplesError(f"'{self.name}' has no label '{name}'; choose one of {known}{more}.")
        return self.labels[:, self.label_names.index(name)]

    def subset(self, rows: Int[np.ndarray, " k"]) -> "LabelledExamples":
        """The given rows, in the given order, with all labels."""
        chosen = [int(row) for row in rows]
        return LabelledExamples(
            self.name,
            tuple(self.texts[row] for row in chosen),
            tuple(self.prompts[row] for row in chosen),
            self.labels[chosen],
            self.label_names,
            tuple(self.groups[row] for row in chosen),
        )

    def _parts(self) -> Iterator[str]:
        yield str(self.n)
        yield from self.label_names
        for text, prompt, group in zip(self.texts, self.prompts, self.groups, strict=True):
            yield text
            yield "" if prompt is None else f"={prompt}"
            yield group
