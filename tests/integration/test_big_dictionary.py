"""131,072 features are read and ranked within a budget that their dense activations would break many times."""

import gc
from pathlib import Path

import numpy as np
import pytest
import torch

from steering.activations import collect_statistics, encode_examples, read_resid, token_activations
from steering.encoding import pad_left
from steering.models import LanguageModel
from steering.ranking import RankingSettings, rank_features
from steering.saes import SparseAutoencoder
from steering.saes.building import build_autoencoder
from tests.tiny import tiny_llama

D_MODEL, D_SAE = 64, 2**17
BUDGET = 320
"""MiB. One dense table of the tokens is 1,066 MiB, and computing it takes several. Alone the ranking takes under 100;
in a process that has run other tests the allocator adds as much again."""

WORDS = ("the", "sea", "and", "a", "stone", "in", "winter", "water", "ring", "street", "tree", "hen", "of", "wind")


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return tiny_llama(d_model=D_MODEL)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, 6)) + (" king" if row % 2 else " fish") for row in range(100)]


def dictionary(model: LanguageModel, texts: list[str], architecture: str) -> SparseAutoencoder:
    """Random rows of unit length; about 60 features fire on a token."""
    generator = torch.Generator().manual_seed(0)
    W_dec = torch.nn.functional.normalize(torch.randn(D_SAE, D_MODEL, generator=generator), dim=1)
    tensors = {
        "W_enc": W_dec.T.contiguous(),
        "W_dec": W_dec,
        "b_enc": torch.zeros(D_SAE),
        "b_dec": torch.zeros(D_MODEL),
    }
    config = {
        "architecture": architecture, "d_in": D_MODEL, "d_sae": D_SAE, "apply_b_dec_to_input": False,
        "normalize_activations": "none", "metadata": {"hook_name": "blocks.1.hook_resid_post"},
    }  # fmt: skip
    if architecture == "topk":
        config["k"] = 60
    else:
        sae = build_autoencoder(config | {"architecture": "standard"}, tensors, where="The SAE")
        pre_acts = sae.encode(dense_resid(model, sae, texts[0]))
        tensors["threshold"] = torch.full((D_SAE,), float(pre_acts.quantile(1 - 60 / D_SAE)))
    return build_autoencoder(config, tensors, where="The SAE")


def dense_resid(model: LanguageModel, sae: SparseAutoencoder, text: str) -> torch.Tensor:
    [encoded] = encode_examples(model, [text], [None])
    return read_resid(model, sae.hook_point, pad_left([encoded], pad_id=0))[0][torch.tensor(encoded.eligible)]


class Peak:
    """Largest resident memory of this process inside the block, in MiB above what it held before."""

    def __enter__(self) -> "Peak":
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        self._before = _status("VmRSS")
        return self

    def __exit__(self, *_: object) -> None:
        self.mib = (_status("VmHWM") - self._before) / 1024


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


@pytest.mark.parametrize("architecture", ["jumprelu", "topk"])
def test_ranking_stays_within_its_budget_and_equals_the_dense_computation(model, texts, architecture):
    sae = dictionary(model, texts, architecture)
    positive = np.array([[row % 2 == 1] for row in range(len(texts))])
    rows = np.arange(len(texts))
    settings = RankingSettings(n_permutations=20, n_resamples=20)
    collect_statistics(model, sae, texts[:2], [None, None])  # what is allocated once does not count

    class Split:
        train, heldout = rows[:75], rows[75:]

    with Peak() as peak:
        statistics = collect_statistics(model, sae, texts, [None] * len(texts))
        ranking = rank_features(statistics, positive, ("king",), Split(), settings, label="king")
    n_tokens = int(statistics.n_tokens.sum())
    assert n_tokens * D_SAE * 4 > 3 * BUDGET * 2**20, "dense activations would be far above the budget"
    assert peak.mib < BUDGET
    assert len(ranking.features) > 0
    assert np.shares_memory(statistics.frequency.indices, statistics.maximum.indices)

    some = rows[[0, 7, 39]]
    for row in some:
        acts = sae.encode(dense_resid(model, sae, texts[row])).numpy()
        assert 1 < (acts > 0).sum(axis=1).mean() < 200
        assert np.allclose(statistics.maximum[[row]].toarray()[0], acts.max(axis=0), atol=1e-4)
        assert np.allclose(statistics.frequency[[row]].toarray()[0], (acts > 0).mean(axis=0), atol=1e-6)
        assert np.allclose(statistics.mean[[row]].toarray()[0], acts.mean(axis=0), atol=1e-4)
    best = ranking.features[0].feature_id
    with Peak() as peak:
        shown = token_activations(model, sae, [texts[1]] * 40, [None] * 40, [best, 5])
    assert peak.mib < BUDGET
    assert np.allclose(shown[0].values.max(), statistics.maximum[[1]].toarray()[0, best], atol=1e-4)
