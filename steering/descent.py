"""How are weights changed until the model predicts the answers better? The loop that adapters and fine-tunes share."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import nn

from steering.answer_loss import batch_losses
from steering.encoding import EncodedText
from steering.errors import AdapterError
from steering.finetuning.settings import FineTuneSettings
from steering.lora.settings import LoraSettings
from steering.models import LanguageModel

DescentSettings = LoraSettings | FineTuneSettings

OnStep = Callable[[int, int, float], None]
"""Called after every update with its number from 1 on, the number of updates at most, and the loss."""


class Descent:
    """AdamW with a learning rate that falls linearly to 0; mean loss per answer token over each batch.

    Args:
        model: whose lock the caller holds, with gradients on.
        weights: what is changed.
        settings: of an adapter or a fine-tune.
        n_texts: of every epoch; after as many updates as all epochs make the learning rate is 0.
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
        settings: DescentSettings,
        n_texts: int,
        check: Callable[[], None],
        on_step: OnStep | None,
    ) -> None:
        self.losses: list[float] = []
        self._model = model
        self._settings = settings
        self._n_updates = n_updates = settings.epochs * math.ceil(n_texts / settings.batch_size)
        self._check = check
        self._on_step = on_step
        self._optimizer = torch.optim.AdamW(weights, lr=settings.learning_rate, weight_decay=settings.weight_decay)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, lambda step: 1 - step / n_updates)

    def epoch(self, shuffled: Sequence[EncodedText]) -> None:
        """One pass over the texts, in the order given.

        Raises:
            AdapterError: a loss that is not a number.
            Cancelled: ``check`` said so.
        """
        size = self._settings.batch_size
        for start in range(0, len(shuffled), size):
            self._update(shuffled[start : start + size])

    def _update(self, batch: Sequence[EncodedText]) -> None:
        self._optimizer.zero_grad()
        loss = 0.0
        for part in batch_losses(self._model, batch, self._settings.micro_batch_size, self._check):
            part.backward()
            loss += part.item()
        if not math.isfinite(loss):
            raise AdapterError(
                f"The loss became {loss} at update {len(self.losses) + 1}; lower the learning rate of "
                f"{self._settings.learning_rate:g}."
            )
        self._optimizer.step()
        self._schedule.step()
        self.losses.append(loss)
        if self._on_step is not None:
            self._on_step(len(self.losses), self._n_updates, loss)
