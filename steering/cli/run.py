"""``python -m steering run``: the answers that a recipe asks for, token for token."""

import argparse
from pathlib import Path
from typing import Any

from steering.cli.generate import tell_completions
from steering.cli.ingredients import opened_as_asked
from steering.cli.output import tell_source
from steering.errors import SteeringError


def add_run_parser(verbs: Any) -> None:
    """Add the verb ``run`` to what ``add_subparsers`` returned."""
    parser = verbs.add_parser("run", help="reproduce a recipe: the same answers from the same weights")
    parser.add_argument("recipe", type=Path, metavar="RECIPE.json")
    parser.add_argument("--adapter", type=Path, metavar="DIR", help="the LoRA adapter that the recipe names")
    parser.add_argument("--examples", type=Path, metavar="FILE", help="the examples that the recipe names")
    parser.add_argument("--other-weights", action="store_true", help="run though the weights are not the recorded ones")
    parser.add_argument("--device", default="cpu", metavar="D", help="torch device (default cpu)")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from steering.recipes import read_recipe
    from steering.recipes.running import run_recipe

    try:
        content = arguments.recipe.read_bytes()
    except OSError as error:
        raise SteeringError(
            f"{arguments.recipe} cannot be read ({error.strerror or error}); give a file that `recipe` wrote."
        ) from error
    recipe = read_recipe(content)
    tell_source(recipe.model.source)
    with opened_as_asked(recipe, arguments) as ingredients:
        tell_completions(run_recipe(recipe, ingredients), as_json=arguments.json)
    return 0
