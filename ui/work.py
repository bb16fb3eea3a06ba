"""Which jobs do the screens start, and under which names do their results lie in the store?

Every function here returns at once. What it submits runs in the worker thread of the device, imports the heavy
libraries there, and never calls Streamlit.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import streamlit as st

from steering import runtime
from steering.conversation import Conversation, Turn
from steering.errors import Cancelled, ExamplesError, SteeringError
from steering.jobs import Job
from steering.outlook import device_of
from ui.frame import update_menu
from ui.pair_before import note_refusal, pair_name
from ui.state import chosen, is_news, job_id, owner, set_job

if TYPE_CHECKING:
    from steering.activations import TokenActivations
    from steering.directions.direction import Direction
    from steering.examples import LabelledExamples
    from steering.generation import Completion, Condition
    from steering.judges.score import Score
    from steering.lora import Adapter, LoraSettings
    from steering.memory import SaeDtype
    from steering.models import Dtype
    from steering.ranking import RankingSettings
    from steering.workbench import Loaded, RankingRun
    from ui.compare_view import Plan
    from ui.controls import Ask, Strength

_PLACE = ("device", "dtype", "sae_dtype")
_PAIR = ("model", "sae", *_PLACE, "examples_id")
_DEPENDS = {
    "ranking": _PAIR,
    "labels": _PAIR,
    "sources": ("model", "sae", *_PLACE),
    "heatmap": (*_PAIR, "ranking_id", "feature_id"),
    "lora": ("model", *_PLACE, "examples_id", "label"),
    "steer": (*_PAIR, "label", "features"),
    "compare": (*_PAIR, "label", "features"),
    "converse": ("model", "sae", *_PLACE),
    "strength": (*_PAIR, "label", "features"),
    "moved": (*_PAIR, "label", "features"),
    "dose": (*_PAIR, "label", "features", "adapter_id"),
}
"""Which of the session's choices a job of each kind was started for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the session's model runs.

    Attributes:
        device: a torch device, never ``auto``.
        dtype: number format of the weights, or ``auto``.
        sae_dtype: what the SAE's matrices are kept in.
    """

    device: str
    dtype: "Dtype"
    sae_dtype: "SaeDtype" = "float32"


def place() -> Place:
    """Where the session's model runs now; a job takes it along, as it takes the model."""
    kept = chosen.sae_dtype
    ready = runtime.warmth().ready
    found = device_of(chosen.model, chosen.sae, chosen.device, chosen.dtype, sae_dtype=kept, measure=ready)
    return Place(found, chosen.dtype, kept)


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


def adapter_is_coming() -> bool:
    """Whether the adapter of an opened study is still being read; the worker reads it before any request."""
    job = latest("lora")
    id = chosen.adapter_id
    return id is not None and id.startswith("study.") and adapter() is None and job is not None and job.active


def key_of(*parts: object) -> str:
    """A short name for a result that depends on ``parts`` and nothing else."""
    return blake2b(repr(parts).encode(), digest_size=9).hexdigest()


def submit(kind: str, title: str, work: Callable[[Job], Any], *, unit: str = "", request: object = None) -> Job:
    """Queue a job of this session in the place of the latest of its kind, which is stopped.

    Args:
        kind: see `latest`.
        title: what the screen calls it.
        work: what to do.
        unit: what its ticks count.
        request: what was asked for; `request_of` gives it back for as long as the job is the latest of its kind.

    Raises:
        QueueFullError: this session, or everyone together, has too much waiting.
    """
    job = runtime.jobs().submit(work, title=title, owner=owner(), device=place().device, kind=kind, unit=unit)
    previous = runtime.jobs().get(job_id(kind))
    if previous is not None:
        previous.cancel()
    set_job(kind, job.id)
    st.session_state[f"steerscope.asked.{kind}"] = _asked(kind)
    st.session_state[f"steerscope.request.{kind}"] = request
    return job


def request_of(kind: str) -> Any:
    """What the latest job of a kind was asked for, None without such a job."""
    return st.session_state.get(f"steerscope.request.{kind}") if latest(kind) is not None else None


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


@contextmanager
def pair(job: Job, model: str, sae: str, at: Place) -> "Iterator[Loaded]":
    """Hold a model and its SAE inside a job, which tells how far a download is and can be stopped meanwhile."""
    from steering.workbench import open_pair

    name = pair_name(job.owner, model, sae, at.device, at.dtype, at.sae_dtype)
    opened = open_pair(
        model,
        sae,
        device=at.device,
        dtype=at.dtype,
        sae_dtype=at.sae_dtype,
        should_stop=lambda: job.should_stop,
        on_progress=job.tell,
    )
    with ExitStack() as held:
        try:
            loaded = held.enter_context(opened)
        except SteeringError as error:
            note_refusal(job.owner, name, str(error))
            raise
        note_refusal(job.owner, name, None)
        yield loaded


def start_ranking(settings: "RankingSettings") -> Job:
    """Read the session's examples once and rank the features for all of its labels; the result is a store id.

    Raises:
        ExamplesError: the session has no examples.
    """
    chosen_examples, model, sae, at = examples(), chosen.model, chosen.sae, place()
    if chosen_examples is None:
        raise ExamplesError("There are no examples to rank for; bring some on the Examples screen.")
    read_id = key_of("statistics", chosen_examples.fingerprint, model, sae, at, settings.positions)
    id = key_of("ranking", read_id, asdict(settings))
    mine = owner()

    def work(job: Job) -> str:
        from steering.workbench import rank_examples

        run = runtime.store.get("ranking", id)
        if run is None:
            job.tick(0, 0, "Opening the model")
            with pair(job, model, sae, at) as loaded:
                run = rank_examples(
                    loaded,
                    chosen_examples,
                    settings,
                    statistics=runtime.store.get("statistics", read_id),
                    on_progress=job.tell,
                )
        runtime.store.put("statistics", read_id, run.statistics, owner=mine)
        return runtime.store.put("ranking", id, run, owner=mine)

    return submit("ranking", "Ranking features", work, unit="tokens")


def start_labelling() -> Job:
    """Label the features with all labels of the session's examples; the result is a store id of a ``LabelTable``.

    Raises:
        ExamplesError: the session has no examples.
    """
    chosen_examples, model, sae, at = examples(), chosen.model, chosen.sae, place()
    if chosen_examples is None:
        raise ExamplesError("There are no examples to label with; bring some on the Examples screen.")
    id = key_of("labels", chosen_examples.fingerprint, chosen_examples.label_names, model, sae, at)
    mine = owner()

    def work(job: Job) -> str:
        import tempfile
        from pathlib import Path

        from steering.feature_labels import LabelTable
        from steering.feature_labels.source import from_examples
        from steering.labelling import label_features

        found = runtime.store.get("labels", id)
        if found is None:
            job.tick(0, 0, "Opening the model")
            with pair(job, model, sae, at) as loaded, tempfile.TemporaryDirectory() as folder:
                run = label_features(
                    loaded.model,
                    loaded.sae,
                    from_examples(chosen_examples),
                    Path(folder) / "labels.parquet",
                    on_progress=job.tell,
                )
            found = LabelTable(run.table, run.metadata, chosen_examples.name)
        return runtime.store.put("labels", id, found, owner=mine)

    return submit("labels", "Labelling features", work, unit="examples")


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
    id, model, sae, mine, at = heatmap_id(feature_id, rows), chosen.model, chosen.sae, owner(), place()

    def work(job: Job) -> str:
        from steering.activations import token_activations

        with pair(job, model, sae, at) as loaded:
            found = token_activations(
                loaded.model,
                loaded.sae,
                [run.examples.texts[row] for row in rows],
                [run.examples.prompts[row] for row in rows],
                [feature_id],
                progress=lambda done, total: job.tick(done, total, "Reading tokens", unit="tokens"),
            )
        return runtime.store.put("heatmap", id, ShownExamples(rows, tuple(found)), owner=mine)

    return submit("heatmap", f"Reading feature {feature_id}", work, unit="tokens", request=id)


@dataclass(frozen=True, slots=True)
class Request:
    """What completions were asked for; equal requests give equal answers.

    Attributes:
        titles: one per condition, as on the screen.
        ask: prompts and sampling.
        settings: of the conditions.
        adapter_id: store id of the adapter that took part, None without one.
        earlier: the turns before this one, oldest first; each condition goes on from its own answers.
    """

    titles: tuple[str, ...]
    ask: "Ask"
    settings: "Strength | Plan"
    adapter_id: str | None = None
    earlier: "tuple[Generated, ...]" = ()

    def branches(self) -> list[Conversation]:
        """The conversation under each condition, up to the first prompt of this request."""
        return [
            Conversation(
                (
                    *(
                        turn
                        for one in self.earlier
                        for turn in (Turn("user", one.prompts[0]), Turn("assistant", one.of(place, 0)[0].text))
                    ),
                    Turn("user", self.ask.prompts[0]),
                )
            )
            for place in range(len(self.titles))
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Generated:
    """The completions of one request.

    Attributes:
        completions: conditions outermost, then prompts, then samples.
        request: what was asked for.
        concept: what was judged, None where no judge knows it.
        scores: one per completion, empty without a judge.
    """

    completions: "tuple[Completion, ...]"
    request: Request
    concept: str | None = None
    scores: "tuple[Score, ...]" = ()

    @property
    def titles(self) -> tuple[str, ...]:
        """One per condition."""
        return self.request.titles

    @property
    def prompts(self) -> tuple[str, ...]:
        """Each completed under each condition."""
        return self.request.ask.prompts

    def of(self, condition: int, prompt: int) -> "tuple[Completion, ...]":
        """The samples of one condition for one prompt."""
        return self.completions[self._places(condition, prompt)]

    def scores_of(self, condition: int, prompt: int) -> "tuple[Score, ...]":
        """Their scores; empty without a judge."""
        return self.scores[self._places(condition, prompt)]

    def _places(self, condition: int, prompt: int) -> slice:
        count = self.request.ask.count
        start = (condition * len(self.prompts) + prompt) * count
        return slice(start, start + count)


def start_generation(
    kind: str,
    request: Request,
    conditions: "Callable[[Loaded, Job], list[Condition]]",
    *,
    concept: str | None = None,
) -> Job:
    """Complete every prompt under every condition; every token is emitted as an event, the result is a store id.

    Args:
        kind: "steer", "compare" or "converse"; store kind of the result and kind of the job.
        request: titles, prompts and sampling.
        conditions: builds them in the worker, where the model is.
        concept: judged where a judge knows it.

    Raises:
        QueueFullError: as `submit`; answers that are being written go on.
    """
    model, sae, mine, ask, at = chosen.model, chosen.sae, owner(), request.ask, place()

    def work(job: Job) -> str:
        from steering.generation import generate
        from steering.judges.choice import judge_for

        total = len(request.titles) * len(ask.prompts) * ask.count * ask.max_new_tokens
        job.tick(0, total, "Opening the model", unit="tokens")
        seen = 0

        with pair(job, model, sae, at) as loaded:
            built = conditions(loaded, job)

            def on_token(token: Any) -> None:
                nonlocal seen
                seen += 1
                job.emit(token)
                with suppress(Cancelled):  # a stop keeps what was written so far: the loop asks should_stop itself
                    job.tick(seen, total, "Writing", unit="tokens")

            found = generate(
                loaded.model,
                built,
                [request.branches()] if request.earlier else ask.prompts,
                sae=loaded.sae,
                sampling=ask.sampling(),
                seed=ask.seed + ask.draw,
                count=ask.count,
                on_token=on_token,
                should_stop=lambda: job.should_stop,
            )
        judge = judge_for(model, concept)
        scores = tuple(judge.score(str(concept), one.prompt, one.text) for one in found) if judge else ()
        made = Generated(tuple(found), request, concept if judge else None, scores)
        return runtime.store.put(kind, None, made, owner=mine)

    return submit(kind, "Writing completions", work, unit="tokens", request=request)


STEER_TITLES = ("Baseline", "Steered")


def steering_request(strength: "Strength", ask: "Ask") -> Request:
    """Baseline and steered answers."""
    return Request(STEER_TITLES, ask, strength)


def start_steering(strength: "Strength", ask: "Ask", label: str) -> Job:
    """Baseline and steered answers to the same prompts under the same seed."""
    return start_generation("steer", steering_request(strength, ask), _steered_too(strength), concept=label)


def start_turn(strength: "Strength", ask: "Ask", earlier: "tuple[Generated, ...]") -> Job:
    """Baseline and steered answers to one prompt, each in its own branch of what was said before."""
    request = Request(STEER_TITLES, ask, strength, earlier=earlier)
    return start_generation("converse", request, _steered_too(strength))


def _steered_too(strength: "Strength") -> "Callable[[Loaded, Job], list[Condition]]":
    def conditions(_loaded: "Loaded", _job: Job) -> "list[Condition]":
        from steering.generation import Condition

        return [Condition("baseline"), Condition("steered", intervention=strength.intervention())]

    return conditions


def comparison_request(plan: "Plan", ask: "Ask") -> Request:
    """Every method of the plan, with the adapter as it is now."""
    return Request(plan.titles, ask, plan, chosen.adapter_id if "LoRA" in plan.titles else None)


def diff_mean_finder(run: "RankingRun", label: str, mine: str) -> "Callable[[Loaded, Job], Direction]":
    """What finds the DiffMean direction of a label inside a job, or takes it from the store."""
    id = key_of("direction", chosen.ranking_id, label)
    positions = run.rankings[label].settings.positions

    def find(loaded: "Loaded", job: Job) -> "Direction":
        from steering.workbench import difference_direction

        direction: Direction | None = runtime.store.get("direction", id)
        if direction is None:
            direction = difference_direction(
                loaded,
                run.examples,
                label,
                run.split,
                positions=positions,
                on_batch=lambda done, total: job.tick(done, total, "Finding the DiffMean direction", unit="batches"),
                should_stop=lambda: job.should_stop,
            )
        runtime.store.put("direction", id, direction, owner=mine)
        return direction

    return find


def start_comparison(plan: "Plan", ask: "Ask", label: str, run: "RankingRun") -> Job:
    """Every method of the plan on the same prompts under the same seed."""
    trained, adapter_id = adapter(), chosen.adapter_id
    find_direction = diff_mean_finder(run, label, owner())
    positions = run.rankings[label].settings.positions

    def conditions(loaded: "Loaded", job: Job) -> "list[Condition]":
        from steering.generation import Condition

        built = {
            "Baseline": lambda: Condition("baseline"),
            "Prompted": lambda: Condition("prompted", instruction=plan.instruction, told_in=plan.told_in),
            # Written where it was read: every choice of positions is a scope, too.
            "DiffMean": lambda: Condition(
                "direction", direction=find_direction(loaded, job), factor=plan.diff_mean_factor, scope=positions
            ),
            "SAE": lambda: Condition("steered", intervention=plan.strength.intervention()),
            "LoRA": lambda: Condition(
                "adapted", adapter=trained or runtime.store.get("adapter", adapter_id), factor=plan.lora_factor
            ),
        }
        return [built[title]() for title in plan.titles]

    return start_generation("compare", comparison_request(plan, ask), conditions, concept=label)


def taken(kind: str) -> Generated | None:
    """The completions of the session's latest job of a kind; what was written before a stop counts too."""
    job = latest(kind)
    if job is not None and not job.active:
        id = job.result or job.partial
        # Once per job: a later choice of features takes these answers away, and they must not come back.
        if isinstance(id, str) and is_news(f"taken_{kind}", id):
            if kind == "steer":
                chosen.completions_id, chosen.steer_title = id, "Steered answers written"
            elif kind == "converse":
                chosen.conversation_id, chosen.steer_title = id, "Conversation steered"
            else:
                chosen.comparison_id, chosen.comparison_title = id, "Methods compared"
            update_menu()
    kept = {"steer": chosen.completions_id, "converse": chosen.conversation_id, "compare": chosen.comparison_id}
    found: Generated | None = runtime.store.get(kind, kept[kind])
    return found


def start_lora(settings: "LoraSettings", label: str, run: "RankingRun") -> Job:
    """Train a LoRA adapter on the positives of the ranking's training part; emits (step, total, loss)."""
    id = key_of(
        "adapter",
        run.examples.fingerprint,
        chosen.model,
        place(),
        label,
        asdict(settings),
        run.split.seed,
        run.split.fraction,
    )
    model, mine, at = chosen.model, owner(), place()

    def work(job: Job) -> str:
        from steering.workbench import open_model, train_adapter

        def on_step(step: int, total: int, loss: float) -> None:
            job.emit((step, total, loss))
            job.tick(step, total, f"Loss {loss:.3f}", unit="steps")

        with open_model(
            model, device=at.device, dtype=at.dtype, should_stop=lambda: job.should_stop, on_progress=job.tell
        ) as network:
            trained = train_adapter(network, run.examples, label, run.split.train, settings, on_step=on_step)
        return runtime.store.put("adapter", id, trained, owner=mine)

    return submit("lora", "Training LoRA", work, unit="steps")
