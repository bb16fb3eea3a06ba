"""Do templates of every published structure give exactly the tokens they should, with exactly the content marked?"""

from dataclasses import replace

import pytest
import torch

from steering.chat_template import chat_support
from steering.conversation import Conversation, Turn
from steering.encoding import EncodedText, encode_conversation, encode_example, encode_prompt
from steering.errors import InterventionError, ModelError, SteeringError
from steering.generation import Condition, Sampling, generate
from steering.hooks import edit
from steering.interventions import FeatureEdit, Intervention
from steering.models import LanguageModel
from steering.template_options import TEMPLATE_OPTIONS
from tests.chat_templates import TEMPLATES, chat_model
from tests.tiny_sae import tiny_sae

ONE = Conversation((Turn("user", "the ring, and the wind"),))
TWO = ONE.answered("a stone in the sea", "why?")
THREE = TWO.answered("Because — 北京 🏴 and é.", "user")
"""The last prompt spells a role of the template."""
TOLD = replace(THREE, system="be brief")
FAMILIES = sorted(TEMPLATES)
WITH_SYSTEM = [family for family in FAMILIES if family not in ("gemma-2", "plain")]
SHORT = Sampling(max_new_tokens=8)
BASELINE = Condition("baseline")


def steered(factor: float, scope: str = "all") -> Condition:
    return Condition("steered", intervention=Intervention((FeatureEdit(3, factor, 4.0),), mode="clamp", scope=scope))


def own_ids(model: LanguageModel, conversation: Conversation) -> list[int]:
    """What transformers itself makes of the conversation, with a BOS in front where the template forgets it."""
    turns = [{"role": turn.role, "content": turn.text} for turn in conversation.turns]
    if conversation.system is not None:
        turns.insert(0, {"role": "system", "content": conversation.system})
    ids = list(
        model.tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True, **TEMPLATE_OPTIONS)[
            "input_ids"
        ]
    )
    bos = model.tokenizer.bos_token_id
    return ids if bos is None or ids[0] == bos else [bos, *ids]


def content(model: LanguageModel, encoded: EncodedText) -> str:
    ids = [token for token, counts in zip(encoded.input_ids, encoded.eligible, strict=True) if counts]
    return str(model.tokenizer.decode(ids)).replace(" ", "")


def said(conversation: Conversation) -> str:
    return "".join(turn.text for turn in conversation.turns).replace(" ", "")


@pytest.mark.parametrize("conversation", [ONE, TWO, THREE], ids=["one", "two", "three"])
@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "plain"])
def test_tokens_are_the_templates_own_and_only_the_content_is_marked(tiny_llama, family, conversation):
    model = chat_model(tiny_llama, family)
    encoded = encode_conversation(model, conversation)
    assert list(encoded.input_ids) == own_ids(model, conversation)
    assert content(model, encoded) == said(conversation)
    bos = model.tokenizer.bos_token_id
    if bos is not None:
        assert encoded.input_ids[0] == bos
        assert encoded.input_ids[1] != bos


@pytest.mark.parametrize("family", WITH_SYSTEM)
def test_a_system_prompt_is_content_wherever_the_template_puts_it(tiny_llama, family):
    model = chat_model(tiny_llama, family)
    encoded = encode_conversation(model, TOLD)
    assert list(encoded.input_ids) == own_ids(model, TOLD)
    assert sorted(content(model, encoded)) == sorted(said(THREE) + "bebrief")
    assert chat_support(model).no_system is None
    assert encoded.n_last == sum(encode_conversation(model, Conversation((Turn("user", "user"),))).eligible)


def test_no_system_prompt_where_the_template_has_none_and_why(tiny_llama):
    gemma, plain = (chat_model(tiny_llama, family) for family in ("gemma-2", "plain"))
    assert "System role not supported" in str(chat_support(gemma).no_system)
    assert "no chat template" in str(chat_support(plain).no_system)
    for model in (gemma, plain):
        with pytest.raises(ModelError, match=r"System role|no chat template"):
            encode_conversation(model, TOLD)
    deaf = chat_model(tiny_llama, "zephyr")
    deaf.tokenizer.chat_template = (
        "{% for turn in messages if turn['role'] != 'system' %}{{ turn['content'] }}{% endfor %}"
    )
    assert "system turn exactly once" in str(chat_support(deaf).no_system), "silently left out"


def test_a_default_system_prompt_is_the_templates_and_not_content(tiny_llama):
    model = chat_model(tiny_llama, "qwen-2.5")
    assert "Be of use." in model.tokenizer.decode(encode_prompt(model, "hi").input_ids)
    assert content(model, encode_prompt(model, "hi")) == "hi"


def test_answers_come_without_thoughts_and_thoughts_are_left_out_of_earlier_turns(tiny_llama):
    model = chat_model(tiny_llama, "qwen-3")
    rendered = model.tokenizer.decode(encode_prompt(model, "hi").input_ids)
    assert rendered.endswith("<think>\n\n</think>\n\n")
    thought = ONE.answered("<think>\nso\n</think>\n\na stone", "why?")
    assert content(model, encode_conversation(model, thought)) == said(ONE) + "astone" + "why?"


@pytest.mark.parametrize("family", FAMILIES)
def test_reading_an_answer_ends_where_it_ends(tiny_llama, family):
    model = chat_model(tiny_llama, family)
    encoded = encode_example(model, "a stone", "the ring")
    assert encoded.eligible[-1]
    assert content(model, encoded) == "theringastone"
    assert encoded.n_last == len(model.tokenizer("a stone", add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_marker_that_somebody_typed_opens_no_turn(tiny_llama, family):
    """Llama 3's markers are special without being listed in all_special_ids."""
    model = chat_model(tiny_llama, family)
    markers = {str(token): token_id for token_id, token in model.tokenizer.added_tokens_decoder.items()}
    for marker, token_id in markers.items():
        hostile = Conversation((Turn("user", f"hi {marker} user"), Turn("assistant", marker), Turn("user", "why?")))
        plain = Conversation((Turn("user", "hi user"), Turn("assistant", "a"), Turn("user", "why?")))
        typed, clean = (encode_conversation(model, one) for one in (hostile, plain))
        assert typed.input_ids.count(token_id) == clean.input_ids.count(token_id), marker
        assert content(model, typed).count(marker) == 2, marker


@pytest.mark.parametrize("family", FAMILIES)
def test_white_space_and_empty_answers(tiny_llama, family):
    model = chat_model(tiny_llama, family)
    spaced = Conversation((Turn("user", "  the ring \n"), Turn("assistant", ""), Turn("user", "\nwhy? ")))
    assert content(model, encode_conversation(model, spaced)).replace("\n", "") == "theringwhy?"
    with pytest.raises(ModelError, match="empty"):
        encode_conversation(model, ONE.answered("a", " \n"))


def test_a_template_that_rewrites_texts_is_refused(tiny_llama):
    model = chat_model(tiny_llama, "zephyr")
    model.tokenizer.chat_template = "{% for turn in messages %}{{ turn['content'] | upper }}{% endfor %}"
    with pytest.raises(ModelError, match="rewrites the text 'hi'"):
        encode_prompt(model, "hi")


def test_what_does_not_fit_is_refused_with_both_numbers(tiny_llama):
    long = ONE.answered("q" * 200, "why?")
    with pytest.raises(ModelError, match=r"conversation of 3 turns has 2\d\d tokens, and the model reads 128"):
        encode_conversation(tiny_llama, long)
    with pytest.raises(ModelError, match=r"prompt has 2\d\d tokens, and the model reads 128"):
        encode_prompt(tiny_llama, "q" * 200)


@pytest.mark.parametrize("roles", [(), ("assistant",), ("user", "user"), ("user", "assistant", "assistant")])
def test_turns_take_each_others_place(roles):
    with pytest.raises(SteeringError, match="begin with user"):
        Conversation(tuple(Turn(role, "a") for role in roles))


# Generation -----------------------------------------------------------------------------------------------------


def test_continuing_equals_reading_the_whole_conversation_again_without_a_cache(tiny_model):
    """Greedy, so that the uncached loop needs no randomness; the earlier answer is prompt, and written as such."""
    sae, greedy = tiny_sae(), Sampling(max_new_tokens=6, temperature=0.0)
    condition = steered(1.0)
    first = generate(tiny_model, [condition], [ONE], sae=sae, sampling=greedy)[0]
    whole = ONE.answered(first.text, "why?")
    found = generate(tiny_model, [condition], [whole], sae=sae, sampling=greedy)[0]
    encoded = encode_conversation(tiny_model, whole)
    sequence, eligible = list(encoded.input_ids), list(encoded.eligible)
    for _ in found.token_ids:
        written = torch.tensor([eligible])

        def clamp(resid, written=written):
            delta = (4.0 - sae.encode(resid)[..., 3:4]) * sae.decoder_direction(3)
            return torch.where(written[..., None], resid + delta, resid)

        with torch.no_grad(), edit(tiny_model, sae.hook_point, clamp):
            sequence.append(int(tiny_model.model(torch.tensor([sequence]), use_cache=False).logits[0, -1].argmax()))
        eligible.append(True)
    assert tuple(sequence[len(encoded) :]) == found.token_ids
    assert found.earlier == whole.turns[:-1]
    assert found.prompt == "why?"
    assert found.receipt.n_prompt_tokens == len(encoded)


def test_branches_go_their_own_way_and_factor_zero_stays_with_the_baseline(tiny_llama):
    """Every branch is asked the same, so it draws the same numbers, turn for turn."""
    nothing = Condition("steered", intervention=Intervention((FeatureEdit(3, 0.0, 4.0),), mode="add", scope="all"))
    conditions = [BASELINE, nothing, steered(2.0)]
    branches = [ONE, ONE, ONE]
    turns = []
    for then in ("why?", "why?", ""):
        found = generate(tiny_llama, conditions, [branches], sae=tiny_sae(), sampling=SHORT, seed=4)
        turns.append([one.token_ids for one in found])
        branches = [branch.answered(one.text, then) for branch, one in zip(branches, found, strict=True)]
    for baseline, zero, _ in turns:
        assert zero == baseline
    assert all(other != baseline for baseline, _, other in turns)
    alone = generate(tiny_llama, conditions[2:], [_before(found[2])], sae=tiny_sae(), sampling=SHORT, seed=4)
    assert alone[0].token_ids == found[2].token_ids, "a batch of branches gives what each gives alone"


def test_every_turn_draws_numbers_of_its_own_and_every_branch_the_same(tiny_llama, monkeypatch):
    from steering.generation import decoding

    keys = []
    drawn = decoding.uniforms
    monkeypatch.setattr(decoding, "uniforms", lambda seed, key, *rest: keys.append(key) or drawn(seed, key, *rest))
    there, elsewhere = ONE.answered("a stone", "why?"), ONE.answered("the sea", "why?")
    generate(tiny_llama, [BASELINE, BASELINE], ["why?", [there, elsewhere]], sampling=SHORT)
    single, first, _, second = keys
    assert single == "why?"
    assert first == second != single


def _before(completion) -> Conversation:
    return Conversation((*completion.earlier, Turn("user", completion.prompt)))


def test_one_branch_for_each_condition(tiny_llama):
    with pytest.raises(SteeringError, match="2 branches for 1 conditions"):
        generate(tiny_llama, [BASELINE], [[ONE, ONE]])


@pytest.mark.parametrize("scope", ["prompt", "generated", "all"])
def test_earlier_answers_are_prompt(tiny_llama, scope):
    receipt = generate(tiny_llama, [steered(1.0, scope)], [TWO], sae=tiny_sae(), sampling=SHORT)[0].receipt
    n_content = sum(encode_conversation(tiny_llama, TWO).eligible)
    assert n_content > sum(encode_conversation(tiny_llama, Conversation(TWO.turns[::2][:1])).eligible)
    assert receipt.positions_edited_prompt == (0 if scope == "generated" else n_content)
    assert receipt.positions_edited_generated == (0 if scope == "prompt" else receipt.n_generated - 1)


def test_told_in_the_prompt_or_in_the_system_prompt(tiny_llama, tiny_gemma2):
    told = [Condition("prompted", instruction="be brief", told_in=place) for place in ("prompt", "system")]
    found = generate(tiny_llama, [BASELINE, *told], ["the ring"], sampling=SHORT)
    assert [one.receipt.told_in for one in found] == [None, "prompt", "system"]
    wanted = [
        encode_prompt(tiny_llama, "the ring be brief"),
        encode_conversation(tiny_llama, Conversation((Turn("user", "the ring"),), system="be brief")),
    ]
    assert [one.receipt.n_prompt_tokens for one in found[1:]] == [len(one) for one in wanted]
    assert found[2].receipt.kl > 0
    with pytest.raises(ModelError, match="System role not supported"):
        generate(tiny_gemma2, told[1:], ["the ring"], sampling=SHORT)
    with pytest.raises(InterventionError, match="prompted ones are"):
        Condition("baseline", told_in="system")


def test_the_end_of_text_streams_as_nothing(tiny_llama, monkeypatch):
    """`</s>` stood in the pane until the answer was finished."""
    from steering.generation import decoding

    end = tiny_llama.tokenizer.eos_token_id
    steps = iter([torch.tensor([77]), torch.tensor([end])])
    monkeypatch.setattr(decoding, "draw", lambda *_: next(steps))
    heard = []
    found = generate(tiny_llama, [BASELINE], ["the ring"], sampling=SHORT, on_token=heard.append)[0]
    assert [token.token_id for token in heard] == [77, end]
    assert "".join(token.text for token in heard).strip() == found.text
