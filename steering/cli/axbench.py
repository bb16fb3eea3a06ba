"""``python -m steering axbench``: how does AxBench's own code go on from here?

``export-features`` writes a folder from which its ``inference.py`` goes on with features that were chosen here;
``export-results`` writes a benchmark's completions as rows that its ``evaluate.py`` judges, and our ratings likewise.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from steering.cli.ingredients import open_asked_pair
from steering.cli.options import add_model_options
from steering.cli.output import Bar, check_folder, tell_source, write_json
from steering.errors import SteeringError

_PLACES = ("GemmaScopeSAEMaxAUC", "GemmaScopeSAE")


def add_axbench_parser(verbs: Any) -> None:
    """Add the verb ``axbench`` and its own verbs to what ``add_subparsers`` returned."""
    parser = verbs.add_parser("axbench", help="files that AxBench's own code goes on from")
    own = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    features = own.add_parser("export-features", help="a feature for each concept, in the form its inference.py takes")
    add_model_options(features)
    features.add_argument("--examples", required=True, type=Path, metavar="DIR", help="AxBench folder")
    features.add_argument("--place", choices=_PLACES, default=_PLACES[0], help="under which of its models they stand")
    features.add_argument("--model-name", metavar="NAME", help="on the Hub, as AxBench spells it (default: --model)")
    features.add_argument(
        "--feature", type=int, action="append", metavar="ID", help="one for each concept; chosen by AUROC without"
    )
    features.add_argument("--out", required=True, type=Path, metavar="DIR", help="its --dump_dir")
    features.add_argument("--json", action="store_true", help="for programs")
    features.set_defaults(run=_export_features)
    results = own.add_parser("export-results", help="a benchmark's completions and ratings in its columns")
    results.add_argument("--run", required=True, type=Path, metavar="DIR", dest="folder", help="folder of a benchmark")
    results.add_argument("--methods", metavar="M", help="names with commas between; all of one grid have to be alike")
    results.add_argument("--seed", type=int, metavar="N", help="of the run (default: its first)")
    results.add_argument("--examples", type=Path, metavar="DIR", help="AxBench folder whose concept ids are wanted")
    results.add_argument("--out", required=True, type=Path, metavar="DIR", help="its --dump_dir")
    results.add_argument("--json", action="store_true", help="for programs")
    results.set_defaults(run=_export_results)


def _export_features(arguments: argparse.Namespace) -> int:
    from steering.cli.detect import read_detection_set
    from steering.detection.detectors import find_detectors
    from steering.examples.axbench_concepts import read_axbench_concepts
    from steering.interchange.axbench_features import write_features

    check_folder(arguments.out)
    concepts = read_axbench_concepts(arguments.examples)
    training, tested = read_detection_set(arguments.examples, heldout=0.0, seed=0)
    if [one.concept for one in tested] != [one.concept for one in concepts]:
        raise SteeringError(f"The metadata in {arguments.examples} list other concepts than its texts; fetch it again.")
    tell_source(arguments.model)
    bar = Bar()
    with open_asked_pair(arguments) as loaded:
        found = find_detectors(
            loaded.model,
            loaded.sae,
            training,
            tested,
            progress=lambda done, total: bar(done, total, "tokens", "Reading"),
        )
        chosen = arguments.feature or [one.feature_id for one in found.found]
        files = write_features(
            arguments.out,
            concepts,
            loaded.sae,
            chosen,
            model_name=arguments.model_name or arguments.model,
            place=arguments.place,
            max_act=found.max_act,
        )
    if arguments.json:
        write_json({"features": chosen, "files": [str(one) for one in files]})
        return 0
    for concept, feature_id in zip(concepts, chosen, strict=True):
        sys.stdout.write(f"{feature_id}\t{concept.concept}\n")
    sys.stdout.write("".join(f"{one}\n" for one in files))
    return 0


def _export_results(arguments: argparse.Namespace) -> int:
    from steering.benchmark.collect import read_results
    from steering.benchmark.parts import read_folder
    from steering.examples.axbench_concepts import AxBenchConcept, read_axbench_concepts
    from steering.interchange.axbench_steering import (
        MODES,
        split_ratio,
        steering_frame,
        steering_results,
        write_evaluate_config,
        write_steering_data,
        write_steering_results,
    )

    check_folder(arguments.out)
    settings = read_folder(arguments.folder).settings
    seed = settings.seeds[0] if arguments.seed is None else arguments.seed
    methods = settings.methods if arguments.methods is None else tuple(arguments.methods.split(","))
    table = read_results(arguments.folder, None)
    table = table[(table["seed"] == seed) & table["method"].isin(methods)]
    if table.empty:
        raise SteeringError(
            f"{arguments.folder} has no completion of {', '.join(methods)} under seed {seed}; its methods are "
            f"{', '.join(settings.methods)} and its seeds {', '.join(map(str, settings.seeds))}."
        )
    concepts = (
        read_axbench_concepts(arguments.examples)
        if arguments.examples is not None
        else tuple(AxBenchConcept(place, name, "") for place, name in enumerate(settings.concepts))
    )
    frame = steering_frame(table, concepts)
    there = list(dict.fromkeys(table["method"].astype(str)))
    complete = all(f"{one}_perplexity" in frame and frame[f"{one}_perplexity"].notna().all() for one in there)
    files = [
        write_steering_data(arguments.out, frame),
        write_evaluate_config(arguments.out, there, ratio=split_ratio(table), perplexity=complete),
        *(write_steering_results(arguments.out, half, steering_results(table, concepts, half)) for half in MODES),
    ]
    if arguments.json:
        write_json({"methods": there, "rows": len(frame), "files": [str(one) for one in files]})
    else:
        sys.stdout.write("".join(f"{one}\n" for one in files))
    return 0
