"""Completions under several conditions: the acceptance list of what peers got wrong, each a test of its own.

The numbers are those of the list "bugs of the peers" in the product notes: 1 identity, 2 baseline untouched,
3 positions, 4 edits by difference, 5 one BOS, 6 batched = single, 8 the module path, 11 rows differ, 12 two sessions.
(7 decoder norms: tests/unit/saes; 9 perplexity beside repetition: here; 10 exports come with their own issue.)
"""

import threading

import pytest
import torch

from steering.directions.direction import Direction
from steering.encoding import encode_prompt, pad_left
from steering.errors import InterventionError, SteeringError
from steering.generation import Condition, Sampling, divergence, generate
from steering.generation.writing import Writer
from steering.hook_points import HookPoint
from steering.hooks import count_hooks, edit, record
from steering.interventions import MODES, FeatureEdit, Intervention
from steering.lora import LoraSettings, train_lora
from steering.report.receipts import receipt_rows
from tests.tiny import TINY
from tests.tiny_sae import tiny_sae

PROMPTS = ["tell me of the sea", "name three things that are in the winter"]
SHORT = Sampling(max_new_tokens=12)
BASELINE = Condition("baseline")


def steered(factor: float, *, mode="add", scope="all", features=(3,), max_act: float = 4.0) -> Condition:
    edits = tuple(FeatureEdit(feature_id, float(factor), max_act) for feature_id in features)
    return Condition("steered", intervention=Intervention(edits, mode=mode, scope=scope))


def ids(completions) -> list[tuple[int, ...]]:
    return [completion.token_ids for completion in completions]


# 1 --------------------------------------------------------------------------------------------------------------


def test_factor_zero_in_add_is_the_baseline_token_for_token(tiny_model):
    sae = tiny_sae()
    found = generate(tiny_model, [BASELINE, steered(0.0)], PROMPTS, sae=sae, sampling=SHORT, seed=3)
    assert ids(found[:2]) == ids(found[2:])
    assert all(completion.receipt.kl == 0 for completion in found[:2])
    assert all(completion.receipt.kl < 1e-6 for completion in found[2:])


def test_scale_by_one_is_the_baseline_and_a_strong_edit_is_not(tiny_llama):
    sae = tiny_sae()
    found = generate(
        tiny_llama, [BASELINE, steered(1.0, mode="scale"), steered(5.0)], PROMPTS, sae=sae, sampling=SHORT, seed=3
    )
    assert ids(found[:2]) == ids(found[2:4])
    assert ids(found[:2]) != ids(found[4:])
    assert all(completion.receipt.kl > 0.01 for completion in found[4:])


def test_clamp_at_the_present_value_is_the_baseline(tiny_llama):
    # A feature that never fires has the code 0 everywhere: clamping it to 0, and ablating it, must change nothing.
    sae = tiny_sae()
    assert sae.threshold is not None
    sae.threshold[5] = 1e9
    conditions = [BASELINE, steered(0.0, mode="clamp", features=(5,)), steered(1.0, mode="ablate", features=(5,))]
    found = generate(tiny_llama, conditions, PROMPTS, sae=sae, sampling=SHORT, seed=1)
    assert ids(found[:2]) == ids(found[2:4]) == ids(found[4:])


# 2 --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def adapter(tiny_llama):
    return train_lora(
        tiny_llama,
        ["the sea and the wind"] * 4,
        ["tell me"] * 4,
        settings=LoraSettings(rank=4, targets="all_linear", learning_rate=0.05, epochs=6, batch_size=4),
        name="sea",
    )


def test_baseline_and_prompted_are_the_same_before_and_after_lora_and_steering(tiny_llama, adapter):
    plain = [BASELINE, Condition("prompted", instruction="Mention the sea.")]
    before = generate(tiny_llama, plain, PROMPTS, sampling=SHORT, seed=5)
    mixed = generate(
        tiny_llama,
        [steered(3.0), Condition("adapted", adapter=adapter), *plain],
        PROMPTS,
        sae=tiny_sae(),
        sampling=SHORT,
        seed=5,
    )
    after = generate(tiny_llama, plain, PROMPTS, sampling=SHORT, seed=5)
    assert ids(before) == ids(after) == ids(mixed[4:])
    assert ids(mixed[2:4]) != ids(before[:2])
    assert mixed[2].receipt.adapter == "sea x 1"
    assert {completion.receipt.adapter for completion in (*before, *mixed[:2], *mixed[4:])} == {"off"}


@pytest.mark.parametrize("how", ["exception", "stop"])
def test_nothing_stays_behind_after_an_exception_or_a_stop(tiny_llama, adapter, how):
    before = generate(tiny_llama, [BASELINE], PROMPTS, sampling=SHORT, seed=5)
    seen = []

    def on_token(token):
        seen.append(token)
        if how == "exception" and len(seen) == 5:
            raise RuntimeError("the page went away")

    def run():
        return generate(
            tiny_llama,
            [Condition("adapted", adapter=adapter), steered(2.0)],
            PROMPTS,
            sae=tiny_sae(),
            sampling=SHORT,
            seed=5,
            on_token=on_token,
            should_stop=lambda: how == "stop" and len(seen) >= 5,
        )

    if how == "exception":
        with pytest.raises(RuntimeError, match="went away"):
            run()
    else:
        stopped = run()
        assert {completion.receipt.finished for completion in stopped} == {"stopped"}
        assert sum(len(completion.token_ids) for completion in stopped) == len(seen)
    assert count_hooks(tiny_llama) == 0
    assert not tiny_llama.lock._is_owned()
    assert ids(generate(tiny_llama, [BASELINE], PROMPTS, sampling=SHORT, seed=5)) == ids(before)


# 3 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "prompt", "generated"), [("all", True, True), ("prompt", True, False), ("generated", False, True)]
)
def test_positions_edited_are_those_of_the_scope(tiny_model, scope, prompt, generated):
    found = generate(tiny_model, [steered(1.0, scope=scope)], PROMPTS, sae=tiny_sae(), sampling=SHORT, seed=2)
    for completion, text in zip(found, PROMPTS, strict=True):
        eligible = sum(encode_prompt(tiny_model, text).eligible)
        receipt = completion.receipt
        assert receipt.positions_edited_prompt == (eligible if prompt else 0)
        # The last token is drawn but never read, so it cannot be written.
        assert receipt.positions_edited_generated == (len(completion.token_ids) - 1 if generated else 0)


def test_writing_nowhere_is_an_error_that_is_seen(tiny_llama):
    with pytest.raises(InterventionError, match="wrote at no position"):
        generate(
            tiny_llama, [steered(1.0, scope="generated")], PROMPTS, sae=tiny_sae(), sampling=Sampling(max_new_tokens=1)
        )


def test_generated_scope_leaves_the_first_distribution_untouched(tiny_llama):
    found = generate(
        tiny_llama, [BASELINE, steered(5.0, scope="generated")], PROMPTS[:1], sae=tiny_sae(), sampling=SHORT, seed=4
    )
    assert found[0].top_tokens[0] == found[1].top_tokens[0]


# 4 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("architecture", ["standard", "jumprelu", "topk"])
def test_the_edit_equals_decoding_the_changed_codes_with_the_error_kept(tiny_llama, mode, architecture):
    """Against the long way round: encode everything, change the code, decode, add the reconstruction error back."""
    sae = tiny_sae(architecture=architecture)
    feature_id, factor, max_act = 3, 0.5, 4.0
    batch = pad_left([encode_prompt(tiny_llama, PROMPTS[0])], pad_id=0)

    def long_way(resid):
        codes = sae.encode(resid)
        error = resid - sae.decode(codes, resid)
        old = codes[..., feature_id]
        new = {
            "add": old + factor * max_act,
            "clamp": torch.full_like(old, factor * max_act),
            "min_clamp": old.clamp(min=factor * max_act),
            "scale": old * factor,
            "ablate": torch.zeros_like(old),
        }[mode]
        changed = codes.clone()
        changed[..., feature_id] = new
        edited = sae.decode(changed, resid) + error
        return torch.where(batch.eligible[..., None], edited, resid)

    with torch.no_grad(), edit(tiny_llama, sae.hook_point, long_way):
        expected = tiny_llama.model(batch.input_ids).logits[0, -1].softmax(-1)
    found = generate(
        tiny_llama,
        [steered(factor, mode=mode)],
        PROMPTS[:1],
        sae=sae,
        sampling=Sampling(max_new_tokens=2),
        measured=False,
    )[0]
    top = torch.tensor([probability for _, probability in found.top_tokens[0]])
    assert torch.allclose(top, expected.topk(5).values, atol=1e-5)


# 5 --------------------------------------------------------------------------------------------------------------


def test_one_bos_and_the_receipt_counts_it(tiny_model):
    found = generate(tiny_model, [BASELINE], PROMPTS, sampling=SHORT)
    expected = 0 if tiny_model.tokenizer.bos_token_id is None else 1
    assert {completion.receipt.bos_count for completion in found} == {expected}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_receipt_says_where_the_weights_lay_and_in_which_number_format(dtype):
    model = TINY["llama"]()
    model.model.to(getattr(torch, dtype))
    (found,) = generate(model, [BASELINE], PROMPTS[:1], sampling=SHORT)
    assert (found.receipt.device, found.receipt.dtype) == ("cpu", dtype)
    assert ("weights", f"{dtype} on cpu") in receipt_rows(found)


# 6, 11 ----------------------------------------------------------------------------------------------------------


def test_a_batch_gives_what_each_row_gives_alone(tiny_model):
    sae = tiny_sae()
    conditions = [
        BASELINE,
        steered(0.3),
        steered(1.5),
        steered(-1.0),
        steered(0.8, mode="clamp"),
        steered(1.0, mode="ablate"),
    ]
    together = generate(tiny_model, conditions, PROMPTS, sae=sae, sampling=SHORT, seed=9, count=2)
    alone = [
        completion
        for condition in conditions
        for prompt in PROMPTS
        for completion in generate(tiny_model, [condition], [prompt], sae=sae, sampling=SHORT, seed=9, count=2)
    ]
    assert ids(together) == ids(alone)
    for one, other in zip(together, alone, strict=True):
        assert one.receipt.kl == pytest.approx(other.receipt.kl, abs=1e-4)


def test_rows_of_one_batch_have_their_own_strength(tiny_llama):
    factors = (0.5, 1.0, 2.0)
    conditions = [steered(factor, scope="prompt") for factor in factors]
    found = generate(tiny_llama, conditions, PROMPTS[:1], sae=tiny_sae(), sampling=SHORT)
    shares = [completion.receipt.share_of_resid_norm for completion in found]
    # In the prompt the residual before the edit is the same for all rows, so the shares are as the factors.
    assert [share / shares[0] for share in shares] == pytest.approx([1.0, 2.0, 4.0], rel=1e-5)
    assert [completion.receipt.features[0].coefficient for completion in found] == [2.0, 4.0, 8.0]


def test_cached_decoding_equals_recomputing_everything(tiny_model):
    """Greedy, so that the uncached loop below needs no randomness."""
    sae = tiny_sae()
    greedy = Sampling(max_new_tokens=8, temperature=0.0)
    condition = steered(1.0, mode="clamp")
    found = generate(tiny_model, [condition], PROMPTS[:1], sae=sae, sampling=greedy)[0]
    encoded = encode_prompt(tiny_model, PROMPTS[0])
    sequence, eligible = list(encoded.input_ids), list(encoded.eligible)
    for _ in range(len(found.token_ids)):
        written = torch.tensor([eligible])

        def clamp(resid, written=written):
            delta = (4.0 - sae.encode(resid)[..., 3:4]) * sae.decoder_direction(3)
            return torch.where(written[..., None], resid + delta, resid)

        with torch.no_grad(), edit(tiny_model, sae.hook_point, clamp):
            sequence.append(int(tiny_model.model(torch.tensor([sequence]), use_cache=False).logits[0, -1].argmax()))
        eligible.append(True)
    assert tuple(sequence[len(encoded) :]) == found.token_ids


# 8 --------------------------------------------------------------------------------------------------------------


def test_the_receipt_names_the_module_that_was_hooked(tiny_model):
    path, end = generate(tiny_model, [steered(1.0)], PROMPTS[:1], sae=tiny_sae(layer=1), sampling=SHORT)[
        0
    ].receipt.hook_module.rsplit(".", 1)
    assert tiny_model.model.get_submodule(path) is tiny_model.layout.layers[1]
    assert end == "output"


# 9 --------------------------------------------------------------------------------------------------------------


def test_a_loop_is_seen_although_its_perplexity_is_low(tiny_llama):
    """A direction that leaves one token no rival: the answer repeats it, and perplexity alone would call that good."""
    head = tiny_llama.model.get_output_embeddings().weight[77].float() * tiny_llama.model.model.norm.weight.float()
    direction = Direction(head / head.norm(), 1.0, HookPoint(2, "resid_post"), "one token")
    loop = Condition("direction", direction=direction, factor=400.0)
    greedy = Sampling(max_new_tokens=24, temperature=0.0)
    stuck, free = (
        generate(tiny_llama, [condition], PROMPTS[:1], sampling=sampling)[0].receipt
        for condition, sampling in ((loop, greedy), (BASELINE, Sampling(max_new_tokens=24)))
    )
    assert stuck.repetition.is_looping
    assert stuck.repetition.distinct_2 < 0.2
    assert not free.repetition.is_looping


def test_the_end_of_text_does_not_hide_a_loop(tiny_llama, monkeypatch):
    from steering.generation import decoding

    drawn = iter([5, 6, 7] * 5 + [tiny_llama.tokenizer.eos_token_id])
    monkeypatch.setattr(decoding, "draw", lambda *_: torch.tensor([next(drawn)]))
    receipt = generate(tiny_llama, [BASELINE], PROMPTS[:1], sampling=Sampling(max_new_tokens=40))[0].receipt
    assert receipt.finished == "end"
    assert receipt.repetition.loop.repeats == 5


# 12 -------------------------------------------------------------------------------------------------------------


def test_two_sessions_at_once_each_get_their_own_steering(tiny_llama):
    """A hook on a shared model is seen by every thread: without the lock both sessions would get both edits."""
    sae = tiny_sae()
    conditions = {"weak": steered(1.0), "strong": steered(-3.0)}
    alone = {
        name: ids(generate(tiny_llama, [condition], PROMPTS, sae=sae, sampling=SHORT, seed=6))
        for name, condition in conditions.items()
    }
    assert alone["weak"] != alone["strong"]
    together: dict[str, list[list[tuple[int, ...]]]] = {name: [] for name in conditions}
    start = threading.Barrier(2)

    def session(name: str) -> None:
        start.wait()
        for _ in range(4):
            together[name].append(
                ids(generate(tiny_llama, [conditions[name]], PROMPTS, sae=sae, sampling=SHORT, seed=6))
            )

    threads = [threading.Thread(target=session, args=(name,)) for name in conditions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert together == {name: [alone[name]] * 4 for name in conditions}


# Beside the list ------------------------------------------------------------------------------------------------


def test_kl_agrees_with_the_distributions_by_hand(tiny_llama):
    """KL of the first token from two forwards written out here."""
    sae = tiny_sae()
    found = generate(tiny_llama, [steered(2.0)], PROMPTS[:1], sae=sae, sampling=Sampling(max_new_tokens=2), seed=0)[0]
    context = encode_prompt(tiny_llama, PROMPTS[0])
    sequence = torch.tensor([[*context.input_ids, *found.token_ids]])
    written = torch.tensor([[*context.eligible, *(True for _ in found.token_ids)]])

    def add(resid):
        return torch.where(written[..., None], resid + 8.0 * sae.decoder_direction(3), resid)

    with torch.no_grad():
        base = tiny_llama.model(sequence).logits[0].log_softmax(-1)
        with edit(tiny_llama, sae.hook_point, add):
            moved = tiny_llama.model(sequence).logits[0].log_softmax(-1)
    places = slice(len(context) - 1, len(context) - 1 + len(found.token_ids))
    kl = (moved[places].exp() * (moved[places] - base[places])).sum(-1).mean()
    assert found.receipt.kl == pytest.approx(float(kl), rel=1e-4)


def test_a_direction_is_added_in_units_of_its_largest_projection(tiny_llama):
    sae = tiny_sae()
    direction = Direction(sae.decoder_direction(3).clone(), 4.0, sae.hook_point, "by hand")
    found = generate(
        tiny_llama,
        [Condition("direction", direction=direction, factor=1.0), steered(1.0)],
        PROMPTS,
        sae=sae,
        sampling=SHORT,
        seed=2,
    )
    assert ids(found[:2]) == ids(found[2:])


def test_several_features_share_one_budget_in_add(tiny_llama):
    sae = tiny_sae()
    scope = "prompt"
    alone = [
        generate(tiny_llama, [steered(1.0, features=(f,), scope=scope)], PROMPTS[:1], sae=sae, sampling=SHORT)[
            0
        ].receipt
        for f in (3, 7, 9)
    ]
    many = generate(tiny_llama, [steered(1.0, features=(3, 7, 9), scope=scope)], PROMPTS[:1], sae=sae, sampling=SHORT)
    assert many[0].receipt.share_of_resid_norm <= max(one.share_of_resid_norm for one in alone) * (1 + 1e-6)


@pytest.mark.parametrize(("mode", "expected"), [("ablate", 0.0), ("clamp", 6.0)])
def test_several_features_become_what_the_mode_says(tiny_llama, mode, expected):
    """Orthogonal directions, so that the codes can be read back one by one after the edit."""
    sae = tiny_sae(architecture="standard")
    directions = torch.linalg.qr(torch.randn(32, 3, generator=torch.Generator().manual_seed(0))).Q.T
    for feature_id, direction in zip((3, 7, 9), directions, strict=True):
        sae.W_dec[feature_id] = direction
        sae.W_enc[:, feature_id] = direction
        sae.b_enc[feature_id] = direction @ sae.b_dec + 1.0
    seen = []
    condition = steered(1.5, mode=mode, features=(3, 7, 9))
    writer = Writer(tiny_llama, sae, [condition])
    batch = pad_left([encode_prompt(tiny_llama, PROMPTS[0])], pad_id=0)
    writer.expect(batch.eligible, ~batch.eligible, torch.zeros_like(batch.eligible))
    with tiny_llama.running() as network, writer.writing(), record(tiny_llama, sae.hook_point) as after:
        network(batch.input_ids)
        seen = sae.encode_columns(after.resid, [3, 7, 9])[batch.eligible]
    with tiny_llama.running() as network, record(tiny_llama, sae.hook_point) as clean:
        network(batch.input_ids)
        before = sae.encode_columns(clean.resid, [3, 7, 9])[batch.eligible]
    wanted = torch.full_like(seen, expected)
    fires = before > 0 if mode == "ablate" else torch.ones_like(before, dtype=torch.bool)
    # Where a feature did not fire, its pre-activation was below 0 and adding to it falls short of the target.
    assert torch.allclose(seen[fires & (before > 0)], wanted[fires & (before > 0)], atol=1e-4)


def test_a_long_prompt_does_not_shorten_the_answers_to_others(tiny_model):
    n_template = len(encode_prompt(tiny_model, "a"))
    long = "q" * (tiny_model.context_size - n_template - 7)  # a byte is a token
    assert len(encode_prompt(tiny_model, long)) == tiny_model.context_size - 8
    sampling = Sampling(max_new_tokens=30)
    together = generate(tiny_model, [BASELINE], [PROMPTS[0], long], sampling=sampling, seed=3)
    alone = [generate(tiny_model, [BASELINE], [prompt], sampling=sampling, seed=3)[0] for prompt in (PROMPTS[0], long)]
    assert ids(together) == ids(alone)
    assert [one.receipt.finished for one in together] == [one.receipt.finished for one in alone]
    assert together[1].receipt.finished in ("context", "end")


def test_one_answer_that_ends_at_once_does_not_spoil_the_others(tiny_llama, monkeypatch):
    from steering.generation import decoding

    end = tiny_llama.tokenizer.eos_token_id
    steps = iter([torch.tensor([end, 9]), *(torch.tensor([9, 9]) for _ in range(20))])
    monkeypatch.setattr(decoding, "draw", lambda *_: next(steps))
    found = generate(tiny_llama, [steered(1.0, scope="generated")], PROMPTS, sae=tiny_sae(), sampling=SHORT)
    assert [one.receipt.positions_edited_generated for one in found] == [0, 11]


def test_an_edit_that_changes_nothing_is_counted_as_such(tiny_llama):
    sae = tiny_sae()
    conditions = [steered(0.0, mode="min_clamp"), steered(1.0, mode="scale"), steered(0.0), steered(1.0)]
    found = generate(tiny_llama, conditions, PROMPTS[:1], sae=sae, sampling=SHORT)
    assert [one.receipt.positions_moved for one in found[:3]] == [0, 0, 0]
    last = found[3].receipt
    assert last.positions_moved == last.positions_edited_prompt + last.positions_edited_generated


@pytest.mark.parametrize("size", [1e30, 1e38])
def test_an_edit_beyond_the_numbers_is_refused(tiny_llama, size):
    with pytest.raises(InterventionError, match="smaller factor"):
        generate(tiny_llama, [steered(1.0, max_act=size)], PROMPTS, sae=tiny_sae(), sampling=SHORT)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (lambda: steered(1.0, features=(4800,)), "features 0 to 47"),
        (lambda: Condition("steered"), "without an intervention"),
    ],
)
def test_what_cannot_be_done_is_said(tiny_llama, condition, message):
    with pytest.raises(InterventionError, match=message):
        generate(tiny_llama, [condition()], PROMPTS, sae=tiny_sae(), sampling=SHORT)


@pytest.mark.parametrize(
    "bad", [{"max_new_tokens": 0}, {"temperature": -1.0}, {"temperature": float("nan")}, {"top_p": 0.0}]
)
def test_sampling_out_of_range_is_refused(bad):
    with pytest.raises(SteeringError, match="choose"):
        Sampling(**bad)


def test_without_tokens_the_texts_and_numbers_are_the_same(tiny_model):
    conditions = [BASELINE, steered(1.5)]
    known = {"sae": tiny_sae(), "sampling": SHORT, "seed": 9}
    told = generate(tiny_model, conditions, PROMPTS, **known)
    heard = []
    found = generate(tiny_model, conditions, PROMPTS, **known, with_tokens=False, on_token=heard.append)
    assert ids(found) == ids(told)
    assert [one.text for one in found] == [one.text for one in told]
    assert [one.receipt.kl for one in found] == [one.receipt.kl for one in told]
    assert all(one.token_texts == one.top_tokens == () for one in found)
    assert all(len(one.top_tokens) == len(one.token_texts) == len(one.token_ids) for one in told)
    # A stream is told everything, whatever the completions keep.
    first = [token for token in heard if token.row == 0]
    assert tuple(token.top for token in first) == told[0].top_tokens


def test_measures_do_not_depend_on_how_many_rows_are_read_at_once(tiny_llama, monkeypatch):
    known = {"sae": tiny_sae(), "sampling": Sampling(max_new_tokens=24, temperature=1.5), "seed": 2, "count": 3}
    conditions = [steered(0.4), BASELINE, steered(-1.0)]
    together = generate(tiny_llama, conditions, PROMPTS, **known)
    monkeypatch.setattr(divergence, "LOGITS_PER_CHUNK", 2 * 24 * tiny_llama.vocab_size * 2)  # two rows
    apart = generate(tiny_llama, conditions, PROMPTS, **known)
    assert len({len(one.token_ids) for one in together}) > 1  # otherwise the order of reading is not tried
    for one, other in zip(together, apart, strict=True):
        assert one.receipt.kl == pytest.approx(other.receipt.kl, abs=1e-6)
        assert one.receipt.perplexity == pytest.approx(other.receipt.perplexity, rel=1e-5)


def test_strengths_of_an_adapter_in_one_batch_give_what_each_gives_alone(tiny_llama, adapter):
    conditions = [Condition("adapted", adapter=adapter, factor=factor) for factor in (0.0, 0.3, 1.0)]
    known = {"sampling": SHORT, "seed": 5}
    together = generate(tiny_llama, [*conditions, BASELINE], PROMPTS, **known)
    alone = [one for condition in conditions for one in generate(tiny_llama, [condition], PROMPTS, **known)]
    assert ids(together[:6]) == ids(alone)
    for one, other in zip(together, alone, strict=False):
        assert one.receipt.kl == pytest.approx(other.receipt.kl, abs=1e-6)
    # Factor 0 is the baseline, and the factors differ from each other.
    assert ids(together[:2]) == ids(together[6:])
    assert together[0].receipt.kl < 1e-6 < min(together[2].receipt.kl, together[4].receipt.kl)
    assert together[2].receipt.kl != together[4].receipt.kl
