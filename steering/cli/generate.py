"""``python -m steering generate``: what does the model answer, untouched and under each condition?"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steering.cli.ingredients import open_asked_model, open_asked_pair
from steering.cli.options import add_model_options, one_each
from steering.cli.output import Bar, tell_findings, tell_source, write_json
from steering.errors import SteeringError

if TYPE_CHECKING:
    from steering.generation import Completion
    from steering.generation.completion import ToldIn
    from steering.interventions import Mode
    from steering.workbench import Loaded


_TOLD_IN = {"prompt": "prompt", "system": "system prompt"}


def add_generate_parser(verbs: Any) -> None:
    """Add the verb ``generate`` to what ``add_subparsers`` returned."""
    parser = verbs.add_parser("generate", help="baseline beside prompted, steered and adapted completions")
    add_generation_options(parser)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_run)


def add_generation_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is asked, and under which conditions."""
    add_model_options(parser)
    parser.add_argument("--prompt", required=True, action="append", metavar="P", help="may be given several times")
    parser.add_argument(
        "--feature", type=int, action="append", default=[], metavar="ID", help="may be given several times"
    )
    parser.add_argument(
        "--factor",
        type=float,
        action="append",
        default=[],
        metavar="X",
        help="one for all features or one each, in units of max_act (default 1)",
    )
    parser.add_argument(
        "--max-act",
        type=float,
        action="append",
        default=[],
        metavar="A",
        help="one for all features or one each; by default from the SAE's reference set",
    )
    parser.add_argument("--examples", type=Path, metavar="FILE", help="labelled examples to measure max_act on")
    parser.add_argument("--mode", choices=("add", "clamp", "min_clamp", "scale", "ablate"), help="default add")
    parser.add_argument("--scope", choices=("all", "prompt", "generated", "sentence_ends"), help="default all")
    parser.add_argument(
        "--concept", metavar="NAME", help="add a prompted completion that is told to carry this concept"
    )
    parser.add_argument(
        "--system",
        nargs="?",
        const="",
        metavar="TEXT",
        help="add a prompted completion that is told TEXT in the system prompt; without TEXT, what --concept says",
    )
    parser.add_argument(
        "--adapter", type=Path, metavar="DIR", help="add a completion with this LoRA adapter (peft folder)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=1, metavar="N", help="samples per prompt (default 1)")
    parser.add_argument("--max-new-tokens", type=int, default=64, metavar="N")
    parser.add_argument("--temperature", type=float, default=1.0, metavar="T")
    parser.add_argument("--top-p", type=float, default=1.0, metavar="P")


def _run(arguments: argparse.Namespace) -> int:
    from steering.generation import Condition, Sampling, generate
    from steering.interventions import Intervention
    from steering.lora import load_adapter
    from steering.outlook import device_of
    from steering.presets import sae_source
    from steering.prompting import concept_instruction
    from steering.workbench import feature_edit

    check_options(arguments)
    tell_source(arguments.model)
    mode: Mode = arguments.mode or "add"
    factors = one_each(arguments.factor or [1.0], len(arguments.feature), "--factor")
    sampling = Sampling(arguments.max_new_tokens, arguments.temperature, arguments.top_p)
    conditions = [Condition("baseline")]
    if arguments.concept is not None or arguments.system is not None:
        told = arguments.system or concept_instruction(arguments.model, arguments.concept)
        told_in: ToldIn = "prompt" if arguments.system is None else "system"
        conditions.append(Condition("prompted", instruction=told, told_in=told_in))
    sae = sae_source(arguments.model, arguments.sae) if arguments.feature else None
    arguments.device = device_of(  # one for both below
        arguments.model, sae, arguments.device, arguments.dtype, sae_dtype=arguments.sae_dtype, measure=True
    )
    with (
        open_asked_pair(arguments) if arguments.feature else nullcontext() as loaded,
        open_asked_model(arguments) as model,
    ):
        if loaded is not None:
            edits = tuple(
                feature_edit(loaded, feature_id, factor, max_act, mode=mode)
                for feature_id, factor, max_act in zip(
                    arguments.feature, factors, max_acts(arguments, loaded), strict=True
                )
            )
            intervention = Intervention(edits, mode=mode, scope=arguments.scope or "all")
            conditions.append(Condition("steered", intervention=intervention))
        if arguments.adapter is not None:
            conditions.append(Condition("adapted", adapter=load_adapter(arguments.adapter)))
        completions = generate(
            model,
            conditions,
            arguments.prompt,
            sae=loaded.sae if loaded is not None else None,
            sampling=sampling,
            seed=arguments.seed,
            count=arguments.count,
        )
    tell_completions(completions, as_json=arguments.json)
    return 0


def tell_completions(completions: "Sequence[Completion]", *, as_json: bool) -> None:
    """Write completions to standard output, for programs or for people.

    The JSON holds nothing of this one run, so that two runs of a recipe can be compared as files.
    """
    if as_json:
        found = [completion.to_json() for completion in completions]
        for one in found:
            del one["receipt"]["seconds"]
        write_json({"completions": found})
        return
    for completion in completions:
        receipt = completion.receipt
        sys.stdout.write(
            f"[{completion.kind}] {completion.prompt}\n{completion.text}\n"
            f"  KL {receipt.kl:.3f} nats, perplexity {receipt.perplexity:.1f}, {receipt.n_generated} tokens, "
            f"edited {receipt.positions_edited_prompt} + {receipt.positions_edited_generated} positions"
            f"{' at ' + receipt.hook_module if receipt.hook_module else ''}, adapter {receipt.adapter}"
            f"{', told in the ' + _TOLD_IN[receipt.told_in] if receipt.told_in else ''}\n\n"
        )


def check_options(arguments: argparse.Namespace) -> None:
    """Nothing that was asked for is silently left out."""
    of_features = {
        "--sae": arguments.sae is not None,
        "--factor": bool(arguments.factor),
        "--max-act": bool(arguments.max_act),
        "--examples": arguments.examples is not None,
        "--mode": arguments.mode is not None,
        "--scope": arguments.scope is not None,
        "--sae-dtype": arguments.sae_dtype != "float32",
    }
    given = [option for option, is_given in of_features.items() if is_given]
    if given and not arguments.feature:
        belong = "belongs" if len(given) == 1 else "belong"
        raise SteeringError(f"{' and '.join(given)} {belong} to a --feature; name one.")
    if arguments.max_act and arguments.examples is not None:
        raise SteeringError("--max-act and --examples both say what max_act is; drop one of them.")
    if arguments.concept is not None and not arguments.concept.strip():
        raise SteeringError("--concept is empty; name a concept, or drop the option.")
    if arguments.system is not None and bool(arguments.system.strip()) == (arguments.concept is not None):
        raise SteeringError(
            "--system takes either a text of its own or, without one, the sentence of --concept; give one of them."
        )


def max_acts(arguments: argparse.Namespace, loaded: "Loaded") -> Sequence[float | None]:
    """What was given, what is measured on the examples, or None for the SAE's reference set."""
    from steering.examples import read_examples
    from steering.workbench import measure_max_act

    if arguments.examples is not None:
        examples, report = read_examples(arguments.examples)
        tell_findings(report)
        return measure_max_act(loaded, examples, arguments.feature, on_progress=Bar())
    if arguments.max_act:
        return one_each(arguments.max_act, len(arguments.feature), "--max-act")
    if arguments.mode in ("add", "clamp", "min_clamp") and loaded.reference is not None:
        sys.stderr.write(
            "note: the factor is in units of max_act on the SAE's reference set; --examples FILE takes that of your "
            "examples, as the app and `rank` do.\n"
        )
    return [None] * len(arguments.feature)
