"""``python -m steering label``: a label for every feature, features for every label."""

import argparse
import sys
from pathlib import Path
from typing import Any

from steering.cli.ingredients import open_asked_pair
from steering.cli.options import add_model_options, number
from steering.cli.output import Bar, check_file, tell_findings, tell_source, unwritable, write_json

_FORMATS = (".parquet",)


def add_label_parser(verbs: Any) -> None:
    """Add the verb ``label`` to what ``add_subparsers`` returned."""
    parser = verbs.add_parser("label", help="label every feature of an SAE; resumes where it was stopped")
    add_model_options(parser)
    parser.add_argument("--examples", required=True, type=Path, metavar="FILE", help="with one or several labels a row")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help=".parquet")
    parser.add_argument(
        "--pi0", default="auto", metavar="P", help='prior of calibrated F1; "auto" (default) asks the validation part'
    )
    parser.add_argument("--top", type=int, default=200, metavar="N", help="features kept per label (default 200)")
    parser.add_argument(
        "--min-support", type=int, default=10, metavar="N", help="positives a feature must fire on (default 10)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the split into training, validation and test")
    parser.add_argument("--no-effects", action="store_true", help="skip output score and token confidence")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from steering.feature_labels import LabellingSettings, open_source
    from steering.labelling import label_features

    settings = LabellingSettings(
        pi0="auto" if arguments.pi0 == "auto" else number(arguments.pi0, "--pi0"),
        top=arguments.top,
        min_support=arguments.min_support,
        seed=arguments.seed,
        effects=not arguments.no_effects,
    )
    check_file(arguments.out, _FORMATS)
    source = open_source(arguments.examples)
    tell_source(arguments.model)
    with open_asked_pair(arguments) as loaded:
        if source.report is not None:
            tell_findings(source.report)
        try:
            run = label_features(loaded.model, loaded.sae, source, arguments.out, settings, on_progress=Bar())
        except OSError as error:
            raise unwritable(arguments.out, error) from error
    if arguments.json:
        write_json({"out": str(arguments.out)} | run.metadata)
        return 0
    known = run.metadata
    sys.stdout.write(
        f"{arguments.out}: {known['n_features_labelled']:,} of {known['d_sae']:,} features got one of "
        f"{known['n_labels']:,} labels, {known['n_pairs']:,} pairs, read at {known['hook_module']}; "
        f"pi0 {known['pi0']:g}, chosen by {known['pi0_chosen_by']}\n"
    )
    if known["labels_left_out"]:
        sys.stdout.write(f"without training positives or negatives: {', '.join(known['labels_left_out'][:10])}\n")
    columns = ["label", "feature_id", "f1c_train", "f1c_validation", "f1c_test", "support", "tp", "q_value"]
    best = run.table[run.table["rank"] == 1].sort_values("f1c_test", ascending=False, kind="stable")
    sys.stdout.write(best[columns].head(20).to_string(index=False, float_format=lambda value: f"{value:.3g}") + "\n")
    return 0
