"""A quick list on Neuronpedia: one address that shows the chosen features beside each other. Nothing is requested.

Format: ``/quick-list/?name=&features=[{modelId, layer, index}]``, as sae-lens' ``get_neuronpedia_quick_list`` builds
it; at most 150 features.
"""

from steering.exports.subject import Subject
from steering.neuronpedia import quick_list_url


def quick_list_file(subject: Subject) -> bytes:
    """The address of the list, a line; what cannot be held is refused by ``formats``."""
    url = quick_list_url(
        subject.sae.metadata.neuronpedia_id or "",
        subject.intervention.feature_ids,
        name=subject.concept or f"Steerscope: {subject.sae_name}",
    )
    return f"{url}\n".encode()
