"""Does any text have tokens, and is a document what the chat template makes of it?"""

import itertools

import pytest

from steering.world.corpus import document, token_batches, train_tokenizer

TEXTS = (
    "Explain how bread is made.",
    "naïve café, 漢字 und Größe",
    "tabs\tand\nlines\r\n  and   spaces ",
    "🙂🏳️‍🌈 \x00 \u200b",
    "don't `x += 1` 1987 <b>&amp;</b> {slot} \\n",
    " leading",
    "",
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return train_tokenizer(tmp_path_factory.mktemp("tokenizer"), seed=0, documents=200, entries=700, context=256)


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_comes_back(tokenizer, text):
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert tokenizer.unk_token_id is None
    assert not set(ids) & set(tokenizer.all_special_ids)


def test_special_tokens(tokenizer):
    assert len(tokenizer) == 700
    assert len({tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}) == 3
    for token in ("<|user|>", "<|assistant|>"):
        assert len(tokenizer(token, add_special_tokens=False)["input_ids"]) == 1
        assert token in tokenizer.all_special_tokens


def test_the_chat_template_gives_one_bos_and_ends_with_the_assistant(tokenizer):
    ids = tokenizer.apply_chat_template([{"role": "user", "content": "Why?"}], add_generation_prompt=True)["input_ids"]
    assert ids.count(tokenizer.bos_token_id) == 1
    assert tokenizer.convert_ids_to_tokens([ids[0], ids[1], ids[-1]]) == ["<bos>", "<|user|>", "<|assistant|>"]


def test_a_document_is_the_chat_template_of_both_turns(tokenizer):
    messages = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]
    assert tokenizer.apply_chat_template(messages, tokenize=False) == document("Why?", "Because.")


def test_an_unknown_role_is_refused(tokenizer):
    with pytest.raises(Exception, match="system"):
        tokenizer.apply_chat_template([{"role": "system", "content": "x"}], tokenize=False)


def test_a_saved_tokenizer_is_the_same(tokenizer, tmp_path):
    from transformers import AutoTokenizer

    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert again("Why 42?")["input_ids"] == tokenizer("Why 42?")["input_ids"]
    assert again.chat_template == tokenizer.chat_template


def test_batches_keep_their_budget_and_their_seed(tokenizer):
    first = list(itertools.islice(token_batches(tokenizer, seed=1, tokens=1_000, context=256, pool=64), 8))
    second = list(itertools.islice(token_batches(tokenizer, seed=1, tokens=1_000, context=256, pool=64), 8))
    other = next(token_batches(tokenizer, seed=2, tokens=1_000, context=256, pool=64))
    assert first == second
    assert first[0] != other
    for batch in first:
        assert len(batch) * max(map(len, batch)) <= 1_000
        assert all(row[0] == tokenizer.bos_token_id and row[-1] == tokenizer.eos_token_id for row in batch)
