"""How far did a condition move the model, measured along the completion it wrote?

Both the condition and the untouched model read the finished completion once, teacher-forced; at every generated token
``KL(p_condition || p_baseline)`` is taken over the whole vocabulary. The baseline reads the plain prompt, so the number
means the same for every kind of condition.
"""

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from jaxtyping import Float
from torch import Tensor

from steering.encoding import EncodedText
from steering.finetuning.fine_tune import FineTune
from steering.generation.adapting import adapted
from steering.generation.condition import Condition
from steering.generation.writing import Writer
from steering.lora import Adapter
from steering.memory import LOGITS_PER_CHUNK, LOGITS_PER_CHUNK_ON_ACCELERATOR
from steering.models import LanguageModel
from steering.saes import SparseAutoencoder


def kl_divergence(
    log_p: Float[Tensor, "*batch vocab"], log_q: Float[Tensor, "*batch vocab"]
) -> Float[Tensor, "*batch"]:
    """KL(p || q) = sum_v p_v (log p_v - log q_v), in nats; not below 0 through rounding."""
    return (log_p.exp() * (log_p - log_q)).sum(dim=-1).clamp(min=0.0)


def measure(
    model: LanguageModel,
    sae: SparseAutoencoder | None,
    conditions: Sequence[Condition],
    told: Sequence[EncodedText],
    plain: Sequence[EncodedText],
    responses: Sequence[Sequence[int]],
    *,
    adapter: Adapter | FineTune | None,
) -> list[tuple[float | None, float | None]]:
    """Mean KL to the baseline, and perplexity under the baseline, of every completion.

    Args:
        model: whose lock the caller holds.
        sae: of the interventions.
        conditions: one per row.
        told: the prompt as the condition got it.
        plain: the prompt as the baseline gets it.
        responses: token ids of the completions; a row without any gives (None, None).
        adapter: active for the condition's reading, with each condition's factor; off for the baseline's.
    """
    found: list[tuple[float | None, float | None]] = [(None, None)] * len(responses)
    full = [row for row, response in enumerate(responses) if response]
    if not full:
        return found
    full.sort(key=lambda row: len(responses[row]))  # rows of one chunk are padded to the longest
    longest = len(responses[full[-1]])
    elements = LOGITS_PER_CHUNK if model.device.type == "cpu" else LOGITS_PER_CHUNK_ON_ACCELERATOR
    size = max(1, elements // (2 * model.vocab_size * longest))
    for start in range(0, len(full), size):
        rows = full[start : start + size]
        answers = [responses[row] for row in rows]
        baseline = _log_probs(model, None, [plain[row] for row in rows], answers)
        writer = Writer(model, sae, [conditions[row] for row in rows])
        scales = [conditions[row].factor for row in rows]
        with adapted(model, adapter, scales=scales) if adapter else nullcontext():
            moved = _log_probs(model, writer, [told[row] for row in rows], answers)
        divergence = kl_divergence(moved, baseline)
        for place, row in enumerate(rows):
            length = len(responses[row])
            ids = torch.tensor(responses[row], device=baseline.device)
            nll = -baseline[place, :length].gather(-1, ids[:, None])[:, 0]
            untouched = conditions[row].kind == "baseline"
            found[row] = (
                0.0 if untouched else float(divergence[place, :length].mean()),
                float(nll.mean().exp()),
            )
    return found


def _log_probs(
    model: LanguageModel,
    writer: Writer | None,
    contexts: Sequence[EncodedText],
    responses: Sequence[Sequence[int]],
) -> Float[Tensor, "rows longest vocab"]:
    """Log-probabilities before every token of every response; contexts are padded left, responses right.

    Nothing comes after a response's last token, so it is not read.
    """
    width = max(len(context) for context in contexts)
    longest = max(len(response) for response in responses)
    shape = (len(contexts), width + longest - 1)
    input_ids = torch.full(shape, model.tokenizer.pad_token_id or 0, dtype=torch.long)
    attention_mask = torch.zeros(shape, dtype=torch.long)
    prompt, special, generated = (torch.zeros(shape, dtype=torch.bool) for _ in range(3))
    for row, (context, response) in enumerate(zip(contexts, responses, strict=True)):
        begin, end = width - len(context), width + len(response) - 1
        input_ids[row, begin:width] = torch.tensor(context.input_ids)
        input_ids[row, width:end] = torch.tensor(response[:-1])
        attention_mask[row, begin:end] = 1
        prompt[row, begin:width] = torch.tensor(context.eligible)
        special[row, begin:width] = ~prompt[row, begin:width]
        generated[row, width:end] = True
    device = model.device
    attention_mask = attention_mask.to(device)
    if writer is not None:
        writer.expect(
            prompt.to(device),
            special.to(device),
            generated.to(device),
            input_ids=input_ids.to(device),
            last_of_prompt=width - 1,
        )
    with writer.writing() if writer is not None else nullcontext():
        logits = model.model(
            input_ids=input_ids.to(device),
            attention_mask=attention_mask,
            position_ids=(attention_mask.cumsum(-1) - 1).clamp(min=0),
            use_cache=False,
            logits_to_keep=longest,
        ).logits
    return logits.float().log_softmax(dim=-1)
