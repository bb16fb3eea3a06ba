"""Does the fast BatchTopK select what sae-lens' own selects, with the same gradients?"""

import pytest
import torch
from sae_lens.saes.batchtopk_sae import BatchTopK

from steering.world.batch_topk import PartitionedBatchTopK, largest


def both(k, x):
    out = []
    for function in (BatchTopK(k), PartitionedBatchTopK(float(k))):
        given = x.clone().requires_grad_()
        acts = function(given)
        (acts * torch.arange(acts.numel()).view_as(acts)).sum().backward()
        out.append((acts.detach(), given.grad))
    return out


@pytest.mark.parametrize("k", [0.4, 1, 8, 31.5, 64])
@pytest.mark.parametrize("shape", [(32, 64), (2, 16, 64), (1, 64)])
def test_equal_to_sae_lens(k, shape):
    torch.manual_seed(0)
    (theirs, their_gradient), (ours, our_gradient) = both(k, torch.randn(shape))
    assert torch.equal(ours, theirs)
    assert torch.equal(our_gradient, their_gradient)


def test_fewer_positives_than_wanted_keep_all_positives():
    x = -torch.rand(8, 16)
    x[0, :3] = torch.tensor([1.0, 2.0, 3.0])
    (theirs, their_gradient), (ours, our_gradient) = both(4, x)
    assert torch.equal(ours, theirs)
    assert torch.equal(our_gradient, their_gradient)
    assert (ours > 0).sum() == 3


def test_of_ties_for_the_last_place_as_many_are_kept_as_there_is_room():
    torch.manual_seed(0)
    x = torch.randint(-3, 4, (16, 32)).float()
    for k in (1, 3, 5, 12):
        (theirs, _), (ours, _) = both(k, x)
        assert torch.equal(ours.flatten().sort().values, theirs.flatten().sort().values)
        last = theirs[theirs > 0].min()
        assert torch.equal(ours > last, theirs > last)
        assert not (ours > 0)[x < last].any()


def test_worked_by_hand():
    values = torch.tensor([0.5, -1.0, 2.0, 0.5, 0.0, 0.5])
    assert largest(values, 3).tolist() == [True, False, True, True, False, False]
    assert largest(values, 1).tolist() == [False, False, True, False, False, False]
    assert largest(values, 6).tolist() == [True, False, True, True, False, True]
    assert not largest(values, 0).any()


def test_bfloat16_is_selected_as_sae_lens_does():
    torch.manual_seed(0)
    x = torch.randn(64, 64).bfloat16()
    (theirs, _), (ours, _) = both(8, x)
    assert torch.equal(ours.flatten().sort().values, theirs.flatten().sort().values)
