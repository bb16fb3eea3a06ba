"""How is an adapter trained on the positives?

    1. every text is read as the model's answer to its prompt; only the answer's tokens count in the loss
    2. peft puts LoRA layers in the place of the chosen linear maps; the base model stays frozen
    3. AdamW, learning rate falling linearly to 0; mean loss per answer token over each batch
    4. with early stopping: loss on the examples kept aside after every epoch, the best epoch is kept
    5. the matrices are copied out, and the very modules that were there before are put back

The recipe is AxBench's (Wu et al. 2025, https://arxiv.org/abs/2501.17148), whose LoRA sees positives only.
"""

import hashlib
import json
import random
from collections.abc import Callable, Sequence

import torch
from peft import LoraConfig
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from steering.answer_loss import batch_losses
from steering.descent import Descent, OnStep
from steering.encoding import EncodedText, encode_prompt
from steering.errors import AdapterError, Cancelled
from steering.lora.adapter import (
    Adapter,
    LoraLayers,
    config_dict,
    extract_tensors,
    lora_layers,
    refuse_second,
    seeded_rng,
    uses_conv1d,
)
from steering.lora.settings import LoraSettings
from steering.models import MAX_CONTEXT, LanguageModel
from steering.template_options import TEMPLATE_OPTIONS

_ATTENTION_OUTPUTS = ("self_attn.o_proj", "attn.c_proj", "attention.dense")


def train_lora(
    model: LanguageModel,
    texts: Sequence[str],
    prompts: Sequence[str | None],
    *,
    settings: LoraSettings,
    name: str = "LoRA",
    on_step: OnStep | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Adapter:
    """Train an adapter that makes ``model`` answer as in ``texts``.

    The model's lock is held throughout. Afterwards, also after an exception or a stop, the model is bitwise what it
    was.
    The same settings, texts and prompts give the same adapter on the same machine.

    Args:
        model: the base model.
        texts: the positives, and nothing else.
        prompts: for every text what it answers, None where there is nothing.
        settings: see :class:`LoraSettings`.
        name: what the screen calls the adapter.
        on_step: told about every update.
        should_stop: asked before every forward.

    Raises:
        AdapterError: no text, a text without tokens, a layer that does not exist, or a loss that is not a number.
        Cancelled: ``should_stop`` said so.
    """
    if len(texts) != len(prompts):
        raise ValueError(f"{len(texts)} texts and {len(prompts)} prompts; one prompt (or None) per text is needed.")
    if not texts:
        raise AdapterError("There is no positive example to train on; give at least one.")

    def check() -> None:
        if should_stop is not None and should_stop():
            raise Cancelled

    shuffler = random.Random(settings.seed)
    encoded = [
        encode_answer(model, text, prompt, learn_to_stop=settings.learn_to_stop)
        for text, prompt in zip(texts, prompts, strict=True)
    ]
    kept, aside = _split(encoded, settings.validation_share, shuffler)
    with model.lock, torch.inference_mode(False), torch.enable_grad():
        refuse_second(model)
        paths = target_paths(model, settings)
        config = _peft_config(model, paths, settings)
        with lora_layers(model, config, paths, seed=settings.seed) as layers, seeded_rng(model, settings.seed):
            tensors, losses, validation_losses = _fit(model, layers, kept, aside, settings, shuffler, on_step, check)
    return Adapter(
        name=name,
        config=config_dict(config, model),
        tensors=tensors,
        model_name=model.name,
        settings=settings,
        losses=losses,
        validation_losses=validation_losses,
        n_examples=len(texts),
        fingerprint=hashlib.sha256(json.dumps([list(prompts), list(texts)]).encode()).hexdigest(),
    )


def encode_answer(model: LanguageModel, text: str, prompt: str | None, *, learn_to_stop: bool) -> EncodedText:
    """Encode ``text`` as the model's answer; ``eligible`` marks the tokens whose loss counts.

    The prompt is encoded exactly as for generation. A model without a chat template reads the text on a new line.
    Texts are cut at the shorter of the model's context and 1,024 tokens.

    Raises:
        AdapterError: the text is empty, or the prompt leaves no room for it.
    """
    if not text.strip():
        raise AdapterError("One of the positive examples is empty; remove it.")
    bos_id, ending = model.tokenizer.bos_token_id, []
    if prompt is None:
        start = [bos_id] if model.prepend_bos and bos_id is not None else []
        answer = text
    else:
        start = list(encode_prompt(model, prompt).input_ids)
        answer = text if model.has_chat_template else f"\n{text}"
    if learn_to_stop:
        ending = [_end_of_answer(model, in_chat=prompt is not None and model.has_chat_template)]
    answer_ids = [*model.tokenizer(answer, add_special_tokens=False, verbose=False)["input_ids"], *ending]
    limit = min(MAX_CONTEXT, model.context_size)
    if len(start) >= limit:
        raise AdapterError(f"The prompt {prompt!r} fills the model's {limit} tokens; shorten it.")
    input_ids = (*start, *answer_ids)
    eligible = (*(False for _ in start), *(True for _ in answer_ids))
    if not start:
        eligible = (False, *eligible[1:])  # nothing stands before the first token to predict it from
    if not any(eligible[:limit]):
        raise AdapterError(f"The positive example {text!r} is a single token; give longer texts, or prompts.")
    return EncodedText(input_ids[:limit], eligible[:limit], truncated=len(input_ids) > limit)


def target_paths(model: LanguageModel, settings: LoraSettings) -> tuple[str, ...]:
    """Module paths of the linear maps that get an adapter.

    Raises:
        AdapterError: a chosen layer does not exist, or its attention has no known output projection.
    """
    paths: list[str] = []
    for index in settings.layers_of(model.n_layers):
        linear = [
            name
            for name, module in model.layout.layers[index].named_modules()
            if isinstance(module, nn.Linear | Conv1D)
        ]
        if settings.targets == "attention_output":
            linear = [name for name in linear if name in _ATTENTION_OUTPUTS]
        if not linear:
            raise AdapterError(
                f"Layer {index} of {model.name} has no attention output called {' or '.join(_ATTENTION_OUTPUTS)}; "
                "adapt all linear maps instead."
            )
        paths.extend(f"{model.layout.layers_path}.{index}.{name}" for name in linear)
    return tuple(paths)


def _peft_config(model: LanguageModel, paths: Sequence[str], settings: LoraSettings) -> LoraConfig:
    # Names within a layer and numbers of layers, as people write such files, rather than whole paths.
    within = {path.removeprefix(f"{model.layout.layers_path}.").partition(".")[2] for path in paths}
    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,  # type: ignore[arg-type]  # it is only divided; whole numbers are a custom
        use_rslora=settings.use_rslora,
        lora_dropout=settings.dropout,
        target_modules=sorted(within),
        layers_to_transform=list(settings.layers_of(model.n_layers)),
        layers_pattern=model.layout.layers_path.rpartition(".")[2],
        fan_in_fan_out=uses_conv1d(model, paths),
        task_type="CAUSAL_LM",
    )


def _fit(
    model: LanguageModel,
    layers: LoraLayers,
    kept: Sequence[EncodedText],
    aside: Sequence[EncodedText],
    settings: LoraSettings,
    shuffler: random.Random,
    on_step: OnStep | None,
    check: Callable[[], None],
) -> tuple[dict[str, Tensor], tuple[float, ...], tuple[float, ...]]:
    weights = [weight for layer in layers.values() for weight in layer.parameters() if weight.requires_grad]
    descent = Descent(
        model,
        weights,
        settings=settings,
        n_texts=len(kept),
        check=check,
        on_step=on_step,
    )
    validation_losses: list[float] = []
    best: dict[str, Tensor] | None = None
    for _epoch in range(settings.epochs):
        _set_training(layers, active=True)
        descent.epoch(shuffler.sample(kept, len(kept)))
        if settings.patience is None:
            continue
        _set_training(layers, active=False)
        with torch.no_grad():
            parts = batch_losses(model, aside, settings.micro_batch_size, check)
            validation_losses.append(sum(part.item() for part in parts))
        lowest = min(range(len(validation_losses)), key=validation_losses.__getitem__)
        if lowest == len(validation_losses) - 1:
            best = extract_tensors(layers)
        elif len(validation_losses) - 1 - lowest >= settings.patience:
            break
    return best or extract_tensors(layers), tuple(descent.losses), tuple(validation_losses)


def _set_training(layers: LoraLayers, *, active: bool) -> None:
    # Only the adapter's dropout trains (the linear map inside has none); dropout elsewhere in the model stays off.
    for layer in layers.values():
        layer.train(active)


def _split(
    encoded: Sequence[EncodedText], share: float, shuffler: random.Random
) -> tuple[list[EncodedText], list[EncodedText]]:
    if not share:
        return list(encoded), []
    shuffled = shuffler.sample(encoded, len(encoded))
    n_aside = max(1, round(share * len(encoded)))
    if n_aside >= len(encoded):
        raise AdapterError(
            f"Of {len(encoded)} positive examples {n_aside} would be kept aside for early stopping and none is left to "
            "train on; give more examples or switch early stopping off."
        )
    return shuffled[n_aside:], shuffled[:n_aside]


def _end_of_answer(model: LanguageModel, *, in_chat: bool) -> int:
    """The token that a chat template writes after an answer, where that is a special one; else end of text."""
    if in_chat:
        turns = [{"role": "user", "content": "question"}, {"role": "assistant", "content": "answer"}]
        rendered = str(model.tokenizer.apply_chat_template(turns, tokenize=False, **TEMPLATE_OPTIONS))
        after = model.tokenizer(rendered.rpartition("answer")[2], add_special_tokens=False)["input_ids"]
        if after and after[0] in model.tokenizer.all_special_ids:
            return int(after[0])
    if model.tokenizer.eos_token_id is None:
        raise AdapterError(f"The tokenizer of {model.name} has no end of text; switch off learning to stop.")
    return int(model.tokenizer.eos_token_id)
