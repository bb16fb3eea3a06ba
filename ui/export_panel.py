"""How do the features that are written, a whole comparison and a ranking leave the app as files?

Every file is built when its button is pressed, not before, by the worker of the device. What a format cannot hold is
said beforehand: a button's press can only succeed or fail, it cannot tell a reason.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from steering import runtime
from steering.errors import SteeringError
from steering.exports.formats import FORMATS, Facts, slug
from steering.exports.ranking import ENDINGS, MIMES, ranking_file
from steering.hook_points import parse_hook_name
from steering.jobs import Job
from steering.presets import sae_title
from steering.recipes import Recipe
from steering.recipes.script_limits import script_refusal
from steering.report.building import build_report, feature_part
from steering.report.rendering import render_report
from ui import recipe_work, work
from ui.state import chosen, owner
from ui.text import plain

if TYPE_CHECKING:
    from steering.ranking import Ranking
    from steering.workbench import Loaded, RankingRun
    from ui.compare_view import Plan

_SECONDS = 120.0
_RANKING_TITLES = {".csv": "CSV, for spreadsheets", ".parquet": "Parquet", ".json": "JSON"}


def exports(screen: str, weights: "recipe_work.Sources", recipe: Recipe, run: "RankingRun") -> None:
    """A popover with a button for every format that can hold the recipe, and the reason for every other.

    Args:
        screen: ``steer`` or ``compare``.
        weights: what decides which formats can hold its features.
        recipe: of the screen.
        run: its ranking.
    """
    assert recipe.sae is not None  # the screens always name it
    facts = Facts(
        recipe.mode, recipe.scope, parse_hook_name(recipe.sae.hook_point), weights.architecture, weights.normalised,
        run.neuronpedia_id or "",
    )  # fmt: skip
    popover = st.popover("Export", icon=":material/download:", key=f"{screen}_export")
    with popover, st.container(gap="xsmall"):
        st.caption("Each file is made when you press.")
        stem = f"steering-{recipe.concept or 'features'}"
        refused = [("Python script", script_refusal(recipe))]
        if refused[0][1] is None:
            _download(
                "Python script", "_script", f"{slug(stem)}.zip", "application/zip", screen, recipe,
                "The same tokens with torch, transformers and safetensors alone.",
            )  # fmt: skip
        for one in FORMATS.values():
            reason = one.refusal(facts)
            refused.append((one.title, reason))
            if reason is None:
                _download(one.title, one.name, one.file_name(stem), one.mime, screen, recipe, one.what)
        for title, reason in refused:
            if reason is not None:
                st.caption(f"**{plain(title)}**: {plain(reason)}")


def _download(title: str, name: str, file_name: str, mime: str, screen: str, recipe: Recipe, what: str) -> None:
    st.download_button(
        title, data=partial(_vector_file, name, work.place(), owner(), chosen.model, chosen.sae, recipe),
        file_name=file_name, mime=mime, key=f"{screen}_export_{name}", icon=":material/download:", type="tertiary",
        on_click="ignore", help=what,
    )  # fmt: skip


def _vector_file(name: str, at: "work.Place", mine: str, model: str, sae: str, recipe: Recipe) -> bytes:
    def build(loaded: "Loaded") -> bytes:
        from steering.exports.of_recipe import script_zip, subject_of

        return script_zip(recipe, loaded) if name == "_script" else FORMATS[name].build(subject_of(recipe, loaded))

    made = _in_worker(build, "Exporting", at, mine, model, sae)
    assert isinstance(made, bytes)
    return made


def _in_worker(
    build: "Callable[[Loaded], object]", title: str, at: "work.Place", mine: str, model: str, sae: str
) -> object:
    """What ``build`` makes of model and SAE in the worker of the device, as all that touches them."""

    def run(job: Job) -> object:
        with work.pair(job, model, sae, at) as loaded:
            return build(loaded)

    job = runtime.jobs().submit(run, title=title, owner=mine, device=at.device, kind="export")
    job.wait(_SECONDS)
    if job.result is None:
        job.cancel()
        raise SteeringError(f"{title} failed ({job.error or 'the worker had no time for it'}); try again.")
    return job.result


def report_download(done: work.Generated, run: "RankingRun", label: str) -> None:
    """One button: the comparison on the screen as a single HTML file."""
    plan: Plan = done.request.settings  # type: ignore[assignment]  # the Compare screen's requests hold its plan
    weights = recipe_work.sources()
    adapter = runtime.store.get("adapter", done.request.adapter_id)
    recipe = None
    if weights is not None and (adapter is not None or done.request.adapter_id is None):
        recipe = recipe_work.comparison_recipe(weights, run, label, plan, done.request.ask, adapter)
    st.download_button(
        "Report", data=partial(_report_file, work.place(), owner(), done, run, label, recipe),
        file_name=f"report-{slug(label)}.html", mime="text/html", key="compare_report", icon=":material/description:",
        on_click="ignore", help="Everything on this screen as one HTML file that needs no network: answers, scores, "
        "ranking, heatmaps, receipts, recipe.",
    )  # fmt: skip


def _report_file(
    at: "work.Place", mine: str, done: work.Generated, run: "RankingRun", label: str, recipe: Recipe | None
) -> bytes:
    """Build the report; the examples are read again, token by token, for the heatmaps."""
    from steering.report.heat import heat_rows
    from steering.report.of_recipe import WORLD_JUDGE, time_of_day

    strength = done.request.settings.strength  # type: ignore[union-attr]  # the Compare screen's requests hold its plan
    ids = [feature_id for feature_id, _, _ in strength.features]
    heat = _in_worker(
        lambda loaded: heat_rows(loaded, run, label, ids), "Writing the report", at, mine, run.model, run.sae
    )
    assert isinstance(heat, dict)
    ranking = run.rankings.get(label)
    report = build_report(
        title=f"Steering towards {label}",
        made=time_of_day(),
        titles=done.titles,
        prompts=done.prompts,
        count=done.request.ask.count,
        completions=done.completions,
        scores=done.scores,
        judge=WORLD_JUDGE,
        facts={
            "Concept": label, "Model": run.model, "SAE": sae_title(run.sae), "Hooked": run.hook_module,
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
        recipe=recipe,
    )  # fmt: skip
    return render_report(report).encode()


def ranking_download(run: "RankingRun", ranking: "Ranking") -> None:
    """A popover with the ranking as a table for other programs."""
    head = {"model": run.model, "sae": sae_title(run.sae), "hook_module": run.hook_module}
    popover = st.popover("Download", icon=":material/download:", key="ranking_download")
    with popover, st.container(gap="xsmall"):
        for ending in ENDINGS:
            st.download_button(
                _RANKING_TITLES[ending], data=partial(ranking_file, [ranking], head, ending),
                file_name=f"ranking-{slug(ranking.label)}{ending}", mime=MIMES[ending], key=f"ranking{ending}",
                icon=":material/download:", type="tertiary", on_click="ignore",
            )  # fmt: skip
