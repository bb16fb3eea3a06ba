"""What is known about a ranked feature, and about the ranking as a whole?"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from steering.ranking.filters import FilterStep
from steering.ranking.settings import RankingSettings


@dataclass(frozen=True, slots=True)
class FeatureRank:
    """One feature's standing for one label. None stands for "not measured", never for a bad value.

    Attributes:
        feature_id: the SAE unit.
        label: what it was ranked for.
        f1c: calibrated F1 on the training part at the best threshold.
        tau: that threshold: the feature predicts the label where it fires on at least this share of tokens.
        tpr: share of training positives found at tau.
        fpr: share of training negatives found at tau.
        tp: training positives found at tau.
        auroc: of the firing frequency, training part.
        mean_difference: of the mean activation, positives minus negatives, training part, the feature's own units.
        support: training positives on which the feature fires at all.
        density: share of all eligible tokens on which it fires.
        max_act: largest activation over all eligible tokens.
        f1c_heldout: calibrated F1 of tau on the held-out part.
        auroc_heldout: of the firing frequency, held-out part.
        interval: 95 % limits of ``auroc_heldout``.
        p_value: held-out part: label permutation at tau and at a threshold for balanced classes, the smaller
            doubled, this feature alone; nothing held out: adjusted for having
            looked at all features.
        q_value: false-discovery rate among the features shown (Benjamini–Yekutieli); nothing held out: upper limit of
            the adjusted p-value.
        output_score: Arad's S_out.
        delta_confidence: Wang's change of token confidence, nats.
        top_tokens: logit-lens tokens, most promoted first.
        best_label: of all labels, the one this feature reads best; known where all labels were ranked.
    """

    feature_id: int
    label: str
    f1c: float
    tau: float
    tpr: float
    fpr: float
    tp: int
    auroc: float
    mean_difference: float
    support: int
    density: float
    max_act: float
    f1c_heldout: float | None = None
    auroc_heldout: float | None = None
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    q_value: float | None = None
    output_score: float | None = None
    delta_confidence: float | None = None
    top_tokens: tuple[str, ...] | None = None
    best_label: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values by field name; None where something was not measured, never NaN."""
        return {name: _plain(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Ranking:
    """Ranked features for one label, best first, with all that is needed to doubt them.

    Order: training F1c; then training AUROC; then mean difference; then feature_id.

    Attributes:
        label: the label.
        features: best first.
        filters: what was dropped before, rule by rule.
        null_f1c: 95 % of label permutations have no feature with a training F1c above this.
        n_positive: examples with the label, training and held-out parts together.
        n_negative: examples without it.
        n_train: rows of the training part.
        n_heldout: rows of the held-out part.
        n_train_positive: positives of the training part.
        n_heldout_positive: positives of the held-out part.
        pi0: the prior used, also where it was chosen automatically.
        settings: the choices made.
        warnings: sentences for the screen; empty where nothing is wrong.
    """

    label: str
    features: tuple[FeatureRank, ...]
    filters: tuple[FilterStep, ...]
    null_f1c: float
    n_positive: int
    n_negative: int
    n_train: int
    n_heldout: int
    n_train_positive: int
    n_heldout_positive: int
    pi0: float
    settings: RankingSettings
    warnings: tuple[str, ...] = ()

    def table(self) -> pd.DataFrame:
        """One row per feature, in order; the interval in two columns, missing numbers as NaN."""
        names = list(FeatureRank.__dataclass_fields__)
        frame = pd.DataFrame([asdict(feature) for feature in self.features], columns=names)
        for name in ("f1c_heldout", "auroc_heldout", "p_value", "q_value", "output_score", "delta_confidence"):
            frame[name] = frame[name].astype(float)
        limits = [feature.interval or (math.nan, math.nan) for feature in self.features]
        position = names.index("interval")
        frame.insert(position, "interval_low", pd.Series([low for low, _ in limits], dtype=float))
        frame.insert(position + 1, "interval_high", pd.Series([high for _, high in limits], dtype=float))
        return frame.drop(columns="interval")

    def to_json(self) -> dict[str, Any]:
        """Plain values by field name, ready for ``json.dumps(..., allow_nan=False)``."""
        return {
            "label": self.label,
            "n_positive": self.n_positive,
            "n_negative": self.n_negative,
            "n_train": self.n_train,
            "n_heldout": self.n_heldout,
            "n_train_positive": self.n_train_positive,
            "n_heldout_positive": self.n_heldout_positive,
            "pi0": self.pi0,
            "null_f1c": self.null_f1c,
            "settings": self.settings.to_json(),
            "filters": [step.to_json() for step in self.filters],
            "warnings": list(self.warnings),
            "features": [feature.to_json() for feature in self.features],
        }


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
