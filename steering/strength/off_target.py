"""Which other features, and which other concepts, move when some features are written?

Baseline and steered answers are read by the *untouched* model and encoded by the SAE, the answers' own eligible tokens
alone: what is seen is what stands in the text, not the edit itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int

from steering.activations import batches_by_length, encode_examples, read_resid, token_activations
from steering.encoding import EncodedText, pad_left
from steering.errors import SteeringError
from steering.evidence.confusion import off_target
from steering.generation import Completion, Condition, Sampling
from steering.interventions import Intervention
from steering.judges.score import Judge
from steering.strength.moved import FEWEST_PROMPTS, Movement, firing_columns, movement
from steering.strength.sweep import Progress, complete
from steering.tally import Tally
from steering.workbench import Loaded

N_SHOWN = 20
"""Features whose tokens are read again, to be shown as examples."""
N_TOKENS = 5


@dataclass(frozen=True, slots=True, eq=False)
class OffTarget:
    """What moved between untouched and steered answers to the same prompts.

    Attributes:
        prompts: that were answered, and whose answers had tokens.
        n_features: of the SAE.
        n_firing: features that fire in any of the answers.
        features: a row per feature that fires, the most moved first: ``feature_id``, ``untouched`` and ``steered``
            (share of an answer's tokens on which it fires, mean over answers), ``difference`` with ``low`` and
            ``high``, ``moved``, ``mean_change`` (of the activation over all tokens, the feature's own units),
            ``written`` (whether it is one of the intervention's) and ``tokens`` where it fires most.
        by_chance: features that move so between two untouched sets.
        largest_by_chance: the largest difference among them.
        concepts: the same of the world's concepts: ``concept``, ``untouched`` and ``steered`` (mean rating, 0 to 2),
            ``difference``, ``low``, ``high``, ``moved``, ``meant``; None where no judge knows concepts.
        concepts_by_chance: as ``by_chance``; None likewise.
        on_target: shares of the steered answers that carry the meant concept most (``on_target``), as much as another
            (``tied``), less (``off_target``), or none at all (``nothing``); None where no judge knows the concept.
        answers: (prompt, untouched, steered) texts, one for each prompt.
    """

    prompts: tuple[str, ...]
    n_features: int
    n_firing: int
    features: pd.DataFrame
    by_chance: int
    largest_by_chance: float
    concepts: pd.DataFrame | None
    concepts_by_chance: int | None
    on_target: dict[str, float] | None
    answers: tuple[tuple[str, str, str], ...]


def what_moved(
    loaded: Loaded,
    intervention: Intervention,
    prompts: Sequence[str],
    *,
    judge: Judge | None = None,
    concepts: Sequence[str] = (),
    meant: str | None = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> OffTarget:
    """Answer prompts untouched, steered, and untouched under the next seed, and compare what stands in the answers.

    Args:
        loaded: model and SAE.
        intervention: what is written.
        prompts: at least three.
        judge: that knows ``concepts``, None where nobody does.
        concepts: to be rated in every answer.
        meant: the one that is steered for, where it is among them.
        sampling: how answers are drawn.
        seed: of the first two sets.
        on_progress: told answers, then tokens.
        should_stop: asked before every token.

    Raises:
        SteeringError: too few prompts, or too few answers with tokens.
        Cancelled: ``should_stop`` said so.
    """
    if len(prompts) < FEWEST_PROMPTS:
        raise SteeringError(
            f"{len(prompts)} prompts are too few to tell what moved from chance; ask at least {FEWEST_PROMPTS}."
        )
    options: dict[str, Any] = {
        "sampling": sampling, "measured": False, "on_progress": on_progress, "should_stop": should_stop
    }  # fmt: skip
    baseline = Condition("baseline")
    first = complete(
        loaded, [baseline, Condition("steered", intervention=intervention)], prompts, seed=seed,
        what="Answering", **options,
    )  # fmt: skip
    second = complete(loaded, [baseline], prompts, seed=seed + 1, what="Answering under another seed", **options)
    sets = [[rows[0] for rows in of_condition] for of_condition in (first[0], first[1], second[0])]
    whole = [place for place in range(len(prompts)) if all(some[place].text for some in sets)]
    if len(whole) < FEWEST_PROMPTS:
        raise SteeringError(
            f"Only {len(whole)} of {len(prompts)} prompts were answered at all under every condition; take a smaller "
            "factor, or more prompts."
        )
    untouched, steered, again = ([some[place] for place in whole] for some in sets)
    frequency, mean = zip(*(read_answers(loaded, some) for some in (untouched, steered, again)), strict=True)
    columns = firing_columns(frequency)
    found = movement(frequency[1][:, columns], frequency[0][:, columns], frequency[2][:, columns])
    table = _table(found, columns, frequency, mean, intervention)
    table["tokens"] = pd.Series(_tokens(loaded, table, untouched, steered, on_progress), dtype=object)
    rated, rated_by_chance, on_target = None, None, None
    if judge is not None and concepts:
        rated, rated_by_chance, on_target = _rate(judge, concepts, meant, untouched, steered, again)
    return OffTarget(
        prompts=tuple(prompts[place] for place in whole),
        n_features=loaded.sae.d_sae,
        n_firing=len(columns),
        features=table,
        by_chance=found.by_chance,
        largest_by_chance=found.largest_by_chance,
        concepts=rated,
        concepts_by_chance=rated_by_chance,
        on_target=on_target,
        answers=tuple((one.prompt, one.text, other.text) for one, other in zip(untouched, steered, strict=True)),
    )


def read_answers(
    loaded: Loaded, completions: Sequence[Completion]
) -> tuple[Float[np.ndarray, "n_answers d_sae"], Float[np.ndarray, "n_answers d_sae"]]:
    """Firing frequency and mean activation of every feature over each answer's eligible tokens.

    The prompt is read and does not count: it is the same under every condition, and beside a longer answer it would
    weigh less.
    """
    model, sae = loaded.model, loaded.sae
    encoded = encode_examples(model, [one.text for one in completions], [one.prompt for one in completions])
    encoded = [_answer_only(text) for text in encoded]
    tally = Tally(sae, np.array([max(1, sum(text.eligible)) for text in encoded], dtype=np.int64))
    for rows in batches_by_length(encoded):
        batch = pad_left([encoded[row] for row in rows], pad_id=model.tokenizer.pad_token_id or 0, device=model.device)
        resid = read_resid(model, sae.hook_point, batch)[batch.eligible]
        examples = torch.tensor(rows, device=resid.device)[batch.eligible.nonzero()[:, 0]]
        tally.add(resid, examples, torch.ones_like(examples, dtype=torch.bool))
    frequency, _, mean = tally.matrices()
    return frequency.toarray(), mean.toarray()


def _answer_only(text: EncodedText) -> EncodedText:
    """The same text with the eligible tokens of its last content alone."""
    before = sum(text.eligible) - text.n_last
    seen, eligible = 0, []
    for one in text.eligible:
        seen += one
        eligible.append(one and seen > before)
    return replace(text, eligible=tuple(eligible))


def _table(
    found: Movement,
    columns: Int[np.ndarray, " n"],
    frequency: Sequence[Float[np.ndarray, "n_answers d_sae"]],
    mean: Sequence[Float[np.ndarray, "n_answers d_sae"]],
    intervention: Intervention,
) -> pd.DataFrame:
    written = [feature.feature_id for feature in intervention.features]
    table = pd.DataFrame(
        {
            "feature_id": columns,
            "untouched": frequency[0][:, columns].mean(axis=0),
            "steered": frequency[1][:, columns].mean(axis=0),
            "difference": found.difference,
            "low": found.low,
            "high": found.high,
            "moved": found.moved,
            "mean_change": (mean[1] - mean[0])[:, columns].mean(axis=0),
            "written": np.isin(columns, written),
        }
    )
    return table.iloc[found.order].reset_index(drop=True)


def _tokens(
    loaded: Loaded,
    table: pd.DataFrame,
    untouched: Sequence[Completion],
    steered: Sequence[Completion],
    on_progress: Progress | None,
) -> list[tuple[str, ...]]:
    """For the first rows of the table, tokens on which the feature fires most in either set of answers."""
    ids = table["feature_id"].head(N_SHOWN).tolist()
    found: list[tuple[str, ...]] = [()] * len(table)
    if not ids:
        return found
    answers = [*untouched, *steered]
    read = token_activations(
        loaded.model, loaded.sae, [one.text for one in answers], [one.prompt for one in answers], ids,
        progress=lambda done, total: on_progress(done, total, "tokens", "Reading tokens") if on_progress else None,
    )  # fmt: skip
    for place in range(len(ids)):
        best: dict[str, float] = {}
        for text in read:
            for token, value in zip(text.tokens, text.values[:, place].tolist(), strict=True):
                if value > best.get(token.strip(), 0.0):
                    best[token.strip()] = value
        found[place] = tuple(sorted((one for one in best if one), key=lambda one: -best[one])[:N_TOKENS])
    return found


def _rate(
    judge: Judge,
    concepts: Sequence[str],
    meant: str | None,
    untouched: Sequence[Completion],
    steered: Sequence[Completion],
    again: Sequence[Completion],
) -> tuple[pd.DataFrame, int, dict[str, float] | None]:
    ratings = [
        np.array([[judge.score(name, one.prompt, one.text).concept for name in concepts] for one in some], dtype=float)
        for some in (untouched, steered, again)
    ]
    found = movement(ratings[1], ratings[0], ratings[2])
    table = pd.DataFrame(
        {
            "concept": list(concepts),
            "untouched": ratings[0].mean(axis=0),
            "steered": ratings[1].mean(axis=0),
            "difference": found.difference,
            "low": found.low,
            "high": found.high,
            "moved": found.moved,
            "meant": [name == meant for name in concepts],
        }
    )
    shares = None
    if meant in concepts:
        texts = off_target([str(meant)] * len(steered), pd.DataFrame(ratings[1], columns=list(concepts)))
        shares = {str(name): float(value) for name, value in texts.drop(columns="n_texts").iloc[0].items()}
    return table.iloc[found.order].reset_index(drop=True), found.by_chance, shares
