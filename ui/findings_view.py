"""How does one finding stand on the screen: question, verdict, plot, what it rests on, and how to run it again?"""

import re
from collections.abc import Mapping, Sequence

import streamlit as st

from steering.benchmark.stored import StoredResult
from steering.findings.claims import Claim
from steering.findings.claims import claim as named
from steering.findings.contrasts import Contrast, MethodsFinding, agreement
from steering.findings.markdown import provenance
from steering.findings.results import Finding, answer, stored_for
from steering.findings.running import Size, expected_seconds, n_units, runs_of
from steering.findings.sparsity import SparsityFinding
from ui import charts, findings_charts, findings_work
from ui.errors import boundary
from ui.job_panel import job_panel
from ui.state import is_news
from ui.text import counted, duration, plain

STORED, MINE = "stored", "run here"
_SIZES: dict[Size, str] = {"quick": "A first look", "whole": "Every test concept"}
_COLUMNS = [5, 6]


def paper_note() -> None:
    """Whose claims these are."""
    st.caption(
        "Jørgensen and Hansen, “Steering LLMs? Actually, Sparse Autoencoders can outperform simple baselines”, "
        "arXiv 2605.31183. Scores are AxBench's: harmonic mean of concept, instruction and fluency, 0 to 2, judged "
        "by the world's own grammar. Intervals are 95 %, concepts resampled."
    )


def section(number: int, claim: Claim) -> None:
    """One claim, from its question to the button that runs it again."""
    with st.container(border=True, key=f"finding_{claim.name}"):
        st.subheader(f"{number} · {claim.question}", anchor=claim.name)
        st.caption(claim.claimed)
        found: dict[str, Finding] = {}
        stored: tuple[StoredResult, ...] = ()
        with boundary("The stored result cannot be shown"):
            stored = stored_for(claim)
            if stored:
                found[STORED] = answered(claim, stored)
        mine: tuple[StoredResult, ...] = ()
        with boundary("The run of this server cannot be shown"):
            mine = findings_work.rerun(claim)
            if mine:
                found[MINE] = answered(claim, mine)
        for name, finding in found.items():
            _verdict(claim, name, finding, alone=len(found) == 1 and name == STORED)
        if not found:
            st.info(
                "No result for this question is stored with this copy of Steerscope. Run it below: a first look "
                "takes minutes.",
                icon=":material/info:",
            )
        _figures(claim, found)
        for finding in list(found.values())[:1]:
            st.caption(plain(" ".join([finding.scale.sentence(), *finding.notes, claim.caveats[0]])))
        _job(claim)
        _more(claim, {STORED: stored, MINE: mine}, open_run=not found)


def answered(claim: Claim, results: tuple[StoredResult, ...]) -> Finding:
    """``answer``, kept for as long as the files stay as they are."""
    return _answered(claim.name, tuple((str(one.path), one.path.stat().st_mtime_ns) for one in results), results)


@st.cache_data(max_entries=32, show_spinner="Reading the results")
def _answered(name: str, state: tuple[tuple[str, int], ...], _results: tuple[StoredResult, ...]) -> Finding:  # noqa: ARG001 - the key
    return answer(named(name), _results)


def _verdict(claim: Claim, name: str, finding: Finding, *, alone: bool) -> None:
    prefix = "" if alone else f":gray[{'Stored' if name == STORED else 'Run here'}:] "
    st.markdown(f"{prefix}{emphasised(finding.verdict)}")
    if claim.name == "gpt2" and isinstance(finding, MethodsFinding):
        with boundary():
            told = agreement(finding.contrasts, _first_model())
            if told:
                st.markdown(plain(told))


def emphasised(verdict: str) -> str:
    """A verdict as Markdown, its statements bold and the numbers in brackets not."""
    parts = [plain(part) for part in re.split(r"(\([^()]*\))", verdict)]
    # A space may not stand just inside the asterisks.
    return "".join(
        part if place % 2 else re.sub(r"^(\s*)(\S.*?)(\s*)$", r"\1**\2**\3", part) for place, part in enumerate(parts)
    )


def _first_model() -> tuple[Contrast, ...]:
    """What the stored results say about the first architecture."""
    contrasts: list[Contrast] = []
    for name in ("methods", "filters"):
        results = stored_for(named(name))
        if results:
            found = answered(named(name), results)
            contrasts += found.contrasts if isinstance(found, MethodsFinding) else ()
    return tuple(contrasts)


def _figures(claim: Claim, found: Mapping[str, Finding]) -> None:
    methods = {name: one for name, one in found.items() if isinstance(one, MethodsFinding)}
    sparsities = {name: one for name, one in found.items() if isinstance(one, SparsityFinding)}
    if methods:
        _method_figures(claim, methods)
    if sparsities:
        _l0_figures(claim, sparsities)


def _method_figures(claim: Claim, found: Mapping[str, MethodsFinding]) -> None:
    verdict = next(iter(found.values())).verdict
    left, right = st.columns(_COLUMNS, gap="medium")
    with left:
        st.markdown("**How each method scores**")
        figure = findings_charts.scores({name: one.scores for name, one in found.items()})
        charts.show(figure, key=f"{claim.name}_scores", alt=f"Mean score of each method with its interval. {verdict}")
    with right:
        series: dict[str, Sequence[Contrast]] = {name: one.contrasts for name, one in found.items()}
        if claim.name == "gpt2":
            pairs = set(claim.contrasts)
            first = [one for one in _first_model() if (one.ours, one.theirs) in pairs]
            series = {f"GPT-2-style, {name}": of for name, of in series.items()}
            if first:
                series["Llama-style, stored"] = first
        st.markdown("**What separates them** :gray[hollow: cannot be told apart]")
        figure = findings_charts.differences(series)
        charts.show(figure, key=f"{claim.name}_differences", alt=f"Paired differences with intervals. {verdict}")


def _l0_figures(claim: Claim, found: Mapping[str, SparsityFinding]) -> None:
    first = next(iter(found.values()))
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Score of the feature that calibrated F1 chooses**")
        figure = findings_charts.by_l0(
            {name: one.scores for name, one in found.items()},
            "Overall score, 0 to 2",
            reference=None if first.unsteered is None else ("untouched model", first.unsteered),
        )
        charts.show(figure, key=f"{claim.name}_scores", alt=f"Score by l0 with intervals. {first.verdict}")
    with right:
        st.markdown("**Does interpretability predict steering?**")
        figure = findings_charts.by_l0(
            {name: one.correlations for name, one in found.items()}, "Kendall's τ of F1c with score", signed=True
        )
        charts.show(figure, key=f"{claim.name}_correlations", alt=f"Rank correlation by l0. {first.verdict}")


def _job(claim: Claim) -> None:
    """Progress of this session's run; one rerun of the page when it has ended, which then shows the result."""
    job = findings_work.latest(claim)
    job_panel(job, key=f"finding_job_{claim.name}")
    if job is not None and isinstance(job.result, str) and is_news(f"finding_{claim.name}", job.id):
        st.toast("A finding was run again; it stands beside the stored one.", icon=":material/fact_check:")


def _more(claim: Claim, results: Mapping[str, tuple[StoredResult, ...]], *, open_run: bool) -> None:
    with st.container(horizontal=True, key=f"finding_more_{claim.name}"):
        with st.popover("What to keep in mind", icon=":material/warning:"):
            st.markdown("\n".join(f"- {plain(one)}" for one in claim.caveats))
        if any(results.values()):
            with st.popover("Where it comes from", icon=":material/history:"):
                _provenance(results)
        if not open_run:
            with st.popover("Run it again", icon=":material/play_circle:"), boundary("This cannot be run here"):
                _run(claim, results)
    if open_run:
        with boundary("This cannot be run here"):
            _run(claim, results)


def _provenance(results: Mapping[str, tuple[StoredResult, ...]]) -> None:
    for name, of in results.items():
        if of:
            st.markdown(f"**{'Stored' if name == STORED else 'Run here'}.** {plain(provenance(of))}")
            lost = sum(len(one.failures) for one in of)
            if lost:
                st.caption(f"{counted(lost, 'unit')} could not be computed.")


def _run(claim: Claim, results: Mapping[str, tuple[StoredResult, ...]]) -> None:
    size = st.segmented_control(
        "How much", list(_SIZES), default="quick", format_func=_SIZES.__getitem__, required=True,
        key=f"finding_size_{claim.name}", persist_state="session",
        help="A first look takes a few concepts, fewer prompts and one seed: enough to see that it runs, too little to "
        "decide much. Every test concept is what the stored result holds.",
    )  # fmt: skip
    chosen: Size = size or "quick"
    runs = runs_of(claim, chosen)
    workers = findings_work.workers()
    seconds = expected_seconds(runs, workers=workers, results=(*results[MINE], *results[STORED]))
    st.caption(
        f"{counted(n_units(runs), 'unit')} (a concept, a seed and a method each), about {duration(seconds)} with "
        f"{counted(workers, 'process', 'processes')}. It can be stopped, and goes on where it was; the other screens "
        "stay free meanwhile."
    )
    words = ["python -m benchmarks.findings --claim", claim.name, "--out DIR --workers", str(workers)]
    st.code(" ".join([*words, *(["--quick"] if chosen == "quick" else [])]), language="bash", wrap_lines=True)
    job = findings_work.latest(claim)
    label = "Go on with it" if findings_work.is_begun(claim, runs) else "Run it here"
    if st.button(
        label, key=f"finding_run_{claim.name}", icon=":material/play_arrow:", disabled=job is not None and job.active
    ):
        findings_work.start(claim, chosen).wait(0.3)
        st.rerun()
