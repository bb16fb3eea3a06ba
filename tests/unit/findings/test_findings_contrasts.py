"""Claims that set methods against each other, on tables in which the answer was planted."""

from dataclasses import replace

import pandas as pd
import pytest

from steering.benchmark.planned import planned_of
from steering.errors import SteeringError
from steering.evidence.bootstrap import Interval
from steering.findings.claims import CLAIMS, claim
from steering.findings.contrasts import Contrast, agreement, compare_methods
from tests.unit.findings.planted import CONCEPTS, scores, shifted, table

BASE = scores(1.0)
FAST = 1_000


def methods_table(by: dict[str, float], **more):
    others = {name: shifted(BASE, shift, seed=place) for place, (name, shift) in enumerate(by.items(), 1)}
    return table({"sae_f1c_output": BASE, "none": dict.fromkeys(CONCEPTS, 0.2), **others}, **more)


def test_a_worse_a_better_and_an_equal_sae_get_their_verdicts():
    found = compare_methods(
        claim("methods"), methods_table({"lora": 0.5, "diffmean": -0.5, "prompt": 0.0}), n_resamples=FAST
    )
    lora, diffmean, prompt = (one.difference for one in found.contrasts)
    assert lora.high < 0 < diffmean.low
    assert not prompt.excludes(0.0)
    assert found.verdict.startswith(
        f"On this world the supervised SAE scores {-lora.value:.2f} below LoRA (95 % interval "
    )
    assert f"{diffmean.value:.2f} above DiffMean" in found.verdict
    assert "cannot be told apart from prompting" in found.verdict
    assert found.verdict.endswith(": 12 concepts, 1 seed.")


def test_the_verdict_turns_with_the_sign():
    """The same table with the SAE's and LoRA's rows exchanged."""
    names = {"sae_f1c_output": "lora", "lora": "sae_f1c_output"}
    rows = methods_table({"lora": 0.5})
    turned = rows.assign(method=rows["method"].replace(names))
    straight, other = (compare_methods(claim("methods"), one, n_resamples=FAST) for one in (rows, turned))
    assert "below LoRA" in straight.verdict
    assert "above LoRA" in other.verdict
    assert straight.contrasts[0].difference.value == pytest.approx(-other.contrasts[0].difference.value)


def test_only_the_interval_decides():
    """The same mean difference, once from concepts that agree and once from concepts that do not."""
    steady, noisy = (
        compare_methods(
            claim("methods"),
            table({"sae_f1c_output": BASE, "lora": shifted(BASE, 0.2, sd=sd)}),
            n_resamples=FAST,
        )
        for sd in (0.05, 0.8)
    )
    assert "below LoRA" in steady.verdict
    assert "cannot be told apart from LoRA" in noisy.verdict


def test_the_scale_counts_concepts_seeds_prompts_and_completions():
    found = compare_methods(claim("methods"), methods_table({"lora": 0.5}, seeds=(0, 3)), n_resamples=FAST)
    assert (found.scale.n_concepts, found.scale.seeds, found.scale.n_prompts) == (12, (0, 3), 10)
    assert found.scale.n_completions == 3 * 12 * 2 * 10
    assert found.verdict.endswith(": 12 concepts, 2 seeds.")
    assert found.scale.sentence().startswith("12 concepts, 2 seeds, 10 test prompts for each concept, 720 completions")


def test_a_concept_that_the_sae_refused_counts_as_unsteered():
    """LoRA is no better where the SAE has a feature; where it has none, the SAE's score is the untouched model's."""
    sae = {name: value for name, value in BASE.items() if name not in ("c0", "c1", "c2", "c3")}
    whole = table({"sae_f1c_output": sae, "lora": BASE, "none": dict.fromkeys(CONCEPTS, 0.2)})
    found = compare_methods(claim("methods"), whole, n_resamples=FAST)
    wanted = sum(0.2 - BASE[name] for name in ("c0", "c1", "c2", "c3")) / 12
    assert found.contrasts[0].difference.value == pytest.approx(wanted, abs=0.05)
    assert found.scale.dropped == {"sae_f1c_output": 4}
    assert "Could not be had and counted as unsteered: the supervised SAE on 4." in found.scale.sentence()


def test_a_method_at_the_floor_is_said_to_be_there():
    low = BASE | dict.fromkeys(CONCEPTS[:6], 0.0)
    found = compare_methods(claim("methods"), table({"sae_f1c_output": low, "lora": BASE}), n_resamples=FAST)
    assert found.notes[0].startswith("Scores of zero: the supervised SAE on 6 of 12 concepts, ")
    assert compare_methods(claim("methods"), methods_table({"lora": 0.5}), n_resamples=FAST).notes == ()


def test_a_planned_concept_without_any_result_counts_too():
    rows = methods_table({"lora": 0.5})
    plan = planned_of(pd.concat([rows, rows.head(1).assign(concept="lost")]))
    found = compare_methods(claim("methods"), rows, planned=plan, n_resamples=FAST)
    assert found.scale.n_concepts == 13
    assert found.scale.dropped == {"lora": 1, "sae_f1c_output": 1}


def test_a_seed_that_the_sae_refused_counts_as_unsteered_there():
    """By concept alone nothing would be missing: the other seed has a result of every concept."""
    whole = methods_table({"lora": 0.0}, seeds=(0, 1))
    lost = (whole["method"] == "sae_f1c_output") & (whole["seed"] == 1) & whole["concept"].isin(CONCEPTS[:6])
    without = compare_methods(claim("methods"), whole[~lost], n_resamples=FAST)
    assert without.scale.dropped == {"sae_f1c_output": 6}
    assert "the supervised SAE on 6 (each a concept under one seed)." in without.scale.sentence()
    before = compare_methods(claim("methods"), whole, n_resamples=FAST).contrasts[0].difference.value
    # Half of the runs of half of the concepts score what the untouched model does, 0.2.
    fall = sum(round(BASE[name] / 2 * 10) / 5 - 0.2 for name in CONCEPTS[:6]) / 2 / 12
    assert without.contrasts[0].difference.value == pytest.approx(before - fall)


def test_a_method_that_failed_everywhere_is_compared_as_unsteered():
    rows = methods_table({"lora": 0.5})
    plan = planned_of(rows)
    found = compare_methods(claim("methods"), rows[rows["method"] != "sae_f1c_output"], planned=plan, n_resamples=FAST)
    assert found.scale.dropped == {"sae_f1c_output": 12}
    (score,) = (one for one in found.scores if one.method == "sae_f1c_output")
    assert score.overall.value == pytest.approx(0.2)


def test_development_concepts_are_not_reported():
    with pytest.raises(SteeringError, match="no test concept"):
        compare_methods(claim("methods"), methods_table({"lora": 0.5}, split="development"))
    both = methods_table({"lora": 0.5})
    seen = both["concept"].isin(CONCEPTS[:4])
    both.loc[seen, "split"] = "development"
    assert compare_methods(claim("methods"), both, n_resamples=FAST).scale.n_concepts == 8


def test_results_without_the_methods_of_the_question_are_refused():
    with pytest.raises(SteeringError, match="none of the methods"):
        compare_methods(claim("methods"), table({"pca": BASE}))


CONTROLS = {"random_feature": -0.6, "other_concept": -0.5, "random_direction": -0.7, "none": -0.8}


def filters_table(**by: float):
    shifts = CONTROLS | by
    others = {name: shifted(BASE, shift, sd=0.1, seed=place) for place, (name, shift) in enumerate(shifts.items(), 1)}
    return table({"sae_f1c": BASE, **others})


def test_interpretability_that_beats_every_control_is_said_to_by_the_smallest_margin():
    found = compare_methods(
        claim("filters"), filters_table(sae_f1c_output=0.4, sae_f1c_confidence=-0.4), n_resamples=FAST
    )
    margins = {one.theirs: one.difference.value for one in found.contrasts if one.ours == "sae_f1c"}
    closest = min(margins.values())
    assert closest == margins["other_concept"]
    assert (
        "calibrated F1 alone scores above all 4 controls, by "
        f"{closest:.2f} over the closest, another concept's feature (95 % interval "
    ) in found.verdict
    assert "the output score as a filter raises that by" in found.verdict
    assert "token confidence as a filter lowers that by" in found.verdict


def test_one_control_that_is_not_beaten_is_named():
    found = compare_methods(claim("filters"), filters_table(random_feature=0.0, sae_f1c_output=0.0), n_resamples=FAST)
    assert "all 4 controls" not in found.verdict
    assert "cannot be told apart from a random feature" in found.verdict
    assert "the output score as a filter makes no difference that can be told" in found.verdict


def test_a_filter_that_always_keeps_the_same_feature_changes_nothing():
    rows = table({"sae_f1c": BASE, "sae_f1c_output": BASE, "none": shifted(BASE, -0.8)})
    assert (
        "the output score as a filter changes no concept's score"
        in compare_methods(claim("filters"), rows, n_resamples=FAST).verdict
    )


def test_the_second_architecture_has_its_own_model_and_sentence():
    rows = methods_table({"lora": 0.5}, model="demo-gpt2")
    found = compare_methods(claim("gpt2"), rows, n_resamples=FAST)
    assert found.verdict.startswith("On the second architecture the supervised SAE scores")


def contrast(theirs: str, value: float, half: float) -> Contrast:
    return Contrast("sae_f1c_output", theirs, Interval(value, value - half, value + half))


def test_agreement_counts_decided_comparisons_alone():
    here = (contrast("lora", -0.5, 0.1), contrast("diffmean", 0.3, 0.1), contrast("prompt", -0.1, 0.3))
    there = (contrast("lora", -0.2, 0.1), contrast("diffmean", -0.3, 0.1), contrast("prompt", -1.0, 0.1))
    assert agreement(here, there) == (
        "2 of 3 comparisons are decided on both models, and 1 of them points the same way."
    )
    assert agreement(here, here).startswith("2 of 3 comparisons are decided on both models, and all of them point")
    assert agreement(here, ()) == ""
    assert agreement(here[2:], there[2:]) == "No comparison is decided on both models."


def test_every_contrast_is_between_methods_of_its_claim():
    for one in CLAIMS:
        assert {name for pair in one.contrasts for name in pair} <= set(one.methods)
    with pytest.raises(SteeringError, match="no claim"):
        claim("other")
    assert replace(claim("methods"), name="methods") == claim("methods")
