"""On which texts is a feature's largest activation measured, so that a factor has a unit without any examples?"""

from pathlib import Path

from steering.activations import collect_statistics
from steering.models import LanguageModel
from steering.reference import Reference, write_reference
from steering.saes import fit_to_model, load_sae
from steering.world.concepts import concepts
from steering.world.labelled import all_concepts_examples
from steering.world.scale import Scale

REFERENCE_SEED = 3_000
PLAIN_SHARES = 2
"""There are as many plain answers as two concepts have."""


def build_reference(folder: Path, model: LanguageModel, *, scale: Scale, seed: int) -> Path:
    """Measure max_act and density of every feature on answers with every concept and without any.

    Args:
        folder: of the SAE; the reference is written beside its weights.
        model: the language model as shipped.
        scale: its ``report_documents`` says how many answers.
        seed: of the answers.
    """
    per_concept = max(1, scale.report_documents // (len(concepts()) + PLAIN_SHARES))
    frame = all_concepts_examples(per_concept, seed=seed + REFERENCE_SEED, split="train")
    sae = fit_to_model(load_sae(str(folder)), model).to(model.device)
    found = collect_statistics(model, sae, frame["text"].tolist(), frame["prompt"].tolist())
    return write_reference(folder, Reference(found.max_act, found.density, found.resid_norm, int(found.n_tokens.sum())))
