"""What else moved when the chosen features were written? Looked for only when asked."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from steering.prompting import suggested_prompts
from ui import strength_work, work
from ui.controls import Ask, Strength
from ui.errors import boundary
from ui.frame import renew_note
from ui.job_panel import job_panel
from ui.state import chosen
from ui.text import counted, plain

if TYPE_CHECKING:
    from steering.strength.off_target import OffTarget

_NEUTRAL, _OWN = "Neutral prompts", "My prompts"
N_NEUTRAL = 10
N_ROWS = 20


def moved_view(strength: Strength, ask: Ask, label: str) -> None:
    """An expander: which prompts, the button, and two ranked tables."""
    with st.expander("What else moved", icon=":material/call_split:", key="moved"):
        st.caption(
            "Untouched and steered answers are read by the untouched model: which features of the same SAE fire more "
            "or less often in them, and on the embedded world which concepts they carry."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            on = st.segmented_control(
                "Answers to", [_NEUTRAL, _OWN], default=_NEUTRAL, key="moved_prompts", required=True,
                persist_state="session",
                help="Neutral prompts ask for nothing special, so whatever moves is a side effect; none of them is one "
                "that strengths are found on.",
            )  # fmt: skip
            if on == _NEUTRAL:
                ask = replace(ask, prompts=suggested_prompts(chosen.model, N_NEUTRAL, split="test"))
            id = strength_work.moved_id(strength, ask)
            found: OffTarget | None = strength_work.found("moved", id)
            job = work.latest("moved")
            idle = job is None or not job.active
            if idle and st.button("Look", key="look_moved", icon=":material/search:", disabled=found is not None):
                with boundary("This cannot be looked at"):
                    job = strength_work.start_moved(strength, ask, label)
                    job.wait(0.2)
        job_panel(job, key="moved_job")
        if found is not None:
            _features(found)
            if found.concepts is not None:
                _concepts(found, label)
        elif strength_work.is_stale("moved", id):
            renew_note("Look")


def _features(found: "OffTarget") -> None:
    moved = int(found.features["moved"].sum())
    st.markdown(
        f"**{counted(moved, 'feature')}** of {found.n_firing:,} that fire in the answers moved; between two untouched "
        f"runs **{found.by_chance:,}** do."
    )
    rows = found.features.head(N_ROWS)
    table = pd.DataFrame(
        {
            "Feature": rows["feature_id"].astype(str) + rows["written"].map({True: " (written)", False: ""}),
            "Moved": rows["moved"],
            "Untouched": rows["untouched"] * 100,
            "Steered": rows["steered"] * 100,
            "Difference": rows["difference"] * 100,
            "95 % interval": _intervals(rows, 100, "{:+.1f} to {:+.1f} %"),
            "Mean activation": rows["mean_change"],
            "Fires on": [" · ".join(tokens) for tokens in rows["tokens"]],
        }
    )
    share = st.column_config.NumberColumn
    st.dataframe(
        table, key="moved_features", hide_index=True, width="stretch",
        column_config={
            "Feature": st.column_config.TextColumn(pinned=True),
            "Moved": st.column_config.CheckboxColumn(help="Whether the interval leaves 0 out"),
            "Untouched": share(format="%.1f %%", help="Share of an answer's tokens on which it fires"),
            "Steered": share(format="%.1f %%"),
            "Difference": share(format="%+.1f %%", help="Mean over prompts; the rows are sorted by its size"),
            "Mean activation": share(format="%+.3f", help="Change over all tokens, in the feature's own units"),
            "Fires on": st.column_config.TextColumn(width="medium", help="Tokens of these answers"),
        },
    )  # fmt: skip
    chance = f", by {found.largest_by_chance:.1%} at most" if found.by_chance else ""
    st.caption(
        f"{counted(len(found.prompts), 'prompt')}; intervals over prompts. That many move by chance{chance}: two "
        "untouched runs differ in their seed, while the steered run shares its random numbers with the first. "
        "The edit itself is not counted, only what stands in the answers."
    )


def _concepts(found: "OffTarget", label: str) -> None:
    assert found.concepts is not None
    moved = found.concepts[found.concepts["moved"]]
    others = moved[~moved["meant"]]
    st.markdown(
        f"**{counted(len(others), 'other concept')}** moved; between two untouched runs {found.concepts_by_chance} do."
    )
    if found.on_target is not None:
        on = found.on_target
        st.caption(
            f"Steered answers that carry {plain(label)} most of all: {on['on_target']:.0%}; as much as another "
            f"{on['tied']:.0%}; another more {on['off_target']:.0%}; no concept at all {on['nothing']:.0%}."
        )
    shown = found.concepts[(found.concepts["difference"] != 0) | found.concepts["meant"]].head(N_ROWS)
    table = pd.DataFrame(
        {
            "Concept": shown["concept"] + shown["meant"].map({True: " (meant)", False: ""}),
            "Moved": shown["moved"],
            "Untouched": shown["untouched"],
            "Steered": shown["steered"],
            "Difference": shown["difference"],
            "95 % interval": _intervals(shown, 1, "{:+.2f} to {:+.2f}"),
        }
    )
    number = st.column_config.NumberColumn
    st.dataframe(
        table, key="moved_concepts", hide_index=True, width="stretch",
        column_config={
            "Concept": st.column_config.TextColumn(pinned=True),
            "Untouched": number(format="%.2f", help="Mean rating by the embedded world, 0 to 2"),
            "Steered": number(format="%.2f"),
            "Difference": number(format="%+.2f"),
        },
    )  # fmt: skip


def _intervals(rows: pd.DataFrame, unit: float, words: str) -> list[str]:
    """The interval of each row in words, a dash where there is none."""
    limits = zip((rows["low"] * unit).tolist(), (rows["high"] * unit).tolist(), strict=True)
    return ["–" if math.isnan(low) else words.format(low, high) for low, high in limits]
