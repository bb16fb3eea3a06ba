"""How does AxBench's harness steer and detect with the features that were selected here?

It has two places for SAE features (models/sae.py), and each sees a cut-down SAE whose row i belongs to concept i:

* ``GemmaScopeSAEMaxAUC``, its own "SAE-A": the metadata stay as published, and the chosen features stand in
  ``<Model>_top_features.json``. Ours then run beside the label's features, in the same run. The default.
* ``GemmaScopeSAE``: the metadata's ``ref`` is rewritten to the chosen features. For an SAE other than the metadata's.

The unit of the factor comes from ``<model>_<sae>_max_activations.json`` in the harness' ``master_data_dir``; what is
missing there is asked of Neuronpedia. With ``disable_neuronpedia_max_act`` the first of the two places still loads that
file but looks concepts up by place, finds nothing and steers with a unit of 1 (``predict_steer``): leave it off.

The harness' SAE is ``relu(x W_enc + b_enc)`` above a threshold, read after a decoder block. Anything that can be
written so is; what cannot (TopK, gated, normalised input, other sites) is refused.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from steering.errors import InterventionError, SaeError
from steering.examples.axbench_concepts import AxBenchConcept
from steering.interchange.axbench_layout import (
    TRAIN,
    check_places,
    subfolder,
    write_config,
    write_json,
    write_metadata,
)
from steering.replacing import replacing
from steering.saes import SparseAutoencoder

FeaturePlace = Literal["GemmaScopeSAEMaxAUC", "GemmaScopeSAE"]

NEURONPEDIA = "https://www.neuronpedia.org/"
FALLBACK_MAX_ACT = 50.0
"""What AxBench takes for a feature that never fires (``pre_compute_mean_activations``)."""


def write_features(
    folder: Path,
    concepts: Sequence[AxBenchConcept],
    sae: SparseAutoencoder,
    feature_ids: Sequence[int],
    *,
    model_name: str,
    place: FeaturePlace = "GemmaScopeSAEMaxAUC",
    max_act: Float[np.ndarray, " d_sae"] | None = None,
) -> tuple[Path, ...]:
    """Write a run's folder from which AxBench's ``inference.py`` goes on, as if its ``train.py`` had run.

    Args:
        folder: the run's ``--dump_dir``.
        concepts: in the order of their ids.
        sae: whose features; read after a decoder block, ``jumprelu`` or ``standard``.
        feature_ids: one per concept.
        model_name: the model's name on the Hub, as AxBench's configuration spells it.
        place: under which of its models the harness finds them.
        max_act: of every feature of the SAE, the unit of the factor; 50 stands in where it is not positive. None
            leaves it to Neuronpedia, which is what AxBench's published numbers use.

    Returns:
        The files. The one in ``data`` belongs into the harness' ``master_data_dir``; where a file of its name is
        there already, its entries are to be joined.

    Raises:
        InterventionError: another number of features than of concepts, or a feature that the SAE does not have.
        SaeError: an SAE that the harness cannot express, or that its metadata do not name.
        SteeringError: concepts out of order.
    """
    check_places(concepts)
    if len(feature_ids) != len(concepts):
        raise InterventionError(f"There are {len(concepts)} concepts and {len(feature_ids)} features; give one each.")
    refs = _refs(concepts, sae, feature_ids, place, measured=max_act is not None)
    weights = pruned_sae(sae, feature_ids)
    train = subfolder(folder, TRAIN)
    with replacing(train / f"{place}.pt") as part:
        torch.save(weights, part)
    files = [
        write_metadata(folder, concepts, refs),
        write_config(folder, model_name=model_name, layer=sae.hook_point.layer),
        train / f"{place}.pt",
    ]
    if place == "GemmaScopeSAEMaxAUC":
        files.append(write_json(train / f"{place}_top_features.json", [int(one) for one in feature_ids]))
    if max_act is not None:
        units = {str(one): _unit(float(max_act[one])) for one in feature_ids}
        files.append(write_json(subfolder(folder, "data") / max_activations_file(refs[0]), units))
    return tuple(files)


def pruned_sae(sae: SparseAutoencoder, feature_ids: Sequence[int]) -> dict[str, Tensor]:
    """The weights of a few features as AxBench stores them (``save_pruned_sae``), on the CPU in float32.

    ``b_dec`` is worked into the encoder's bias where our SAE takes it off its input and AxBench's does not. Decoder
    rows have unit norm; where they were stored with another, the encoder carries it, so a factor means the same.

    Args:
        sae: ``jumprelu`` or ``standard``.
        feature_ids: one row each, in this order, repeats allowed.

    Returns:
        W_enc ``[d_model n]``, W_dec ``[n d_model]``, b_enc ``[n]``, threshold ``[n]``, b_dec ``[d_model]``.

    Raises:
        InterventionError: a feature that the SAE does not have.
        SaeError: an SAE that this form cannot express.
    """
    wrong = [one for one in feature_ids if not 0 <= one < sae.d_sae]
    if wrong:
        raise InterventionError(f"There is no feature {wrong[0]}; this SAE has features 0 to {sae.d_sae - 1}.")
    if sae.architecture not in ("jumprelu", "standard") or sae.decode_needs_resid:
        kind = sae.architecture if sae.architecture not in ("jumprelu", "standard") else "normalised-input"
        raise SaeError(f"AxBench's harness knows ReLU and JumpReLU SAEs, not {kind} ones; use one of these two kinds.")
    if sae.hook_point.site != "resid_post":
        raise SaeError(f"AxBench's harness reads after a decoder block, not at {sae.hook_point}; use such an SAE.")
    rows = list(feature_ids)
    W_enc = sae.encoder(rows)
    b_enc = sae.b_enc[rows]
    if sae.apply_b_dec_to_input:
        b_enc = b_enc - sae.b_dec @ W_enc
    threshold = torch.zeros_like(b_enc) if sae.threshold is None else sae.threshold[rows]
    weights = {"b_dec": sae.b_dec, "W_dec": sae.decoder(rows), "W_enc": W_enc, "b_enc": b_enc, "threshold": threshold}
    return {name: tensor.detach().float().cpu().contiguous().clone() for name, tensor in weights.items()}


def max_activations_file(ref: str) -> str:
    """Name of the file of max_act that belongs to the SAE of a page (``pre_compute_mean_activations``)."""
    model, sae = ref.split("/")[-3], ref.split("/")[-2]
    return f"{model}_{sae}_max_activations.json"


def read_top_features(folder: Path, place: str = "GemmaScopeSAEMaxAUC") -> tuple[int, ...]:
    """The features that a run chose, in the order of concepts: ours, or AxBench's own after its ``train.py``.

    Raises:
        SaeError: the run has no such file, or it is not a list of numbers.
    """
    path = Path(folder) / TRAIN / f"{place}_top_features.json"
    try:
        return tuple(int(one) for one in json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise SaeError(f"{path} holds no list of features ({error}); give the folder of a run of {place}.") from error


def _unit(max_act: float) -> float:
    return max_act if max_act > 0 else FALLBACK_MAX_ACT


def _refs(
    concepts: Sequence[AxBenchConcept],
    sae: SparseAutoencoder,
    feature_ids: Sequence[int],
    place: FeaturePlace,
    *,
    measured: bool,
) -> list[str]:
    """The pages that go into the metadata."""
    own = sae.metadata.neuronpedia_id
    if not measured and own is None:
        raise SaeError(
            "This SAE records no page on Neuronpedia, so the harness cannot ask for max_act there; pass max_act."
        )
    if place == "GemmaScopeSAE":
        stem = f"{NEURONPEDIA}{own}" if own is not None else f"local/{_slug(sae.name)}"
        return [f"{stem}/{one}" for one in feature_ids]
    stems = {one.ref.rpartition("/")[0].removeprefix(NEURONPEDIA) for one in concepts}
    if any(one.feature_id is None for one in concepts) or len(stems) > 1 or stems == {""}:
        raise SaeError(
            "GemmaScopeSAEMaxAUC needs metadata whose refs are pages of one SAE; write these features as GemmaScopeSAE."
        )
    if own is not None and stems != {own}:
        raise SaeError(
            f"The metadata name the SAE {min(stems)} and the features are of {own}; write them as GemmaScopeSAE."
        )
    # max_act is handed on under the label's feature, so two concepts of one label feature would share it.
    if len({one.feature_id for one in concepts}) < len(concepts):
        raise SaeError("Two concepts have the same ref, which mixes up their units; write them as GemmaScopeSAE.")
    return [one.ref for one in concepts]


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in name).strip("-") or "sae"
