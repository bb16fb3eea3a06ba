"""Sweeps, doses and side effects on tiny models: what is said about the answers is what the answers show."""

import json
from dataclasses import replace

import numpy as np
import pytest

from steering.cli.entry import main
from steering.directions.direction import Direction
from steering.errors import Cancelled, SteeringError
from steering.generation import Condition, Sampling, generate
from steering.interventions import FeatureEdit, Intervention
from steering.judges.score import Score
from steering.strength.dose import TOLERANCE
from steering.strength.matching import match_doses, mean_doses
from steering.strength.mix import mix_of
from steering.strength.off_target import read_answers, what_moved
from steering.strength.sweep import sweep_factors
from steering.workbench import Loaded
from tests.integration.test_exports import adapter_of
from tests.tiny_sae import tiny_sae

PROMPTS = ("tell me of the sea", "name three things", "what is in the winter", "say it again")
SHORT = Sampling(max_new_tokens=10)
MIX = mix_of([(3, 1.0, 4.0)], "add", "all")


class LetterJudge:
    """The concept is the letter; a text is fluent while it is short of exclamation marks."""

    name = "letters"

    def knows(self, concept: str) -> bool:
        return len(concept) == 1

    def score(self, concept: str, _prompt: str, text: str) -> Score:
        return Score(min(2, text.count(concept)), 2, 2 if text.count("!") < 2 else 0)


@pytest.fixture
def loaded(tiny_llama) -> Loaded:
    return Loaded(tiny_llama, tiny_sae(), None)


def test_a_sweep_holds_what_single_generations_give(loaded) -> None:
    told: list[tuple[int, int]] = []
    found = sweep_factors(
        loaded, MIX, (0.0, 1.0, 4.0), PROMPTS, judge=LetterJudge(), concept="e", sampling=SHORT, seed=2,
        on_progress=lambda done, total, _unit, _what: told.append((done, total)),
    )  # fmt: skip
    assert found.values["kl"].shape == (3, 4)
    assert (found.values["kl"][0] < 1e-6).all(), "factor 0 in add is the baseline"
    np.testing.assert_allclose(found.values["concept"][0], found.baseline["concept"])
    alone = generate(
        loaded.model,
        [Condition("steered", intervention=MIX.at(4.0))],
        [PROMPTS[1]],
        sae=loaded.sae,
        sampling=SHORT,
        seed=2,
    )[0]
    assert found.values["kl"][2, 1] == pytest.approx(alone.receipt.kl, rel=1e-3)
    assert found.values["distinct_2"][2, 1] == alone.receipt.repetition.distinct_2
    assert found.values["concept"][2, 1] == min(2, alone.text.count("e"))
    assert found.values["surprise"][2, 1] == pytest.approx(np.log(alone.receipt.perplexity), rel=1e-3)
    assert told == sorted(told)
    assert {total for _, total in told} == {16}
    json.dumps(found.to_json(), allow_nan=False)


def test_a_sweep_without_a_judge_has_no_concept_and_stops_when_told(loaded) -> None:
    found = sweep_factors(loaded, MIX, (1.0,), PROMPTS[:2], concept="e", sampling=SHORT)
    assert found.concept is None
    assert "concept" not in found.values
    with pytest.raises(Cancelled):
        sweep_factors(loaded, MIX, (1.0,), PROMPTS[:2], sampling=SHORT, should_stop=lambda: True)


def test_two_methods_are_brought_to_one_dose(loaded) -> None:
    direction = Direction(loaded.sae.decoder_direction(5), 4.0, loaded.sae.hook_point, "planted")
    methods = {
        "SAE": (lambda factor: Condition("steered", intervention=MIX.at(factor)), (0.5, 1.0, 2.0, 4.0)),
        "Direction": (lambda factor: Condition("direction", direction=direction, factor=factor), (0.5, 1.0, 2.0, 4.0)),
    }
    (target,) = mean_doses(loaded, [methods["SAE"][0](1.3)], PROMPTS, what="", sampling=SHORT)
    found = match_doses(loaded, methods, target, PROMPTS, sampling=SHORT)
    for name, (at, _) in methods.items():
        (again,) = mean_doses(loaded, [at(found[name].factor)], PROMPTS, what="", sampling=SHORT)
        assert again == pytest.approx(found[name].reached, rel=1e-3), "the dose is that of the factor it names"
        if found[name].is_reached:
            assert again == pytest.approx(target, rel=0.11)
        else:
            assert found[name].reason
    assert found["SAE"].is_reached


LORA_FACTORS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0)


@pytest.mark.parametrize("factor", [2.0, 3.5])
def test_lora_and_sae_stand_at_one_dose_after_matching(loaded, factor) -> None:
    """Measured anew, side by side, as Compare would answer: within what the screen counts as reached."""
    drawn = adapter_of(loaded.model, "llama")
    adapter = replace(drawn, tensors={name: 0.3 * value for name, value in drawn.tensors.items()})
    steered = Condition("steered", intervention=MIX.at(factor))
    (target,) = mean_doses(loaded, [steered], PROMPTS, what="", sampling=SHORT)

    def adapted(scaling: float) -> Condition:
        return Condition("adapted", adapter=adapter, factor=scaling)

    found = match_doses(loaded, {"LoRA": (adapted, LORA_FACTORS)}, target, PROMPTS, sampling=SHORT)["LoRA"]
    assert found.is_reached, found.reason
    assert 0 < found.factor < LORA_FACTORS[-1]
    as_trained, lora, sae = mean_doses(
        loaded, [adapted(1.0), adapted(found.factor), steered], PROMPTS, what="", sampling=SHORT
    )
    assert sae == pytest.approx(target, rel=1e-3)
    assert lora == pytest.approx(found.reached, rel=1e-3)
    assert abs(lora - sae) <= TOLERANCE * sae
    assert abs(as_trained - sae) > TOLERANCE * sae, "without matching they stand apart"


def test_an_answer_is_read_without_its_prompt(loaded) -> None:
    (one,) = generate(loaded.model, [Condition("baseline")], [PROMPTS[0]], sampling=SHORT)
    frequency, mean = read_answers(loaded, [one])
    import torch

    from steering.activations import read_resid
    from steering.encoding import encode_example, pad_left

    text = encode_example(loaded.model, one.text, one.prompt)
    resid = read_resid(loaded.model, loaded.sae.hook_point, pad_left([text], pad_id=0))[0]
    places = torch.tensor(text.eligible).nonzero()[:, 0][-text.n_last :]
    acts = loaded.sae.encode(resid[places].float())
    np.testing.assert_allclose(frequency[0], (acts > 0).float().mean(0).numpy(), atol=1e-6)
    np.testing.assert_allclose(mean[0], acts.mean(0).numpy(), atol=1e-5)


def test_nothing_moves_at_factor_zero_and_something_does_at_a_large_one(loaded) -> None:
    def at(factor: float) -> Intervention:
        return Intervention((FeatureEdit(3, factor, 4.0),))

    still = what_moved(loaded, at(0.0), PROMPTS, sampling=SHORT)
    assert not still.features["moved"].any()
    assert (still.features["difference"] == 0).all()
    found = what_moved(loaded, at(6.0), PROMPTS, judge=LetterJudge(), concepts=("e", "z"), meant="z", sampling=SHORT)
    assert found.features["moved"].sum() > 0
    sizes = found.features.loc[found.features["moved"], "difference"].abs()
    assert sizes.is_monotonic_decreasing
    assert found.features.loc[0, "tokens"]
    assert found.features.set_index("feature_id")["written"].sum() <= 1
    assert found.concepts is not None
    assert set(found.concepts["concept"]) == {"e", "z"}
    assert found.on_target is not None
    assert sum(found.on_target.values()) == pytest.approx(1.0)
    with pytest.raises(SteeringError, match="too few"):
        what_moved(loaded, at(1.0), PROMPTS[:2], sampling=SHORT)


@pytest.mark.usefixtures("needs_world")
def test_the_command_line_prints_the_sweep_and_the_proposal(capsys) -> None:
    arguments = ["strength", "--model", "demo", "--feature", "5", "--concept", "sea", "--prompt", "Explain bread.",
                 "--prompt", "Explain tea.", "--factor", "0.2", "--factor", "3", "--max-new-tokens", "12"]  # fmt: skip
    assert main([*arguments, "--max-act", "50", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [point["factor"] for point in found["points"]] == [None, 0.2, 3.0]
    assert set(found["proposal"]) == {"factor", "reason"}
    assert {bound["measure"] for bound in found["bounds"]} == {"fluency", "instruction", "distinct_2", "looping", "kl"}
    assert main([*arguments, "--max-act", "50"]) == 0
    shown = capsys.readouterr().out
    assert "untouched" in shown
    assert found["proposal"]["reason"] in shown
    assert main(["strength", "--feature", "5", "--concept", "nothing such"]) == 2
    assert "No judge knows" in capsys.readouterr().err
