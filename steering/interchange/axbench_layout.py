"""Which files does AxBench's harness read, and under which names?

From the code of stanfordnlp/axbench at commit e9b8cd4 (February 2025). In a run's folder, its ``--dump_dir``:

    generate/metadata.jsonl         concepts; ``load_metadata_flatten`` in scripts/inference.py wants concept_id,
                                    concept, ref and concept_genres_map, finds concepts by place, and takes the last
                                    part of ref for the feature's id (``create_data_latent``)
    train/config.json               model_name, layer, component; without it layer 0 is read (``infer_latent``)
    train/<Model>.pt                an SAE cut down to a row per concept (``GemmaScopeSAE.load`` in models/sae.py)
    train/<Model>_top_features.json a list of feature ids in the order of concepts (``GemmaScopeSAEMaxDiff``)
    train/<Model>_weight.pt, _bias.pt  a direction per concept (``Model.load`` in models/model.py)
    inference/latent_data.parquet   a row per text (``data_generator`` in scripts/evaluate.py)
    inference/steering_data.parquet a row per concept, prompt and factor
    evaluate/<mode>.jsonl           results of a concept per line (``save_results``)

and, in its ``master_data_dir``, ``<model>_<sae>_max_activations.json``, from feature id to the unit of the factor.

``latent_eval_data.parquet`` is not copied into the run's ``inference``: ``Model.pre_compute_mean_activations`` opens
every file there whose name begins with ``latent_`` and expects scores in it. It is given by
``--overwrite_inference_data_dir``.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from steering.errors import SteeringError
from steering.examples.axbench import METADATA_FILE
from steering.examples.axbench_concepts import AxBenchConcept
from steering.replacing import replacing

GENERATE, TRAIN, INFERENCE, EVALUATE = "generate", "train", "inference", "evaluate"
CONFIG_FILE = "config.json"
LATENT_FILE = "latent_data.parquet"
STEERING_FILE = "steering_data.parquet"
EVALUATE_CONFIG = "evaluate.yaml"

SKIPPED_IN_DETECTION = {"PromptSteering", "PromptBaseline", "DiReFT", "LoReFT", "LoRA", "SFT"}
SKIPPED_IN_STEERING = {"IntegratedGradients", "InputXGradients", "PromptDetection", "BoW"}
"""Names that AxBench's evaluation passes over without a word (scripts/inference.py, LATENT_ and STEERING_EXCLUDE)."""


def subfolder(folder: Path, name: str) -> Path:
    """The run's subfolder, made where it is missing."""
    path = Path(folder) / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_json(path: Path, value: Any) -> Path:
    """One JSON value."""
    with replacing(path) as part:
        part.write_text(json.dumps(value), encoding="utf-8")
    return path


def write_json_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """A JSON object per line."""
    with replacing(path) as part:
        part.write_text("".join(json.dumps(dict(row)) + "\n" for row in rows), encoding="utf-8")
    return path


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines.

    Raises:
        SteeringError: there is no such file, or it is not JSON lines.
    """
    try:
        return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise SteeringError(
            f"{path} could not be read as JSON lines ({error}); run AxBench's evaluation again."
        ) from error


def write_metadata(folder: Path, concepts: Sequence[AxBenchConcept], refs: Sequence[str]) -> Path:
    """``generate/metadata.jsonl`` of concepts, with these pages in ``ref``."""
    rows = [
        {
            "concept_id": one.concept_id,
            "concept": one.concept,
            "ref": ref,
            "concept_genres_map": {one.concept: list(one.genres)},
        }
        for one, ref in zip(concepts, refs, strict=True)
    ]
    return write_json_lines(subfolder(folder, GENERATE) / METADATA_FILE, rows)


def write_config(folder: Path, *, model_name: str, layer: int) -> Path:
    """``train/config.json``; AxBench reads the output of this decoder block."""
    config = {"model_name": model_name, "layer": layer, "component": "res"}
    return write_json(subfolder(folder, TRAIN) / CONFIG_FILE, config)


def check_places(concepts: Sequence[AxBenchConcept]) -> None:
    """Refuses concepts that AxBench would mistake for one another.

    Raises:
        SteeringError: none, or ids that are not 0, 1, 2, ... in this order.
    """
    if not concepts or [one.concept_id for one in concepts] != list(range(len(concepts))):
        raise SteeringError(
            "AxBench finds concepts by their place, so their ids must be 0, 1, 2, ... in this order; "
            f"these begin {[one.concept_id for one in concepts[:5]]}: number them anew."
        )


def check_names(methods: Iterable[str], skipped: set[str]) -> None:
    """Refuses names that AxBench's evaluation passes over.

    Raises:
        SteeringError: as said.
    """
    bad = sorted(set(methods) & skipped)
    if bad:
        raise SteeringError(
            f"AxBench's evaluation passes over a method called '{bad[0]}' without a word; give it another name."
        )
