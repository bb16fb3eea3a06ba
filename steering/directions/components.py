"""Along which axis do vectors vary most, and which of its two ends is the concept's?"""

from typing import Literal

import torch
from jaxtyping import Float
from scipy.linalg import eigh
from torch import Tensor

from steering.errors import ExamplesError

Sign = Literal["positives", "published"]
"""``positives``: the end on which positives project higher than negatives. ``published``: left as the component comes,
by scikit-learn's rule that the entry of the largest size is positive; that says nothing about the concept, so half of
such directions steer away from it, as in AxBench."""


class Moments:
    """Mean and covariance of vectors that come piece by piece, in float64; ``d_model`` squared numbers are held."""

    def __init__(self, d_model: int) -> None:
        self.n = 0
        self._sum = torch.zeros(d_model, dtype=torch.float64)
        self._products = torch.zeros(d_model, d_model, dtype=torch.float64)

    def add(self, vectors: Float[Tensor, "n d_model"]) -> None:
        """Count these in."""
        exact = vectors.double()
        self.n += len(exact)
        self._sum += exact.sum(dim=0)
        self._products += exact.T @ exact

    @property
    def mean(self) -> Float[Tensor, " d_model"]:
        """Mean of all vectors; undefined before the first."""
        return self._sum / self.n

    def first_component(self, name: str) -> Float[Tensor, " d_model"]:
        """The unit vector along which the centred vectors vary most, float32, its largest entry positive.

        Raises:
            ExamplesError: there are fewer than two vectors, or all are the same.
        """
        variance = self._products / max(1, self.n) - self.mean.outer(self.mean)
        if self.n < 2 or not float(variance.trace()) > 1e-9 * float(self._products.trace()) / self.n:
            raise ExamplesError(f"The tokens of the positive examples do not differ; {name} needs longer texts.")
        last = len(variance) - 1
        _, vectors = eigh(variance.numpy(), subset_by_index=[last, last])
        component = torch.from_numpy(vectors[:, 0])
        component = component / component.norm()
        return (component * component[component.abs().argmax()].sign()).float()


def turned(
    component: Float[Tensor, " d_model"],
    positive_mean: Float[Tensor, " d_model"],
    negative_mean: Float[Tensor, " d_model"],
    *,
    sign: Sign,
) -> Float[Tensor, " d_model"]:
    """``component`` or its opposite, see :data:`Sign`."""
    if sign == "published":
        return component
    return -component if float((positive_mean - negative_mean) @ component.double()) < 0 else component
