"""``python -m steering recipe``: write down what ``generate`` would do, so that ``run`` does it again."""

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steering.cli.generate import add_generation_options, check_options, max_acts
from steering.cli.ingredients import open_asked_model, open_asked_pair
from steering.cli.options import one_each
from steering.cli.output import check_file, tell_source, unwritable

if TYPE_CHECKING:
    from steering.recipes.recipe import RecipeMode


def add_recipe_parser(verbs: Any) -> None:
    """Add the verb ``recipe`` to what ``add_subparsers`` returned."""
    parser = verbs.add_parser("recipe", help="write a comparison down as a small JSON that run reproduces")
    add_generation_options(parser)
    parser.add_argument("--label", metavar="NAME", help="of the --examples that the features were found for")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="a .json file")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from steering import presets
    from steering.errors import SteeringError
    from steering.examples import read_examples
    from steering.lora import load_adapter
    from steering.outlook import device_of
    from steering.prompting import concept_instruction
    from steering.recipes import Baselines, ChosenFeature, PromptedBaseline, Recipe, SamplingSettings, write_recipe
    from steering.recipes.sources import adapter_source, examples_source, model_source, present_versions, sae_source
    from steering.replacing import replacing
    from steering.workbench import feature_edit

    check_options(arguments)
    check_file(arguments.out, (".json",))
    if arguments.label is not None and arguments.examples is None:
        raise SteeringError("--label belongs to --examples; give their file.")
    tell_source(arguments.model)
    mode: RecipeMode = arguments.mode or "add"
    factors = one_each(arguments.factor or [1.0], len(arguments.feature), "--factor")
    if arguments.sae_dtype != "float32":
        raise SteeringError("A recipe is run with the SAE in float32 and has no word for another; drop --sae-dtype.")
    sae = presets.sae_source(arguments.model, arguments.sae) if arguments.feature else None
    arguments.device = device_of(arguments.model, sae, arguments.device, arguments.dtype, measure=True)  # one for both
    with (
        open_asked_pair(arguments) if arguments.feature else nullcontext() as loaded,
        open_asked_model(arguments) as model,
    ):
        edits = []
        if loaded is not None:
            units = max_acts(arguments, loaded)
            for feature_id, factor, max_act in zip(arguments.feature, factors, units, strict=True):
                edits.append(feature_edit(loaded, feature_id, factor, max_act, mode=mode))
        told = None
        if arguments.concept is not None or arguments.system is not None:
            sentence = arguments.system or concept_instruction(arguments.model, arguments.concept)
            told = PromptedBaseline(sentence, "prompt" if arguments.system is None else "system")
        adapter = None if arguments.adapter is None else adapter_source(load_adapter(arguments.adapter))
        examples = None
        if arguments.examples is not None:
            found, _ = read_examples(arguments.examples)
            if arguments.label is not None or len(found.label_names) == 1:
                examples = examples_source(found, arguments.label or found.label_names[0])
        recipe = Recipe(
            model=model_source(model),
            prompts=tuple(arguments.prompt),
            sae=None if loaded is None else sae_source(loaded.sae),
            features=tuple(ChosenFeature(edit.feature_id, edit.factor, edit.max_act) for edit in edits),
            mode=mode,
            scope=arguments.scope or "all",
            sampling=SamplingSettings(
                arguments.max_new_tokens, arguments.temperature, arguments.top_p, arguments.count
            ),
            seed=arguments.seed,
            concept=arguments.concept,
            baselines=Baselines(prompted=told, adapter=adapter),
            examples=examples,
            versions=present_versions(),
        )
    try:
        with replacing(arguments.out) as part:
            part.write_text(write_recipe(recipe), encoding="utf-8")
    except OSError as error:
        raise unwritable(arguments.out, error) from error
    sys.stdout.write(f"{arguments.out}\n")
    return 0
