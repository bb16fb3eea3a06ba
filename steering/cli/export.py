"""``python -m steering export``: what a recipe writes, in another tool's format."""

import argparse
import sys
from pathlib import Path
from typing import Any

from steering.cli.output import check_file, tell_source, unwritable
from steering.errors import ExportError
from steering.exports.formats import FORMATS

LIBRARIES = ("transformers", "sae-lens", "nnsight")


def add_export_parser(verbs: Any) -> None:
    """Add the verb ``export`` to what ``add_subparsers`` returned."""
    parser = verbs.add_parser("export", help="write a recipe's features in another tool's format")
    parser.add_argument("--recipe", required=True, type=Path, metavar="FILE", help="as the app and `recipe` write it")
    parser.add_argument(
        "--format", required=True, choices=tuple(FORMATS), help="; ".join(f"{n}: {f.what}" for n, f in FORMATS.items())
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="FILE", help="name ends in the format's ending; lm-eval: .pt or .csv"
    )
    parser.add_argument("--library", choices=LIBRARIES, help="whose calls a snippet uses (default transformers)")
    parser.add_argument("--device", default="cpu", metavar="D", help="torch device (default cpu)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from steering.exports.lm_eval import lm_eval_csv
    from steering.exports.of_recipe import subject_of
    from steering.recipes import read_recipe
    from steering.workbench import open_pair

    chosen = FORMATS[arguments.format]
    if arguments.library is not None and arguments.format != "snippet":
        raise ExportError(f"--library belongs to --format snippet, not to {arguments.format}; drop one of them.")
    endings = (chosen.ending, ".csv") if arguments.format == "lm-eval" else (chosen.ending,)
    check_file(arguments.out, endings)
    try:
        recipe = read_recipe(arguments.recipe.read_bytes())
    except OSError as error:
        raise ExportError(
            f"{arguments.recipe} cannot be read ({error.strerror or error}); give the file of a recipe."
        ) from error
    if recipe.sae is None or not recipe.features:
        raise ExportError("The recipe writes no features, so there is nothing to export; add an sae and features.")
    tell_source(recipe.model.source)
    with open_pair(recipe.model.source, recipe.sae.source, device=arguments.device, dtype=recipe.model.dtype) as loaded:
        subject = subject_of(recipe, loaded, library=arguments.library or "transformers")
        made = lm_eval_csv(subject) if arguments.out.suffix == ".csv" else chosen.build(subject)
    try:
        arguments.out.write_bytes(made)
    except OSError as error:
        raise unwritable(arguments.out, error) from error
    sys.stderr.write(f"{arguments.out}: {chosen.title}, {len(made):,} bytes\n")
    return 0
