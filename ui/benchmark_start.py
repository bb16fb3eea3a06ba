"""What is to be run, how long will it take, and which command does the same?"""

from dataclasses import dataclass

import streamlit as st

from steering.benchmark.command import command_line
from steering.benchmark.estimate import Measured, estimate
from steering.benchmark.runs import Run, new_path, runs_folder
from steering.benchmark.settings import BenchmarkSettings, TestFactors
from steering.errors import SteeringError
from steering.judges.cost import Prices, estimate_run
from steering.methods.registry import METHOD_NAMES, METHODS
from steering.presets import default_positions, world_presets
from ui import benchmark_job
from ui.benchmark_source import Source
from ui.benchmark_style import USUAL, titled
from ui.errors import boundary
from ui.judge_access import judge_endpoint, judge_spec
from ui.text import counted, duration, plain


@dataclass(frozen=True, slots=True)
class Size:
    """A ready choice of how much is run.

    Attributes:
        title: on the screen.
        methods: which.
        n_concepts: of the test split, the first ones; None for all of both splits.
        seeds: how many, from 0.
        n_select: selection prompts.
        n_test: test prompts.
    """

    title: str
    methods: tuple[str, ...]
    n_concepts: int | None
    seeds: int
    n_select: int
    n_test: int


KNOWN = tuple(one.name for one in METHODS)

SIZES = {
    "quick": Size("A first look", ("prompt", "sae_f1c", "diffmean", "none"), 4, 1, 4, 6),
    "usual": Size("The usual methods", tuple(name for name in METHOD_NAMES if name in USUAL), 12, 1, 10, 20),
    "whole": Size("Everything", METHOD_NAMES, None, 3, 10, 20),
}


def start_panel(found: list[Source]) -> None:
    """The form. Only it is drawn again while its values change."""
    if not world_presets():
        st.info("The embedded world is not here, so there is no model to run; see “python -m steering world build”.")
        return
    st.fragment(_form, key="benchmark_form")(found)


def _form(found: list[Source]) -> None:
    from steering.world.concepts import concepts

    world = concepts()
    first, second, third = st.columns([2, 2, 3], vertical_alignment="bottom")
    names = list(known := world_presets())
    model = first.selectbox("Model", names, format_func=lambda name: known[name].title, key="benchmark_new_model")
    sae = second.selectbox("SAE", list(known[model].saes), key=f"benchmark_new_sae_{model}")
    with third:
        size = st.segmented_control(
            "Size", list(SIZES), format_func=lambda key: SIZES[key].title, default="quick", required=True,
            key="benchmark_new_size", help="Fills in what follows; change anything afterwards.",
        )  # fmt: skip
    chosen = SIZES[size]
    test = [one.name for one in world if one.split == "test"]
    start_concepts = [one.name for one in world] if chosen.n_concepts is None else test[: chosen.n_concepts]
    methods = st.multiselect(
        "Methods", KNOWN, default=chosen.methods, format_func=titled, key=f"benchmark_new_methods_{size}",
        help="Controls are there to be beaten; keep the untouched model, which failed units count as.",
    )  # fmt: skip
    split = {one.name: one.split for one in world}
    picked = st.multiselect(
        "Concepts", list(split), default=start_concepts, key=f"benchmark_new_concepts_{size}",
        format_func=lambda name: name if split[name] == "test" else f"{name} (development)",
        help="Intervals are taken over concepts: fewer than three give none, ten or more say something.",
    )  # fmt: skip
    number = st.columns(5, vertical_alignment="bottom")
    n_seeds = number[0].number_input("Seeds", 1, 10, chosen.seeds, key=f"benchmark_new_seeds_{size}")
    n_select = number[1].number_input(
        "Selection prompts", 1, 100, chosen.n_select, key=f"benchmark_new_select_{size}",
        help="The factor is chosen on them.",
    )  # fmt: skip
    n_test = number[2].number_input(
        "Test prompts", 1, 200, chosen.n_test, key=f"benchmark_new_test_{size}", help="The result is scored on them."
    )
    tokens = number[3].number_input("Tokens", 1, 256, 64, key="benchmark_new_tokens", help="Of each answer, at most.")
    workers = number[4].number_input(
        "Workers", 1, benchmark_job.most_workers(), 1, key="benchmark_new_workers",
        help="Processes, each with a model of its own and about 1 GB of memory. They change the time and no number.",
    )  # fmt: skip
    judge, prices = _judge()
    test_factors: TestFactors = (
        "all"
        if st.toggle(
            "Complete the test prompts at every factor", value=True, key="benchmark_new_all",
            help="Curves, the oracle and equal doses need it. Off, as in AxBench, takes about a third of the time.",
        )
        else "chosen"
    )  # fmt: skip
    if not judge:
        st.info("Name the judge's model.", icon=":material/gavel:")
        return
    with boundary("This cannot be run"):
        settings = BenchmarkSettings(
            model=model,
            sae=sae,
            methods=tuple(name for name in KNOWN if name in methods),
            concepts=tuple(name for name in split if name in picked),
            seeds=tuple(range(int(n_seeds))),
            n_select=int(n_select),
            n_test=int(n_test),
            max_new_tokens=int(tokens),
            test_factors=test_factors,
            judge=judge,
            positions=default_positions(model),
        )
        reckoned = estimate(settings, workers=int(workers), measured=measured(found))
        st.markdown(
            f"**{counted(reckoned.n_units, 'unit')}**, {counted(reckoned.n_completions, 'answer')}: about "
            f"**{duration(reckoned.seconds)}** with {counted(int(workers), 'worker')} :gray[(reckoned from "
            f"{plain(reckoned.basis)})]"
        )
        if judge != "world":
            cost = estimate_run(settings.n_completions, text_tokens=settings.max_new_tokens, prices=prices)
            st.markdown(f"The judge: {plain(cost.sentence())} :gray[Its time comes on top.]")
        if st.button("Start", key="benchmark_start", icon=":material/play_arrow:", type="primary"):
            benchmark_job.start(settings, new_path(settings), workers=int(workers))
            st.rerun()
        st.caption(
            f"{benchmark_job.folder_note()} The same from the command line, where models of your own can be run too "
            "(docs/benchmark.md):"
        )
        st.code(
            command_line(settings, runs_folder() / "my-run", workers=int(workers)), language="bash", wrap_lines=True
        )


def _judge() -> tuple[str, Prices | None]:
    """Who rates the answers, as the settings name it, empty while no model was named; and what it costs."""
    endpoint = judge_endpoint()
    kinds = {"world": "The world's own judge (ground truth)"}
    if endpoint is not None:
        kinds["model"] = f"A language model at {endpoint.host}"
    with st.container(horizontal=True, vertical_alignment="bottom", key="benchmark_new_judge_row"):
        kind = st.selectbox(
            "Judge", list(kinds), format_func=kinds.__getitem__, key="benchmark_new_judge", width=320,
            help="A language model can be named where this server has an endpoint and a key, in its environment or in "
            "Streamlit's secrets (docs/benchmark.md).",
        )  # fmt: skip
        if kind == "world" or endpoint is None:
            return "world", None
        model = st.text_input("Judge's model", key="benchmark_new_judge_model", placeholder="gpt-4o-mini", width=220)
        read = st.number_input(
            "Price, read", 0.0, None, None, key="benchmark_new_price_read", width=130, placeholder="per million",
            help="Of a million tokens that the judge reads, in any currency; for the estimate alone",
        )  # fmt: skip
        written = st.number_input(
            "Price, written", 0.0, None, None, key="benchmark_new_price_written", width=130, placeholder="per million",
            help="Of a million tokens that the judge writes",
        )  # fmt: skip
    prices = Prices(float(read), float(written)) if read is not None and written is not None else None
    return judge_spec(model, endpoint) if model and model.strip() else "", prices


def measured(found: list[Source]) -> list[Measured]:
    """What earlier runs took, those of this server first."""
    own = [one for one in found if isinstance(one, Run) and one.finished]
    others = [one for one in found if not isinstance(one, Run)]
    return [
        *(Measured(one.settings, _seconds(str(one.path), len(one.finished), _run=one), "runs here") for one in own),
        *(Measured(one.settings, one.seconds, "the stored result, made on another machine") for one in others),
    ]


@st.cache_data(max_entries=64, show_spinner=False)
def _seconds(path: str, n_finished: int, *, _run: Run) -> dict[str, float]:  # noqa: ARG001 - the key
    try:
        return _run.seconds()
    except SteeringError:  # a part that cannot be read is told where the run is shown; here it costs an estimate
        return {}
