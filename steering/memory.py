"""How much memory will a model, an SAE and the work with them take?

    weights      parameters x bytes of the dtype
    SAE          every tensor of steering.saes.SparseAutoencoder, float32 whatever the model's dtype
    KV cache     2 x layers x kv_heads x head_dim x batch x context x bytes
    activations  of one decoder layer at a time (gradients are off): the residual stream, the widest of the MLP's and
                 the attention's inner tensors, the logits of the last token, and the SAE's activations of one batch

The first three are exact; what libraries and an accelerator's runtime take for themselves is not in it.
"""

from dataclasses import dataclass
from typing import Literal

from steering.hook_points import HookPoint

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
GIB = 1024**3
_FLOAT32 = 4

_VECTORS = {"standard": 2, "topk": 3, "jumprelu": 3, "gated": 4}
"""Architecture → vectors over the features: b_enc, decoder_norms; then threshold, act_scale, or r_mag and b_mag."""

SaeKind = Literal["standard", "topk", "jumprelu", "gated"]


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The numbers of a model that decide how much memory it takes.

    Attributes:
        n_parameters: distinct ones, tied weights once.
        n_layers: decoder blocks.
        d_model: width of the residual stream.
        d_mlp: width inside the MLP.
        n_heads: of the queries.
        n_kv_heads: of keys and values.
        head_dim: width of a head.
        vocab_size: rows of the embedding.
    """

    n_parameters: int
    n_layers: int
    d_model: int
    d_mlp: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    vocab_size: int


@dataclass(frozen=True, slots=True)
class SaeShape:
    """The numbers of an SAE that decide how much memory it takes.

    Attributes:
        d_model: width of the residual stream that it reads.
        width: number of features.
        architecture: its kind; where it is not known, ``jumprelu``, whose few vectors more change nothing that counts.
    """

    d_model: int
    width: int
    architecture: SaeKind = "jumprelu"


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes by what takes them.

    Attributes:
        weights: of the model.
        sae: of the SAE's tensors.
        kv_cache: keys and values of ``batch`` texts of ``context`` tokens.
        activations: the largest that stand at one time in a forward pass.
    """

    weights: int
    sae: int
    kv_cache: int
    activations: int

    @property
    def total(self) -> int:
        """All of it, in bytes."""
        return self.weights + self.sae + self.kv_cache + self.activations

    @property
    def gib(self) -> float:
        """All of it, in GiB."""
        return self.total / GIB


def weight_bytes(model: ModelShape, dtype: str) -> int:
    """Bytes of the model's weights."""
    return model.n_parameters * BYTES[dtype]


def sae_bytes(sae: SaeShape) -> int:
    """Bytes of an SAE's tensors in float32."""
    matrices = 2 * sae.d_model * sae.width
    return (matrices + sae.d_model + _VECTORS[sae.architecture] * sae.width) * _FLOAT32


def kv_cache_bytes(model: ModelShape, dtype: str, *, batch: int, context: int) -> int:
    """Bytes of the keys and values that generation keeps."""
    return 2 * model.n_layers * model.n_kv_heads * model.head_dim * batch * context * BYTES[dtype]


def activation_bytes(model: ModelShape, sae: SaeShape | None, dtype: str, *, batch: int, context: int) -> int:
    """Bytes of what a forward pass holds at its widest place."""
    tokens = batch * context
    attention = (model.n_heads + 2 * model.n_kv_heads) * model.head_dim + model.d_model
    inside = max(3 * model.d_mlp, attention)  # gate, up and their product stand at the same time
    forward = tokens * (3 * model.d_model + inside) * BYTES[dtype] + batch * model.vocab_size * _FLOAT32
    if sae is None:
        return forward
    # The SAE reads after its layer is done: the residual twice, and per feature what is before, in and after its
    # nonlinearity.
    reading = tokens * (2 * sae.d_model + 3 * sae.width) * _FLOAT32
    return max(forward, reading)


def estimate(
    model: ModelShape, sae: SaeShape | None = None, *, dtype: str = "bfloat16", batch: int = 8, context: int = 512
) -> Memory:
    """What working with a model and an SAE takes.

    Args:
        model: its numbers.
        sae: its numbers; None leaves it out.
        dtype: of the model's weights, one of ``BYTES``.
        batch: texts at a time; 8 of 512 tokens are what ``steering.activations`` reads at once.
        context: tokens per text, with what is written.
    """
    return Memory(
        weights=weight_bytes(model, dtype),
        sae=0 if sae is None else sae_bytes(sae),
        kv_cache=kv_cache_bytes(model, dtype, batch=batch, context=context),
        activations=activation_bytes(model, sae, dtype, batch=batch, context=context),
    )


def misfit(model: ModelShape, sae: SaeShape | None, point: HookPoint | None, name: str = "the model") -> str | None:
    """Why an SAE cannot read a model, with the two numbers that disagree; None if nothing is against it."""
    if sae is not None and sae.d_model != model.d_model:
        return (
            f"The SAE reads a residual stream of width {sae.d_model}, but {name} has width {model.d_model}; "
            "choose an SAE that was trained on this model."
        )
    if point is not None and point.layer >= model.n_layers:
        return (
            f"The SAE reads layer {point.layer}, but {name} has layers 0 to {model.n_layers - 1}; "
            "choose an SAE that was trained on this model."
        )
    return None
