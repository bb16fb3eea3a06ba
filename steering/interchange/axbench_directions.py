"""How does AxBench's harness steer and detect with directions that were found here?

``Model.load`` in models/model.py takes ``<Model>_weight.pt`` and ``<Model>_bias.pt``, a row per concept, whatever
method made them; ``DiffMean``, ``PCA`` and ``LAT`` (models/mean.py) add the row, and detect by projecting on it. A set
of SAE features that are written together goes in like this too. The unit of the factor is taken from the largest
detection score of each concept, so the harness' latent inference comes first.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch

from steering.detection.reading import DirectionLike
from steering.errors import InterventionError, SaeError
from steering.examples.axbench_concepts import AxBenchConcept
from steering.interchange.axbench_layout import TRAIN, check_places, subfolder, write_config, write_metadata
from steering.replacing import replacing

DirectionPlace = Literal["DiffMean", "PCA", "LAT"]


def write_directions(
    folder: Path,
    concepts: Sequence[AxBenchConcept],
    directions: Sequence[DirectionLike],
    *,
    model_name: str,
    place: DirectionPlace = "DiffMean",
) -> tuple[Path, ...]:
    """Write a run's folder from which AxBench's ``inference.py`` goes on.

    Args:
        folder: the run's ``--dump_dir``.
        concepts: in the order of their ids; their refs need a last part that is a number, as the harness parses it.
        directions: one per concept, all of one decoder block's output.
        model_name: the model's name on the Hub.
        place: under which of its models the harness finds them.

    Returns:
        The files.

    Raises:
        InterventionError: another number of directions than of concepts.
        SaeError: directions of different places, not after a decoder block, or a concept without a feature's page.
        SteeringError: concepts out of order.
    """
    check_places(concepts)
    if len(directions) != len(concepts):
        raise InterventionError(f"There are {len(concepts)} concepts and {len(directions)} directions; give one each.")
    points = sorted({one.hook_point for one in directions})
    if len(points) > 1 or points[0].site != "resid_post":
        raise SaeError(
            f"AxBench's harness reads and writes after one decoder block, and these directions belong to "
            f"{', '.join(map(str, points))}; use directions of one resid_post."
        )
    if any(one.feature_id is None for one in concepts):
        raise SaeError(
            "AxBench's harness takes a feature's id from every ref in the metadata, and one here has none; give refs "
            "that end in a number."
        )
    weight = torch.stack([one.direction.detach().float().cpu() for one in directions])
    train = subfolder(folder, TRAIN)
    files = [
        write_metadata(folder, concepts, [one.ref for one in concepts]),
        write_config(folder, model_name=model_name, layer=points[0].layer),
    ]
    for name, tensor in (("weight", weight), ("bias", torch.zeros(len(weight)))):
        files.append(train / f"{place}_{name}.pt")
        with replacing(files[-1]) as part:
            torch.save(tensor, part)
    return tuple(files)
