"""Are these tensors a sparse autoencoder, and what does it look like with decoder rows of unit length?

The one door to ``SparseAutoencoder``: every reader hands over a config in sae-lens' words and a dict of tensors.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float32
from torch import Tensor

from steering.errors import SaeError
from steering.finite import all_finite
from steering.hook_points import parse_hook_name
from steering.neuronpedia import page_id
from steering.saes.autoencoder import Architecture, Normalization, SaeMetadata, SparseAutoencoder

_NORM_TOLERANCE = 1e-5  # of |decoder row| - 1: above float32 rounding, far below any effect

_TENSORS: dict[Architecture, tuple[str, ...]] = {
    "standard": ("W_enc", "W_dec", "b_enc", "b_dec"),
    "jumprelu": ("W_enc", "W_dec", "b_enc", "b_dec", "threshold"),
    "topk": ("W_enc", "W_dec", "b_enc", "b_dec"),
    "gated": ("W_enc", "W_dec", "b_dec", "b_gate", "b_mag", "r_mag"),
}
_UNSUPPORTED = {
    "transcoder": "it is a transcoder: it does not write where it reads, so it cannot steer",
    "skip_transcoder": "it is a transcoder: it does not write where it reads, so it cannot steer",
    "jumprelu_transcoder": "it is a transcoder: it does not write where it reads, so it cannot steer",
    "jumprelu_skip_transcoder": "it is a transcoder: it does not write where it reads, so it cannot steer",
    "batchtopk": "it is a training checkpoint whose file holds no topk_threshold; save it with save_inference_model",
    "matryoshka_batchtopk": "it is a training checkpoint whose file holds no topk_threshold; save it with "
    "save_inference_model",
    "abstopk": "its features fire in both directions, which the scores here do not cover",
    "temporal": "its features depend on earlier tokens",
    "matching_pursuit": "it has no encoder that reads one feature",
}


def build_autoencoder(
    config: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    *,
    where: str,
    release: str | None = None,
    sae_id: str | None = None,
    path: str | None = None,
    revision: str | None = None,
    sha256: str | None = None,
    activation_scaling_factor: float | None = None,
) -> SparseAutoencoder:
    """Check a config and its tensors and fold the decoder norms.

    Folding: with ``n_f = |W_dec[f]|``, ``W_dec[f] / n_f`` and encoder, biases and threshold times ``n_f`` give the
    same reconstruction. A top-k SAE that was trained to choose by raw pre-activation keeps its encoder, and its
    activations are multiplied by ``n_f`` after the choice.

    Args:
        config: ``cfg.json`` of sae-lens 6: architecture, d_in, d_sae, ..., metadata.
        tensors: by sae-lens' names; any floating dtype.
        where: what to call the SAE in messages.
        release: see ``SaeMetadata``.
        sae_id: see ``SaeMetadata``.
        path: see ``SaeMetadata``.
        revision: see ``SaeMetadata``.
        sha256: see ``SaeMetadata``.
        activation_scaling_factor: what activations were multiplied by in training, for
            ``normalize_activations="expected_average_only_in"`` SAEs that have not folded it.

    Raises:
        SaeError: the SAE is of a kind that cannot be read and steered here, or its numbers do not fit together.
    """
    if not isinstance(config.get("metadata") or {}, Mapping):
        raise SaeError(f"{where}: metadata in its config is {config['metadata']!r}, expected an object.")
    config, tensors, is_rescaled = _inference_form(config, tensors)
    architecture = _architecture(config, where)
    normalization = _normalization(config, where, activation_scaling_factor)
    weights = _checked(architecture, config, tensors, where)
    metadata = _metadata(config, release=release, sae_id=sae_id, path=path, revision=revision, sha256=sha256)
    _refuse_single_heads(config, where)
    if is_rescaled:
        norms = weights["W_dec"].norm(dim=-1)
        weights["W_enc"], weights["b_enc"] = weights["W_enc"] * norms, weights["b_enc"] * norms
        weights["W_dec"] = weights["W_dec"] / norms[:, None]
    if config.get("normalize_activations") == "expected_average_only_in":
        assert activation_scaling_factor is not None
        weights["W_enc"] = weights["W_enc"] * activation_scaling_factor
        weights["W_dec"] = weights["W_dec"] / activation_scaling_factor
        weights["b_dec"] = weights["b_dec"] / activation_scaling_factor

    d_sae = weights["W_dec"].shape[0]
    sae = SparseAutoencoder(
        architecture=architecture,
        hook_point=parse_hook_name(metadata.hook_name, metadata.hf_hook_name),
        W_enc=weights["W_enc"],
        W_dec=weights["W_dec"],
        b_dec=weights["b_dec"],
        b_enc=weights["b_gate"] if architecture == "gated" else weights["b_enc"],
        threshold=weights.get("threshold"),
        r_mag=weights.get("r_mag"),
        b_mag=weights.get("b_mag"),
        k=_top_k(config, d_sae, where) if architecture == "topk" else None,
        decoder_norms=weights["W_dec"].norm(dim=-1),
        decoder_norms_folded=False,
        apply_b_dec_to_input=bool(config.get("apply_b_dec_to_input", True)),
        normalization=normalization,
        metadata=metadata,
    )
    choose_by_rescaled = bool(config.get("rescale_acts_by_decoder_norm", False))
    return fold_decoder_norms(sae, choose_by_rescaled=choose_by_rescaled)


def fold_decoder_norms(sae: SparseAutoencoder, *, choose_by_rescaled: bool = False) -> SparseAutoencoder:
    """Give every decoder row unit length, once; the reconstruction stays the same.

    Args:
        sae: as stored. One whose rows have unit length already, or were folded before, comes back as it is.
        choose_by_rescaled: ``topk`` only: the k features are chosen by activation times decoder norm.
    """
    norms = sae.W_dec.norm(dim=-1)
    scale = torch.where(norms > 0, norms, torch.ones_like(norms))
    if bool(((scale - 1).abs() <= _NORM_TOLERANCE).all()):
        return sae

    def scaled(tensor: Float32[Tensor, " d_sae"] | None) -> Float32[Tensor, " d_sae"] | None:
        return None if tensor is None else tensor * scale

    folded = replace(
        sae,
        W_dec=sae.W_dec / scale[:, None],
        b_dec=sae.b_dec.clone(),  # one tensor mapped from a file keeps all of the file mapped
        r_mag=None if sae.r_mag is None else sae.r_mag.clone(),
        decoder_norms=norms,
        decoder_norms_folded=True,
    )
    if sae.architecture == "topk" and not choose_by_rescaled:
        return replace(folded, act_scale=scale)
    return replace(
        folded,
        W_enc=sae.W_enc * scale,
        b_enc=sae.b_enc * scale,
        threshold=scaled(sae.threshold),
        b_mag=scaled(sae.b_mag),  # r_mag is a ratio of two encoders, both scaled
    )


def _inference_form(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> tuple[Mapping[str, Any], Mapping[str, Tensor], bool]:
    """A training checkpoint of a BatchTopK SAE (Matryoshka ones are such) as the JumpReLU SAE that sae-lens makes of
    it: its ``topk_threshold`` becomes the threshold of every feature.

    Source: ``process_state_dict_for_saving_inference`` of sae-lens' ``BatchTopKTrainingSAE``.

    Returns:
        Config, tensors, and whether the threshold is one of activations times decoder norm, so that the norms have to
        be folded without it; anything else comes back as it is.
    """
    trained = config.get("architecture")
    if trained not in ("batchtopk", "matryoshka_batchtopk") or not {"topk_threshold", "b_enc"} <= set(tensors):
        return config, tensors, False
    given = dict(tensors)
    given["threshold"] = given.pop("topk_threshold").to(torch.float32).reshape(-1)[:1].expand_as(given["b_enc"])
    metadata = {"training_architecture": trained, **(config.get("metadata") or {})}
    rescaled = bool(config.get("rescale_acts_by_decoder_norm", False))
    return {**config, "architecture": "jumprelu", "metadata": metadata}, given, rescaled


def _architecture(config: Mapping[str, Any], where: str) -> Architecture:
    found = config.get("architecture", "standard")
    for known in _TENSORS:
        if found == known:
            return known
    reason = _UNSUPPORTED.get(found, f"known are {', '.join(_TENSORS)}")
    raise SaeError(f"{where} has the architecture {found!r}, which cannot be used here: {reason}.")


def _normalization(config: Mapping[str, Any], where: str, scaling_factor: float | None) -> Normalization:
    found = config.get("normalize_activations") or "none"
    if found == "expected_average_only_in":
        if scaling_factor is not None and scaling_factor > 0:
            return "none"
        raise SaeError(
            f"{where} was trained on activations scaled by a constant (expected_average_only_in) that its files do not "
            "hold; fold it in with sae-lens' fold_activation_norm_scaling_factor and save the SAE again."
        )
    for known in ("none", "layer_norm", "constant_norm_rescale"):
        if found == known:
            return known
    raise SaeError(
        f"{where} normalises its input by {found!r}; known are none, layer_norm, constant_norm_rescale and "
        "expected_average_only_in."
    )


def _checked(
    architecture: Architecture, config: Mapping[str, Any], tensors: Mapping[str, Tensor], where: str
) -> dict[str, Tensor]:
    """All tensors of the architecture in float32, with the shapes that the config declares."""
    given = dict(tensors)
    if "log_threshold" in given and "threshold" not in given:
        given["threshold"] = given.pop("log_threshold").to(torch.float32).exp()
    for name in ("scaling_factor", "finetuning_scaling_factor"):
        # written for a while by sae-lens before 6 even where it was never trained
        if name in given and bool((given[name] == 1).all()):
            del given[name]
    expected = _TENSORS[architecture]
    if missing := [name for name in expected if name not in given]:
        raise SaeError(
            f"{where} lacks {_listed(missing)}; a {architecture} SAE has {_listed(expected)}, "
            f"its file has {_listed(sorted(given))}."
        )
    if unknown := [name for name in given if name not in expected]:
        raise SaeError(
            f"{where} holds {_listed(unknown)}, which a {architecture} SAE does not have; check the architecture in "
            "its cfg.json."
        )
    d_model, d_sae = _declared(config, "d_in", where), _declared(config, "d_sae", where)
    for name in expected:
        shape = {"W_enc": (d_model, d_sae), "W_dec": (d_sae, d_model), "b_dec": (d_model,)}.get(name, (d_sae,))
        if tuple(given[name].shape) != shape:
            raise SaeError(
                f"{where}: {name} has the shape {list(given[name].shape)}, but its config (d_in {d_model}, d_sae "
                f"{d_sae}) asks for {list(shape)}."
            )
        if not given[name].dtype.is_floating_point:
            raise SaeError(f"{where}: {name} holds {given[name].dtype}, expected floating-point numbers.")
        given[name] = given[name].detach().to(torch.float32)
        if not all_finite(given[name]):
            raise SaeError(f"{where}: {name} holds NaN or infinite numbers; the file is damaged, fetch it again.")
    return {name: given[name] for name in expected}


def _declared(config: Mapping[str, Any], key: str, where: str) -> int:
    value = config.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SaeError(f"{where}: {key} in its config is {value!r}; expected a whole number above 0.")
    return value


def _top_k(config: Mapping[str, Any], d_sae: int, where: str) -> int:
    k = _declared(config, "k", where)
    if k > d_sae:
        raise SaeError(f"{where} lets {k} features fire on a token, but has {d_sae}.")
    return k


def _refuse_single_heads(config: Mapping[str, Any], where: str) -> None:
    head = (config.get("metadata") or {}).get("hook_head_index")
    if head is not None:
        raise SaeError(f"{where} reads attention head {head} alone, which has no direction in the residual stream.")


def _metadata(config: Mapping[str, Any], **source: str | None) -> SaeMetadata:
    given = config.get("metadata") or {}
    model_kwargs = given.get("model_from_pretrained_kwargs") or {}

    def text(key: str) -> str | None:
        return None if given.get(key) is None else str(given[key])

    prepend_bos, context_size = given.get("prepend_bos"), given.get("context_size")
    return SaeMetadata(
        model_name=text("model_name"),
        hook_name=text("hook_name"),
        hf_hook_name=text("hf_hook_name"),
        neuronpedia_id=page_id(text("neuronpedia_id")),
        prepend_bos=None if prepend_bos is None else bool(prepend_bos),
        context_size=context_size if isinstance(context_size, int) else None,
        dataset_path=text("dataset_path"),
        training_architecture=text("training_architecture"),
        # the runner writes {"center_writing_weights": false} too: the value counts, not the key
        center_writing_weights=bool(model_kwargs.get("center_writing_weights")),
        **source,
    )


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(names)
