"""Dose-response, front and equal dose, by hand."""

import numpy as np
import pandas as pd
import pytest

from steering.errors import SteeringError
from steering.evidence.curves import damage_front, dose_response, equal_dose, on_front
from tests.unit.evidence.tables import full, rows, table


def rising(concept, factor):
    """Concept a is won at factor 2, the others at 3, where everything breaks a little."""
    if factor >= 3:
        return (2, 1, 1)
    return (2, 2, 2) if concept == "a" and factor >= 2 else (1, 2, 2)


def curve_table():
    return full(
        {"lora": rising, "lat": lambda *_: (0, 2, 2)},
        concepts=("a", "b", "c", "d"),
        factors=(1.0, 2.0, 3.0),
        seeds=(0, 1),
    )


def test_dose_response_by_hand():
    curve = dose_response(curve_table(), n_resamples=500)
    lora = curve[curve["method"] == "lora"]
    assert lora["factor"].tolist() == [1.0, 2.0, 3.0]
    assert lora["value"].tolist() == pytest.approx([1.5, (2 + 3 * 1.5) / 4, 1.2])
    assert (lora["n_concepts"] == 4).all()
    middle = lora.iloc[1]
    assert 1.5 <= middle["low"] < middle["value"] < middle["high"] <= 2
    assert lora.iloc[0][["low", "high"]].isna().all()  # concepts agree
    kl = dose_response(curve_table(), column="kl", half="select", n_resamples=10)
    assert kl[kl["method"] == "lat"]["value"].tolist() == pytest.approx([0.1, 0.2, 0.3])


def test_a_grid_with_holes_is_named():
    holes = curve_table()[lambda t: (t["half"] == "select") | (t["factor"] == 1.0) | (t["concept"] == "a")]
    with pytest.raises(SteeringError, match="not scored at the same factors"):
        dose_response(holes)
    dose_response(holes, half="select", n_resamples=10)


def test_a_kl_that_was_not_measured_is_named():
    with pytest.raises(SteeringError, match="lacks kl"):
        dose_response(curve_table().assign(kl=np.nan), column="kl")


def test_front_by_hand():
    gain, cost = np.array([1.0, 2.0, 2.0, 0.5, 2.0]), np.array([0.0, 1.0, 2.0, 0.5, 1.0])
    assert on_front(gain, cost).tolist() == [True, True, False, False, True]


@pytest.mark.parametrize(("damage", "expected"), [("fluency", [0, 0, 1]), ("kl", [0.1, 0.2, 0.3])])
def test_concept_against_damage(damage, expected):
    front = damage_front(curve_table(), damage=damage, n_resamples=50)
    lora = front[front["method"] == "lora"]
    assert lora["concept_score"].tolist() == pytest.approx([1.0, 1.25, 2.0])
    assert lora["damage"].tolist() == pytest.approx(expected)
    assert lora["on_front"].tolist() == ([False, True, True] if damage == "fluency" else [True] * 3)
    assert not front[front["method"] == "lat"]["on_front"].any()


def dosed():
    """KL 0.2, 0.4 and scores 1, 2 for lora; the SAE needs more KL for the same; concept c never gets there."""
    parts = [rows("none", concept, 0.0, "test", [(0, 2, 2)]) for concept in "abc"]
    for concept in "abc":
        parts += [
            rows("lora", concept, 1.0, "test", [(1, 1, 1)], kl=0.2),
            rows("lora", concept, 2.0, "test", [(2, 2, 2)], kl=0.4),
            rows("sae_f1c", concept, 10.0, "test", [(1, 1, 1)], kl=0.1 if concept == "c" else 0.4),
            rows("sae_f1c", concept, 20.0, "test", [(2, 2, 2)], kl=0.2 if concept == "c" else 0.8),
        ]
    return table(*parts)


def test_equal_dose_by_hand():
    found = equal_dose(dosed(), 0.3).set_index(["method", "concept"])
    assert found.loc[("lora", "a"), ["overall", "factor"]].tolist() == pytest.approx([1.5, 1.5])
    # Below the first grid point: on the way from the unsteered model, 0.3 of 0.4.
    assert found.loc[("sae_f1c", "a"), ["overall", "factor"]].tolist() == pytest.approx([0.75, 7.5])
    assert set(found.index.get_level_values("concept")) == {"a", "b"}
    assert (found["n_left_out"] == 1).all()


def test_a_dose_per_concept_and_at_a_grid_point():
    found = equal_dose(dosed(), {"a": 0.4, "b": 0.2, "c": 0.2}).set_index(["method", "concept"])
    assert found.loc["lora", "overall"].tolist() == pytest.approx([2.0, 1.0, 1.0])
    assert found.loc["sae_f1c", "overall"].tolist() == pytest.approx([1.0, 0.5, 2.0])


def test_repeats_of_a_prompt_are_no_curve():
    repeats = [rows("prompt", concept, float(n), "test", [(2, 2, 2)], kl=n / 5) for concept in "abc" for n in (1, 2)]
    found = equal_dose(pd.concat([dosed(), table(*repeats)]), 0.3)
    pd.testing.assert_frame_equal(found, equal_dose(dosed(), 0.3))


def test_the_first_crossing_counts_where_kl_falls_again():
    parts = [
        rows("lora", "a", factor, "test", [rating], kl=kl)
        for factor, kl, rating in ((1.0, 0.1, (0, 2, 2)), (2.0, 0.3, (2, 2, 2)), (3.0, 0.1, (1, 1, 1)))
    ]
    assert equal_dose(table(*parts), 0.2)["overall"].tolist() == pytest.approx([1.0])


def test_nothing_is_extrapolated():
    with pytest.raises(SteeringError, match="no concept on which every method reaches this KL; lora does on 0"):
        equal_dose(dosed(), 0.7)
    without = dosed()[lambda t: t["method"] != "none"]
    with pytest.raises(SteeringError, match="no concept"):
        equal_dose(without, 0.05)


def test_a_method_without_a_curve_is_refused():
    with pytest.raises(SteeringError, match="none on m has no two factors"):
        equal_dose(dosed(), 0.3, methods=["lora", "none"])
    with pytest.raises(SteeringError, match="No method of these results"):
        equal_dose(dosed()[lambda t: t["method"] == "none"], 0.3)


def test_categories_do_not_multiply_rows():
    plain, categories = dosed(), dosed().astype({"method": "category", "concept": "category", "model": "category"})
    pd.testing.assert_frame_equal(equal_dose(plain, 0.3), equal_dose(categories, 0.3), check_dtype=False)
