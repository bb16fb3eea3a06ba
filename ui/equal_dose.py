"""How are the methods of Compare brought to one dose before they are compared?

The factors are looked for on prompts of their own and put into the sliders, so that what is compared, saved and written
into a recipe is what the screen shows.
"""

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from steering.strength.mix import mix_of
from ui import strength_work, work
from ui.compare_view import Plan
from ui.controls import Strength, put_strength
from ui.errors import boundary
from ui.job_panel import job_panel
from ui.state import chosen, is_news
from ui.strength_work import DoseRequest, Matched
from ui.text import counted, plain

if TYPE_CHECKING:
    from steering.workbench import RankingRun

_AS_SAE, _NUMBER = "As the SAE now", "A number"
_WAITING = "steerscope.compare_when_matched"
"""Store id of the doses that a comparison waits for."""


def take_matched(run: "RankingRun") -> None:
    """Put the factors of a search that has just ended into the sliders; before these are drawn."""
    job = work.latest("dose")
    if job is None or job.active:
        return
    if not isinstance(job.result, str):
        st.session_state.pop(_WAITING, None)
        return
    found: Matched | None = strength_work.found("dose", job.result)
    if found is None or not is_news("dose_job", job.id):
        return
    diff_mean, lora, sae = (found.factor(title) for title in ("DiffMean", "LoRA", "SAE"))
    if diff_mean is not None:
        st.session_state["compare_diff_mean"] = diff_mean
    if lora is not None:
        st.session_state["lora_factor"] = lora
    mix = found.request.mix
    if sae is not None and mix is not None:
        features = tuple((feature_id, weight * sae, max_act) for feature_id, weight, max_act in mix.features)
        put_strength(Strength(features, mix.mode, mix.scope), run)


def dose_controls(run: "RankingRun", label: str, plan: Plan) -> None:
    """The switch, what dose is meant, the button and what came of it."""
    on = st.toggle(
        "Equal dose", key="equal_dose", persist_state="session",
        help="Brings DiffMean and LoRA to the same mean KL to the baseline as the SAE, so that nobody wins by pushing "
        "harder. A prompt has no strength to set.",
    )  # fmt: skip
    if not on:
        return
    with boundary("The doses cannot be matched"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            way = st.segmented_control(
                "Dose", [_AS_SAE, _NUMBER], default=_AS_SAE, key="dose_way", required=True, persist_state="session"
            )
            if way == _NUMBER:
                st.number_input(
                    "Nats per token", 0.01, 20.0, 0.1, 0.05, key="dose_nats", persist_state="session", width=130
                )
            request = _request(plan)
            job = work.latest("dose")
            if (job is None or not job.active) and st.button(
                "Match doses", key="match_doses", icon=":material/balance:", disabled=_matched(plan) is not None
            ):
                job = strength_work.start_dose(request, plan, label, run)
                job.wait(0.2)
        job_panel(job, key="dose_job_panel")
        found = _matched(plan)
        if found is not None:
            _doses(found, key="doses_matched")
        elif job is None or not job.active:
            st.caption("Not matched yet: press “Match doses”, or Compare, which matches first.")


def cleared(pressed: bool, run: "RankingRun", label: str, plan: Plan) -> bool:
    """Whether the comparison may start now: it waits until the doses are matched, where they are to be."""
    waiting = st.session_state.pop(_WAITING, None)  # kept below for as long as it is these doses that are waited for
    if not st.session_state.get("equal_dose"):
        return pressed
    if not pressed and waiting is None:
        return False
    request = _request(plan)
    id = strength_work.dose_id(request)
    if _matched(plan) is not None:
        return pressed or waiting == id
    if pressed or waiting == id:
        st.session_state[_WAITING] = id
    if pressed:
        strength_work.start_dose(request, plan, label, run)
        st.rerun()
    return False


def dose_table(done: work.Generated) -> None:
    """Factors and doses of a comparison whose methods were matched; draws nothing for any other."""
    plan = done.request.settings
    found = _matched(plan) if isinstance(plan, Plan) and st.session_state.get("equal_dose") else None
    if found is not None:
        _doses(found, key="doses_compared")


def _request(plan: Plan) -> DoseRequest:
    number = st.session_state.get("dose_way") == _NUMBER
    strength = plan.strength
    largest = max((abs(factor) for _, factor, _ in strength.features), default=0.0)
    return DoseRequest(
        titles=plan.titles,
        target=float(st.session_state["dose_nats"]) if number else None,
        mix=None if strength.mode == "ablate" and not number else mix_of(
            strength.features, strength.mode, strength.scope
        ),
        sae_factor=None if number else largest,
        diff_mean_sign=-1.0 if plan.diff_mean_factor < 0 else 1.0,
        adapter_id=chosen.adapter_id if "LoRA" in plan.titles else None,
    )  # fmt: skip


def _matched(plan: Plan) -> Matched | None:
    """The search that the plan's factors come from, None where they come from anywhere else."""
    with boundary():
        request = _request(plan)
        found: Matched | None = strength_work.found("dose", strength_work.dose_id(request))
        if found is None:
            return None
        sae = max((abs(factor) for _, factor, _ in plan.strength.features), default=0.0)
        there = {"DiffMean": plan.diff_mean_factor, "LoRA": plan.lora_factor, "SAE": sae}
        wanted = {title: found.factor(title) for title in found.doses}
        same = all(factor is not None and abs(there[title] - factor) < 1e-6 for title, factor in wanted.items())
        return found if same else None
    return None


def _doses(found: Matched, *, key: str) -> None:
    rows: list[tuple[str, float | None, float | None, str]] = []
    for title in found.request.titles:
        if title == "Baseline":
            continue
        dose = found.doses.get(title)
        if dose is not None:
            note = "reached" if dose.is_reached else f"not reached: {dose.reason}"
            note += f"; {dose.reason}" if dose.is_reached and dose.reason else ""
            rows.append((title, found.factor(title), dose.reached, note))
        elif title == "SAE":
            rows.append((title, found.request.sae_factor, found.target, "sets the dose"))
        else:
            rows.append((title, None, None, "has no strength; its KL stands in the table of scores"))
    st.dataframe(
        pd.DataFrame(rows, columns=["Method", "Factor", "Dose", "Target"]), key=key, hide_index=True, width="stretch",
        column_config={
            "Factor": st.column_config.NumberColumn(format="%.2f", width="small"),
            "Dose": st.column_config.NumberColumn(format="%.3f", width="small", help="Mean KL, nats per token"),
            "Target": st.column_config.TextColumn(f"Target {found.target:.3f} nats", width="large"),
        },
    )  # fmt: skip
    missed = [title for title, dose in found.doses.items() if not dose.is_reached]
    st.caption(
        plain(
            f"Measured on {counted(found.n_prompts, 'prompt')} that are not compared on; within a tenth counts as "
            "reached. On the compared prompts the doses differ a little: see KL there."
        )
        + (
            f" :orange[**{plain(' and '.join(missed))}** did not reach the dose, so this is no equal one.]"
            if missed
            else ""
        )
    )
