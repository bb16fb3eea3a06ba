"""Where do the examples and the prompts of a concept come from: the embedded world, or the user's files?"""

import hashlib
import json
import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from steering.benchmark.settings import BenchmarkSettings
from steering.errors import SteeringError
from steering.examples import LabelledExamples, read_examples

Half = Literal["select", "test"]
HALVES: tuple[Half, ...] = ("select", "test")
_PROMPT_KEYS = ("instruction", "prompt", "input")
_RELATED = 0.5
"""Share of the negatives that carry another concept, as far as there are such rows: against plain negatives alone, a
method finds what all positives share, such as who wrote them (method.md, section 6.1)."""


class Source(ABC):
    """Examples and prompts of every concept."""

    @abstractmethod
    def examples(self, concept: str, seed: int) -> LabelledExamples:
        """Positives and as many negatives, with ``concept`` as their only label.

        Raises:
            SteeringError: there are too few.
        """

    @abstractmethod
    def prompts(self, concept: str, half: Half) -> tuple[str, ...]:
        """Neutral instructions; the two halves share none."""

    @abstractmethod
    def split_of(self, concept: str) -> str:
        """``development`` or ``test``."""

    @abstractmethod
    def others(self, concept: str, seed: int) -> tuple[str, ...]:
        """Other concepts, as unrelated as can be told, in an order drawn for this concept and seed; empty where there
        are none. The world knows what is related; of a file's labels nothing is known, so there any other one serves.
        """

    @abstractmethod
    def words(self, concept: str) -> str:
        """The concept in words, for a judge that reads."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Of everything that examples and prompts come from."""


class WorldSource(Source):
    """The embedded world draws everything."""

    def __init__(self, settings: BenchmarkSettings) -> None:
        self._settings = settings

    def examples(self, concept: str, seed: int) -> LabelledExamples:
        """Drawn from the grammar; no prompt names a concept."""
        from steering.world.labelled import labelled_examples

        rows = labelled_examples(concept, count=self._settings.n_examples, seed=seed)
        return LabelledExamples(
            concept,
            tuple(rows["text"]),
            tuple(rows["prompt"]),
            rows["label"].to_numpy(bool)[:, None],
            (concept,),
            tuple(rows["group"]),
        )

    def prompts(self, concept: str, half: Half) -> tuple[str, ...]:
        """Drawn from the instructions that no model was trained on."""
        from steering.world.instructions import neutral_instructions

        count = self._settings.n_select if half == "select" else self._settings.n_test
        # Prompts of its own for every concept, as in AxBench: what a prompt does to all concepts alike would be in no
        # interval over concepts.
        return tuple(neutral_instructions(count, seed=_seed(concept, self._settings.prompt_seed), split=half))

    def split_of(self, concept: str) -> str:
        """As the world says."""
        from steering.world.concepts import concept as named

        return named(concept).split

    def others(self, concept: str, seed: int) -> tuple[str, ...]:
        """Of the same split, neither parent, child, sibling nor near-duplicate."""
        from steering.world.concepts import concept as named
        from steering.world.concepts import concepts

        own = named(concept)
        related = {own.name, own.parent, own.near}
        others = [
            one.name
            for one in concepts()
            if one.split == own.split
            and one.name not in related
            and own.name not in (one.parent, one.near)
            and not (own.parent and one.parent == own.parent)
        ]
        return _turned(others, concept, seed)

    def words(self, concept: str) -> str:
        """Title and description."""
        from steering.world.concepts import concept as named

        return f"{named(concept).title}: {named(concept).description}"

    def fingerprint(self) -> str:
        """Of all prompts, and of the examples of every concept under the first seed: other code draws others there."""
        drawn = [self.prompts(concept, half) for concept in self._settings.concepts for half in HALVES]
        examples = [self.examples(concept, self._settings.seeds[0]).fingerprint for concept in self._settings.concepts]
        return hashlib.sha256(json.dumps([drawn, examples]).encode()).hexdigest()


class FileSource(Source):
    """A labelled file or AxBench folder, and a file of instructions."""

    def __init__(self, settings: BenchmarkSettings) -> None:
        if settings.examples is None or settings.prompts is None:
            raise SteeringError("A benchmark from files needs --examples and --prompts; give both.")
        self._settings = settings
        self._all, _ = read_examples(Path(settings.examples))
        for concept in settings.concepts:
            self._all.label(concept)  # a missing concept is found out now, not in every unit
        self._prompts = read_prompts(Path(settings.prompts))
        needed = settings.n_select + settings.n_test
        if len(self._prompts) < needed:
            raise SteeringError(
                f"{settings.prompts} holds {len(self._prompts)} different prompts and {needed} are needed; add some, "
                "or ask for fewer (--select-prompts, --test-prompts)."
            )

    def examples(self, concept: str, seed: int) -> LabelledExamples:
        """Drawn from the file; half of the negatives carry another concept, where there are enough."""
        carries = self._all.label(concept)
        labelled = self._all.labels.any(axis=1)
        rng = np.random.default_rng([seed, zlib.crc32(concept.encode())])
        count = self._settings.n_examples
        positives = rng.permutation(np.flatnonzero(carries))[:count]
        related = rng.permutation(np.flatnonzero(~carries & labelled))
        plain = rng.permutation(np.flatnonzero(~labelled))
        n_related = min(len(related), max(round(count * _RELATED), count - len(plain)))
        negatives = np.concatenate([related[:n_related], plain[: count - n_related]])
        if min(len(positives), len(negatives)) < 2:
            raise SteeringError(
                f"{concept} has {len(positives)} positives and {len(negatives)} negatives; at least 2 of each are "
                "needed."
            )
        rows = rng.permutation(np.concatenate([positives, negatives]))
        chosen = self._all.subset(rows)
        return LabelledExamples(
            concept, chosen.texts, chosen.prompts, chosen.label(concept)[:, None], (concept,), chosen.groups
        )

    def prompts(self, concept: str, half: Half) -> tuple[str, ...]:
        """Drawn from the file, in an order of the concept's own."""
        order = np.random.default_rng(_seed(concept, self._settings.prompt_seed)).permutation(len(self._prompts))
        first, last = {
            "select": (0, self._settings.n_select),
            "test": (self._settings.n_select, self._settings.n_select + self._settings.n_test),
        }[half]
        return tuple(self._prompts[place] for place in order[first:last])

    def split_of(self, concept: str) -> str:  # noqa: ARG002 - the interface's
        """A file says nothing of splits: everything is to be reported."""
        return "test"

    def others(self, concept: str, seed: int) -> tuple[str, ...]:
        """All other concepts of the run: labels do not say how they are related."""
        others = [one for one in self._settings.concepts if one != concept]
        return _turned(others, concept, seed)

    def words(self, concept: str) -> str:
        """The label itself."""
        return concept

    def fingerprint(self) -> str:
        """Of examples and prompts."""
        parts = [self._all.fingerprint, *self._prompts]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def open_source(settings: BenchmarkSettings) -> Source:
    """Where the settings say that examples and prompts are."""
    return WorldSource(settings) if settings.examples is None else FileSource(settings)


def available_concepts(examples: str | None) -> list[tuple[str, str]]:
    """Name and split of every concept there is: of a file of examples, or of the embedded world.

    Raises:
        ExamplesError: the file cannot be read.
    """
    if examples is not None:
        return [(name, "test") for name in read_examples(Path(examples))[0].label_names]
    from steering.world.concepts import concepts

    return [(one.name, one.split) for one in concepts()]


def read_prompts(path: Path) -> tuple[str, ...]:
    """Different instructions of a file: lines of text, or JSON and JSON lines with texts or objects.

    An object's instruction is under ``instruction``, ``prompt`` or ``input`` (AlpacaEval's file is such a list).

    Raises:
        SteeringError: the file cannot be read, or a row has no instruction.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".json":
            rows: list[Any] = json.loads(text)
        elif path.suffix in (".jsonl", ".ndjson"):
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            rows = [line for line in text.splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise SteeringError(
            f"The prompts in {path} cannot be read ({error}); give UTF-8 text, JSON or JSONL."
        ) from error
    if not isinstance(rows, list) or not rows:
        raise SteeringError(f"{path} holds no list of prompts; give one instruction for each line or entry.")
    found = [_prompt(row, path, number) for number, row in enumerate(rows, 1)]
    return tuple(dict.fromkeys(found))


def _prompt(row: Any, path: Path, number: int) -> str:
    values: Sequence[Any] = [row] if isinstance(row, str) else ()
    if isinstance(row, dict):
        values = [row[key] for key in _PROMPT_KEYS if key in row]
    for value in values:
        if isinstance(value, str) and value.strip():
            return value.strip()
    raise SteeringError(f"Row {number} of {path} has no instruction; name it {', '.join(_PROMPT_KEYS)}.")


def _turned(others: Sequence[str], concept: str, seed: int) -> tuple[str, ...]:
    """``others`` from one of them on, and round to the one before it."""
    first = _seed(concept, seed) % len(others) if others else 0
    return (*others[first:], *others[:first])


def _seed(name: str, seed: int) -> int:
    """A number from a name and a seed, the same in every process."""
    return zlib.crc32(f"{name} {seed}".encode("utf-8", "surrogatepass"))
