"""The board: who is first, and against whom."""

import numpy as np
import pandas as pd
import pytest

from steering.errors import SteeringError
from steering.evidence.leaderboard import leaderboard

CONCEPTS = [f"c{number:02d}" for number in range(24)]


def means():
    rng = np.random.default_rng(0)
    difficulty = rng.uniform(0.2, 1, 24)
    values = {"sae_f1c": 0.5 * difficulty, "lora": difficulty + rng.normal(0, 0.02, 24), "none": np.zeros(24)}
    return pd.concat(
        pd.DataFrame({"model": "m", "method": method, "concept": CONCEPTS, "overall": overall})
        for method, overall in values.items()
    )


def test_planted_truth():
    board = leaderboard(means(), reference="lora", n_resamples=2000).set_index("method")
    assert board.index.tolist() == ["lora", "sae_f1c", "none"]
    ours = board.loc["sae_f1c"]
    assert ours["ratio_low"] < 0.5 < ours["ratio_high"]
    assert ours["ratio_high"] - ours["ratio_low"] < 0.05  # pairing: difficulty cancels
    assert ours["win_rate"] == 0
    assert ours["difference"] == pytest.approx(ours["score"] - board.loc["lora", "score"])
    assert board.loc["lora", ["win_rate", "difference", "ratio"]].isna().all()


def test_without_a_reference_there_are_scores_only():
    board = leaderboard(means(), n_resamples=200)
    assert board.columns.tolist() == ["model", "method", "n_concepts", "score", "low", "high"]
    assert (board["n_concepts"] == 24).all()
    nothing = board.iloc[-1]
    assert nothing["score"] == 0
    assert np.isnan(nothing["low"])


def test_a_control_that_scores_nothing_can_be_the_reference():
    board = leaderboard(means(), reference="none", n_resamples=200).set_index("method")
    assert np.isnan(board.loc["lora", "ratio"])
    assert board.loc["lora", "difference"] == board.loc["lora", "score"]


def test_survivors_cannot_be_compared_with_all():
    survivors = means()[lambda t: (t["method"] != "sae_f1c") | (t["overall"] > 0.3)]
    with pytest.raises(SteeringError, match="not measured on the same concepts"):
        leaderboard(survivors, reference="lora")
