"""``python -m steering detect``: how well does one feature for each concept tell its texts from others?"""

import argparse
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steering.cli.ingredients import open_asked_pair
from steering.cli.options import add_model_options
from steering.cli.output import Bar, tell_findings, tell_source, write_json
from steering.errors import ExamplesError, SteeringError

if TYPE_CHECKING:
    from steering.examples import LabelledExamples
    from steering.examples.axbench_concepts import DetectionTexts


def add_detect_parser(verbs: Any) -> None:
    """Add the verb ``detect`` to what ``add_subparsers`` returned."""
    parser = verbs.add_parser("detect", help="concept detection as AxBench measures it, with the SAE's best feature")
    add_model_options(parser)
    parser.add_argument(
        "--examples", required=True, type=Path, metavar="PATH", help="AxBench folder, or a file of labelled examples"
    )
    parser.add_argument(
        "--heldout", type=float, default=0.5, metavar="SHARE", help="of a file, measured on (default 0.5)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of a file's split")
    parser.add_argument(
        "--imbalance", type=int, default=100, metavar="N", help="negatives for every positive of the imbalanced F1"
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_run)


def read_detection_set(
    path: Path, *, heldout: float, seed: int
) -> tuple["LabelledExamples", "tuple[DetectionTexts, ...]"]:
    """Texts to choose features on, and texts to measure them on.

    Args:
        path: AxBench folder with training and evaluation data, or a file of labelled examples, which is split.
        heldout: share of a file that is measured on.
        seed: of a file's split.

    Raises:
        ExamplesError: the folder lacks one of the two, or the file cannot be read or split.
    """
    from steering.detection.detectors import heldout_texts
    from steering.examples import read_examples, split_examples
    from steering.examples.axbench import TRAIN_FILE
    from steering.examples.axbench_concepts import read_detection_texts

    if path.is_dir():
        if not (path / TRAIN_FILE).is_file():
            raise ExamplesError(
                f"{path} has no {TRAIN_FILE} to choose features on; add it, or give a file of examples."
            )
        examples, report = read_examples(path / TRAIN_FILE)
        tell_findings(report)
        return examples, read_detection_texts(path)
    examples, report = read_examples(path)
    tell_findings(report)
    split = split_examples(examples, heldout=heldout, seed=seed)
    if split.uncovered or not len(split.heldout):
        name = split.uncovered[0] if split.uncovered else examples.label_names[0]
        raise ExamplesError(
            f"The label {name!r} has no positives in both parts of {path}; give more examples, or another --heldout."
        )
    return examples.subset(split.train), heldout_texts(examples.subset(split.heldout))


def _run(arguments: argparse.Namespace) -> int:
    from steering.detection.detectors import find_detectors
    from steering.detection.protocol import summarise

    if arguments.imbalance < 1:
        raise SteeringError(f"--imbalance is {arguments.imbalance}; give a whole number from 1 up.")
    training, tested = read_detection_set(arguments.examples, heldout=arguments.heldout, seed=arguments.seed)
    tell_source(arguments.model)
    bar = Bar()
    with open_asked_pair(arguments) as loaded:
        found = find_detectors(
            loaded.model,
            loaded.sae,
            training,
            tested,
            imbalance=arguments.imbalance,
            progress=lambda done, total: bar(done, total, "tokens", "Reading"),
        ).found
        sae, hook_module = loaded.sae.name, loaded.hook_module
    few = min(one.n_different_negatives / one.detection.n_extra_negative for one in found)
    if few < 1:
        sys.stderr.write(
            f"warning: F1 at {arguments.imbalance}:1 counts negatives up to {math.ceil(1 / few)} times each, because "
            "the set has fewer\n"
        )
    summary = summarise([one.detection for one in found])
    if arguments.json:
        concepts = [
            _known({"feature_id": one.feature_id, "auroc_training": one.auroc_training,
                    "n_different_negatives": one.n_different_negatives, **asdict(one.detection)})
            for one in found
        ]  # fmt: skip
        head = {"model": arguments.model, "sae": sae, "hook_module": hook_module, "imbalance": arguments.imbalance}
        write_json({**head, "summary": _known(asdict(summary)), "concepts": concepts})
        return 0
    import pandas as pd

    names = ["auroc", "auroc_with_hard", "hard_negative_accuracy", "f1", "f1_imbalanced"]
    rows = [
        {"concept": one.detection.concept[:40], "feature": one.feature_id}
        | {name: getattr(one.detection, name) for name in names}
        for one in found
    ]
    rows.append({"concept": "mean", "feature": ""} | {name: getattr(summary, name) for name in names})
    shown = pd.DataFrame(rows).rename(columns={"f1_imbalanced": f"f1 at {arguments.imbalance}:1"})
    sys.stdout.write(
        f"{len(found)} concepts, read at {hook_module}, features chosen by AUROC on the training texts\n"
        + shown.to_string(index=False, na_rep="-", float_format=lambda value: f"{value:.3f}")
        + "\n"
    )
    return 0


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is not known, or infinite, is None."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()
    }
