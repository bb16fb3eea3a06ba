"""How do detection scores get into AxBench's evaluation, and its results back?

``eval_latent`` in scripts/evaluate.py reads ``inference/latent_data.parquet``, one row per text, and for every method
of its configuration the column ``<method>_max_act``; methods may have any name. It writes ``evaluate/latent.jsonl``.
"""

from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from steering.detection.concept_scores import ConceptScores, normalised
from steering.detection.protocol import detect
from steering.detection.thresholds import cuts
from steering.errors import SteeringError
from steering.examples.axbench_concepts import EVAL_COLUMNS, AxBenchConcept
from steering.interchange.axbench_layout import (
    EVALUATE,
    INFERENCE,
    LATENT_FILE,
    SKIPPED_IN_DETECTION,
    check_names,
    read_json_lines,
    subfolder,
    write_json_lines,
)
from steering.replacing import replacing

SCORE = "_max_act"


def latent_frame(
    evaluation: pd.DataFrame,
    scores: Mapping[str, Float[np.ndarray, " n_texts"]],
    concepts: Sequence[AxBenchConcept] = (),
) -> pd.DataFrame:
    """The texts of ``latent_eval_data`` with a column of scores per method.

    Args:
        evaluation: its rows; ``sae_link`` and ``sae_id`` are kept, or taken from ``concepts``.
        scores: per method, one score per row, any unit, higher meaning more likely positive.
        concepts: needed only where the rows do not carry the links.

    Raises:
        SteeringError: a column is missing, a method has another number of scores, one is not finite, or AxBench would
            pass the method over.
    """
    missing = [column for column in EVAL_COLUMNS if column not in evaluation.columns]
    if missing:
        raise SteeringError(f"The evaluation rows have no column '{missing[0]}'; they need {', '.join(EVAL_COLUMNS)}.")
    check_names(scores, SKIPPED_IN_DETECTION)
    frame = evaluation.reset_index(drop=True).copy()
    if "sae_link" not in frame:
        refs = {one.concept_id: one.ref for one in concepts}
        frame["sae_link"] = [refs.get(int(row), "") for row in frame["concept_id"]]
    if "sae_id" not in frame:
        ids = {one.concept_id: one.feature_id for one in concepts}
        frame["sae_id"] = [-1 if (found := ids.get(int(row))) is None else found for row in frame["concept_id"]]
    for method, values in scores.items():
        if len(values) != len(frame) or not np.isfinite(values).all():
            raise SteeringError(
                f"'{method}' has {len(values)} scores for {len(frame)} texts, or one that is not a finite number; give "
                "one finite score per row."
            )
        frame[f"{method}{SCORE}"] = values.astype(np.float64)
    return frame


def write_latent_data(folder: Path, frame: pd.DataFrame) -> Path:
    """``inference/latent_data.parquet``, from which ``evaluate.py --mode latent`` goes on."""
    path = subfolder(folder, INFERENCE) / LATENT_FILE
    with replacing(path) as part:
        frame.to_parquet(part, engine="pyarrow")
    return path


def scores_of(frame: pd.DataFrame, method: str) -> dict[int, ConceptScores]:
    """What a method said about every concept's texts, by concept_id: of our file, or of one that AxBench wrote.

    Raises:
        SteeringError: the method is not in the file, or a concept lacks positives or negatives.
    """
    column = f"{method}{SCORE}"
    if column not in frame:
        known = [name.removesuffix(SCORE) for name in frame.columns if str(name).endswith(SCORE)]
        raise SteeringError(f"{LATENT_FILE} has no scores of '{method}'; it has {', '.join(known) or 'none'}.")
    return {
        int(str(concept_id)): ConceptScores.by_category(
            _name(rows), rows[column].to_numpy(dtype=np.float64), tuple(rows["category"].astype(str))
        )
        for concept_id, rows in frame.groupby("concept_id", sort=True)
    }


def latent_results(frame: pd.DataFrame, methods: Sequence[str]) -> list[dict[str, Any]]:
    """A line per concept, as ``AUCROCEvaluator`` and ``HardNegativeEvaluator`` would write it, to the last digit.

    ``AUCROCEvaluator`` leaves hard negatives out; ``HardNegativeEvaluator`` says nothing of a concept without any, or
    of scores that tell nothing apart. ROC curves keep every threshold; scikit-learn's leave out those on a straight
    line.
    """
    lines: dict[int, dict[str, Any]] = {}
    for method in methods:
        for concept_id, scores in scores_of(frame, method).items():
            unit = normalised(scores)
            found, curve = detect(unit, as_axbench=True), cuts(unit.positive, unit.negative)
            line = lines.setdefault(concept_id, {"AUCROCEvaluator": {}, "HardNegativeEvaluator": {}})
            line["AUCROCEvaluator"][method] = {
                "max_act": scores.range[1],
                "roc_auc": found.auroc,
                "optimal_threshold": found.youden_threshold,
                "roc_curve": {"fpr": curve.fpr.tolist(), "tpr": curve.tpr.tolist()},
            }
            line["HardNegativeEvaluator"][method] = (
                {} if isnan(found.macro_accuracy) else {"macro_avg_accuracy": found.macro_accuracy}
            )
    return [{"concept_id": concept_id, "results": lines[concept_id]} for concept_id in sorted(lines)]


def write_latent_results(folder: Path, results: Sequence[Mapping[str, Any]]) -> Path:
    """``evaluate/latent.jsonl``."""
    return write_json_lines(subfolder(folder, EVALUATE) / "latent.jsonl", results)


def read_latent_results(path: Path) -> pd.DataFrame:
    """The results of an ``evaluate/latent.jsonl``, AxBench's or ours: a row per concept and method.

    Returns:
        concept_id, method, auroc, macro_accuracy (NaN where left out), max_act, threshold (normalised).

    Raises:
        SteeringError: the file cannot be read, or is not AxBench's.
    """
    rows = []
    try:
        for line in read_json_lines(path):
            hard = line["results"].get("HardNegativeEvaluator", {})
            for method, one in line["results"]["AUCROCEvaluator"].items():
                rows.append(
                    {
                        "concept_id": int(line["concept_id"]),
                        "method": method,
                        "auroc": float(one["roc_auc"]),
                        "macro_accuracy": float(hard.get(method, {}).get("macro_avg_accuracy", np.nan)),
                        "max_act": float(one["max_act"]),
                        "threshold": float(one["optimal_threshold"]),
                    }
                )
    except (KeyError, TypeError, AttributeError) as error:
        raise SteeringError(f"{path} is not a result of AxBench's latent evaluation ({error!r}).") from error
    columns = ["concept_id", "method", "auroc", "macro_accuracy", "max_act", "threshold"]
    return pd.DataFrame(rows, columns=columns)


def _name(rows: pd.DataFrame) -> str:
    positive = rows.loc[rows["category"] == "positive", "output_concept"]
    return str(positive.iloc[0]) if len(positive) else str(rows["output_concept"].iloc[0])
