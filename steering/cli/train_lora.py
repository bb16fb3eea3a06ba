"""``python -m steering train-lora``: an adapter from the same examples."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from steering.cli.ingredients import open_asked_model
from steering.cli.options import add_model_options
from steering.cli.output import Bar, check_folder, tell_findings, tell_source, unwritable
from steering.errors import SteeringError


def add_train_lora_parser(verbs: Any) -> None:
    """Add the verb ``train-lora`` to what ``add_subparsers`` returned."""
    parser = verbs.add_parser("train-lora", help="train a LoRA adapter on the positives")
    add_model_options(parser, sae=False)
    parser.add_argument("--examples", required=True, type=Path, metavar="FILE")
    parser.add_argument("--label", metavar="NAME")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument(
        "--preset",
        choices=("axbench", "small", "all-linear"),
        help="settings (default small for models under 50 M parameters, else axbench)",
    )
    parser.add_argument(
        "--heldout", type=float, default=0.0, metavar="SHARE", help="rows kept out of training (default 0)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from steering.examples import read_examples, split_examples
    from steering.lora import LORA_PRESETS, preset_for
    from steering.workbench import train_adapter

    check_folder(arguments.out)
    examples, report = read_examples(arguments.examples, label=arguments.label)
    tell_findings(report)
    tell_source(arguments.model)
    if arguments.label is None and len(examples.label_names) > 1:
        raise SteeringError(
            f"The examples have {len(examples.label_names)} labels ({', '.join(examples.label_names[:6])}...); "
            "say which one with --label."
        )
    label = arguments.label or examples.label_names[0]
    rows = split_examples(examples, heldout=arguments.heldout, seed=arguments.seed).train
    bar = Bar()
    with open_asked_model(arguments) as model:
        preset = arguments.preset or preset_for(model.n_parameters)
        settings = replace(LORA_PRESETS[preset], seed=arguments.seed)
        adapter = train_adapter(
            model,
            examples,
            label,
            rows,
            settings,
            on_step=lambda step, total, loss: bar(step, total, "steps", f"Training LoRA, loss {loss:.3f}"),
        )
    try:
        adapter.save(arguments.out)
    except OSError as error:
        raise unwritable(arguments.out, error) from error
    sys.stdout.write(f"{arguments.out}\n")
    return 0
