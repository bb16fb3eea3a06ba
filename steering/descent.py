"""How are weights changed until the model predicts the answers better? The loop that adapters and fine-tunes share."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import nn

from steering.answer_loss import batch_losses
from steering.encoding import EncodedText
from steering.errors import AdapterError
from steering.models import LanguageModel

OnStep = Callable[[int, int, float], None]
"""Called after every update with its number from 1 on, the number of updates at most, and the loss."""


class Descent:
    """AdamW with a learning rate that falls linearly to 0; mean loss per answer token over each batch.

    Args:
        model: whose lock the caller holds, with gradients on.
        weights: what is changed.
        learning_rate: of the first update.
        weight_decay: of AdamW.
        n_updates: after which the learning rate is 0.
        batch_size: texts that an update is made of.
        micro_batch_size: texts in memory at once.
        check: called before every forward; may raise ``Cancelled``.
        on_step: told after every update.

    Attributes:
        losses: of every update so far, in nats.
    """

    def __init__(
        self,
        model: LanguageModel,
        weights: Sequence[nn.Parameter],
        *,
        learning_rate: float,
        weight_decay: float,
        n_updates: int,
        batch_size: int,
        micro_batch_size: int,
        check: Callable[[], None],
        on_step: OnStep | None,
    ) -> None:
        self.losses: list[float] = []
        self._model = model
        self._learning_rate = learning_rate
        self._n_updates = n_updates
        self._batch_size = batch_size
        self._micro_batch_size = micro_batch_size
        self._check = check
        self._on_step = on_step
        self._optimizer = torch.optim.AdamW(weights, lr=learning_rate, weight_decay=weight_decay)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, lambda step: 1 - step / n_updates)

    def epoch(self, shuffled: Sequence[EncodedText]) -> None:
        """One pass over the texts, in the order given.

        Raises:
            AdapterError: a loss that is not a number.
            Cancelled: ``check`` said so.
        """
        for start in range(0, len(shuffled), self._batch_size):
            self._update(shuffled[start : start + self._batch_size])

    def _update(self, batch: Sequence[EncodedText]) -> None:
        self._optimizer.zero_grad()
        loss = 0.0
        for part in batch_losses(self._model, batch, self._micro_batch_size, self._check):
            part.backward()
            loss += part.item()
        if not math.isfinite(loss):
            raise AdapterError(
                f"The loss became {loss} at update {len(self.losses) + 1}; lower the learning rate of "
                f"{self._learning_rate:g}."
            )
        self._optimizer.step()
        self._schedule.step()
        self.losses.append(loss)
        if self._on_step is not None:
            self._on_step(len(self.losses), self._n_updates, loss)
