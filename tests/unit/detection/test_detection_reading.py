"""Text scores of features and directions on AxBench's evaluation rows, with a tiny model, against plain NumPy."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from steering.activations import collect_statistics, encode_examples, read_resid
from steering.detection import ConceptScores, detect
from steering.detection.reading import direction_scores, feature_scores, scores_from_statistics
from steering.encoding import pad_left
from steering.errors import InterventionError, SaeError
from steering.examples.axbench_concepts import detection_texts
from steering.scores.auroc import auroc
from tests.tiny_sae import tiny_sae
from tests.unit.interchange.axbench_rows import evaluation_rows

FEATURES = [0, 5, 11, 30]


@pytest.fixture(scope="module")
def read(tiny_llama):
    """Rows of two concepts; every token's stream and features, text by text, without any of the code under test."""
    sae = tiny_sae()
    concepts = detection_texts(evaluation_rows(n_concepts=2, n=5))
    texts = [text for one in concepts for text in one.texts]
    prompts = [prompt for one in concepts for prompt in one.prompts]
    resid = []
    for text in encode_examples(tiny_llama, texts, prompts):
        batch = pad_left([text], pad_id=0)
        stream = read_resid(tiny_llama, sae.hook_point, batch)[0]
        resid.append(stream[torch.tensor(text.eligible)].float())
    return SimpleNamespace(
        model=tiny_llama,
        sae=sae,
        concepts=concepts,
        texts=texts,
        prompts=prompts,
        resid=resid,
        largest=np.array([sae.encode(one).amax(dim=0).numpy() for one in resid]),
    )


def test_auroc_of_every_feature_equals_an_independent_computation(read):
    statistics = collect_statistics(read.model, read.sae, read.texts, read.prompts)
    start = 0
    compared = 0
    for concept in read.concepts:
        rows = slice(start, start + len(concept.texts))
        start = rows.stop
        kinds = np.array(concept.categories)
        kept = kinds != "hard negative"
        ours = auroc(statistics.maximum[rows][kept], kinds[kept] == "positive")
        for feature in range(read.sae.d_sae):
            column = read.largest[rows, feature]
            scores = scores_from_statistics(statistics, feature)[rows]
            found = detect(ConceptScores.by_category(concept.concept, scores, concept.categories))
            expected = roc_auc_score(kinds[kept] == "positive", column[kept])
            assert ours[feature] == pytest.approx(expected, abs=1e-12)
            assert found.auroc == pytest.approx(expected, abs=1e-12)
            assert found.auroc_with_hard == pytest.approx(roc_auc_score(kinds == "positive", column), abs=1e-12)
            compared += 0 < expected < 1 and expected != 0.5
    assert compared > 20  # the twin's features do say something


def test_feature_scores_by_maximum_and_mean(read):
    scores = feature_scores(read.model, read.sae, read.texts, read.prompts, FEATURES)
    np.testing.assert_allclose(scores, read.largest[:, FEATURES], atol=1e-4)
    means = feature_scores(read.model, read.sae, read.texts, read.prompts, FEATURES, pooling="mean")
    expected = [read.sae.encode(one).mean(dim=0).numpy()[FEATURES] for one in read.resid]
    np.testing.assert_allclose(means, expected, atol=1e-4)
    rounded = feature_scores(read.model, read.sae, read.texts, read.prompts, FEATURES, decimals=1)
    np.testing.assert_allclose(rounded * 10, np.round(rounded * 10), atol=1e-9)
    statistics = collect_statistics(read.model, read.sae, read.texts, read.prompts)
    np.testing.assert_allclose(scores_from_statistics(statistics, 5, "mean"), means[:, 1], atol=1e-4)


def test_direction_scores_are_projections_negative_ones_too(read):
    vector = torch.nn.functional.normalize(-torch.stack([one.mean(dim=0) for one in read.resid]).mean(dim=0), dim=0)
    direction = SimpleNamespace(direction=vector, hook_point=read.sae.hook_point)
    scores = direction_scores(read.model, direction, read.texts, read.prompts)
    np.testing.assert_allclose(scores, [float((one @ vector).max()) for one in read.resid], atol=1e-4)
    means = direction_scores(read.model, direction, read.texts, read.prompts, pooling="mean")
    np.testing.assert_allclose(means, [float((one @ vector).mean()) for one in read.resid], atol=1e-4)
    assert means.max() < 0


def test_refusals(read):
    statistics = collect_statistics(read.model, read.sae, read.texts[:2], read.prompts[:2])
    with pytest.raises(InterventionError, match="features 0 to 47"):
        scores_from_statistics(statistics, 48)
    with pytest.raises(SaeError, match="7 numbers"):
        direction_scores(
            read.model, SimpleNamespace(direction=torch.ones(7), hook_point=read.sae.hook_point), ["a"], [None]
        )
