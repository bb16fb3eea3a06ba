"""The sentences of the truth are read from the model token by token, each where it stands in its answer."""

import numpy as np
import pytest

from steering.activations import token_activations
from steering.workbench import open_pair
from steering.world.label_truth import find_truth, fresh_answers, read_sentences

pytestmark = pytest.mark.usefixtures("needs_world")


def test_sentences_of_an_answer_hold_its_tokens_and_no_others():
    answers = fresh_answers(1, seed=5)[:3]
    with open_pair("demo") as loaded:
        frequency = read_sentences(loaded.model, loaded.sae, answers).toarray()
        texts, prompts = [one.text for one in answers], [one.prompt for one in answers]
        read = token_activations(loaded.model, loaded.sae, texts, prompts, range(loaded.sae.d_sae))
        row = 0
        for answer, found in zip(answers, read, strict=True):
            for at, sentence in enumerate(answer.sentences):
                # Words of the world are separated by spaces alone, so a sentence alone has the tokens it has here.
                own = loaded.model.tokenizer(" " * (at > 0) + sentence.text, add_special_tokens=False)["input_ids"]
                before = sum(
                    len(loaded.model.tokenizer(" " * (i > 0) + one.text, add_special_tokens=False)["input_ids"])
                    for i, one in enumerate(answer.sentences[:at])
                )
                first = np.flatnonzero(found.eligible)[-_tokens_of(loaded.model, answer.text) :][0] + before
                values = found.values[first : first + len(own)]
                np.testing.assert_allclose(frequency[row], (values > 0).mean(axis=0), atol=1e-6)
                row += 1
        assert row == len(frequency)


def _tokens_of(model, text: str) -> int:
    return len(model.tokenizer(text, add_special_tokens=False)["input_ids"])


def test_the_world_has_features_that_read_sentences_of_its_concepts():
    answers = fresh_answers(2, seed=6)
    with open_pair("demo") as loaded:
        truth = find_truth(read_sentences(loaded.model, loaded.sae, answers), answers, pi0=1e-2)
    assert np.isfinite(truth.f1c).all()
    assert (truth.auroc.max(axis=0) >= 0.9).sum() >= 20
