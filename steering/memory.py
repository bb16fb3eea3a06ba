"""How much memory will a model, an SAE and the work with them take?

    weights   parameters x bytes of the dtype
    SAE       every tensor of steering.saes.SparseAutoencoder, float32 whatever the model's dtype or the file's; its
              two matrices in bfloat16 where that is asked for
    work      the largest of what stands beside them at one time:
              loading     on a CPU, the SAE once more: a bfloat16 file becomes float32, and folding the norms of the
                          decoder's rows writes new matrices while the old ones are there, in float32 also where
                          bfloat16 is kept (an accelerator is given the result only)
              generating  the KV cache, 2 x layers x kv_heads x head_dim x batch x context x bytes, and a forward pass,
                          one decoder layer at a time: the residual stream, the widest of the MLP's and the attention's
                          inner tensors, the logits of the last token
              reading     the residual of a batch, as it came and in float32, and the activations of one block of
                          features, never of all
              measuring   KL: log-probabilities of some answers under two conditions

Weights and SAE are exact, work is counted from the code; ``python -m benchmarks.memory_check`` measures both on a CPU.
What libraries and an accelerator's runtime take for themselves is not in it, nor are pages of a file that is being
read.
"""

from dataclasses import dataclass, replace
from typing import Literal

from steering.hook_points import HookPoint

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
GIB = 1024**3
_FLOAT32 = 4

ELEMENTS_PER_BLOCK = 2**20
"""Activations computed at once where a dictionary is read in blocks: 4 MiB in float32, which a CPU's cache can hold."""
ELEMENTS_PER_BLOCK_ON_ACCELERATOR = 2**27
"""The same on an accelerator, where few large products are faster: 512 MiB."""
LOGITS_PER_CHUNK = 2**22
"""Log-probabilities held at once where KL is measured, those of one answer at least: 16 MiB, near a CPU's cache."""
LOGITS_PER_CHUNK_ON_ACCELERATOR = 2**27
"""The same on an accelerator: 512 MiB."""
ANSWER_TOKENS = 64
"""Tokens of an answer that the estimate counts on: what the command line writes unless told."""

_VECTORS = {"standard": 2, "topk": 3, "jumprelu": 3, "gated": 4}
"""Architecture → vectors over the features: b_enc, decoder_norms; then threshold, act_scale, or r_mag and b_mag."""

SaeKind = Literal["standard", "topk", "jumprelu", "gated"]
SaeDtype = Literal["float32", "bfloat16"]
"""What an SAE's two matrices are kept in; it is computed with in float32 either way."""


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
        dtype: number format that its two matrices are kept in.
    """

    d_model: int
    width: int
    architecture: SaeKind = "jumprelu"
    dtype: str = "float32"


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes by what takes them.

    Attributes:
        weights: of the model.
        sae: of the SAE's tensors.
        work: the most that stands beside them at one time.
    """

    weights: int
    sae: int
    work: int

    @property
    def total(self) -> int:
        """All of it, in bytes."""
        return self.weights + self.sae + self.work

    @property
    def gib(self) -> float:
        """All of it, in GiB."""
        return self.total / GIB


def weight_bytes(model: ModelShape, dtype: str) -> int:
    """Bytes of the model's weights."""
    return model.n_parameters * BYTES[dtype]


def sae_bytes(sae: SaeShape) -> int:
    """Bytes of an SAE's tensors: matrices in their format, vectors in float32."""
    matrices = 2 * sae.d_model * sae.width * BYTES[sae.dtype]
    return matrices + (sae.d_model + _VECTORS[sae.architecture] * sae.width) * _FLOAT32


def sae_loading_bytes(sae: SaeShape) -> int:
    """Bytes that stand beside an SAE while it is loaded in main memory: as it was read and folded, both in float32."""
    whole = sae_bytes(replace(sae, dtype="float32"))
    return 2 * whole if sae.dtype != "float32" else whole


def kv_cache_bytes(model: ModelShape, dtype: str, *, batch: int, context: int) -> int:
    """Bytes of the keys and values that generation keeps."""
    return 2 * model.n_layers * model.n_kv_heads * model.head_dim * batch * context * BYTES[dtype]


def forward_bytes(model: ModelShape, dtype: str, *, batch: int, context: int) -> int:
    """Bytes of what a forward pass holds at its widest place."""
    attention = (model.n_heads + 2 * model.n_kv_heads) * model.head_dim + model.d_model
    inside = max(3 * model.d_mlp, attention)  # gate, up and their product stand at the same time
    return batch * context * (3 * model.d_model + inside) * BYTES[dtype] + batch * model.vocab_size * _FLOAT32


def reading_bytes(sae: SaeShape, dtype: str, *, tokens: int, device: str) -> int:
    """Bytes of what stands while a batch is read: its residual twice as it came and twice in float32, and per
    activation of a block what is before, in and after the nonlinearity, with its mask.
    """
    block = ELEMENTS_PER_BLOCK if device == "cpu" else ELEMENTS_PER_BLOCK_ON_ACCELERATOR
    activations = min(tokens * sae.width, max(tokens, block))
    return tokens * sae.d_model * (2 * BYTES[dtype] + 2 * _FLOAT32) + activations * (4 * _FLOAT32 + 1)


def divergence_bytes(model: ModelShape, *, batch: int, device: str) -> int:
    """Bytes of what stands while the KL of answers is measured: five numbers for every token of the vocabulary at every
    place of the answers of one chunk, which is one answer at least.
    """
    chunk = LOGITS_PER_CHUNK if device == "cpu" else LOGITS_PER_CHUNK_ON_ACCELERATOR
    one = ANSWER_TOKENS * model.vocab_size
    return min(batch, max(1, chunk // (2 * one))) * one * 5 * _FLOAT32


def estimate(
    model: ModelShape,
    sae: SaeShape | None = None,
    *,
    dtype: str = "bfloat16",
    device: str = "cuda",
    batch: int = 8,
    context: int = 512,
) -> Memory:
    """What working with a model and an SAE takes.

    Args:
        model: its numbers.
        sae: its numbers; None leaves it out.
        dtype: of the model's weights, one of ``BYTES``.
        device: where they lie; a CPU reads in smaller blocks than an accelerator, and holds the SAE twice at first.
        batch: texts at a time; 8 of 512 tokens are what ``steering.activations`` reads at once.
        context: tokens per text, with what is written.
    """
    forward = forward_bytes(model, dtype, batch=batch, context=context)
    work = [
        forward + kv_cache_bytes(model, dtype, batch=batch, context=context),
        divergence_bytes(model, batch=batch, device=device),
    ]
    if sae is not None:
        work.append(reading_bytes(sae, dtype, tokens=batch * context, device=device))
        work.append(sae_loading_bytes(sae) if device == "cpu" else 0)
    return Memory(weights=weight_bytes(model, dtype), sae=0 if sae is None else sae_bytes(sae), work=max(work))


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
