import pytest

from steering.errors import SaeError
from steering.hook_points import SITES, HookPoint, parse_hook_name


@pytest.mark.parametrize("site", SITES)
def test_transformer_lens_names_round_trip(site):
    point = HookPoint(12, site)
    assert parse_hook_name(f"blocks.12.hook_{site}") == point
    assert parse_hook_name(str(point)) == point


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("model.layers.12", HookPoint(12, "resid_post")),
        ("model.layers.12.output", HookPoint(12, "resid_post")),
        ("model.layers.12.input", HookPoint(12, "resid_pre")),
        ("model.language_model.layers.7.output", HookPoint(7, "resid_post")),
        ("model.language_model.layers.7", HookPoint(7, "resid_post")),
        ("language_model.model.layers.7.input", HookPoint(7, "resid_pre")),
        ("base_model.model.model.layers.2.output", HookPoint(2, "resid_post")),
        ("transformer.h.3", HookPoint(3, "resid_post")),
        ("transformer.h.3.input", HookPoint(3, "resid_pre")),
        ("gpt_neox.layers.5.input", HookPoint(5, "resid_pre")),
        ("gpt_neox.layers.5.attention.output", HookPoint(5, "attn_out")),
        ("transformer.h.3.ln_2.input", HookPoint(3, "resid_mid")),
        ("transformer.h.3.attn.output", HookPoint(3, "attn_out")),
        ("h.0.mlp", HookPoint(0, "mlp_out")),
        ("gpt_neox.layers.5", HookPoint(5, "resid_post")),
        ("gpt_neox.layers.5.mlp.output", HookPoint(5, "mlp_out")),
        ("model.layers.4.self_attn", HookPoint(4, "attn_out")),
        ("model.layers.4.post_feedforward_layernorm.output", HookPoint(4, "mlp_out")),
        ("model.layers.4.pre_feedforward_layernorm.input", HookPoint(4, "resid_mid")),
    ],
)
def test_module_paths_are_understood_in_either_field(name, expected):
    assert parse_hook_name(name) == expected
    assert parse_hook_name("blocks.99.hook_resid_pre", name) == expected, "the hf name is preferred"


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_an_unset_hf_name_leaves_the_other(empty):
    assert parse_hook_name("blocks.2.hook_resid_pre", empty) == HookPoint(2, "resid_pre")


@pytest.mark.parametrize(
    ("hook_name", "expected"),
    [("blocks.4.hook_attn_out", HookPoint(4, "attn_out")), ("blocks.4.hook_resid_mid", HookPoint(4, "resid_mid"))],
)
def test_where_families_differ_the_transformer_lens_name_decides(hook_name, expected):
    # Gemma: what attention adds to the residual. Llama: the MLP's input.
    assert parse_hook_name(hook_name, "model.layers.4.post_attention_layernorm.output") == expected
    with pytest.raises(SaeError, match="different places"):
        parse_hook_name(None, "model.layers.4.post_attention_layernorm.output")


@pytest.mark.parametrize(
    ("hook_name", "hf_hook_name", "reason"),
    [
        ("blocks.9.attn.hook_z", None, "attention heads"),
        ("blocks.9.attn.hook_z", "model.layers.9.self_attn.o_proj.input", "attention heads"),
        ("transformer.h.9.attn.c_proj.input", None, "attention heads"),
        ("blocks.9.ln2.hook_normalized", None, "transcoders"),
        ("blocks.9.mlp.hook_in", None, "transcoders"),
        ("blocks.9.mlp.hook_post", None, "inside the MLP"),
        ("blocks.9.hook_mlp_in", "model.layers.9.pre_feedforward_layernorm.output", "transcoders"),
        ("hook_embed", None, "embedding"),
        ("model.embed_tokens", None, "embedding"),
        ("transformer.wte", None, "embedding"),
        ("blocks.9.hook_residual", None, "expected blocks.LAYER.hook_SITE"),
        ("nonsense", None, "expected blocks.LAYER.hook_SITE"),
        ("xblocks.3.hook_resid_post", None, "expected"),
        (None, None, "add metadata.hook_name"),
        ("", "", "add metadata.hook_name"),
    ],
)
def test_places_that_cannot_be_steered_are_refused_with_the_reason(hook_name, hf_hook_name, reason):
    with pytest.raises(SaeError, match=reason) as caught:
        parse_hook_name(hook_name, hf_hook_name)
    assert "\n" not in str(caught.value)


def test_a_hook_point_is_checked():
    with pytest.raises(SaeError, match="count from 0"):
        HookPoint(-1, "resid_post")
