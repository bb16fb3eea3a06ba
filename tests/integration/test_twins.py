"""Is what we read and write at a hook point what the rest of the field reads and writes there?

Random-weight models of all eight families against TransformerLens (with and without weight processing, and its bridge)
and against a forward written out by hand.
"""

import pytest
import torch
from torch import Tensor

from steering.errors import ModelError
from steering.generation.condition import Condition
from steering.generation.writing import Writer
from steering.hook_points import SITES, HookPoint
from steering.hooks import count_hooks, record
from steering.interventions import FeatureEdit, Intervention, Mode
from steering.layout import detect_layout
from steering.models import LanguageModel, wrap_model
from steering.saes import fit_to_model
from steering.saes.building import build_autoencoder
from tests.plain_forward import plain_logits
from tests.tiny import EIGHT, N_LAYERS, byte_tokenizer, tiny_neox
from tests.tiny_sae import tiny_sae
from tests.unit.saes.tiny_saes import config_of, tensors_of

N_TOKENS = 48  # longer than the sliding windows of 32
TOLERANCE = 1e-5  # of the largest number: float32 sums in another order

# Two features, so that the shared budget has something to shorten; -1.5 and 2 so that signs and rows differ.
EDITS: tuple[tuple[Mode, tuple[float, ...]], ...] = (
    ("add", (2.0,)),
    ("add", (-1.5,)),
    ("add", (2.0, 1.0)),
    ("clamp", (2.0, 0.0)),
    ("min_clamp", (0.5,)),
    ("scale", (3.0, 0.5)),
    ("ablate", (1.0, 1.0)),
)
FEATURES = (5, 17)
MAX_ACT = (2.5, 4.0)


@pytest.fixture(scope="module", params=EIGHT)
def family(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def model(family) -> LanguageModel:
    return EIGHT[family]()


@pytest.fixture(scope="module")
def ids() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(10, 270, (len(EDITS) + 1, N_TOKENS), generator=generator)


def recorded(model: LanguageModel, point: HookPoint, ids: Tensor, *, stop: bool = True) -> Tensor:
    with model.running() as network, record(model, point, stop=stop) as recording:
        network(ids)
    assert recording.resid is not None
    return recording.resid


def points_of(model: LanguageModel) -> list[HookPoint]:
    return [HookPoint(layer, site) for layer in range(N_LAYERS) for site in SITES if site in model.layout.family.sites]


def off_by(ours: Tensor, theirs: Tensor) -> float:
    """Largest difference over the largest number, or over 1 where all are smaller."""
    return float((ours - theirs).abs().max() / max(1.0, float(theirs.abs().max())))


@pytest.mark.parametrize("twin", ["hooked", "processed", "bridge"])
def test_every_site_holds_what_transformer_lens_calls_so(family, model, ids, twin):
    from tests.lens_twins import bridged_twin, hooked_twin

    lens = bridged_twin(family) if twin == "bridge" else hooked_twin(family, model, processed=twin == "processed")
    with torch.no_grad():
        theirs, cache = lens.run_with_cache(ids)
    with model.running() as network:
        ours = network(ids).logits
    if twin == "processed":  # the unembedding is centred: log-probabilities stay
        ours, theirs = ours.log_softmax(-1), theirs.log_softmax(-1)
    assert family == "gemma2" or off_by(ours, theirs) < TOLERANCE, "the twin computes the same (a soft cap sees shifts)"
    points = points_of(model)
    assert {point.site for point in points} == set(SITES) - ({"resid_mid"} if family == "neox" else set())
    for point in points:
        resid = recorded(model, point, ids)
        assert resid.abs().max() > 0.5
        if twin == "processed" and model.uses_layer_norm:
            mean = resid.mean(-1, keepdim=True)
            assert off_by(resid, cache[str(point)]) > 1e-3, "centring does something"
            resid = resid - mean
        assert off_by(resid, cache[str(point)]) < TOLERANCE, point


def test_early_exit_reads_the_same_bits_and_runs_nothing_behind(model, ids):
    for point in points_of(model):
        reached: list[int] = []
        handles = [
            layer.register_forward_hook(lambda *_, number=number, reached=reached: reached.append(number))
            for number, layer in enumerate(model.layout.layers)
        ]
        try:
            early = recorded(model, point, ids)
        finally:
            for handle in handles:
                handle.remove()
        # torch calls hooks in the order of registration: at resid_post ours, the later one, ends a finished layer
        finished = list(range(point.layer + (point.site == "resid_post")))
        assert reached == finished
        assert torch.equal(early, recorded(model, point, ids, stop=False))
    assert count_hooks(model) == 0


def test_layers_count_from_zero_by_transformers_own_hidden_states(family, ids):
    model = EIGHT[family]()  # of its own: transformers leaves its recorders behind
    with torch.no_grad():
        states = model.model(ids, output_hidden_states=True).hidden_states
    assert len(states) == N_LAYERS + 1
    for layer in range(N_LAYERS):
        assert torch.equal(recorded(model, HookPoint(layer, "resid_pre"), ids), states[layer])
        after = recorded(model, HookPoint(layer, "resid_post"), ids)
        last = layer == N_LAYERS - 1
        assert torch.equal(after, states[layer + 1]) is not last, "the last state stands behind the final norm"


def conditions() -> list[Condition]:
    """An untouched row, then one row for each of ``EDITS``."""
    rows = [Condition("baseline")]
    for mode, factors in EDITS:
        features = zip(FEATURES, factors, MAX_ACT, strict=False)
        intervention = Intervention(tuple(FeatureEdit(*feature) for feature in features), mode=mode)
        rows.append(Condition("steered", intervention=intervention))
    return rows


def steered_logits(model: LanguageModel, sae, ids: Tensor, rows: list[Condition]) -> Tensor:
    writer = Writer(model, sae, rows)
    content = torch.ones_like(ids, dtype=torch.bool)
    content[:, 0] = False  # where a BOS would stand: never written
    writer.expect(content, ~content, torch.zeros_like(content))
    with model.running() as network, writer.writing():
        return network(ids).logits


def edited_by_hand(sae, x: Tensor) -> Tensor:
    """Row 0 as it is, the others by ``EDITS``: x + (new code - code) W_dec, from the definitions."""
    pre = (x - sae.b_dec) @ sae.W_enc + sae.b_enc
    codes = torch.where(pre > sae.threshold, pre, torch.zeros_like(pre))
    out = x.clone()
    for row, (mode, factors) in enumerate(EDITS, start=1):
        terms = []
        for feature, factor, max_act in zip(FEATURES, factors, MAX_ACT, strict=False):
            code = codes[row, :, feature]
            wanted = {
                "add": code + factor * max_act,
                "clamp": torch.full_like(code, factor * max_act),
                "min_clamp": code.clamp(min=factor * max_act),
                "scale": factor * code,
                "ablate": torch.zeros_like(code),
            }[mode]
            terms.append((wanted - code)[:, None] * sae.W_dec[feature])
        change = torch.stack(terms).sum(0)
        if mode == "add" and len(terms) > 1:  # no further than the largest single edit
            longest = max(float(term.norm(dim=-1).max()) for term in terms)
            change = change * (longest / change.norm(dim=-1, keepdim=True)).clamp(max=1.0)
        change[0] = 0.0
        out[row] = x[row] + change
    return out


@pytest.mark.parametrize("site", SITES)
def test_steering_equals_a_forward_written_by_hand(family, model, ids, site):
    if site not in model.layout.family.sites:
        with pytest.raises(ModelError, match="have no resid_mid"):
            steered_logits(model, tiny_sae(site=site), ids, conditions())
        return
    sae = tiny_sae(site=site)

    def by_hand(layer: int, where: str, x: Tensor) -> Tensor:
        return edited_by_hand(sae, x) if (layer, where) == (1, site) else x

    steered = steered_logits(model, sae, ids, conditions())
    with model.running() as network:
        untouched = network(ids).logits
        expected = plain_logits(network, ids, by_hand)
        assert off_by(plain_logits(network, ids, lambda _layer, _site, x: x), untouched) < TOLERANCE
    assert torch.equal(steered[0], untouched[0]), "other rows of the batch do not leak"
    effect = (steered - untouched).abs().flatten(1).amax(1)
    assert (effect[1:] > 1e-2).all(), effect
    assert off_by(steered, expected) < TOLERANCE


@pytest.mark.parametrize("normalize", ["none", "layer_norm", "constant_norm_rescale"])
@pytest.mark.parametrize("architecture", ["standard", "gated", "jumprelu", "topk"])
def test_steering_undoes_what_reading_did(architecture, normalize, ids):
    """Clamp equals decode(codes with the target) + error, in sae-lens' own arithmetic, whatever the SAE normalises."""
    from sae_lens import SAE

    model = EIGHT["gpt2"]()
    config = config_of(architecture, d_in=32, normalize_activations=normalize)
    tensors = tensors_of(architecture, d_model=32)
    sae = build_autoencoder(config, tensors, where="The SAE")
    theirs = SAE.from_dict(config)
    theirs.load_state_dict(tensors)
    theirs.eval().requires_grad_(False)
    feature, max_act = 5, 3.0
    target_as_stored = 2.0 * max_act / float(sae.decoder_norms[feature])  # our codes carry the stored row's length

    def by_hand(layer: int, where: str, x: Tensor) -> Tensor:
        if (layer, where) != (1, "resid_post"):
            return x
        decoded = theirs.decode(theirs.encode(x))
        edited = theirs.encode(x)
        edited[..., feature] = target_as_stored
        out = theirs.decode(edited) + (x - decoded)
        out[:, 0] = x[:, 0]
        return out

    intervention = Intervention((FeatureEdit(feature, 2.0, max_act),), mode="clamp")
    rows = [Condition("steered", intervention=intervention)]
    steered = steered_logits(model, fit_to_model(sae, model), ids[:1], rows)
    with model.running() as network:
        expected = plain_logits(network, ids[:1], by_hand)
        assert off_by(steered, network(ids[:1]).logits) > 1e-3
    assert off_by(steered, expected) < 3 * TOLERANCE  # their decode and its difference round twice more


def test_clamp_on_a_centred_sae_is_what_it_was_in_the_model_it_was_trained_on(ids):
    """gpt2-small-res-jb: trained on TransformerLens' processed GPT-2, used here on the model as it is stored."""
    from tests.lens_twins import hooked_twin

    model = EIGHT["gpt2"]()
    point = HookPoint(1, "resid_pre")
    metadata = {"hook_name": str(point), "model_from_pretrained_kwargs": {"center_writing_weights": True}}
    stored = build_autoencoder(config_of(d_in=32, metadata=metadata), tensors_of(d_model=32), where="The SAE")
    sae = fit_to_model(stored, model)
    assert sae.center_input
    lens = hooked_twin("gpt2", model, processed=True)

    feature, target = 7, 6.0
    seen: list[Tensor] = []

    def clamp(resid: Tensor, **_: object) -> Tensor:
        codes = stored.encode(resid)  # as it was trained: on their activations, without any correction
        seen.append(codes)
        change = (target - codes[..., feature])[..., None] * stored.W_dec[feature]
        change[:, 0] = 0.0
        return resid + change

    with torch.no_grad():
        expected = lens.run_with_hooks(ids[:2], fwd_hooks=[(str(point), clamp)]).log_softmax(-1)
    assert off_by(sae.encode(recorded(model, point, ids[:2])), seen[0]) < TOLERANCE
    intervention = Intervention((FeatureEdit(feature, 2.0, target / 2.0),), mode="clamp")
    steered = steered_logits(model, sae, ids[:2], [Condition("steered", intervention=intervention)] * 2).log_softmax(-1)
    with model.running() as network:
        assert off_by(steered, network(ids[:2]).logits.log_softmax(-1)) > 1e-3
    assert off_by(steered, expected) < TOLERANCE


@pytest.mark.parametrize(
    ("family", "table", "path", "mlp"),
    [
        ("gpt2", "gpt2", "transformer.h", "transformer.h.2.mlp.output"),
        ("neox", "gpt_neox", "gpt_neox.layers", "gpt_neox.layers.2.mlp.output"),
        ("mistral", "llama", "model.layers", "model.layers.2.mlp.output"),
        ("qwen3", "llama", "model.layers", "model.layers.2.mlp.output"),
        ("gemma3", "gemma", "model.layers", "model.layers.2.post_feedforward_layernorm.output"),
    ],
)
def test_the_layout_says_which_module_it_chose(family, table, path, mlp):
    layout = EIGHT[family]().layout
    assert (layout.family.name, layout.layers_path) == (table, path)
    assert str(layout.locate(HookPoint(2, "mlp_out"))) == mlp


def test_a_multimodal_wrapper_is_read_at_its_language_model(ids):
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    text = EIGHT["gemma3"]().model
    vision = {
        "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 8, "patch_size": 4,
    }  # fmt: skip
    config = Gemma3Config(text_config=text.config.to_dict(), vision_config=vision, mm_tokens_per_image=4)
    config._attn_implementation = "eager"
    whole = Gemma3ForConditionalGeneration(config).float()
    whole.model.language_model.load_state_dict(text.model.state_dict())
    whole.lm_head.load_state_dict(text.lm_head.state_dict())
    model = wrap_model(whole, byte_tokenizer(bos="<bos>", eos="<eos>"), name="tiny-multimodal")
    assert model.layout.layers_path == "model.language_model.layers"
    assert str(model.layout.locate(HookPoint(1, "resid_pre"))) == "model.language_model.layers.1.input"
    assert (model.d_model, model.n_layers, model.vocab_size) == (32, N_LAYERS, text.config.vocab_size)
    alone = EIGHT["gemma3"]()
    for point in points_of(model):
        assert torch.equal(recorded(model, point, ids), recorded(alone, point, ids)), point


def test_a_model_wrapped_by_peft_is_read_at_the_same_modules(ids):
    from peft import LoraConfig, get_peft_model

    alone, model = EIGHT["llama"](), EIGHT["llama"]()
    wrapped = get_peft_model(model.model, LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))
    layout = detect_layout(wrapped)
    assert layout.family.name == "llama"
    assert layout.layers_path == "base_model.model.model.layers"
    assert layout.layers == model.layout.layers
    for point in points_of(alone):
        # a fresh adapter changes nothing
        assert torch.equal(recorded(model, point, ids), recorded(alone, point, ids))


def test_a_model_that_is_no_decoder_is_refused_with_its_name():
    from torch import nn

    with pytest.raises(ModelError, match="Linear keeps its decoder layers under neither"):
        detect_layout(nn.Linear(2, 2))


def test_a_serial_neox_layer_has_a_stream_between_attention_and_mlp(ids):
    """``use_parallel_residual=False``: resid_mid = resid_pre + attn_out, resid_post = resid_mid + mlp_out."""
    model = tiny_neox()
    with pytest.raises(ModelError, match="side by side"):
        model.layout.locate(HookPoint(1, "resid_mid"))
    config = type(model.model.config)(**model.model.config.to_dict() | {"use_parallel_residual": False})
    serial = wrap_model(type(model.model)(config), model.tokenizer, name="serial")
    assert str(serial.layout.locate(HookPoint(1, "resid_mid"))) == "gpt_neox.layers.1.post_attention_layernorm.input"
    pre, mid, post, attn, mlp = (
        recorded(serial, HookPoint(1, site), ids)
        for site in ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out")
    )
    assert float(attn.abs().max()) > 0.01
    assert off_by(mid, pre + attn) < 1e-6
    assert off_by(post, mid + mlp) < 1e-6
