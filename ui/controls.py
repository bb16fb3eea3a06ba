"""Sliders and choices that several screens share: how strongly a feature is written, what is asked of the model."""

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import streamlit as st

from steering.errors import SteeringError
from ui.factor_input import factor_input, put_factor
from ui.state import chosen, feature_key
from ui.text import plain

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from steering.generation import Sampling
    from steering.interventions import Intervention
    from steering.workbench import RankingRun

MODES = {
    "add": "Add",
    "clamp": "Clamp",
    "min_clamp": "Raise to at least",
    "scale": "Scale",
    "ablate": "Ablate",
}
MODE_HELP = {
    "add": "Adds factor × max_act of the feature at every written position, whatever is there. 0 changes nothing.",
    "clamp": "Sets the feature to factor × max_act at every written position. 0 is ablation.",
    "min_clamp": "Raises the feature to factor × max_act where it is below.",
    "scale": "Multiplies the feature where it fires already. 1 changes nothing, 0 is ablation.",
    "ablate": "Sets the feature to 0 wherever it fires; there is no strength to choose.",
}
SCOPES = {"all": "Everywhere", "prompt": "Prompt only", "generated": "Answer only", "sentence_ends": "Sentence ends"}
FACTOR_LIMIT = 5.0
MAX_PROMPTS, MAX_PROMPT_LETTERS = 12, 8000
MAX_SEED, MAX_TOKENS, MAX_TEMPERATURE, MAX_SAMPLES = 2**31 - 1, 256, 2.0, 4
START_SHARE, START_SHARE_AT_ENDS = 0.4, 0.6
"""Of the median residual norm: about half of it is where steering works best elsewhere, less damages less. An edit at
sentence ends alone damages less and may be larger (what the development concepts of the embedded world chose)."""
SCALE_START = 2.0


@dataclass(frozen=True, slots=True)
class Strength:
    """What was chosen for the intervention; plain values, so that a screen can keep them.

    Attributes:
        features: (feature_id, factor, max_act), factor negative to suppress.
        mode: add, clamp, min_clamp, scale or ablate.
        scope: all, prompt, generated or sentence_ends.
    """

    features: tuple[tuple[int, float, float], ...]
    mode: str
    scope: str

    def intervention(self) -> "Intervention":
        """The same as an intervention; imports torch, so for jobs only."""
        from steering.interventions import FeatureEdit, Intervention

        edits = tuple(FeatureEdit(feature_id, factor, max_act) for feature_id, factor, max_act in self.features)
        return Intervention(edits, mode=self.mode, scope=self.scope)  # type: ignore[arg-type]  # checked there


def start_factor(max_act: float, resid_norm: float, scope: str = "all") -> float:
    """The factor whose coefficient is 40 % of the median residual norm (60 % where only sentence ends are written), in
    steps of 0.05 within the slider.

    max_act alone is no measure of what a model bears: it may be a tenth of the residual norm, or twice of it.
    """
    if max_act <= 0:
        return 1.0
    return min(FACTOR_LIMIT, max(0.05, round(round(_start_share(scope) * resid_norm / max_act / 0.05) * 0.05, 2)))


def slider_limit(max_act: float, resid_norm: float) -> float:
    """Where the slider ends: at one and a half times the residual norm, where any model is long past bearing it.

    The number box beside it goes on to `FACTOR_LIMIT`.
    """
    if max_act <= 0:
        return FACTOR_LIMIT
    return min(FACTOR_LIMIT, max(1.0, ceil(2 * 1.5 * resid_norm / max_act) / 2))


def strength_controls(run: "RankingRun", features: tuple[int, ...], *, key: str = "strength") -> Strength:
    """Mode, scope, and for each feature boost or suppress with slider and number box.

    Args:
        run: knows max_act of every feature and the residual norm.
        features: at most four; the place gives the colour.
        key: prefix of the widget keys; the same on every screen, so that a choice travels.
    """
    left, right = st.columns(2)
    mode = left.selectbox(
        "Mode", list(MODES), format_func=MODES.__getitem__, key=f"{key}_mode", persist_state="session",
        help="\n\n".join(f"**{MODES[name]}**: {text}" for name, text in MODE_HELP.items()),
    )  # fmt: skip
    positions = next(iter(run.rankings.values())).settings.positions
    st.session_state.setdefault(f"{key}_scope_{positions}", positions)  # a recipe or study may have set it
    scope = right.selectbox(
        "Where", list(SCOPES), format_func=SCOPES.__getitem__,
        key=f"{key}_scope_{positions}", persist_state="session",
        help="Which positions are written: prompt and answer, one of them, or only where a sentence of the answer has "
        "just ended and before its first. There the model decides what comes next, and the words in between stay as "
        "they are. BOS and template tokens are not written, but for the one right before the answer.",
    )  # fmt: skip
    tracks: list[DeltaGenerator] = []
    edits = tuple(_feature(run, feature_id, slot, mode, scope, key, tracks) for slot, feature_id in enumerate(features))
    if len(features) > 1 and mode == "add":
        st.caption("Several features share one budget: no position is moved further than by the strongest of them.")
    strength = Strength(edits, mode, scope)
    _safe_bands(run, strength, tracks, key)
    return strength


def _safe_bands(run: "RankingRun", strength: Strength, tracks: "list[DeltaGenerator]", key: str) -> None:
    """The measured safe band under each slider, where a strength was looked for with these very features."""
    from ui.safe_band import safe_band_track
    from ui.strength_work import found_strength

    found = found_strength(strength)
    if found is None:
        return
    for track, (feature_id, weight, max_act) in zip(tracks, found.sweep.mix.features, strict=True):
        share, high, proposed = abs(weight), found.band.high, found.proposal.factor
        with track.container():
            safe_band_track(
                share * found.band.low,
                None if high is None else share * high,
                limit=FACTOR_LIMIT if strength.mode == "scale" else slider_limit(max_act, run.statistics.resid_norm),
                proposed=None if proposed is None else share * proposed,
                key=f"{feature_key(key, feature_id)}_band",
            )


def put_strength(strength: Strength, run: "RankingRun", *, key: str = "strength") -> tuple[str, ...]:
    """Give the controls of `strength_controls` these values, before they are drawn.

    Returns:
        A sentence for each value that they do not offer, and that was left as it stands.
    """
    positions = next(iter(run.rankings.values())).settings.positions
    for value, offered in ((strength.mode, MODES), (strength.scope, SCOPES)):
        if value not in offered:
            return (f"There is no “{value}” here, so the strengths were left as they stand.",)
    st.session_state[f"{key}_mode"] = strength.mode
    st.session_state[f"{key}_scope_{positions}"] = strength.scope
    left = []
    for feature_id, factor, _ in strength.features:
        name = feature_key(key, feature_id)
        low = lowest_factor(strength.mode)
        if strength.mode == "ablate":
            continue
        if not low <= factor <= FACTOR_LIMIT:
            left.append(f"The factor {factor:g} of feature {feature_id} is outside of {low:g} to {FACTOR_LIMIT:g}.")
            continue
        if strength.mode in ("add", "clamp") and factor:  # 0 has no sign, so the present one stays
            st.session_state[f"{name}_sign"] = "Suppress" if factor < 0 else "Boost"
        put_factor(f"{name}_scale" if strength.mode == "scale" else name, abs(factor))
    return tuple(left)


def lowest_factor(mode: str) -> float:
    """Scaling has no sign, and nothing is ever raised to a negative value: an activation is never below zero."""
    return 0.0 if mode in ("scale", "min_clamp") else -FACTOR_LIMIT


def _feature(
    run: "RankingRun",
    feature_id: int,
    slot: int,
    mode: str,
    scope: str,
    key: str,
    tracks: "list[DeltaGenerator]",
) -> tuple[int, float, float]:
    max_act = float(run.statistics.max_act[feature_id])
    name = feature_key(key, feature_id)
    with st.container(border=True):
        head, toggle = st.columns([2, 3], vertical_alignment="center")
        head.markdown(f"{feature_chip(slot)} **{feature_id}**")
        if mode == "ablate":
            st.caption(f"Set to 0 wherever it fires. Its largest activation is {max_act:.2f}.")
            return feature_id, 0.0, max_act
        one_way = lowest_factor(mode) == 0
        sign = toggle.segmented_control(
            "Direction", ["Boost", "Suppress"], default="Boost", key=f"{name}_one_way" if one_way else f"{name}_sign",
            required=True, label_visibility="collapsed", persist_state="session", disabled=one_way,
        )  # fmt: skip
        start = start_factor(max_act, run.statistics.resid_norm, scope)
        if mode == "scale":
            name, start = f"{name}_scale", SCALE_START
        limit = FACTOR_LIMIT if mode == "scale" else slider_limit(max_act, run.statistics.resid_norm)
        slider, box = st.columns([3, 1], vertical_alignment="bottom")
        told = _factor_help(mode, start, scope)
        factor = _checked(
            factor_input(name, (slider, box), start=start, slider_end=limit, box_end=FACTOR_LIMIT, help=told)
        )
        tracks.append(st.columns([3, 1])[0].empty())
        if sign == "Suppress" and not one_way:
            factor = -factor
        share = abs(factor) * max_act / run.statistics.resid_norm
        if mode == "scale":
            st.caption(f"× {factor:g} where it fires · max_act {max_act:.2f}")
        else:
            size = "coefficient" if mode == "add" else "target"
            st.caption(
                f"{size} {factor * max_act:+.2f} · {share:.0%} of the median residual norm · max_act {max_act:.2f}"
            )
    return feature_id, factor, max_act


def _factor_help(mode: str, start: float, scope: str) -> str:
    if mode == "scale":
        return "Multiplies the feature where it fires."
    return (
        f"In units of the feature's max_act. It starts at {start:g}, which is {_start_share(scope):.0%} of the median "
        "residual norm (5 and 0.05 are the ends)."
    )


def _start_share(scope: str) -> float:
    return START_SHARE_AT_ENDS if scope == "sentence_ends" else START_SHARE


def _checked(value: float) -> float:
    # The browser keeps to the limits; a message sent by hand need not.
    if not 0 <= value <= FACTOR_LIMIT:
        raise SteeringError(f"The factor is {value}; choose one from 0 to {FACTOR_LIMIT:g}.")
    return float(value)


def feature_chip(slot: int) -> str:
    """A dot in the colour of the feature in that slot."""
    name = ("blue", "orange", "green", "violet")[slot % 4]
    return f":{name}[●]"


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of the model.

    Attributes:
        prompts: one completion each.
        max_new_tokens: at most.
        temperature: 0 is greedy.
        top_p: nucleus.
        seed: shared by all panes.
        count: samples per prompt and pane.
        draw: how often the same was answered again; each time it is answered under the next seed.
    """

    prompts: tuple[str, ...]
    max_new_tokens: int
    temperature: float
    top_p: float
    seed: int
    count: int
    draw: int = 0

    def sampling(self) -> "Sampling":
        """How answers are drawn; imports torch, so for jobs only."""
        from steering.generation import Sampling

        return Sampling(self.max_new_tokens, self.temperature, self.top_p)


_OFFERED = {
    "seed": ("seed", "Seed", 0, MAX_SEED),
    "max_new_tokens": ("tokens", "Tokens", 1, MAX_TOKENS),
    "temperature": ("temperature", "Temperature", 0.0, MAX_TEMPERATURE),
    "count": ("count", "Samples per prompt", 1, MAX_SAMPLES),
}
"""Field of `Ask` → key and title of its control, and the ends of that."""


def ask_controls(suggestions: tuple[str, ...], *, key: str, count: int = 1) -> Ask:
    """Prompts, one a line, and how answers are drawn.

    Args:
        suggestions: what stands there at first.
        key: prefix of the widget keys.
        count: samples per prompt at first.

    Raises:
        SteeringError: no prompt, or too many.
    """
    name = f"{key}_prompts_{chosen.model}"  # each model has prompts of its own
    st.session_state.setdefault(name, "\n".join(suggestions))
    text = st.text_area(
        "Prompts, one a line", key=name, height="content", persist_state="session", max_chars=MAX_PROMPT_LETTERS,
        placeholder="Explain how bread is made.",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed, tokens, temperature = _drawing(key)
        samples = st.number_input(
            "Samples per prompt", 1, MAX_SAMPLES, count, key=f"{key}_count", persist_state="session", width=160
        )
    prompts = _prompts_in(text)
    if not prompts:
        raise SteeringError("There is no prompt; write at least one line.")
    if len(prompts) > MAX_PROMPTS:
        raise SteeringError(f"There are {len(prompts)} prompts; at most {MAX_PROMPTS} are answered at once.")
    return Ask(prompts, tokens, temperature, 1.0, seed, int(samples))


def _prompts_in(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def turn_controls(*, key: str) -> Ask:
    """How the turns of a conversation are drawn; its prompt is not known yet.

    Args:
        key: prefix of the widget keys; that of the prompts on the same screen, so that the choice is kept.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed, tokens, temperature = _drawing(key)
    return Ask((), tokens, temperature, 1.0, seed, 1)


def _drawing(key: str) -> tuple[int, int, float]:
    seed = st.number_input("Seed", 0, MAX_SEED, 0, key=f"{key}_seed", persist_state="session", width=110)
    tokens = st.number_input("Tokens", 1, MAX_TOKENS, 64, key=f"{key}_tokens", persist_state="session", width=110)
    temperature = st.number_input(
        "Temperature", 0.0, MAX_TEMPERATURE, 1.0, 0.1, key=f"{key}_temperature", persist_state="session", width=130,
        help="1 samples from the model's own distribution (AxBench); 0 always takes the likeliest token.",
    )  # fmt: skip
    return int(seed), int(tokens), float(temperature)


def not_asked(ask: Ask) -> dict[str, str]:
    """What the controls of `ask_controls` do not offer: field of the ask → why, in words that go on into a sentence."""
    left = {
        field: f"{title} {getattr(ask, field):,} is outside of {low:,} to {high:,}"
        for field, (_, title, low, high) in _OFFERED.items()
        if not low <= getattr(ask, field) <= high
    }
    if ask.top_p != 1:
        left["top_p"] = f"top_p {ask.top_p:g} cannot be set here, where it is always 1"
    text = "\n".join(ask.prompts)
    if len(ask.prompts) > MAX_PROMPTS:
        left["prompts"] = f"{len(ask.prompts)} prompts are more than {MAX_PROMPTS}"
    elif len(text) > MAX_PROMPT_LETTERS:
        left["prompts"] = f"Prompts of {len(text):,} letters are longer than {MAX_PROMPT_LETTERS:,}"
    elif _prompts_in(text) != ask.prompts:
        left["prompts"] = "Prompts stand a line each here, without blanks around them, and each once"
    return left


def put_ask(ask: Ask, *, key: str, prompts: bool = True) -> tuple[str, ...]:
    """Give the controls of `ask_controls` these values, before they are drawn.

    Args:
        ask: the values.
        key: prefix of the widget keys.
        prompts: whether they are put, too; those of a conversation stand in its turns.

    Returns:
        A sentence for each value that they do not offer, and that was left as it stands.
    """
    left = not_asked(ask)
    if not prompts:
        left.pop("prompts", None)
    elif "prompts" not in left:
        st.session_state[f"{key}_prompts_{chosen.model}"] = "\n".join(ask.prompts)
    for field, (name, *_) in _OFFERED.items():
        if field not in left:
            st.session_state[f"{key}_{name}"] = getattr(ask, field)
    return tuple(f"{why}." for why in left.values())


def feature_swatches(features: tuple[int, ...]) -> str:
    """The chosen features as one line with their colours."""
    return " &nbsp; ".join(f"{feature_chip(slot)} {plain(str(feature_id))}" for slot, feature_id in enumerate(features))
