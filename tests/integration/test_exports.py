"""Every export comes back the same: read again, or run by the reader it was made for."""

import csv
import io
import json
import zipfile
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import torch
from safetensors.torch import save

from steering.errors import ExportError
from steering.exports.axbench import axbench_zip
from steering.exports.formats import FORMATS
from steering.exports.gguf_vector import read_gguf
from steering.exports.lm_eval import hookpoint, lm_eval_csv
from steering.exports.lora import adapter_zip, at_scaling
from steering.exports.subject import Subject
from steering.exports.vector import read_vector
from steering.generation import Condition, Sampling, generate
from steering.interventions import FeatureEdit, Intervention
from steering.lora import Adapter, applied, load_adapter
from steering.saes import SaeMetadata, SparseAutoencoder
from tests.tiny_sae import tiny_sae

EDITS = (FeatureEdit(3, 1.5, 4.0), FeatureEdit(7, -0.5, 6.0))
PROMPTS = ("then the rain", "one and two")


def subject(model, sae: SparseAutoencoder | None = None, edits=EDITS, **intervention) -> Subject:
    return Subject(
        model=model,
        sae=sae or tiny_sae(),
        sae_name="tiny SAE",
        intervention=Intervention(edits, **intervention),
        concept="rain, =1+1 “heavy”",
        recipe_digest="0123abcd",
    )


def tokens(model, condition: Condition, sae=None, **settings) -> list[tuple[int, ...]]:
    found = generate(
        model, [condition], PROMPTS, sae=sae, sampling=Sampling(12, **settings), seed=3, count=2, measured=False
    )
    return [completion.token_ids for completion in found]


# -- the vector


@pytest.mark.parametrize("scope", ["all", "generated", "prompt"])
@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_a_vector_read_back_writes_the_same_tokens(request, name, scope):
    model = request.getfixturevalue(f"tiny_{name}")
    given = subject(model, scope=scope)
    found = read_vector(FORMATS["safetensors"].build(given))
    assert found.sae is None
    steered = tokens(model, Condition("steered", intervention=given.intervention), given.sae)
    assert tokens(model, found.condition()) == steered
    assert tokens(model, Condition("baseline")) != steered
    assert found.intervention == given.intervention
    assert found.metadata["module_path"] == given.module_path
    assert found.metadata["recipe_digest"] == "0123abcd"


@pytest.mark.parametrize("architecture", ["jumprelu", "standard", "gated"])
@pytest.mark.parametrize("mode", ["clamp", "min_clamp", "scale", "ablate"])
def test_other_modes_carry_the_encoder_they_need(tiny_llama, mode, architecture):
    sae = tiny_sae(architecture=architecture) if architecture != "gated" else gated_sae()
    edits = (FeatureEdit(3, 2.0, 4.0), FeatureEdit(7, 3.0, 6.0), FeatureEdit(1, 2.5, 5.0))
    given = subject(tiny_llama, sae, edits, mode=mode)
    found = read_vector(FORMATS["safetensors"].build(given))
    assert found.sae is not None
    assert found.sae.d_sae == 3
    steered = tokens(tiny_llama, Condition("steered", intervention=given.intervention), sae)
    assert tokens(tiny_llama, found.condition(), found.sae) == steered
    assert tokens(tiny_llama, Condition("baseline")) != steered


def gated_sae() -> SparseAutoencoder:
    plain = tiny_sae(architecture="standard")
    return replace(
        plain, architecture="gated", r_mag=0.1 * torch.ones(plain.d_sae), b_mag=0.05 * torch.ones(plain.d_sae)
    )


def test_the_vector_is_the_sum_within_the_shared_budget(tiny_llama):
    """By hand: two terms of lengths 6 and 3; their sum is shortened to the longer one only if it is longer."""
    given = subject(tiny_llama)
    first, second = given.sae.W_dec[3], given.sae.W_dec[7]
    total = 6.0 * first - 3.0 * second
    wanted = total * min(1.0, 6.0 / float(total.norm()))
    torch.testing.assert_close(given.vector, wanted)
    alone = subject(tiny_llama, shared_budget=False)
    torch.testing.assert_close(alone.vector, total)
    parallel = subject(tiny_llama, edits=(EDITS[0], FeatureEdit(7, 5.0, 6.0)))
    assert float(parallel.vector.norm()) <= 30.0 + 1e-4


def test_a_damaged_or_foreign_vector_is_refused(tiny_llama):
    raw = FORMATS["safetensors"].build(subject(tiny_llama))
    with pytest.raises(ExportError, match="copy it again"):
        read_vector(raw[:100])
    with pytest.raises(ExportError, match="steerscope-vector-1"):
        read_vector(save({"vector": torch.ones(3)}))
    with pytest.raises(ExportError, match="NaN"):
        read_vector(save({"vector": torch.tensor([1.0, np.nan])}, metadata={"format": "steerscope-vector-1"}))
    with pytest.raises(ExportError, match="lacks"):
        read_vector(save({"vector": torch.ones(2)}, metadata={"format": "steerscope-vector-1"}))


# -- llama.cpp


def test_a_control_vector_holds_the_sum_after_the_same_block(tiny_llama, tmp_path):
    path = tmp_path / "v.gguf"
    given = subject(tiny_llama)
    path.write_bytes(FORMATS["gguf"].build(given))
    found = read_gguf(path)
    assert found.model_hint == "llama"
    assert list(found.directions) == [given.sae.hook_point.layer] == [1]
    np.testing.assert_array_equal(found.directions[1], given.vector.numpy())


@pytest.mark.parametrize(("layer", "site", "expected"), [(2, "resid_pre", 1), (2, "resid_post", 2), (1, "mlp_out", 1)])
def test_a_control_vector_says_what_we_would_have_done(tiny_llama, tmp_path, layer, site, expected):
    """Added after block N by a plain hook at every position, as llama.cpp does, the answer is ours with special on."""
    path = tmp_path / "v.gguf"
    given = subject(tiny_llama, tiny_sae(layer=layer, site=site), special=True)
    path.write_bytes(FORMATS["gguf"].build(given))
    ((block, vector),) = read_gguf(path).directions.items()
    assert block == expected
    module = tiny_llama.model.model.layers[block]
    ours = tokens(tiny_llama, Condition("steered", intervention=given.intervention), given.sae, temperature=0.0)
    with added(module, torch.from_numpy(vector)):
        assert tokens(tiny_llama, Condition("baseline"), temperature=0.0) == ours
    assert tokens(tiny_llama, Condition("baseline"), temperature=0.0) != ours


class added:  # noqa: N801 - used like a function
    """A vector added to a module's output at every position, as other programs do it."""

    def __init__(self, module, vector, coefficient=1.0):
        def hook(_module, _args, output):
            if isinstance(output, tuple):
                return (output[0] + coefficient * vector, *output[1:])
            return output + coefficient * vector

        self._module, self._hook = module, hook

    def __enter__(self):
        self._handle = self._module.register_forward_hook(self._hook)

    def __exit__(self, *_):
        self._handle.remove()


def test_a_gguf_file_of_something_else_is_refused(tmp_path):
    from gguf import GGUFWriter

    path = tmp_path / "model.gguf"
    writer = GGUFWriter(str(path), "llama")
    writer.add_tensor("direction.0", np.ones(3, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ExportError, match="controlvector"):
        read_gguf(path)


# -- lm-evaluation-harness


@pytest.mark.parametrize(
    ("name", "site", "module"),
    [("llama", "resid_post", "layers.1"), ("llama", "resid_pre", "layers.0"),
     ("llama", "attn_out", "layers.1.self_attn"), ("gpt2", "resid_post", "h.1"), ("neox", "mlp_out", "layers.1.mlp")],
)  # fmt: skip
def test_the_harness_file_steers_as_we_do(request, name, site, module):
    """Read and applied as lm_eval/models/hf_steered.py does: a dict, weights only, every position."""
    model = request.getfixturevalue(f"tiny_{name}")
    given = subject(model, tiny_sae(site=site), special=True)
    raw = FORMATS["lm-eval"].build(given)
    config = torch.load(io.BytesIO(raw), weights_only=True)
    ((found, info),) = config.items()
    assert found == module
    assert info["action"] == "add"
    modules = dict(model.model.base_model.named_modules())
    ours = tokens(model, Condition("steered", intervention=given.intervention), given.sae, temperature=0.0)
    with added(modules[found], info["steering_vector"], info["steering_coefficient"]):
        assert tokens(model, Condition("baseline"), temperature=0.0) == ours


def test_the_harness_csv_names_the_stored_row_of_a_release(tiny_llama):
    """Its coefficient times the row as stored is our coefficient times the row of unit length."""
    sae = tiny_sae()
    released = replace(sae, metadata=SaeMetadata(release="gemma-scope", sae_id="layer_1/x"))
    given = subject(tiny_llama, released, EDITS[:1])
    (row,) = csv.DictReader(io.StringIO(lm_eval_csv(given).decode()))
    assert (row["loader"], row["action"], row["hookpoint"]) == ("sae_lens", "add", hookpoint(given))
    assert (row["sparse_model"], row["sae_id"], row["feature_index"]) == ("gemma-scope", "layer_1/x", "3")
    stored = sae.W_dec[3] * sae.decoder_norms[3]
    torch.testing.assert_close(float(row["steering_coefficient"]) * stored, given.vector)
    with pytest.raises(ExportError, match="keeps one feature"):
        lm_eval_csv(subject(tiny_llama, released))
    with pytest.raises(ExportError, match="folder"):
        lm_eval_csv(subject(tiny_llama, sae, EDITS[:1]))


# -- lists


def test_axbench_gets_each_feature_as_a_concept(tiny_llama):
    given = subject(tiny_llama)
    with zipfile.ZipFile(io.BytesIO(axbench_zip(given))) as archive:
        names = set(archive.namelist())
        rows = [json.loads(line) for line in archive.read("generate/metadata.jsonl").decode().splitlines()]
        weights = torch.load(io.BytesIO(archive.read("train/GemmaScopeSAE.pt")), weights_only=True)
        units = json.loads(archive.read(next(name for name in names if name.startswith("data/"))))
    assert [row["ref"].rsplit("/", 1)[1] for row in rows] == ["3", "7"]
    assert len({row["concept"] for row in rows}) == 2
    torch.testing.assert_close(weights["W_dec"], given.directions)
    assert units == {"3": 4.0, "7": 6.0}


def test_axbench_takes_a_published_sae_beside_its_own(tiny_llama):
    sae = replace(tiny_sae(), metadata=SaeMetadata(neuronpedia_id="gemma-2-2b/20-gemmascope-res-16k"))
    with zipfile.ZipFile(io.BytesIO(axbench_zip(subject(tiny_llama, sae)))) as archive:
        assert json.loads(archive.read("train/GemmaScopeSAEMaxAUC_top_features.json")) == [3, 7]


def test_a_quick_list_is_the_address_that_sae_lens_makes(tiny_llama):
    sae = replace(tiny_sae(), metadata=SaeMetadata(neuronpedia_id="gpt2-small/8-res-jb"))
    url = FORMATS["neuronpedia"].build(subject(tiny_llama, sae)).decode().strip()
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "https://www.neuronpedia.org/quick-list/"
    query = parse_qs(parts.query, strict_parsing=True)
    assert query["name"] == ["rain, =1+1 “heavy”"]
    assert json.loads(query["features"][0]) == [
        {"modelId": "gpt2-small", "layer": "8-res-jb", "index": "3"},
        {"modelId": "gpt2-small", "layer": "8-res-jb", "index": "7"},
    ]


# -- what a format cannot hold


def test_a_file_of_bare_tensors_is_no_folder_of_sae_lens(tiny_llama, tmp_path):
    (tmp_path / "ae.npz").write_bytes(b"")
    for path, refused in ((tmp_path, False), (f"{tmp_path}/ae.npz@blocks.1.hook_resid_post", True)):
        given = replace(
            subject(tiny_llama, replace(tiny_sae(), metadata=SaeMetadata(path=str(path)))), library="sae-lens"
        )
        if refused:
            with pytest.raises(ExportError, match="bare tensors"):
                FORMATS["snippet"].build(given)
        else:
            assert b"load_from_disk" in FORMATS["snippet"].build(given)


@pytest.mark.parametrize("name", ["gguf", "lm-eval", "snippet"])
def test_only_add_everywhere_is_one_vector(tiny_llama, name):
    with pytest.raises(ExportError, match="mode clamp"):
        FORMATS[name].build(subject(tiny_llama, mode="clamp"))
    with pytest.raises(ExportError, match="scope here is generated"):
        FORMATS[name].build(subject(tiny_llama, scope="generated"))


@pytest.mark.parametrize(
    ("name", "sae", "words"),
    [
        ("gguf", {"layer": 0}, "first decoder block"),
        ("gguf", {"site": "resid_mid"}, "after a decoder block"),
        ("gguf", {"site": "attn_out"}, "after a decoder block"),
        ("gguf", {"normalize": "layer_norm"}, "normalises each token"),
        ("safetensors", {"normalize": "layer_norm"}, "normalises each token"),
        ("lm-eval", {"site": "resid_mid"}, "no module's output"),
        ("snippet", {"site": "resid_mid"}, "goes two ways"),
        ("axbench", {"architecture": "topk"}, "ReLU and JumpReLU"),
        ("axbench", {"site": "mlp_out"}, "after a decoder block"),
        ("neuronpedia", {}, "no pages on Neuronpedia"),
    ],
)
def test_what_cannot_be_held_is_refused_with_the_reason(tiny_llama, name, sae, words):
    with pytest.raises(ExportError, match=words):
        FORMATS[name].build(subject(tiny_llama, tiny_sae(**sae)))


def test_topk_needs_its_whole_encoder_except_to_add(tiny_llama):
    sae = tiny_sae(architecture="topk")
    assert read_vector(FORMATS["safetensors"].build(subject(tiny_llama, sae))).direction is not None
    with pytest.raises(ExportError, match="top k"):
        FORMATS["safetensors"].build(subject(tiny_llama, sae, mode="ablate"))


# -- adapters


def adapter_of(model, name: str) -> Adapter:
    """Random matrices for the attention's output map of every layer."""
    paths = {
        "llama": [f"model.layers.{n}.self_attn.o_proj" for n in range(3)],
        "gpt2": [f"transformer.h.{n}.attn.c_proj" for n in range(3)],
    }[name]
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for path in paths:
        for half, shape in (("lora_A", (4, 32)), ("lora_B", (32, 4))):
            tensors[f"base_model.model.{path}.{half}.weight"] = 0.3 * torch.randn(*shape, generator=generator)
    config = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 4, "lora_alpha": 32, "use_rslora": True,
        "target_modules": [path.split(".", 1)[1] for path in paths], "fan_in_fan_out": name == "gpt2",
        "inference_mode": True, "base_model_name_or_path": model.name,
    }  # fmt: skip
    return Adapter(name="rain", config=config, tensors=tensors, model_name=model.name)


def logits(network) -> torch.Tensor:
    with torch.no_grad():
        return network(torch.arange(20, 40)[None]).logits


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_an_adapter_leaves_with_its_scaling_and_peft_reads_it(name, tmp_path):
    from peft import PeftModel

    from tests.tiny import TINY

    model = TINY[name]()
    adapter = adapter_of(model, name)
    with applied(model, adapter, scale=0.4):
        wanted = logits(model.model)
    assert not torch.allclose(wanted, logits(model.model), atol=1e-2)
    with zipfile.ZipFile(io.BytesIO(adapter_zip(adapter, 0.4))) as archive:
        archive.extractall(tmp_path / "adapter")
    with applied(model, load_adapter(tmp_path / "adapter")):
        torch.testing.assert_close(logits(model.model), wanted)
    foreign = PeftModel.from_pretrained(model.model, tmp_path / "adapter")
    torch.testing.assert_close(logits(foreign), wanted)


def test_a_scaling_of_one_changes_nothing(tiny_llama):
    adapter = adapter_of(tiny_llama, "llama")
    assert at_scaling(adapter, 1.0) is adapter
