"""How is one concept steered by one method under one seed, from its examples to scored completions?

    1. the method is fitted to the concept's examples
    2. every selection prompt is completed at every factor of the grid, and judged
    3. the factor with the best mean overall score is chosen, the first of several
    4. every test prompt is completed, at every factor or at the chosen one, and judged

Batches depend on the settings alone, never on what else runs, so a unit gives the same rows whoever computes it.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from steering.benchmark.bench import Bench
from steering.benchmark.judging import knows_the_truth
from steering.benchmark.rows import Header, Row
from steering.benchmark.settings import Unit
from steering.benchmark.sources import HALVES, Half
from steering.errors import Cancelled, JudgeError
from steering.evidence.protocol import choose_factor
from steering.generation import Completion, Sampling, generate
from steering.judges.batch import score_all
from steering.judges.rows import JudgedRow, RowToJudge
from steering.judges.rubric import Outcome
from steering.judges.score import Score
from steering.methods.registry import method
from steering.methods.task import Prepared

_Scored = list[list[list[tuple[Completion, Score]]]]
"""By factor, prompt and sample."""
MOST_UNREADABLE = 0.25
"""Share of a half's ratings that may count 0 because the reply was none. AxBench's rule is meant for a few odd replies;
where a judge cannot rate, every method would score 0 and the table would look like a result."""


class UnratedError(JudgeError):
    """A judge's replies are no ratings, or not enough of them.

    Attributes:
        replies: how often each outcome was met.
    """

    def __init__(self, message: str, replies: Mapping[Outcome, int]) -> None:
        super().__init__(message)
        self.replies = dict(replies)


def run_unit(bench: Bench, unit: Unit, *, key: str) -> tuple[list[Row], Header]:
    """Compute a unit.

    Args:
        bench: what is held open.
        unit: which.
        key: of the run, for the part's header.

    Returns:
        A row per completion: half, factor, prompt, sample, in this order; and what the part says about itself.

    Raises:
        SteeringError: the method cannot be had for this concept, the model cannot be written that far, or the judge
            gave no answer, or mostly none that can be read.
        Cancelled: the bench was told to stop.
    """
    started = time.perf_counter()
    task = bench.task(unit.concept, unit.seed)
    prepared = method(unit.method).prepare(task)
    scored: dict[Half, _Scored] = {}
    factors: dict[Half, tuple[float, ...]] = {"select": prepared.factors, "test": prepared.factors}
    replies: Counter[Outcome] = Counter()
    scored["select"] = _complete(bench, unit, prepared, prepared.factors, "select", replies)
    overall = np.array([[s.overall for row in of_factor for _, s in row] for of_factor in scored["select"]])
    chosen = choose_factor(np.array(prepared.factors), overall)
    if bench.settings.test_factors == "chosen":
        factors["test"] = (chosen,)
    scored["test"] = _complete(bench, unit, prepared, factors["test"], "test", replies)
    rows = [row for half in HALVES for row in _rows(bench, unit, prepared, factors[half], half, scored[half], chosen)]
    judged = {"judge": dict(sorted(replies.items()))} if replies else {}
    found = next(one for of_factor in scored["select"] for row in of_factor for one, _ in row)
    header = Header(
        key=key,
        concept=unit.concept,
        seed=unit.seed,
        method=unit.method,
        weights=bench.weights,
        sae=bench.loaded.sae.metadata.sha256 or "",
        seconds=round(time.perf_counter() - started, 3),
        versions=found.receipt.versions,
        device=str(bench.loaded.model.device),
        details={"unit": prepared.unit, "chosen": chosen, **prepared.details, **judged},
        code=bench.code,
    )
    return rows, header


def _complete(
    bench: Bench,
    unit: Unit,
    prepared: Prepared,
    factors: Sequence[float],
    half: Half,
    replies: Counter[Outcome],
) -> _Scored:
    """Complete and judge every prompt of a half at every factor; how ratings came about is counted in ``replies``."""
    settings = bench.settings
    prompts = bench.source.prompts(unit.concept, half)
    sampling = Sampling(settings.max_new_tokens, settings.temperature)
    found: list[list[list[Completion]]] = [[] for _ in factors]
    for some_factors, some_prompts in batches(len(factors), len(prompts), settings.samples, settings.batch_size):
        completions = generate(
            bench.loaded.model,
            [prepared.at(factors[place]) for place in some_factors],
            [prompts[place] for place in some_prompts],
            sae=bench.loaded.sae,
            sampling=sampling,
            seed=unit.seed,
            count=settings.samples,
            with_tokens=False,
            should_stop=bench.should_stop,
        )
        if any(one.receipt.finished == "stopped" for one in completions):
            raise Cancelled
        rest = iter(completions)
        for place in some_factors:
            found[place] += [[next(rest) for _ in range(settings.samples)] for _ in some_prompts]
    flat = [one for of_factor in found for row in of_factor for one in row]
    judged = _judge(bench, unit.concept, flat, replies)
    scores = iter([row.score for row in judged if row.score is not None])
    return [[[(one, next(scores)) for one in row] for row in of_factor] for of_factor in found]


def batches(n_factors: int, n_prompts: int, samples: int, size: int) -> Iterator[tuple[range, range]]:
    """Which factors and which prompts are completed together, in the order of factors, then prompts.

    As many whole factors as fit; where not even one does, a factor's prompts are divided; a prompt's samples never are.
    """
    rows = n_prompts * samples
    if rows <= size:
        together = size // rows
        for start in range(0, n_factors, together):
            yield range(start, min(start + together, n_factors)), range(n_prompts)
        return
    together = max(1, size // samples)
    for place in range(n_factors):
        for start in range(0, n_prompts, together):
            yield range(place, place + 1), range(start, min(start + together, n_prompts))


def _judge(bench: Bench, concept: str, completions: Sequence[Completion], replies: Counter[Outcome]) -> list[JudgedRow]:
    """Judge completions, each of which has a score afterwards; outcomes are counted in ``replies``."""
    named = concept if knows_the_truth(bench.settings.judge) else bench.source.words(concept)
    asked = [RowToJudge(named, one.prompt, one.text) for one in completions]
    judged = score_all(bench.judge, asked, should_stop=bench.should_stop)
    replies.update(rating.outcome for row in judged for rating in row.ratings)
    missing = [row for row in judged if row.score is None]
    if missing:
        if bench.should_stop is not None and bench.should_stop():
            raise Cancelled
        ratings = [rating for row in missing for rating in row.ratings if rating.outcome in ("failed", "cut_off")]
        is_cut = any(rating.outcome == "cut_off" for rating in ratings)
        raise UnratedError(
            f"The judge gave no rating for {len(missing)} of {len(judged)} completions"
            f"{f' ({ratings[0].reason})' if ratings else ''}; "
            f"{'resume the run with longer replies (--judge-max-tokens)' if is_cut else 'resume the run later'}.",
            replies,
        )
    ratings = [rating for row in judged for rating in row.ratings if rating.outcome != "empty"]
    unreadable = [rating for rating in ratings if rating.outcome in ("unparsable", "out_of_range")]
    if len(unreadable) > MOST_UNREADABLE * len(ratings):
        raise UnratedError(
            f"{len(unreadable)} of {len(ratings)} replies of the judge are no rating, such as this one: "
            f"{unreadable[0].reason} Name a judge that keeps to the form.",
            replies,
        )
    return judged


def _rows(
    bench: Bench,
    unit: Unit,
    prepared: Prepared,
    factors: Sequence[float],
    half: Half,
    scored: _Scored,
    chosen: float,
) -> Iterator[Row]:
    first = 0 if half == "select" else bench.settings.n_select
    split = bench.source.split_of(unit.concept)
    for factor, of_factor in zip(factors, scored, strict=True):
        for place, of_prompt in enumerate(of_factor):
            for sample, (completion, score) in enumerate(of_prompt):
                receipt = completion.receipt
                yield Row(
                    model=bench.settings.model,
                    method=unit.method,
                    concept=unit.concept,
                    split=split,
                    seed=unit.seed,
                    prompt_id=first + place,
                    half=half,
                    factor=float(factor),
                    selected=factor == chosen,
                    concept_score=score.concept,
                    instruction_score=score.instruction,
                    fluency_score=score.fluency,
                    overall=score.overall,
                    kl=receipt.kl,
                    sample=sample,
                    slider=float(factor * prepared.unit),
                    share_of_resid_norm=receipt.share_of_resid_norm,
                    perplexity=receipt.perplexity,
                    distinct_2=receipt.repetition.distinct_2,
                    is_looping=receipt.repetition.is_looping,
                    n_generated=receipt.n_generated,
                    finished=receipt.finished,
                    prompt=completion.prompt,
                    text=completion.text,
                    reasons="\n".join(score.reasons),
                )
