"""Which feature of an SAE detects each concept of a set, and how well does it on texts that it was not chosen on?

A concept's feature is the one with the largest AUROC of its maxima on the training texts, every other concept's texts
among the negatives: AxBench's "SAE-A" (``GemmaScopeSAEMaxAUC``), but for the negatives, which there are shared ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from steering.activations import Progress, collect_statistics
from steering.detection.concept_scores import NEGATIVE, POSITIVE, ConceptScores
from steering.detection.protocol import Detection, detect
from steering.detection.reading import scores_from_statistics
from steering.errors import ExamplesError
from steering.examples import LabelledExamples
from steering.examples.axbench_concepts import IMBALANCE_SEED, DetectionTexts
from steering.models import LanguageModel
from steering.saes import SparseAutoencoder
from steering.scores.auroc import auroc

IMBALANCE = 100
"""Negatives for every positive, as in AxBench's imbalanced mode."""


@dataclass(frozen=True, slots=True)
class Detector:
    """A concept's feature and how well it detects.

    Attributes:
        feature_id: of the SAE.
        auroc_training: on the texts that it was chosen on.
        n_different_negatives: texts among the extra negatives of the imbalanced measure; where a set has fewer than
            that measure takes, each counts several times, which weighs them as if there were as many.
        detection: on the other texts.
    """

    feature_id: int
    auroc_training: float
    n_different_negatives: int
    detection: Detection


@dataclass(frozen=True, slots=True, eq=False)
class Detectors:
    """A feature for each concept.

    Attributes:
        found: in the order of the concepts.
        max_act: largest activation of every feature of the SAE on the training texts ``[d_sae]``.
    """

    found: tuple[Detector, ...]
    max_act: Float[np.ndarray, " d_sae"]


def heldout_texts(examples: LabelledExamples) -> tuple[DetectionTexts, ...]:
    """Texts of a file of labelled examples, as for a concept of AxBench: a label's rows are positives, all others not.

    Raises:
        ExamplesError: a label has no positives or no negatives among these rows.
    """
    found = []
    for place, name in enumerate(examples.label_names):
        carries = examples.label(name)
        if not 0 < carries.sum() < examples.n:
            raise ExamplesError(
                f"The label {name!r} has {int(carries.sum())} of {examples.n} texts to be tested on; give more "
                "examples of both kinds."
            )
        kinds = tuple(POSITIVE if one else NEGATIVE for one in carries)
        prompts = tuple(prompt or "" for prompt in examples.prompts)
        found.append(DetectionTexts(place, name, examples.texts, prompts, kinds, (None,) * examples.n))
    return tuple(found)


def find_detectors(
    model: LanguageModel,
    sae: SparseAutoencoder,
    training: LabelledExamples,
    tested: Sequence[DetectionTexts],
    *,
    imbalance: int = IMBALANCE,
    progress: Progress | None = None,
) -> Detectors:
    """Choose a feature for each concept and measure it; every text is read once.

    Args:
        model: read up to the SAE's hook point.
        sae: whose features.
        training: texts to choose on, a label for each concept.
        tested: texts to measure on.
        imbalance: negatives for every positive of the imbalanced measure, drawn from the negatives of all concepts.
        progress: told tokens done and in all.

    Raises:
        ExamplesError: a concept is no label of the training texts.
        SteeringError: a text has no token that counts.
    """
    rows: dict[tuple[str, str], int] = {}
    for text, prompt in zip(training.texts, training.prompts, strict=True):
        rows.setdefault((text, prompt or ""), len(rows))
    of_concept: list[Int[np.ndarray, " n_texts"]] = []
    for one in tested:
        pairs = list(zip(one.texts, one.prompts, strict=True))
        of_concept.append(np.array([rows.setdefault(pair, len(rows)) for pair in pairs]))
    statistics = collect_statistics(
        model, sae, [text for text, _ in rows], [prompt or None for _, prompt in rows], progress=progress
    )
    read = [rows[text, prompt or ""] for text, prompt in zip(training.texts, training.prompts, strict=True)]
    maxima = statistics.maximum.tocsr()[read].tocsc()
    negatives = [own[np.array(one.categories) == NEGATIVE] for one, own in zip(tested, of_concept, strict=True)]
    pool = np.unique(np.concatenate(negatives))
    found = []
    for one, own in zip(tested, of_concept, strict=True):
        on_training = auroc(maxima, training.label(one.concept))
        feature_id = int(np.argmax(on_training))
        scores = scores_from_statistics(statistics, feature_id)
        positives = own[np.array(one.categories) == POSITIVE]
        others = np.setdiff1d(pool, positives)
        extra = _drawn(others, imbalance * len(positives))
        scored = ConceptScores.by_category(one.concept, scores[own], one.categories, extra_negative=scores[extra])
        found.append(Detector(feature_id, float(on_training[feature_id]), len(np.unique(extra)), detect(scored)))
    return Detectors(tuple(found), np.asarray(maxima.max(axis=0).todense()).ravel().astype(np.float64))


def _drawn(rows: Int[np.ndarray, " n"], count: int) -> Int[np.ndarray, " count"]:
    """So many of the rows: each once at most where there are enough, else all equally often but for one time."""
    if len(rows) >= count:
        return np.random.default_rng(IMBALANCE_SEED).choice(rows, count, replace=False)
    return np.resize(rows, count)
