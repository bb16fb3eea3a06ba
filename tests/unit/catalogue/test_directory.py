"""Is the whole list of the installed sae-lens understood, kept, and read without network or sae-lens?"""

import os
import subprocess
import sys
import time
from collections import Counter

import pytest

from steering.catalogue import catalogue, directory, find, search
from steering.catalogue.search import width_name

RESIDUAL = ("resid_pre", "resid_mid", "resid_post")


@pytest.fixture(scope="module")
def entries():
    return catalogue()


def test_every_sae_has_a_place_and_nearly_all_a_width(entries):
    """What is not understood is named here: a new sae-lens that lists more of it turns this red."""
    residual = [entry for entry in entries if entry.site in RESIDUAL]
    assert len(entries) >= 13_857
    assert len(residual) >= 4_841
    assert [entry.source for entry in entries if entry.site is None] == []
    assert [entry.source for entry in entries if entry.layer is None and entry.site != "embed"] == []
    assert [entry.model for entry in entries if "/" not in entry.model] == []
    without = Counter(entry.release for entry in residual if entry.width is None)
    assert sum(without.values()) <= 0.01 * len(residual)
    # Their widths are written beside the weights alone.
    assert set(without) == {
        "gpt-oss-20b-andyrdt", "llama-3.1-8b-instruct-andyrdt", "qwen2.5-7b-instruct-andyrdt", "mistral-7b-res-wg",
        "temporal-sae-gemma-2-2b", "temporal-sae-llama-3.1-8b",
    }  # fmt: skip


def test_only_saes_of_the_residual_stream_can_steer(entries):
    refused = Counter(entry.site for entry in entries if not entry.steerable)
    assert set(refused) == {"hook_z", "mlp_in", "embed", "resid_post"}
    assert all(entry.architecture == "temporal" for entry in entries if not entry.steerable and entry.site in RESIDUAL)
    assert {entry.site for entry in entries if entry.steerable} == {*RESIDUAL, "attn_out", "mlp_out"}
    kinds = {word for word in ("transcoder", "cross-layer", "hook_z", "embedding", "temporal")}
    reasons = " ".join({entry.reason for entry in entries if entry.reason})
    assert all(word in reasons for word in kinds)


def test_widths_agree_with_neuronpedia_where_it_writes_them(entries):
    """An independent witness: Neuronpedia's ids of Gemma Scope and Llama Scope end in the width."""
    checked = 0
    for entry in entries:
        source = (entry.neuronpedia_id or "").partition("/")[2]
        ending = source.rsplit("-", 1)[-1].partition("__")[0]
        if "scope" in source and ending[-1:] in "km" and ending[:-1].isdigit():
            assert width_name(entry.width) == ending, entry.source
            checked += 1
    assert checked > 500


@pytest.fixture
def read(entries, tmp_path, monkeypatch):
    """An empty cache folder, a list of fifty, and how often it was read."""
    times = []

    def listed(content):
        times.append(len(content))
        return iter(entries[:50])

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(directory, "read_list", listed)
    directory.catalogue.cache_clear()
    yield times
    directory.catalogue.cache_clear()


def test_it_is_kept_and_the_second_process_does_not_read_the_list(entries, read, tmp_path):
    assert directory.catalogue() == entries[:50]
    (kept,) = (tmp_path / "steerscope").iterdir()
    directory.catalogue.cache_clear()  # as a new process begins
    assert directory.catalogue() == entries[:50]
    assert len(read) == 1
    kept.write_text('[["half')
    directory.catalogue.cache_clear()
    assert directory.catalogue() == entries[:50], "a damaged file is made again"
    assert len(read) == 2


def test_another_list_is_not_taken_for_the_kept_one(read, monkeypatch, tmp_path):
    directory.catalogue()
    other = tmp_path / "other.yaml"
    other.write_bytes(b"{}")
    monkeypatch.setattr(directory, "list_file", lambda: other)
    directory.catalogue.cache_clear()
    directory.catalogue()
    assert read[1:] == [2]


def test_a_folder_that_cannot_be_written_is_no_error(entries, read, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    assert directory.catalogue() == entries[:50]


def test_nothing_heavy_is_imported_and_nothing_is_asked():
    code = (
        "import socket, sys\n"
        "socket.socket.connect = lambda *_: sys.exit('a request left the machine')\n"
        "from steering.catalogue import search\n"
        "assert search('gemma 2 2b layer 12 16k')\n"
        "print([name for name in ('torch', 'transformers', 'sae_lens') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_an_sae_is_found_by_its_source():
    entry = find("gemma-scope-2b-pt-res-canonical/layer_12/width_16k/canonical")
    assert entry is not None
    assert (entry.model, entry.place, entry.l0) == ("google/gemma-2-2b", "blocks.12.hook_resid_post", 82)
    assert entry.neuronpedia_id == "gemma-2-2b/12-gemmascope-res-16k"
    assert entry.file == "layer_12/width_16k/average_l0_82/params.npz"
    assert find("gemma-scope-2b-pt-res-canonical/layer_99") is None


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("gemma 2 2b layer 12 16k", "gemma-scope-2b-pt-res-canonical/layer_12/width_16k/canonical"),
        ("gemma-2-2b layer_12/width_16k/canonical", "gemma-scope-2b-pt-res-canonical/layer_12/width_16k/canonical"),
        ("goodfire 8b", "goodfire-llama-3.1-8b-instruct/layer_19"),
        ("GPT2 jb l9 resid_pre 24k", "gpt2-small-res-jb/blocks.9.hook_resid_pre"),
        ("pythia gated", "sae_bench_pythia70m_sweep_gated_ctx128_0730/blocks.3.hook_resid_post__trainer_0"),
    ],
)
def test_words_find_the_sae_that_is_meant(query, first):
    assert search(query)[0].source == first


def test_numbers_are_whole_words_and_all_words_count():
    assert {entry.layer for entry in search("gemma-2-2b layer 2")} == {2}
    assert all("2b" in entry.model or "2b" in entry.source for entry in search("gemma 2b"))
    assert search("gemma llama") == []
    assert search("goodfire 65k")
    assert search("goodfire 6") == [], "6 is not the beginning of 65k"
    assert search("layer 3", layer=4) == []
    assert len(search("")) == len(catalogue())


def test_filters_hold():
    found = search(model="google/gemma-2-2b", layer=20, site="resid_post", width=16384, l0=(50, 100))
    assert found
    for entry in found:
        assert (entry.model, entry.layer, entry.site, entry.width) == ("google/gemma-2-2b", 20, "resid_post", 16384)
        assert entry.l0 is not None
        assert 50 <= entry.l0 <= 100
    assert not any(entry.steerable for entry in search("gemma", steerable=False))


def test_a_search_is_fast():
    search("warm")
    took = []
    for query in ("gemma 2 2b layer 12 16k", "g", "res", "", "llama 3.1 8b instruct"):
        began = time.process_time()
        search(query)
        took.append(time.process_time() - began)
    assert max(took) < 0.05
