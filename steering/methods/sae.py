"""Which features does each way of selecting choose? From AxBench's label search to the paper's supervised pipeline."""

import re
from dataclasses import asdict

import numpy as np

from steering.effects import logit_lens
from steering.errors import ExamplesError
from steering.methods.features import steering_with
from steering.methods.task import Prepared, Task
from steering.ranking import FeatureRank, RankingSettings
from steering.scores.auroc import auroc
from steering.workbench import rank_examples

TOP_K = 3
NEAR_BEST = 0.7
"""A causal filter may only choose among features whose F1c is at least this share of the best: multiplied with F1c, the
output score picks features that detect nothing (measured on a prototype world)."""
MIN_OUTPUT_SCORE = 1e-3
_WORD = re.compile(r"[^\W\d_]{4,}")
_EMPTY_WORDS = frozenset(
    ("that", "with", "from", "into", "this", "their", "answer", "written", "beside", "other", "than")
)


def _ranked(task: Task, *, with_effects: bool) -> tuple[FeatureRank, ...]:
    """The features, best by F1c first; a task is ranked once with and once without effects."""
    if with_effects not in task.ranked:
        task.ranked[with_effects] = _rank(task, with_effects=with_effects)
    return task.ranked[with_effects]


def _rank(task: Task, *, with_effects: bool) -> tuple[FeatureRank, ...]:
    # Only the order is used: nothing is resampled, and the split is the task's own. The prior is chosen inside the
    # training part, as in the paper: a text has few sentence ends, and at a fixed small prior one false alarm among the
    # negatives would put a feature of the whole plan behind one that fires on a few positives.
    settings = RankingSettings(
        pi0="auto",
        seed=task.split.seed,
        heldout=task.split.fraction,
        positions=task.positions,
        n_permutations=1,
        n_resamples=1,
    )
    run = rank_examples(
        task.loaded, task.examples, settings, label=task.label, statistics=task.statistics, with_effects=with_effects
    )
    features = tuple(one for one in run.rankings[task.label].features if task.max_act(one.feature_id) > 0)
    if not features:
        raise ExamplesError(f"No feature passes the filters for {task.label!r}; give more examples or another SAE.")
    return features


def _near_best(features: tuple[FeatureRank, ...]) -> list[FeatureRank]:
    return [one for one in features if one.f1c >= NEAR_BEST * features[0].f1c]


def _with(method: str, task: Task, chosen: FeatureRank) -> Prepared:
    details = {
        key: value for key, value in asdict(chosen).items() if key in ("f1c", "auroc", "output_score", "density")
    }
    return steering_with(method, task, [chosen.feature_id], details=details)


def sae_f1c(task: Task) -> Prepared:
    """The feature with the best calibrated F1: interpretability alone (the paper's claim ii)."""
    return _with("sae_f1c", task, _ranked(task, with_effects=False)[0])


def sae_f1c_output(task: Task) -> Prepared:
    """Among features about as good by F1c, the best that also promotes its own words (Arad et al.).

    Raises:
        ExamplesError: the filter leaves none. Such a concept counts as dropped; taking an unfiltered feature instead
            would be `sae_f1c` under another name.
    """
    near = _near_best(_ranked(task, with_effects=True))
    passing = [one for one in near if (one.output_score or 0.0) >= MIN_OUTPUT_SCORE]
    if not passing:
        raise ExamplesError(
            f"None of the {len(near)} features for {task.label!r} promotes its own words (output score of at least "
            f"{MIN_OUTPUT_SCORE:g}); the filter drops this label."
        )
    return _with("sae_f1c_output", task, passing[0])


def sae_f1c_confidence(task: Task) -> Prepared:
    """Among features about as good by F1c, the one that moves the next token's confidence most (Wang et al.)."""
    near = _near_best(_ranked(task, with_effects=True))
    return _with("sae_f1c_confidence", task, max(near, key=lambda one: abs(one.delta_confidence or 0.0)))


def sae_topk(task: Task) -> Prepared:
    """The best features by F1c together, on the budget of one."""
    features = _ranked(task, with_effects=False)[:TOP_K]
    return steering_with("sae_topk", task, [one.feature_id for one in features], details={"k": TOP_K})


def sae_auroc(task: Task) -> Prepared:
    """AxBench's SAE-A: max-pooled codes, the feature with the largest AUROC on the training examples."""
    rows = task.split.train
    positive = task.examples.label(task.label)[rows]
    values = auroc(task.statistics.maximum[rows], positive)
    values[[task.max_act(one) <= 0 for one in range(len(values))]] = 0.0
    chosen = int(np.argmax(values))
    return steering_with("sae_auroc", task, [chosen], details={"auroc": float(values[chosen])})


def label_words(text: str) -> frozenset[str]:
    """The words of a concept's description that say something, in lower case."""
    return frozenset(word for word in _WORD.findall(text.lower()) if word not in _EMPTY_WORDS)


def sae_label(task: Task) -> Prepared:
    """AxBench's "SAE": the feature whose automatic label fits the concept's words best.

    Its label is what the feature promotes in the logit lens, so no example is used. Scored by the lens probability of
    tokens that begin a word of the concept's description.
    """
    model, sae = task.loaded.model, task.loaded.sae
    words = label_words(_description(task))
    texts = [text.strip().lower() for text in model.tokenizer.batch_decode([[one] for one in range(model.vocab_size)])]
    hits = [
        place for place, text in enumerate(texts) if len(text) >= 4 and any(word.startswith(text) for word in words)
    ]
    if not hits:
        raise ExamplesError(f"No token begins a word of {_description(task)!r}; sae_label cannot choose a feature.")
    best, chosen = -1.0, 0
    for start in range(0, sae.d_sae, 1_024):
        ids = range(start, min(start + 1_024, sae.d_sae))
        scores = logit_lens(model, sae.decoder(slice(ids.start, ids.stop))).softmax(dim=-1)[:, hits].sum(dim=-1)
        for place, score in enumerate(scores.tolist()):
            if score > best and task.max_act(ids[place]) > 0:
                best, chosen = score, ids[place]
    return steering_with("sae_label", task, [chosen], details={"lens_probability": best})


def _description(task: Task) -> str:
    from steering.presets import is_world_model

    if not is_world_model(task.loaded.model.name):
        return task.concept
    from steering.world.concepts import concept

    found = concept(task.concept)
    return f"{found.title} {found.description}"
