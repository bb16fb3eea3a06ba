"""AxBench: how does its harness take the chosen features, each as a concept of its own?

The folder is that of :mod:`steering.interchange.axbench_features`, packed: metadata, configuration, the SAE cut down to
a row per feature, and max_act as the unit of the factor. Factors are not in it: the harness sweeps its own.
"""

import tempfile
from pathlib import Path

import numpy as np

from steering.examples.axbench_concepts import AxBenchConcept
from steering.exports.packing import zipped
from steering.exports.subject import Subject
from steering.interchange.axbench_features import FeaturePlace, write_features


def axbench_zip(subject: Subject) -> bytes:
    """The packed folder of a run; an SAE that the harness cannot express is refused by ``formats``.

    An SAE with pages on Neuronpedia goes in as GemmaScopeSAEMaxAUC, beside the label's own features; any other as
    GemmaScopeSAE.
    """
    sae, features = subject.sae, subject.intervention.features
    pages = sae.metadata.neuronpedia_id
    place: FeaturePlace = "GemmaScopeSAEMaxAUC" if pages else "GemmaScopeSAE"
    concepts = [
        AxBenchConcept(
            number,
            subject.concept if subject.concept and len(features) == 1 else _named(subject.concept, one.feature_id),
            sae.neuronpedia_url(one.feature_id) or "",
        )
        for number, one in enumerate(features)
    ]
    max_act = np.zeros(sae.d_sae)
    for one in features:
        max_act[one.feature_id] = one.max_act
    with tempfile.TemporaryDirectory() as folder:
        write_features(
            Path(folder),
            concepts,
            sae,
            subject.intervention.feature_ids,
            model_name=subject.model.name,
            place=place,
            max_act=max_act,
        )
        return zipped(Path(folder))


def _named(concept: str | None, feature_id: int) -> str:
    return f"{concept} (feature {feature_id})" if concept else f"feature {feature_id}"
