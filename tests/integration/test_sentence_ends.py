"""Sentence ends: which tokens are read there, which are written, and that both are the same places."""

import pytest
import torch

from steering.activations import collect_statistics, encode_examples
from steering.directions.training import edited_loss
from steering.encoding import EncodedText, encode_example, encode_prompt, token_texts
from steering.generation import Condition, Sampling, generate
from steering.interventions import FeatureEdit, Intervention
from steering.models import LanguageModel
from steering.sentence_ends import (
    at_sentence_ends,
    ends_sentence,
    read_positions,
    sentence_end_ids,
    written_at_sentence_ends,
)
from tests.tiny_sae import tiny_sae

PROMPT = "Say one thing. Then another."
TEXT = "He sat. She ran! And the end"


@pytest.mark.parametrize("text", [".", "end.", '."', ".)", "?\n", "\n", "!**", "。", " …"])
def test_what_ends_a_sentence(text: str) -> None:
    assert ends_sentence(text)


@pytest.mark.parametrize("text", ["", " ", ",", "a", ".a", '"', ";", "3.5", "(", ":"])
def test_what_does_not(text: str) -> None:
    assert not ends_sentence(text)


def marked(model: LanguageModel, text: EncodedText, places: tuple[bool, ...]) -> list[str]:
    texts = token_texts(model, text.input_ids)
    return [texts[place] for place, here in enumerate(places) if here]


def test_only_the_texts_own_ends_are_read_and_its_last_token(tiny_model: LanguageModel) -> None:
    text = encode_example(tiny_model, TEXT, PROMPT)
    narrowed = at_sentence_ends(tiny_model, text)
    assert marked(tiny_model, narrowed, narrowed.eligible) == [".", "!", "d"] or marked(
        tiny_model, narrowed, narrowed.eligible
    ) == [".", "!", "nd"]
    assert narrowed.n_last == 3
    assert narrowed.input_ids == text.input_ids
    assert read_positions(tiny_model, text, "all") is text


def test_a_text_without_a_mark_keeps_its_last_token(tiny_model: LanguageModel) -> None:
    narrowed = at_sentence_ends(tiny_model, encode_example(tiny_model, "no mark", "Go."))
    assert sum(narrowed.eligible) == 1
    assert sentence_end_ids(tiny_model).sum() > 3
    assert not sentence_end_ids(tiny_model)[tiny_model.tokenizer.eos_token_id]


def test_statistics_count_the_ends_alone(tiny_model: LanguageModel) -> None:
    texts, prompts = [TEXT, "One. Two. Three."], [PROMPT, PROMPT]
    found = collect_statistics(tiny_model, tiny_sae(), texts, prompts, positions="sentence_ends")
    assert found.n_tokens.tolist() == [3, 3]
    everything = collect_statistics(tiny_model, tiny_sae(), texts, prompts)
    assert (everything.n_tokens > found.n_tokens).all()
    # The unit of a factor does not depend on where a feature was read.
    assert found.max_act == pytest.approx(everything.max_act, rel=1e-5)
    assert (found.maximum.toarray() <= everything.maximum.toarray() + 1e-5).all()


def test_learning_writes_where_generation_does(tiny_model: LanguageModel) -> None:
    """The ends of an answer, and the token before it, are written by both, and nothing else."""
    text = encode_example(tiny_model, TEXT, PROMPT)
    places = written_at_sentence_ends(tiny_model, text)
    seen: list[torch.Tensor] = []

    def write(stream: torch.Tensor, written: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(written)
        return torch.zeros_like(stream), torch.zeros(())

    edited_loss(tiny_model, tiny_sae().hook_point, [text], write, "sentence_ends")
    assert seen[0][0].tolist() == list(places)
    assert sum(places) == 3  # two marks, and the token before the answer
    # A base model reads prompt and text joined by a line break, which then is the token before the answer.
    assert places.index(True) == len(encode_prompt(tiny_model, PROMPT)) - tiny_model.has_chat_template


def test_generation_writes_at_the_ends_alone(tiny_model: LanguageModel) -> None:
    edits = (FeatureEdit(3, 0.5, 1.0),)
    at_ends, everywhere = (
        Condition("steered", intervention=Intervention(edits, scope=scope)) for scope in ("sentence_ends", "all")
    )
    found = generate(
        tiny_model, [at_ends, everywhere], [PROMPT], sae=tiny_sae(), sampling=Sampling(60, 3.0), seed=1, count=6
    )
    ends = sentence_end_ids(tiny_model)
    for one in found[:6]:
        read = one.token_ids[:-1]  # the last token is drawn and never read
        assert one.receipt.positions_edited_prompt == 1
        assert one.receipt.positions_edited_generated == int(ends[list(read)].sum())
        assert one.receipt.kl is not None
    assert sum(one.receipt.positions_edited_generated for one in found[:6]) > 0
    assert all(one.receipt.positions_edited_prompt > 1 for one in found[6:])


def test_rows_of_different_length_write_at_their_own_last_token(tiny_model: LanguageModel) -> None:
    condition = Condition("steered", intervention=Intervention((FeatureEdit(3, 2.0, 1.0),), scope="sentence_ends"))
    together = generate(tiny_model, [condition], ["Go.", PROMPT * 3], sae=tiny_sae(), sampling=Sampling(12), seed=0)
    for one in together:
        alone = generate(tiny_model, [condition], [one.prompt], sae=tiny_sae(), sampling=Sampling(12), seed=0)[0]
        assert alone.token_ids == one.token_ids
        assert alone.receipt.kl == pytest.approx(one.receipt.kl, abs=1e-5)


def test_examples_are_encoded_for_the_positions_asked(tiny_model: LanguageModel) -> None:
    (text,) = encode_examples(tiny_model, [TEXT], [None], "sentence_ends")
    assert sum(text.eligible) == 3
