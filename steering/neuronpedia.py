"""Where on Neuronpedia do features stand? Addresses are made here; nothing is requested."""

import json
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from steering.errors import ExportError

SITE = "https://www.neuronpedia.org"
MAX_LISTED = 150
"""A quick list by address takes no more."""

_EMBED = {"embed": "true", "embedexplanation": "true", "embedplots": "true", "embedtest": "true"}


def feature_url(neuronpedia_id: str, feature_id: int) -> str:
    """The page of a feature.

    Args:
        neuronpedia_id: ``model/layer-source``.
        feature_id: of the SAE.

    Raises:
        ExportError: the id is not of that form.
    """
    model, source = _parts(neuronpedia_id)
    return f"{SITE}/{quote(model, safe='')}/{quote(source, safe='')}/{feature_id}"


def dashboard_url(neuronpedia_id: str, feature_id: int) -> str:
    """The page of a feature as it is embedded in another: explanation, plots and the field to test texts.

    Raises:
        ExportError: as `feature_url`.
    """
    return f"{feature_url(neuronpedia_id, feature_id)}?{urlencode(_EMBED)}"


def quick_list_url(neuronpedia_id: str, feature_ids: Sequence[int], *, name: str) -> str:
    """The address of a page that lists some features side by side, as sae-lens' ``get_neuronpedia_quick_list`` has it.

    Args:
        neuronpedia_id: ``model/layer-source`` of the SAE's pages.
        feature_ids: in the order in which they are shown.
        name: title of the list.

    Raises:
        ExportError: no such pages, or more features than a list takes.
    """
    model, source = _parts(neuronpedia_id)
    if len(feature_ids) > MAX_LISTED:
        raise ExportError(f"A quick list takes {MAX_LISTED} features and there are {len(feature_ids)}; choose fewer.")
    features = [{"modelId": model, "layer": source, "index": str(one)} for one in feature_ids]
    return f"{SITE}/quick-list/?name={quote(name, safe='')}&features={quote(json.dumps(features), safe='')}"


def page_id(text: str | None) -> str | None:
    """The same Neuronpedia id; None where it is not ``model/layer-source``, as SAEs without pages have it."""
    try:
        _parts(text or "")
    except ExportError:
        return None
    return text


def _parts(neuronpedia_id: str) -> tuple[str, str]:
    model, _, source = neuronpedia_id.partition("/")
    if not model or not source or "/" in source:
        raise ExportError(
            f"The SAE's Neuronpedia id is {neuronpedia_id!r}; expected model/layer-source, such as gpt2-small/8-res-jb."
        )
    return model, source
