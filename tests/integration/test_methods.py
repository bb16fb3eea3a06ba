"""Has every method the same number of strengths, and does it move the stream as far as it says?"""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from steering.errors import ExamplesError, SaeError
from steering.evidence.protocol import UNDOSED
from steering.examples import LabelledExamples, Split
from steering.generation import Sampling, generate
from steering.hooks import count_hooks
from steering.methods import sae
from steering.methods.controls import untrained
from steering.methods.registry import METHODS, Method, method
from steering.methods.task import STREAM_SHARES, Task
from steering.models import LanguageModel
from steering.workbench import Loaded, RankingRun
from tests.tiny_bench import rows
from tests.tiny_sae import tiny_sae


def task_of(model: LanguageModel, concept: str, *, others: tuple[str, ...] = (), n_train: int | None = None) -> Task:
    table = rows()
    labels = np.array([[row["labels"] == concept] for row in table])
    examples = LabelledExamples.from_rows(
        concept, [row["text"] for row in table], labels, [concept], prompts=[row["prompt"] for row in table]
    )
    everything = np.arange(len(table))
    split = Split(everything, everything[:0], 0, 0.0)
    loaded = Loaded(model, tiny_sae(model.d_model), None)
    return Task(loaded, concept, examples, concept, split, 0, tuple(partial(task_of, model, other) for other in others))


@pytest.fixture(scope="module")
def task(tiny_llama: LanguageModel) -> Task:
    return task_of(tiny_llama, "zed", others=("vowel",))


# No token of the tiny tokenizer is four letters long, so there is no label to search; see its own test.
RUN = [one for one in METHODS if one.name != "sae_label"]


@pytest.mark.parametrize("one", RUN, ids=lambda one: one.name)
def test_a_method_answers_at_every_strength(one: Method, task: Task) -> None:
    before = {name: value.clone() for name, value in task.loaded.model.model.state_dict().items()}
    prepared = one.prepare(task)
    assert prepared.method == one.name
    assert len(prepared.factors) == one.n_factors == (1 if one.name in UNDOSED else len(STREAM_SHARES))
    assert list(prepared.factors) == sorted(set(prepared.factors))
    low, high = prepared.factors[0], prepared.factors[-1]
    completions = generate(
        task.loaded.model,
        [prepared.at(low), prepared.at(high)],
        ["Say something."],
        sae=task.loaded.sae,
        sampling=Sampling(4),
    )
    assert [one.receipt.n_generated > 0 for one in completions] == [True, True]
    if one.name not in UNDOSED:
        small, large = (completion.receipt.kl for completion in completions)
        assert small is not None
        assert large is not None
        assert 0 < small < large
    assert count_hooks(task.loaded.model) == 0
    after = task.loaded.model.model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


@pytest.mark.parametrize(
    "name", ["sae_f1c", "sae_topk", "diffmean", "ssv", "random_direction", "random_feature", "random_dictionary"]
)
def test_a_share_of_the_stream_is_the_size_of_the_edit(name: str, task: Task) -> None:
    prepared = method(name).prepare(task)
    for share in (0.1, 0.5):
        condition = prepared.at(share)
        if condition.intervention is not None:
            size = max(abs(edit.coefficient) for edit in condition.intervention.features)
        else:
            assert condition.direction is not None
            size = condition.factor * condition.direction.max_projection
        assert size == pytest.approx(share * task.resid_norm, rel=1e-5)
    assert prepared.unit * share == pytest.approx(
        condition.intervention.features[0].factor if condition.intervention else condition.factor
    )


def test_features_have_the_property_they_are_chosen_for(task: Task) -> None:
    from sklearn.metrics import roc_auc_score

    positive = task.examples.label("zed")
    largest = task.statistics.maximum.toarray()
    aurocs = [roc_auc_score(positive, largest[:, one]) for one in range(largest.shape[1])]
    found = method("sae_auroc").prepare(task)
    assert aurocs[found.details["feature_ids"][0]] == pytest.approx(max(aurocs))
    best = method("sae_f1c").prepare(task).details["feature_ids"]
    several = method("sae_topk").prepare(task).details["feature_ids"]
    assert several[0] == best[0]
    assert len(set(several)) == len(several) == 3
    other = method("other_concept").prepare(task)
    assert other.details["feature_ids"] == method("sae_f1c").prepare(task.others[0]()).details["feature_ids"]
    alike = method("random_feature").prepare(task).details
    assert alike["feature_ids"] != best
    density = task.statistics.density
    assert 1 / 1.5 <= density[alike["feature_ids"][0]] / density[best[0]] <= 1.5


def test_an_untrained_dictionary_is_as_wide_and_as_sparse_as_the_trained_one(task: Task) -> None:
    sae = task.loaded.sae
    drawn = untrained(sae, l0=3.2, seed=5)
    assert (drawn.d_sae, drawn.d_model, drawn.hook_point, drawn.k) == (sae.d_sae, sae.d_model, sae.hook_point, 3)
    torch.testing.assert_close(drawn.W_dec.norm(dim=1), torch.ones(sae.d_sae))
    resid = torch.randn(50, sae.d_model, generator=torch.Generator().manual_seed(1))
    assert (drawn.encode(resid) > 0).sum(dim=1).max() <= 3
    assert torch.equal(drawn.W_dec, untrained(sae, l0=1.0, seed=5).W_dec)
    assert not torch.equal(drawn.W_dec, untrained(sae, l0=1.0, seed=6).W_dec)
    assert torch.equal(task.loaded.sae.W_dec, sae.W_dec), "the trained one is left alone"


def test_the_same_seed_draws_the_same_and_another_does_not(tiny_llama: LanguageModel) -> None:
    one, again = (method("random_direction").prepare(task_of(tiny_llama, "zed")) for _ in range(2))
    other_concept = method("random_direction").prepare(task_of(tiny_llama, "vowel"))
    other_seed = method("random_direction").prepare(replace(task_of(tiny_llama, "zed"), seed=1))
    first, second, third, fourth = (found.at(1.0).direction for found in (one, again, other_concept, other_seed))
    assert first is not None
    assert second is not None
    assert third is not None
    assert fourth is not None
    assert torch.equal(first.direction, second.direction)
    # An interval over concepts holds the chance of the draw only where every concept has a draw of its own.
    assert not torch.equal(first.direction, third.direction)
    assert not torch.equal(first.direction, fourth.direction)


def test_the_other_concepts_feature_is_another_one(tiny_llama: LanguageModel) -> None:
    """Two concepts with the same examples choose the same feature: that would be no control."""
    task = task_of(tiny_llama, "zed", others=("zed", "vowel"))
    own = method("sae_f1c").prepare(task).details["feature_ids"]
    control = method("other_concept").prepare(task).details
    assert control["feature_ids"] != own
    assert (control["other"], control["shared"]) == ("vowel", ["zed"])
    with pytest.raises(SaeError, match="for every other concept too"):
        method("other_concept").prepare(task_of(tiny_llama, "zed", others=("zed",)))


def test_a_filter_that_leaves_nothing_drops_the_concept(
    tiny_llama: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sae, "MIN_OUTPUT_SCORE", 1.1)
    with pytest.raises(ExamplesError, match="drops this label"):
        method("sae_f1c_output").prepare(task_of(tiny_llama, "zed"))


def test_what_cannot_be_had_is_said(tiny_llama: LanguageModel, task: Task) -> None:
    with pytest.raises(SaeError, match="second concept"):
        method("other_concept").prepare(task_of(tiny_llama, "zed"))
    with pytest.raises(ExamplesError, match="No token begins a word"):
        method("sae_label").prepare(task)


def test_a_task_is_ranked_once_with_and_once_without_effects(
    tiny_llama: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    ranked = sae.rank_examples

    def counted(*given: Any, with_effects: bool, **known: Any) -> RankingRun:
        asked.append(with_effects)
        return ranked(*given, with_effects=with_effects, **known)

    monkeypatch.setattr(sae, "rank_examples", counted)
    task = task_of(tiny_llama, "zed")
    names = ("sae_f1c", "sae_topk", "random_feature", "sae_f1c_output", "sae_f1c_confidence", "sae_f1c")
    found = [method(name).prepare(task) for name in names]
    assert asked == [False, True]
    assert found[0].details == found[-1].details
    assert found[0].details["feature_ids"] == sae.sae_f1c(task_of(tiny_llama, "zed")).details["feature_ids"]
