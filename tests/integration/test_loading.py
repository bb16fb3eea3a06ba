"""Loading models: the memory they take, one after the other, and split over several places."""

import weakref

import pytest
import torch
from transformers import AutoModelForCausalLM

from steering import runtime
from steering.errors import ModelError
from steering.fingerprints import weights_fingerprint
from steering.generation import Condition, Sampling, generate
from steering.hook_points import HookPoint
from steering.hooks import record
from steering.interventions import FeatureEdit, Intervention
from steering.models import LanguageModel, load_model, wrap_model
from steering.runtime import Shelf
from steering.saes import fit_to_model
from steering.statistics import FeatureStatistics
from tests.integration.hub_on_disk import save_model
from tests.tiny_sae import tiny_sae


@pytest.fixture(scope="module")
def folders(tmp_path_factory, tiny_llama, tiny_gpt2):
    folder = tmp_path_factory.mktemp("models")
    save_model(tiny_llama, folder / "llama")
    save_model(tiny_gpt2, folder / "gpt2")
    return folder


def test_the_memory_of_a_model_is_counted_once_for_tied_weights(folders, tiny_qwen2):
    model = load_model(str(folders / "llama"))
    assert model.n_bytes == 4 * model.n_parameters + sum(4 * buffer.numel() for buffer in model.model.buffers())
    half = load_model(str(folders / "llama"), dtype="bfloat16")
    assert half.dtype == torch.bfloat16
    assert 1.9 < model.n_bytes / half.n_bytes <= 2
    assert tiny_qwen2.model.config.tie_word_embeddings
    state = tiny_qwen2.model.state_dict()
    in_file_twice = sum(tensor.numel() * 4 for tensor in state.values())
    assert tiny_qwen2.n_bytes < in_file_twice


def test_a_model_is_gone_before_the_next_one_is_loaded(folders):
    """Both at once would not fit where one just does."""
    shelf = Shelf({"model": 1})
    gone_in_time = []
    with shelf.lease("model", "llama", lambda: load_model(str(folders / "llama"))) as first:
        weight = weakref.ref(first.model.get_input_embeddings().weight)
        whole = weakref.ref(first)
        assert shelf.ask("model", "llama", lambda model: model.n_bytes) == first.n_bytes
    del first

    def load_second() -> LanguageModel:
        gone_in_time.extend([weight() is None, whole() is None])
        return load_model(str(folders / "gpt2"))

    with shelf.lease("model", "gpt2", load_second) as second:
        assert second.name.endswith("gpt2")
    assert gone_in_time == [True, True]
    assert shelf.ask("model", "llama", lambda model: model.n_bytes) is None
    runtime.freeze()


def statistics(model: LanguageModel) -> FeatureStatistics:
    from steering.activations import collect_statistics

    sae = fit_to_model(tiny_sae(), model).to(model.device)
    return collect_statistics(model, sae, ["the sea and the land", "another one"], [None, None])


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("split", ["one place", "cpu and disk"])
def test_a_model_that_accelerate_has_dispatched_reads_and_writes_the_same(folders, tmp_path, family, split):
    """As far as one machine without accelerators can tell: modules whose weights are elsewhere until they run."""
    whole = load_model(str(folders / family))
    decoder, layers = ("model", "model.layers") if family == "llama" else ("transformer", "transformer.h")
    places = {"": "cpu"}
    if split == "cpu and disk":
        places = {name: "cpu" for name, _ in whole.model.named_children()} | {
            f"{decoder}.{name}": "cpu" for name, _ in whole.model.get_decoder().named_children() if name not in layers
        }
        places |= {f"{layers}.{number}": "disk" if number else "cpu" for number in range(whole.n_layers)}
        del places[decoder]
    network = AutoModelForCausalLM.from_pretrained(
        folders / family, dtype=torch.float32, device_map=places, offload_folder=tmp_path
    )
    dispatched = wrap_model(network, whole.tokenizer, name=family)
    assert dispatched.device == torch.device("cpu")
    assert dispatched.placement == ("cpu" if split == "one place" else "cpu + disk")
    on_disk = [name for name, weight in network.named_parameters() if weight.is_meta]
    assert bool(on_disk) is (split == "cpu and disk")

    ours, theirs = statistics(dispatched), statistics(whole)
    assert (ours.maximum != theirs.maximum).nnz == 0
    assert theirs.maximum.nnz > 0
    assert [name for name, weight in network.named_parameters() if weight.is_meta] == on_disk, "nothing was left loaded"

    if on_disk:
        with pytest.raises(
            ModelError, match=rf"{family} does not fit .*weights cannot be recorded or checked; load it"
        ):
            weights_fingerprint(dispatched)
    else:
        assert weights_fingerprint(dispatched) == weights_fingerprint(whole)

    sae = fit_to_model(tiny_sae(), whole)
    edit = Intervention((FeatureEdit(3, 4.0, 2.0),))
    conditions = [Condition("baseline"), Condition("steered", intervention=edit)]
    texts = [
        [one.text for one in generate(model, conditions, ["the sea"], sae=sae, sampling=Sampling(8, 0.0), seed=0)]
        for model in (dispatched, whole)
    ]
    assert texts[0] == texts[1]
    assert texts[0][0] != texts[0][1]


def test_a_stream_on_another_device_is_read_on_the_models_own(tiny_llama, monkeypatch):
    """Layers of a split model run on several devices; SAEs, masks and edits live on one."""
    monkeypatch.setattr(LanguageModel, "device", torch.device("meta"))
    ids = torch.tensor([[1, 5, 9]])
    with tiny_llama.running() as network, record(tiny_llama, HookPoint(1, "resid_post"), stop=True) as seen:
        network(ids)
    assert seen.resid is not None
    assert seen.resid.device.type == "meta"


def test_auto_is_the_cpu_where_there_is_nothing_else(folders):
    if torch.accelerator.is_available():
        pytest.skip("this machine has an accelerator; lifted on one without")
    assert load_model(str(folders / "llama"), device="auto").device == torch.device("cpu")


def test_what_is_missing_in_a_folder_is_said(folders, tmp_path):
    with pytest.raises(ModelError, match="has no config"):
        load_model(str(tmp_path))
    (tmp_path / "config.json").write_text("[1")
    with pytest.raises(ModelError, match="cannot be read as JSON"):
        load_model(str(tmp_path))
    (tmp_path / "config.json").write_bytes((folders / "llama/config.json").read_bytes())
    with pytest.raises(ModelError, match="has no weights in safetensors"):
        load_model(str(tmp_path))
