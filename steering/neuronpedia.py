"""Where on Neuronpedia do features stand? Addresses are made here; nothing is requested."""

import json
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from steering.errors import SaeError

SITE = "https://www.neuronpedia.org"
MOST_FEATURES = 150
"""A quick list by address takes no more."""

_EMBED = {"embed": "true", "embedexplanation": "true", "embedplots": "true", "embedtest": "true"}


def feature_url(neuronpedia_id: str, feature_id: int) -> str:
    """The page of a feature.

    Args:
        neuronpedia_id: ``model/layer-source``.
        feature_id: of the SAE.

    Raises:
        SaeError: the id is not of that form.
    """
    model, source = _parts(neuronpedia_id)
    return f"{SITE}/{quote(model, safe='')}/{quote(source, safe='')}/{feature_id}"


def dashboard_url(neuronpedia_id: str, feature_id: int) -> str:
    """The page of a feature as it is embedded in another: explanation, plots and the field to test texts.

    Raises:
        SaeError: as `feature_url`.
    """
    return f"{feature_url(neuronpedia_id, feature_id)}?{urlencode(_EMBED)}"


def quick_list_url(neuronpedia_id: str, feature_ids: Sequence[int], name: str) -> str:
    """A page that lists some features side by side.

    Args:
        neuronpedia_id: ``model/layer-source``.
        feature_ids: at least one, at most ``MOST_FEATURES``.
        name: of the list.

    Raises:
        SaeError: as `feature_url`, or too many features, or none.
    """
    if not 1 <= len(feature_ids) <= MOST_FEATURES:
        raise SaeError(
            f"A list on Neuronpedia takes 1 to {MOST_FEATURES} features, not {len(feature_ids)}; choose fewer."
        )
    model, source = _parts(neuronpedia_id)
    listed = [{"modelId": model, "layer": source, "index": str(feature_id)} for feature_id in feature_ids]
    query = urlencode({"name": name, "features": json.dumps(listed, separators=(",", ":"))}, quote_via=quote)
    return f"{SITE}/quick-list/?{query}"


def _parts(neuronpedia_id: str) -> tuple[str, str]:
    model, _, source = neuronpedia_id.partition("/")
    if not model or not source or "/" in source:
        raise SaeError(
            f"The Neuronpedia id {neuronpedia_id!r} is not model/layer-source; mend it in the SAE's cfg.json."
        )
    return model, source
