"""How is a vector learned that keeps its norm at 1? As AxBench does it, after the decoder rows of SAEs."""

import torch
from jaxtyping import Float
from torch import Tensor


def random_unit(d_model: int, *, seed: int) -> Float[Tensor, " d_model"]:
    """A direction drawn evenly from all, float32, on the CPU."""
    drawn = torch.randn(d_model, generator=torch.Generator().manual_seed(seed))
    return drawn / drawn.norm()


@torch.no_grad()
def remove_parallel_gradient(weight: Float[Tensor, " d_model"]) -> None:
    """Leave of the gradient of a unit vector only what turns it; what would stretch it would be undone anyway, but not
    before it had entered Adam's moments.
    """
    if weight.grad is not None:
        weight.grad -= (weight.grad @ weight) * weight


@torch.no_grad()
def renormalise(weight: Float[Tensor, " d_model"]) -> None:
    """Put the norm back to 1, in place."""
    weight /= weight.norm()
