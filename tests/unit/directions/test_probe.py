import pytest
import torch

from steering.directions.probe import fit_probe
from steering.directions.progress import Progress
from steering.directions.settings import ProbeSettings
from steering.directions.unit_norm import random_unit, remove_parallel_gradient, renormalise
from steering.errors import Cancelled, DirectionError

SETTINGS = ProbeSettings(learning_rate=2e-2, epochs=40)


def planted(d: int = 16) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """40 texts of 10 tokens each; those of the even ones lie further along an axis."""
    axis = random_unit(d, seed=9)
    text = torch.arange(40).repeat_interleave(10)
    labels = (text % 2 == 0).float()
    noise = torch.randn(400, d, generator=torch.Generator().manual_seed(1))
    return noise + 2 * (2 * labels[:, None] - 1) * axis, labels, text, axis


def test_the_planted_axis_is_found_with_its_sign_and_follows_the_seed() -> None:
    resid, labels, text, axis = planted()
    fitted = [
        fit_probe(resid, labels, text, settings=SETTINGS, seed=seed, progress=Progress(0, None, None))
        for seed in (0, 0, 1)
    ]
    (first, losses), (again, _), (other, _) = fitted
    assert float(first @ axis) > 0.95
    assert float(other @ axis) > 0.95
    assert float(first.norm()) == pytest.approx(1, abs=1e-6)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len(losses) == 40 * 4
    assert losses[-1] < losses[0]


def test_progress_is_told_of_every_update_and_can_stop() -> None:
    resid, labels, text, _ = planted()
    told: list[tuple[int, int]] = []
    progress = Progress(160, lambda done, total: told.append((done, total)), lambda: len(told) == 7)
    with pytest.raises(Cancelled):
        fit_probe(resid, labels, text, settings=SETTINGS, seed=0, progress=progress)
    assert told == [(done, 160) for done in range(1, 8)]


def test_numbers_that_are_none_are_refused() -> None:
    resid, labels, text, _ = planted()
    resid[0, 0] = torch.nan
    with pytest.raises(DirectionError, match="became nan"):
        fit_probe(resid, labels, text, settings=SETTINGS, seed=0, progress=Progress(0, None, None))


def test_a_gradient_along_the_vector_is_removed() -> None:
    weight = torch.tensor([0.6, 0.8], requires_grad=True)
    weight.grad = torch.tensor([1.0, 0.0])
    remove_parallel_gradient(weight)
    torch.testing.assert_close(weight.grad, torch.tensor([0.64, -0.48]))  # (1, 0) - 0.6 * (0.6, 0.8)
    with torch.no_grad():
        weight *= 5
    renormalise(weight)
    torch.testing.assert_close(weight.detach(), torch.tensor([0.6, 0.8]))
