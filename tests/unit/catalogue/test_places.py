"""What do the names of real SAEs say? One id and path of every family of releases, as sae-lens lists them."""

import json

import pytest

from steering.catalogue import another_model, hub_id
from steering.catalogue.places import Named, l0_of, place_of, trained_on, width_of

NAMED = [
    # release, id, path, repository, loader, neuronpedia -> layer, site, width, l0, can steer
    (
        Named("gemma-scope-2b-pt-res-canonical", "layer_12/width_16k/canonical", "layer_12/width_16k/average_l0_82",
              "google/gemma-scope-2b-pt-res", "gemma_2", "gemma-2-2b/12-gemmascope-res-16k"),
        (12, "resid_post", 16384, 82, True),
    ),
    (
        Named("gemma-scope-2b-pt-res", "layer_5/width_1m/average_l0_114", "layer_5/width_1m/average_l0_114",
              "google/gemma-scope-2b-pt-res", "gemma_2"),
        (5, "resid_post", 1048576, 114, True),
    ),
    (
        Named("gemma-scope-2b-pt-res", "embedding/width_4k/average_l0_6", "embedding/width_4k/average_l0_6",
              "google/gemma-scope-2b-pt-res", "gemma_2"),
        (None, "embed", 4096, 6, False),
    ),
    (
        Named("gemma-scope-9b-pt-mlp", "layer_0/width_131k/average_l0_6", "layer_0/width_131k/average_l0_6",
              "google/gemma-scope-9b-pt-mlp", "gemma_2"),
        (0, "mlp_out", 131072, 6, True),
    ),
    (
        Named("gemma-scope-2b-pt-att", "layer_0/width_16k/average_l0_104", "layer_0/width_16k/average_l0_104",
              "google/gemma-scope-2b-pt-att", "gemma_2"),
        (0, "hook_z", 16384, 104, False),
    ),
    (
        Named("gemma-scope-2-270m-it-res", "layer_12_width_16k_l0_medium", "resid_post/layer_12_width_16k_l0_medium",
              "google/gemma-scope-2-270m-it", "gemma_3"),
        (12, "resid_post", 16384, None, True),
    ),
    (
        Named("gemma-scope-2-27b-pt-res", "layer_16_width_1m_l0_big", "resid_post/layer_16_width_1m_l0_big",
              "google/gemma-scope-2-27b-pt", "gemma_3"),
        (16, "resid_post", 1048576, None, True),
    ),
    (
        Named("gemma-scope-2-4b-it-mlp-all", "layer_0_width_262k_l0_big", "mlp_out_all/layer_0_width_262k_l0_big",
              "google/gemma-scope-2-4b-it", "gemma_3"),
        (0, "mlp_out", 262144, None, True),
    ),
    (
        Named("gemma-scope-2-4b-it-att", "layer_17_width_16k_l0_big", "attn_out/layer_17_width_16k_l0_big",
              "google/gemma-scope-2-4b-it", "gemma_3"),
        (17, "hook_z", 16384, None, False),
    ),
    (
        Named("gemma-scope-2-4b-pt-transcoders", "transcoder/layer_17_width_65k_l0_big",
              "transcoder/layer_17_width_65k_l0_big", "google/gemma-scope-2-4b-pt", "gemma_3"),
        (17, "mlp_in", 65536, None, False),
    ),
    (
        Named("gpt2-small-res-jb", "blocks.8.hook_resid_pre", "blocks.8.hook_resid_pre",
              "jbloom/GPT2-Small-SAEs-Reformatted", None, "gpt2-small/8-res-jb"),
        (8, "resid_pre", 24576, None, True),
    ),
    (
        Named("gpt2-small-res-jb-feature-splitting", "blocks.8.hook_resid_pre_768", "blocks.8.hook_resid_pre_768",
              "jbloom/GPT2-Small-Feature-Splitting-Experiment-Layer-8", None, "gpt2-small/8-res_fs768-jb"),
        (8, "resid_pre", 768, None, True),
    ),
    (
        Named("gpt2-small-resid-mid-v5-128k", "blocks.0.hook_resid_mid", "v5_128k_layer_0",
              "jbloom/GPT2-Small-OAI-v5-128k-resid-mid-SAEs", None, "gpt2-small/0-res_mid_128k-oai"),
        (0, "resid_mid", 131072, None, True),
    ),
    (
        Named("gpt2-small-hook-z-kk", "blocks.0.hook_z", "gpt2-small_L0_Hcat_z_lr1.20e-03_l11.80e+00_ds24576_bs4096.pt",
              "ckkissane/attn-saes-gpt2-small-all-layers", "connor_rob_hook_z", "gpt2-small/0-att-kk"),
        (0, "hook_z", 24576, None, False),
    ),
    (
        Named("gpt2-small-res_sce-ajt", "blocks.10.hook_resid_pre", "10-res_sce-ajt",
              "neuronpedia/gpt2-small__res_sce-ajt"),
        (10, "resid_pre", 46080, None, True),
    ),
    (
        Named("llama_scope_lxr_32x", "l15r_32x", "Llama3_1-8B-Base-L15R-32x", "fnlp/Llama3_1-8B-Base-LXR-32x",
              "llama_scope", "llama3.1-8b/15-llamascope-res-131k"),
        (15, "resid_post", 131072, None, True),
    ),
    (
        Named("llama_scope_lxa_8x", "l0a_8x", "Llama3_1-8B-Base-L0A-8x", "fnlp/Llama3_1-8B-Base-LXA-8x", "llama_scope"),
        (0, "attn_out", 32768, None, True),
    ),
    (
        Named("llama_scope_r1_distill", "l0r_800m_slimpajama", "800M-Slimpajama-0-OpenR1-Math-220k/L0R",
              "fnlp/Llama-Scope-R1-Distill", "llama_scope_r1_distill",
              "deepseek-r1-distill-llama-8b/0-llamascope-slimpj-res-32k"),
        (0, "resid_post", 32768, None, True),
    ),
    (
        Named("mistral-7b-res-wg", "blocks.8.hook_resid_pre", "mistral_7b_layer_8",
              "JoshEngels/Mistral-7B-Residual-Stream-SAEs"),
        (8, "resid_pre", None, None, True),
    ),
    (
        Named("pythia-70m-deduped-res-sm", "blocks.3.hook_resid_post", "3-res-sm",
              "ctigges/pythia-70m-deduped__res-sm_processed", None, "pythia-70m-deduped/3-res-sm"),
        (3, "resid_post", 32768, None, True),
    ),
    (
        Named("sae_bench_pythia70m_sweep_topk_ctx128_0730", "blocks.3.hook_resid_post__trainer_0",
              "pythia70m_sweep_topk_ctx128_0730/resid_post_layer_3/trainer_0", "canrager/lm_sae",
              "dictionary_learning_1", "pythia-70m-deduped/3-sae_bench-topk-res-4k__trainer_0_step_final"),
        (3, "resid_post", 4096, None, True),
    ),
    (
        Named("sae_bench_gemma-2-2b_topk_width-2pow14_date-1109", "blocks.12.hook_resid_post__trainer_0_step_0",
              "gemma-2-2b_topk_width-2pow14_date-1109/resid_post_layer_12_checkpoints/trainer_0_step_0",
              "canrager/saebench_gemma-2-2b_width-2pow14_date-1109", "dictionary_learning_1"),
        (12, "resid_post", 16384, None, True),
    ),
    (
        Named("gemma-2-9b-res-matryoshka-dc", "blocks.40.hook_resid_post", "blocks.40.hook_resid_post",
              "chanind/gemma-2-9b-batch-topk-matryoshka-saes-w-32k-l0-60"),
        (40, "resid_post", 32768, None, True),
    ),
    (
        Named("qwen-scope-3.5-27b-w80k-l50", "layer63", "layer63.sae.pt", "Qwen/SAE-Res-Qwen3.5-27B-W80K-L0_50",
              "qwen_scope"),
        (63, "resid_post", 81920, None, True),
    ),
    (
        Named("llama-3.1-8b-instruct-andyrdt", "resid_post_layer_15_trainer_1", "resid_post_layer_15/trainer_1",
              "andyrdt/saes-llama-3.1-8b-instruct", "dictionary_learning_1", "llama3.1-8b-it/15-resid-post-aa"),
        (15, "resid_post", None, None, True),
    ),
    (
        Named("goodfire-llama-3.1-8b-instruct", "layer_19", "Llama-3.1-8B-Instruct-SAE-l19.pth",
              "Goodfire/Llama-3.1-8B-Instruct-SAE-l19", "goodfire", "llama3.1-8b-it/19-resid-post-gf"),
        (19, "resid_post", 65536, None, True),
    ),
    (
        Named("deepseek-r1-distill-llama-8b-qresearch", "blocks.19.hook_resid_post",
              "DeepSeek-R1-Distill-Llama-8B-SAE-l19.pt", "qresearch/DeepSeek-R1-Distill-Llama-8B-SAE-l19",
              "deepseek_r1", "deepseek-r1-distill-llama-8b/19-qresearch-res-65k"),
        (19, "resid_post", 65536, None, True),
    ),
    (
        Named("gemma-2b-it-res-jb", "blocks.12.hook_resid_post", "gemma_2b_it_blocks.12.hook_resid_post_16384",
              "jbloom/Gemma-2b-IT-Residual-Stream-SAEs", None, "gemma-2b-it/12-res-jb"),
        (12, "resid_post", 16384, None, True),
    ),
    (
        Named("mwhanna-qwen3-4b-transcoders", "layer_0", "layer_0.safetensors", "mwhanna/qwen3-4b-transcoders",
              "mwhanna_transcoder"),
        (0, "mlp_in", None, None, False),
    ),
    (
        Named("mntss-gemma-2-2b-2.5m-clt-as-per-layer", "layer_7", "7", "mntss/clt-gemma-2-2b-2.5M",
              "mntss_clt_layer_transcoder"),
        (7, "mlp_in", None, None, False),
    ),
    (
        Named("temporal-sae-gemma-2-2b", "blocks.12.hook_resid_post", "gemma-2-2B/layer_12/temporal",
              "canrager/temporalSAEs", "temporal"),
        (12, "resid_post", None, None, False),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("named", "expected"), NAMED, ids=lambda value: getattr(value, "release", ""))
def test_names_of_every_family_are_understood(named, expected):
    place = place_of(named)
    assert (place.layer, place.site, width_of(named), l0_of(named, None), place.reason is None) == expected


def test_a_declared_l0_comes_before_the_path():
    assert l0_of(NAMED[0][0], 90) == 90
    assert l0_of(NAMED[0][0], 0.0) == 82, "0 is how the list says nothing"


def test_the_repository_says_which_gemma_2_it_is():
    wrong = Named("gemma-scope-9b-it-res", "x", "x", "google/gemma-scope-9b-it-res", "gemma_2")
    assert trained_on(wrong, "gemma-2-9b") == "gemma-2-9b-it"
    assert trained_on(NAMED[0][0], "gemma-2-2b") == "gemma-2-2b"
    assert trained_on(NAMED[17][0], "deepseek-ai/DeepSeek-R1-Distill-Llama-8B") == (
        "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"
    )


def test_short_names_become_hub_ids():
    assert hub_id("gpt2-small") == "openai-community/gpt2"
    assert hub_id("Qwen/Qwen3-8B-Base") == "Qwen/Qwen3-8B-Base"
    assert hub_id("no-such-model") is None


def test_a_revision_does_not_make_another_model():
    assert another_model("gemma-2-2b", "google/gemma-2-2b@main") is None
    assert another_model("gemma-2-2b", "google/gemma-2-2b-it@main") is not None


def test_another_model_is_told_by_its_name_without_the_organisation():
    assert another_model("gemma-2-2b", "google/gemma-2-2b") is None
    assert another_model("gpt2-small", "openai-community/gpt2") is None
    assert another_model(None, "anything") is None
    assert "trained on gemma-2-2b and reads google/gemma-2-2b-it" in str(
        another_model("gemma-2-2b", "google/gemma-2-2b-it")
    )


def folder_of(path, **config):
    path.mkdir()
    (path / "config.json").write_text(json.dumps(config))
    return str(path)


def test_a_folder_is_the_model_that_its_name_or_config_says(tmp_path):
    named, stated = folder_of(tmp_path / "Tiny-Llama"), folder_of(tmp_path / "x", _name_or_path="google/gemma-2-2b")
    moved = folder_of(tmp_path / "y", _name_or_path="/somewhere/else/tiny-llama")
    assert another_model("tiny-llama", named) is None
    assert another_model("tiny-llama", moved) is None
    assert another_model("gemma-2-2b", stated) is None
    assert "reads google/gemma-2-2b;" in str(another_model("gemma-2-2b-it", stated))
    assert "reads openai-community/gpt2;" in str(another_model("gemma-2-2b", folder_of(tmp_path / "gpt2")))


@pytest.mark.parametrize("config", [{}, {"_name_or_path": ""}, {"_name_or_path": 3}, {"_name_or_path": "./old"}])
def test_of_a_folder_without_a_name_nothing_is_claimed(tmp_path, config):
    said = another_model("tiny-llama", folder_of(tmp_path / "mine", **config))
    assert "whether the folder mine holds that model cannot be checked" in str(said)
    assert another_model(None, str(tmp_path / "mine")) is None
