"""Which answers has this session had for the present ranking, and how does one get back to them?

A run is noted when its answers are first shown: what it was made with in a few words. The answers themselves stay in
the store of results, whose quota may take the oldest away; such a run is then listed as gone.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from steering import runtime
from steering.studies.study import Screen
from ui import left_out
from ui.compare_view import Plan, put_plan
from ui.controls import MODES, Strength, feature_chip, put_ask, put_strength
from ui.feature_view import choose_features
from ui.state import chosen
from ui.text import counted

if TYPE_CHECKING:
    from ui.work import Generated

_KEY = "steerscope.runs"
MOST = 24
"""Runs that are listed for one screen."""
_TITLES = {"steer": "Steered answers written", "compare": "Methods compared"}


@dataclass(frozen=True, slots=True)
class Run:
    """One run, in as few words as tell it from others.

    Attributes:
        id: of its answers in the store.
        screen: where they were asked for.
        ranking_id: that it was made with.
        label: the concept.
        at: when it was first shown, "21:05".
        features: (feature_id, factor) in the order of their colours.
        mode: add, clamp, min_clamp, scale or ablate.
        n_prompts: how many were answered.
        n_conditions: under how many conditions.
    """

    id: str
    screen: Screen
    ranking_id: str | None
    label: str | None
    at: str
    features: tuple[tuple[int, float], ...]
    mode: str
    n_prompts: int
    n_conditions: int


def shown(screen: Screen) -> "tuple[int, ...] | None":
    """The features that the answers on a screen were made with, None without answers."""
    found: Generated | None = runtime.store.get(screen, _shown_id(screen))
    return None if found is None else tuple(feature for feature, _, _ in _strength(found).features)


def rail(screen: Screen) -> None:
    """The runs of the present ranking, the latest first; draws nothing before the first."""
    runs = [run for run in reversed(_noted(screen)) if _is_of_now(run)]
    if not runs:
        return
    kept = set(runtime.store.ids(screen))
    with st.container(border=True, gap="small", key=f"runs_{screen}"):
        st.caption(f"{counted(len(runs), 'run')} of this session, latest first")
        with st.container(gap=None, height=208 if len(runs) > 5 else "content", key=f"runs_list_{screen}"):
            for run in runs:
                _row(run, gone=run.id not in kept)


def _row(run: Run, *, gone: bool) -> None:
    here = run.id == _shown_id(run.screen)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"run_{run.screen}_{run.id}"):
        st.button(
            f"{run.at} &nbsp; {_features(run)}" + (" &nbsp; :gray[gone]" if gone else ""),
            key=f"run_show_{run.screen}_{run.id}", type="tertiary", on_click=_show, args=(run,), disabled=gone or here,
            help="Its answers are not in memory any more; generate them again." if gone else _about(run),
        )  # fmt: skip
        st.button(
            "Use these settings", key=f"run_use_{run.screen}_{run.id}", type="tertiary", icon=":material/tune:",
            on_click=_use, args=(run,), disabled=gone or _lacks_adapter(run),
            help="Its adapter is not in memory any more; train it again." if _lacks_adapter(run) else None,
        )  # fmt: skip


def _features(run: Run) -> str:
    told = []
    for slot, (feature_id, factor) in enumerate(run.features):
        told.append(f"{feature_chip(slot)} {feature_id}" + ("" if run.mode == "ablate" else f" {factor:+g}"))
    return " ".join(told)


def _about(run: Run) -> str:
    return f"{MODES.get(run.mode, run.mode)} · {counted(run.n_prompts, 'prompt')} · {run.n_conditions} panes"


def _noted(screen: Screen) -> list[Run]:
    """All runs of a screen, oldest first, the one on the screen included."""
    runs: dict[str, list[Run]] = st.session_state.setdefault(_KEY, {})
    mine = runs.setdefault(screen, [])
    id = _shown_id(screen)
    found: Generated | None = runtime.store.get(screen, id)
    if id is not None and found is not None and all(run.id != id or not _is_of_now(run) for run in mine):
        strength = _strength(found)
        features = tuple((feature, factor) for feature, factor, _ in strength.features)
        mine.append(
            Run(
                id, screen, chosen.ranking_id, chosen.label, _now(), features, strength.mode, len(found.prompts),
                len(found.titles),
            )
        )  # fmt: skip
        del mine[:-MOST]
    return mine


def _is_of_now(run: Run) -> bool:
    return (run.ranking_id, run.label) == (chosen.ranking_id, chosen.label)


def _shown_id(screen: Screen) -> str | None:
    return chosen.completions_id if screen == "steer" else chosen.comparison_id


def _put_shown(run: Run) -> None:
    if run.screen == "steer":
        chosen.completions_id, chosen.steer_title = run.id, _TITLES["steer"]
    else:
        chosen.comparison_id, chosen.comparison_title = run.id, _TITLES["compare"]


def _show(run: Run) -> None:
    if runtime.store.get(run.screen, run.id) is not None:
        _put_shown(run)


def _use(run: Run) -> None:
    """Give every control the value that the run was made with, and show its answers."""
    found: Generated | None = runtime.store.get(run.screen, run.id)
    ranked = runtime.store.get("ranking", chosen.ranking_id)
    if found is None or ranked is None or chosen.label is None or _lacks_adapter(run):
        return
    features = tuple(feature for feature, _ in run.features)
    if chosen.features != features:
        choose_features(features)
    left, settings = put_ask(found.request.ask, key=run.screen), found.request.settings
    if isinstance(settings, Plan):
        chosen.adapter_id = found.request.adapter_id  # none where LoRA took no part
        left += put_plan(settings, chosen.label, ranked)
    else:
        left += put_strength(settings, ranked)
    left_out.note(left)
    _put_shown(run)


def _lacks_adapter(run: Run) -> bool:
    """Whether the adapter that took part is in memory no more; a study's is read from its files again."""
    found: Generated | None = runtime.store.get(run.screen, run.id)
    id = None if found is None else found.request.adapter_id
    return id is not None and not id.startswith("study.") and runtime.store.get("adapter", id) is None


def _strength(found: "Generated") -> Strength:
    settings = found.request.settings
    return settings.strength if isinstance(settings, Plan) else settings


def _now() -> str:
    """The time of day where the browser is."""
    try:
        zone = ZoneInfo(st.context.timezone) if st.context.timezone else None
    except (ZoneInfoNotFoundError, ValueError):
        zone = None
    return f"{datetime.now(zone):%H:%M}"
