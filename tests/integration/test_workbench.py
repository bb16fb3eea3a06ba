"""Do the verbs pass on what the jobs need: progress and a way to stop?"""

import numpy as np
import pytest
import torch

from steering.errors import Cancelled, ModelError, SaeError
from steering.examples import LabelledExamples, split_examples
from steering.models import LanguageModel, load_model
from steering.workbench import Loaded, difference_direction, feature_edit, measure_max_act
from tests.tiny_sae import tiny_sae

TEXTS = tuple(f"{word} number {place}" for place in range(20) for word in ("one", "two"))


@pytest.fixture
def loaded(tiny_llama: LanguageModel) -> Loaded:
    return Loaded(tiny_llama, tiny_sae(tiny_llama.d_model), None)


@pytest.fixture
def examples() -> LabelledExamples:
    return LabelledExamples.from_rows("set", TEXTS, np.arange(40)[:, None] % 2 == 0, ["one"])


def test_diff_mean_reports_and_stops(loaded, examples):
    split = split_examples(examples, heldout=0.0, seed=0)
    told: list[tuple[int, int]] = []
    difference_direction(loaded, examples, "one", split, on_batch=lambda done, total: told.append((done, total)))
    assert told[-1] == (len(told), len(told))
    with pytest.raises(Cancelled):
        difference_direction(loaded, examples, "one", split, should_stop=lambda: True)


def test_max_act_is_the_one_of_the_ranking(loaded, examples):
    from steering.activations import collect_statistics

    statistics = collect_statistics(loaded.model, loaded.sae, examples.texts, examples.prompts)
    measured = measure_max_act(loaded, examples, [3, 17, 5])
    assert measured == pytest.approx(statistics.max_act[[3, 17, 5]], rel=1e-5)


def test_only_some_modes_need_a_unit(loaded):
    assert feature_edit(loaded, 1, 2.0, None, mode="scale").factor == 2.0
    assert feature_edit(loaded, 1, 2.0, None, mode="ablate").max_act == 0.0
    for mode in ("add", "clamp", "min_clamp"):
        with pytest.raises(SaeError, match="has no unit"):
            feature_edit(loaded, 1, 2.0, None, mode=mode)
        with pytest.raises(SaeError, match="has max_act 0"):
            feature_edit(loaded, 1, 2.0, 0.0, mode=mode)


def test_a_full_device_is_no_bug(monkeypatch, needs_world):
    from transformers import LlamaForCausalLM

    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(LlamaForCausalLM, "to", full)
    with pytest.raises(ModelError, match="does not fit into the memory of cpu"):
        load_model("demo")


def test_a_full_device_is_no_bug_for_the_sae_either(monkeypatch, needs_world):
    from steering import workbench
    from steering.saes import SparseAutoencoder

    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    def fitted(sae: SparseAutoencoder, model: LanguageModel) -> SparseAutoencoder:
        monkeypatch.setattr(SparseAutoencoder, "to", full)
        return sae

    monkeypatch.setattr(workbench, "fit_to_model", fitted)
    with pytest.raises(SaeError, match="does not fit into the memory of cpu"):
        workbench.load_fitted_sae("demo")
