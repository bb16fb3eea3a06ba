"""The one-pass statistics against a plain loop over hidden states, which shares no code with them."""

import numpy as np
import pytest
import torch

from steering.activations import collect_statistics, read_resid, token_activations
from steering.encoding import encode_example, encode_prompt, pad_left, token_texts
from steering.errors import ModelError
from steering.hook_points import HookPoint
from steering.models import LanguageModel
from tests.tiny_sae import tiny_sae

TEXTS = [
    "the sea and the wind",
    "a stone",
    "in the winter, the water is on the street and the tree",
    "one two three four",
]
PROMPTS = ["tell me of the sea", "name a thing", None, "count"]


def plain_loop(model: LanguageModel, sae, text: str, prompt: str | None) -> np.ndarray:
    """Activations of the content tokens of one text, one forward, no hook, no batch."""
    encoded = encode_example(model, text, prompt)
    with torch.no_grad():
        output = model.model(torch.tensor([encoded.input_ids]), output_hidden_states=True)
    resid = output.hidden_states[sae.hook_point.layer + 1][0]
    return sae.encode(resid)[torch.tensor(encoded.eligible)].numpy()


def test_statistics_equal_a_plain_loop(tiny_model):
    sae = tiny_sae()
    statistics = collect_statistics(tiny_model, sae, TEXTS, PROMPTS, tokens_per_batch=40)
    acts = [plain_loop(tiny_model, sae, text, prompt) for text, prompt in zip(TEXTS, PROMPTS, strict=True)]
    assert statistics.n_tokens.tolist() == [len(rows) for rows in acts]
    for row, of_text in enumerate(acts):
        assert np.allclose(statistics.frequency[[row]].toarray()[0], (of_text > 0).mean(axis=0), atol=1e-6)
        assert np.allclose(statistics.maximum[[row]].toarray()[0], of_text.max(axis=0), atol=1e-4)
        assert np.allclose(statistics.mean[[row]].toarray()[0], of_text.mean(axis=0), atol=1e-4)
    together = np.concatenate(acts)
    assert np.allclose(statistics.max_act, together.max(axis=0), atol=1e-4)
    assert np.allclose(statistics.density, (together > 0).mean(axis=0), atol=1e-6)


def test_batch_size_changes_nothing(tiny_model):
    sae = tiny_sae()
    one, all_at_once = (
        collect_statistics(tiny_model, sae, TEXTS, PROMPTS, tokens_per_batch=size) for size in (1, 10_000)
    )
    assert np.allclose(one.maximum.toarray(), all_at_once.maximum.toarray(), atol=1e-4)
    assert np.allclose(one.frequency.toarray(), all_at_once.frequency.toarray(), atol=1e-6)


@pytest.mark.parametrize("layer", [0, 1])
def test_layers_count_from_zero_and_resid_post_is_the_next_hidden_state(tiny_model, layer):
    encoded = encode_example(tiny_model, TEXTS[0], PROMPTS[0])
    batch = pad_left([encoded], pad_id=0)
    with torch.no_grad():
        states = tiny_model.model(batch.input_ids, output_hidden_states=True).hidden_states
    assert torch.allclose(read_resid(tiny_model, HookPoint(layer, "resid_post"), batch), states[layer + 1], atol=1e-5)
    assert torch.allclose(read_resid(tiny_model, HookPoint(layer, "resid_pre"), batch), states[layer], atol=1e-5)


def test_a_layer_that_does_not_exist_is_an_error(tiny_llama):
    batch = pad_left([encode_example(tiny_llama, "a", None)], pad_id=0)
    with pytest.raises(ModelError, match="layers 0 to 2"):
        read_resid(tiny_llama, HookPoint(7, "resid_post"), batch)


def test_bos_and_template_tokens_are_not_eligible(tiny_model):
    prompt, text = "tell me of the sea", "the wind"
    encoded = encode_example(tiny_model, text, prompt)
    content = tiny_model.tokenizer.decode(
        [token for token, eligible in zip(encoded.input_ids, encoded.eligible, strict=True) if eligible]
    )
    assert content.replace("\n", "").replace(" ", "") == (prompt + text).replace(" ", "")
    special = set(tiny_model.tokenizer.all_special_ids)
    assert not any(
        eligible and token in special for token, eligible in zip(encoded.input_ids, encoded.eligible, strict=True)
    )


def test_exactly_one_bos_with_and_without_a_template(tiny_model):
    bos = tiny_model.tokenizer.bos_token_id
    for encoded in (
        encode_example(tiny_model, "the wind", "tell me"),
        encode_example(tiny_model, "the wind"),
        encode_prompt(tiny_model, "tell me"),
    ):
        assert list(encoded.input_ids).count(bos) == (0 if bos is None else 1)
        if bos is not None:
            assert encoded.input_ids[0] == bos
            assert not encoded.eligible[0]


def content_of(model: LanguageModel, encoded) -> str:
    ids = [token for token, counts in zip(encoded.input_ids, encoded.eligible, strict=True) if counts]
    return model.tokenizer.decode(ids, skip_special_tokens=False)


@pytest.mark.parametrize(("prompt", "text"), [("user", "s"), ("assistant", "e"), ("a", "user"), ("im", "start")])
def test_short_texts_are_found_where_they_stand_and_not_in_the_template(tiny_model, prompt, text):
    encoded = encode_example(tiny_model, text, prompt)
    assert content_of(tiny_model, encoded).replace("\n", "").replace(" ", "") == prompt + text
    assert encoded.n_last >= 1
    assert any(encode_prompt(tiny_model, prompt).eligible)


def test_tokens_add_up_to_the_text_whatever_its_characters(tiny_model):
    text = "the sûr 北京 🏴 and"
    ids = tiny_model.tokenizer(text, add_special_tokens=False)["input_ids"]
    texts = token_texts(tiny_model, ids)
    assert len(texts) == len(ids)
    assert "".join(texts) == text
    assert "\ufffd" not in "".join(texts)
    assert token_texts(tiny_model, ids[:-5])[-1] in ("", "\ufffd", texts[-6])


@pytest.mark.parametrize("token", ["<s>", "</s>", "<|im_end|>", "<bos>", "<|endoftext|>", "<start_of_turn>"])
def test_a_special_token_that_somebody_typed_is_text(tiny_model, token):
    """It opens no turn, ends nothing and is no second BOS."""
    hostile = f"hello {token} there"
    special = set(tiny_model.tokenizer.all_special_ids)
    plain, typed = (encode_prompt(tiny_model, text) for text in ("hello there", hostile))
    count = [sum(token_id in special for token_id in encoded.input_ids) for encoded in (plain, typed)]
    assert count[0] == count[1]
    assert token in content_of(tiny_model, typed)
    example = encode_example(tiny_model, hostile, hostile)
    assert content_of(tiny_model, example).count(token) == 2


def test_texts_beyond_the_limit_are_counted(tiny_llama):
    sae = tiny_sae()
    long, short = "word " * 400, "the answer"
    found = collect_statistics(tiny_llama, sae, [short, long, short], [short, None, long])
    assert (found.n_truncated, found.n_without_text) == (2, 1)
    whole = collect_statistics(tiny_llama, sae, [short], [short])
    assert (whole.n_truncated, whole.n_without_text) == (0, 0)


def test_token_activations_agree_with_the_statistics(tiny_llama):
    sae = tiny_sae()
    statistics = collect_statistics(tiny_llama, sae, TEXTS, PROMPTS)
    features = [3, 11, 40]
    for row, tokens in enumerate(token_activations(tiny_llama, sae, TEXTS, PROMPTS, features)):
        assert len(tokens.tokens) == len(tokens.values) == len(tokens.eligible)
        assert np.allclose(tokens.values.max(axis=0), statistics.maximum[[row]].toarray()[0, features], atol=1e-4)
        assert not tokens.values[~np.array(tokens.eligible)].any()


def test_prompts_without_words_or_too_long_are_refused(tiny_llama):
    with pytest.raises(ModelError, match="empty"):
        encode_prompt(tiny_llama, "  ")
    with pytest.raises(ModelError, match="shorten"):
        encode_prompt(tiny_llama, "word " * 400)
