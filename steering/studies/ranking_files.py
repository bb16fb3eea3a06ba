"""How does a ranking with its examples lie in a study's folder?

``examples.parquet`` (a row per example), ``ranking.parquet`` (a row per ranked feature), ``ranking.json`` (what was
chosen and what was left out) and ``statistics.safetensors`` (every feature on every example, sparse).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csc_array

from steering.conversation import ChatSupport
from steering.errors import SaeError, StudyError
from steering.examples import LabelledExamples, Split
from steering.hook_points import HookPoint, parse_hook_name
from steering.neuronpedia import page_id
from steering.ranking import FeatureRank, FilterStep, Ranking, RankingSettings
from steering.ranking.run import RankingRun
from steering.statistics import FeatureStatistics
from steering.studies.plain import from_plain, read_json, to_plain, write_json
from steering.studies.tables import read_table, write_table

EXAMPLES, RANKED, HEAD, STATISTICS = (
    "examples.parquet",
    "ranking.parquet",
    "ranking.json",
    "statistics.safetensors",
)
MAX_CELLS = 50_000_000
"""Examples times labels: 50,000 examples and 1,000 labels, the most that the Examples screen takes."""
_SPARSE = ("frequency", "maximum", "mean")
_DENSE = ("n_tokens", "max_act", "density")


@dataclass(frozen=True, slots=True)
class ExampleRow:
    """One labelled example.

    Attributes:
        text: what the model reads.
        prompt: the instruction that the text answers, None without one.
        labels: those that it carries.
        group: rows of one group never straddle a split.
        heldout: whether nothing was fitted on it.
    """

    text: str
    prompt: str | None
    labels: tuple[str, ...]
    group: str
    heldout: bool


@dataclass(frozen=True, slots=True)
class RankingHead:
    """One ranking without its features; see ``steering.ranking.Ranking``."""

    label: str
    filters: tuple[FilterStep, ...]
    null_f1c: float
    n_positive: int
    n_negative: int
    n_train: int
    n_heldout: int
    n_train_positive: int
    n_heldout_positive: int
    pi0: float
    settings: RankingSettings
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunHead:
    """What no table holds of a ranking run; see ``steering.ranking.run.RankingRun`` and the types of its fields."""

    model: str
    sae: str
    hook_module: str
    neuronpedia_id: str | None
    chat: ChatSupport
    examples_name: str
    examples_sha256: str
    label_names: tuple[str, ...]
    split_seed: int
    split_fraction: float
    split_uncovered: tuple[str, ...]
    resid_norm: float
    n_truncated: int
    n_without_text: int
    rankings: tuple[RankingHead, ...]
    hook_point: str | None = None


def write_ranking(folder: Path, run: RankingRun) -> None:
    """Write the four files.

    Raises:
        StudyError: a text that no file can hold.
        OSError: the folder cannot be written to.
    """
    examples, statistics = run.examples, run.statistics
    held_out = set(run.split.heldout.tolist())
    rows = [
        ExampleRow(text, prompt, _carried(examples, row), group, row in held_out)
        for row, (text, prompt, group) in enumerate(zip(examples.texts, examples.prompts, examples.groups, strict=True))
    ]
    write_table(folder / EXAMPLES, ExampleRow, rows)
    write_table(folder / RANKED, FeatureRank, [one for ranking in run.rankings.values() for one in ranking.features])
    head = RunHead(
        model=run.model,
        sae=run.sae,
        hook_module=run.hook_module,
        neuronpedia_id=run.neuronpedia_id,
        chat=run.chat,
        examples_name=examples.name,
        examples_sha256=examples.fingerprint,
        label_names=examples.label_names,
        split_seed=run.split.seed,
        split_fraction=run.split.fraction,
        split_uncovered=run.split.uncovered,
        resid_norm=float(statistics.resid_norm),
        n_truncated=statistics.n_truncated,
        n_without_text=statistics.n_without_text,
        rankings=tuple(_head(ranking) for ranking in run.rankings.values()),
        hook_point=None if run.hook_point is None else str(run.hook_point),
    )
    (folder / HEAD).write_bytes(write_json(to_plain(RunHead, head)))
    (folder / STATISTICS).write_bytes(_packed(statistics))


def read_ranking(folder: Path) -> RankingRun:
    """The ranking run that :func:`write_ranking` wrote; no model is needed.

    Raises:
        StudyError: a file is missing, broken, or does not fit the others.
    """
    content = read_json((folder / HEAD).read_bytes(), HEAD)
    head: RunHead = from_plain(RunHead, content, HEAD)
    rows = read_table(folder / EXAMPLES, ExampleRow)
    unknown = {name for row in rows for name in row.labels} - set(head.label_names)
    if unknown:
        raise StudyError(f"{EXAMPLES} has the label {min(unknown)!a:.60}, which {HEAD} does not; take a sound copy.")
    if len(rows) * len(head.label_names) > MAX_CELLS:
        raise StudyError(
            f"The study has {len(rows):,} examples and {len(head.label_names):,} labels, at most {MAX_CELLS:,} in "
            "product; take a sound copy of it."
        )
    labels = np.zeros((len(rows), len(head.label_names)), dtype=bool)
    column = {name: place for place, name in enumerate(head.label_names)}
    for place, row in enumerate(rows):
        labels[place, [column[name] for name in row.labels]] = True
    examples = LabelledExamples(
        head.examples_name,
        tuple(row.text for row in rows),
        tuple(row.prompt for row in rows),
        labels,
        head.label_names,
        tuple(row.group for row in rows),
    )
    if examples.fingerprint != head.examples_sha256:
        raise StudyError(f"The examples are not those that {HEAD} names; take a sound copy of the study.")
    held_out = np.array([row.heldout for row in rows], dtype=bool)
    split = Split(
        np.flatnonzero(~held_out), np.flatnonzero(held_out), head.split_seed, head.split_fraction, head.split_uncovered
    )
    ranked: dict[str, list[FeatureRank]] = {one.label: [] for one in head.rankings}
    for feature in read_table(folder / RANKED, FeatureRank):
        if feature.label not in ranked:
            raise StudyError(f"{RANKED} ranks for {feature.label!a:.60}, which {HEAD} does not; take a sound copy.")
        ranked[feature.label].append(feature)
    statistics = _unpacked((folder / STATISTICS).read_bytes(), head, examples.n)
    named = [one.feature_id for found in ranked.values() for one in found]
    foreign = [id for id in named if not 0 <= id < statistics.d_sae]
    if foreign:
        raise StudyError(
            f"{RANKED} has the feature {foreign[0]}, its SAE only those from 0 to {statistics.d_sae - 1}; take a sound "
            "copy of the study."
        )
    return RankingRun(
        examples=examples,
        split=split,
        statistics=statistics,
        rankings={one.label: _ranking(one, ranked[one.label]) for one in head.rankings},
        model=head.model,
        sae=head.sae,
        hook_module=head.hook_module,
        neuronpedia_id=page_id(head.neuronpedia_id),
        chat=head.chat,
        hook_point=None if head.hook_point is None else _hook_point(head.hook_point),
    )


def _hook_point(name: str) -> HookPoint:
    try:
        return parse_hook_name(name)
    except SaeError as error:
        raise StudyError(f"{HEAD} has no hook point {name!a:.60}; take a sound copy of the study.") from error


def _carried(examples: LabelledExamples, row: int) -> tuple[str, ...]:
    return tuple(name for name, carries in zip(examples.label_names, examples.labels[row], strict=True) if carries)


def _head(ranking: Ranking) -> RankingHead:
    return RankingHead(**{name: getattr(ranking, name) for name in RankingHead.__dataclass_fields__})


def _ranking(head: RankingHead, features: list[FeatureRank]) -> Ranking:
    told = {name: getattr(head, name) for name in RankingHead.__dataclass_fields__}
    return Ranking(features=tuple(features), **told)


def _packed(statistics: FeatureStatistics) -> bytes:
    from safetensors.numpy import save

    tensors: dict[str, Any] = {name: np.ascontiguousarray(getattr(statistics, name)) for name in _DENSE}
    for name in _SPARSE:
        matrix = getattr(statistics, name)
        for part in ("data", "indices", "indptr"):
            tensors[f"{name}.{part}"] = np.ascontiguousarray(getattr(matrix, part))
    return bytes(save(tensors))


def _unpacked(data: bytes, head: RunHead, n_examples: int) -> FeatureStatistics:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(data)
        (d_sae,) = tensors["max_act"].shape
        if tensors["n_tokens"].shape != (n_examples,) or tensors["density"].shape != (d_sae,):
            raise ValueError("its parts have different lengths")
        if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
            raise ValueError("a number in it is infinite or none")
        sparse = {}
        for name in _SPARSE:
            parts = tuple(tensors[f"{name}.{part}"] for part in ("data", "indices", "indptr"))
            sparse[name] = csc_array(parts, shape=(n_examples, d_sae))
            sparse[name].check_format(full_check=True)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise StudyError(f"{STATISTICS} is not as written ({error}); take a sound copy of the study.") from error
    return FeatureStatistics(
        **sparse,
        n_tokens=tensors["n_tokens"],
        max_act=tensors["max_act"],
        density=tensors["density"],
        resid_norm=head.resid_norm,
        n_truncated=head.n_truncated,
        n_without_text=head.n_without_text,
    )
