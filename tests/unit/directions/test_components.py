import pytest
import torch

from steering.directions.components import Moments, turned
from steering.directions.lat import differences
from steering.errors import ExamplesError


def spread(n: int = 200, d: int = 12, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens far from the origin that vary most along a planted axis."""
    draw = torch.Generator().manual_seed(seed)
    axis = torch.randn(d, generator=draw)
    axis /= axis.norm()
    along = 3 * torch.randn(n, 1, generator=draw)
    return 50 + 0.3 * torch.randn(n, d, generator=draw) + along * axis, axis


def test_the_first_component_is_that_of_a_plain_svd() -> None:
    tokens, axis = spread()
    moments = Moments(12)
    moments.add(tokens)
    found = moments.first_component("PCA")
    exact = tokens.double()
    expected = torch.linalg.svd(exact - exact.mean(0)).Vh[0]
    assert abs(float(found.double() @ expected)) == pytest.approx(1, abs=1e-6)
    assert abs(float(found @ axis)) > 0.99
    torch.testing.assert_close(moments.mean, exact.mean(0))
    assert found[found.abs().argmax()] > 0


@pytest.mark.parametrize("size", [1, 7, 200])
def test_pieces_make_no_difference(size: int) -> None:
    tokens, _ = spread()
    whole, pieces = Moments(12), Moments(12)
    whole.add(tokens)
    for piece in tokens.split(size):
        pieces.add(piece)
    torch.testing.assert_close(pieces.first_component("PCA"), whole.first_component("PCA"))


def test_tokens_that_do_not_vary_have_no_component() -> None:
    moments = Moments(3)
    with pytest.raises(ExamplesError, match="do not differ"):
        moments.first_component("PCA")
    moments.add(torch.tensor([[1.0, 2.0, 3.0]]).expand(5, 3))
    with pytest.raises(ExamplesError, match="do not differ"):
        moments.first_component("PCA")


def test_the_sign_follows_the_positives_or_is_left() -> None:
    component = torch.tensor([1.0, 0.0])
    high, low = torch.tensor([2.0, 0.0], dtype=torch.float64), torch.tensor([1.0, 5.0], dtype=torch.float64)
    assert torch.equal(turned(component, high, low, sign="positives"), component)
    assert torch.equal(turned(component, low, high, sign="positives"), -component)
    assert torch.equal(turned(component, low, high, sign="published"), component)


def test_pairs_have_unit_norm_and_follow_the_seed() -> None:
    tokens, axis = spread(201)
    moments = differences(tokens, seed=3)
    assert moments.n == 100
    assert float(moments._products.trace()) == pytest.approx(100, rel=1e-6)  # the sum of 100 squared norms
    found = moments.first_component("LAT")
    assert abs(float(found @ axis)) > 0.99
    assert torch.equal(differences(tokens, seed=3).first_component("LAT"), found)
    assert not torch.equal(differences(tokens, seed=4).first_component("LAT"), found)


def test_pairs_of_equal_tokens_are_left_out() -> None:
    assert differences(torch.ones(6, 4), seed=0).n == 0
