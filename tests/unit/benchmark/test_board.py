"""Does the screen's leaderboard say what the evidence says, under every choice?"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steering.benchmark.board import Choice, failed_shares, rows_of, standing
from steering.benchmark.collect import read_results
from steering.benchmark.parts import read_folder
from steering.benchmark.report import report
from steering.benchmark.settings import Unit
from steering.benchmark.stored import read_stored, store
from steering.errors import SteeringError
from steering.evidence.aggregation import concept_means, run_means
from steering.evidence.curves import equal_dose
from steering.evidence.leaderboard import leaderboard
from tests.drawn_bench import SETTINGS, write_run

TEST = Choice("test", (0, 1), SETTINGS.methods, reference="sae_f1c")
FAILED = (Unit("wine", 0, "sae_f1c"), Unit("wine", 1, "sae_f1c"), Unit("cats", 0, "sae_f1c"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run") / "out", failing=FAILED)


@pytest.fixture(scope="module")
def table(run: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """As the screen reads it: names are categories."""
    return read_stored(store(run, into=tmp_path_factory.mktemp("stored"))).read()


def test_chosen_factors_are_the_report(run: Path, table: pd.DataFrame) -> None:
    for split in ("development", "test"):
        board = standing(table, replace(TEST, split=split), n_resamples=300)
        whole = report(read_results(run), reference="sae_f1c", n_resamples=300)
        wanted = whole[whole["split"] == split].reset_index(drop=True)
        assert board.table["method"].tolist() == wanted["method"].tolist()
        for name in ("score", "low", "high", "win_rate", "difference", "concept_score", "kl", "n_dropped"):
            np.testing.assert_allclose(board.table[name], wanted[name].astype(float), rtol=1e-6, err_msg=name)


def test_a_concept_without_a_result_counts_as_unsteered(table: pd.DataFrame) -> None:
    board = standing(table, TEST, n_resamples=50)
    row = board.table.set_index("method").loc["sae_f1c"]
    assert (board.dropped_as, row["n_dropped"], row["n_concepts"]) == ("unsteered", len(FAILED), 3)
    runs = run_means(rows_of(table, TEST)).astype({"method": str, "concept": str})
    values = runs.set_index(["method", "concept", "seed"])["overall"]
    own = values["sae_f1c"].sum()
    instead = sum(values["none", unit.concept, unit.seed] for unit in FAILED)
    assert row["score"] == pytest.approx((own + instead) / 6)
    without = standing(table, replace(TEST, methods=("prompt", "sae_f1c")), n_resamples=50)
    assert without.dropped_as == "zero"
    assert without.table.set_index("method").loc["sae_f1c", "score"] == pytest.approx(own / 6)


def test_the_oracle_is_never_below_the_choice(table: pd.DataFrame) -> None:
    chosen = standing(table, TEST, n_resamples=50).table.set_index("method")["score"]
    oracle = standing(table, replace(TEST, factor="oracle"), n_resamples=50).table.set_index("method")["score"]
    assert (oracle >= chosen.loc[oracle.index] - 1e-9).all()
    assert oracle["diffmean"] > chosen["diffmean"]


def test_equal_dose_is_that_of_the_giver(run: Path, table: pd.DataFrame) -> None:
    choice = replace(TEST, factor="dose", dose_of="prompt")
    board = standing(table, choice, n_resamples=300)
    assert set(board.table["method"]) == {"sae_f1c", "diffmean"}
    plain = read_results(run)
    plain = plain[plain["split"] == "test"]
    means = concept_means(plain)
    doses = means[means["method"] == "prompt"].set_index("concept")["kl"].to_dict()
    wanted = equal_dose(plain, doses, methods=["sae_f1c", "diffmean"])
    assert board.n_left_out == wanted["n_left_out"].max() == 1, "wine has no SAE"
    told = leaderboard(wanted, reference="sae_f1c", n_resamples=300)
    np.testing.assert_allclose(board.table["score"], told["score"], rtol=1e-5)
    np.testing.assert_allclose(board.table["win_rate"], told["win_rate"])
    for concept, kl in board.means.groupby("concept")["kl"].first().items():
        assert kl == pytest.approx(doses[concept], rel=1e-5)


def test_seeds_and_concepts_are_those_chosen(table: pd.DataFrame) -> None:
    one = rows_of(table, replace(TEST, seeds=(1,)), concepts=["cats"])
    assert set(one["seed"]) == {1}
    assert set(one["concept"]) == {"cats"}
    assert list(one["concept"].cat.categories) == ["cats"]
    both = standing(table, TEST, n_resamples=50).table.set_index("method")["score"]
    first = standing(table, replace(TEST, seeds=(0,)), n_resamples=50).table.set_index("method")["score"]
    assert not np.allclose(both, first.loc[both.index])


def test_what_cannot_be_compared_says_why(table: pd.DataFrame) -> None:
    with pytest.raises(SteeringError, match="no result of the split test"):
        standing(table, replace(TEST, seeds=(7,)))
    with pytest.raises(SteeringError, match="reference lora is not among"):
        standing(table, replace(TEST, reference="lora"))
    with pytest.raises(SteeringError, match="None of these methods has a strength"):
        standing(table, replace(TEST, methods=("none", "prompt"), reference=None, factor="dose", dose_of="prompt"))


def test_share_of_units_that_failed(run: Path) -> None:
    failures = read_folder(run).failed()
    assert failed_shares(SETTINGS, failures, TEST, ["cats", "wine", "chess"]) == {
        "none": 0.0, "prompt": 0.0, "sae_f1c": 0.5, "diffmean": 0.0,
    }  # fmt: skip
    assert failed_shares(SETTINGS, failures, replace(TEST, seeds=(1,)), ["cats", "chess"])["sae_f1c"] == 0.0
