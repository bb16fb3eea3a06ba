"""A quick list on Neuronpedia: one address that shows the chosen features beside each other. Nothing is requested.

Format: ``/quick-list/?name=&features=[{modelId, layer, index}]``, as sae-lens' ``get_neuronpedia_quick_list`` builds
it; at most 150 features.
"""

import json
from collections.abc import Sequence
from urllib.parse import quote

from steering.errors import ExportError
from steering.exports.subject import Subject

QUICK_LIST = "https://www.neuronpedia.org/quick-list/"
MOST_FEATURES = 150


def quick_list_url(neuronpedia_id: str, feature_ids: Sequence[int], *, name: str) -> str:
    """The address of a quick list.

    Args:
        neuronpedia_id: ``model/layer-source`` of the SAE's pages.
        feature_ids: in the order in which they are shown.
        name: title of the list.

    Raises:
        ExportError: no such pages, or more features than a list takes.
    """
    model, _, layer = neuronpedia_id.partition("/")
    if not model or not layer:
        raise ExportError(
            f"The SAE's Neuronpedia id is {neuronpedia_id!r}; expected model/layer-source, such as gpt2-small/8-res-jb."
        )
    if len(feature_ids) > MOST_FEATURES:
        raise ExportError(
            f"A quick list takes {MOST_FEATURES} features and there are {len(feature_ids)}; choose fewer."
        )
    features = [{"modelId": model, "layer": layer, "index": str(one)} for one in feature_ids]
    return f"{QUICK_LIST}?name={quote(name, safe='')}&features={quote(json.dumps(features), safe='')}"


def quick_list_file(subject: Subject) -> bytes:
    """The address of the list, a line; what cannot be held is refused by ``formats``."""
    url = quick_list_url(
        subject.sae.metadata.neuronpedia_id or "",
        subject.intervention.feature_ids,
        name=subject.concept or f"Steerscope: {subject.sae_name}",
    )
    return f"{url}\n".encode()
