"""``python -m steering rank``: which features carry the label?"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steering.cli.ingredients import open_asked_pair
from steering.cli.options import add_model_options, number
from steering.cli.output import Bar, check_file, tell_findings, tell_source, unwritable, write_json
from steering.errors import SteeringError
from steering.exports.ranking import ENDINGS, ranking_file
from steering.positions import POSITIONS

if TYPE_CHECKING:
    from steering.ranking import Ranking

_COLUMNS = [
    "feature_id", "f1c", "auroc", "f1c_heldout", "auroc_heldout", "interval_low", "interval_high", "q_value",
    "support", "density", "max_act", "output_score", "delta_confidence",
]  # fmt: skip


def add_rank_parser(verbs: Any) -> None:
    """Add the verb ``rank`` to what ``add_subparsers`` returned."""
    parser = verbs.add_parser("rank", help="rank SAE features for labelled examples")
    add_model_options(parser)
    parser.add_argument("--examples", required=True, type=Path, metavar="FILE", help="csv, tsv, jsonl, json or parquet")
    parser.add_argument("--label", metavar="NAME", help="rank for this label; all labels without it")
    parser.add_argument("--heldout", type=float, default=0.3, metavar="SHARE", help="0 fits on every row (default 0.3)")
    parser.add_argument("--top", type=int, default=20, metavar="N", help="features shown (default 20)")
    parser.add_argument("--pi0", default="0.001", metavar="P", help='prior of calibrated F1, or "auto" (default 0.001)')
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--positions", choices=POSITIONS, default="all", help="tokens that are read (default all)")
    parser.add_argument("--min-output-score", type=float, metavar="S", help="switch the output-score filter on")
    parser.add_argument("--no-effects", action="store_true", help="skip output score and token confidence")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="also write every ranked feature: .csv, .json or .parquet"
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from steering.examples import read_examples
    from steering.ranking import RankingSettings
    from steering.workbench import rank_examples

    if arguments.top < 1:
        raise SteeringError(f"--top is {arguments.top}; give a whole number from 1 up.")
    if arguments.no_effects and arguments.min_output_score is not None:
        raise SteeringError("--min-output-score needs what --no-effects leaves out; drop one of them.")
    if arguments.out is not None:
        check_file(arguments.out, ENDINGS)
    settings = RankingSettings(
        pi0="auto" if arguments.pi0 == "auto" else number(arguments.pi0, "--pi0"),
        heldout=arguments.heldout,
        seed=arguments.seed,
        positions=arguments.positions,
        candidates=max(200, arguments.top),
        use_output_score=arguments.min_output_score is not None,
        min_output_score=1e-3 if arguments.min_output_score is None else arguments.min_output_score,
    )
    examples, report = read_examples(arguments.examples, label=arguments.label)
    tell_source(arguments.model)
    with open_asked_pair(arguments) as loaded:
        tell_findings(report)  # not before: they would stand in front of what refuses the model
        run = rank_examples(
            loaded,
            examples,
            settings,
            label=arguments.label,
            with_effects=not arguments.no_effects,
            on_progress=Bar(),
        )
        preparation, revision, warning = list(loaded.sae.preparation), loaded.model.revision, loaded.warning
    head = {
        "model": arguments.model,
        "model_revision": revision,
        "sae": run.sae,
        "hook_module": run.hook_module,
        "sae_preparation": preparation,
        "sae_warning": warning,
    }
    shown = []
    for ranking in run.rankings.values():
        entry = ranking.to_json()
        shown.append(entry | {"features": entry["features"][: arguments.top]})
    _tell_warnings(list(run.rankings.values()))
    if arguments.out is not None:
        try:
            arguments.out.write_bytes(ranking_file(list(run.rankings.values()), head, arguments.out.suffix))
        except OSError as error:
            raise unwritable(arguments.out, error) from error
    if arguments.json:
        write_json(head | shown[0] if len(shown) == 1 else head | {"rankings": shown})
        return 0
    for ranking in run.rankings.values():
        sys.stdout.write(
            f"{ranking.label}: {ranking.n_positive} positives, {ranking.n_negative} negatives, "
            f"read at {run.hook_module}; noise floor F1c {ranking.null_f1c:.2f}\n"
        )
        table = ranking.table().head(arguments.top)
        sys.stdout.write(table[_COLUMNS].to_string(index=False, float_format=lambda number: f"{number:.3g}") + "\n\n")
    return 0


def _tell_warnings(rankings: list["Ranking"]) -> None:
    """Each warning once, with the labels it holds for."""
    labels: dict[str, list[str]] = {}
    for ranking in rankings:
        for warning in ranking.warnings:
            labels.setdefault(warning, []).append(ranking.label)
    for warning, names in labels.items():
        whom = names[0] if len(names) == 1 else f"{len(names)} labels"
        sys.stderr.write(f"warning: {whom}: {warning}\n")
