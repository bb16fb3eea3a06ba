"""The safe band and the proposal on tables that were worked out by hand."""

from collections.abc import Sequence

import numpy as np
import pytest

from steering.errors import InterventionError
from steering.strength.band import KL_SHARE, KL_SHARE_JUDGED, bounds_of, propose, safe_band
from steering.strength.curves import Sweep
from steering.strength.mix import factor_grid, mix_of

FACTORS = (0.5, 1.0, 1.5, 2.0)


def sweep(
    *,
    fluency: Sequence[float] = (2, 2, 2, 2),
    concept: Sequence[float] | None = (0, 1, 2, 2),
    kl: Sequence[float] = (0.1, 0.2, 0.3, 0.4),
    distinct: Sequence[float] = (0.9, 0.9, 0.9, 0.9),
    looping: Sequence[float] = (0, 0, 0, 0),
    untouched_concept: float = 0.0,
    untouched_fluency: Sequence[float] = (2, 2, 2, 2),
    mode: str = "add",
    sign: float = 1.0,
    factors: tuple[float, ...] = FACTORS,
) -> Sweep:
    """Four prompts that all behave alike; the untouched model has a surprise of 0.5 nats per token."""

    def table(means: Sequence[float]) -> np.ndarray:
        return np.repeat(np.array(means, dtype=float)[:, None], 4, axis=1)

    def same(value: float) -> np.ndarray:
        return np.full(4, float(value))

    values = {"kl": table(kl), "surprise": table([0.6] * 4), "distinct_2": table(distinct), "looping": table(looping)}
    baseline = {"kl": same(0), "surprise": same(0.5), "distinct_2": same(0.9), "looping": same(0)}
    if concept is not None:
        values |= {"concept": table(concept), "fluency": table(fluency), "instruction": table([2] * 4)}
        baseline |= {"concept": same(untouched_concept), "fluency": np.array(untouched_fluency, dtype=float)}
        baseline |= {"instruction": same(2)}
    mix = mix_of([(7, sign, 4.0)], mode, "all")
    return Sweep(
        mix, factors, ("a", "b", "c", "d"), 1, None if concept is None else "french", values, baseline, 64, 1.0, 0
    )


def test_the_band_ends_before_the_first_broken_factor_and_the_most_concept_in_it_is_proposed() -> None:
    # Nothing varies untouched, so the allowance is one rating of one answer of four: fluency may be 1.75.
    found = sweep(fluency=(2, 1.75, 1.5, 2))
    band = safe_band(found)
    assert (band.low, band.high) == (0.0, 1.0)
    assert band.is_safe == (True, True, False, False), "what is whole by chance beyond a broken factor is no advice"
    assert band.broken == ((), (), ("fluency",), ())
    proposal = propose(found, band)
    assert proposal.factor == 1.0
    assert "1.00 of 2, 0.00 untouched" in proposal.reason


def test_of_equal_concept_the_smaller_factor_is_proposed() -> None:
    found = sweep(concept=(0, 2, 2, 1))
    assert propose(found, safe_band(found)).factor == 1.0


def test_the_allowance_is_the_untouched_answers_own_noise_and_ends_at_a_quarter_of_the_scale() -> None:
    by_name = {one.measure: one for one in bounds_of(sweep(untouched_fluency=(2, 2, 1, 2)))}
    assert by_name["fluency"].untouched == 1.75
    assert 1.25 <= by_name["fluency"].limit < 1.5
    wild = {one.measure: one for one in bounds_of(sweep(untouched_fluency=(2, 0, 2, 0)))}
    assert wild["fluency"].limit == 1.0 - 0.5
    assert by_name["distinct_2"].limit == pytest.approx(0.8)


def test_kl_bounds_more_tightly_where_no_judge_sees_damage() -> None:
    judged = {one.measure: one.limit for one in bounds_of(sweep())}
    blind = {one.measure: one.limit for one in bounds_of(sweep(concept=None))}
    assert judged["kl"] == pytest.approx(0.5 * KL_SHARE_JUDGED)
    assert blind["kl"] == pytest.approx(0.5 * KL_SHARE)
    assert "fluency" not in blind


def test_without_a_judge_the_largest_safe_factor_is_proposed_and_said_to_be_unjudged() -> None:
    found = sweep(concept=None, kl=(0.01, 0.05, 0.12, 0.2))
    proposal = propose(found, safe_band(found))
    assert proposal.factor == 1.5
    assert "no judge knows this concept" in proposal.reason


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        ({"kl": (0.6, 0.7, 0.8, 0.9)}, "KL"),
        ({"distinct": (0.7, 0.7, 0.7, 0.7)}, "distinct pairs"),
        ({"looping": (0.25, 0.25, 0.25, 0.25)}, "loop"),
    ],
)
def test_where_nothing_is_safe_nothing_is_proposed(broken: dict[str, Sequence[float]], name: str) -> None:
    found = sweep(**broken)
    band = safe_band(found)
    assert band.is_empty
    proposal = propose(found, band)
    assert proposal.factor is None
    assert name in proposal.reason


def test_where_nothing_works_nothing_is_proposed_and_strong_effects_beyond_are_told() -> None:
    found = sweep(concept=(0, 0, 2, 2), fluency=(2, 2, 1, 1))
    proposal = propose(found, safe_band(found))
    assert proposal.factor is None
    assert "may be chance; beyond the band it has more effect" in proposal.reason


def test_an_effect_on_one_prompt_of_four_may_be_chance() -> None:
    found = sweep(concept=(0, 0, 0, 0))
    found.values["concept"][3, 0] = 2.0
    assert propose(found, safe_band(found)).factor is None


def test_suppression_wants_less_and_needs_something_to_suppress() -> None:
    found = sweep(sign=-1.0, concept=(2, 1, 0, 1), untouched_concept=2.0)
    proposal = propose(found, safe_band(found))
    assert proposal.factor == 1.5
    assert "the least" in proposal.reason
    none = sweep(sign=-1.0, concept=(0, 0, 0, 0))
    assert "nothing to suppress" in propose(none, safe_band(none)).reason


def test_scaling_is_safe_around_one_and_clamping_around_what_moves_least() -> None:
    scaled = safe_band(sweep(mode="scale", factors=(0.0, 0.5, 1.5, 2.0), fluency=(1, 2, 2, 1)))
    assert (scaled.low, scaled.high) == (0.5, 1.5)
    clamped = safe_band(sweep(mode="clamp", kl=(0.6, 0.1, 0.2, 0.9)))
    assert (clamped.low, clamped.high) == (1.0, 1.5)
    assert safe_band(sweep(mode="clamp", kl=(0.6, 0.7, 0.8, 0.9))).is_empty


def test_a_mix_keeps_proportions_and_the_sign_of_a_slider_at_zero() -> None:
    mix = mix_of([(3, 0.2, 4.0), (5, -0.8, 2.0)], "add", "all")
    assert mix.features == ((3, 0.25, 4.0), (5, -1.0, 2.0))
    assert mix.lead == (5, -1.0, 2.0)
    assert mix.suppresses
    assert [edit.factor for edit in mix.at(0.4).features] == [0.1, -0.4]
    assert mix_of([(3, -0.0, 4.0)], "add", "all").suppresses
    assert mix_of([(3, 0.3, 4.0)], "add", "all") == mix_of([(3, 0.9, 4.0)], "add", "all"), "one feature has no mix"
    with pytest.raises(InterventionError, match="no strength"):
        mix_of([(3, 0.0, 4.0)], "ablate", "all")


def test_factors_are_shares_of_the_residual_norm_within_the_slider() -> None:
    mix = mix_of([(3, 1.0, 4.0)], "add", "all")
    assert factor_grid(mix, 8.0, limit=5.0) == (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.6, 2.0, 2.4, 2.8)
    assert max(factor_grid(mix, 80.0, limit=5.0)) == 5.0, "a small unit: as far as the slider goes"
    assert factor_grid(mix_of([(3, 1.0, 4.0)], "clamp", "all"), 8.0, limit=5.0)[0] == 0.0
    with pytest.raises(InterventionError, match="never fired"):
        factor_grid(mix_of([(3, 1.0, 0.0)], "add", "all"), 8.0, limit=5.0)
