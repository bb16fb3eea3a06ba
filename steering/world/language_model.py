"""How are the world's language models trained from nothing?"""

import json
import logging
import math
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from steering.errors import WorldError
from steering.replacing import replacing
from steering.world.corpus import token_batches
from steering.world.making import MODEL, Making, check, model_making, moved_in, write_record
from steering.world.scale import ModelSize, Scale

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

Progress = Callable[[str, float], None]
log = logging.getLogger(__name__)
CHECKPOINT, CHECKPOINT_EVERY = "language_model.safetensors", 250
MATRIX_RATE, OTHER_RATE, WARM_UP = 0.02, 4e-3, 60
COMPILE_FROM_STEPS = 200
"""Compiling takes most of a minute; a training of fewer steps is done sooner without."""


def new_model(tokenizer: "PreTrainedTokenizerBase", size: ModelSize, context: int, seed: int) -> "PreTrainedModel":
    """A language model with random weights and tied embeddings.

    Args:
        tokenizer: its vocabulary and special tokens.
        size: architecture and widths.
        context: longest sequence in tokens.
        seed: of the weights.
    """
    from transformers import AutoModelForCausalLM, GenerationConfig

    torch.manual_seed(seed)
    special: dict[str, Any] = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    model: PreTrainedModel = AutoModelForCausalLM.from_config(_config(len(tokenizer), size, context, special))
    model.generation_config = GenerationConfig(**special, do_sample=True, temperature=1.0, top_k=0, max_new_tokens=96)
    return model


def _config(vocabulary: int, size: ModelSize, context: int, special: dict[str, Any]) -> "PretrainedConfig":
    from transformers import GPT2Config, LlamaConfig

    if size.architecture == "llama":
        return LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=size.d_model,
            intermediate_size=8 * size.d_model // 3 // 32 * 32,
            num_hidden_layers=size.n_layers,
            num_attention_heads=size.n_heads,
            num_key_value_heads=size.n_heads,
            max_position_embeddings=context,
            tie_word_embeddings=True,
            **special,
        )
    return GPT2Config(
        vocab_size=vocabulary,
        n_embd=size.d_model,
        n_layer=size.n_layers,
        n_head=size.n_heads,
        n_positions=context,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        **special,
    )


def orthogonalised(matrices: Tensor, steps: int = 5) -> Tensor:
    """The nearest semi-orthogonal matrices, roughly: Newton-Schulz iterations as in Muon (Jordan et al., 2024).

    Args:
        matrices: ``[... rows columns]``; each matrix on its own.
        steps: iterations.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class MuonAdam:
    """Muon for the matrices inside the blocks, Adam for embeddings and norms, in float32.

    Args:
        model: whose parameters are trained.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        self._named = dict(model.named_parameters())
        self.state: dict[str, Tensor] = {}
        for name, parameter in self._named.items():
            self.state[f"{name}.first"] = torch.zeros_like(parameter)
            if not self._is_matrix(name):
                self.state[f"{name}.second"] = torch.zeros_like(parameter)

    def _is_matrix(self, name: str) -> bool:
        outside = ("embed", "lm_head", "wte", "wpe")
        return self._named[name].ndim == 2 and not any(part in name for part in outside)

    @torch.no_grad()
    def step(self, number: int, share: float) -> None:
        """Update the parameters from their gradients.

        Args:
            number: step counted from 1, for Adam's bias correction.
            share: factor on both learning rates, 0 to 1.
        """
        alike: dict[torch.Size, list[str]] = {}
        for name, parameter in self._named.items():
            if parameter.grad is None:
                continue
            if self._is_matrix(name):
                alike.setdefault(parameter.shape, []).append(name)
            else:
                self._adam(name, number, share)
        for shape, names in alike.items():
            self._muon(shape, names, share)
        for parameter in self._named.values():
            parameter.grad = None

    def _muon(self, shape: torch.Size, names: list[str], share: float) -> None:
        """Matrices of one shape together: a stack of small products is faster than one after another."""
        gradients = torch.stack([self._gradient(name) for name in names])
        first = torch.stack([self.state[f"{name}.first"] for name in names]).mul_(0.95).add_(gradients)
        updates = orthogonalised(gradients + 0.95 * first)
        factor = max(1.0, shape[0] / shape[1]) ** 0.5
        for place, name in enumerate(names):
            self.state[f"{name}.first"].copy_(first[place])
            parameter = self._named[name]
            parameter.mul_(1 - MATRIX_RATE * share * 0.01).sub_(updates[place], alpha=MATRIX_RATE * share * factor)

    def _adam(self, name: str, number: int, share: float) -> None:
        gradient = self._gradient(name)
        first, second = self.state[f"{name}.first"], self.state[f"{name}.second"]
        first.lerp_(gradient, 0.1)
        second.lerp_(gradient.square(), 0.05)
        scale = (second / (1 - 0.95**number)).sqrt_().add_(1e-10)
        self._named[name].sub_(OTHER_RATE * share / (1 - 0.9**number) * first / scale)

    def _gradient(self, name: str) -> Tensor:
        gradient = self._named[name].grad
        assert gradient is not None
        return gradient


def padded(batch: list[list[int]], pad: int) -> Tensor:
    """Rows of token ids as one tensor, padded on the right."""
    width = max(map(len, batch))
    return torch.tensor([row + [pad] * (width - len(row)) for row in batch])


def loss_of(model: torch.nn.Module, ids: Tensor, pad: int) -> Tensor:
    """Mean cross-entropy in nats of every token but the first, padding left out."""
    logits = model(input_ids=ids).logits
    return torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten(), ignore_index=pad
    )


def rate_share(step: int, cycles: Sequence[tuple[int, float]]) -> float:
    """Learning rate at ``step`` as a share: in every cycle a linear warm-up to its peak, then linear decay to zero."""
    for steps, peak in cycles:
        if step < steps:
            return peak * min((step + 1) / min(WARM_UP, steps), 1.0) * (1 - step / steps)
        step -= steps
    return 0.0


def compiled(loss: Callable[..., Tensor], steps: int) -> Callable[..., Tensor]:
    """``loss`` compiled when that pays and a compiler is at hand: about 1.5 times as fast, equal but for rounding."""
    if steps < COMPILE_FROM_STEPS or not (torch.cuda.is_available() or shutil.which("g++")):
        return loss
    found: Callable[..., Tensor] = torch.compile(loss, dynamic=True)
    return found


def _low_precision(device: str) -> AbstractContextManager[object]:
    """Products in bfloat16 (weights and sums stay in float32) where the processor has instructions for it."""
    able = device == "cuda" or torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(device, dtype=torch.bfloat16) if able else nullcontext()


def train_language_model(
    folder: Path,
    checkpoints: Path,
    tokenizer: "PreTrainedTokenizerBase",
    *,
    size: ModelSize,
    scale: Scale,
    seed: int,
    progress: Progress,
) -> "PreTrainedModel":
    """Train one language model, resuming from the last checkpoint, and save it in bfloat16.

    Args:
        folder: where the finished model goes, beside its tokenizer.
        checkpoints: where unfinished weights of this model are kept.
        tokenizer: made by `steering.world.corpus.train_tokenizer`.
        size: of the model.
        scale: context and batches.
        seed: of the weights and of the documents.
        progress: told what is done and the share of this stage that is finished.

    Raises:
        WorldError: when the checkpoint cannot be continued.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = new_model(tokenizer, size, scale.context, seed)
    model.to(device)  # type: ignore[arg-type]  # transformers wraps torch's method and loses its overloads
    optimiser = MuonAdam(model)
    pad = int(tokenizer.pad_token_id)
    checkpoints.mkdir(parents=True, exist_ok=True)
    making = model_making(size, scale, seed)
    start = _resume(checkpoints, model, optimiser, making)
    batches = token_batches(
        tokenizer, seed=seed, tokens=scale.batch_tokens, context=scale.context, pool=scale.batch_tokens
    )
    for _ in range(start):
        next(batches)
    loss_fn = compiled(lambda ids: loss_of(model, ids, pad), size.steps - start)
    average, seen, began = math.nan, 0, time.monotonic()
    for step in range(start, size.steps):
        ids = padded(next(batches), pad).to(device)
        with _low_precision(device):
            loss = loss_fn(ids)
        loss.backward()
        optimiser.step(step + 1, rate_share(step, size.cycles))
        average = loss.item() if math.isnan(average) else 0.98 * average + 0.02 * loss.item()
        seen += ids.numel()
        if (step + 1) % 10 == 0 or step + 1 == size.steps:
            rate = seen / (time.monotonic() - began)
            progress(f"{size.name}: loss {average:.3f} nats, {rate:,.0f} tokens/s", (step + 1) / size.steps)
        if (step + 1) % CHECKPOINT_EVERY == 0 or step + 1 == size.steps:
            _checkpoint(checkpoints, model, optimiser, step + 1, making)
    model.to(torch.bfloat16)  # type: ignore[arg-type]  # as above
    sharpen(model, size.temperature)
    model.save_pretrained(checkpoints / "model")
    write_record(folder / MODEL, making)
    moved_in(checkpoints / "model", folder, last=MODEL)
    return model


@torch.no_grad()
def sharpen(model: torch.nn.Module, temperature: float) -> None:
    """Divide a model's logits by ``temperature`` for good: gain (and bias) of its last norm are divided by it.

    Nothing before that norm changes, so what SAEs read of the stream stays as it is. Why: docs/adr/0014.
    """
    *_, norm = (part for name, part in model.named_modules() if name.endswith((".norm", ".ln_f")))
    for parameter in norm.parameters():
        parameter.div_(temperature)


def _checkpoint(folder: Path, model: torch.nn.Module, optimiser: MuonAdam, step: int, making: Making) -> None:
    tensors = {f"model.{name}": value.detach().cpu() for name, value in model.named_parameters()}
    tensors |= {f"optimiser.{name}": value.cpu() for name, value in optimiser.state.items()}
    with replacing(folder / CHECKPOINT) as part:
        save_file(tensors, part, metadata={"step": str(step), "made": json.dumps(making)})


def _resume(folder: Path, model: torch.nn.Module, optimiser: MuonAdam, making: Making) -> int:
    """The step after which the checkpoint of ``folder`` was written, its weights now in ``model``; 0 without one.

    Its training may have been meant to end otherwise, as long as the learning rate was the same up to this step. A
    checkpoint that does not say how it was made has to fit in size. It is of the model before it is sharpened.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return 0
    wanted = {f"model.{name}": parameter.data for name, parameter in model.named_parameters()}
    wanted |= {f"optimiser.{name}": value for name, value in optimiser.state.items()}
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        step, made = int(metadata["step"]), json.loads(metadata.get("made", "null"))
        tensors = load_file(path)
    except (SafetensorError, KeyError, ValueError) as error:
        raise WorldError(
            f"{path} is no checkpoint of a training ({error}); delete it to train from the start."
        ) from error
    if made is not None:
        planned, wanted_now = _cycles(made), _cycles(making)
        alike = all(rate_share(past, planned) == rate_share(past, wanted_now) for past in range(step))
        made |= {"temperature": making["temperature"]} | ({"cycles": making["cycles"]} if alike else {})
        check(path, made, making)
    elif step > sum(steps for steps, _ in _cycles(making)):
        raise WorldError(f"{path} is at step {step}, after the last of this training; delete it to train anew.")
    if {name: value.shape for name, value in tensors.items()} != {name: value.shape for name, value in wanted.items()}:
        raise WorldError(
            f"{path} is the checkpoint of a model of another size; delete it or build into another folder."
        )
    for name, value in wanted.items():
        value.copy_(tensors[name])
    log.info("resuming the language model at step %d", step)
    return step


def _cycles(making: Making) -> list[tuple[int, float]]:
    return [(steps, peak) for steps, peak in making["cycles"]]
