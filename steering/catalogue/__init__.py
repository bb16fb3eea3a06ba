"""Which published SAEs are there, for which model, at which place? Answered without network and without sae-lens.

``entry`` is one SAE, ``names`` turns a model's names into its Hub id, ``places`` reads layer, site, width and l0 out of
ids and paths, ``directory`` reads the list that the installed sae-lens carries, ``search`` looks through it.
"""

from steering.catalogue.directory import catalogue, find
from steering.catalogue.entry import Entry
from steering.catalogue.names import another_model, hub_id
from steering.catalogue.search import search

__all__ = ["Entry", "another_model", "catalogue", "find", "hub_id", "search"]
