"""The decode loop: many prompts and conditions in one batch, streamed token by token, stoppable at any token.

Rows of different conditions stand in one batch (a row without an intervention is not touched), rows with a LoRA adapter
in a batch of their own while the adapter is active. The model's lock is held for the whole batch, because hooks and
adapters are seen by every thread.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, partial

import torch
from jaxtyping import Float
from torch import Tensor

from steering.conversation import Conversation, Prompt, as_conversation
from steering.encoding import MAX_CHARACTER_TOKENS, EncodedText, TokenBatch, encode_prompt, pad_left, token_texts
from steering.errors import InterventionError, SteeringError
from steering.finetuning.fine_tune import FineTune
from steering.generation.adapting import adapted
from steering.generation.completion import Completion, Receipt, WrittenFeature
from steering.generation.condition import Condition
from steering.generation.divergence import measure
from steering.generation.sampling import Sampling, draw, uniforms
from steering.generation.writing import Writer
from steering.lora import Adapter
from steering.measures import repetition
from steering.models import LanguageModel
from steering.saes import SparseAutoencoder
from steering.versions import versions_of

TOP_TOKENS = 5
PACKAGES = ("torch", "transformers", "sae-lens", "peft", "streamlit")


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a stream.

    Attributes:
        row: place of its completion in the result of :func:`generate`.
        token_id: as drawn.
        text: what it adds; nothing, where it ends the answer.
        top: the five likeliest tokens at this place with their probabilities.
    """

    row: int
    token_id: int
    text: str
    top: tuple[tuple[str, float], ...]


@dataclass(slots=True, eq=False)
class _Row:
    """One completion in the making."""

    place: int
    condition_place: int
    condition: Condition
    conversation: Conversation
    sample: int
    encoded: EncodedText
    plain: EncodedText
    token_ids: list[int]
    top: list[tuple[tuple[str, float], ...]]
    finished: str = "stopped"


def generate(
    model: LanguageModel,
    conditions: Sequence[Condition],
    prompts: Sequence[Prompt | Sequence[Conversation]],
    *,
    sae: SparseAutoencoder | None = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    count: int = 1,
    measured: bool = True,
    with_tokens: bool = True,
    on_token: Callable[[Token], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[Completion]:
    """Complete every prompt under every condition.

    Args:
        model: one base model serves all conditions.
        conditions: what is done; the result keeps their order.
        prompts: each is completed under each condition. One may be a conversation, whose earlier turns are prompt as
            much as its last; or a conversation that has gone its own way under each condition: a sequence of as many.
        sae: whose features the interventions name.
        sampling: how tokens are drawn.
        seed: the same seed, prompt and sample number give the same uniform numbers under every condition.
        count: samples per prompt and condition.
        measured: also measure KL to the baseline and perplexity (two more forwards over each completion).
        with_tokens: also say what each token adds and which were likeliest at its place; without, ``token_texts`` and
            ``top_tokens`` are empty and the texts the same, in less time.
        on_token: told every token as it is drawn; called while the model's lock is held.
        should_stop: asked before every token; when it answers True the texts so far are returned, marked "stopped".

    Returns:
        ``len(conditions) * len(prompts) * count`` completions: conditions outermost, then prompts, then samples.

    Raises:
        ModelError: empty or too long prompt, or turns that the model's template does not take.
        InterventionError: a feature that does not exist, an intervention that wrote at no position of any answer, or an
            edit too large for the model's numbers.
        SteeringError: nothing to do, numbers out of range, or more answers than fit into memory at once.
    """
    sampling = sampling or Sampling()
    if not prompts or not conditions or count < 1:
        raise SteeringError(
            f"Got {len(prompts)} prompts, {len(conditions)} conditions and count {count}; give at least one of each."
        )
    rows: list[_Row] = []
    read = cache(partial(encode_prompt, model))  # most conditions are told the same
    for condition_place, condition in enumerate(conditions):
        for prompt in prompts:
            conversation = _branch(prompt, condition_place, len(conditions))
            plain, encoded = read(conversation), read(condition.told(conversation))
            for sample in range(count):
                rows.append(_Row(len(rows), condition_place, condition, conversation, sample, encoded, plain, [], []))
    groups: dict[tuple[int, float], list[_Row]] = {}
    for row in rows:
        adapter = row.condition.adapter
        # Rows of a LoRA adapter differ in strength; fine-tuned weights are one set for all rows.
        factor = row.condition.factor if isinstance(adapter, FineTune) else 1.0
        groups.setdefault((id(adapter) if adapter else 0, factor), []).append(row)
    completions: list[Completion] = []
    try:
        for members in groups.values():
            completions += _complete(model, sae, members, sampling, seed, measured, with_tokens, on_token, should_stop)
    except torch.OutOfMemoryError as error:
        raise SteeringError(
            f"{len(rows)} answers of up to {sampling.max_new_tokens} tokens do not fit into the memory of "
            f"{model.device} at once; ask for fewer prompts, samples, methods or tokens."
        ) from error
    order = {row.place: place for place, row in enumerate(r for members in groups.values() for r in members)}
    return [completions[order[place]] for place in range(len(rows))]


def _branch(prompt: Prompt | Sequence[Conversation], place: int, count: int) -> Conversation:
    """What is to be answered under the condition at ``place``."""
    if isinstance(prompt, str | Conversation):
        return as_conversation(prompt)
    if len(prompt) != count:
        raise SteeringError(
            f"A conversation has {len(prompt)} branches for {count} conditions; give one for each condition."
        )
    return prompt[place]


def _complete(
    model: LanguageModel,
    sae: SparseAutoencoder | None,
    rows: list[_Row],
    sampling: Sampling,
    seed: int,
    measured: bool,
    with_tokens: bool,
    on_token: Callable[[Token], None] | None,
    should_stop: Callable[[], bool] | None,
) -> list[Completion]:
    started = time.perf_counter()
    adapter, scales = rows[0].condition.adapter, [row.condition.factor for row in rows]
    writer = Writer(model, sae, [row.condition for row in rows])
    with model.running():
        with adapted(model, adapter, scales=scales) if adapter else nullcontext():
            _decode(model, writer, rows, sampling, seed, with_tokens, on_token, should_stop)
        _check_written(writer, rows)
        divergence = (
            measure(
                model,
                sae,
                [row.condition for row in rows],
                [row.encoded for row in rows],
                [row.plain for row in rows],
                [row.token_ids for row in rows],
                adapter=adapter,
            )
            if measured
            else [(None, None)] * len(rows)
        )
    seconds = time.perf_counter() - started
    versions = versions_of(PACKAGES)
    found = []
    for place, row in enumerate(rows):
        kl, perplexity = divergence[place]
        found.append(
            Completion(
                kind=row.condition.kind,
                condition=row.condition_place,
                prompt=row.conversation.prompt,
                text=str(model.tokenizer.decode(row.token_ids, skip_special_tokens=True)).strip(),
                token_ids=tuple(row.token_ids),
                token_texts=tuple(token_texts(model, row.token_ids)) if with_tokens else (),
                top_tokens=tuple(row.top),
                receipt=_receipt(
                    model, writer, place, row, sampling, seed, kl, perplexity, seconds, len(rows), versions
                ),
                earlier=row.conversation.turns[:-1],
                system=row.conversation.system,
            )
        )
    return found


def _check_written(writer: Writer, rows: list[_Row]) -> None:
    """Refuse a condition that wrote at no position of any answer. A single answer may end before it was written."""
    written: dict[int, int] = {}
    for place, row in enumerate(rows):
        writes = row.condition.intervention is not None or row.condition.direction is not None
        if writes and row.finished != "stopped":
            edited = int(writer.n_prompt[place] + writer.n_generated[place])
            written[row.condition_place] = written.get(row.condition_place, 0) + edited
    for condition_place, edited in written.items():
        if not edited:
            scope = _scope(next(row.condition for row in rows if row.condition_place == condition_place))
            raise InterventionError(
                f"The intervention wrote at no position (scope {scope}); widen the scope or allow more tokens."
            )


def _decode(
    model: LanguageModel,
    writer: Writer,
    rows: list[_Row],
    sampling: Sampling,
    seed: int,
    with_tokens: bool,
    on_token: Callable[[Token], None] | None,
    should_stop: Callable[[], bool] | None,
) -> None:
    network = model.model
    batch = pad_left([row.encoded for row in rows], pad_id=model.tokenizer.pad_token_id or 0, device=model.device)
    # Each row has its own room: padding takes no position, so a long prompt does not shorten the answers to others.
    limits = [min(sampling.max_new_tokens, model.context_size - len(row.encoded)) for row in rows]
    randoms = torch.stack([uniforms(seed, row.conversation.asked, row.sample, max(limits)) for row in rows])
    ends = end_token_ids(model)
    active = [True] * len(rows)
    told = with_tokens or on_token is not None
    attention_mask = batch.attention_mask
    input_ids, position_ids = batch.input_ids, batch.position_ids
    writer.expect(*chunk_masks(batch), input_ids=batch.input_ids, last_of_prompt=batch.input_ids.shape[1] - 1)
    past = None
    with writer.writing():
        for step in range(max(limits)):
            if should_stop is not None and should_stop():
                return
            output = network(
                input_ids=input_ids,
                attention_mask=attention_mask,
                position_ids=position_ids,
                past_key_values=past,
                use_cache=True,
                logits_to_keep=1,
            )
            past = output.past_key_values
            logits = output.logits[:, -1].float()
            if logits.isnan().any():
                raise InterventionError(
                    "The model's next-token logits are not numbers; use a smaller factor, or float32 weights."
                )
            tokens = draw(logits, randoms[:, step], sampling)
            tops = _top(model, logits) if told else []
            for place, (row, token_id) in enumerate(zip(rows, tokens.tolist(), strict=True)):
                if not active[place]:
                    continue
                row.token_ids.append(token_id)
                if with_tokens:
                    row.top.append(tops[place])
                if token_id in ends or len(row.token_ids) == limits[place]:
                    active[place] = False
                    full = "length" if limits[place] == sampling.max_new_tokens else "context"
                    row.finished = "end" if token_id in ends else full
                if on_token is not None:
                    text = "" if token_id in ends else _latest_text(model, row.token_ids)
                    on_token(Token(row.place, token_id, text, tops[place]))
            if not any(active):
                return
            alive = torch.tensor(active, device=model.device)
            # A finished row goes on as padding: masked from attention, never written, never counted.
            input_ids = tokens[:, None]
            attention_mask = torch.cat([attention_mask, alive[:, None].long()], dim=1)
            position_ids = (attention_mask.sum(-1, keepdim=True) - 1).clamp(min=0)
            none = torch.zeros_like(alive[:, None])
            writer.expect(none, none, alive[:, None], input_ids=input_ids, last_of_prompt=None)


def _latest_text(model: LanguageModel, token_ids: Sequence[int]) -> str:
    """What the last token adds; a character of several tokens comes with its last."""
    return token_texts(model, token_ids[-2 * MAX_CHARACTER_TOKENS :])[-1]


def chunk_masks(batch: TokenBatch) -> tuple[Tensor, Tensor, Tensor]:
    """Masks of a batch of prompts for :meth:`Writer.expect`: content, BOS and template, generated (none)."""
    present = batch.attention_mask.bool()
    return batch.eligible, present & ~batch.eligible, torch.zeros_like(present)


def end_token_ids(model: LanguageModel) -> set[int]:
    """Tokens that end an answer: the tokenizer's EOS and what the generation config names besides."""
    ends = model.model.generation_config.eos_token_id if model.model.generation_config else None
    found = {ends} if isinstance(ends, int) else set(ends or ())
    return found | ({model.tokenizer.eos_token_id} - {None})


def _top(model: LanguageModel, logits: Float[Tensor, "rows vocab"]) -> list[tuple[tuple[str, float], ...]]:
    values, ids = logits.softmax(dim=-1).topk(min(TOP_TOKENS, logits.shape[-1]), dim=-1)
    return [
        tuple(zip((token_texts(model, [one])[0] for one in row_ids), row_values, strict=True))
        for row_ids, row_values in zip(ids.tolist(), values.tolist(), strict=True)
    ]


def _scope(condition: Condition) -> str:
    return condition.intervention.scope if condition.intervention else condition.scope


def _leading(token_ids: Sequence[int], token_id: int) -> int:
    """How often ``token_id`` stands at the front; further on a template may use the same token for its turns."""
    return next((place for place, one in enumerate(token_ids) if one != token_id), len(token_ids))


def _adapter_state(adapter: Adapter | FineTune | None, scale: float) -> str:
    return "off" if adapter is None else f"{adapter.name} x {scale:g}"


def _receipt(
    model: LanguageModel,
    writer: Writer,
    place: int,
    row: _Row,
    sampling: Sampling,
    seed: int,
    kl: float | None,
    perplexity: float | None,
    seconds: float,
    batch_size: int,
    versions: dict[str, str],
) -> Receipt:
    condition = row.condition
    intervention = condition.intervention
    writes = intervention is not None or condition.direction is not None
    if condition.direction is not None:
        hook_module: str | None = str(model.layout.locate(condition.direction.hook_point))
    elif intervention is not None:
        hook_module = str(model.layout.locate(writer.hook_points[0]))
    else:
        hook_module = None
    features = (
        tuple(
            WrittenFeature(feature.feature_id, feature.factor, feature.max_act, feature.coefficient)
            for feature in intervention.features
        )
        if intervention
        else ()
    )
    return Receipt(
        mode=intervention.mode if intervention else "add" if writes else None,
        scope=_scope(condition) if writes else None,
        features=features,
        hook_module=hook_module,
        positions_edited_prompt=int(writer.n_prompt[place]),
        positions_edited_generated=int(writer.n_generated[place]),
        positions_moved=int(writer.n_moved[place]),
        share_of_resid_norm=writer.share_of_resid_norm(place),
        kl=kl,
        perplexity=perplexity,
        # The end of text stands outside the text: with it, a text that loops would not end in a loop.
        repetition=repetition(row.token_ids[: len(row.token_ids) - (row.finished == "end")]),
        bos_count=_leading(row.encoded.input_ids, model.tokenizer.bos_token_id) if model.prepend_bos else 0,
        told_in=condition.told_in if condition.instruction is not None else None,
        adapter=_adapter_state(condition.adapter, condition.factor),
        n_prompt_tokens=len(row.encoded),
        n_generated=len(row.token_ids),
        finished=row.finished,
        seed=seed,
        sample=row.sample,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        seconds=round(seconds, 4),
        batch_size=batch_size,
        versions=versions,
        revision=model.revision,
        sae_preparation=writer.sae.preparation if features and writer.sae is not None else (),
        device=model.placement,
        dtype=str(model.dtype).removeprefix("torch."),
    )
