"""How are the methods set up side by side, and how are their scores shown so that nobody is misled?"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from steering.exports.formats import slug
from steering.generation.completion import ToldIn
from steering.prompting import concept_instruction
from steering.report.methods import Interval, MethodSummary, summarise_methods
from ui import charts, work
from ui.controls import FACTOR_LIMIT, Strength, feature_swatches, put_strength, strength_controls
from ui.errors import boundary
from ui.job_panel import job_panel
from ui.palette import NEGATIVE, feature_colour
from ui.state import chosen, is_news
from ui.text import counted, plain

if TYPE_CHECKING:
    from steering.lora import Adapter
    from steering.workbench import RankingRun

_COLOURS = {
    "Baseline": NEGATIVE,
    "Prompted": feature_colour(1),
    "DiffMean": feature_colour(2),
    "SAE": feature_colour(0),
    "LoRA": feature_colour(3),
}
ENOUGH_PROMPTS = 10
LORA_LIMIT = 3.0
DIFF_MEAN_START = 0.3
MAX_INSTRUCTION = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """Which methods answer, and how each is set.

    Attributes:
        titles: of the methods that take part, baseline first.
        instruction: the sentence of the prompted baseline.
        told_in: whether it stands in the prompt or in the system prompt.
        diff_mean_factor: in units of the direction's largest projection.
        strength: of the SAE features.
        lora_factor: multiplies the adapter's scaling.
    """

    titles: tuple[str, ...]
    instruction: str
    told_in: ToldIn
    diff_mean_factor: float
    strength: Strength
    lora_factor: float


def colours(titles: tuple[str, ...]) -> tuple[str, ...]:
    """The colour of each method."""
    return tuple(_COLOURS.get(title, NEGATIVE) for title in titles)


def method_controls(run: "RankingRun", label: str) -> Plan:
    """One compact box a method; LoRA is trained here."""
    prompt_tab, diff_tab, sae_tab, lora_tab = st.tabs(
        ["Prompt", "DiffMean", "SAE", "LoRA"], default="SAE", key="methods"
    )
    with prompt_tab:
        key = f"compare_instruction_{chosen.model}_{label}"
        with boundary():
            st.session_state.setdefault(key, _default_instruction(label))
        told_in = "prompt" if run.chat.no_system is not None else _told_in()
        instruction = st.text_input(
            "System prompt" if told_in == "system" else "Sentence added to every prompt",
            key=key, persist_state="session", max_chars=MAX_INSTRUCTION,
            help="Telling the model is the baseline to beat: in AxBench it still leads.",
        ).strip()  # fmt: skip
        if run.chat.no_system is not None:
            st.caption(f"It cannot be told in a system prompt: {plain(run.chat.no_system)}")
    with diff_tab:
        st.session_state.setdefault("compare_diff_mean", DIFF_MEAN_START)
        diff_factor = st.slider(
            "DiffMean factor", -FACTOR_LIMIT, FACTOR_LIMIT, step=0.05, key="compare_diff_mean", persist_state="session",
            help="Mean of positive minus mean of negative tokens of the training part, added at the SAE's hook point; "
            "in units of the largest projection. At 0 it is left out.",
        )  # fmt: skip
    with sae_tab:
        st.markdown(feature_swatches(chosen.features))
        strength = strength_controls(run, chosen.features)
    with lora_tab:
        lora_factor = _lora_controls(run, label)
    titles = ["Baseline"]
    if instruction:
        titles.append("Prompted")
    if diff_factor:
        titles.append("DiffMean")
    titles.append("SAE")
    if work.adapter() is not None or work.adapter_is_coming():
        titles.append("LoRA")
    else:
        st.caption("LoRA joins once it is trained.")
    return Plan(tuple(titles), instruction, told_in, float(diff_factor), strength, lora_factor)


def _told_in() -> ToldIn:
    found: ToldIn = st.segmented_control(
        "Told in", ["prompt", "system"], default="prompt", format_func={"prompt": "The prompt", "system": "The system "
        "prompt"}.__getitem__, key="compare_told_in", required=True, persist_state="session",
    )  # fmt: skip
    return found


def put_plan(plan: Plan, label: str, run: "RankingRun") -> tuple[str, ...]:
    """Give the controls of `method_controls` these values, before they are drawn.

    Returns:
        A sentence for each value that they do not offer, and that was left as it stands.
    """
    state, left = st.session_state, []
    if len(plan.instruction) <= MAX_INSTRUCTION:
        state[f"compare_instruction_{chosen.model}_{label}"] = plan.instruction
    else:
        left.append(f"An instruction of {len(plan.instruction):,} letters is longer than {MAX_INSTRUCTION:,}.")
    if run.chat.no_system is None:
        state["compare_told_in"] = plan.told_in
    elif plan.instruction and plan.told_in == "system":
        left.append(f"The instruction cannot be told in a system prompt: {run.chat.no_system}")
    for title, key, factor, low, high in (
        ("DiffMean factor", "compare_diff_mean", plan.diff_mean_factor, -FACTOR_LIMIT, FACTOR_LIMIT),
        ("LoRA scaling", "lora_factor", plan.lora_factor, 0.0, LORA_LIMIT),
    ):
        if low <= factor <= high:
            state[key] = factor
        else:
            left.append(f"The {title} {factor:g} is outside of {low:g} to {high:g}.")
    return (*left, *put_strength(plan.strength, run))


def _default_instruction(label: str) -> str:
    from steering.errors import WorldError

    try:
        return concept_instruction(chosen.model, label)
    except WorldError:  # an own label on the world's model: the user writes the sentence
        return f"Mention {label}."


def _lora_controls(run: "RankingRun", label: str) -> float:
    from dataclasses import replace

    from steering.lora import LORA_PRESETS
    from steering.presets import is_world_model

    names = list(LORA_PRESETS)
    default = names.index("small" if is_world_model(chosen.model) else "axbench")
    left, right = st.columns(2, vertical_alignment="bottom")
    preset = left.selectbox(
        "Preset", names, index=default, key=f"lora_preset_{chosen.model}", persist_state="session",
        help="axbench: rank 4, alpha 32, rsLoRA, output projections, 24 epochs. small: for models of a few million "
        "parameters.",
    )  # fmt: skip
    epochs = right.number_input(
        "Epochs", 1, 200, LORA_PRESETS[preset].epochs, key=f"lora_epochs_{preset}", persist_state="session"
    )
    early = st.toggle(
        "Stop early", key="lora_early", persist_state="session",
        help="Keeps 15 % of the positives aside, ends when the loss on them has not fallen for two epochs, and keeps "
        "the best epoch.",
    )  # fmt: skip
    settings = replace(
        LORA_PRESETS[preset],
        epochs=int(epochs),
        validation_share=0.15 if early else 0.0,
        patience=2 if early else None,
    )
    trained = work.adapter()
    job = work.latest("lora")
    positives = int(run.examples.label(label)[run.split.train].sum())
    if (job is None or not job.active) and st.button(
        "Train again" if trained else f"Train LoRA on {counted(positives, 'positive')}",
        key="train_lora", icon=":material/model_training:", type="secondary",
    ):  # fmt: skip
        job = work.start_lora(settings, label, run)
        job.wait(0.2)
    if job is not None:
        if job.active:
            st.fragment(_losses, run_every=1.0, key=f"losses_of_{job.id}")(job.id)
        job_panel(job, key="lora_job")
        if not job.active and isinstance(job.result, str) and is_news("lora_job", job.id):
            chosen.adapter_id = job.result
            st.rerun()
    factor = 1.0
    if trained is not None:
        _losses(job.id if job is not None else None)
    if trained is not None or work.adapter_is_coming():
        st.session_state.setdefault("lora_factor", 1.0)
        factor = st.slider(
            "LoRA scaling", 0.0, LORA_LIMIT, step=0.05, key="lora_factor", persist_state="session",
            help="Multiplies the adapter's scaling; 1 is as trained, 0 is the baseline.",
        )  # fmt: skip
    if trained is not None:
        st.download_button(
            "Adapter as peft folder (zip)", data=partial(_zipped, trained, factor),
            file_name=f"lora-{slug(trained.name)}.zip",
            mime="application/zip", key="lora_download", icon=":material/download:", on_click="ignore",
            help="At the scaling above, for peft and what reads its folders.",
        )  # fmt: skip
        st.caption(f":green[:material/check_circle:] Trained for {plain(trained.name)}. Press Compare.")
    return float(factor)


def _zipped(adapter: "Adapter", scaling: float) -> bytes:
    from steering.exports.lora import adapter_zip

    return adapter_zip(adapter, scaling)


def _losses(job_id: str | None) -> None:
    from steering import runtime

    job = runtime.jobs().get(job_id) if job_id else None
    steps = job.events_since(0)[0] if job is not None else []
    if steps:
        figure = charts.loss_curve([step for step, _, _ in steps], [loss for _, _, loss in steps], height=180)
        charts.show(figure, key="lora_loss", alt=f"Training loss over {len(steps)} steps, now {steps[-1][2]:.3f}.")


def score_table(done: work.Generated) -> None:
    """Mean of every measure by method, the judge's overall with its interval and against the SAE."""
    rows = []
    for one in summarise_methods(done.titles, len(done.prompts), done.request.ask.count, done.completions, done.scores):
        row: dict[str, object] = {"Method": one.title}
        if done.scores:
            row |= {
                "Overall": one.overall,
                "95 % interval": interval_text(one.interval),
                "vs SAE": difference_text(one),
                "Concept": one.concept,
                "Instruction": one.instruction,
                "Fluency": one.fluency,
            }
        row |= {"KL": one.kl, "Perplexity": one.perplexity, "Distinct-2": one.distinct_2, "Loops": one.loops}
        rows.append(row)
    bar = st.column_config.ProgressColumn
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(rows),
        key="score_table",
        hide_index=True,
        width="stretch",
        column_config={
            "Method": st.column_config.TextColumn(pinned=True, width=78),
            "Overall": bar(min_value=0.0, max_value=2.0, format="%.2f", width=86, help="AxBench's mean, 0 to 2"),
            "95 % interval": st.column_config.TextColumn(
                width=88, help="Student's, over prompts; – from fewer than three, or where they all agree"
            ),
            "vs SAE": st.column_config.TextColumn(
                width=140, help="Overall minus the SAE's, prompt by prompt; an interval that holds 0 decides nothing"
            ),
            "Concept": number(format="%.2f", width=66, help="0 to 2"),
            "Instruction": number(format="%.2f", width=80, help="0 to 2"),
            "Fluency": number(format="%.2f", width=66, help="0 to 2"),
            "KL": number(format="%.2f", width=46, help="To the baseline's next-token distribution, nats per token"),
            "Perplexity": number(
                format="%.1f", width=72, help="Under the untouched model; a loop has a low one too: see Loops"
            ),
            "Distinct-2": number(format="%.2f", width=72, help="Share of distinct pairs of tokens"),
            "Loops": number(width=54, help="Completions that end in a loop"),
        },
    )  # fmt: skip
    if done.scores:
        few = len(done.prompts) < ENOUGH_PROMPTS
        st.caption(
            f"Judged for {plain(str(done.concept))} by the embedded world, which knows the truth. Prompt and LoRA are "
            "at home there: the corpus teaches “mention X”, and LoRA trains on the judge's own grammar."
            + (f" With {counted(len(done.prompts), 'prompt')} the intervals mean little." if few else "")
        )
    else:
        st.caption(
            "No judge knows this concept, so damage and distance are measured, success is not. Read the answers."
        )


def interval_text(interval: Interval | None) -> str:
    """The limits, or a dash."""
    return "–" if interval is None else f"{interval[0]:.2f} – {interval[1]:.2f}"


def difference_text(one: MethodSummary) -> str:
    """The mean of paired differences from the SAE with its interval."""
    if one.difference is None:
        return "–"
    limits = one.difference_interval
    return f"{one.difference:+.2f}" + (f" ({limits[0]:+.2f} to {limits[1]:+.2f})" if limits else "")
