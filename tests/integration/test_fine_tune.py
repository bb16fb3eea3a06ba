"""Training all weights, and the model that is left behind."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from steering.encoding import encode_prompt
from steering.errors import AdapterError, Cancelled
from steering.finetuning.fine_tune import FineTune, fine_tune, tuned
from steering.finetuning.settings import FineTuneSettings
from steering.generation import Condition, Sampling, generate
from steering.lora import LoraSettings, applied, train_lora
from steering.models import LanguageModel
from tests.tiny import tiny_llama as build_llama

TEXTS = ("the rings and the hens", "a ring is a thing of the king", "hens on the tram", "king and hen")
PROMPTS = ("Write about rings.", "Write.", None, "Who?")
QUICK = FineTuneSettings(learning_rate=1e-2, epochs=4, batch_size=2, micro_batch_size=2)


def train(model: LanguageModel, settings: FineTuneSettings = QUICK, **options: object) -> FineTune:
    return fine_tune(model, TEXTS, PROMPTS, settings=settings, **options)  # type: ignore[arg-type]


def logits_of(model: LanguageModel) -> torch.Tensor:
    with model.running() as network:
        return network(torch.tensor([encode_prompt(model, "the king of the rings").input_ids])).logits


@contextmanager
def untouched(model: LanguageModel) -> Iterator[None]:
    """After the block the parameters are the same objects on the same memory with the same bits."""
    before = {name: (weight, weight.data_ptr(), weight.clone()) for name, weight in model.model.named_parameters()}
    logits = logits_of(model)
    yield
    after = dict(model.model.named_parameters())
    assert list(after) == list(before)
    for name, (weight, place, bits) in before.items():
        assert after[name] is weight
        assert weight.data_ptr() == place
        assert torch.equal(weight, bits)
        assert not weight.requires_grad
        assert weight.grad is None
    assert not model.model.training
    assert torch.equal(logits_of(model), logits)


def test_the_loss_falls_and_the_model_is_left_as_it_was(tiny_model: LanguageModel) -> None:
    told: list[tuple[int, int]] = []
    with untouched(tiny_model):
        found = train(tiny_model, on_step=lambda step, total, _loss: told.append((step, total)))
    assert told == [(step, 8) for step in range(1, 9)]
    assert sum(found.losses[-2:]) < sum(found.losses[:2])
    assert set(found.tensors) == {name for name, _ in tiny_model.model.named_parameters()}
    with untouched(tiny_model):
        before = logits_of(tiny_model)
        with tuned(tiny_model, found):
            assert not torch.equal(logits_of(tiny_model), before)
        with tuned(tiny_model, found, scale=0.0):
            assert torch.equal(logits_of(tiny_model), before)


def test_the_same_seed_gives_the_same_weights_in_any_forwards(tiny_llama: LanguageModel) -> None:
    first, again = train(tiny_llama), train(tiny_llama)
    assert all(torch.equal(first.tensors[name], again.tensors[name]) for name in first.tensors)
    small = train(tiny_llama, FineTuneSettings(learning_rate=1e-2, epochs=4, batch_size=2, micro_batch_size=1))
    assert small.losses == pytest.approx(first.losses, rel=1e-3)


def test_a_stop_and_an_exception_leave_the_model(tiny_llama: LanguageModel) -> None:
    told: list[int] = []
    with untouched(tiny_llama), pytest.raises(Cancelled):
        train(tiny_llama, on_step=lambda step, *_: told.append(step), should_stop=lambda: len(told) == 2)
    with untouched(tiny_llama), pytest.raises(AdapterError, match="lower the learning rate"):
        train(tiny_llama, FineTuneSettings(learning_rate=1e36, epochs=3, batch_size=2))
    with untouched(tiny_llama), pytest.raises(RuntimeError, match="gone"), tuned(tiny_llama, train(tiny_llama)):
        raise RuntimeError("gone")


def test_half_precision_is_trained_in_single_and_inference_mode_learns_too() -> None:
    model = build_llama()
    model.model.to(torch.bfloat16)
    with untouched(model):
        with torch.inference_mode():
            found = train(model)
        assert all(tensor.dtype == torch.float32 for tensor in found.tensors.values())
        with tuned(model, found):
            assert model.dtype == torch.bfloat16
            assert torch.isfinite(logits_of(model)).all()


def test_completions_of_a_fine_tune_stand_beside_the_untouched_ones(tiny_llama: LanguageModel) -> None:
    found = train(tiny_llama)
    prompts, sampling = ["Write about rings."], Sampling(max_new_tokens=6, temperature=0.0)
    alone = generate(tiny_llama, [Condition("baseline")], prompts, sampling=sampling)
    with untouched(tiny_llama):
        plain, changed, back = generate(
            tiny_llama,
            [
                Condition("baseline"),
                Condition("adapted", adapter=found),
                Condition("adapted", adapter=found, factor=0.0),
            ],
            prompts,
            sampling=sampling,
        )
    assert plain.token_ids == back.token_ids == alone[0].token_ids
    assert changed.receipt.adapter == "SFT x 1"
    assert changed.receipt.kl > 0.01
    assert back.receipt.kl == pytest.approx(0, abs=1e-6)


def test_what_does_not_fit_is_refused(tiny_llama: LanguageModel, tiny_gpt2: LanguageModel) -> None:
    found = train(tiny_llama)
    with pytest.raises(AdapterError, match="do not fit"), tuned(tiny_gpt2, found):
        pass
    with pytest.raises(AdapterError, match="finite"), tuned(tiny_llama, found, scale=float("nan")):
        pass
    with pytest.raises(AdapterError, match="at least one"):
        fine_tune(tiny_llama, [], [])
    lora = LoraSettings(targets="all_linear", epochs=1)
    adapter = train_lora(tiny_llama, TEXTS, PROMPTS, settings=lora)
    with applied(tiny_llama, adapter), pytest.raises(AdapterError, match="active"), tuned(tiny_llama, found):
        pass
    for settings in ({"epochs": 0}, {"learning_rate": 0.0}, {"weight_decay": -1.0}):
        with pytest.raises(AdapterError, match="fine-tune"):
            FineTuneSettings(**settings)
