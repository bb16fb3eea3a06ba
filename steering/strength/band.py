"""Which factors leave the answers as whole as the untouched ones, and which of them is proposed?

The *safe band* is the run of neighbouring factors around the one that changes nothing (in `clamp`, where there is none,
around the one that moves the model least) whose answers stay within every one of these bounds:

* fluency and instruction, where a judge rates them: not below the untouched answers' mean by more than that mean's own
  noise, the lower half of its 95 % bootstrap interval over prompts. Few prompts have much noise, so the allowance ends
  at `MOST_RATING`, a quarter of the scale; and a mean over n answers cannot tell less than one answer that loses one
  rating, so it begins at 1/n.
* distinct pairs of tokens: at most `REPEATED` below the untouched answers', a tenth of all pairs. A loop makes
  perplexity look good, so repetition has a bound of its own. Its noise is no allowance: untouched answers differ so
  little in it that it would forbid what no reader notices.
* loops: no larger share of answers ends in one than of the untouched.
* KL to the baseline: at most a share of the untouched model's own surprise, its nats per token on its own answers. KL
  is about what the edit adds to that surprise. Success moves the model too, so where a judge sees damage itself the
  share is `KL_SHARE_JUDGED`: what was unlikely counts as much as what was left to chance before. Without a judge KL
  has to stand in for fluency, and the share is `KL_SHARE`: on the embedded world the judge sees answers break between
  0.2 and 0.8 of the surprise.

A run and no mere set, because a factor beyond a broken one that looks whole by chance is no advice. Perplexity is shown
and bounds nothing: loops lower it, and a concept that the prompt did not ask for raises it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from steering.evidence.bootstrap import Interval, bootstrap_difference, bootstrap_mean
from steering.strength.curves import Sweep
from steering.strength.mix import NEUTRAL

MOST_RATING = 0.5
REPEATED = 0.1
KL_SHARE_JUDGED, KL_SHARE = 1.0, 0.25
_NAMES = {
    "fluency": "fluency",
    "instruction": "doing what was asked",
    "distinct_2": "distinct pairs of tokens",
    "looping": "answers that end in a loop",
    "kl": "KL to the baseline",
}


@dataclass(frozen=True, slots=True)
class Bound:
    """How far a measure may go.

    Attributes:
        measure: its name in the sweep.
        untouched: mean of the untouched answers.
        limit: the least it may be; for ``kl`` and ``looping`` the most.
    """

    measure: str
    untouched: float
    limit: float

    @property
    def title(self) -> str:
        """The measure in words."""
        return _NAMES[self.measure]

    @property
    def is_ceiling(self) -> bool:
        """Whether the measure must stay below the limit."""
        return self.measure in ("kl", "looping")

    def holds(self, means: Float[np.ndarray, " n_factors"]) -> Bool[np.ndarray, " n_factors"]:
        """Whether the measure is within the bound at each factor; sums in another order do not break one."""
        slack = 1e-9
        return means <= self.limit + slack if self.is_ceiling else means >= self.limit - slack


@dataclass(frozen=True, slots=True)
class Band:
    """The safe factors.

    Attributes:
        low: lower end; the mode's neutral factor where nothing below it was tried.
        high: upper end, None where no tried factor that changes anything is safe.
        is_safe: of every tried factor, whether it is within the band.
        bounds: what it was judged by.
        broken: names of the bounds that each tried factor breaks.
    """

    low: float
    high: float | None
    is_safe: tuple[bool, ...]
    bounds: tuple[Bound, ...]
    broken: tuple[tuple[str, ...], ...]

    @property
    def is_empty(self) -> bool:
        """Whether no tried factor is safe."""
        return self.high is None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Which factor to take.

    Attributes:
        factor: None where none can be recommended.
        reason: in one sentence.
    """

    factor: float | None
    reason: str


def bounds_of(sweep: Sweep) -> tuple[Bound, ...]:
    """The bounds that the untouched answers set; see the module's text."""
    judged = "fluency" in sweep.values
    found = []
    if judged:
        found += [_floor(sweep, measure) for measure in ("fluency", "instruction")]
    distinct = float(sweep.baseline["distinct_2"].mean())
    found.append(Bound("distinct_2", distinct, distinct - REPEATED))
    looping = float(sweep.baseline["looping"].mean())
    found.append(Bound("looping", looping, looping))
    share = KL_SHARE_JUDGED if judged else KL_SHARE
    found.append(Bound("kl", 0.0, share * float(sweep.baseline["surprise"].mean())))
    return tuple(found)


def _floor(sweep: Sweep, measure: str) -> Bound:
    """A rating's bound: its own noise below the untouched mean, between one rating of one answer and `MOST_RATING`."""
    untouched = bootstrap_mean(sweep.baseline[measure])
    noise = untouched.value - untouched.low if untouched.is_known else 0.0
    return Bound(measure, untouched.value, untouched.value - min(MOST_RATING, max(1 / sweep.n_answers, noise)))


def safe_band(sweep: Sweep) -> Band:
    """The safe band of a sweep; see the module's text."""
    bounds = bounds_of(sweep)
    holds = {bound.title: bound.holds(sweep.mean(bound.measure)) for bound in bounds}
    whole = np.all(list(holds.values()), axis=0)
    factors = np.array(sweep.factors)
    neutral = NEUTRAL.get(sweep.mix.mode)
    below = factors < neutral if neutral is not None else np.arange(len(factors)) < int(sweep.mean("kl").argmin())
    n_below = int(below.sum())
    # The run grows from the neutral place, downwards and upwards, to the first factor that is not whole.
    down = int(np.argmin(np.append(whole[:n_below][::-1], False)))
    up = int(np.argmin(np.append(whole[n_below:], False)))
    is_safe = np.zeros(len(factors), dtype=bool)
    is_safe[n_below - down : n_below + up] = True
    if neutral is None and not whole[n_below]:
        is_safe[:] = False
    inside = factors[is_safe]
    ends = [*inside.tolist()] if neutral is None else [neutral, *inside.tolist()]
    return Band(
        low=min(ends, default=0.0),
        high=max(ends) if len(inside) else None,
        is_safe=tuple(is_safe.tolist()),
        bounds=bounds,
        broken=tuple(tuple(title for title, held in holds.items() if not held[place]) for place in range(len(factors))),
    )


def propose(sweep: Sweep, band: Band) -> Proposal:
    """The factor with the most of the concept inside the safe band (the least where it is to be suppressed), the
    smallest of several; without a judge the largest factor inside the band.

    None where no factor is safe, or where the judge sees no effect: the paired difference to the untouched answers has
    an interval over prompts that holds 0.
    """
    if band.is_empty:
        if not sweep.factors:
            return Proposal(None, "No factor is proposed: none was tried.")
        first = min(range(len(band.broken)), key=lambda place: len(band.broken[place]))
        return Proposal(
            None,
            f"No factor is proposed: the gentlest, {sweep.factors[first]:g}, already breaks the bound on "
            f"{_listed(band.broken[first])}.",
        )
    inside = [place for place, safe in enumerate(band.is_safe) if safe]
    if sweep.concept is None:
        return Proposal(
            sweep.factors[inside[-1]],
            f"Factor {sweep.factors[inside[-1]]:g} is the largest in the safe band; no judge knows this concept, so "
            "whether it is enough is for you to read.",
        )
    untouched = float(sweep.baseline["concept"].mean())
    if sweep.mix.suppresses and untouched == 0:
        return Proposal(
            None,
            f"No factor is proposed: the untouched answers carry {sweep.concept} nowhere, so there is nothing to "
            "suppress; take prompts that ask for it.",
        )
    sign = -1.0 if sweep.mix.suppresses else 1.0
    best = max(inside, key=lambda place: (sign * sweep.values["concept"][place].mean(), -place))
    reached = bootstrap_mean(sweep.values["concept"][best])
    gained = bootstrap_difference(sweep.values["concept"][best], sweep.baseline["concept"])
    if not _is_effect(gained, sign):
        beyond = [place for place in range(len(sweep.factors)) if place not in inside]
        more = max((sign * float(sweep.values["concept"][place].mean()) for place in beyond), default=-np.inf)
        hint = "; beyond the band it has more effect, at the price of the answer" if more > sign * reached.value else ""
        return Proposal(
            None,
            f"No factor is proposed: within the safe band {sweep.concept} is rated {reached.value:.2f} of 2 "
            f"{'at least' if sign < 0 else 'at most'}, {untouched:.2f} untouched, which may be chance{hint}.",
        )
    return Proposal(
        sweep.factors[best],
        f"Factor {sweep.factors[best]:g} carries {'the least' if sign < 0 else 'the most'} of {sweep.concept} in the "
        f"safe band: {_stated(reached)} of 2, {untouched:.2f} untouched.",
    )


def _is_effect(gained: Interval, sign: float) -> bool:
    """Whether the difference goes the wanted way beyond chance; without limits, where every prompt gained the same."""
    if gained.is_known:
        return gained.low > 0 if sign > 0 else gained.high < 0
    return sign * gained.value > 0


def _stated(interval: Interval) -> str:
    limits = f" ({max(0.0, interval.low):.2f} to {min(2.0, interval.high):.2f})" if interval.is_known else ""
    return f"{interval.value:.2f}{limits}"


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
