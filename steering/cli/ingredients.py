"""What do the verbs that run a recipe bring along, and how is it opened?"""

import argparse
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from steering.cli.output import tell_findings

if TYPE_CHECKING:
    from steering.recipes import Recipe
    from steering.recipes.running import Ingredients


def opened_as_asked(recipe: "Recipe", arguments: argparse.Namespace) -> "AbstractContextManager[Ingredients]":
    """A recipe's ingredients, with what ``--examples``, ``--adapter``, ``--device`` and ``--other-weights`` say.

    Raises:
        SteeringError: examples or adapter cannot be read; entering it raises what ``opened`` does.
    """
    from steering.examples import read_examples
    from steering.lora import load_adapter
    from steering.recipes.running import opened

    examples = None
    if arguments.examples is not None:
        examples, report = read_examples(arguments.examples)
        tell_findings(report)
    adapter = None if arguments.adapter is None else load_adapter(arguments.adapter)
    return opened(
        recipe, device=arguments.device, adapter=adapter, examples=examples, other_weights=arguments.other_weights
    )
