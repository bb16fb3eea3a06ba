"""What should a reader of the ranking be told before trusting it?"""

import numpy as np
from jaxtyping import Float

from steering.scores.calibrated_f1 import calibrated_f1

ENOUGH_POSITIVES = 50
"""Jørgensen & Hansen drop labels with fewer positives."""


def warnings_of(
    label: str,
    f1c: Float[np.ndarray, " n_shown"],
    *,
    floor: float,
    pi0: float,
    n_positive: int,
    n_train_negative: int,
    n_heldout: int,
    judged: bool,
    n_truncated: int = 0,
    n_without_text: int = 0,
) -> tuple[str, ...]:
    """Sentences for the screen; empty where nothing is wrong.

    Args:
        label: what was ranked for.
        f1c: training scores of the features shown.
        floor: noise floor of the training score.
        pi0: the prior.
        n_positive: training and held-out positives.
        n_train_negative: training negatives.
        n_heldout: held-out rows.
        judged: whether the held-out part could judge.
        n_truncated: examples cut at the model's limit.
        n_without_text: of these, examples of whose text nothing was read.
    """
    notes = []
    if n_truncated:
        lost = f"; of {n_without_text} nothing was read but the prompt" if n_without_text else ""
        notes.append(
            f"{n_truncated} examples are longer than the model reads and were cut at its limit{lost}. What stands "
            "behind the cut counts for nothing: shorten these texts, or choose a model with a longer context."
        )
    if n_positive < ENOUGH_POSITIVES:
        notes.append(
            f"{label!r} has {n_positive} positive examples; below {ENOUGH_POSITIVES} the ranking is shaky. Add varied "
            "examples before you trust small differences."
        )
    if n_heldout == 0:
        notes.append(
            "Nothing was held out: every score was fitted on the examples it is shown for. q-values come from permuted "
            "labels."
        )
    elif not judged:
        notes.append(
            f"The held-out part lacks positives or negatives of {label!r}, so nothing could be checked there. q-values "
            "come from permuted labels; hold out more, or add examples."
        )
    if not len(f1c):
        notes.append("No feature passed the filters; switch one off or lower its threshold.")
    elif f1c.max() <= floor:
        notes.append(
            f"No feature stands above the noise floor: with shuffled labels the best of all features reaches "
            f"{floor:.2f} as well."
        )
    return (*notes, *_prior_warning(n_train_negative, pi0, floor))


def _prior_warning(n_negative: int, pi0: float, floor: float) -> tuple[str, ...]:
    """Few negatives and a small prior: one false positive, perhaps a wrong label, sinks a feature into the noise."""
    cap = calibrated_f1(1.0, 1 / n_negative, pi0=pi0)
    if cap > floor:
        return ()
    return (
        f"With {n_negative} negative training examples and pi0 = {pi0:g}, a feature that finds every positive and one "
        f"negative scores {cap:.2f}, no better than shuffled labels do ({floor:.2f}). Add negatives, or let pi0 be "
        "chosen automatically.",
    )
