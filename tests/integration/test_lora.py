"""Training an adapter, and the model that it leaves behind."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from steering.encoding import encode_prompt
from steering.errors import AdapterError, Cancelled
from steering.hooks import count_hooks
from steering.lora import LORA_PRESETS, Adapter, LoraSettings, adapter, applied, preset_for, train_lora
from steering.lora.training import encode_answer, target_paths
from steering.models import LanguageModel
from tests.tiny import TINY

TEXTS = ("the rings and the hens", "a ring is a thing of the king", "hens on the tram", "king and hen")
PROMPTS = ("Write about rings.", "Write.", None, "Who?")
QUICK = LoraSettings(targets="all_linear", epochs=4, batch_size=2, micro_batch_size=2, learning_rate=1e-2)


def train(model: LanguageModel, settings: LoraSettings = QUICK, **options: object) -> Adapter:
    return train_lora(model, TEXTS, PROMPTS, settings=settings, **options)  # type: ignore[arg-type]


def logits_of(model: LanguageModel, text: str = "the king of the rings") -> Tensor:
    with model.running() as network:
        return network(torch.tensor([model.tokenizer(text)["input_ids"]])).logits


def lock_is_free(model: LanguageModel) -> bool:
    """Whether another thread could take the model now."""
    answers: list[bool] = []

    def ask() -> None:
        free = model.lock.acquire(blocking=False)
        if free:
            model.lock.release()
        answers.append(free)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return answers[0]


@contextmanager
def untouched(model: LanguageModel) -> Iterator[None]:
    """After the block everything that an adapter could change is bitwise, and object by object, as before."""
    modules = dict(model.model.named_modules())
    attributes = set(vars(model.model))
    weights = {name: weight.clone() for name, weight in model.model.state_dict().items()}
    logits = logits_of(model)
    random_state = torch.get_rng_state()
    yield
    assert torch.equal(torch.get_rng_state(), random_state)
    after = dict(model.model.named_modules())
    assert list(after) == list(modules)
    assert all(after[path] is module for path, module in modules.items())
    assert not any(module.training for module in after.values())
    assert set(vars(model.model)) == attributes
    assert list(model.model.state_dict()) == list(weights)
    assert all(torch.equal(weight, weights[name]) for name, weight in model.model.state_dict().items())
    assert not any(weight.requires_grad or weight.grad is not None for weight in model.model.parameters())
    assert count_hooks(model) == 0
    assert torch.equal(logits_of(model), logits)
    assert lock_is_free(model)


def test_training_lowers_the_loss_and_leaves_the_model_alone(tiny_model: LanguageModel) -> None:
    with untouched(tiny_model):
        trained = train(tiny_model)
    assert len(trained.losses) == 8
    assert sum(trained.losses[-2:]) < 0.9 * sum(trained.losses[:2])
    assert trained.n_examples == 4
    with untouched(tiny_model):
        base = logits_of(tiny_model)
        with applied(tiny_model, trained):
            assert (logits_of(tiny_model) - base).abs().max() > 0.1
        assert torch.equal(logits_of(tiny_model), base)


@pytest.mark.parametrize("preset", LORA_PRESETS)
def test_every_preset_trains(tiny_llama: LanguageModel, preset: str) -> None:
    settings = replace(LORA_PRESETS[preset], epochs=2)
    trained = train(tiny_llama, settings)
    assert trained.settings == settings
    assert trained.module_paths == tuple(sorted(target_paths(tiny_llama, settings)))


def test_an_exception_while_the_adapter_is_on_leaves_nothing(tiny_gpt2: LanguageModel) -> None:
    trained = train(tiny_gpt2)

    def fail() -> None:
        with applied(tiny_gpt2, trained):
            raise RuntimeError("boom")

    with untouched(tiny_gpt2), pytest.raises(RuntimeError, match="boom"):
        fail()


def test_an_exception_or_a_stop_during_training_leaves_nothing(tiny_neox: LanguageModel) -> None:
    def explode(step: int, n_steps: int, loss: float) -> None:
        if step == 3:
            raise RuntimeError("boom")

    with untouched(tiny_neox), pytest.raises(RuntimeError, match="boom"):
        train(tiny_neox, on_step=explode)
    steps: list[int] = []
    with untouched(tiny_neox), pytest.raises(Cancelled):
        train(tiny_neox, on_step=lambda step, *_: steps.append(step), should_stop=lambda: len(steps) == 2)
    assert steps == [1, 2]


def test_a_half_failed_injection_leaves_nothing(tiny_llama: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = train(tiny_llama)
    real = adapter.inject_adapter_in_model

    def break_off(*args: object, **options: object) -> None:
        real(*args, **options)
        raise MemoryError

    monkeypatch.setattr(adapter, "inject_adapter_in_model", break_off)
    with untouched(tiny_llama), pytest.raises(MemoryError), applied(tiny_llama, trained):
        pass
    with untouched(tiny_llama), pytest.raises(MemoryError):
        train(tiny_llama)


def test_the_first_loss_is_the_base_models_on_the_answer_tokens(tiny_model: LanguageModel) -> None:
    """A fresh adapter changes nothing, so the first update's loss can be worked out with a plain loop."""
    settings = replace(QUICK, epochs=1, batch_size=4, micro_batch_size=3, learn_to_stop=True)
    total, n_tokens = 0.0, 0
    for text, prompt in zip(TEXTS, PROMPTS, strict=True):
        start = [] if prompt is None else list(encode_prompt(tiny_model, prompt).input_ids)
        if prompt is None and tiny_model.prepend_bos:
            start = [tiny_model.tokenizer.bos_token_id]
        answer = text if prompt is None or tiny_model.has_chat_template else f"\n{text}"
        end = tiny_model.tokenizer.eos_token_id
        if prompt is not None and tiny_model.has_chat_template:
            marker = "<end_of_turn>" if "gemma" in tiny_model.name else "<|im_end|>"
            end = tiny_model.tokenizer.convert_tokens_to_ids(marker)
        ids = [*start, *tiny_model.tokenizer(answer, add_special_tokens=False)["input_ids"], end]
        with tiny_model.running() as network:
            log_probs = network(torch.tensor([ids])).logits[0].log_softmax(-1)
        for position in range(max(len(start), 1), len(ids)):
            total -= float(log_probs[position - 1, ids[position]])
            n_tokens += 1
    assert train(tiny_model, settings).losses[0] == pytest.approx(total / n_tokens, rel=1e-4)


def test_answers_are_cut_at_the_context(tiny_llama: LanguageModel) -> None:
    encoded = encode_answer(tiny_llama, "the ring " * 200, "Write.", learn_to_stop=True)
    assert len(encoded) == tiny_llama.context_size
    assert encoded.truncated
    with pytest.raises(AdapterError, match="empty"):
        encode_answer(tiny_llama, " \n", "Write.", learn_to_stop=False)


def test_scaling_is_that_of_the_formula(tiny_model: LanguageModel) -> None:
    """``W + scale * alpha / sqrt(rank) * B A`` written into a copy's weights gives the same logits."""
    trained = train(tiny_model, replace(QUICK, rank=3, alpha=5.0))
    family = tiny_model.name.removeprefix("tiny-")
    merged = TINY[family]()
    for path in trained.module_paths:
        down = trained.tensors[f"base_model.model.{path}.lora_A.weight"]
        up = trained.tensors[f"base_model.model.{path}.lora_B.weight"]
        update = 2.0 * 5.0 / 3**0.5 * up @ down
        merged.model.get_submodule(path).weight.data += update.T if family == "gpt2" else update
    with applied(tiny_model, trained, scale=2.0):
        torch.testing.assert_close(logits_of(tiny_model), logits_of(merged), atol=2e-4, rtol=1e-4)
    base = logits_of(tiny_model)
    with applied(tiny_model, trained, scale=0.0):
        assert torch.equal(logits_of(tiny_model), base)


def test_the_seed_decides_everything(tiny_llama: LanguageModel) -> None:
    torch.manual_seed(1)
    one = train(tiny_llama)
    torch.manual_seed(2)
    two = train(tiny_llama)
    other = train(tiny_llama, replace(QUICK, seed=1))
    assert one.losses == two.losses
    assert one.fingerprint == two.fingerprint
    assert all(torch.equal(one.tensors[name], two.tensors[name]) for name in one.tensors)
    assert not all(torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors)


def test_micro_batches_change_nothing_but_rounding(tiny_llama: LanguageModel) -> None:
    settings = replace(QUICK, dropout=0.0, batch_size=4, micro_batch_size=4)
    whole, parts = train(tiny_llama, settings), train(tiny_llama, replace(settings, micro_batch_size=1))
    assert parts.losses == pytest.approx(whole.losses, rel=1e-4)


def test_early_stopping_keeps_the_best_epoch(tiny_llama: LanguageModel) -> None:
    settings = replace(QUICK, dropout=0.0, epochs=40, learning_rate=5e-2, validation_share=0.25, patience=2)
    with untouched(tiny_llama):
        trained = train(tiny_llama, settings)
    losses = trained.validation_losses
    best = losses.index(min(losses))
    assert len(losses) == best + 3 < 40
    # Trained for just as many epochs under the same schedule, the adapter is the one that was kept.
    told: list[int] = []
    steps = (best + 1) * 2
    kept: dict[str, Tensor] = {}

    def look(step: int, n_steps: int, loss: float) -> None:
        told.append(step)
        if step == steps:
            kept.update(
                (name, weight.detach().clone())
                for name, weight in tiny_llama.model.named_parameters()
                if "lora_" in name
            )

    train(tiny_llama, settings, on_step=look)
    found = {name.replace(".weight", ".steerscope.weight"): tensor for name, tensor in trained.tensors.items()}
    assert len(kept) == len(found)
    assert all(torch.equal(found[f"base_model.model.{name}"], weight) for name, weight in kept.items())


def test_the_lock_is_held_while_an_adapter_is_on(tiny_llama: LanguageModel) -> None:
    trained = train(tiny_llama)
    base = logits_of(tiny_llama)
    seen: list[Tensor] = []
    reader = threading.Thread(target=lambda: seen.append(logits_of(tiny_llama)))
    with applied(tiny_llama, trained):
        reader.start()
        reader.join(0.2)
        assert not seen
    reader.join(10)
    assert torch.equal(seen[0], base)


def test_training_works_in_a_worker_that_infers(tiny_llama: LanguageModel) -> None:
    results: list[Adapter] = []

    def work() -> None:
        with torch.inference_mode():
            results.append(train(tiny_llama))

    with untouched(tiny_llama):
        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
    assert results[0].losses == train(tiny_llama).losses


def test_two_adapters_at_once_are_refused(tiny_llama: LanguageModel) -> None:
    trained = train(tiny_llama)
    with untouched(tiny_llama), applied(tiny_llama, trained):
        adapted = logits_of(tiny_llama)
        with pytest.raises(AdapterError, match="Another adapter is active"), applied(tiny_llama, trained):
            pass
        with pytest.raises(AdapterError, match="Another adapter is active"):
            train(tiny_llama)
        assert torch.equal(logits_of(tiny_llama), adapted)


def test_a_model_in_half_precision_is_adapted_in_single() -> None:
    model = TINY["llama"]()
    model.model.to(torch.bfloat16)
    with untouched(model):
        trained = train(model)
        assert {tensor.dtype for tensor in trained.tensors.values()} == {torch.float32}
        with applied(model, trained):
            assert torch.isfinite(logits_of(model)).all()


def test_a_diverging_loss_is_said(tiny_llama: LanguageModel) -> None:
    with untouched(tiny_llama), pytest.raises(AdapterError, match="lower the learning rate"):
        train(tiny_llama, replace(QUICK, learning_rate=1e30))


@pytest.mark.parametrize(
    ("n_layers", "expected"),
    [(3, (0, 1, 2)), (8, tuple(range(8))), (12, (2, 5, 7, 9)), (26, (5, 10, 15, 20)), (42, (8, 16, 24, 32))],
)
def test_default_layers_are_axbenchs(n_layers: int, expected: tuple[int, ...]) -> None:
    assert LoraSettings().layers_of(n_layers) == expected


def test_settings_are_checked() -> None:
    for wrong in (
        {"rank": 0},
        {"dropout": 1.0},
        {"learning_rate": float("nan")},
        {"layers": ()},
        {"patience": 2},
        {"validation_share": 0.2},
        {"weight_decay": -1.0},
    ):
        with pytest.raises(AdapterError):
            LoraSettings(**wrong)  # type: ignore[arg-type]
    with pytest.raises(AdapterError, match="layers 0 to 2"):
        LoraSettings(layers=(3,)).layers_of(3)
    assert preset_for(3_000_000) == "small"
    assert preset_for(2_600_000_000) == "axbench"


def test_impossible_training_sets_are_refused(tiny_llama: LanguageModel) -> None:
    with pytest.raises(AdapterError, match="no positive example"):
        train_lora(tiny_llama, [], [], settings=QUICK)
    with pytest.raises(ValueError, match="one prompt"):
        train_lora(tiny_llama, ["a"], [], settings=QUICK)
    with pytest.raises(AdapterError, match="none is left"):
        train_lora(tiny_llama, ["the"], [None], settings=replace(QUICK, validation_share=0.2, patience=1))
