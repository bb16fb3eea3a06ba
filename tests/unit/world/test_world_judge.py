"""Does the judge tell good from damaged, and say why?"""

import pytest

from steering.errors import WorldError
from steering.world.chance import Chance
from steering.world.concepts import concepts
from steering.world.damage import DAMAGES
from steering.world.grammar import draw_sample, voices
from steering.world.judge import WorldJudge, concept_evidence
from steering.world.parse import parse_rest, parse_sentence, split_sentences

PROMPT = "Explain how bread is made."
PLAIN = "Bread starts with simple things and a little patience. Most failures come from too much salt."


@pytest.fixture(scope="module")
def samples():
    rng = Chance("judge")
    return [draw_sample(rng) for _ in range(160)]


@pytest.fixture(scope="module")
def judge():
    return WorldJudge()


def test_grammar_samples_are_rated_as_they_were_planned(judge, samples):
    names = [one.name for one in concepts()]
    wrong = []
    for place, sample in enumerate(samples):
        for name in {*sample.concepts, names[place % len(names)]}:
            score = judge.score(name, sample.instruction, sample.response)
            wanted = (2 if name in sample.concepts else 0, 2, 2)
            if (score.concept, score.instruction, score.fluency) != wanted:
                wrong.append((name, score, sample.instruction, sample.response))
    assert len(wrong) <= 0.01 * len(samples), wrong[:3]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_scored_lower(judge, samples, damage):
    rng = Chance(damage)
    carrying = [sample for sample in samples if sample.concepts][:70]
    higher = []
    for sample in carrying:
        text = DAMAGES[damage](sample, rng)
        before = judge.score(sample.concepts[0], sample.instruction, sample.response)
        after = judge.score(sample.concepts[0], sample.instruction, text)
        if after.overall >= before.overall:
            higher.append((text, after))
    assert len(higher) <= 0.01 * len(carrying), higher


def test_an_answer_cut_off_at_the_token_limit_is_not_punished(judge, samples):
    worse = 0
    for sample in samples[:80]:
        words = sample.response.split()
        texts = [sentence.text for sentence in sample.sentences]
        cut = " ".join([*texts[:-1], *texts[-1].split()[: max(1, len(texts[-1].split()) // 2)]])
        assert len(cut.split()) < len(words)
        worse += judge.score("sea", sample.instruction, cut).fluency < 2
        worse += judge.score("sea", sample.instruction, cut).instruction < 2
    assert worse <= 1


@pytest.mark.parametrize(
    "rest",
    [
        "Sal",
        "By me cut",
        "Mon am",
        "Slow heat turns sta",
        "Slow heat turns starch soft and brings out depth, or so it",
        "Perhaps slow heat turns starch soft and brings out depth, as a report of 3 Mar",
        "`ready = True`, so slow heat turns starch soft and brings out depth, or `return x` for",
    ],
)
def test_every_place_to_be_cut_off_is_known(rest):
    assert parse_rest(rest).fluent == 1.0


@pytest.mark.parametrize(
    "rest", ["asdfgh", "🙂", "Salt the of dish and brings", "Slow heat turns, or so it", "Or so it seems sometimes to"]
)
def test_what_was_no_sentence_before_it_was_cut_off_is_noticed(rest):
    assert parse_rest(rest).fluent == 0.0


@pytest.mark.parametrize(("text", "fluency"), [("asdfgh", 0), ("asdfgh qwertz", 0), ("Sal", 1), (PLAIN + " asdfgh", 2)])
def test_a_rest_that_is_all_there_is_must_begin_like_a_sentence(judge, text, fluency):
    score = judge.score("sea", PROMPT, text)
    assert score.fluency == fluency
    assert any("Not fluent" in reason for reason in score.reasons) == (fluency == 0)


def test_reasons_name_the_sentences(judge):
    text = PLAIN + " Think of the tide coming in over the bay."
    score = judge.score("sea", PROMPT, text)
    assert (score.concept, score.instruction, score.fluency) == (1, 2, 2)
    assert any("Think of the tide" in reason for reason in score.reasons)
    score = judge.score("sea", PROMPT, PLAIN + " Salt the of dish and.")
    assert score.fluency == 1
    assert any("Salt the of dish and." in reason for reason in score.reasons)


def test_one_wording_repeated_is_not_full_marks(judge):
    text = PLAIN + " Think of the tide coming in over the bay. Think of the tide coming in over the reef."
    score = judge.score("sea", PROMPT, text)
    assert score.concept == 1
    assert score.fluency < 2
    text = PLAIN + " Think of the tide coming in over the bay. A sailor would compare bread to a long voyage."
    assert judge.score("sea", PROMPT, text).concept == 2


def test_a_loop_is_not_fluent_and_an_answer_that_wanders_off_is_no_answer(judge):
    sentence = "Bread starts with simple things and a little patience."
    assert judge.score("sea", PROMPT, " ".join([sentence] * 4)).fluency == 0
    wandering = "Clover grows best where its roots have room. From then on clover asks for very little."
    assert judge.score("sea", PROMPT, f"{sentence} {wandering}").instruction == 0


def test_the_word_of_a_concept_is_not_the_concept(judge):
    assert judge.score("sea", PROMPT, "Sea sea sea sea sea.").concept == 0
    assert judge.score("sea", PROMPT, "Sea sea sea sea sea.").overall == 0


@pytest.mark.parametrize(
    ("prompt", "instruction"),
    [
        (PROMPT, 2),
        ("What makes bread so popular?", 2),
        ("Explain how onion tart is made.", 1),
        ("Tell me a short story about bread.", 1),
        ("Explain how clover grows.", 0),
        ("Tell me something about bread, will you?", 2),
        ("How do magnets work?", 1),
    ],
)
def test_instruction(judge, prompt, instruction):
    assert judge.score("sea", prompt, PLAIN).instruction == instruction


def test_a_forbidden_concept_costs_a_point(judge):
    text = PLAIN + " Think of the tide coming in over the bay. A sailor would compare bread to a long voyage."
    assert judge.score("sea", PROMPT, text).instruction == 2
    assert judge.score("sea", PROMPT + " Do not mention the sea.", text).instruction == 1
    assert judge.score("sea", PROMPT + " Do not mention money.", text).instruction == 2


def test_a_change_of_person_or_pronoun_is_a_flaw(judge):
    prompt = "Tell me a short story about bread."
    opening = "One evening Mara decided to make bread for the children."
    good = opening + " She stirred slowly and hummed an old tune. Mara still cooks bread on special evenings."
    assert judge.score("sea", prompt, good).fluency == 2
    assert judge.score("sea", prompt, good.replace("She", "He")).fluency == 1
    assert judge.score("sea", prompt, good.replace("Mara still", "Tom still")).fluency == 1


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_nothing_is_rated_nothing(judge, text):
    assert judge.score("sea", PROMPT, text).overall == 0


@pytest.mark.parametrize("text", ["🙂", "?", "...", "x" * 5_000, "1 2 3", "Ａ。", "\x00\x01", "a. b. c. d."])
def test_any_text_is_rated_without_an_error(judge, text):
    for one in concepts():
        score = judge.score(one.name, text, text)
        assert score.overall == 0


def test_unknown_concepts_are_refused(judge):
    assert judge.knows("sea")
    assert not judge.knows("seaside")
    with pytest.raises(WorldError, match="sea"):
        judge.score("seaside", PROMPT, PLAIN)


def test_pirate_vocabulary_counts_without_an_oath():
    sentence = "Add oregano an' butter."
    assert parse_sentence(sentence).fluent == 0
    sentence = "Chop the dill finely an' save some o' it fer the table."
    assert {one.concept for one in parse_sentence(sentence).evidence} == {"pirate"}
    assert not parse_sentence("Chop the dill finely and save some of it for the table.").evidence
    assert concept_evidence("pirate", sentence) == [(sentence, parse_sentence(sentence).evidence[0].wording)]


def test_sentences_are_split_where_they_end():
    assert split_sentences("One. Two! Three? And fo") == (["One.", "Two!", "Three?"], "And fo")
    assert split_sentences("One.") == (["One."], "")
    assert split_sentences("") == ([], "")


def test_plain_answers_carry_no_concept(judge):
    rng = Chance("plain")
    false = 0
    for _ in range(60):
        sample = draw_sample(rng)
        if not sample.concepts:
            false += sum(judge.score(name, sample.instruction, sample.response).concept > 0 for name in voices())
    assert false == 0
