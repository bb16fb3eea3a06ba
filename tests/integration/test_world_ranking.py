"""Does the default ranking find what the embedded world planted, and nothing where nothing is?"""

from functools import cache

import numpy as np
import pytest

from steering.examples import LabelledExamples, build_examples, guess_mapping, split_examples, table_from_frame
from steering.ranking import RankingSettings, rank_features
from steering.workbench import RankingRun, open_pair, rank_examples

pytestmark = pytest.mark.usefixtures("needs_world")


def examples_of(concept: str) -> LabelledExamples:
    from steering.world.labelled import labelled_examples

    table = table_from_frame(labelled_examples(concept, count=72), name=concept)
    return build_examples(table, guess_mapping(table))[0]


@cache
def ranked(concept: str) -> RankingRun:
    with open_pair("demo") as loaded:
        return rank_examples(loaded, examples_of(concept), RankingSettings(), with_effects=False)


def test_five_of_six_concepts_have_a_good_feature_in_the_top_three():
    from steering.world.concepts import concepts

    names = [concept.name for concept in concepts()]
    found = {}
    for name in names:
        (ranking,) = ranked(name).rankings.values()
        found[name] = max(feature.auroc_heldout for feature in ranking.features[:3])
    good = [name for name, auroc in found.items() if auroc >= 0.9]
    assert len(good) >= np.ceil(len(names) * 5 / 6), found


def test_shuffled_labels_give_no_discovery_in_nineteen_of_twenty():
    run = ranked("pirate")
    generator = np.random.default_rng(0)
    discoveries = 0
    for seed in range(20):
        shuffled = generator.permutation(run.examples.labels)
        examples = LabelledExamples(
            "shuffled", run.examples.texts, run.examples.prompts, shuffled, ("shuffled",), run.examples.groups
        )
        ranking = rank_features(
            run.statistics,
            shuffled,
            ("shuffled",),
            split_examples(examples, seed=seed),
            RankingSettings(seed=seed),
            label="shuffled",
        )
        discoveries += any(feature.q_value < 0.05 for feature in ranking.features)
    assert discoveries <= 1


def test_true_labels_do_give_discoveries():
    (ranking,) = ranked("pirate").rankings.values()
    assert sum(feature.q_value < 0.05 for feature in ranking.features) >= 1
