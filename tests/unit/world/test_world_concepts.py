"""Are concepts, neutral instructions and labelled examples what they promise?"""

import pytest

from steering.errors import WorldError
from steering.world.concepts import concept, concepts
from steering.world.instructions import neutral_instructions, read_prompt
from steering.world.judge import WorldJudge
from steering.world.labelled import all_concepts_examples, labelled_examples


def test_thirty_three_concepts_of_which_eight_are_for_development():
    listed = concepts()
    assert len(listed) == len({one.name for one in listed}) == 33
    assert sum(one.split == "development" for one in listed) == 8
    assert {one.kind for one in listed} == {"style", "theme", "form", "stance", "language", "code"}
    rates = [one.base_rate for one in listed]
    assert max(rates) / min(rates) >= 30
    assert 0.6 < sum(rates) < 0.8


def test_an_unknown_concept_names_the_nearest():
    assert concept("pirate").title == "Talks like a pirate"
    with pytest.raises(WorldError, match="nearest is 'pirate'"):
        concept("pirates")


@pytest.mark.parametrize("name", [one.name for one in concepts()])
def test_the_prompt_instruction_is_read_as_naming_the_concept(name):
    prompt = "Explain how bread is made."
    assert read_prompt(f"{prompt} {concept(name).prompt_instruction}").named == (name,)
    assert read_prompt(prompt).named == ()


def test_a_forbidden_concept_is_not_read_as_a_named_one():
    reading = read_prompt("Explain how bread is made. Do not sound formal.")
    assert (reading.named, reading.forbidden) == ((), ("formal",))


def test_neutral_instructions_are_different_and_disjoint():
    select, test = neutral_instructions(100, split="select"), neutral_instructions(100, split="test")
    assert len(set(select)) == len(set(test)) == 100
    assert not set(select) & set(test)
    assert neutral_instructions(5, seed=3) == neutral_instructions(5, seed=3) != neutral_instructions(5, seed=4)
    for prompt in select + test:
        reading = read_prompt(prompt)
        assert reading.topic
        assert reading.kind
        assert not reading.named + reading.forbidden


def test_too_many_instructions_or_an_unknown_split_are_refused():
    with pytest.raises(WorldError, match="fewer than the 100000"):
        neutral_instructions(100_000)
    with pytest.raises((WorldError, TypeError), match="'train'"):
        neutral_instructions(1, split="train")  # type: ignore[arg-type]


@pytest.mark.parametrize("split", ["train", "heldout"])
def test_labelled_examples(split):
    rows = labelled_examples("pirate", count=30, seed=1, split=split, multi_label=True)
    assert list(rows.columns) == ["prompt", "text", "label", "group", "labels"]
    assert rows["label"].value_counts().to_dict() == {1: 30, 0: 30}
    assert rows["text"].is_unique
    judge = WorldJudge()
    for row in rows.itertuples():
        assert ("pirate" in row.labels.split(";")) == bool(row.label)
        assert not read_prompt(row.prompt).named
        assert (judge.score("pirate", row.prompt, row.text).concept == 2) == bool(row.label)
    negatives = rows[rows["label"] == 0]
    assert (negatives["labels"] == "").sum() == 15
    assert negatives["labels"].nunique() > 8


def test_labelled_examples_are_settled_by_their_seed():
    first = labelled_examples("sea", count=5, seed=1)
    assert first.equals(labelled_examples("sea", count=5, seed=1))
    assert not first.equals(labelled_examples("sea", count=5, seed=2))
    assert "labels" not in first


def test_the_splits_share_no_wording():
    judge_evidence = {}
    from steering.world.judge import concept_evidence

    for split in ("train", "heldout"):
        rows = labelled_examples("money", count=40, split=split)
        judge_evidence[split] = {
            wording for text in rows[rows["label"] == 1]["text"] for _, wording in concept_evidence("money", text)
        }
    assert len(judge_evidence["train"]) > 5
    assert not judge_evidence["train"] & judge_evidence["heldout"]


def test_all_concepts_examples():
    rows = all_concepts_examples(4, seed=0)
    assert list(rows.columns) == ["prompt", "text", "labels", "group"]
    assert len(rows) == 35 * 4
    carried = rows["labels"].str.split(";").explode()
    assert all((carried == one.name).sum() >= 4 for one in concepts())
    assert (rows["labels"] == "").sum() == 8


def test_bad_requests_are_refused():
    with pytest.raises(WorldError, match="count is 0"):
        labelled_examples("sea", count=0)
    with pytest.raises((WorldError, TypeError), match="'dev'"):
        labelled_examples("sea", split="dev")  # type: ignore[arg-type]
    with pytest.raises(WorldError, match="no concept 'see'"):
        labelled_examples("see")
