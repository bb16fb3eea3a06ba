from dataclasses import replace

import pytest
import torch

from steering.directions.diff_mean import diff_mean
from steering.encoding import EncodedText, encode_example
from steering.errors import Cancelled, ExamplesError
from steering.hook_points import HookPoint
from steering.hooks import count_hooks
from steering.models import LanguageModel

POSITIVES = ("the rings of the king", "a ring", "singing rings and things in the spring")
NEGATIVES = ("a hen sat on the hot stone", "her other hat", "he ate", "the weather of the east was the worst")


def encoded(model: LanguageModel) -> tuple[list[EncodedText], list[EncodedText]]:
    positives = [encode_example(model, text, "Write." if row else None) for row, text in enumerate(POSITIVES)]
    return positives, [encode_example(model, text) for text in NEGATIVES]


def resid_of(model: LanguageModel, text: EncodedText, layer: int) -> torch.Tensor:
    """Plain loop: one text, no padding, transformers' own hidden states."""
    with torch.no_grad():
        states = model.model(torch.tensor([text.input_ids]), output_hidden_states=True).hidden_states
    return states[layer + 1][0][torch.tensor(text.eligible)].double()


@pytest.mark.parametrize("batch_size", [1, 2, 16])
def test_diff_mean_equals_a_plain_loop(tiny_model: LanguageModel, batch_size: int) -> None:
    positives, negatives = encoded(tiny_model)
    found = diff_mean(tiny_model, HookPoint(1, "resid_post"), positives, negatives, batch_size=batch_size)

    positive = torch.cat([resid_of(tiny_model, text, 1) for text in positives])
    negative = torch.cat([resid_of(tiny_model, text, 1) for text in negatives])
    difference = positive.mean(0) - negative.mean(0)
    expected = difference / difference.norm()
    assert found.direction.dtype == torch.float32
    torch.testing.assert_close(found.direction.double(), expected, atol=1e-5, rtol=0)
    assert float(found.direction.norm()) == pytest.approx(1, abs=1e-6)
    assert found.max_projection == pytest.approx(float((torch.cat([positive, negative]) @ expected).max()), rel=1e-4)
    assert found.hook_point == HookPoint(1, "resid_post")


def test_what_is_not_eligible_changes_nothing(tiny_llama: LanguageModel) -> None:
    positives, negatives = encoded(tiny_llama)
    hook_point = HookPoint(0, "resid_pre")  # no attention before it: a token's stream is its embedding
    found = diff_mean(tiny_llama, hook_point, positives, negatives)
    with_noise = [
        replace(text, input_ids=(*text.input_ids, 9, 9), eligible=(*text.eligible, False, False)) for text in positives
    ]
    again = diff_mean(tiny_llama, hook_point, with_noise, negatives)
    torch.testing.assert_close(again.direction, found.direction)
    assert again.max_projection == pytest.approx(found.max_projection)


def test_the_forward_ends_at_the_hook_point(tiny_llama: LanguageModel) -> None:
    reached = []
    handle = tiny_llama.layout.layers[1].register_forward_hook(lambda *_: reached.append(1))
    try:
        diff_mean(tiny_llama, HookPoint(0, "resid_post"), *encoded(tiny_llama))
    finally:
        handle.remove()
    assert not reached
    assert count_hooks(tiny_llama) == 0


def test_progress_is_told_and_a_stop_is_heard(tiny_llama: LanguageModel) -> None:
    told: list[tuple[int, int]] = []
    diff_mean(
        tiny_llama,
        HookPoint(0, "resid_post"),
        *encoded(tiny_llama),
        batch_size=2,
        on_batch=lambda done, total: told.append((done, total)),
    )
    assert told == [(done, 8) for done in range(1, 9)]
    with pytest.raises(Cancelled):
        diff_mean(tiny_llama, HookPoint(0, "resid_post"), *encoded(tiny_llama), should_stop=lambda: len(told) > 0)
    assert count_hooks(tiny_llama) == 0


def test_examples_that_give_no_direction_are_refused(tiny_llama: LanguageModel) -> None:
    positives, negatives = encoded(tiny_llama)
    hook_point = HookPoint(1, "resid_post")
    with pytest.raises(ExamplesError, match="needs negative examples"):
        diff_mean(tiny_llama, hook_point, positives, [])
    nothing = [replace(text, eligible=(False,) * len(text)) for text in positives]
    with pytest.raises(ExamplesError, match="needs positive examples"):
        diff_mean(tiny_llama, hook_point, nothing, negatives)
    with pytest.raises(ExamplesError, match="same mean"):
        diff_mean(tiny_llama, hook_point, positives, positives)
