"""What about these examples will make a result look better, or come out worse, than it is?"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int
from scipy.sparse import csr_array

from steering.examples.findings import Finding, count, join_words, name_rows, quote
from steering.examples.grouping import simplify
from steering.examples.labelled import LabelledExamples
from steering.examples.limits import FEW_PER_CLASS, LONG_TEXT_CHARS, MIN_PER_CLASS
from steering.scores.auroc import auroc_of_scores

LENGTH_AUROC = 0.8
"""From here on the length of a text alone tells the classes apart too well."""

NEAR_IDENTICAL = 0.8
"""Jaccard similarity of the words of two texts from which on they count as nearly the same."""

_SHOWN_LABELS = 5
_SAMPLE = 300
_OPENING_WORDS = 4


def check_quality(examples: LabelledExamples, rows: Int[np.ndarray, " n_examples"]) -> list[Finding]:
    """Looks for what weakens or fakes a result.

    Args:
        examples: the usable rows.
        rows: the user's number of every usable row.
    """
    return [
        *check_counts(examples),
        *check_lengths(examples, rows),
        *check_length_confound(examples),
        *check_variety(examples, rows),
        *check_label_words(examples),
    ]


def check_counts(examples: LabelledExamples) -> list[Finding]:
    """One class only, and too few of a class."""
    positives = [int(n) for n in examples.labels.sum(axis=0)]
    negatives = [examples.n - n for n in positives]
    names = examples.label_names
    if not any(positives):
        return [
            Finding(
                "error",
                "one_class",
                f"All {count(examples.n, 'usable row')} are negatives; add at least {MIN_PER_CLASS} positives.",
            )
        ]
    if not any(negatives):
        what = f"carry the label '{names[0]}'" if len(names) == 1 else "carry every label"
        return [
            Finding(
                "error",
                "one_class",
                f"All {count(examples.n, 'usable row')} {what}; add at least {MIN_PER_CLASS} rows without it, since "
                "a feature can only be told by what it does not fire on.",
            )
        ]
    fewest = [min(two) for two in zip(positives, negatives, strict=True)]
    findings = []
    far_too_few = [i for i in range(len(names)) if fewest[i] < MIN_PER_CLASS]
    if far_too_few:
        told = join_words([_balance(names[i], positives[i], negatives[i]) for i in far_too_few], shown=_SHOWN_LABELS)
        nothing_left = len(far_too_few) == len(names)
        findings.append(
            Finding(
                "error" if nothing_left else "warning",
                "too_few",
                f"Too few rows to rank features: {told}; add rows until there are at least {MIN_PER_CLASS} positives "
                f"and {MIN_PER_CLASS} negatives ({FEW_PER_CLASS} of each are better).",
            )
        )
    few = [i for i in range(len(names)) if MIN_PER_CLASS <= fewest[i] < FEW_PER_CLASS]
    if few:
        told = join_words([_balance(names[i], positives[i], negatives[i]) for i in few], shown=_SHOWN_LABELS)
        n_heldout = max(1, round(0.3 * min(fewest[i] for i in few)))
        findings.append(
            Finding(
                "warning",
                "few_rows",
                f"Few rows: {told}; with about {n_heldout} held out on the smaller side, one example more or less "
                f"moves the held-out score by {0.5 / n_heldout:.2f} or more and chance winners are likely, so add "
                f"rows up to {FEW_PER_CLASS} positives and negatives.",
            )
        )
    return findings


def check_lengths(examples: LabelledExamples, rows: Int[np.ndarray, " n_examples"]) -> list[Finding]:
    """Texts that the model may not be able to read to the end."""
    long = [int(row) for row, text in zip(rows, examples.texts, strict=True) if len(text) > LONG_TEXT_CHARS]
    if not long:
        return []
    longest = max(map(len, examples.texts))
    return [
        Finding(
            "warning",
            "long_text",
            f"{name_rows(long).capitalize()}: more than {LONG_TEXT_CHARS:,} characters (up to {longest:,}); a text is "
            "read up to the model's context, and a concept in one sentence of it is diluted, so cut long texts to "
            "the passage that shows the label.",
            tuple(long),
        )
    ]


def check_length_confound(examples: LabelledExamples) -> list[Finding]:
    """Labels that could be told from the length of the text alone."""
    lengths = np.array([len(text) for text in examples.texts], dtype=np.float64)
    told = []
    for i, name in enumerate(examples.label_names):
        member = examples.labels[:, i]
        if min(int(member.sum()), int((~member).sum())) < MIN_PER_CLASS:
            continue
        auroc = auroc_of_scores(lengths, member)
        if max(auroc, 1 - auroc) >= LENGTH_AUROC:
            ordinary = int(np.median(lengths[member])), int(np.median(lengths[~member]))
            told.append(
                (
                    -abs(auroc - 0.5),
                    f"'{name}' has an AUROC of {auroc:.2f} (median {ordinary[0]:,} characters in positives, "
                    f"{ordinary[1]:,} in negatives)",
                )
            )
    if not told:
        return []
    return [
        Finding(
            "warning",
            "length_confound",
            "The length of the text alone tells the label: "
            f"{join_words([words for _, words in sorted(told)], shown=_SHOWN_LABELS)}; a feature of length would look "
            "like one of the concept, so make positives and negatives equally long.",
        )
    ]


def check_variety(examples: LabelledExamples, rows: Int[np.ndarray, " n_examples"]) -> list[Finding]:
    """How many texts there are and how varied they are; classes made from one template or of near copies."""
    sides: list[tuple[str, Bool[np.ndarray, " n_examples"]]] = []
    if len(examples.label_names) == 1:
        sides = [("positives", examples.labels[:, 0]), ("negatives", ~examples.labels[:, 0])]
    else:
        sides = [(f"texts with {quote(name)}", examples.labels[:, i]) for i, name in enumerate(examples.label_names)]
        sides.append(("texts without a label", np.asarray(~examples.labels.any(axis=1), dtype=bool)))
    sample = max(40, min(_SAMPLE, 10_000 // len(sides)))
    words = [simplify(text).split() for text in examples.texts]
    alike, templates, figures = [], [], []
    alike_rows: set[int] = set()
    for name, member in sides:
        members = np.flatnonzero(member)
        if len(members) < MIN_PER_CLASS:
            continue
        if len(members) > sample:
            members = members[np.linspace(0, len(members) - 1, sample).astype(int)]
        n = len(members)
        texts = [words[i] for i in members]
        twins = near_identical(texts)
        n_twins = int(twins.sum())
        if n >= 8 and n_twins * 2 > n:
            alike.append(f"{n_twins} of {n} {name}")
            alike_rows.update(int(rows[members[i]]) for i in np.flatnonzero(twins))
        opening, n_opening = Counter(" ".join(text[:_OPENING_WORDS]) for text in texts).most_common(1)[0]
        if n >= 8 and n_opening * 2 > n and len(opening.split()) == _OPENING_WORDS:
            templates.append(f"{n_opening} of {n} {name} begin with {quote(opening)}")
        figures.append((_distinct_phrases(texts), name, n))
    findings = []
    if alike:
        findings.append(
            Finding(
                "warning",
                "near_identical",
                f"Nearly the same words: {join_words(alike, shown=_SHOWN_LABELS)} share four in five words with "
                "another one; such copies count as one example, so add texts that say it differently.",
                tuple(sorted(alike_rows)),
            )
        )
    if templates:
        findings.append(
            Finding(
                "warning",
                "template",
                f"One template: {join_words(templates, shown=_SHOWN_LABELS)}; features of the wording would rank as "
                "high as features of the concept, so vary the wording.",
            )
        )
    if figures:
        told = [f"{share:.0%} in {n} {name}" for share, name, n in sorted(figures)]
        findings.append(
            Finding(
                "note",
                "variety",
                f"How varied: share of three-word phrases that differ, lowest first: {join_words(told, shown=3)}.",
            )
        )
    return findings


def check_label_words(examples: LabelledExamples) -> list[Finding]:
    """Labels whose own name stands in every positive: the word may be what is found, not the concept."""
    told = []
    words = [set(re.findall(r"\w+", text.casefold())) for text in examples.texts]
    for i, name in enumerate(examples.label_names):
        label_words = set(re.findall(r"\w{3,}", name.casefold()))
        positives = [words[row] for row in np.flatnonzero(examples.labels[:, i])]
        if len(positives) < MIN_PER_CLASS or not label_words:
            continue
        others = np.flatnonzero(~examples.labels[:, i])
        for word in sorted(label_words.intersection(*positives)):
            n_others = sum(word in words[row] for row in others)
            if n_others * 2 > len(others):
                continue  # a word of every text, such as "and"
            told.append(
                f"the word {quote(word)} stands in all {len(positives)} positives of '{name}' and in {n_others} of "
                f"{len(others)} negatives"
            )
    if not told:
        return []
    sentence = join_words(told, shown=_SHOWN_LABELS)
    return [
        Finding(
            "note",
            "label_word",
            f"{sentence[0].upper()}{sentence[1:]}; a feature of that word will rank like one of the concept, so add "
            "positives that do not name it.",
        )
    ]


def near_identical(texts: Sequence[Sequence[str]]) -> Bool[np.ndarray, " n_texts"]:
    """Which texts share nearly all words with another one.

    ``|A ∩ B| / |A ∪ B| ≥ 0.8`` for the sets of different words of two texts.

    Args:
        texts: words of each text.
    """
    place: dict[str, int] = {}
    word_sets = [sorted({place.setdefault(word, len(place)) for word in text}) for text in texts]
    sizes = np.array([len(words) for words in word_sets])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    columns = np.array([word for words in word_sets for word in words], dtype=np.int64)
    present = csr_array((np.ones(len(columns), dtype=np.float32), columns, starts), shape=(len(texts), len(place) or 1))
    shared = (present @ present.T).toarray()
    union = sizes[:, None] + sizes[None, :] - shared
    similar = shared >= NEAR_IDENTICAL * np.maximum(union, 1)
    np.fill_diagonal(similar, False)
    return np.asarray(similar.any(axis=1), dtype=bool)


def _distinct_phrases(texts: Sequence[Sequence[str]]) -> float:
    """Different three-word phrases over all three-word phrases, 1 where there are none."""
    phrases = [phrase for text in texts for phrase in zip(text, text[1:], text[2:], strict=False)]
    return len(set(phrases)) / len(phrases) if phrases else 1.0


def _balance(name: str, n_positive: int, n_negative: int) -> str:
    return f"'{name}' has {count(n_positive, 'positive')} and {count(n_negative, 'negative')}"
