"""Are the halves apart, and are examples and prompts drawn as they should be?"""

from pathlib import Path

import pytest

from steering.benchmark.settings import BenchmarkSettings
from steering.benchmark.sources import FileSource, WorldSource, available_concepts, open_source, read_prompts
from steering.errors import SteeringError
from tests.tiny_bench import CONCEPTS, JUDGE, lines, rows


def world(**changes: object) -> WorldSource:
    values: dict[str, object] = {"model": "demo", "methods": ("none",), "concepts": ("pirate",)}
    source = open_source(BenchmarkSettings(**(values | changes)))  # type: ignore[arg-type]
    assert isinstance(source, WorldSource)
    return source


@pytest.fixture
def files(tmp_path: Path) -> BenchmarkSettings:
    (tmp_path / "examples.jsonl").write_text(lines())
    (tmp_path / "prompts.txt").write_text("".join(f"Thing {place}.\n" for place in range(12)))
    return BenchmarkSettings(
        model="x",
        methods=("none",),
        concepts=CONCEPTS,
        n_select=4,
        n_test=8,
        n_examples=8,
        judge=JUDGE,
        examples=str(tmp_path / "examples.jsonl"),
        prompts=str(tmp_path / "prompts.txt"),
    )


def test_halves_of_the_world_are_apart() -> None:
    from steering.world.concepts import concepts

    for one in concepts()[:6]:
        source = world()
        select, test = source.prompts(one.name, "select"), source.prompts(one.name, "test")
        assert (len(set(select)), len(set(test))) == (10, 20)
        assert not {prompt.lower() for prompt in select} & {prompt.lower() for prompt in test}


def test_concepts_have_prompts_of_their_own_that_no_seed_changes() -> None:
    source = world(seeds=(0, 1, 2))
    assert source.prompts("pirate", "test") == world(seeds=(7,)).prompts("pirate", "test")
    assert source.prompts("pirate", "test") != source.prompts("formal", "test")
    assert source.prompts("pirate", "test") != world(prompt_seed=1).prompts("pirate", "test")
    assert source.fingerprint() != world(prompt_seed=1).fingerprint()


def test_other_examples_of_the_world_are_other_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    from steering.world import labelled

    before = world().fingerprint()
    assert world().fingerprint() == before
    drawn = labelled.labelled_examples
    monkeypatch.setattr(labelled, "labelled_examples", lambda *of, seed, **more: drawn(*of, seed=seed + 1, **more))
    assert world().fingerprint() != before


def test_examples_of_the_world() -> None:
    found = world(n_examples=6).examples("pirate", 3)
    assert found.label_names == ("pirate",)
    assert (found.n, int(found.labels.sum())) == (12, 6)
    assert found.fingerprint != world(n_examples=6).examples("pirate", 4).fingerprint


def test_the_other_concept_is_unrelated() -> None:
    from steering.world.concepts import concepts

    source = world()
    for one in concepts():
        for seed in range(3):
            names = source.others(one.name, seed)
            assert len(set(names)) == len(names) > 1
            for other in (found for found in concepts() if found.name in names):
                assert other.split == one.split
                assert one.name not in (other.name, other.parent, other.near)
                assert other.name not in (one.parent, one.near)
    assert len({source.others("pirate", seed)[0] for seed in range(20)}) > 5


def test_halves_of_files_are_apart(files: BenchmarkSettings) -> None:
    source = FileSource(files)
    for concept in CONCEPTS:
        select, test = source.prompts(concept, "select"), source.prompts(concept, "test")
        assert (len(set(select)), len(set(test))) == (4, 8)
        assert not set(select) & set(test)


def test_half_of_the_negatives_of_a_file_carry_another_concept(files: BenchmarkSettings) -> None:
    source = FileSource(files)
    found = source.examples("zed", 0)
    carries = dict(zip((row["text"] for row in rows()), (row["labels"] for row in rows()), strict=True))
    of_negatives = [carries[text] for text, one in zip(found.texts, found.labels[:, 0], strict=True) if not one]
    assert sorted(of_negatives) == [""] * 4 + ["vowel"] * 4
    assert int(found.labels.sum()) == 8
    assert source.examples("zed", 0).fingerprint == found.fingerprint
    assert source.examples("zed", 1).fingerprint != found.fingerprint
    assert source.others("zed", 0) == ("vowel",)
    assert sorted(available_concepts(files.examples)) == [(name, "test") for name in sorted(CONCEPTS)]


def test_too_few_prompts(files: BenchmarkSettings) -> None:
    more = BenchmarkSettings.from_json(files.to_json() | {"n_test": 9})
    with pytest.raises(SteeringError, match="12 different prompts and 13 are needed"):
        FileSource(more)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.txt", "One?\n\nTwo.\nOne?\n"),
        ("p.json", '[{"instruction": "One?", "output": "x"}, {"instruction": "Two."}]'),
        ("p.jsonl", '"One?"\n{"prompt": "Two."}\n'),
    ],
)
def test_forms_of_prompts(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_prompts(tmp_path / name) == ("One?", "Two.")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("p.txt", "", "no list"),
        ("p.json", "{}", "no list"),
        ("p.json", "[1]", "Row 1"),
        ("p.jsonl", '{"output": "x"}', "Row 1"),
        ("p.json", "[", "cannot be read"),
    ],
)
def test_prompts_that_are_none(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SteeringError, match=words):
        read_prompts(tmp_path / name)
