"""Which rows of a batch are written with what, and how many positions were?"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from steering.errors import InterventionError
from steering.generation.condition import Condition
from steering.hook_points import HookPoint
from steering.hooks import edit
from steering.interventions import Mode, Scope, apply_change, code_change, moved, resid_change
from steering.models import LanguageModel
from steering.saes import SparseAutoencoder
from steering.sentence_ends import sentence_end_ids


@dataclass(slots=True, eq=False)
class _Group:
    """Rows that share mode, scope and directions; their values differ by row."""

    rows: Int[Tensor, " rows"]
    mode: Mode
    scope: Scope
    special: bool
    shared_budget: bool
    values: Float[Tensor, "rows k"]
    directions: Float[Tensor, "k d_model"]
    sae: SparseAutoencoder | None
    feature_ids: tuple[int, ...]


class Writer:
    """Edits the stream of one batch, chunk by chunk, and keeps count.

    Positions are told by masks over the present chunk, so a key-value cache makes no difference: the whole prompt at
    once, then one token at a time, or everything at once give the same edits.
    """

    def __init__(self, model: LanguageModel, sae: SparseAutoencoder | None, conditions: Sequence[Condition]) -> None:
        self._model = model
        self.sae = sae
        self._groups: dict[HookPoint, list[_Group]] = {}
        device = model.device
        self.n_prompt = torch.zeros(len(conditions), dtype=torch.long, device=device)
        self.n_generated = torch.zeros(len(conditions), dtype=torch.long, device=device)
        self.n_moved = torch.zeros(len(conditions), dtype=torch.long, device=device)
        self._share = torch.zeros(len(conditions), dtype=torch.float64, device=device)
        self._prompt: Tensor | None = None
        self._special: Tensor | None = None
        self._generated: Tensor | None = None
        self._before_answer: Tensor | None = None
        self._ends: Tensor | None = None
        self._build(sae, conditions, device)

    def _build(self, sae: SparseAutoencoder | None, conditions: Sequence[Condition], device: torch.device) -> None:
        collected: dict[tuple[object, ...], list[int]] = {}
        for row, condition in enumerate(conditions):
            if condition.intervention is not None:
                intervention = condition.intervention
                key: tuple[object, ...] = (
                    intervention.mode,
                    intervention.scope,
                    intervention.special,
                    intervention.shared_budget,
                    intervention.feature_ids,
                )
            elif condition.direction is not None:
                key = (id(condition.direction), condition.scope)
            else:
                continue
            collected.setdefault(key, []).append(row)
        for rows in collected.values():
            first = conditions[rows[0]]
            index = torch.tensor(rows, device=device)
            if first.intervention is not None:
                intervention = first.intervention
                if sae is None:
                    raise InterventionError("Features were given without an SAE; name the SAE they belong to.")
                for feature_id in intervention.feature_ids:
                    if not 0 <= feature_id < sae.d_sae:
                        raise InterventionError(
                            f"Feature {feature_id} was asked for, but this SAE has features 0 to {sae.d_sae - 1}."
                        )
                values = [c.intervention.values for c in (conditions[row] for row in rows) if c.intervention]
                group = _Group(
                    rows=index,
                    mode=intervention.mode,
                    scope=intervention.scope,
                    special=intervention.special,
                    shared_budget=intervention.shortens,
                    values=torch.tensor(values, dtype=torch.float32, device=device),
                    directions=sae.decoder(list(intervention.feature_ids)).to(device),
                    sae=sae,
                    feature_ids=intervention.feature_ids,
                )
                self._groups.setdefault(sae.hook_point, []).append(group)
            elif first.direction is not None:
                direction = first.direction
                sizes = [[conditions[row].factor * direction.max_projection] for row in rows]
                group = _Group(
                    rows=index,
                    mode="add",
                    scope=first.scope,
                    special=False,
                    shared_budget=False,
                    values=torch.tensor(sizes, dtype=torch.float32, device=device),
                    directions=direction.direction.to(device)[None],
                    sae=None,
                    feature_ids=(),
                )
                self._groups.setdefault(direction.hook_point, []).append(group)

    @property
    def hook_points(self) -> tuple[HookPoint, ...]:
        """Where the batch is written; empty when no row is."""
        return tuple(self._groups)

    def share_of_resid_norm(self, row: int) -> float:
        """Mean over written positions of |edit| / |residual|."""
        written = int(self.n_prompt[row] + self.n_generated[row])
        return float(self._share[row]) / written if written else 0.0

    def expect(
        self,
        prompt: Bool[Tensor, "batch pos"],
        special: Bool[Tensor, "batch pos"],
        generated: Bool[Tensor, "batch pos"],
        *,
        input_ids: Int[Tensor, "batch pos"] | None = None,
        last_of_prompt: int | None = None,
    ) -> None:
        """Say what the tokens of the next chunk are.

        Args:
            prompt: content of the prompt.
            special: BOS and template.
            generated: drawn tokens.
            input_ids: all of them; only the scope ``sentence_ends`` asks.
            last_of_prompt: place of the prompt's last token, the same in every row since prompts are padded on the
                left; None where the chunk holds no prompt.
        """
        self._prompt, self._special, self._generated = prompt, special, generated
        if any(group.scope == "sentence_ends" for groups in self._groups.values() for group in groups):
            if input_ids is None:
                raise RuntimeError("Writer.expect needs input_ids to find sentence ends")
            self._ends = generated & sentence_end_ids(self._model).to(input_ids.device)[input_ids]
            self._before_answer = torch.zeros_like(generated)
            if last_of_prompt is not None:
                self._before_answer[:, last_of_prompt] = True

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Edit the forwards inside the block. The caller holds the model's lock."""
        with ExitStack() as stack:
            for hook_point, groups in self._groups.items():
                stack.enter_context(edit(self._model, hook_point, self._change_at(groups)))
            yield

    def _change_at(self, groups: list[_Group]):  # type: ignore[no-untyped-def]  # an Edit; beartype needs no more
        def change(resid: Tensor) -> Tensor:
            out = resid
            for group in groups:
                edited = self._write(group, out[group.rows])
                out = out.index_copy(0, group.rows, edited)
            return out

        return change

    def _write(self, group: _Group, resid: Float[Tensor, "rows pos d_model"]) -> Float[Tensor, "rows pos d_model"]:
        if self._prompt is None or self._special is None or self._generated is None:
            raise RuntimeError("Writer.expect was not called before the forward")
        prompt, special, generated = (mask[group.rows] for mask in (self._prompt, self._special, self._generated))
        nothing = torch.zeros_like(prompt)
        if group.scope == "sentence_ends" and self._ends is not None and self._before_answer is not None:
            before, after = self._before_answer[group.rows], self._ends[group.rows]
        else:
            before = (prompt | special if group.special else prompt) if group.scope != "generated" else nothing
            after = generated if group.scope != "prompt" else nothing
        written = before | after
        stream = resid.float()
        if group.sae is None or group.mode == "add":
            acts = torch.zeros(*stream.shape[:2], group.directions.shape[0], device=stream.device)
        else:
            acts = group.sae.encode_columns(stream, list(group.feature_ids))
        delta = resid_change(
            code_change(group.mode, acts, group.values), group.directions, shared_budget=group.shared_budget
        )
        if group.sae is not None:
            delta = delta * group.sae.direction_scale(stream)
        self.n_prompt.index_add_(0, group.rows, before.sum(-1))
        self.n_generated.index_add_(0, group.rows, after.sum(-1))
        share = delta.norm(dim=-1) / stream.norm(dim=-1).clamp(min=1e-12)
        if not torch.isfinite(share[written]).all():
            raise InterventionError(
                "The edit is larger than the model's numbers can hold and the answer would be noise; use a smaller "
                "factor."
            )
        self.n_moved.index_add_(0, group.rows, moved(delta, written).sum(-1))
        self._share.index_add_(0, group.rows, (share * written).sum(-1, dtype=torch.float64))
        return apply_change(resid, delta, written)
