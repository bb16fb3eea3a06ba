"""How large is a build of the embedded world?"""

from dataclasses import dataclass
from typing import Literal

from steering.errors import WorldError

ScaleName = Literal["full", "mini"]


@dataclass(frozen=True, slots=True)
class Scale:
    """Every size that a build depends on.

    Attributes:
        name: which scale this is.
        tokenizer_documents: documents that the tokenizer learns from.
        vocabulary: entries of the tokenizer.
        context: longest sequence in tokens.
        d_model: width of the language model.
        n_layers: decoder blocks.
        n_heads: attention heads.
        lm_cycles: steps and peak learning rate (as a share) of each cycle of the language model's training.
        lm_batch_tokens: tokens of one such step, and documents drawn at a time.
        sae_layer: the block after which the SAE reads.
        d_sae: features of the SAE.
        k: active features per token that the SAE is trained for.
        sae_steps: training steps of the SAE.
        sae_batch: tokens of one such step; documents are drawn four times as many at a time.
        report_documents: held-out documents for the figures of the model card.
    """

    name: ScaleName
    tokenizer_documents: int
    vocabulary: int
    context: int
    d_model: int
    n_layers: int
    n_heads: int
    lm_cycles: tuple[tuple[int, float], ...]
    lm_batch_tokens: int
    sae_layer: int
    d_sae: int
    k: int
    sae_steps: int
    sae_batch: int
    report_documents: int

    @property
    def lm_steps(self) -> int:
        """Training steps of the language model in all cycles."""
        return sum(steps for steps, _ in self.lm_cycles)


SCALES: dict[str, Scale] = {
    "full": Scale(
        name="full",
        tokenizer_documents=20_000,
        vocabulary=3_072,
        context=256,
        d_model=128,
        n_layers=4,
        n_heads=4,
        lm_cycles=((1_500, 1.0), (1_600, 0.5)),
        lm_batch_tokens=4_096,
        sae_layer=2,
        d_sae=1_024,
        k=16,
        sae_steps=3_000,
        sae_batch=1_024,
        report_documents=600,
    ),
    "mini": Scale(
        name="mini",
        tokenizer_documents=200,
        vocabulary=1_024,
        context=256,
        d_model=32,
        n_layers=2,
        n_heads=2,
        lm_cycles=((8, 1.0), (4, 0.5)),
        lm_batch_tokens=512,
        sae_layer=1,
        d_sae=64,
        k=8,
        sae_steps=60,
        sae_batch=128,
        report_documents=20,
    ),
}


def scale(name: str) -> Scale:
    """The scale called ``name``.

    Raises:
        WorldError: when there is no such scale.
    """
    try:
        return SCALES[name]
    except KeyError:
        raise WorldError(f"There is no scale {name!r}; choose one of {', '.join(SCALES)}.") from None
