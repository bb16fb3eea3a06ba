"""How do verbs open what they are asked to work with: a model, a pair, a recipe? Downloads tell how far they are."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from steering.cli.output import Bar, tell_findings

if TYPE_CHECKING:
    from steering.models import LanguageModel
    from steering.recipes import Recipe
    from steering.recipes.running import Ingredients
    from steering.workbench import Loaded


def open_asked_model(arguments: argparse.Namespace) -> "AbstractContextManager[LanguageModel]":
    """The model that ``add_model_options`` asked for; entering it raises what ``open_model`` does."""
    from steering.workbench import open_model

    return open_model(arguments.model, device=arguments.device, dtype=arguments.dtype, on_progress=Bar())


@contextmanager
def open_asked_pair(arguments: argparse.Namespace) -> "Iterator[Loaded]":
    """The model and SAE that ``add_model_options`` asked for; entering it raises what ``open_pair`` does.

    An SAE of another model is warned about on standard error.
    """
    from steering.workbench import open_pair

    with open_pair(
        arguments.model,
        arguments.sae,
        device=arguments.device,
        dtype=arguments.dtype,
        sae_dtype=arguments.sae_dtype,
        on_progress=Bar(),
    ) as loaded:
        if loaded.warning is not None:
            sys.stderr.write(f"warning: {loaded.warning}\n")
        yield loaded


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
        recipe,
        device=arguments.device,
        adapter=adapter,
        examples=examples,
        other_weights=arguments.other_weights,
        on_progress=Bar(),
    )
