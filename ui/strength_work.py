"""Which jobs look for strengths, doses and side effects, and under which names do their results lie in the store?"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from steering import runtime
from steering.jobs import Job
from steering.prompting import suggested_prompts
from steering.strength.band import Band, Proposal, propose, safe_band
from steering.strength.mix import Mix, factor_grid, mix_of
from ui import work
from ui.controls import FACTOR_LIMIT, Ask, Strength, slider_limit
from ui.state import chosen, owner

if TYPE_CHECKING:
    from steering.strength.curves import Sweep
    from steering.strength.dose import Dose
    from steering.strength.off_target import OffTarget
    from steering.workbench import Loaded, RankingRun
    from ui.compare_view import Plan

N_PROMPTS = 12
"""Prompts that a strength or a dose is looked for on, where the model has as many; none of them is compared on."""
_LAST = "steerscope.last."


@dataclass(frozen=True, slots=True, eq=False)
class FoundStrength:
    """A sweep with what follows from it.

    Attributes:
        sweep: what was measured.
        band: the safe factors.
        proposal: the factor to take, or why there is none.
    """

    sweep: "Sweep"
    band: Band
    proposal: Proposal


def _id(kind: str, *parts: object) -> str:
    return work.key_of(kind, chosen.model, chosen.sae, work.place(), chosen.ranking_id, chosen.label, *parts)


def found(kind: str, id: str) -> Any | None:
    """A result for exactly these settings."""
    return runtime.store.get(kind, id)


def is_stale(kind: str, id: str) -> bool:
    """Whether there is a result, but for other settings than these."""
    last = st.session_state.get(f"{_LAST}{kind}")
    features = st.session_state.get(f"{_LAST}{kind}.features")
    return last not in (None, id) and features == chosen.features and runtime.store.get(kind, last) is not None


def _submit(kind: str, id: str, title: str, make: "Callable[[Loaded, Job], Any]", *, unit: str = "answers") -> Job:
    """Queue ``make``, whose result is put under ``id``; what is there already is not made again."""
    model, sae, at, mine = chosen.model, chosen.sae, work.place(), owner()

    def run(job: Job) -> str:
        made = runtime.store.get(kind, id)
        if made is None:
            job.tick(0, 0, "Opening the model")
            with work.pair(job, model, sae, at) as loaded:
                made = make(loaded, job)
        return runtime.store.put(kind, id, made, owner=mine)

    st.session_state[f"{_LAST}{kind}"] = id
    st.session_state[f"{_LAST}{kind}.features"] = chosen.features
    return work.submit(kind, title, run, unit=unit, request=id)


# -- strength ------------------------------------------------------------------------------------------------------


def strength_id(strength: Strength) -> str | None:
    """Where the sweep of these features, in these proportions, mode and scope lies; None in a mode without strength."""
    if strength.mode == "ablate" or not strength.features:
        return None
    return _id("strength", mix_of(strength.features, strength.mode, strength.scope))


def found_strength(strength: Strength) -> FoundStrength | None:
    """The sweep of these features, if there is one."""
    id = strength_id(strength)
    result: FoundStrength | None = runtime.store.get("strength", id) if id is not None else None
    return result


def start_strength(strength: Strength, label: str, run: "RankingRun") -> Job:
    """Try factors on prompts that name no concept; the result is a store id of a `FoundStrength`.

    Raises:
        InterventionError: the leading feature never fired, or the mode has no strength.
    """
    mix: Mix = mix_of(strength.features, strength.mode, strength.scope)
    model, resid_norm = chosen.model, run.statistics.resid_norm
    limit = FACTOR_LIMIT if mix.mode == "scale" else slider_limit(mix.lead[2], resid_norm)
    factors = factor_grid(mix, resid_norm, limit=limit)

    def make(loaded: "Loaded", job: Job) -> FoundStrength:
        from steering.judges.choice import judge_for
        from steering.strength.sweep import sweep_factors

        sweep = sweep_factors(
            loaded,
            mix,
            factors,
            suggested_prompts(model, N_PROMPTS),
            judge=judge_for(model, label),
            concept=label,
            on_progress=job.tell,
            should_stop=lambda: job.should_stop,
        )
        band = safe_band(sweep)
        return FoundStrength(sweep, band, propose(sweep, band))

    return _submit("strength", _id("strength", mix), "Finding the strength", make)


# -- what else moved -----------------------------------------------------------------------------------------------


def moved_id(strength: Strength, ask: Ask) -> str:
    """Where the side effects of this strength on these prompts lie."""
    return _id("moved", strength, replace(ask, count=1, draw=0))


def start_moved(strength: Strength, ask: Ask, label: str) -> Job:
    """Compare the features and concepts of steered and untouched answers; a store id of an ``OffTarget``."""
    model = chosen.model

    def make(loaded: "Loaded", job: Job) -> "OffTarget":
        from steering.judges.choice import judge_for
        from steering.presets import is_world_model
        from steering.strength.off_target import what_moved
        from steering.world.concepts import concepts

        names = [concept.name for concept in concepts()] if is_world_model(model) else []
        return what_moved(
            loaded,
            strength.intervention(),
            ask.prompts,
            judge=judge_for(model, names[0]) if names else None,
            concepts=names,
            meant=label,
            sampling=ask.sampling(),
            seed=ask.seed,
            on_progress=job.tell,
            should_stop=lambda: job.should_stop,
        )

    return _submit("moved", moved_id(strength, ask), "Looking at what else moved", make)


# -- equal dose ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DoseRequest:
    """Which methods are brought to which dose.

    Attributes:
        titles: of the methods.
        target: nats per token; None for the SAE's dose at its present factor.
        mix: proportions, mode and scope of the SAE's features.
        sae_factor: its present common factor where that sets the target, None where it is looked for.
        diff_mean_sign: 1 towards the concept, -1 away from it.
        adapter_id: store id of the adapter.
    """

    titles: tuple[str, ...]
    target: float | None
    mix: Mix | None
    sae_factor: float | None
    diff_mean_sign: float
    adapter_id: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """Methods at one dose.

    Attributes:
        request: what was asked for.
        target: the dose, nats per token.
        doses: by method, with the factors that reach it; without a sign.
        n_prompts: that it was measured on.
    """

    request: DoseRequest
    target: float
    doses: "dict[str, Dose]"
    n_prompts: int

    def factor(self, title: str) -> float | None:
        """The factor that a method was given, None where it was not looked for."""
        if title not in self.doses:
            return None
        sign = self.request.diff_mean_sign if title == "DiffMean" else 1.0
        return sign * self.doses[title].factor


def dose_id(request: DoseRequest) -> str:
    """Where the factors of this request lie."""
    return _id("dose", request)


def start_dose(request: DoseRequest, plan: "Plan", label: str, run: "RankingRun") -> Job:
    """Bring DiffMean, LoRA and, where a number is asked for, the SAE to one dose; a store id of a `Matched`."""
    model, trained, adapter_id, mine = chosen.model, work.adapter(), chosen.adapter_id, owner()
    direction_of = work.diff_mean_finder(run, label, mine)
    positions = run.rankings[label].settings.positions
    resid_norm = run.statistics.resid_norm

    def make(loaded: "Loaded", job: Job) -> Matched:
        from steering.generation import Condition
        from steering.strength.matching import match_doses, mean_doses

        prompts = suggested_prompts(model, N_PROMPTS)
        options: dict[str, Any] = {"on_progress": job.tell, "should_stop": lambda: job.should_stop}
        target = request.target
        if target is None:
            sae = Condition("steered", intervention=plan.strength.intervention())
            (target,) = mean_doses(loaded, [sae], prompts, what="Measuring SAE", **options)
        methods: dict[str, tuple[Callable[[float], Condition], tuple[float, ...]]] = {}
        if request.target is not None and request.mix is not None:
            mix = request.mix
            grid = factor_grid(mix, resid_norm, limit=FACTOR_LIMIT)
            methods["SAE"] = (
                lambda factor: Condition("steered", intervention=mix.at(factor)),
                tuple(factor for factor in grid if factor > 0),
            )
        if "DiffMean" in request.titles:
            direction, sign = direction_of(loaded, job), request.diff_mean_sign
            methods["DiffMean"] = (
                lambda factor: Condition("direction", direction=direction, factor=sign * factor, scope=positions),
                DIFF_MEAN_FACTORS,
            )
        if "LoRA" in request.titles:
            adapter = trained or runtime.store.get("adapter", adapter_id)
            methods["LoRA"] = (lambda factor: Condition("adapted", adapter=adapter, factor=factor), LORA_FACTORS)
        doses = match_doses(loaded, methods, target, prompts, **options)
        return Matched(request, target, doses, len(prompts))

    return _submit("dose", dose_id(request), "Matching doses", make)


DIFF_MEAN_FACTORS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0)
LORA_FACTORS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0)
"""The searches begin with these, up to the ends of the sliders."""
