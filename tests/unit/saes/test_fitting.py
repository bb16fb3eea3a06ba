from dataclasses import dataclass

import pytest
from torch import nn

from steering.errors import SaeError
from steering.layout import FAMILIES, ModelLayout
from steering.saes.fitting import fit_to_model, trained_on_another
from tests.unit.saes.tiny_saes import built


@dataclass(frozen=True)
class Host:
    layout: ModelLayout
    d_model: int = 12
    uses_layer_norm: bool = False
    name: str = "a-model"


def host(family: str = "llama", n_layers: int = 3, **facts) -> Host:
    table = next(candidate for candidate in FAMILIES if candidate.name == family)
    layers = []
    for _ in range(n_layers):
        layer = nn.Module()
        for part, _ in table.sites.values():
            if part:
                layer.add_module(part, nn.Identity())
        layers.append(layer)
    return Host(ModelLayout(table, "model.layers", tuple(layers)), **facts)


def sae_at(hook_name, hf_hook_name=None, **metadata):
    return built(metadata={"hook_name": hook_name, "hf_hook_name": hf_hook_name, **metadata})


def test_an_sae_that_fits_comes_back():
    sae = sae_at("blocks.2.hook_resid_post")
    fitted = fit_to_model(sae, host())
    assert fitted.W_enc is sae.W_enc
    assert not fitted.center_input


@pytest.mark.parametrize(
    ("hook_name", "model", "message"),
    [
        ("blocks.1.hook_resid_post", host(d_model=16), "width 12, but a-model has width 16.*trained on gpt2-small"),
        ("blocks.3.hook_resid_post", host(), "reads layer 3, but a-model has layers 0 to 2.*trained on gpt2-small"),
        ("blocks.1.hook_resid_mid", host("gpt_neox"), "resid_mid, which models of the gpt_neox family.*side by side"),
    ],
)
def test_what_does_not_fit_is_refused_with_both_numbers(hook_name, model, message):
    with pytest.raises(SaeError, match=message):
        fit_to_model(sae_at(hook_name, model_name="gpt2-small"), model)


def test_a_module_of_another_family_is_refused():
    """In Gemma the MLP's own output comes before a norm and is not what is added to the residual."""
    sae = sae_at("blocks.1.hook_mlp_out", "model.layers.1.mlp.output")
    assert fit_to_model(sae, host("llama")).hook_point == sae.hook_point
    with pytest.raises(SaeError, match=r"model\.layers\.1\.mlp\.output.*post_feedforward_layernorm\.output"):
        fit_to_model(sae, host("gemma"))
    behind_the_norm = sae_at(None, "model.layers.1.post_feedforward_layernorm.output")
    assert fit_to_model(behind_the_norm, host("gemma")).hook_point == sae.hook_point


def test_the_other_end_of_the_module_is_refused():
    sae = sae_at("blocks.1.hook_resid_mid", "model.layers.1.post_attention_layernorm.input")
    fit_to_model(sae, host("llama"))
    normed = sae_at("blocks.1.hook_resid_mid", "model.layers.1.post_attention_layernorm.output")
    with pytest.raises(SaeError, match=r"layernorm\.output.*resid_mid is .*layernorm\.input"):
        fit_to_model(normed, host("llama"))


@pytest.mark.parametrize("name", ["model.layers.1", "model.layers.1.output", "transformer.h.1", "model.layers.1.input"])
def test_whole_layers_fit_every_family(name):
    for family in FAMILIES:
        fit_to_model(sae_at(name), host(family.name))
        fit_to_model(sae_at("blocks.0.hook_resid_pre", name), host(family.name))


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("layer_norm", [False, True])
def test_centring_exactly_when_asked_and_the_model_uses_layer_norm(asked, layer_norm):
    sae = sae_at("blocks.1.hook_resid_pre", model_from_pretrained_kwargs={"center_writing_weights": asked})
    fitted = fit_to_model(sae, host(uses_layer_norm=layer_norm))
    assert fitted.center_input is (asked and layer_norm)
    assert fit_to_model(fitted, host(uses_layer_norm=False)).center_input is False, "fitted anew to another model"


def test_another_model_is_told_not_refused():
    sae = sae_at("blocks.1.hook_resid_pre", model_name="gemma-2-2b")
    assert trained_on_another(sae, "google/gemma-2-2b") is None
    assert "trained on gemma-2-2b and reads google/gemma-2-2b-it" in str(
        trained_on_another(sae, "google/gemma-2-2b-it")
    )
    assert (
        trained_on_another(sae_at("blocks.1.hook_resid_pre", model_name="gpt2-small"), "openai-community/gpt2") is None
    )
    assert trained_on_another(sae_at("blocks.1.hook_resid_pre"), "anything") is None
