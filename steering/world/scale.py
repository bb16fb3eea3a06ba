"""How large is a build of the embedded world?"""

from dataclasses import dataclass
from typing import Literal

from steering.errors import WorldError

ScaleName = Literal["full", "mini"]
Architecture = Literal["llama", "gpt2"]


@dataclass(frozen=True, slots=True)
class SaeSize:
    """One sparse autoencoder of a build.

    Attributes:
        layer: the block after which it reads.
        d_sae: features.
        k: active features per token that it is trained for.
    """

    layer: int
    d_sae: int
    k: int

    @property
    def name(self) -> str:
        """Such as ``layer2-1k-l0-16``."""
        width = f"{self.d_sae // 1024}k" if self.d_sae >= 1024 else str(self.d_sae)
        return f"layer{self.layer}-{width}-l0-{self.k}"


@dataclass(frozen=True, slots=True)
class ModelSize:
    """One language model of a build and the SAEs trained on it.

    Attributes:
        name: preset that the model becomes.
        architecture: ``llama`` (RMSNorm, rotary positions) or ``gpt2`` (LayerNorm, learned positions).
        d_model: width.
        n_layers: decoder blocks.
        n_heads: attention heads.
        cycles: steps and peak learning rate (as a share) of each cycle of the training.
        saes: what is trained on it; the first is the default one.
        temperature: what the finished model's logits are divided by for good (docs/adr/0014); 1 leaves it as trained.
    """

    name: str
    architecture: Architecture
    d_model: int
    n_layers: int
    n_heads: int
    cycles: tuple[tuple[int, float], ...]
    saes: tuple[SaeSize, ...]
    temperature: float = 1.0

    @property
    def steps(self) -> int:
        """Training steps in all cycles."""
        return sum(steps for steps, _ in self.cycles)


@dataclass(frozen=True, slots=True)
class Scale:
    """Every size that a build depends on.

    Attributes:
        name: which scale this is.
        tokenizer_documents: documents that the tokenizer learns from.
        vocabulary: entries of the tokenizer, which all models share.
        context: longest sequence in tokens.
        models: language models with their SAEs.
        batch_tokens: tokens of one training step of a language model, and documents drawn at a time.
        sae_steps: training steps of every SAE.
        sae_batch: tokens of one such step.
        report_documents: held-out documents for the figures of a model card.
    """

    name: ScaleName
    tokenizer_documents: int
    vocabulary: int
    context: int
    models: tuple[ModelSize, ...]
    batch_tokens: int
    sae_steps: int
    sae_batch: int
    report_documents: int


SPARSITIES = (64, 8, 16, 32, 128)
"""The default first: it steers best on the development concepts (docs/adr/0010)."""

SCALES: dict[str, Scale] = {
    "full": Scale(
        name="full",
        tokenizer_documents=30_000,
        vocabulary=4_096,
        context=256,
        models=(
            ModelSize(
                name="demo",
                architecture="llama",
                d_model=128,
                n_layers=4,
                n_heads=4,
                cycles=((6_500, 1.0), (3_000, 0.4)),
                saes=(
                    *(SaeSize(2, 1_024, k) for k in SPARSITIES),
                    *(SaeSize(1, 1_024, k) for k in SPARSITIES),
                    SaeSize(2, 4_096, 32),
                ),
                temperature=0.85,
            ),
            ModelSize(
                name="demo-gpt2",
                architecture="gpt2",
                d_model=128,
                n_layers=4,
                n_heads=4,
                cycles=((4_000, 1.0), (5_000, 0.7)),
                saes=(SaeSize(2, 1_024, 64), SaeSize(2, 1_024, 16)),
                temperature=0.85,
            ),
        ),
        batch_tokens=4_096,
        sae_steps=3_000,
        sae_batch=1_024,
        report_documents=600,
    ),
    "mini": Scale(
        name="mini",
        tokenizer_documents=200,
        vocabulary=1_024,
        context=256,
        models=(
            ModelSize("demo", "llama", 32, 2, 2, ((8, 1.0), (4, 0.5)), (SaeSize(1, 64, 8), SaeSize(1, 64, 16)), 0.85),
            ModelSize("demo-gpt2", "gpt2", 32, 2, 2, ((8, 1.0), (4, 0.5)), (SaeSize(1, 64, 8),), 0.85),
        ),
        batch_tokens=512,
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
