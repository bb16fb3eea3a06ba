"""A study drawn by hand: every kind of value that a study can hold, and no model."""

import numpy as np
from scipy.sparse import csc_array

from steering.conversation import ChatSupport
from steering.examples import LabelledExamples, split_examples
from steering.generation.completion import Completion, Receipt, WrittenFeature
from steering.hook_points import HookPoint
from steering.judges.score import Score
from steering.measures import Loop, Repetition
from steering.ranking import FeatureRank, FilterStep, Ranking, RankingSettings
from steering.ranking.run import RankingRun
from steering.statistics import FeatureStatistics
from steering.studies.answers import Answers
from steering.studies.content import Content
from steering.studies.study import About

LABELS = ("pirate", "=sea; and 'more'")


def drawn_examples() -> LabelledExamples:
    texts = [f"Arr {i}, ‘naïve’ 🏴‍☠️\nline\t{i}" if i % 2 else f"Plain {i}" for i in range(12)]
    labels = np.array([[i % 2 == 1, i % 3 == 0] for i in range(12)])
    prompts = [None if i % 4 == 0 else "" if i == 1 else f"Say {i}." for i in range(12)]
    return LabelledExamples.from_rows("Pirates", texts, labels, LABELS, prompts=prompts)


def drawn_run() -> RankingRun:
    examples = drawn_examples()
    split = split_examples(examples, heldout=0.25, seed=7)
    acts = csc_array(np.where(np.arange(12 * 8).reshape(12, 8) % 3 == 0, 0.1, 0.0).astype(np.float32))
    statistics = FeatureStatistics(
        frequency=acts,
        maximum=acts * np.float32(2),
        mean=acts * np.float32(0.5),
        n_tokens=np.arange(5, 17),
        max_act=np.linspace(0, 3, 8).astype(np.float32),
        density=np.full(8, 1 / 3, dtype=np.float32),
        resid_norm=1.1,
        n_truncated=2,
        n_without_text=1,
    )
    known = FeatureRank(
        5, LABELS[0], 0.1 + 0.2, 1 / 3, 0.9, 0.01, 4, 0.95, -1e-300, 5, 0.2, 2.5,
        f1c_heldout=0.5, auroc_heldout=0.8, interval=(0.6, 1.0), p_value=0.01, q_value=0.02, output_score=0.3,
        delta_confidence=float("nan"), top_tokens=(" arr", "\n", "`"), best_label=LABELS[1],
    )  # fmt: skip
    unknown = FeatureRank(2, LABELS[0], 0.0, 0.0, 0.0, 0.0, 0, 0.5, 0.0, 0, 0.0, 0.0)
    steps = (FilterStep("fires", True, 8, 6, None, "Fires on a positive."), FilterStep("top_k", False, 2, 0, 20.0, "K"))

    def ranking(label: str, features: tuple[FeatureRank, ...]) -> Ranking:
        settings = RankingSettings(pi0="auto", positions="sentence_ends", seed=7, heldout=0.25)
        return Ranking(label, features, steps, 0.25, 6, 6, 9, 3, 4, 2, 0.001, settings, ("Few positives.",))

    rankings = {LABELS[0]: ranking(LABELS[0], (known, unknown)), LABELS[1]: ranking(LABELS[1], ())}
    return RankingRun(
        examples,
        split,
        statistics,
        rankings,
        "demo",
        "layer2",
        "model.layers.2.output",
        None,
        ChatSupport(False, "No template."),
        HookPoint(2, "resid_post"),
    )


def drawn_completion(condition: int, prompt: str, text: str) -> Completion:
    steered = condition > 0
    receipt = Receipt(
        mode="add" if steered else None,
        scope="sentence_ends" if steered else None,
        features=(WrittenFeature(5, 0.4, 2.5, 1.0),) if steered else (),
        hook_module="model.layers.2.output" if steered else None,
        positions_edited_prompt=1,
        positions_edited_generated=2,
        positions_moved=3 * condition,
        share_of_resid_norm=0.1 + 0.2,
        kl=1e-17 if steered else 0.0,
        perplexity=None if steered else float("inf"),
        repetition=Repetition(4, 1.0, 0.5, 1 / 3, Loop(0, 0, 0)),
        bos_count=1,
        told_in=None,
        adapter="off",
        n_prompt_tokens=5,
        n_generated=3,
        finished="end",
        seed=11,
        sample=0,
        temperature=1.0,
        top_p=0.9,
        seconds=0.25,
        batch_size=4,
        versions={"torch": "2.13.0", "steerscope": "0.1.0"},
    )
    tokens = (*tuple(text), "")
    top = tuple(((token, 0.75), ("…", 1 / 3)) for token in tokens)
    kind = "steered" if steered else "baseline"
    return Completion(kind, condition, prompt, text, tuple(range(len(tokens))), tokens, top, receipt)


def drawn_answers(screen: str, *, judged: bool) -> Answers:
    prompts = ("Explain bread.", "<b>&amp; ‮x")
    found = tuple(
        drawn_completion(c, prompt, f"{'Arr' if c else 'Hm'} {i}") for c in (0, 1) for i, prompt in enumerate(prompts)
    )
    scores = tuple(Score(i % 3, 2, 1, (f"because {i}",)) for i in range(4)) if judged else ()
    request = {"prompts": list(prompts), "strength": {"factor": 0.4, "mode": "add"}}
    return Answers(screen, ("Baseline", "SAE"), request, found, "pirate" if judged else None, scores)  # type: ignore[arg-type]


RECIPE = '{"schema": 1, "model": {"source": "demo"}, "prompts": ["Explain bread."], "seed": 11}'


def drawn_content(*, recipe: str | None = RECIPE) -> Content:
    return Content(drawn_run(), (drawn_answers("steer", judged=False), drawn_answers("compare", judged=True)), recipe)


def drawn_about(title: str = "Pirates by feature 5", **changes: object) -> About:
    told: dict[str, object] = {
        "note": "A clean win.",
        "screen": "compare",
        "model": "demo",
        "sae": "layer2-1k-l0-64",
        "label": LABELS[0],
        "examples_title": "Pirates · 12 examples",
        "features": (5, 2),
        "feature_id": 5,
        "versions": {"steerscope": "0.1.0"},
    }
    return About(title=title, **(told | changes))  # type: ignore[arg-type]
