"""``python -m steering export``: a recipe in another tool's format, as a script of its own, or as a report."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steering.cli.ingredients import opened_as_asked
from steering.cli.output import Bar, check_file, check_folder, tell_source, unwritable
from steering.errors import ExportError
from steering.exports.formats import FORMATS

if TYPE_CHECKING:
    from steering.recipes import Recipe

LIBRARIES = ("transformers", "sae-lens", "nnsight")
_OWN = {
    "python": "a folder with a script that gives the same tokens with torch, transformers and safetensors alone",
    "html": "runs the recipe and reports the answers in one file",
}
_ONLY = {"library": ("snippet",), "adapter": ("html",), "examples": ("html",)}


def add_export_parser(verbs: Any) -> None:
    """Add the verb ``export`` to what ``add_subparsers`` returned."""
    parser = verbs.add_parser("export", help="a recipe in another tool's format, as a script or as a report")
    parser.add_argument("--recipe", required=True, type=Path, metavar="FILE", help="as the app and `recipe` write it")
    told = {name: one.what for name, one in FORMATS.items()} | _OWN
    parser.add_argument(
        "--format", required=True, choices=tuple(told), help="; ".join(f"{name}: {what}" for name, what in told.items())
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="PATH",
        help="name ends in the format's ending (lm-eval: .pt or .csv; html: .html); python: a folder",
    )  # fmt: skip
    parser.add_argument("--library", choices=LIBRARIES, help="whose calls a snippet uses (default transformers)")
    parser.add_argument("--adapter", type=Path, metavar="DIR", help="html: the LoRA adapter that the recipe names")
    parser.add_argument("--examples", type=Path, metavar="FILE", help="html: the examples that the recipe names")
    parser.add_argument("--other-weights", action="store_true", help="go on though the weights are not the recorded")
    parser.add_argument("--device", default="cpu", metavar="D", help="torch device (default cpu)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from steering.recipes import Baselines, read_recipe
    from steering.recipes.running import opened

    kind = arguments.format
    for option, formats in _ONLY.items():
        if getattr(arguments, option) is not None and kind not in formats:
            raise ExportError(f"--{option} belongs to --format {formats[0]}, not to {kind}; drop one of them.")
    _check_out(kind, arguments.out)
    try:
        recipe = read_recipe(arguments.recipe.read_bytes())
    except OSError as error:
        raise ExportError(
            f"{arguments.recipe} cannot be read ({error.strerror or error}); give the file of a recipe."
        ) from error
    if kind != "html" and (recipe.sae is None or not recipe.features):
        raise ExportError("The recipe writes no features, so there is nothing to export; add an sae and features.")
    tell_source(recipe.model.source)
    if kind == "html":
        return _report(recipe, arguments)
    # What stands beside is not exported, so neither adapter nor examples are needed to open the rest.
    alone = replace(recipe, baselines=Baselines())
    with opened(
        alone, device=arguments.device, other_weights=arguments.other_weights, on_progress=Bar()
    ) as ingredients:
        if kind == "python":
            from steering.recipes.script import write_script

            try:
                script = write_script(recipe, ingredients, arguments.out)
            except OSError as error:
                raise unwritable(arguments.out, error) from error
            sys.stderr.write(f"{script}: run it with python {script.name}\n")
            return 0
        from steering.exports.lm_eval import lm_eval_csv
        from steering.exports.of_recipe import subject_of
        from steering.exports.snippets import VECTOR_FILE

        assert ingredients.loaded is not None  # a recipe with features names its SAE
        subject = subject_of(recipe, ingredients.loaded, library=arguments.library or "transformers")
        made = lm_eval_csv(subject) if arguments.out.suffix == ".csv" else FORMATS[kind].build(subject)
    written = _write(arguments.out, made, FORMATS[kind].title)
    if kind == "snippet" and VECTOR_FILE in made.decode():
        sys.stderr.write(f"It reads {VECTOR_FILE}: export that beside it, with --format safetensors.\n")
    return written


def _report(recipe: "Recipe", arguments: argparse.Namespace) -> int:
    from steering.report.of_recipe import report_of_recipe
    from steering.report.rendering import render_report

    with opened_as_asked(recipe, arguments) as ingredients:
        page = render_report(report_of_recipe(recipe, ingredients))
    return _write(arguments.out, page.encode(), "Report")


def _check_out(kind: str, out: Path) -> None:
    if kind == "python":
        check_folder(out)
        return
    ending = ".html" if kind == "html" else FORMATS[kind].ending
    check_file(out, (ending, ".csv") if kind == "lm-eval" else (ending,))


def _write(out: Path, made: bytes, title: str) -> int:
    try:
        out.write_bytes(made)
    except OSError as error:
        raise unwritable(out, error) from error
    sys.stderr.write(f"{out}: {title}, {len(made):,} bytes\n")
    return 0
