"""How is a report put together from what was measured? Plain values in, plain values out; no model is run here."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from steering.judges.score import Score
from steering.neuronpedia import feature_url
from steering.report.content import Answer, FeaturePart, HeatRow, PromptPart, RankedRow, RankingPart, Report
from steering.report.methods import summarise_methods
from steering.report.receipts import measures, moved_nothing, receipt_rows

if TYPE_CHECKING:
    from steering.generation.completion import Completion
    from steering.ranking import Ranking
    from steering.recipes import Recipe

SHOWN_FEATURES = 20
SHOWN_TOKENS = 10


def build_report(
    *,
    title: str,
    made: str,
    titles: Sequence[str],
    prompts: Sequence[str],
    count: int,
    completions: "Sequence[Completion]",
    scores: Sequence[Score] = (),
    judge: str | None = None,
    facts: Mapping[str, str],
    features: Sequence[FeaturePart] = (),
    ranking: "Ranking | None" = None,
    recipe: "Recipe | None" = None,
) -> Report:
    """A report of one comparison.

    Args:
        title: of the document.
        made: when, as text.
        titles: of the methods, baseline first.
        prompts: each answered by each method.
        count: samples per prompt and method.
        completions: methods outermost, then prompts, then samples.
        scores: one per completion, or none without a judge.
        judge: who scored.
        facts: name → value of what stands at the top.
        features: the chosen ones.
        ranking: how they were found.
        recipe: that runs it again.

    Raises:
        SteeringError: the numbers do not fit together.
    """
    from steering.recipes import write_recipe

    methods = summarise_methods(titles, len(prompts), count, completions, scores)

    def answers(method: int, prompt: int) -> tuple[Answer, ...]:
        start = (method * len(prompts) + prompt) * count
        return tuple(
            _answer(titles[method], completions[place], scores[place] if scores else None)
            for place in range(start, start + count)
        )

    return Report(
        title=title,
        made=made,
        facts=tuple(facts.items()),
        methods=methods,
        judge=judge if scores else None,
        prompts=tuple(
            PromptPart(prompt, tuple(answers(method, place) for method in range(len(titles))))
            for place, prompt in enumerate(prompts)
        ),
        features=tuple(features),
        ranking=None if ranking is None else ranking_part(ranking, [one.feature_id for one in features]),
        recipe=None if recipe is None else write_recipe(recipe),
        versions=tuple(sorted(completions[0].receipt.versions.items())) if completions else (),
    )


def feature_part(
    feature_id: int,
    *,
    mode: str,
    factor: float,
    max_act: float,
    ranking: "Ranking | None" = None,
    rows: Sequence[HeatRow] = (),
    neuronpedia_id: str | None = None,
) -> FeaturePart:
    """One chosen feature with what the ranking knows about it."""
    known = next((one for one in ranking.features if one.feature_id == feature_id), None) if ranking else None
    return FeaturePart(
        feature_id=feature_id,
        written=_written(mode, factor, max_act),
        promotes=(known.top_tokens or ())[:SHOWN_TOKENS] if known else (),
        max_act=max_act,
        rows=tuple(rows),
        address=feature_url(neuronpedia_id, feature_id) if neuronpedia_id else None,
    )


def ranking_part(ranking: "Ranking", chosen: Sequence[int]) -> RankingPart:
    """The head of a ranking; chosen features that stand further down are added at its end."""
    shown = [one for place, one in enumerate(ranking.features) if place < SHOWN_FEATURES or one.feature_id in chosen]
    held_out = bool(shown) and all(one.auroc_heldout is not None for one in shown)
    return RankingPart(
        label=ranking.label,
        n_positive=ranking.n_positive,
        n_negative=ranking.n_negative,
        noise_floor=ranking.null_f1c,
        held_out=held_out,
        n_features=len(ranking.features),
        warnings=ranking.warnings,
        rows=tuple(
            RankedRow(
                feature_id=one.feature_id,
                chosen=one.feature_id in chosen,
                promotes=" ".join(token.strip() for token in (one.top_tokens or ())[:6]),
                f1c=one.f1c,
                auroc=one.auroc_heldout if held_out else one.auroc,
                interval=one.interval,
                q_value=one.q_value,
                output_score=one.output_score,
                support=one.support,
                density=one.density,
            )
            for one in shown
        ),
    )


def _answer(method: str, completion: "Completion", score: Score | None) -> Answer:
    nothing = moved_nothing(completion)
    return Answer(
        method=method,
        text=completion.text,
        overall=None if score is None else score.overall,
        ratings=""
        if score is None
        else f"concept {score.concept} · instruction {score.instruction} · fluency {score.fluency}",
        reasons=() if score is None else score.reasons,
        measures=measures(completion) + (f" · {nothing}" if nothing else ""),
        receipt=receipt_rows(completion),
    )


def _written(mode: str, factor: float, max_act: float) -> str:
    if mode == "ablate":
        return "ablated"
    if mode == "scale":
        return f"scaled × {factor:g}"
    verb = {"add": "added", "clamp": "clamped to", "min_clamp": "raised to at least"}[mode]
    return f"{verb} {factor:g} × max_act = {factor * max_act:+.2f}"
