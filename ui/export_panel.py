"""How do the features that are being written, and a whole comparison, leave the app as files?

Every file is built when its button is pressed, not before.
"""

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from steering import runtime
from steering.errors import SaeError, SteeringError
from steering.exports.formats import FORMATS, Facts, slug
from steering.hook_points import parse_hook_name
from steering.jobs import Job
from steering.report.building import build_report, feature_part
from steering.report.rendering import render_report
from ui import work
from ui.state import chosen, owner
from ui.text import plain

if TYPE_CHECKING:
    from steering.workbench import RankingRun
    from ui.controls import Strength

REPORT_SECONDS = 120.0
_SENTENCE = "the embedded world, which knows the truth"


def steering_exports(run: "RankingRun", strength: "Strength", label: str) -> None:
    """A popover with a button for every format that can hold the intervention, and the reason for every other."""
    hook_point = None
    with suppress(SaeError):  # a module path that families use for different places: decided when the file is built
        hook_point = parse_hook_name(run.hook_module)
    facts = Facts(strength.mode, strength.scope, hook_point, neuronpedia_id=run.neuronpedia_id or "")
    with st.popover("Export", icon=":material/download:", key="steer_export"):
        for one in FORMATS.values():
            reason = one.refusal(facts)
            if reason is not None:
                st.caption(f"**{one.title}**: {plain(reason)}")
                continue
            st.download_button(
                one.title,
                data=partial(_vector_file, one.name, work.place(), chosen.model, chosen.sae, strength, label),
                file_name=one.file_name(f"steering-{label}"), mime=one.mime, key=f"export_{one.name}",
                icon=":material/download:", type="tertiary", on_click="ignore", help=one.what,
            )  # fmt: skip


def _vector_file(name: str, at: "work.Place", model: str, sae: str, strength: "Strength", label: str) -> bytes:
    from steering.exports.subject import Subject
    from steering.presets import sae_title
    from steering.workbench import open_pair

    with open_pair(model, sae, device=at.device, dtype=at.dtype) as loaded:
        subject = Subject(
            model=loaded.model,
            sae=loaded.sae,
            sae_name=sae_title(loaded.sae.name),
            intervention=strength.intervention(),
            concept=label,
        )
        return FORMATS[name].build(subject)


def report_download(done: work.Generated, run: "RankingRun", strength: "Strength", label: str) -> None:
    """One button: the comparison on the screen as a single HTML file."""
    st.download_button(
        "Report", data=partial(_report_file, work.place(), owner(), done, run, strength, label),
        file_name=f"report-{slug(label)}.html", mime="text/html", key="compare_report", icon=":material/description:",
        on_click="ignore", help="Everything on this screen as one HTML file that needs no network: answers, scores, "
        "ranking, heatmaps, receipts.",
    )  # fmt: skip


def _report_file(
    at: "work.Place", mine: str, done: work.Generated, run: "RankingRun", strength: "Strength", label: str
) -> bytes:
    """Build the report; the examples are read again by the worker of the device, as all that runs the model."""
    ids = [feature_id for feature_id, _, _ in strength.features]
    model, sae = run.model, run.sae

    def read(job: Job) -> object:
        from steering.report.heat import heat_rows
        from steering.workbench import open_pair

        with open_pair(model, sae, device=at.device, dtype=at.dtype, should_stop=lambda: job.should_stop) as loaded:
            return heat_rows(loaded, run, label, ids)

    job = runtime.jobs().submit(read, title="Writing the report", owner=mine, device=at.device, kind="report")
    job.wait(REPORT_SECONDS)
    heat = job.result
    if not isinstance(heat, dict):
        raise SteeringError(f"The report was not written ({job.error or 'it took too long'}); try again.")
    ranking = run.rankings.get(label)
    report = build_report(
        title=f"Steering towards {label}",
        made=datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"),
        titles=done.titles,
        prompts=done.prompts,
        count=done.request.ask.count,
        completions=done.completions,
        scores=done.scores,
        judge=_SENTENCE,
        facts={
            "Concept": label, "Model": run.model, "SAE": run.sae, "Hooked": run.hook_module,
            "Mode, where": f"{strength.mode}, {strength.scope}", "Examples": run.examples.name,
        },
        features=[
            feature_part(
                feature_id, mode=strength.mode, factor=factor, max_act=max_act, ranking=ranking,
                rows=heat[feature_id], neuronpedia_id=run.neuronpedia_id,
            )
            for feature_id, factor, max_act in strength.features
        ],
        ranking=ranking,
    )  # fmt: skip
    return render_report(report).encode()
