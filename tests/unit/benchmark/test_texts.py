"""Are repetition and off-target shares those of the texts, counted once for each unit?"""

import pandas as pd
import pytest

from steering.benchmark.texts import as_text, from_json, read_texts, text_means, to_json
from steering.world.judge import WorldJudge
from steering.world.labelled import labelled_examples

LOOP = "so it goes so it goes so it goes"


def table(rows: list[tuple[str, str, int, str | None, bool]]) -> pd.DataFrame:
    """Results of the test half at the chosen factor, and rows beside them that do not count."""
    columns = ["method", "concept", "seed", "text", "is_looping"]
    counted = pd.DataFrame(rows, columns=columns).assign(half="test", selected=True, prompt="Tell me something.")
    others = [counted.assign(text=LOOP, is_looping=True, **of) for of in ({"half": "select"}, {"selected": False})]
    return pd.concat([counted, *others], ignore_index=True).astype({"method": "category", "concept": "category"})


def carrying(concept: str) -> tuple[str, str]:
    """A prompt and a text of the world whose only concept of rating 2 is ``concept``."""
    drawn = labelled_examples(concept, count=20, seed=5)
    rows = drawn[drawn["label"].astype(bool)]
    judge = WorldJudge()
    return next(
        (prompt, text)
        for prompt, text in zip(rows["prompt"], rows["text"], strict=True)
        if judge.score(concept, prompt, text).concept == 2
    )


def test_repetition_by_hand() -> None:
    found = read_texts(
        table([
            ("diffmean", "wine", 0, "one two one two", False),  # 2 of 3 pairs differ
            ("diffmean", "wine", 0, LOOP, True),  # so it, it goes, goes so: 3 of 8
            ("diffmean", "wine", 1, None, True),  # text not kept
            ("none", "wine", 0, "all new words", False),
        ]),
        told_apart=False,
    ).set_index(["method", "seed"])  # fmt: skip
    assert found.loc[("diffmean", 0), "distinct_2"] == pytest.approx((2 / 3 + 3 / 8) / 2)
    assert found["looping"].to_dict() == {("diffmean", 0): 0.5, ("diffmean", 1): 1.0, ("none", 0): 0.0}
    assert found["n_texts"].to_dict() == {("diffmean", 0): 2, ("diffmean", 1): 0, ("none", 0): 1}
    assert pd.isna(found.loc[("diffmean", 1), "distinct_2"])
    assert found["on_target"].isna().all()


def test_without_texts_loops_are_still_known() -> None:
    whole = table([("none", "wine", 0, "a b", True)]).drop(columns=["text", "prompt"])
    (row,) = read_texts(whole, told_apart=True).to_dict(orient="records")
    assert (row["looping"], row["n_texts"]) == (1.0, 0)
    assert pd.isna(row["distinct_2"])
    assert pd.isna(row["on_target"])


def test_a_text_about_another_concept_is_off_target() -> None:
    prompt, text = carrying("wine")
    rows = table([("diffmean", "wine", 0, text, False), ("diffmean", "chess", 0, text, False),
                  ("diffmean", "trains", 0, "Nothing of this kind.", False)]).assign(prompt=prompt)  # fmt: skip
    told = []
    found = read_texts(rows, told_apart=True, on_progress=lambda done, total: told.append((done, total)))
    shares = found.set_index("concept")[["on_target", "tied", "off_target", "nothing"]]
    assert shares.loc["wine"].tolist() == [1, 0, 0, 0]
    assert shares.loc["chess"].tolist() == [0, 0, 1, 0]
    assert shares.loc["trains"].tolist() == [0, 0, 0, 1]
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_childs_text_is_on_target_though_its_parents_too() -> None:
    from steering.world.concepts import concepts

    child = next(one for one in concepts() if one.parent)
    prompt, text = carrying(child.name)
    assert WorldJudge().score(str(child.parent), prompt, text).concept == 2
    found = read_texts(table([("sae_f1c", child.name, 0, text, False)]).assign(prompt=prompt), told_apart=True)
    assert found["on_target"].tolist() == [1.0]


def test_means_are_over_seeds_then_concepts_and_survive_a_file() -> None:
    texts = pd.DataFrame(
        [("diffmean", concept, seed, 4, 0.5, looping, on, 0.0, 1 - on, 0.0)
         for concept, seed, looping, on in (("a", 0, 0.0, 0.2), ("a", 1, 0.4, 0.4), ("b", 0, 1.0, 0.9),
                                            ("c", 0, 1.0, 0.6), ("z", 0, 1.0, 1.0))],
        columns=["method", "concept", "seed", "n_texts", "distinct_2", "looping", "on_target", "tied", "off_target",
                 "nothing"],
    )  # fmt: skip
    pd.testing.assert_frame_equal(from_json(to_json(texts)), texts)
    choice = {"concepts": ("a", "b", "c"), "seeds": (0, 1), "methods": ("none", "diffmean"), "n_resamples": 200}
    (row,) = text_means(from_json(to_json(texts)), **choice).to_dict(orient="records")
    assert (row["method"], row["n_texts"]) == ("diffmean", 16)
    assert row["looping"] == pytest.approx((0.2 + 1 + 1) / 3)
    assert row["on_target"] == pytest.approx((0.3 + 0.9 + 0.6) / 3)
    assert row["low"] < row["on_target"] < row["high"]
    said = as_text(text_means(texts, **choice))
    assert "loops" in said
    assert "0.60 [" in said
    unknown = texts.assign(on_target=float("nan"))
    assert "target" not in as_text(text_means(unknown, **choice))
    with pytest.raises(ValueError, match="looping"):
        from_json(texts.drop(columns="looping").to_json(orient="split", index=False))
