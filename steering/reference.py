"""What are a feature's activations on the SAE's own reference set, so that a factor has a unit without any examples?

A file of ours beside the SAE's weights; sae-lens ignores it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from steering.errors import SaeError
from steering.replacing import replacing
from steering.saes.autoencoder import SparseAutoencoder

FILE = "reference.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Per feature, over all eligible tokens of the reference set.

    Attributes:
        max_act: largest activation, the feature's own units.
        density: share of tokens on which it fires.
        resid_norm: median norm of the residual at the hook point.
        n_tokens: eligible tokens in the set.
    """

    max_act: Float32[np.ndarray, " d_sae"]
    density: Float32[np.ndarray, " d_sae"]
    resid_norm: float
    n_tokens: int


def read_reference(sae: SparseAutoencoder) -> Reference | None:
    """The reference of an SAE that was read from a folder, None where the folder has none.

    Raises:
        SaeError: the file is damaged or belongs to an SAE of another width.
    """
    if sae.metadata.path is None or not (Path(sae.metadata.path) / FILE).exists():
        return None
    path = Path(sae.metadata.path) / FILE
    try:
        tensors = load_file(path)
        reference = Reference(
            max_act=tensors["max_act"].astype(np.float32),
            density=tensors["density"].astype(np.float32),
            resid_norm=float(tensors["resid_norm"][0]),
            n_tokens=int(tensors["n_tokens"][0]),
        )
    except (SafetensorError, KeyError, IndexError) as error:
        raise SaeError(f"{path} cannot be read ({error}); delete it or build the SAE's reference again.") from error
    if reference.max_act.shape != (sae.d_sae,) or reference.density.shape != (sae.d_sae,):
        raise SaeError(
            f"{path} describes {reference.max_act.shape[0]} features, the SAE beside it has {sae.d_sae}; "
            "they do not belong together."
        )
    return reference


def write_reference(folder: Path, reference: Reference) -> Path:
    """Write the reference beside an SAE's weights."""
    path = folder / FILE
    tensors = {
        "max_act": reference.max_act,
        "density": reference.density,
        "resid_norm": np.array([reference.resid_norm], dtype=np.float32),
        "n_tokens": np.array([reference.n_tokens], dtype=np.int64),
    }
    with replacing(path) as part:
        save_file(tensors, part)
    return path
