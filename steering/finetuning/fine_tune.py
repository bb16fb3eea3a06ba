"""How is a whole model trained on the positives, and how does it become the untouched model again?

    1. every weight is put aside, and a copy in float32 is trained in its place: AdamW, learning rate falling linearly
       to 0, mean loss per answer token, as for adapters
    2. the trained weights are kept as data; the very tensors that were there before are put back
    3. to use them, they are put in for the length of a block

A fine-tune holds as many numbers as the model, and training it four times as many: this is for small models.
"""

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from steering.descent import Descent
from steering.errors import AdapterError, Cancelled
from steering.finetuning.settings import FineTuneSettings
from steering.lora.adapter import refuse_second
from steering.lora.training import encode_answer
from steering.models import LanguageModel


@dataclass(frozen=True, slots=True, eq=False)
class FineTune:
    """All weights of a model after training; they are in no model at present.

    Attributes:
        name: what the screen calls it.
        tensors: by the name of the parameter, float32, on the CPU.
        model_name: the model it was trained from.
        settings: how.
        losses: mean loss per answer token of every update, in nats.
    """

    name: str
    tensors: Mapping[str, Tensor]
    model_name: str
    settings: FineTuneSettings
    losses: tuple[float, ...]


def fine_tune(
    model: LanguageModel,
    texts: Sequence[str],
    prompts: Sequence[str | None],
    *,
    settings: FineTuneSettings | None = None,
    name: str = "SFT",
    on_step: Callable[[int, int, float], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> FineTune:
    """Train all weights of ``model`` to answer as in ``texts``.

    The model's lock is held throughout. Afterwards, also after an exception or a stop, the model is bitwise what it
    was. The same settings, texts and prompts give the same weights on the same machine.

    Args:
        model: the base model.
        texts: the positives, and nothing else.
        prompts: for every text what it answers, None where there is nothing.
        settings: AxBench's unless given.
        name: what the screen calls the result.
        on_step: told the number of every update from 1 on, their total, and the loss.
        should_stop: asked before every forward.

    Raises:
        AdapterError: no text, a text without tokens, an active adapter, or a loss that is not a number.
        Cancelled: ``should_stop`` said so.
    """
    settings = settings or FineTuneSettings()
    if len(texts) != len(prompts):
        raise ValueError(f"{len(texts)} texts and {len(prompts)} prompts; one prompt (or None) per text is needed.")
    if not texts:
        raise AdapterError("There is no positive example to train on; give at least one.")

    def check() -> None:
        if should_stop is not None and should_stop():
            raise Cancelled

    encoded = [encode_answer(model, *pair, learn_to_stop=False) for pair in zip(texts, prompts, strict=True)]
    shuffler = random.Random(settings.seed)
    with model.lock, torch.inference_mode(False), torch.enable_grad():
        refuse_second(model)
        copies = {key: weight.detach().to(torch.float32, copy=True) for key, weight in model.model.named_parameters()}
        with _in_place(model, copies):
            weights = list(model.model.parameters())
            for weight in weights:
                weight.requires_grad_(True)
            descent = Descent(
                model,
                weights,
                settings=settings,
                n_texts=len(encoded),
                check=check,
                on_step=on_step,
            )
            for _epoch in range(settings.epochs):
                descent.epoch(shuffler.sample(encoded, len(encoded)))
    # The optimizer changed the copies in place.
    tensors = {key: copy.cpu() for key, copy in copies.items()}
    return FineTune(name, tensors, model.name, settings, tuple(descent.losses))


@contextmanager
def tuned(model: LanguageModel, tune: FineTune, *, scale: float = 1.0) -> Iterator[None]:
    """Have the trained weights in the model inside the block; outside, it is bitwise what it was.

    The model's lock is held for the whole block.

    Args:
        model: the model that was trained, or one of the same shape.
        tune: whose weights are put in.
        scale: how far to go from the model's own weights (0) to the trained ones (1).

    Raises:
        AdapterError: the weights do not fit the model, an adapter is active, or ``scale`` is not a number.
    """
    if not math.isfinite(scale):
        raise AdapterError(f"The fine-tune's scale is {scale}; it must be a finite number.")
    with model.lock:
        refuse_second(model)
        own = dict(model.model.named_parameters())
        shapes = {key: weight.shape for key, weight in own.items()}
        if shapes != {key: tensor.shape for key, tensor in tune.tensors.items()}:
            raise AdapterError(
                f"The fine-tune {tune.name} was made from {tune.model_name}, and its weights do not fit {model.name}; "
                "use the model it was made from."
            )
        put_in = {}
        for key, weight in own.items():
            trained = tune.tensors[key].to(weight.device)
            if scale != 1.0:
                trained = torch.lerp(weight.detach().float(), trained, scale)
            put_in[key] = trained.to(weight.dtype)
        with _in_place(model, put_in):
            yield


@contextmanager
def _in_place(model: LanguageModel, tensors: Mapping[str, Tensor]) -> Iterator[None]:
    """Other numbers in the place of the parameters; afterwards the same tensors are back, frozen, without gradients."""
    parameters = dict(model.model.named_parameters())
    originals = {key: parameter.data for key, parameter in parameters.items()}
    try:
        for key, parameter in parameters.items():
            parameter.data = tensors[key]
        yield
    finally:
        for key, parameter in parameters.items():
            parameter.requires_grad_(False)
            parameter.grad = None
            parameter.data = originals[key]
