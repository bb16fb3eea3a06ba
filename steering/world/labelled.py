"""Which answers carry a concept and which do not? Labelled examples of any size, drawn from the grammar."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from steering.errors import WorldError
from steering.world.answers import write_answer
from steering.world.chance import Chance
from steering.world.concepts import concept as concept_named
from steering.world.concepts import concepts
from steering.world.plans import compatible, with_parents
from steering.world.requests import draw_request, punctuate
from steering.world.voices import voices

if TYPE_CHECKING:
    import pandas as pd

ExampleSplit = Literal["train", "heldout"]
SECOND_CONCEPT, PLAIN_NEGATIVES = 0.15, 0.5


def labelled_examples(
    concept: str, *, count: int = 72, seed: int = 0, split: ExampleSplit = "train", multi_label: bool = False
) -> "pd.DataFrame":
    """Answers that carry ``concept`` and answers that do not.

    No prompt names a concept. About half of the negatives are plain, the rest carry other concepts. The two splits
    share no sentence frame and no wording of a concept; the language models' corpus holds both.

    Args:
        concept: name of the concept.
        count: how many positives, and how many negatives.
        seed: the same seed gives the same rows.
        split: ``train`` or ``heldout``.
        multi_label: add the column ``labels`` with the names of all concepts of a row, joined by ``;``.

    Returns:
        Columns ``prompt``, ``text``, ``label`` (1 or 0), ``group`` (the instruction's topic and subject; a grouped
        split never puts one subject on both sides), and ``labels`` if asked for. Positives and negatives are mixed.

    Raises:
        WorldError: unknown concept or split, or a count below 1.
    """
    import pandas as pd

    concept_named(concept)
    _check(count, split)
    rng = Chance(f"examples {concept} {split} {seed}")
    others = [name for name in voices() if concept not in with_parents([name])]
    plans = [positive_plan(concept, rng) for _ in range(count)]
    negatives = round(count * PLAIN_NEGATIVES)
    rng.shuffle(others)
    plans += [() for _ in range(negatives)]
    plans += [(others[place % len(others)],) for place in range(count - negatives)]
    rows = _rows(plans, rng, split)
    for row in rows:
        row["label"] = int(concept in str(row["labels"]).split(";"))
    rng.shuffle(rows)
    columns = ["prompt", "text", "label", "group"] + (["labels"] if multi_label else [])
    return pd.DataFrame(rows, columns=columns)


def all_concepts_examples(per_concept: int = 24, *, seed: int = 0, split: ExampleSplit = "train") -> "pd.DataFrame":
    """One multi-label set: ``per_concept`` answers drawn for each concept and as many plain ones as two concepts have.

    Returns:
        Columns ``prompt``, ``text``, ``labels`` (names joined by ``;``, empty for plain answers) and ``group``.

    Raises:
        WorldError: unknown split, or a count below 1.
    """
    import pandas as pd

    _check(per_concept, split)
    rng = Chance(f"all concepts {split} {seed}")
    plans = [positive_plan(one.name, rng) for one in concepts() for _ in range(per_concept)]
    plans += [() for _ in range(2 * per_concept)]
    rows = _rows(plans, rng, split)
    rng.shuffle(rows)
    return pd.DataFrame(rows, columns=["prompt", "text", "labels", "group"])


def _check(count: int, split: str) -> None:
    if split not in ("train", "heldout"):
        raise WorldError(f"There is no split {split!r} of the examples; choose 'train' or 'heldout'.")
    if count < 1:
        raise WorldError(f"The count is {count}; ask for at least 1 example.")


def positive_plan(concept: str, rng: Chance) -> tuple[str, ...]:
    """The concepts of an answer that is an example of ``concept``: alone, or now and then with another beside it."""
    if rng.random() >= SECOND_CONCEPT:
        return (concept,)
    first = voices()[concept]
    return (concept, rng.choice([voice.name for voice in voices().values() if compatible(first, voice)]))


def _rows(plans: Sequence[tuple[str, ...]], rng: Chance, split: ExampleSplit) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    seen: set[str] = set()
    for plan in plans:
        while True:
            request = draw_request(rng)
            text = " ".join(sentence.text for sentence in write_answer(request, plan, rng, fold=split))
            if text not in seen:
                break
        seen.add(text)
        rows.append(
            {
                "prompt": punctuate(request, request.text),
                "text": text,
                "labels": ";".join(sorted(with_parents(plan))),
                "group": f"{request.topic}: {request.subject}",
            }
        )
    return rows
