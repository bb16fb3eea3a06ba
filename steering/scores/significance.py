"""Could a score like this have come from labels that mean nothing?"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csc_array
from scipy.special import betaincinv, gammaln

from steering.errors import SteeringError
from steering.scores.calibrated_f1 import DEFAULT_PI0, calibrated_f1, check_both_classes
from steering.scores.columns import positives, sorted_columns

N_PERMUTATIONS = 200
MONTE_CARLO_CONFIDENCE = 0.99


def label_permutation_p(
    true_positives: Int[np.ndarray, " n_features"],
    predicted: Int[np.ndarray, " n_features"],
    *,
    n_positive: int,
    n_examples: int,
) -> Float[np.ndarray, " n_features"]:
    """P = P(TP' ≥ TP),  TP' ~ Hypergeometric(n examples, P positives, k predicted).

    The exact, one-sided p-value of permuting the held-out labels while the predictor ``frequency >= tau`` stays as it
    was fitted on the training part (Fisher's exact test). Nothing is simulated. It needs rows that are exchangeable
    under the null: rows that repeat one another make it too small.

    Args:
        true_positives: held-out positives that the predictor finds.
        predicted: held-out examples, of either class, that it finds.
        n_positive: held-out positives.
        n_examples: held-out examples.

    Returns:
        A p-value per feature in (0, 1]; 1 where nothing is predicted.

    Raises:
        SteeringError: counts that cannot occur together.
    """
    lowest = np.maximum(0, predicted - (n_examples - n_positive))
    highest = np.minimum(predicted, n_positive)
    if (true_positives < lowest).any() or (true_positives > highest).any() or (predicted > n_examples).any():
        raise SteeringError("True positives exceed what was predicted or what exists; count both on the same examples.")
    if not len(true_positives):
        return np.ones(0)
    t = np.arange(int(highest.max()) + 1)[None, :]
    k = predicted[:, None]
    possible = (t >= lowest[:, None]) & (t <= highest[:, None])
    hit = np.where(possible, t, lowest[:, None])
    log_pmf = (
        _log_choose(n_positive, hit)
        + _log_choose(n_examples - n_positive, k - hit)
        - _log_choose(n_examples, k)
    )  # fmt: skip
    tail = np.where(possible & (t >= true_positives[:, None]), np.exp(log_pmf), 0.0).sum(axis=1)
    # The whole distribution sums to 1 only up to rounding; a p-value of exactly 1 stays exactly 1.
    return np.where(true_positives == lowest, 1.0, np.minimum(tail, 1.0))


def _log_choose(n: int | Int[np.ndarray, "..."], k: Int[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    return gammaln(np.asarray(n) + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)


def benjamini_yekutieli(p: Float[np.ndarray, " n_features"]) -> Float[np.ndarray, " n_features"]:
    """q_(i) = min over j ≥ i of  m · (Σ_{r=1..m} 1/r) · p_(j) / j,  at most 1.

    Benjamini & Yekutieli 2001 (Annals of Statistics 29). Choosing every feature with q < 0.05 keeps the expected share
    of false discoveries below 5 %, however the features depend on one another: SAE features are split, nested and
    correlated, so the plain Benjamini–Hochberg procedure promises too much.

    Args:
        p: the p-values of all features that are shown.

    Raises:
        SteeringError: a p-value is not a probability.
    """
    if not len(p):
        return p.astype(np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise SteeringError("A p-value does not lie between 0 and 1; leave features without one out.")
    n = len(p)
    order = np.argsort(p, kind="stable")
    harmonic = (1 / np.arange(1, n + 1)).sum()
    scaled = n * harmonic * p[order] / np.arange(1, n + 1)
    q = np.empty(n)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def null_best_f1c(
    frequency: csc_array,
    n_positive: int,
    *,
    pi0: float = DEFAULT_PI0,
    n_permutations: int = N_PERMUTATIONS,
    seed: int = 0,
    on_progress: Callable[[float], None] | None = None,
) -> Float[np.ndarray, " n_permutations"]:
    """Max over features and thresholds of F1c, under labels that are dealt out at random, for every permutation.

    What the best of all features reaches when there is nothing to find (Westfall & Young 1993, maxT). The features keep
    their dependence, because only labels move. It depends on the label by its number of positives alone.

    Args:
        frequency: ``[n_examples d_sae]`` firing frequencies of *all* features, on the examples scores were fitted on.
        n_positive: how many examples carry the label.
        pi0: the prior that the scores were calibrated to.
        n_permutations: how many times the labels are dealt out.
        seed: of the permutations.
        on_progress: told the share done before every permutation of a block of features; may raise ``Cancelled``.

    Raises:
        SteeringError: there are no positives or no negatives.
    """
    n_examples = int(frequency.shape[0])
    n_negative = n_examples - n_positive
    check_both_classes(n_positive, n_negative)
    rng = np.random.default_rng([seed, n_positive])
    dealt = np.zeros((n_permutations, n_examples), dtype=bool)
    for labels in dealt:
        labels[rng.permutation(n_examples)[:n_positive]] = True
    best = np.zeros(n_permutations)
    for block in sorted_columns(frequency):
        for permutation, labels in enumerate(dealt):
            if on_progress is not None:
                on_progress((block.first + block.n_columns * permutation / n_permutations) / frequency.shape[1])
            found = positives(block, labels)
            score = calibrated_f1(found.true_positives / n_positive, found.false_positives / n_negative, pi0=pi0)
            best[permutation] = max(best[permutation], score.max(initial=0.0))
    return best


def noise_floor(null_best: Float[np.ndarray, " n_permutations"], *, level: float = 0.95) -> float:
    """The F1c that the best of all features stays at or below in ``level`` of the permutations."""
    return float(np.quantile(null_best, level, method="higher"))


def max_statistic_p(
    f1c: Float[np.ndarray, " n_features"], null_best: Float[np.ndarray, " n_permutations"]
) -> Float[np.ndarray, " n_features"]:
    """P = (1 + |{b : max F1c_b ≥ F1c}|) / (B + 1): adjusted for having looked at every feature.

    Westfall & Young 1993; the 1 counts the observed labels as one permutation (Phipson & Smyth 2010).

    Args:
        f1c: scores of features on the examples they were fitted on.
        null_best: what ``null_best_f1c`` returned for the same examples, prior and number of positives.
    """
    return (1 + _n_as_good(f1c, null_best)) / (len(null_best) + 1)


def max_statistic_q(
    f1c: Float[np.ndarray, " n_features"],
    null_best: Float[np.ndarray, " n_permutations"],
    *,
    confidence: float = MONTE_CARLO_CONFIDENCE,
) -> Float[np.ndarray, " n_features"]:
    """The largest p that B permutations leave plausible: Beta⁻¹(confidence; c + 1, B − c), c = |{b : max F1c_b ≥ F1c}|.

    The Clopper–Pearson upper limit of the adjusted p-value. Used as the q-value where nothing was held out: it controls
    the chance of *any* false discovery among all features, which is stricter than their share, and two hundred
    permutations know a p-value near 0.05 only roughly, so the doubt is added, never taken off.

    Args:
        f1c: scores of features on the examples they were fitted on.
        null_best: what ``null_best_f1c`` returned for the same examples, prior and number of positives.
        confidence: of the upper limit.
    """
    count = _n_as_good(f1c, null_best)
    doubtful = np.minimum(count, len(null_best) - 1)
    limit = betaincinv(doubtful + 1.0, len(null_best) - doubtful, confidence)
    return np.where(count == len(null_best), 1.0, limit)


def _n_as_good(
    f1c: Float[np.ndarray, " n_features"], null_best: Float[np.ndarray, " n_permutations"]
) -> Int[np.ndarray, " n_features"]:
    return len(null_best) - np.searchsorted(np.sort(null_best), f1c, side="left")
