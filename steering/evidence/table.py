"""What is a table of results, and can this one be trusted?

A row per completion. The unit of evidence is the concept: completions and seeds are averaged within it, and every
interval is taken over concepts.
"""

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import hmean

from steering.errors import SteeringError

KEYS = ["model", "method", "concept", "split", "seed", "prompt_id", "half", "factor", "selected"]
RATINGS = ["concept_score", "instruction_score", "fluency_score"]
COLUMNS = [*KEYS, *RATINGS, "overall", "kl"]

RUN = ["model", "method", "concept", "seed"]
"""What identifies one run of the protocol: it has one grid of factors and one chosen factor."""

METHODS = (
    "prompt",
    "sae_label",
    "sae_auroc",
    "sae_f1c",
    "sae_f1c_output",
    "sae_f1c_confidence",
    "sae_topk",
    "diffmean",
    "pca",
    "lat",
    "probe",
    "ssv",
    "reft_r1",
    "lora",
    "sft",
    "random_feature",
    "random_direction",
    "other_concept",
    "random_dictionary",
    "none",
)
UNSTEERED = "none"
"""The method that leaves the model as it is."""
SPLITS = ("development", "test")
HALVES = ("select", "test")
HIGHEST_RATING = 2.0
ROUNDING = 1e-4
"""How far a stored ``overall`` may be from its three ratings, and a KL below zero: a table may hold float32."""


def harmonic_mean(ratings: Float[np.ndarray, "*shape 3"]) -> Float[np.ndarray, "*shape"]:
    """3 / (1/concept + 1/instruction + 1/fluency), and 0 if any of the three is 0 (AxBench, section 4.2).

    Args:
        ratings: not negative; concept, instruction and fluency along the last axis, each on its 0 to 2 scale.
    """
    return np.asarray(hmean(ratings, axis=-1))


def check_table(table: pd.DataFrame) -> None:
    """See that every column is there and every value means something; the first fault found is reported.

    Which completions must exist is another question: ``protocol.check_protocol``.

    Raises:
        SteeringError: a column is missing; there is no row; a name of a method, split or half is unknown; a value is
            missing (``kl`` may be); a rating is not within 0 and 2; ``overall`` is not the harmonic mean of its
            ratings; ``selected`` is not boolean; a concept is in both splits.
    """
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise SteeringError(f"The results lack the columns {', '.join(missing)}; a table of results has "
                            f"{', '.join(COLUMNS)}.")  # fmt: skip
    if table.empty:
        raise SteeringError("The results have no row; run the benchmark before its evidence is asked for.")
    for column, known in (("method", METHODS), ("split", SPLITS), ("half", HALVES)):
        unknown = sorted({str(name) for name in table[column].unique()} - set(known))
        if unknown:
            raise SteeringError(f"The column {column} holds {', '.join(unknown)}; known are {', '.join(known)}.")
    for column in COLUMNS[:-1]:
        if table[column].isna().any():
            raise SteeringError(f"The column {column} has {int(table[column].isna().sum())} missing values; only kl "
                                "may be missing.")  # fmt: skip
    if not pd.api.types.is_bool_dtype(table["selected"]):
        raise SteeringError(f"The column selected is of type {table['selected'].dtype}; it must be boolean.")
    _check_numbers(table)
    n_splits = table.groupby("concept", observed=True)["split"].nunique()
    if (n_splits > 1).any():
        raise SteeringError(f"{_names(n_splits.index[n_splits > 1])} appear in both splits; a concept that anything "
                            "was chosen on must not be reported.")  # fmt: skip


def _check_numbers(table: pd.DataFrame) -> None:
    """Ratings, factor, overall and KL within their ranges."""
    for column in ["factor", *RATINGS, "overall", "kl"]:
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise SteeringError(f"The column {column} is of type {table[column].dtype}; it must be a number.")
    ratings = table[RATINGS].to_numpy(np.float64)
    if not ((ratings >= 0) & (ratings <= HIGHEST_RATING)).all():
        raise SteeringError("A rating lies outside 0 to 2; an answer of the judge that cannot be read counts as 0.")
    if not np.isfinite(table["factor"].to_numpy(np.float64)).all():
        raise SteeringError("A factor is not a finite number; a method without a dose takes the factor 0.")
    if not np.allclose(table["overall"].to_numpy(np.float64), harmonic_mean(ratings), rtol=0, atol=ROUNDING):
        raise SteeringError("The column overall is not the harmonic mean of the three ratings; compute it with "
                            "harmonic_mean, which is 0 where a rating is 0.")  # fmt: skip
    kl = table["kl"].to_numpy(np.float64)
    if (kl < -ROUNDING).any() or np.isinf(kl).any():
        raise SteeringError("A KL divergence is negative or infinite; store it in nats, missing where not measured.")


def _names(values: pd.Index) -> str:
    """The first few of ``values`` for a sentence."""
    shown = ", ".join(str(value) for value in values[:3])
    return shown if len(values) <= 3 else f"{shown} and {len(values) - 3} more"
