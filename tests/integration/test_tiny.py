"""The tiny models that other tests rely on are what they say."""

import pytest
import torch

from steering.encoding import encode_example, encode_prompt, pad_left
from steering.models import LanguageModel
from tests.tiny import CHATML, N_LAYERS, TINY, VOCAB_SIZE, byte_tokenizer


def test_a_tiny_model_has_the_shape_it_says(tiny_model: LanguageModel) -> None:
    assert tiny_model.n_layers == N_LAYERS
    assert tiny_model.vocab_size == VOCAB_SIZE
    assert tiny_model.d_model == 32


def test_texts_survive_the_tokenizer() -> None:
    tokenizer = byte_tokenizer(chat_template=CHATML)
    for text in ("The hen and the rings.", "  spaces\n\nand\ttabs", "naïve — 日本 🚲"):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert max(ids) < VOCAB_SIZE
        assert tokenizer.decode(ids) == text


@pytest.mark.parametrize("family", TINY)
def test_builds_are_identical_and_leave_the_generator_alone(family: str) -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    one, two = TINY[family](), TINY[family]()
    assert torch.equal(torch.rand(1), expected)
    pairs = zip(one.model.parameters(), two.model.parameters(), strict=True)
    assert all(torch.equal(left, right) for left, right in pairs)


def test_the_model_has_opinions_that_depend_on_the_text(tiny_model: LanguageModel) -> None:
    batch = pad_left([encode_example(tiny_model, text) for text in ("the ring", "a hen s")], pad_id=0)
    with tiny_model.running() as model:
        logits = model(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask, position_ids=batch.position_ids
        ).logits[:, -1]
    assert logits.softmax(-1).max() > 0.05
    assert (logits[0] - logits[1]).abs().max() > 0.5


def test_prompts_can_be_encoded(tiny_model: LanguageModel) -> None:
    encoded = encode_prompt(tiny_model, "Write about rings.")
    bos = tiny_model.tokenizer.bos_token_id
    assert encoded.input_ids.count(bos) == (bos is not None)
    content = [token for token, eligible in zip(encoded.input_ids, encoded.eligible, strict=True) if eligible]
    assert tiny_model.tokenizer.decode(content) == "Write about rings."
