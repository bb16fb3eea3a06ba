"""Do the texts of a result repeat themselves, and do they carry the concept that was meant more than any other?

Read from the completions of the test half at the chosen factor, beside what the judge says of fluency and concept: a
judge can take a loop for fluent, and a method can score by raising every concept at once. Which concept a text carries
most is known where a judge knows them all, which is the embedded world's; there a concept's parent and children are no
others, for a child's text is its parent's too.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from steering.benchmark.judging import knows_the_truth
from steering.benchmark.settings import BenchmarkSettings
from steering.evidence.bootstrap import N_RESAMPLES, bootstrap_mean
from steering.evidence.confusion import off_target
from steering.measures import distinct_n, words

UNIT = ["method", "concept", "seed"]
NUMBERS, TEXTS = (*UNIT, "half", "selected", "is_looping"), ("prompt", "text")
"""Columns of results that are read; the second ones where texts were kept."""
WHOLE = (*NUMBERS, *TEXTS)
REPEATED, CARRIED = ("distinct_2", "looping"), ("on_target", "tied", "off_target", "nothing")
"""Shares, each within 0 and 1."""


def can_tell_concepts(settings: BenchmarkSettings) -> bool:
    """Whether the judge of a result knows of every text which concept it carries."""
    return knows_the_truth(settings.judge)


def read_texts(
    table: pd.DataFrame, *, told_apart: bool, on_progress: Callable[[int, int], None] | None = None
) -> pd.DataFrame:
    """What the texts of every unit are like.

    Args:
        table: results with the columns ``NUMBERS`` and, where texts were kept, ``TEXTS``.
        told_apart: whether the embedded world's judge is asked which concept each text carries; it takes a few
            thousandths of a second for each, and some seconds before the first.
        on_progress: told how many texts were judged, of how many.

    Returns:
        ``method, concept, seed``, ``n_texts`` that were kept, and means over the unit's texts: ``distinct_2``, distinct
        pairs of words as a share of all (missing without texts); ``looping``, how many end in a loop, as they were
        measured on tokens when they were written; and, missing unless told apart, the columns of
        ``evidence.confusion.off_target``: ``on_target``, ``tied``, ``off_target``, ``nothing``.
    """
    rows = table[(table["half"] == "test") & table["selected"]]
    rows = rows.astype({"method": str, "concept": str, "seed": int})
    found = pd.DataFrame({"looping": rows.groupby(UNIT)["is_looping"].mean()})
    kept = rows[rows["text"].notna()] if "text" in rows else rows.iloc[:0]
    found["n_texts"] = kept.groupby(UNIT).size().reindex(found.index, fill_value=0)
    pairs = kept.assign(distinct_2=[distinct_n(words(text), 2) for text in kept.get("text", ())])
    found["distinct_2"] = pairs.groupby(UNIT)["distinct_2"].mean()
    shares = _carried(kept, on_progress) if told_apart and len(kept) else pd.DataFrame(columns=list(CARRIED))
    for name in CARRIED:
        found[name] = shares[name].reindex(found.index).astype(float)
    return found[["n_texts", *REPEATED, *CARRIED]].reset_index()


def text_means(
    texts: pd.DataFrame,
    *,
    concepts: Sequence[str],
    seeds: Sequence[int],
    methods: Sequence[str],
    n_resamples: int = N_RESAMPLES,
) -> pd.DataFrame:
    """A row per method: means over texts, then seeds, then concepts.

    Args:
        texts: as :func:`read_texts` returns them.
        concepts: those that count.
        seeds: likewise.
        methods: likewise; the order of the rows.
        n_resamples: of the bootstrap.

    Returns:
        ``method``, ``n_texts``, the shares of :func:`read_texts`, and ``low`` and ``high``, the 95 % interval over
        concepts of ``on_target``, missing where there is none.
    """
    rows = texts[texts["concept"].isin(list(concepts)) & texts["seed"].isin(list(seeds))]
    shares = [*REPEATED, *CARRIED]
    found = []
    for name in methods:
        of_method = rows[rows["method"] == name]
        if of_method.empty:
            continue
        by_concept = of_method.groupby("concept")[shares].mean()
        on_target = by_concept["on_target"].dropna().to_numpy(float)
        limits = bootstrap_mean(on_target, n_resamples=n_resamples) if len(on_target) else None
        found.append(
            {
                "method": name,
                "n_texts": int(of_method["n_texts"].sum()),
                **by_concept.mean().to_dict(),
                "low": limits.low if limits else float("nan"),
                "high": limits.high if limits else float("nan"),
            }
        )
    return pd.DataFrame(found, columns=["method", "n_texts", *shares, "low", "high"])


def as_text(means: pd.DataFrame) -> str:
    """The means for people; shares of concepts only where they are known."""
    shown: dict[str, Any] = {
        "method": means["method"],
        "texts": means["n_texts"],
        "distinct-2": means["distinct_2"].map(_share),
        "loops": means["looping"].map(_share),
    }
    if means["on_target"].notna().any():
        limits = zip(means["on_target"], means["low"], means["high"], strict=True)
        shown["on target"] = [
            _share(value) + ("" if pd.isna(low) else f" [{low:.2f}, {high:.2f}]") for value, low, high in limits
        ]
        shown |= {name.replace("_", " "): means[name].map(_share) for name in ("tied", "off_target", "nothing")}
    return f"{pd.DataFrame(shown).to_string(index=False)}\n"


def to_json(texts: pd.DataFrame) -> str:
    """What :func:`read_texts` found, for a file; what is missing is null."""
    whole: str = texts.to_json(orient="split", index=False, double_precision=6)
    return whole


def from_json(told: str | bytes) -> pd.DataFrame:
    """As :func:`to_json` wrote it.

    Raises:
        ValueError: it is something else.
    """
    given: Any = json.loads(told)
    found = pd.DataFrame(given["data"], columns=given["columns"])
    missing = {*UNIT, "n_texts", *REPEATED, *CARRIED} - set(found.columns)
    if missing:
        raise ValueError(f"the columns {sorted(missing)} are missing")
    return found.astype({name: float for name in (*REPEATED, *CARRIED)})


def _carried(kept: pd.DataFrame, on_progress: Callable[[int, int], None] | None) -> pd.DataFrame:
    """Shares of the units' texts by the concept that they carry most; index as ``UNIT``."""
    from steering.world.concepts import concepts

    related = _related()
    names = [one.name for one in concepts()]
    found: list[dict[str, int]] = []
    for place, (concept, prompt, text) in enumerate(zip(kept["concept"], kept["prompt"], kept["text"], strict=True)):
        found.append({name: rating for name, rating in _ratings(prompt, text) if name not in related[concept]})
        if on_progress is not None:
            on_progress(place + 1, len(kept))
    ratings = pd.DataFrame(found, columns=names, index=kept.index).fillna(0.0)
    shares = {}
    for unit, rows in kept.groupby(UNIT):
        of_unit = off_target(rows["concept"].tolist(), ratings.loc[rows.index])
        shares[unit] = of_unit.drop(columns="n_texts").iloc[0]
    return pd.DataFrame(shares).T.rename_axis(index=UNIT)


def _ratings(prompt: str, text: str) -> list[tuple[str, int]]:
    """Concepts of the world that a text may carry, and the judge's rating of each; all others are 0."""
    from steering.world.judge import WorldJudge
    from steering.world.parse import parse_rest, parse_sentence, split_sentences
    from steering.world.plans import with_parents

    sentences, rest = split_sentences(text)
    parses = [parse_sentence(one) for one in sentences]
    if rest and (last := parse_rest(rest)) is not None:
        parses.append(last)
    said = with_parents(one.concept for parse in parses for one in parse.evidence)
    return [(name, WorldJudge().score(name, prompt, text).concept) for name in said]


def _related() -> dict[str, frozenset[str]]:
    """Concept → its parent and its children."""
    from steering.world.concepts import concepts

    return {
        one.name: frozenset(other.name for other in concepts() if other.name == one.parent or other.parent == one.name)
        for one in concepts()
    }


def _share(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.2f}"
