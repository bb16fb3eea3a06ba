"""For how rare a label should F1 be computed, if the data may decide?"""

import numpy as np
from jaxtyping import Bool, Int
from scipy.sparse import csc_array

from steering.scores.auroc import auroc
from steering.scores.average_precision import average_precision
from steering.scores.calibrated_f1 import DEFAULT_PI0, Sweep, sweep

PRIORS = (1e-3, 1e-4, 1e-2, 1e-1, 0.5)
"""Priors that are tried, the default first: it wins ties."""

N_TOP = 5
N_ROUNDS = 3
INNER_HELDOUT = 0.3


def choose_pi0(
    frequency: csc_array,
    labels: Bool[np.ndarray, "n_examples n_labels"],
    *,
    admitted: Bool[np.ndarray, " d_sae"] | None = None,
    seed: int = 0,
) -> float:
    """The prior whose top features list unseen examples best: arg max of mean average precision.

    The given examples are split again, three times, within each label's classes; on one side the features are ranked
    with each prior, on the other the firing frequency of the five best is judged by average precision. The mean runs
    over features, rounds and labels. Jørgensen & Hansen tune pi0 on a hold-out too; by which criterion is not known, so
    this one is ours.

    Args:
        frequency: ``[n_examples d_sae]`` of the training part only: examples that judge the final ranking must not
            take part here.
        labels: of the same examples.
        admitted: features that may be chosen; all where None.
        seed: of the inner splits.

    Returns:
        One of ``PRIORS``; the default where no label has two positives and two negatives.
    """
    totals = np.zeros(len(PRIORS))
    for label in range(labels.shape[1]):
        positive = labels[:, label]
        if min(positive.sum(), (~positive).sum()) < 2:
            continue
        for round_ in range(N_ROUNDS):
            fit, judge = _inner_split(positive, np.random.default_rng([seed, label, round_]))
            fit_frequency, judge_frequency = frequency[fit], frequency[judge]
            tie_break = auroc(fit_frequency, positive[fit])
            for index, pi0 in enumerate(PRIORS):
                best = sweep(fit_frequency, positive[fit][:, None], pi0=pi0)
                top = _top(best, tie_break, admitted)
                scores = judge_frequency[:, top].toarray()
                precisions = [
                    average_precision(scores[:, column].astype(np.float64), positive[judge])
                    for column in range(len(top))
                ]
                totals[index] += np.mean(precisions) if precisions else 0.0
    # Sums in another order differ in the last digits; that must not decide.
    good_enough = totals >= totals.max() - 1e-9
    return PRIORS[int(np.flatnonzero(good_enough)[0])] if totals.any() else DEFAULT_PI0


def _top(best: Sweep, tie_break: np.ndarray, admitted: Bool[np.ndarray, " d_sae"] | None) -> Int[np.ndarray, " n_top"]:
    f1c = best.f1c(0)
    eligible = f1c > 0
    if admitted is not None:
        eligible &= admitted
    ids = np.flatnonzero(eligible)
    return ids[np.lexsort((ids, -tie_break[ids], -f1c[ids]))][:N_TOP]


def _inner_split(
    positive: Bool[np.ndarray, " n_examples"], rng: np.random.Generator
) -> tuple[Int[np.ndarray, " n_fit"], Int[np.ndarray, " n_judge"]]:
    """Rows to fit on and rows to judge on; each has at least one of each class."""
    fit, judge = [], []
    for members in (np.flatnonzero(positive), np.flatnonzero(~positive)):
        shuffled = rng.permutation(members)
        n_judge = min(max(round(INNER_HELDOUT * len(members)), 1), len(members) - 1)
        judge.append(shuffled[:n_judge])
        fit.append(shuffled[n_judge:])
    return np.sort(np.concatenate(fit)), np.sort(np.concatenate(judge))
