"""Which label does every feature of an SAE deserve, and which features does every label have?

The labelling run of Jørgensen & Hansen (arXiv 2605.31183):

1. Labels and groups of the examples are read once; groups are dealt to training, validation and test.
2. Texts pass through the model shard by shard; firing frequencies of each shard are saved (sparse).
3. One walk over the training part ranks all features for all labels, under every prior at once; their max_act and
   density are the training part's, too.
4. The prior is chosen on the validation part: whose top features list its examples best?
5. What the kept features write is measured (output score, token confidence), and saved in blocks.
6. The test part, which nothing was chosen on, gives F1c, p and q of every pair.

A killed run is started again with the same arguments: saved shards and blocks are not computed twice, and the table is
the same. Memory holds labels, groups and the sparse frequencies; never texts, ``[tokens d_sae]`` or
``[d_sae n_labels]``.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float32, Int
from scipy.sparse import csc_array, csr_array, vstack

from steering import __version__
from steering.activations import collect_statistics
from steering.effects import measure_effects, neutral_context
from steering.errors import ExamplesError
from steering.feature_labels import (
    ExampleSource,
    LabellingSettings,
    Pairs,
    Parts,
    choose_prior,
    deal_parts,
    judge_pairs,
    labels_table,
    sweep_pairs,
    write_labels,
)
from steering.feature_labels.table import admitted_features
from steering.feature_labels.work import WorkFolder, open_work, work_folder_of
from steering.fingerprints import sae_fingerprint, weights_fingerprint
from steering.locking import holding
from steering.models import LanguageModel
from steering.presets import sae_title
from steering.ranking.prior import PRIORS
from steering.saes import SparseAutoencoder
from steering.statistics import FeatureEffect
from steering.versions import versions_of

FEATURES_PER_PIECE = 1024
_PACKAGES = ("torch", "transformers", "numpy", "scipy", "sae-lens")

Progress = Callable[[int, int, str, str], None]
"""Called with done, total, unit and what is going on; may raise ``Cancelled``."""


@dataclass(frozen=True, slots=True, eq=False)
class LabellingRun:
    """What a finished run leaves behind.

    Attributes:
        table: see :func:`steering.feature_labels.table.labels_table`; as it was written.
        metadata: model, SAE, examples, settings, chosen prior and counts; as it stands in the file.
    """

    table: pd.DataFrame
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class _Frequencies:
    """Firing frequencies of the three parts, and what the training part says of every feature."""

    train: csc_array
    validation: csc_array
    test: csc_array
    max_act: Float32[np.ndarray, " d_sae"]
    density: Float32[np.ndarray, " d_sae"]
    n_tokens: int
    n_truncated: int


def label_features(
    model: LanguageModel,
    sae: SparseAutoencoder,
    source: ExampleSource,
    out: Path,
    settings: LabellingSettings | None = None,
    *,
    on_progress: Progress | None = None,
) -> LabellingRun:
    """Label all features of an SAE with the labels of the examples, and write the table to ``out``.

    Unfinished work lies in ``<out>.work`` and is removed at the end.

    Args:
        model: read up to the SAE's hook point; in full for the effects.
        sae: fitted to the model.
        source: examples with labels and groups.
        out: a ``.parquet`` in a folder that exists.
        settings: the choices.
        on_progress: told examples, features and blocks; may raise ``Cancelled``, and the work stays.

    Raises:
        ExamplesError: no label has training positives and negatives, or a text without a token that counts.
        SteeringError: the work folder belongs to another run, or another process is working in it.
        OSError: ``out`` or its work folder cannot be written.
    """
    settings = settings or LabellingSettings()
    progress = on_progress or _silent
    parts = deal_parts(source.groups, source.labels, seed=settings.seed)
    labels_train, labels_validation, labels_test = (
        _rows(source.labels, rows) for rows in (parts.train, parts.validation, parts.test)
    )
    n_positive = np.diff(labels_train.indptr)
    n_negative = len(parts.train) - n_positive
    defined = (n_positive > 0) & (n_negative > 0)
    if not defined.any():
        raise ExamplesError(
            f"No label of {source.name} has positives and negatives among the {len(parts.train)} training rows; add "
            "examples."
        )
    folder = work_folder_of(out)
    folder.mkdir(exist_ok=True)
    with holding(folder, "labelling features"):
        work = open_work(folder, _manifest(model, sae, source, settings))
        _save_shards(model, sae, source, parts, work, settings, progress)
        frequencies = _read_shards(work, source, parts, sae.d_sae)
        by_prior = sweep_pairs(
            frequencies.train,
            labels_train,
            PRIORS if settings.pi0 == "auto" else (settings.pi0,),
            top=settings.top,
            min_support=settings.min_support,
            admitted=admitted_features(frequencies.density, settings.max_density),
            on_progress=lambda done, total: progress(done, total, "features", "Finding the best thresholds"),
        )
        pi0, precision = choose_prior(by_prior, frequencies.validation, labels_validation)
        pairs = by_prior.pop(pi0)
        by_prior.clear()
        effects = _effects(model, sae, pairs, frequencies.max_act, work, progress) if settings.effects else None
        table = labels_table(
            pairs,
            source.label_names,
            validation=judge_pairs(pairs, frequencies.validation, labels_validation, pi0=pi0),
            test=judge_pairs(pairs, frequencies.test, labels_test, pi0=pi0),
            n_positive=n_positive,
            n_negative=n_negative,
            max_act=frequencies.max_act,
            density=frequencies.density,
            effects=effects,
        )
        metadata = {
            "version": __version__,
            "versions": versions_of(_PACKAGES),
            "model": model.name,
            "sae": sae_title(sae.name),
            "hook_module": str(model.layout.locate(sae.hook_point)),
            "d_sae": sae.d_sae,
            "examples": source.name,
            "fingerprint": source.fingerprint,
            "settings": settings.to_json(),
            "pi0": pi0,
            "pi0_chosen_by": "mean average precision of top-1 features on the validation part"
            if settings.pi0 == "auto"
            else "the user",
            "validation_average_precision": {f"{prior:g}": mean for prior, mean in precision.items()},
            "n_train": len(parts.train),
            "n_validation": len(parts.validation),
            "n_test": len(parts.test),
            "n_several": int((np.bincount(source.labels.indices, minlength=source.n) > 1).sum()),
            "n_tokens": frequencies.n_tokens,
            "n_truncated": frequencies.n_truncated,
            "n_labels": int(defined.sum()),
            "labels_left_out": [name for name, good in zip(source.label_names, defined, strict=True) if not good],
            "n_features_labelled": int(pairs.best.sum()),
            "n_pairs": len(pairs),
        }
        write_labels(out, table, metadata)
        work.remove()
        return LabellingRun(table, metadata)


def _save_shards(
    model: LanguageModel,
    sae: SparseAutoencoder,
    source: ExampleSource,
    parts: Parts,
    work: WorkFolder,
    settings: LabellingSettings,
    progress: Progress,
) -> None:
    """Step 2: a piece of work for every shard that has none yet."""
    trains = np.zeros(source.n, dtype=bool)
    trains[parts.train] = True
    for number, (first, rows) in enumerate(source.shards(settings.shard)):
        if not work.has("shard", number):
            try:
                found = collect_statistics(model, sae, [text for text, _ in rows], [prompt for _, prompt in rows])
            except ExamplesError as error:
                # The message counts rows from the beginning of the shard.
                raise ExamplesError(f"{source.name}, counted from row {first + 1}: {error}") from error
            frequency = csr_array(found.frequency)
            largest = csr_array(found.maximum)[np.flatnonzero(trains[first : first + len(rows)])]
            work.save(
                "shard",
                number,
                {
                    "data": frequency.data,
                    "indices": frequency.indices,
                    "indptr": frequency.indptr,
                    "n_tokens": found.n_tokens,
                    "max_act": largest.max(axis=0).toarray().ravel() if largest.shape[0] else np.zeros(sae.d_sae),
                    "n_truncated": np.array(found.n_truncated),
                },
            )
        progress(first + len(rows), source.n, "examples", "Reading the examples")


def _read_shards(work: WorkFolder, source: ExampleSource, parts: Parts, d_sae: int) -> _Frequencies:
    """All shards, cut along the parts."""
    pieces: tuple[list[csr_array], ...] = ([], [], [])
    part_of = np.zeros(source.n, dtype=np.int8)
    part_of[parts.validation], part_of[parts.test] = 1, 2
    max_act = np.zeros(d_sae, dtype=np.float32)
    lengths: list[np.ndarray] = []
    n_tokens = n_truncated = first = number = 0
    while first < source.n:
        shard = work.piece("shard", number)
        if shard is None:
            raise RuntimeError(f"shard {number} is not there")
        n_rows = len(shard["n_tokens"])
        frequency = csr_array((shard["data"], shard["indices"], shard["indptr"]), shape=(n_rows, d_sae))
        of_rows = part_of[first : first + n_rows]
        for part, piece in enumerate(pieces):
            piece.append(frequency[np.flatnonzero(of_rows == part)])
        max_act = np.maximum(max_act, shard["max_act"].astype(np.float32))
        lengths.append(shard["n_tokens"][of_rows == 0])
        n_tokens += int(shard["n_tokens"].sum())
        n_truncated += int(shard["n_truncated"])
        first, number = first + n_rows, number + 1
    matrices = []
    for piece in pieces:
        matrices.append(csc_array(vstack(piece, format="csr")))
        piece.clear()
    train, validation, test = matrices
    density = _density(train, np.concatenate(lengths))
    return _Frequencies(train, validation, test, max_act, density, n_tokens, n_truncated)


def _density(frequency: csc_array, n_tokens: Int[np.ndarray, " n"]) -> Float32[np.ndarray, " d_sae"]:
    """Share of the tokens of some rows on which each feature fires, from its share in every row."""
    fired = np.rint(frequency.data * n_tokens[frequency.indices].astype(np.float64))  # whole tokens, rounding undone
    columns = np.repeat(np.arange(frequency.shape[1]), np.diff(frequency.indptr))
    return (np.bincount(columns, fired, minlength=frequency.shape[1]) / n_tokens.sum()).astype(np.float32)


def _effects(
    model: LanguageModel,
    sae: SparseAutoencoder,
    pairs: Pairs,
    max_act: Float32[np.ndarray, " d_sae"],
    work: WorkFolder,
    progress: Progress,
) -> dict[int, FeatureEffect]:
    """Step 5: output score and token confidence of every feature of the pairs, a piece of work for each block."""
    context = neutral_context(model)
    ids = np.unique(pairs.feature)
    effects: dict[int, FeatureEffect] = {}
    for number, start in enumerate(range(0, len(ids), FEATURES_PER_PIECE)):
        block = ids[start : start + FEATURES_PER_PIECE].tolist()
        saved = work.piece("effects", number)
        if saved is None:
            found = measure_effects(model, sae, block, max_act, context=context)
            saved = {
                "output_score": np.array([found[feature].output_score for feature in block]),
                "delta_confidence": np.array([found[feature].delta_confidence for feature in block]),
                "top_tokens": np.array(json.dumps([found[feature].top_tokens for feature in block])),
            }
            work.save("effects", number, saved)
        effects |= _from_piece(block, saved)
        progress(len(effects), len(ids), "features", "Measuring what the features write")
    return effects


def _from_piece(block: Sequence[int], saved: dict[str, np.ndarray]) -> dict[int, FeatureEffect]:
    tokens = json.loads(str(saved["top_tokens"]))
    return {
        feature: FeatureEffect(float(score), float(confidence), tuple(words))
        for feature, score, confidence, words in zip(
            block, saved["output_score"], saved["delta_confidence"], tokens, strict=True
        )
    }


def _manifest(
    model: LanguageModel, sae: SparseAutoencoder, source: ExampleSource, settings: LabellingSettings
) -> dict[str, Any]:
    """What decides the contents of the pieces; a folder whose weights were replaced under the same name counts too."""
    return {
        "version": __version__,
        "examples": source.fingerprint,
        "model": f"{model.name} {weights_fingerprint(model)[:16]}",
        "sae": f"{sae_title(sae.name)} {sae_fingerprint(sae)[:16]}",
        "hook point": str(sae.hook_point),
        "dtype": str(model.dtype),
        "device": model.device.type,
        "settings": settings.to_json(),
    }


def _rows(labels: csc_array, rows: np.ndarray) -> csc_array:
    """Some rows of the labels, each column's rows ascending."""
    cut = csc_array(labels[rows])
    cut.sort_indices()
    return cut


def _silent(done: int, total: int, unit: str, what: str) -> None:
    """Report to nobody."""
