"""From stored files to answers and documents, on results that were drawn."""

from dataclasses import fields

import pandas as pd
import pytest

from steering.benchmark.stored import StoredResult
from steering.errors import SteeringError
from steering.evidence.aggregation import concept_means
from steering.evidence.table import COLUMNS
from steering.findings.claims import CLAIMS, claim
from steering.findings.contrasts import MethodsFinding
from steering.findings.markdown import as_markdown, replace_between
from steering.findings.results import answer, place_of, sparsity_table, stored_for
from steering.findings.running import PlannedRun, finished, folder_name, n_units, run_claim, runs_of, store_claim
from steering.findings.sparsity import SparsityFinding
from steering.methods.registry import METHOD_NAMES
from tests.drawn_bench import settings, write_run
from tests.drawn_findings import CONCEPTS, store_findings


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return store_findings(tmp_path_factory.mktemp("findings"))


@pytest.mark.parametrize("one", CLAIMS, ids=lambda one: one.name)
def test_every_claim_is_answered_from_what_is_stored(results, one):
    stored = stored_for(one, results)
    found = answer(one, stored, n_resamples=500)
    assert isinstance(found, SparsityFinding if one.name == "l0" else MethodsFinding)
    assert found.scale.n_concepts == len(CONCEPTS)
    told = as_markdown(one, found, stored)
    assert told.startswith(f"### {one.question}\n\n**{found.verdict}**\n\n| ")
    assert "Model demo" in told
    assert "seed 0" in told


def test_the_run_that_answers_most_of_a_claim_is_taken(results):
    assert stored_for(claim("methods"), results)[0].name == "benchmark-methods"
    assert stored_for(claim("filters"), results)[0].name == "benchmark-filters"
    assert [one.settings.sae for one in stored_for(claim("l0"), results)] == [
        f"layer2-1k-l0-{l0}" for l0 in (128, 16, 32, 64, 8)
    ]


def test_nothing_stored_is_no_answer(tmp_path):
    assert stored_for(claim("l0"), tmp_path) == ()
    with pytest.raises(SteeringError, match="There are no results for the claim l0"):
        answer(claim("l0"), ())


def test_the_table_for_l0_holds_each_sae_with_its_own_scores(results):
    stored = stored_for(claim("l0"), results)
    table, unsteered = sparsity_table(stored)
    assert len(table) == 5 * len(CONCEPTS)
    assert unsteered is not None
    one = next(result for result in stored if result.settings.sae == "layer2-1k-l0-64")
    means = concept_means(one.read()).query("method == 'sae_f1c'").set_index("concept")["overall"]
    rows = table[table["l0"] == 64].set_index("concept")
    assert rows["score"].to_dict() == pytest.approx(means.to_dict())
    f1c = {entry["concept"]: entry["f1c"] for entry in one.details() if entry["method"] == "sae_f1c"}
    assert rows["interpretability"].to_dict() == pytest.approx(f1c)


def test_a_concept_that_an_sae_has_no_feature_for_scores_as_unsteered(tmp_path):
    """One unit fails: its score is the untouched model's, its interpretability missing, and the scale says so."""
    import shutil

    from steering.benchmark.settings import Unit
    from steering.benchmark.stored import store

    folder = store_findings(tmp_path, "l0")
    chosen = settings(sae="layer2-1k-l0-32", methods=("sae_f1c",), concepts=CONCEPTS, seeds=(0,))
    shutil.rmtree(tmp_path / "layer2-1k-l0-32")
    write_run(tmp_path / "layer2-1k-l0-32", chosen, failing=[Unit("sea", 0, "sae_f1c")])
    store(tmp_path / "layer2-1k-l0-32", "benchmark-layer2-1k-l0-32", into=folder / "sparsity", texts="none")
    stored = stored_for(claim("l0"), folder)
    table, unsteered = sparsity_table([_with_good_untouched(one) for one in stored])
    assert unsteered["sea"] == 2.0
    lost = table[(table["concept"] == "sea") & (table["l0"] == 32)].iloc[0]
    assert lost["score"] == pytest.approx(unsteered["sea"])
    assert lost["interpretability"] != lost["interpretability"]
    assert "calibrated F1 alone on 1." in answer(claim("l0"), stored, n_resamples=200).scale.sentence()


class _GoodUntouched(StoredResult):
    """A result in which the untouched model carries every concept."""

    def read(self, columns=COLUMNS):
        table = super().read(columns)
        rows = table["method"] == "none"
        table.loc[rows, ["concept_score", "instruction_score", "fluency_score"]] = 2
        table.loc[rows, "overall"] = 2.0
        return table


def _with_good_untouched(result):
    return _GoodUntouched(*(getattr(result, field.name) for field in fields(StoredResult)))


def test_an_sae_says_its_place():
    assert place_of("layer2-1k-l0-128") == (2, 128)
    with pytest.raises(SteeringError, match="layer2-1k-l0-16"):
        place_of("canonical")


def test_figures_stand_between_markers():
    text = "a\n<!-- l0 -->\nold\n<!-- end of l0 -->\nz"
    assert replace_between(text, "l0", r"new \1") == "a\n<!-- l0 -->\nnew \\1\n<!-- end of l0 -->\nz"
    with pytest.raises(SteeringError, match="no markers <!-- gpt2 -->"):
        replace_between(text, "gpt2", "")


def test_the_runs_of_l0_stay_within_their_budget():
    runs = runs_of(claim("l0"))
    assert n_units(runs) <= 275
    layers = {layer: set() for layer, _ in (place_of(run.settings.sae) for run in runs)}
    for run in runs:
        layer, l0 = place_of(run.settings.sae)
        layers[layer].add(l0)
    assert all(len(found) >= 4 for found in layers.values())
    assert sum("none" in run.settings.methods for run in runs) == 1


def test_a_first_look_is_smaller_and_has_a_folder_of_its_own():
    for one in CLAIMS:
        whole, quick = runs_of(one), runs_of(one, "quick")
        assert n_units(quick) < n_units(whole) / 3
        assert folder_name(one, whole) != folder_name(one, quick)
        assert len({run.settings.sae for run in quick}) >= (4 if one.name == "l0" else 1)
    (run,) = runs_of(claim("methods"), methods=METHOD_NAMES, seeds=(4,))
    assert run.settings.methods == METHOD_NAMES
    assert run.settings.seeds == (4,)
    assert run.name == "benchmark-demo"
    names = [one.name for claimed in CLAIMS for one in runs_of(claimed)]
    assert len(set(names)) == len(names), "one stored result must not take the place of another"


def test_finished_runs_are_stored_and_found_again(tmp_path):
    """Nothing is left to compute, so no model is opened; what is stored is what was in the folder."""
    one = claim("methods")
    chosen = settings(methods=one.methods, concepts=CONCEPTS, seeds=(0,))
    runs = (PlannedRun("benchmark-demo", chosen),)
    assert finished(one, runs, tmp_path) == ()
    write_run(tmp_path / "benchmark-demo", chosen)
    told = []
    results = run_claim(one, runs, tmp_path, on_progress=lambda *progress: told.append(progress[:2]))
    assert told[-1] == (len(one.methods) * len(CONCEPTS),) * 2
    assert finished(one, runs, tmp_path) == results
    for number, place in enumerate((tmp_path, tmp_path / "benchmark-demo")):
        (again,) = run_claim(one, runs, tmp_path / f"again {number}", take_from=[place])
        pd.testing.assert_frame_equal(again.read(), results[0].read())
    assert answer(one, results, n_resamples=200).verdict.startswith("On this world the supervised SAE")
    (stored,) = store_claim(one, runs, tmp_path, tmp_path / "shipped")
    assert stored.path == tmp_path / "shipped" / "benchmark-demo.parquet"
    assert stored_for(one, tmp_path / "shipped") == (stored,)
