"""lm-evaluation-harness: how do its ordinary benchmarks run on the steered model?

Its model type ``steered`` (lm_eval/models/hf_steered.py) takes ``steer_path``, a .pt file that it reads as
weights only (tensors, numbers, strings; no code): a dict from the module whose output is written to steering_vector,
steering_coefficient, action and bias. (Its docstring says a list; its code calls ``.items()``.) The module's name is
looked up below ``model.base_model``.

We write one module, one pre-summed vector, coefficient 1, action add. More would go wrong there: its lambdas keep only
the last of several vectors, and two features of one module overwrite each other. It adds at every position, BOS and
template included, and does not move the vector: it is float32 on the CPU, so run with ``--device cpu`` and
``dtype=float32``, or load, move and save it again.

    lm_eval --model steered --model_args pretrained=MODEL,dtype=float32,steer_path=FILE.pt --tasks TASK --device cpu

Its other kind of file, a CSV (loader, action, sparse_model, hookpoint, feature_index, steering_coefficient, sae_id,
description), names a feature of a published SAE. ``lm_eval_csv`` writes that for one feature of a sae-lens release.
"""

from io import BytesIO, StringIO

import torch

from steering.errors import ExportError
from steering.exports.formats import after_layer
from steering.exports.spreadsheet import inert
from steering.exports.subject import Subject

COLUMNS = (
    "loader", "action", "sparse_model", "hookpoint", "feature_index", "steering_coefficient", "sae_id", "description",
)  # fmt: skip


def lm_eval_file(subject: Subject) -> bytes:
    """The .pt file: tensors, numbers and strings alone; what cannot be held is refused by ``formats``."""
    config = {
        hookpoint(subject): {
            "steering_vector": subject.vector.clone(),
            "steering_coefficient": 1.0,
            "action": "add",
            "bias": None,
        }
    }
    made = BytesIO()
    torch.save(config, made)
    return made.getvalue()


def lm_eval_csv(subject: Subject) -> bytes:
    """The CSV: a feature of a sae-lens release, which the harness fetches itself.

    Raises:
        ExportError: several features, an SAE that is in no release, or an intervention that the .pt cannot hold either.
    """
    from csv import writer

    from steering.exports.formats import FORMATS

    reason = FORMATS["lm-eval"].refusal(subject.facts)
    if reason is not None:
        raise ExportError(reason)
    sae, features = subject.sae, subject.intervention.features
    if len(features) > 1:
        raise ExportError(
            f"The harness keeps one feature of a module and drops the others, and there are {len(features)}; write the "
            ".pt file, whose vector is their sum."
        )
    if sae.release is None or sae.sae_id is None:
        raise ExportError(
            f"The harness fetches the SAE from a sae-lens release, and {subject.sae_name} is a folder here; write the "
            ".pt file."
        )
    (one,) = features
    # The harness takes the decoder row as it is stored; ours have unit length.
    norm = float(sae.decoder_norms[one.feature_id])
    text = StringIO()
    out = writer(text, lineterminator="\n")
    out.writerow(COLUMNS)
    out.writerow(
        ["sae_lens", "add", inert(sae.release), hookpoint(subject), one.feature_id, one.coefficient / norm, sae.sae_id,
         inert(subject.concept or "")]
    )  # fmt: skip
    return text.getvalue().encode()


def hookpoint(subject: Subject) -> str:
    """Name of the module whose output is written, below the model's ``base_model``: ``layers.20``, ``h.8``."""
    layout, point = subject.model.layout, subject.sae.hook_point
    layer = after_layer(point)
    if layer is not None and point.site != "mlp_out":
        path = f"{layout.layers_path}.{layer}"
    else:
        path = layout.locate(point).path
    base = subject.model.model.base_model
    module = subject.model.model.get_submodule(path)
    return next(name for name, found in base.named_modules() if found is module)
