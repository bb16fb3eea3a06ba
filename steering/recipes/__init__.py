"""What must be written down so that somebody else gets the same tokens? No torch here: screens read and write recipes.

Running one is in ``steering.recipes.running``, which needs the heavy libraries.
"""

from steering.recipes.reading import read_recipe, recipe_from_json
from steering.recipes.recipe import (
    SCHEMA,
    AdapterSource,
    Baselines,
    ChosenFeature,
    DiffMeanBaseline,
    ExamplesSource,
    ModelSource,
    PromptedBaseline,
    Recipe,
    SaeSource,
    SamplingSettings,
)
from steering.recipes.writing import write_recipe

__all__ = [
    "SCHEMA",
    "AdapterSource",
    "Baselines",
    "ChosenFeature",
    "DiffMeanBaseline",
    "ExamplesSource",
    "ModelSource",
    "PromptedBaseline",
    "Recipe",
    "SaeSource",
    "SamplingSettings",
    "read_recipe",
    "recipe_from_json",
    "write_recipe",
]
