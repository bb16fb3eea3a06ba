"""Numbers worked by hand on a stream of width 2 and two features with directions (1, 0) and (0.6, 0.8)."""

import pytest
import torch

from steering.errors import InterventionError
from steering.interventions import (
    MODES,
    FeatureEdit,
    Intervention,
    apply_change,
    code_change,
    resid_change,
)

ACTS = torch.tensor([[[0.0, 2.0], [1.0, 0.5]]])  # [batch=1 pos=2 k=2]
VALUES = torch.tensor([[3.0, 1.0]])
DIRECTIONS = torch.tensor([[1.0, 0.0], [0.6, 0.8]])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("add", [[3.0, 1.0], [3.0, 1.0]]),
        ("clamp", [[3.0, -1.0], [2.0, 0.5]]),
        ("min_clamp", [[3.0, 0.0], [2.0, 0.5]]),
        ("scale", [[0.0, 0.0], [2.0, 0.0]]),
        ("ablate", [[0.0, -2.0], [-1.0, -0.5]]),
    ],
)
def test_code_change_by_hand(mode, expected):
    assert torch.allclose(code_change(mode, ACTS, VALUES), torch.tensor([expected]))


def test_resid_change_is_the_sum_over_features():
    change = torch.tensor([[[2.0, -1.0]]])
    assert torch.allclose(resid_change(change, DIRECTIONS, shared_budget=False), torch.tensor([[[1.4, -0.8]]]))


def test_shared_budget_never_exceeds_the_largest_single_edit_and_keeps_the_direction():
    change = torch.tensor([[[2.0, 1.0]]])
    plain = resid_change(change, DIRECTIONS, shared_budget=False)  # (2.6, 0.8), norm 2.72
    shared = resid_change(change, DIRECTIONS, shared_budget=True)
    assert torch.allclose(shared.norm(dim=-1), torch.tensor([[2.0]]))
    assert torch.allclose(shared / shared.norm(), plain / plain.norm())


def test_shared_budget_does_not_blow_up_edits_that_cancel():
    change = torch.tensor([[[1.0, -1.0]]])
    directions = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert torch.equal(resid_change(change, directions, shared_budget=True), torch.zeros(1, 1, 2))


def test_rows_of_a_batch_keep_their_own_values():
    # AxBench's clamp gives every row the value of the last one (method.md, section 5).
    acts = torch.zeros(3, 1, 1)
    values = torch.tensor([[1.0], [2.0], [3.0]])
    assert code_change("clamp", acts, values)[:, 0, 0].tolist() == [1.0, 2.0, 3.0]


def test_clamp_at_the_present_value_and_add_of_zero_change_no_bit():
    resid = torch.randn(1, 2, 2).to(torch.bfloat16)
    written = torch.ones(1, 2, dtype=torch.bool)
    for mode, values in (("clamp", ACTS[:, 0]), ("add", torch.zeros(1, 2)), ("scale", torch.ones(1, 2))):
        change = code_change(mode, ACTS[:, :1], values)
        delta = resid_change(change, DIRECTIONS, shared_budget=True)
        assert torch.equal(apply_change(resid[:, :1], delta, written[:, :1]), resid[:, :1])


def test_positions_outside_the_scope_keep_their_bits():
    resid = torch.randn(2, 3, 4)
    written = torch.tensor([[True, False, True], [False, False, True]])
    edited = apply_change(resid, torch.ones(2, 3, 4), written)
    assert torch.equal(edited[~written], resid[~written])
    assert torch.allclose(edited[written], resid[written] + 1)


def test_add_then_ablate_is_linear_in_the_factor():
    one = Intervention((FeatureEdit(0, 1.0, 2.0),))
    two = Intervention((FeatureEdit(0, 2.0, 2.0),))
    first = resid_change(
        code_change("add", ACTS[..., :1], torch.tensor([one.values])), DIRECTIONS[:1], shared_budget=True
    )
    second = resid_change(
        code_change("add", ACTS[..., :1], torch.tensor([two.values])), DIRECTIONS[:1], shared_budget=True
    )
    assert torch.allclose(second, 2 * first)


def test_values_follow_the_mode():
    features = (FeatureEdit(3, 0.5, 4.0),)
    values = {mode: Intervention(features, mode=mode).values for mode in MODES}
    assert values == {"add": (2.0,), "clamp": (2.0,), "min_clamp": (2.0,), "scale": (0.5,), "ablate": (0.0,)}


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: FeatureEdit(1, float("nan"), 1.0), "finite"),
        (lambda: FeatureEdit(1, 1.0, -1.0), "negative"),
        (lambda: Intervention(()), "between 1 and"),
        (lambda: Intervention((FeatureEdit(1, 1.0, 1.0), FeatureEdit(1, 2.0, 1.0))), "twice"),
        (lambda: Intervention((FeatureEdit(1, 1.0, 1.0),), mode="clamp", special=True), "outliers"),
        (lambda: Intervention((FeatureEdit(1, -1.0, 1.0),), mode="min_clamp"), "change nothing"),
    ],
)
def test_what_is_not_defined_is_refused_in_words(build, words):
    with pytest.raises(InterventionError, match=words):
        build()


def test_only_add_shares_a_budget():
    features = (FeatureEdit(1, 1.0, 1.0), FeatureEdit(2, 1.0, 1.0))
    assert [mode for mode in MODES if Intervention(features, mode=mode).shortens] == ["add"]
    assert not Intervention(features, shared_budget=False).shortens
