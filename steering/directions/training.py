"""How is a vector learned by what the model says when it is written into the stream?

    1. every text is read as an answer to its prompt, and only the answer's tokens count in the loss
    2. at every content token of prompt and answer, an edit made of the vector is added to the stream: what steering
       with scope "all" writes, so BOS and template tokens are left alone (AxBench leaves out the first few tokens); or
       where scope "sentence_ends" writes
    3. AdamW, learning rate falling linearly to 0; loss = mean -log p per answer token of the batch + ramp * penalty

The model is frozen: gradients flow through its upper layers to the vector and nowhere else.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from steering.answer_loss import answer_loss
from steering.directions.progress import Progress
from steering.directions.settings import LearningSettings
from steering.directions.unit_norm import remove_parallel_gradient, renormalise
from steering.encoding import EncodedText, TokenBatch, pad_left
from steering.errors import DirectionError, ExamplesError
from steering.hook_points import HookPoint
from steering.hooks import edit
from steering.models import LanguageModel
from steering.positions import Positions
from steering.sentence_ends import written_at_sentence_ends

Write = Callable[[Float[Tensor, "batch pos d_model"], Bool[Tensor, "batch pos"]], tuple[Tensor, Tensor]]
"""From the stream in float32 and the positions that are written to what is added there, broadcast to the stream, and to
the penalty, summed over the texts."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What a vector is learned by, and within which bounds.

    Attributes:
        write: the edit and its penalty, in terms of the vector.
        penalty: weight of the penalty's mean over texts, times the share of updates done before: 0 at the first of
            n updates, (n - 1)/n at the last.
        unit_norm: whether the vector keeps norm 1.
        clip: largest norm of the gradient; None for no bound.
    """

    write: Write
    penalty: float = 0.0
    unit_norm: bool = False
    clip: float | None = None


def with_answer(texts: Sequence[EncodedText], *, side: str, name: str) -> list[EncodedText]:
    """Those texts that have a token of the answer to predict; a prompt may have filled the context.

    Raises:
        ExamplesError: there are none.
    """
    kept = [text for text in texts if any(answer_tokens(text))]
    if not kept:
        raise ExamplesError(
            f"{name} needs {side} examples with at least two tokens of text, or one after a prompt; add some."
        )
    return kept


def answer_tokens(text: EncodedText) -> list[bool]:
    """For every token whether its loss counts: it is of the answer, and something stands before it."""
    seen = sum(text.eligible) - text.n_last
    counted = []
    for place, eligible in enumerate(text.eligible):
        counted.append(eligible and seen <= 0 and place > 0)
        seen -= eligible
    return counted


def learn(
    model: LanguageModel,
    hook_point: HookPoint,
    texts: Sequence[EncodedText],
    weight: Float[Tensor, " d_model"],
    objective: Objective,
    *,
    settings: LearningSettings,
    seed: int,
    batch_size: int,
    progress: Progress,
    name: str,
    positions: Positions = "all",
) -> tuple[float, ...]:
    """Change ``weight`` until the model, with the edit written, is less surprised by the answers.

    The model's lock is held throughout; its weights are not touched, and no hook is left behind. The same arguments
    give the same vector on the same machine.

    Args:
        model: the frozen model.
        hook_point: where the edit is written.
        texts: at least one, each with an answer, see :func:`with_answer`.
        weight: on the model's device, float32, with gradient; changed in place.
        objective: what is written and minimised.
        settings: batches, learning rate, epochs.
        seed: of the order of the texts.
        batch_size: texts in one forward; no effect on the result beyond rounding.
        progress: asked before every forward and told after every update.
        name: of the method, for errors.
        positions: where the edit is written.

    Returns:
        The mean loss per answer token of every update, in nats, without the penalty.

    Raises:
        DirectionError: the loss is not a number.
        ModelError: the model has no such hook point.
        Cancelled: the progress says so.
    """
    shuffler = random.Random(seed)
    optimizer = torch.optim.AdamW([weight], lr=settings.learning_rate, weight_decay=settings.weight_decay)
    n_updates = settings.n_updates(len(texts))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / n_updates)
    losses: list[float] = []
    with model.lock, torch.enable_grad():
        for _epoch in range(settings.epochs):
            shuffled = shuffler.sample(texts, len(texts))
            for start in range(0, len(texts), settings.batch_size):
                batch = shuffled[start : start + settings.batch_size]
                n_tokens = sum(sum(answer_tokens(text)) for text in batch)
                ramp = objective.penalty * len(losses) / n_updates
                optimizer.zero_grad()
                loss = 0.0
                for first in range(0, len(batch), batch_size):
                    progress.check()
                    surprise, penalty = edited_loss(
                        model, hook_point, batch[first : first + batch_size], objective.write, positions
                    )
                    (surprise / n_tokens + ramp * penalty / len(batch)).backward()
                    loss += surprise.item() / n_tokens
                if not math.isfinite(loss):
                    raise DirectionError(
                        f"The loss of {name} became {loss} at update {len(losses) + 1}; lower the learning rate of "
                        f"{settings.learning_rate:g}."
                    )
                if objective.clip is not None:
                    torch.nn.utils.clip_grad_norm_([weight], objective.clip)
                if objective.unit_norm:
                    remove_parallel_gradient(weight)
                optimizer.step()
                schedule.step()
                if objective.unit_norm:
                    renormalise(weight)
                losses.append(loss)
                progress.tick()
    return tuple(losses)


def edited_loss(
    model: LanguageModel,
    hook_point: HookPoint,
    texts: Sequence[EncodedText],
    write: Write,
    positions: Positions = "all",
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Sum of -log p over the answers' tokens while the edit is written, and the edit's penalty, summed over texts."""
    tokens = pad_left(texts, pad_id=int(model.tokenizer.pad_token_id), device=model.device)
    written = tokens.eligible
    if positions == "sentence_ends":
        written = _marked([written_at_sentence_ends(model, text) for text in texts], tokens)
    penalties: list[Tensor] = []

    def change(resid: Tensor) -> Tensor:
        stream = resid.float()
        delta, penalty = write(stream, written)
        penalties.append(penalty)
        return torch.where(written[..., None], (stream + delta).to(resid.dtype), resid)

    with edit(model, hook_point, change):
        surprise = answer_loss(model, tokens, _marked([answer_tokens(text) for text in texts], tokens))
    return surprise, penalties[0]


def _marked(rows: Sequence[Sequence[bool]], tokens: TokenBatch) -> Bool[Tensor, "batch pos"]:
    marked = torch.zeros_like(tokens.eligible)
    for row, places in enumerate(rows):
        marked[row, -len(places) :] = torch.tensor(places)
    return marked
