"""How does BatchTopK find its largest activations quickly on a CPU?

sae-lens sorts a whole batch of activations in every step, which takes most of the step. Here a partition finds the
smallest of the wanted values and one comparison keeps what reaches it: the same activations, the same gradients.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from sae_lens import BatchTopKTrainingSAE


class PartitionedBatchTopK(nn.Module):
    """The ``k`` · tokens largest positive activations of a batch, all others zero.

    Equal to sae-lens' ``BatchTopK``. Where several activations tie for the last place, the first of them are kept.

    Args:
        k: activations per token, on average over the batch.
    """

    def __init__(self, k: float) -> None:
        super().__init__()
        self.k = k

    def forward(self, x: Tensor) -> Tensor:
        """Activations ``[... d_sae]`` of pre-activations of the same shape."""
        with torch.no_grad():
            kept = largest(x.detach().flatten(), int(self.k * x.shape[:-1].numel())).view_as(x)
        return torch.where(kept, x, 0.0)


def largest(values: Tensor, wanted: int) -> Tensor:
    """Which of ``values`` ``[n]`` are positive and among the ``wanted`` largest, as a bool per value."""
    if wanted < 1:
        return torch.zeros_like(values, dtype=torch.bool)
    if values.is_cuda:
        last = torch.topk(values, wanted, sorted=False).values.min()
    else:
        last = torch.from_numpy(np.partition(values.float().numpy(), -wanted))[-wanted]
    if last <= 0:
        return values > 0
    kept = values >= last
    surplus = int(kept.sum()) - wanted
    if surplus:
        kept[torch.nonzero(values == last)[-surplus:, 0]] = False
    return kept


def hasten(sae: "BatchTopKTrainingSAE") -> None:
    """Give sae-lens' training SAE the activation function above.

    Its running estimate of the threshold is left out too: after the training the threshold is set on held-out tokens.
    """
    sae.activation_fn = PartitionedBatchTopK(float(sae.cfg.k))
    sae.update_topk_threshold = lambda acts_topk: None  # noqa: ARG005
