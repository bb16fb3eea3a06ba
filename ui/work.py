"""Which jobs do the screens start, and under which names do their results lie in the store?

Every function here returns at once. What it submits runs in the worker thread of the device, imports the heavy
libraries there, and never calls Streamlit.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import streamlit as st

from steering import runtime
from steering.errors import Cancelled, ExamplesError
from steering.jobs import Job
from ui.frame import update_menu
from ui.state import chosen, is_news, job_id, owner, set_job

if TYPE_CHECKING:
    from steering.activations import TokenActivations
    from steering.examples import LabelledExamples
    from steering.generation import Completion, Condition, Sampling
    from steering.judges.score import Score
    from steering.lora import Adapter, LoraSettings
    from steering.ranking import RankingSettings
    from steering.workbench import Loaded, RankingRun
    from ui.compare_view import Plan
    from ui.controls import Ask, Strength

DEVICE = "cpu"
_PAIR = ("model", "sae", "examples_id")
_DEPENDS = {
    "ranking": _PAIR,
    "heatmap": (*_PAIR, "ranking_id", "feature_id"),
    "lora": ("model", "examples_id", "label"),
    "steer": (*_PAIR, "label", "features"),
    "compare": (*_PAIR, "label", "features"),
}
"""Which of the session's choices a job of each kind was started for."""


def examples() -> "LabelledExamples | None":
    """The session's examples."""
    found: LabelledExamples | None = runtime.store.get("examples", chosen.examples_id)
    return found


def ranking_run() -> "RankingRun | None":
    """The session's latest ranking."""
    found: RankingRun | None = runtime.store.get("ranking", chosen.ranking_id)
    return found


def adapter() -> "Adapter | None":
    """The session's latest LoRA adapter."""
    found: Adapter | None = runtime.store.get("adapter", chosen.adapter_id)
    return found


def key_of(*parts: object) -> str:
    """A short name for a result that depends on ``parts`` and nothing else."""
    return blake2b(repr(parts).encode(), digest_size=9).hexdigest()


def submit(kind: str, title: str, work: Callable[[Job], Any], *, unit: str = "") -> Job:
    """Queue a job of this session and remember it as the latest of its kind.

    Raises:
        QueueFullError: this session, or everyone together, has too much waiting.
    """
    job = runtime.jobs().submit(work, title=title, owner=owner(), device=DEVICE, kind=kind, unit=unit)
    set_job(kind, job.id)
    st.session_state[f"steerscope.asked.{kind}"] = _asked(kind)
    return job


def latest(kind: str) -> Job | None:
    """The session's latest job of a kind, None if there was none or it is forgotten.

    A job that was started for other choices than those in force now is stopped and not shown: its result must not be
    taken for an answer to the present question.
    """
    id = job_id(kind)
    job = runtime.jobs().get(id) if id else None
    if job is not None and st.session_state.get(f"steerscope.asked.{kind}") != _asked(kind):
        job.cancel()
        return None
    return job


def _asked(kind: str) -> tuple[object, ...]:
    """The choices that a job of this kind depends on."""
    return tuple(getattr(chosen, name) for name in _DEPENDS[kind])


def _pair(job: Job, model: str, sae: str) -> Any:
    from steering.workbench import open_pair

    return open_pair(model, sae, device=DEVICE, should_stop=lambda: job.should_stop)


def start_ranking(settings: "RankingSettings") -> Job:
    """Read the session's examples once and rank the features for all of its labels; the result is a store id.

    Raises:
        ExamplesError: the session has no examples.
    """
    chosen_examples, model, sae = examples(), chosen.model, chosen.sae
    if chosen_examples is None:
        raise ExamplesError("There are no examples to rank for; bring some on the Examples screen.")
    read_id = key_of("statistics", chosen_examples.fingerprint, model, sae)
    id = key_of("ranking", read_id, asdict(settings))

    def work(job: Job) -> str:
        from steering.workbench import rank_examples

        if runtime.store.get("ranking", id) is None:
            job.tick(0, 0, "Opening the model")
            with _pair(job, model, sae) as loaded:
                run = rank_examples(
                    loaded,
                    chosen_examples,
                    settings,
                    statistics=runtime.store.get("statistics", read_id),
                    on_progress=lambda done, total, unit, what: job.tick(done, total, what, unit=unit),
                )
            runtime.store.put("statistics", read_id, run.statistics)
            runtime.store.put("ranking", id, run)
        return id

    return submit("ranking", "Ranking features", work, unit="tokens")


@dataclass(frozen=True, slots=True, eq=False)
class ShownExamples:
    """Rows of the examples with the activations of one feature on every token.

    Attributes:
        rows: places in the examples.
        tokens: one entry per row.
    """

    rows: tuple[int, ...]
    tokens: "tuple[TokenActivations, ...]"


def heatmap_id(feature_id: int, rows: tuple[int, ...]) -> str:
    """Store id (kind "heatmap") of one feature's activations on some rows of the session's ranking."""
    return key_of("heatmap", chosen.ranking_id, feature_id, rows)


def start_heatmap(run: "RankingRun", feature_id: int, rows: tuple[int, ...]) -> Job:
    """Read some examples again, token by token, for one feature."""
    id, model, sae = heatmap_id(feature_id, rows), chosen.model, chosen.sae

    def work(job: Job) -> str:
        from steering.activations import token_activations

        with _pair(job, model, sae) as loaded:
            found = token_activations(
                loaded.model,
                loaded.sae,
                [run.examples.texts[row] for row in rows],
                [run.examples.prompts[row] for row in rows],
                [feature_id],
                progress=lambda done, total: job.tick(done, total, "Reading tokens", unit="tokens"),
            )
        runtime.store.put("heatmap", id, ShownExamples(rows, tuple(found)))
        return id

    return submit("heatmap", f"Reading feature {feature_id}", work, unit="tokens")


@dataclass(frozen=True, slots=True, eq=False)
class Generated:
    """The completions of one request, with what was asked.

    Attributes:
        completions: conditions outermost, then prompts, then samples.
        titles: one per condition, as on the screen.
        prompts: as asked.
        count: samples per prompt and condition.
        seed: as asked.
        concept: what was judged, None where no judge knows it.
        scores: one per completion, empty without a judge.
    """

    completions: "tuple[Completion, ...]"
    titles: tuple[str, ...]
    prompts: tuple[str, ...]
    count: int
    seed: int
    concept: str | None = None
    scores: "tuple[Score, ...]" = ()

    def of(self, condition: int, prompt: int) -> "tuple[Completion, ...]":
        """The samples of one condition for one prompt."""
        return self.completions[self._places(condition, prompt)]

    def scores_of(self, condition: int, prompt: int) -> "tuple[Score, ...]":
        """Their scores; empty without a judge."""
        return self.scores[self._places(condition, prompt)]

    def _places(self, condition: int, prompt: int) -> slice:
        start = (condition * len(self.prompts) + prompt) * self.count
        return slice(start, start + self.count)


def start_generation(
    kind: str,
    titles: tuple[str, ...],
    conditions: "Callable[[Loaded], list[Condition]]",
    prompts: tuple[str, ...],
    *,
    sampling: "Callable[[], Sampling]",
    seed: int,
    count: int = 1,
    concept: str | None = None,
) -> Job:
    """Complete every prompt under every condition; every token is emitted as an event, the result is a store id.

    Args:
        kind: "steer" or "compare"; store kind of the result and kind of the job.
        titles: of the conditions.
        conditions: builds them in the worker, where the model is.
        prompts: completed under each condition.
        sampling: builds the sampling settings in the worker.
        seed: of the request.
        count: samples per prompt and condition.
        concept: judged where a judge knows it.
    """
    model, sae = chosen.model, chosen.sae

    def work(job: Job) -> str:
        from steering.generation import generate
        from steering.judges.choice import judge_for

        settings = sampling()
        total = len(titles) * len(prompts) * count * settings.max_new_tokens
        job.tick(0, total, "Opening the model", unit="tokens")
        seen = 0

        with _pair(job, model, sae) as loaded:
            built = conditions(loaded)

            def on_token(token: Any) -> None:
                nonlocal seen
                seen += 1
                job.emit(token)
                with suppress(Cancelled):  # a stop keeps what was written so far: the loop asks should_stop itself
                    job.tick(seen, total, "Writing", unit="tokens")

            found = generate(
                loaded.model,
                built,
                prompts,
                sae=loaded.sae,
                sampling=settings,
                seed=seed,
                count=count,
                on_token=on_token,
                should_stop=lambda: job.should_stop,
            )
        judge = judge_for(model, concept)
        scores = tuple(judge.score(str(concept), one.prompt, one.text) for one in found) if judge else ()
        made = Generated(tuple(found), titles, prompts, count, seed, concept if judge else None, scores)
        return runtime.store.put(kind, None, made)

    return submit(kind, "Writing completions", work, unit="tokens")


STEER_TITLES = ("Baseline", "Steered")


def start_steering(strength: "Strength", ask: "Ask", label: str) -> Job:
    """Baseline and steered answers to the same prompts under the same seed."""

    def conditions(_loaded: "Loaded") -> "list[Condition]":
        from steering.generation import Condition

        return [Condition("baseline"), Condition("steered", intervention=strength.intervention())]

    return start_generation(
        "steer", STEER_TITLES, conditions, ask.prompts, sampling=ask.sampling, seed=ask.seed, count=ask.count,
        concept=label,
    )  # fmt: skip


def start_comparison(plan: "Plan", ask: "Ask", label: str, run: "RankingRun") -> Job:
    """Every method of the plan on the same prompts under the same seed."""
    trained = adapter()
    direction_id = key_of("direction", chosen.ranking_id, label)

    def conditions(loaded: "Loaded") -> "list[Condition]":
        from steering.generation import Condition
        from steering.workbench import difference_direction

        direction = runtime.store.get("direction", direction_id)
        if direction is None:
            direction = difference_direction(loaded, run.examples, label, run.split)
            runtime.store.put("direction", direction_id, direction)
        built = {
            "Baseline": lambda: Condition("baseline"),
            "Prompted": lambda: Condition("prompted", instruction=plan.instruction),
            "DiffMean": lambda: Condition("diffmean", direction=direction, factor=plan.diff_mean_factor),
            "SAE": lambda: Condition("steered", intervention=plan.strength.intervention()),
            "LoRA": lambda: Condition("adapted", adapter=trained, factor=plan.lora_factor),
        }
        return [built[title]() for title in plan.titles]

    return start_generation(
        "compare", plan.titles, conditions, ask.prompts, sampling=ask.sampling, seed=ask.seed, count=ask.count,
        concept=label,
    )  # fmt: skip


def taken(kind: str) -> Generated | None:
    """The completions of the session's latest job of a kind; what was written before a stop counts too."""
    job = latest(kind)
    if job is not None and not job.active:
        id = job.result or job.partial
        # Once per job: a later choice of features takes these answers away, and they must not come back.
        if isinstance(id, str) and is_news(f"taken_{kind}", id):
            if kind == "steer":
                chosen.completions_id, chosen.steer_title = id, "Steered answers written"
                update_menu()
            else:
                chosen.comparison_id, chosen.comparison_title = id, "Methods compared"
                update_menu()
    found: Generated | None = runtime.store.get(
        kind, chosen.completions_id if kind == "steer" else chosen.comparison_id
    )
    return found


def start_lora(settings: "LoraSettings", label: str, run: "RankingRun") -> Job:
    """Train a LoRA adapter on the positives of the ranking's training part; emits (step, total, loss)."""
    id = key_of(
        "adapter", run.examples.fingerprint, chosen.model, label, asdict(settings), run.split.seed, run.split.fraction
    )
    model = chosen.model

    def work(job: Job) -> str:
        from steering.workbench import open_model, train_adapter

        def on_step(step: int, total: int, loss: float) -> None:
            job.emit((step, total, loss))
            job.tick(step, total, f"Loss {loss:.3f}", unit="steps")

        with open_model(model, device=DEVICE, should_stop=lambda: job.should_stop) as network:
            trained = train_adapter(network, run.examples, label, run.split.train, settings, on_step=on_step)
        return runtime.store.put("adapter", id, trained)

    return submit("lora", "Training LoRA", work, unit="steps")
