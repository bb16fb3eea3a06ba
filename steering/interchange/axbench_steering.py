"""How do completions get into AxBench's evaluation, and its ratings back?

``eval_steering`` in scripts/evaluate.py reads ``inference/steering_data.parquet``: one row per concept, prompt
(``input_id``) and factor, and for every method ``<method>_steered_generation`` (``LMJudgeEvaluator``),
``<method>_perplexity`` and, if there, ``<method>_strength`` (``PerplexityEvaluator``). All methods share the rows, so
they share the grid of factors. Mode ``steering`` takes the prompts with the smallest ids, n − round(n × ratio) of them,
and ``steering_test`` the others (``data_generator``); it writes ``evaluate/<mode>.jsonl``.

Columns of our results (one row per completion) and theirs:

    concept_score, instruction_score, fluency_score, overall
    relevance_concept_ratings, relevance_instruction_ratings, fluency_ratings, lm_judge_rating
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from steering.errors import SteeringError
from steering.evidence.protocol import UNDOSED
from steering.examples.axbench_concepts import AxBenchConcept
from steering.examples.findings import count
from steering.interchange.axbench_layout import (
    EVALUATE,
    EVALUATE_CONFIG,
    INFERENCE,
    SKIPPED_IN_STEERING,
    STEERING_FILE,
    check_names,
    check_places,
    read_json_lines,
    subfolder,
    write_json,
    write_json_lines,
)
from steering.replacing import replacing

COMPLETION_COLUMNS = ("method", "concept", "prompt_id", "half", "factor", "prompt", "text")
"""What is taken of a benchmark's table (``steering.benchmark.rows.Row``)."""
RATINGS = {
    "overall": "lm_judge_rating",
    "concept_score": "relevance_concept_ratings",
    "instruction_score": "relevance_instruction_ratings",
    "fluency_score": "fluency_ratings",
}
"""Our columns and AxBench's names of them in ``evaluate/<mode>.jsonl``."""

MODES = {"select": "steering", "test": "steering_test"}
KEY = ["concept_id", "input_id", "factor"]


def steering_frame(completions: pd.DataFrame, concepts: Sequence[AxBenchConcept]) -> pd.DataFrame:
    """Completions of one model and seed as rows of ``steering_data``.

    Prompts of the ``select`` half get the smaller ids, so that AxBench's halves are ours. A method without a dose
    (``steering.evidence.protocol.UNDOSED``, or NaN throughout) is repeated over the grid of the others.

    Args:
        completions: a benchmark's table, of which method, concept, prompt_id, half (``select`` or ``test``), factor,
            prompt and text are read, and if there perplexity and strength (residual units).
        concepts: in the order of their ids; rows of other concepts are refused.

    Raises:
        SteeringError: a column is missing, a concept is unknown, two rows for one completion (several seeds or
            models), methods with different grids, prompts that differ in number between concepts, or a name that
            AxBench passes over.
    """
    check_places(concepts)
    missing = [column for column in COMPLETION_COLUMNS if column not in completions.columns]
    if missing:
        raise SteeringError(f"The completions have no column '{missing[0]}'; it takes {', '.join(COMPLETION_COLUMNS)}.")
    if completions.empty or completions[["prompt", "text"]].isna().any(axis=None):
        raise SteeringError(
            "There are no completions, or a prompt or text is missing; run the benchmark to its end first."
        )
    methods = list(dict.fromkeys(completions["method"].astype(str)))
    check_names(methods, SKIPPED_IN_STEERING)
    rows = _numbered(completions, concepts)
    wide: pd.DataFrame | None = None
    for method in sorted(methods, key=lambda name: bool(rows.loc[rows["method"] == name, "factor"].isna().all())):
        one = rows[rows["method"] == method]
        if one["factor"].isna().all() and wide is not None:
            one = wide[KEY].merge(one.drop(columns="factor"), on=["concept_id", "input_id"], how="left")
        elif one["factor"].isna().any():
            raise SteeringError(f"'{method}' has completions with a factor and some without, or no method has one.")
        if one.duplicated(KEY).any():
            raise SteeringError(
                f"'{method}' has several completions for one concept, prompt and factor; "
                "give one model, seed and sample."
            )
        if wide is None:
            wide = one[[*KEY, "prompt"]].sort_values(KEY).reset_index(drop=True)
        own = one[KEY].sort_values(KEY).reset_index(drop=True)
        if not own.equals(wide[KEY]) or one["text"].isna().any():
            raise SteeringError(
                f"'{method}' has other prompts or factors than '{methods[0]}', and AxBench keeps all methods in "
                "the same rows; write methods with another grid into a folder of their own."
            )
        named = {"text": f"{method}_steered_generation"}
        named |= {column: f"{method}_{column}" for column in ("perplexity", "strength") if column in one}
        wide = wide.merge(one[[*KEY, *named]].rename(columns=named), on=KEY, how="left")
    assert wide is not None
    return _with_concepts(wide.dropna(axis=1, how="all"), concepts)


def split_ratio(completions: pd.DataFrame) -> float:
    """AxBench's ``winrate_split_ratio`` for these halves: the share of prompts that test."""
    halves = completions.drop_duplicates(["concept", "prompt_id"])["half"]
    return float((halves == "test").mean())


def write_steering_data(folder: Path, frame: pd.DataFrame) -> Path:
    """``inference/steering_data.parquet``, from which ``evaluate.py --mode steering`` goes on."""
    path = subfolder(folder, INFERENCE) / STEERING_FILE
    with replacing(path) as part:
        frame.to_parquet(part, engine="pyarrow")
    return path


def write_evaluate_config(
    folder: Path, methods: Sequence[str], *, ratio: float = 0.5, judge: str = "gpt-4o-mini", perplexity: bool = False
) -> Path:
    """``evaluate.yaml``, the configuration of AxBench's evaluation for these files (JSON, which YAML contains).

    Args:
        folder: the run's ``--dump_dir``.
        methods: whose columns are to be evaluated.
        ratio: see ``split_ratio``.
        judge: the model that AxBench asks.
        perplexity: whether every method has a column of perplexities.
    """
    evaluators = ["PerplexityEvaluator", "LMJudgeEvaluator"] if perplexity else ["LMJudgeEvaluator"]
    settings = {
        "models": list(methods),
        "latent_evaluators": ["AUCROCEvaluator", "HardNegativeEvaluator"],
        "steering_evaluators": evaluators,
        "winrate_split_ratio": ratio,
        "num_of_workers": 8,
        "lm_model": judge,
        "run_winrate": False,
        "master_data_dir": "axbench/data",
    }
    folder.mkdir(parents=True, exist_ok=True)
    return write_json(folder / EVALUATE_CONFIG, {"evaluate": settings})


def steering_results(completions: pd.DataFrame, concepts: Sequence[AxBenchConcept], half: str) -> list[dict[str, Any]]:
    """Our own ratings of one half, a line per concept, as ``LMJudgeEvaluator`` would write them.

    Per method the means over prompts at every factor, factors rising, and beside them (``raw_...``) the ratings of
    every completion in the order of prompts and factors. A method without a dose has the single factor 0.

    Args:
        completions: as in ``steering_frame``, with the four ratings.
        concepts: in the order of their ids.
        half: ``select`` or ``test``.

    Raises:
        SteeringError: a rating is missing, or there is no such half.
    """
    missing = [column for column in RATINGS if column not in completions.columns]
    if missing or half not in MODES:
        raise SteeringError(
            f"Ratings need the columns {', '.join(RATINGS)} and a half, 'select' or 'test'; got the half {half!r}"
            + (f" and no column '{missing[0]}'." if missing else ".")
        )
    rows = _numbered(completions, concepts)
    rows = rows[rows["half"] == half].assign(factor=rows["factor"].fillna(0.0)).sort_values([*KEY, "method"])
    lines = []
    for concept_id, of_concept in rows.groupby("concept_id", sort=True):
        judged: dict[str, Any] = {}
        for method, one in of_concept.groupby("method", sort=True):
            means = one.groupby("factor", sort=True)[list(RATINGS)].mean()
            judged[str(method)] = {
                **{theirs: [float(value) for value in means[ours]] for ours, theirs in RATINGS.items()},
                "factor": [float(factor) for factor in means.index],
                "raw_aggregated_ratings": [float(value) for value in one["overall"]],
                **{
                    f"raw_{RATINGS[ours]}": [float(value) for value in one[ours]]
                    for ours in ("concept_score", "instruction_score", "fluency_score")
                },
            }
        lines.append({"concept_id": int(str(concept_id)), "results": {"LMJudgeEvaluator": judged}})
    return lines


def write_steering_results(folder: Path, half: str, results: Sequence[Mapping[str, Any]]) -> Path:
    """``evaluate/steering.jsonl`` or ``evaluate/steering_test.jsonl``."""
    return write_json_lines(subfolder(folder, EVALUATE) / f"{MODES[half]}.jsonl", results)


def read_steering_results(path: Path) -> pd.DataFrame:
    """The ratings of an ``evaluate/steering.jsonl``, AxBench's or ours: a row per concept, method and factor.

    Returns:
        concept_id, method, factor, and the means of concept_score, instruction_score, fluency_score and overall.

    Raises:
        SteeringError: the file cannot be read, or is not AxBench's.
    """
    rows = []
    try:
        for line in read_json_lines(path):
            for method, one in line["results"]["LMJudgeEvaluator"].items():
                for place, factor in enumerate(one["factor"]):
                    means = {ours: float(one[theirs][place]) for ours, theirs in RATINGS.items()}
                    rows.append(
                        {"concept_id": int(line["concept_id"]), "method": method, "factor": float(factor), **means}
                    )
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise SteeringError(f"{path} is not a result of AxBench's steering evaluation ({error!r}).") from error
    return pd.DataFrame(rows, columns=["concept_id", "method", "factor", *RATINGS])


def _numbered(completions: pd.DataFrame, concepts: Sequence[AxBenchConcept]) -> pd.DataFrame:
    """With concept_id and input_id: prompts count from 0 in every concept, those of the ``select`` half first."""
    ids = {one.concept: one.concept_id for one in concepts}
    unknown = sorted(set(completions["concept"].astype(str)) - set(ids))
    halves = sorted(set(completions["half"].astype(str)) - set(MODES))
    if unknown or halves:
        raise SteeringError(
            f"The completions are of the concept '{unknown[0]}', which is not in the list."
            if unknown
            else f"The half is '{halves[0]}'; expected 'select' or 'test'."
        )
    prompts = completions[["concept", "prompt_id", "half"]].drop_duplicates().sort_values(["half", "prompt_id"])
    if prompts.duplicated(["concept", "prompt_id"]).any():
        raise SteeringError("A prompt is in both halves of a concept; one half chooses the factor, the other tests it.")
    sizes = {tuple(group["half"].value_counts().sort_index().items()) for _, group in prompts.groupby("concept")}
    if len(sizes) > 1:
        raise SteeringError(
            f"Concepts have different numbers of prompts ({count(len(sizes), 'kind')} of halves); AxBench splits "
            "all of them alike, so run the missing ones."
        )
    prompts = prompts.assign(input_id=prompts.groupby("concept").cumcount())
    rows = completions.merge(prompts, on=["concept", "prompt_id", "half"], how="left")
    rows["factor"] = rows["factor"].astype(np.float64).mask(rows["method"].isin(UNDOSED))
    return rows.assign(concept_id=rows["concept"].astype(str).map(ids).astype(np.int64))


def _with_concepts(wide: pd.DataFrame, concepts: Sequence[AxBenchConcept]) -> pd.DataFrame:
    """The columns that AxBench's own file has before those of the methods (``create_eval_df``)."""
    of = {one.concept_id: one for one in concepts}
    found = [of[int(concept_id)] for concept_id in wide["concept_id"]]
    front = pd.DataFrame(
        {
            "dataset_name": "Steerscope",
            "concept_id": wide["concept_id"].astype(np.int64),
            "input_concept": [one.concept for one in found],
            "input_id": wide["input_id"].astype(np.int64),
            "factor": wide["factor"].astype(np.float64),
            "original_prompt": wide["prompt"],
            "steered_input": wide["prompt"],
            "input": wide["prompt"],
            "sae_link": [one.ref for one in found],
            "sae_id": [-1 if one.feature_id is None else one.feature_id for one in found],
        }
    )
    return pd.concat([front, wide.drop(columns=[*KEY, "prompt"])], axis=1)
