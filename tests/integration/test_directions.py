"""Every method on models small enough to know the answer."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from steering.directions import tokens
from steering.directions.diff_mean import diff_mean
from steering.directions.direction import Direction
from steering.directions.lat import lat
from steering.directions.methods import DIRECTION_METHODS, find_direction
from steering.directions.pca import pca
from steering.directions.probe import probe
from steering.directions.progress import Progress
from steering.directions.random_direction import random_direction, random_like
from steering.directions.reft_r1 import reft_r1, strength_and_others
from steering.directions.settings import ProbeSettings, ReftSettings, SsvSettings
from steering.directions.ssv import ssv
from steering.directions.tokens import TokenReader
from steering.directions.training import Write, answer_tokens, edited_loss
from steering.directions.unit_norm import random_unit
from steering.encoding import EncodedText, encode_example
from steering.errors import Cancelled, DirectionError, ExamplesError
from steering.hook_points import HookPoint
from steering.hooks import count_hooks
from steering.models import LanguageModel
from tests.tiny import tiny_llama as build_llama

POSITIVES = ("the rings of the king", "a ring", "singing rings and things in the spring")
NEGATIVES = ("a hen sat on the hot stone", "her other hat", "the weather of the east was the worst")
POINT = HookPoint(1, "resid_post")
EMBEDDED = HookPoint(0, "resid_pre")  # no attention before it: a token's stream is its embedding
FIT = ProbeSettings(learning_rate=2e-2, epochs=30)
LEARN_VECTOR = SsvSettings(learning_rate=5e-2, epochs=30, batch_size=3)
LEARN_UNIT = ReftSettings(learning_rate=5e-2, epochs=12, batch_size=3)

METHODS: dict[str, Callable[..., Direction]] = {
    "diffmean": diff_mean,
    "pca": pca,
    "lat": lat,
    "probe": lambda *where, **options: probe(*where, settings=FIT, **options),
}


def encoded(model: LanguageModel) -> tuple[list[EncodedText], list[EncodedText]]:
    positives = [encode_example(model, text, "Write." if row else None) for row, text in enumerate(POSITIVES)]
    return positives, [encode_example(model, text) for text in NEGATIVES]


@pytest.fixture(scope="module")
def planted() -> tuple[LanguageModel, torch.Tensor]:
    """A model whose embeddings of tokens 150 to 279 lie further along an axis than all others."""
    model = build_llama()
    weight = model.model.get_input_embeddings().weight
    draw = torch.Generator().manual_seed(0)
    axis = random_unit(model.d_model, seed=5)
    with torch.no_grad():
        weight.copy_(0.15 * torch.randn(weight.shape, generator=draw))
        weight[150:280] += 1.5 * axis
    return model, axis


def synthetic(*, concept: bool, n: int = 24, seed: int = 0) -> list[EncodedText]:
    """Texts of 6 to 20 tokens, about half of them of the concept where there is one; an outlier that does not count."""
    draw = random.Random(seed)
    texts = []
    for _ in range(n):
        ids = [
            draw.randrange(150, 280) if concept and draw.random() < 0.5 else draw.randrange(10, 150)
            for _ in range(draw.randrange(6, 20))
        ]
        texts.append(EncodedText((1, *ids), (False, *(True for _ in ids)), n_last=len(ids)))
    return texts


@pytest.mark.parametrize("method", METHODS)
def test_a_planted_direction_is_recovered_with_its_sign(planted, method: str) -> None:
    model, axis = planted
    positives, negatives = synthetic(concept=True), synthetic(concept=False, seed=1)
    found = METHODS[method](model, EMBEDDED, positives, negatives)
    assert float(found.direction @ axis) > 0.95
    assert float(found.direction.norm()) == pytest.approx(1, abs=1e-5)
    assert found.direction.dtype == torch.float32
    stream = model.model.get_input_embeddings().weight
    ids = [one for text in (*positives, *negatives) for one in text.input_ids[1:]]
    assert found.max_projection == pytest.approx(float((stream[ids] @ found.direction).max()), rel=1e-5)
    assert found.hook_point == EMBEDDED


@pytest.mark.parametrize("method", ["pca", "lat"])
def test_the_published_sign_does_not_ask_the_positives(planted, method: str) -> None:
    """What is called positive is swapped by where the concept's tokens point: our sign follows, the other does not."""
    model, axis = planted
    positives, negatives = synthetic(concept=True), synthetic(concept=False, seed=1)
    weight = model.model.get_input_embeddings().weight
    try:
        mirrored = []
        for flip in (1, -1):
            with torch.no_grad():
                weight *= flip
            ours = METHODS[method](model, EMBEDDED, positives, negatives)
            published = METHODS[method](model, EMBEDDED, positives, negatives, sign="published")
            assert float(ours.direction @ (flip * axis)) > 0.95
            assert published.direction[published.direction.abs().argmax()] > 0
            mirrored.append(published.direction)
        torch.testing.assert_close(mirrored[0], mirrored[1], atol=1e-5, rtol=0)
    finally:
        with torch.no_grad():
            weight *= -1


@pytest.mark.parametrize("method", ["pca", "lat", "probe"])
def test_batches_make_no_difference_and_seeds_are_followed(tiny_model: LanguageModel, method: str) -> None:
    positives, negatives = encoded(tiny_model)
    seeded = {} if method == "pca" else {"seed": 3}
    first, second = (
        METHODS[method](tiny_model, POINT, positives, negatives, batch_size=size, **seeded) for size in (1, 16)
    )
    assert float(first.direction @ second.direction) > 1 - 1e-4
    assert first.max_projection == pytest.approx(second.max_projection, rel=1e-3)
    again = METHODS[method](tiny_model, POINT, positives, negatives, batch_size=16, **seeded)
    assert torch.equal(again.direction, second.direction)
    if seeded:
        other = METHODS[method](tiny_model, POINT, positives, negatives, seed=4)
        assert not torch.equal(other.direction, second.direction)


def test_a_sample_of_tokens_is_bounded_and_the_same_in_any_batches(planted, monkeypatch) -> None:
    model, _ = planted
    texts = synthetic(concept=True, n=9)
    n_tokens = sum(text.n_last for text in texts)
    embedding = model.model.get_input_embeddings().weight

    def sample(size: int, seed: int = 0) -> tokens.TokenSample:
        reader = TokenReader(model, EMBEDDED, size, Progress(0, None, None))
        return reader.sample(texts, seed=seed, side="positive", name="LAT")

    whole = sample(4)
    assert len(whole.resid) == n_tokens
    for one, resid in zip(whole.text.tolist(), whole.resid, strict=True):
        assert (embedding[list(texts[one].input_ids[1:])] == resid).all(dim=1).any()
    monkeypatch.setattr(tokens, "ELEMENTS_HELD", 20 * model.d_model)
    some = sample(4)
    assert len(some.resid) == len(some.text) == 20
    for other in (sample(1), sample(9)):
        assert torch.equal(other.resid, some.resid)
        assert torch.equal(other.text, some.text)
    assert not torch.equal(sample(4, seed=1).resid, some.resid)


# Learned by the language-model loss ----------------------------------------------------------------------------------


def loss_of(model: LanguageModel, texts: list[EncodedText], write: Write | None = None) -> float:
    """Mean -log p per answer token under an edit, by default none."""

    def nothing(stream: torch.Tensor, _written: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros_like(stream), torch.zeros(())

    with model.running():
        total, _ = edited_loss(model, POINT, texts, write or nothing)
    return float(total) / sum(sum(answer_tokens(text)) for text in texts)


def left_as_it_was(model: LanguageModel, before: dict[str, torch.Tensor]) -> bool:
    return (
        count_hooks(model) == 0
        and not model.model.training
        and all(torch.equal(value, before[name]) for name, value in model.model.state_dict().items())
        and not any(parameter.requires_grad or parameter.grad is not None for parameter in model.model.parameters())
    )


def copy_of(model: LanguageModel) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.model.state_dict().items()}


def test_ssv_lowers_the_loss_of_the_positives_and_leaves_the_model(tiny_model: LanguageModel) -> None:
    positives, _ = encoded(tiny_model)
    before = copy_of(tiny_model)
    found = ssv(tiny_model, POINT, positives, settings=LEARN_VECTOR)
    assert left_as_it_was(tiny_model, before)
    assert float(found.direction.norm()) == pytest.approx(1, abs=1e-5)
    learned = found.max_projection * found.direction  # factor 1
    steered = loss_of(tiny_model, positives, lambda _stream, _written: (learned, torch.zeros(())))
    plain = loss_of(tiny_model, positives)
    assert steered < plain - 0.2
    assert found.losses[0] == pytest.approx(plain, abs=0.1)  # it starts with entries of 0.01
    assert len(found.losses) == 30


def test_reft_lowers_the_loss_under_its_own_edit_and_leaves_the_model(tiny_model: LanguageModel) -> None:
    positives, negatives = encoded(tiny_model)
    before = copy_of(tiny_model)
    found = reft_r1(tiny_model, POINT, positives, negatives, settings=LEARN_UNIT)
    assert left_as_it_was(tiny_model, before)
    assert float(found.direction.norm()) == pytest.approx(1, abs=1e-5)

    def write(stream: torch.Tensor, written: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        strength, others = strength_and_others(torch.relu(stream @ found.direction), written, 8)
        return strength[:, None, None] * found.direction, others.sum()

    assert loss_of(tiny_model, positives, write) < loss_of(tiny_model, positives)
    assert sum(found.losses[-4:]) < sum(found.losses[:4])


@pytest.mark.parametrize("find", [ssv, reft_r1])
def test_forwards_of_any_size_learn_the_same(tiny_llama: LanguageModel, find: Callable[..., Direction]) -> None:
    sides = encoded(tiny_llama)[: 1 if find is ssv else 2]
    settings = replace(LEARN_VECTOR if find is ssv else LEARN_UNIT, epochs=3)
    one, many, again = (find(tiny_llama, POINT, *sides, settings=settings, batch_size=size) for size in (1, 16, 16))
    assert float(one.direction @ many.direction) > 0.999
    assert one.losses == pytest.approx(many.losses, rel=1e-3)
    assert torch.equal(many.direction, again.direction)
    other = find(tiny_llama, POINT, *sides, settings=replace(settings, batch_size=1), seed=1)
    assert not torch.equal(other.direction, many.direction)


def test_the_edit_of_learning_leaves_bos_and_template_alone(tiny_llama: LanguageModel) -> None:
    positives, _ = encoded(tiny_llama)
    seen = []
    with tiny_llama.running():
        edited_loss(
            tiny_llama, POINT, positives,
            lambda stream, written: (seen.append(written), (torch.zeros_like(stream), torch.zeros(())))[1],
        )  # fmt: skip
    assert [int(row.sum()) for row in seen[0]] == [sum(text.eligible) for text in positives]


def test_a_loss_that_explodes_is_an_error_and_leaves_the_model(tiny_gpt2: LanguageModel) -> None:
    before = copy_of(tiny_gpt2)
    with pytest.raises(DirectionError, match="lower the learning rate"):
        ssv(tiny_gpt2, POINT, encoded(tiny_gpt2)[0], settings=SsvSettings(start=1e38))
    assert left_as_it_was(tiny_gpt2, before)


def test_half_precision_and_inference_mode_learn_too() -> None:
    model = build_llama()
    model.model.to(torch.bfloat16)
    with torch.inference_mode():
        for method in ("probe", "ssv", "reft_r1"):
            found = find_direction(method, model, POINT, *encoded(model))
            assert found.direction.dtype == torch.float32
            assert float(found.direction.norm()) == pytest.approx(1, abs=1e-5)


# All of them ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", DIRECTION_METHODS)
def test_every_method_tells_of_its_progress_and_hears_a_stop(tiny_llama: LanguageModel, method: str) -> None:
    told: list[tuple[int, int]] = []
    find_direction(
        method, tiny_llama, POINT, *encoded(tiny_llama), batch_size=2,
        on_batch=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert told == [(done, len(told)) for done in range(1, len(told) + 1)]
    for place in (0, 1):
        told.clear()
        with pytest.raises(Cancelled):
            find_direction(
                method, tiny_llama, POINT, *encoded(tiny_llama), batch_size=2,
                on_batch=lambda done, total: told.append((done, total)),
                should_stop=lambda place=place: len(told) == place,
            )  # fmt: skip
        assert len(told) == place
        assert count_hooks(tiny_llama) == 0


@pytest.mark.parametrize("method", DIRECTION_METHODS)
def test_texts_without_content_are_refused(tiny_llama: LanguageModel, method: str) -> None:
    positives, _ = encoded(tiny_llama)
    nothing = [replace(text, eligible=(False,) * len(text), n_last=0) for text in positives]
    with pytest.raises(ExamplesError):
        find_direction(method, tiny_llama, POINT, nothing, nothing)
    if method not in ("ssv", "random_direction"):
        with pytest.raises(ExamplesError, match="negative"):
            find_direction(method, tiny_llama, POINT, positives, nothing)


def test_random_directions_follow_the_seed_and_can_be_as_large_as_another(tiny_llama: LanguageModel) -> None:
    positives, negatives = encoded(tiny_llama)
    first, again, other = (
        random_direction(tiny_llama, POINT, [*positives, *negatives], seed=seed) for seed in (0, 0, 1)
    )
    assert torch.equal(first.direction, again.direction)
    assert abs(float(first.direction @ other.direction)) < 0.7
    assert float(first.direction.norm()) == pytest.approx(1, abs=1e-6)
    assert first.max_projection > 0
    one_token = [EncodedText((50,), (True,), n_last=1)]
    for seed in range(6):  # a single token projects to one side only
        assert random_direction(tiny_llama, POINT, one_token, seed=seed).max_projection > 0
    found = diff_mean(tiny_llama, POINT, positives, negatives)
    control = random_like(found, seed=0)
    assert control.max_projection == found.max_projection
    assert control.hook_point == found.hook_point
    assert torch.equal(control.direction, first.direction)
