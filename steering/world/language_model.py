"""How is the world's language model trained from nothing?"""

import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from steering.world.corpus import token_batches
from steering.world.scale import Scale

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

Progress = Callable[[str, float], None]
log = logging.getLogger(__name__)
CHECKPOINT_EVERY = 150
MATRIX_RATE, OTHER_RATE, WARM_UP = 0.02, 4e-3, 60


def new_model(tokenizer: "PreTrainedTokenizerBase", scale: Scale, seed: int) -> "LlamaForCausalLM":
    """A Llama-style model with random weights and tied embeddings."""
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=scale.d_model,
        intermediate_size=8 * scale.d_model // 3 // 32 * 32,
        num_hidden_layers=scale.n_layers,
        num_attention_heads=scale.n_heads,
        num_key_value_heads=scale.n_heads,
        max_position_embeddings=scale.context,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        do_sample=True,
        temperature=1.0,
        top_k=0,
        max_new_tokens=96,
    )
    return model


def orthogonalised(matrix: Tensor, steps: int = 5) -> Tensor:
    """The nearest semi-orthogonal matrix, roughly: Newton-Schulz iterations as in Muon (Jordan et al., 2024)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


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
        return self._named[name].ndim == 2 and "embed" not in name and "lm_head" not in name

    @torch.no_grad()
    def step(self, number: int, share: float) -> None:
        """Update the parameters from their gradients.

        Args:
            number: step counted from 1, for Adam's bias correction.
            share: factor on both learning rates, 0 to 1.
        """
        for name, parameter in self._named.items():
            gradient = parameter.grad
            if gradient is None:
                continue
            first = self.state[f"{name}.first"]
            if self._is_matrix(name):
                first.mul_(0.95).add_(gradient)
                update = orthogonalised(gradient + 0.95 * first)
                factor = max(1.0, parameter.shape[0] / parameter.shape[1]) ** 0.5
                parameter.mul_(1 - MATRIX_RATE * share * 0.01).sub_(update, alpha=MATRIX_RATE * share * factor)
            else:
                second = self.state[f"{name}.second"]
                first.lerp_(gradient, 0.1)
                second.lerp_(gradient.square(), 0.05)
                scale = (second / (1 - 0.95**number)).sqrt_().add_(1e-10)
                parameter.sub_(OTHER_RATE * share / (1 - 0.9**number) * first / scale)
            parameter.grad = None


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


def train_language_model(
    folder: Path,
    checkpoints: Path,
    tokenizer: "PreTrainedTokenizerBase",
    *,
    scale: Scale,
    seed: int,
    progress: Progress,
) -> "LlamaForCausalLM":
    """Train the language model, resuming from the last checkpoint, and save it in bfloat16.

    Args:
        folder: where the finished model goes, beside its tokenizer.
        checkpoints: where unfinished weights are kept.
        tokenizer: made by `steering.world.corpus.train_tokenizer`.
        scale: sizes.
        seed: of the weights and of the documents.
        progress: told what is done and the share of this stage that is finished.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = new_model(tokenizer, scale, seed)
    model.to(device)  # type: ignore[arg-type]  # transformers wraps torch's method and loses its overloads
    optimiser = MuonAdam(model)
    pad = int(tokenizer.pad_token_id)
    checkpoints.mkdir(parents=True, exist_ok=True)
    start = _resume(checkpoints, model, optimiser)
    batches = token_batches(
        tokenizer, seed=seed, tokens=scale.lm_batch_tokens, context=scale.context, pool=scale.lm_batch_tokens
    )
    for _ in range(start):
        next(batches)
    average, seen, began = math.nan, 0, time.monotonic()
    for step in range(start, scale.lm_steps):
        ids = padded(next(batches), pad).to(device)
        loss = loss_of(model, ids, pad)
        loss.backward()
        optimiser.step(step + 1, rate_share(step, scale.lm_cycles))
        average = loss.item() if math.isnan(average) else 0.98 * average + 0.02 * loss.item()
        seen += ids.numel()
        if (step + 1) % 10 == 0 or step + 1 == scale.lm_steps:
            rate = seen / (time.monotonic() - began)
            progress(f"language model: loss {average:.3f} nats, {rate:,.0f} tokens/s", (step + 1) / scale.lm_steps)
        if (step + 1) % CHECKPOINT_EVERY == 0 or step + 1 == scale.lm_steps:
            _checkpoint(checkpoints, model, optimiser, step + 1)
    model.to(torch.bfloat16)  # type: ignore[arg-type]  # as above
    model.save_pretrained(folder)
    return model


def _checkpoint(folder: Path, model: torch.nn.Module, optimiser: MuonAdam, step: int) -> None:
    tensors = {f"model.{name}": value.detach().cpu() for name, value in model.named_parameters()}
    tensors |= {f"optimiser.{name}": value.cpu() for name, value in optimiser.state.items()}
    part = folder / "language_model.part"
    save_file(tensors, part, metadata={"step": str(step)})
    part.replace(folder / "language_model.safetensors")
    (folder / "language_model.json").write_text(json.dumps({"step": step}))


def _resume(folder: Path, model: torch.nn.Module, optimiser: MuonAdam) -> int:
    weights, note = folder / "language_model.safetensors", folder / "language_model.json"
    if not (weights.exists() and note.exists()):
        return 0
    tensors = load_file(weights)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[f"model.{name}"])
        for name, value in optimiser.state.items():
            value.copy_(tensors[f"optimiser.{name}"])
    step = int(json.loads(note.read_text())["step"])
    log.info("resuming the language model at step %d", step)
    return step
