"""What does a sparse autoencoder compute?

Shapes and names are the field's: ``x`` [... d_model] is the residual stream, ``W_enc`` [d_model d_sae], ``W_dec``
[d_sae d_model]. In every architecture

    pre   = (n(x) - b_dec [if apply_b_dec_to_input]) W_enc + b_enc
    f     = nonlinearity(pre)                         feature activations, >= 0
    x_hat = n^-1(f W_dec + b_dec)

where ``n`` is the SAE's own normalisation of each token. Everything is computed in float32 whatever the model's dtype,
because a pre-activation rounded to bfloat16 crosses its threshold; the two matrices may be kept in bfloat16
(``kept_as``), and the columns that are at work are float32 again. Nothing is kept between calls: any thread may encode
at any time, and a reconstruction needs the residual that was encoded (``decode(feature_acts, resid)``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor

from steering.errors import InterventionError
from steering.hook_points import HookPoint
from steering.memory import ELEMENTS_PER_BLOCK, ELEMENTS_PER_BLOCK_ON_ACCELERATOR, SaeDtype
from steering.neuronpedia import feature_url

Architecture = Literal["standard", "jumprelu", "topk", "gated"]
Normalization = Literal["none", "layer_norm", "constant_norm_rescale"]

_LAYER_NORM_EPS = 1e-5  # sae-lens': added to the standard deviation, not to the variance


@dataclass(frozen=True, slots=True)
class SaeMetadata:
    """Where an SAE comes from and what it was trained on; None is "not recorded".

    Attributes:
        model_name: the model it was trained on, as the SAE's author spells it.
        hook_name: TransformerLens name of its hook point.
        hf_hook_name: module path of its hook point.
        neuronpedia_id: ``model/layer-source`` of its pages on Neuronpedia.
        prepend_bos: whether the training texts began with BOS.
        context_size: tokens per training text.
        dataset_path: the training texts.
        training_architecture: what it was trained as, e.g. ``batchtopk`` for an SAE that is saved as ``jumprelu``.
        center_writing_weights: it was trained on a model whose residual stream had been centred over d_model.
        release: release in sae-lens' directory, or the Hub repository.
        sae_id: its id within the release.
        path: the folder it was read from.
        revision: commit on the Hub, where it came from there.
        sha256: of the weights file, where it was read from a folder.
    """

    model_name: str | None = None
    hook_name: str | None = None
    hf_hook_name: str | None = None
    neuronpedia_id: str | None = None
    prepend_bos: bool | None = None
    context_size: int | None = None
    dataset_path: str | None = None
    training_architecture: str | None = None
    center_writing_weights: bool = False
    release: str | None = None
    sae_id: str | None = None
    path: str | None = None
    revision: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SparseActs:
    """Activations of some features on some tokens, without the zeros.

    Attributes:
        tokens: row of the residual that was encoded; ascending.
        feature_ids: which feature fires there.
        values: its activation, not 0.
    """

    tokens: Int[Tensor, " n_firing"]
    feature_ids: Int[Tensor, " n_firing"]
    values: Float32[Tensor, " n_firing"]


@dataclass(frozen=True, slots=True, eq=False)
class SparseAutoencoder:
    """One trained SAE, ready to read from and write to the residual stream at ``hook_point``.

    Build it with ``steering.saes.building.build_autoencoder``, which checks every number. Rows of ``W_dec`` have unit
    length (all-zero rows excepted), so that one unit of activation is one unit of residual norm for every feature.

    Attributes:
        architecture: the nonlinearity. BatchTopK and Matryoshka SAEs are saved, and appear here, as ``jumprelu``.
        hook_point: where it reads and writes.
        W_enc: encoder, one column per feature.
        W_dec: decoder, one row per feature.
        b_dec: decoder bias.
        b_enc: encoder bias; for ``gated`` the bias of the gate.
        threshold: ``jumprelu``: a feature fires when its pre-activation is strictly above it.
        r_mag: ``gated``: logarithm of magnitude weights over gate weights.
        b_mag: ``gated``: bias of the magnitude.
        k: ``topk``: how many features may fire on one token.
        act_scale: factor on the activations after the choice of the top k, where decoder rows of a ``topk`` SAE had
            other lengths than 1; the choice itself is made before it.
        apply_b_dec_to_input: the encoder sees ``x - b_dec``.
        normalization: ``layer_norm``: each token centred and divided by its standard deviation;
            ``constant_norm_rescale``: each token scaled to norm sqrt(d_model).
        center_input: subtract each token's mean over d_model before encoding and add it back after decoding. Set by
            ``steering.saes.fitting``, exact for SAEs trained on centred writing weights of a LayerNorm model.
        decoder_norms: length of every decoder row as it was stored.
        decoder_norms_folded: True if these were not 1 and the weights were rescaled, once, without changing the
            reconstruction; activations are then the stored SAE's times ``decoder_norms``.
        metadata: where it comes from.
    """

    architecture: Architecture
    hook_point: HookPoint
    W_enc: Float[Tensor, "d_model d_sae"]
    W_dec: Float[Tensor, "d_sae d_model"]
    b_dec: Float32[Tensor, " d_model"]
    b_enc: Float32[Tensor, " d_sae"]
    decoder_norms: Float32[Tensor, " d_sae"]
    decoder_norms_folded: bool
    threshold: Float32[Tensor, " d_sae"] | None = None
    r_mag: Float32[Tensor, " d_sae"] | None = None
    b_mag: Float32[Tensor, " d_sae"] | None = None
    k: int | None = None
    act_scale: Float32[Tensor, " d_sae"] | None = None
    apply_b_dec_to_input: bool = True
    normalization: Normalization = "none"
    center_input: bool = False
    metadata: SaeMetadata = SaeMetadata()

    @property
    def d_model(self) -> int:
        """Width of the residual stream it reads."""
        return int(self.W_enc.shape[0])

    @property
    def d_sae(self) -> int:
        """Number of features."""
        return int(self.W_enc.shape[1])

    @property
    def device(self) -> torch.device:
        """Where its tensors are; ``resid`` must be there too."""
        return self.W_enc.device

    @property
    def release(self) -> str | None:
        """Release in sae-lens' directory, or the Hub repository; None for a folder."""
        return self.metadata.release

    @property
    def sae_id(self) -> str | None:
        """Its id within the release; None for a folder."""
        return self.metadata.sae_id

    @property
    def name(self) -> str:
        """What ``load_sae`` found it under."""
        if self.metadata.release is not None:
            return f"{self.metadata.release}/{self.metadata.sae_id}"
        return self.metadata.path or f"{self.architecture} SAE at {self.hook_point}"

    @property
    def preparation(self) -> tuple[str, ...]:
        """What stands between the stored SAE and its use here, one sentence each; empty where nothing does."""
        done = []
        if self.decoder_norms_folded:
            low, high = float(self.decoder_norms.min()), float(self.decoder_norms.max())
            done.append(
                f"Decoder rows were stored with lengths {low:.3g} to {high:.3g} and have length 1 here; an activation "
                "is the stored SAE's times the length of its row."
            )
        if self.center_input:
            done.append("Each token's mean over d_model is taken out before reading; writing leaves it as it is.")
        if self.normalization != "none":
            what = "centred and divided by its standard deviation"
            if self.normalization == "constant_norm_rescale":
                what = "divided by its norm over the root of d_model"
            done.append(f"Each token is {what} before reading; what is written is multiplied by the same number.")
        if self.is_half:
            done.append("Both matrices are kept in bfloat16, with the lengths that they were stored with, and computed "
                        "with in float32.")  # fmt: skip
        return tuple(done)

    def encode(self, resid: Float[Tensor, "... d_model"]) -> Float32[Tensor, "... d_sae"]:
        """Activations of all features on each token, 0 where a feature does not fire; same device as ``resid``."""
        sae_in = self._sae_in(resid)
        if self.architecture == "topk":
            values, chosen = self._top_k(sae_in.reshape(-1, self.d_model))
            feature_acts = torch.zeros(len(values), self.d_sae, device=values.device).scatter_(1, chosen, values)
            return feature_acts.reshape(*resid.shape[:-1], self.d_sae)
        if self.is_half:
            n_tokens = sae_in[..., 0].numel()
            return torch.cat([self._fire(sae_in @ self.encoder(at), at) for at in self._blocks(n_tokens)], dim=-1)
        return self._fire(sae_in @ self.W_enc, slice(None))

    def encode_sparse(
        self, resid: Float[Tensor, "n_tokens d_model"], *, elements: int | None = None
    ) -> Iterator[SparseActs]:
        """``encode(resid)`` without its zeros, for dictionaries of which ``[n_tokens d_sae]`` would not fit anywhere.

        Args:
            resid: any number of tokens; all of them are encoded for one block of features before the next.
            elements: at most this many activations are held densely at once (one feature of every token at least); by
                default what suits the device.

        Yields:
            Disjoint parts of the activations, in ascending blocks of features.
        """
        sae_in = self._sae_in(resid)
        if self.architecture == "topk":
            values, chosen = self._top_k(sae_in, elements=elements)
            tokens, places = values.nonzero(as_tuple=True)
            yield SparseActs(tokens, chosen[tokens, places], values[tokens, places])
            return
        for block in self._blocks(len(sae_in), elements):
            feature_acts = self._fire(sae_in @ self.encoder(block), block)
            tokens, places = feature_acts.nonzero(as_tuple=True)
            yield SparseActs(tokens, places + block.start, feature_acts[tokens, places])

    def encode_columns(
        self, resid: Float[Tensor, "... d_model"], feature_ids: Sequence[int]
    ) -> Float32[Tensor, "... k"]:
        """``encode(resid)[..., feature_ids]``, at the cost of these columns alone (``topk`` needs all of them).

        Raises:
            InterventionError: a feature id that this SAE does not have.
        """
        columns = self._columns(feature_ids)
        if self.architecture == "topk":
            values, chosen = self._top_k(self._sae_in(resid).reshape(-1, self.d_model))
            picked = values.new_zeros(len(values), len(columns))
            for place, column in enumerate(columns):
                picked[:, place] = torch.where(chosen == column, values, 0.0).sum(-1)
            return picked.reshape(*resid.shape[:-1], len(columns))
        return self._fire(self._sae_in(resid) @ self.encoder(columns), columns)

    def decode(
        self, feature_acts: Float32[Tensor, "... d_sae"], resid: Float[Tensor, "... d_model"] | None = None
    ) -> Float32[Tensor, "... d_model"]:
        """``x_hat``, the residual stream that these activations stand for.

        Args:
            feature_acts: activations, of ``encode`` or edited.
            resid: what was encoded; its mean and scale are put back. Needed only where ``decode_needs_resid``.

        Raises:
            ValueError: ``resid`` is needed and missing.
        """
        decoded = self.b_dec
        for block in self._blocks(feature_acts[..., 0].numel()) if self.is_half else [slice(None)]:
            decoded = feature_acts[..., block] @ self.decoder(block) + decoded
        if not self.decode_needs_resid:
            return decoded
        if resid is None:
            raise ValueError("This SAE normalises each token: decode needs the residual that was encoded.")
        decoded = decoded * self.direction_scale(resid)
        if self.center_input or self.normalization == "layer_norm":
            decoded = decoded + resid.to(torch.float32).mean(-1, keepdim=True)
        return decoded

    def reconstruct(self, resid: Float[Tensor, "... d_model"]) -> Float32[Tensor, "... d_model"]:
        """``x_hat`` of the residual stream ``x``; ``x - x_hat`` is the sae_error."""
        return self.decode(self.encode(resid), resid)

    @property
    def decode_needs_resid(self) -> bool:
        """Whether ``decode`` needs the residual, because mean or scale of each token were taken out of it."""
        return self.center_input or self.normalization != "none"

    def direction_scale(self, resid: Float[Tensor, "... d_model"]) -> Float32[Tensor, "... 1"]:
        """Residual units per unit of decoder space on each token.

        A change of a feature's activation by ``a`` changes the residual by ``a * direction_scale * decoder_direction``.
        It is 1 except for SAEs that normalise each token: the standard deviation for ``layer_norm``,
        ``|x| / sqrt(d_model)`` for ``constant_norm_rescale``.
        """
        if self.normalization == "none":
            return torch.ones(*resid.shape[:-1], 1, dtype=torch.float32, device=resid.device)
        return self._token_scale(self._centered(resid))

    def decoder_direction(self, feature_id: int) -> Float32[Tensor, " d_model"]:
        """The feature's direction in the residual stream, of unit length.

        Raises:
            InterventionError: a feature id that this SAE does not have.
        """
        return self.decoder(self._columns([feature_id]))[0]

    @property
    def is_half(self) -> bool:
        """Whether the matrices are kept in bfloat16."""
        return self.W_enc.dtype != torch.float32

    def encoder(self, feature_ids: slice | Int[Tensor, " k"] | Sequence[int]) -> Float32[Tensor, "d_model k"]:
        """Columns of the encoder, as they are computed with; whoever needs some takes them from here."""
        columns = self.W_enc[:, feature_ids]
        if not self.is_half:
            return columns
        columns = columns.to(torch.float32)
        return columns if self._scale is None or self.act_scale is not None else columns * self._scale[feature_ids]

    def decoder(self, feature_ids: slice | Int[Tensor, " k"] | Sequence[int]) -> Float32[Tensor, "k d_model"]:
        """Rows of the decoder, of unit length; whoever needs some takes them from here."""
        rows = self.W_dec[feature_ids]
        if not self.is_half:
            return rows
        rows = rows.to(torch.float32)
        return rows if self._scale is None else rows / self._scale[feature_ids][:, None]

    def kept_as(self, dtype: SaeDtype) -> "SparseAutoencoder":
        """The same SAE with its matrices kept in this number format; everything else stays float32.

        Where the decoder's norms were folded, the matrices go back to the lengths that they were stored with: an SAE
        that was published in bfloat16 loses nothing, one in float32 is rounded once.
        """
        if dtype == "float32" or self.is_half:
            return self
        W_enc, W_dec = self.W_enc, self.W_dec
        if self._scale is not None:
            W_dec = W_dec * self._scale[:, None]
            W_enc = W_enc if self.act_scale is not None else W_enc / self._scale
        return replace(self, W_enc=W_enc.to(torch.bfloat16), W_dec=W_dec.to(torch.bfloat16))

    @property
    def _scale(self) -> Float32[Tensor, " d_sae"] | None:
        """What decoder rows were divided by when they were folded; None where they were not."""
        if not self.decoder_norms_folded:
            return None
        return torch.where(self.decoder_norms > 0, self.decoder_norms, torch.ones_like(self.decoder_norms))

    def neuronpedia_url(self, feature_id: int) -> str | None:
        """The feature's page on Neuronpedia, if the SAE is known there. Nothing is requested.

        Raises:
            InterventionError: a feature id that this SAE does not have.
        """
        self._columns([feature_id])
        if not self.metadata.neuronpedia_id:
            return None
        return feature_url(self.metadata.neuronpedia_id, feature_id)

    def to(self, device: str | torch.device) -> "SparseAutoencoder":
        """The same SAE on another device."""

        def moved(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        return replace(
            self,
            W_enc=self.W_enc.to(device),
            W_dec=self.W_dec.to(device),
            b_dec=self.b_dec.to(device),
            b_enc=self.b_enc.to(device),
            decoder_norms=self.decoder_norms.to(device),
            threshold=moved(self.threshold),
            r_mag=moved(self.r_mag),
            b_mag=moved(self.b_mag),
            act_scale=moved(self.act_scale),
        )

    def _columns(self, feature_ids: Sequence[int]) -> Int[Tensor, " k"]:
        for feature_id in feature_ids:
            if not 0 <= feature_id < self.d_sae:
                raise InterventionError(
                    f"Feature {feature_id} does not exist; this SAE has features 0 to {self.d_sae - 1}."
                )
        return torch.tensor(list(feature_ids), dtype=torch.long, device=self.device)

    def _centered(self, resid: Float[Tensor, "... d_model"]) -> Float32[Tensor, "... d_model"]:
        x = resid.to(torch.float32)
        if self.center_input or self.normalization == "layer_norm":
            x = x - x.mean(-1, keepdim=True)
        return x

    def _token_scale(self, x: Float32[Tensor, "... d_model"]) -> Float32[Tensor, "... 1"]:
        if self.normalization == "layer_norm":
            return (x.square().sum(-1, keepdim=True) / (self.d_model - 1)).sqrt()
        return (x.norm(dim=-1, keepdim=True) / self.d_model**0.5).clamp_min(torch.finfo(torch.float32).tiny)

    def _sae_in(self, resid: Float[Tensor, "... d_model"]) -> Float32[Tensor, "... d_model"]:
        x = self._centered(resid)
        if self.normalization == "layer_norm":
            x = x / (self._token_scale(x) + _LAYER_NORM_EPS)
        elif self.normalization == "constant_norm_rescale":
            x = x / self._token_scale(x)
        return x - self.b_dec if self.apply_b_dec_to_input else x

    def _fire(
        self, projected: Float32[Tensor, "... k"], columns: slice | Int[Tensor, " k"]
    ) -> Float32[Tensor, "... k"]:
        """The nonlinearity of the separable architectures, on some columns of ``sae_in @ W_enc``."""
        pre_acts = projected + self.b_enc[columns]
        if self.threshold is not None:
            return pre_acts.relu() * (pre_acts > self.threshold[columns])
        if self.r_mag is not None and self.b_mag is not None:
            magnitude = projected * self.r_mag[columns].exp() + self.b_mag[columns]
            return magnitude.relu() * (pre_acts > 0)
        return pre_acts.relu()

    def _blocks(self, n_tokens: int, elements: int | None = None) -> Iterator[slice]:
        """Blocks of features of which ``n_tokens`` tokens have at most ``elements`` activations."""
        if elements is None:
            on_cpu = self.device.type == "cpu"
            elements = ELEMENTS_PER_BLOCK if on_cpu else ELEMENTS_PER_BLOCK_ON_ACCELERATOR
        width = max(1, elements // max(1, n_tokens, self.d_model if self.is_half else 1))
        for first in range(0, self.d_sae, width):
            yield slice(first, min(first + width, self.d_sae))

    def _top_k(
        self, sae_in: Float32[Tensor, "n_tokens d_model"], *, elements: int | None = None
    ) -> tuple[Float32[Tensor, "n_tokens k"], Int[Tensor, "n_tokens k"]]:
        """Activations of the k features with the largest pre-activation, and which they are, in ascending order.

        Of equal ones the lowest feature_id wins. Features are read block by block; each block meets the best so far.
        """
        assert self.k is not None
        best = sae_in.new_empty(len(sae_in), 0)
        chosen = torch.empty(len(sae_in), 0, dtype=torch.long, device=sae_in.device)
        for block in self._blocks(len(sae_in), elements):
            pre_acts = sae_in @ self.encoder(block) + self.b_enc[block]
            ids = torch.arange(block.start, block.stop, device=sae_in.device).expand(len(sae_in), -1)
            if chosen.shape[1]:
                pre_acts, ids = torch.cat([best, pre_acts], dim=1), torch.cat([chosen, ids], dim=1)
            places = _largest(pre_acts, self.k)
            best, chosen = pre_acts.gather(1, places), ids.gather(1, places)
        values = best.relu()
        return values if self.act_scale is None else values * self.act_scale[chosen], chosen


def _largest(values: Float32[Tensor, "n_tokens n"], k: int) -> Int[Tensor, "n_tokens at_most_k"]:
    """Places of the k largest of every row, ascending; of equal ones the first (torch.topk takes any)."""
    if values.shape[1] <= k:
        return torch.arange(values.shape[1], device=values.device).expand(len(values), -1)
    largest, places = values.topk(k + 1, dim=1)
    places = places[:, :k]
    # Only a tie between the last one in and the first one out matters, and only between features that fire.
    tied = (largest[:, k - 1] == largest[:, k]) & (largest[:, k] > 0)
    if bool(tied.any()):
        places = places.clone()
        places[tied] = values[tied].sort(dim=1, descending=True, stable=True).indices[:, :k]
    return places.sort(dim=1).values
