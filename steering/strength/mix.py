"""Which features are written together while their strength is being looked for, and at which factors?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steering.errors import InterventionError

if TYPE_CHECKING:
    from steering.interventions import Intervention

NEUTRAL = {"add": 0.0, "min_clamp": 0.0, "scale": 1.0}
"""The factor at which a mode changes nothing. `clamp` has none: what it would have to be differs at every position."""
SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.4)
"""Sizes of the tried edits in medians of the residual norm: the benchmark's grid, as far as the slider goes."""
SCALES = (0.0, 0.5, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
"""Factors tried in `scale`, which multiplies what is there and so needs no norm."""
FEWEST_FACTORS = 6


@dataclass(frozen=True, slots=True)
class Mix:
    """Features in fixed proportions; one factor, that of the strongest, says how strongly all of them are written.

    Attributes:
        features: (feature_id, weight, max_act); a weight is the feature's share of the common factor, negative to
            suppress, and the largest is 1 or -1.
        mode: add, clamp, min_clamp or scale.
        scope: which positions are written.
    """

    features: tuple[tuple[int, float, float], ...]
    mode: str
    scope: str

    @property
    def lead(self) -> tuple[int, float, float]:
        """The feature whose factor is the common one."""
        return max(self.features, key=lambda feature: abs(feature[1]))

    @property
    def suppresses(self) -> bool:
        """Whether less of the concept is wanted."""
        return self.lead[1] < 0

    def at(self, factor: float) -> "Intervention":
        """The intervention at a common factor; imports torch."""
        from steering.interventions import FeatureEdit, Intervention

        edits = tuple(
            FeatureEdit(feature_id, weight * factor, max_act) for feature_id, weight, max_act in self.features
        )
        return Intervention(edits, mode=self.mode, scope=self.scope)  # type: ignore[arg-type]  # checked there


def mix_of(features: Sequence[tuple[int, float, float]], mode: str, scope: str) -> Mix:
    """The proportions of features that have factors already; where all are 0, each is written as strongly.

    Args:
        features: (feature_id, factor, max_act).
        mode: of the intervention.
        scope: of the intervention.

    Raises:
        InterventionError: there is no feature, or a mode without a strength.
    """
    if not features:
        raise InterventionError("There is no feature whose strength could be looked for; choose at least one.")
    if mode == "ablate":
        raise InterventionError("Ablation has no strength to look for; choose another mode, for example add.")
    largest = max(abs(factor) for _, factor, _ in features)
    # A factor of 0 keeps its sign, so that a slider at 0 that is to suppress goes on to.
    return Mix(
        tuple(
            (feature_id, round(factor / largest, 4) if largest else math.copysign(1.0, factor), max_act)
            for feature_id, factor, max_act in features
        ),
        mode,
        scope,
    )


def factor_grid(mix: Mix, resid_norm: float, *, limit: float) -> tuple[float, ...]:
    """The factors to try, rising: shares of the residual norm, so that features with small and with large max_act are
    tried equally far; evenly spaced up to ``limit`` where that leaves too few.

    Args:
        mix: whose leading feature has the unit.
        resid_norm: median norm of the stream at the hook point.
        limit: of the slider.

    Raises:
        InterventionError: the leading feature never fired, so that a factor has no unit.
    """
    if mix.mode == "scale":
        return tuple(factor for factor in SCALES if factor <= limit)
    feature_id, _, max_act = mix.lead
    if max_act <= 0:
        raise InterventionError(f"Feature {feature_id} never fired, so a factor has no unit; choose another feature.")
    found = sorted({round(share * resid_norm / max_act, 2) for share in SHARES} - {0.0})
    found = [factor for factor in found if factor <= limit]
    if len(found) < FEWEST_FACTORS:
        found = sorted({round(limit * step / 10, 2) for step in range(1, 11)} - {0.0})
    return (0.0, *found) if mix.mode == "clamp" else tuple(found)
