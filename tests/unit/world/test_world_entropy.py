"""Is the probability that is noted for a text that text's probability?"""

import math
from collections import Counter

import pytest

from steering.world import answers
from steering.world.answers import draft_answer
from steering.world.chance import Chance
from steering.world.entropy import acceptance, sample_nats
from steering.world.grammar import Brief
from steering.world.plans import draw_plan
from steering.world.requests import Request, phrase_request
from steering.world.topics import KINDS, Frames, Topic
from steering.world.voices.voice import Voice

TOY = Topic(
    name="toy",
    title="Toys",
    subjects=("a ball",),
    slots={"hue": ("red", "blue")},
    instructions=dict.fromkeys(KINDS, ("talk about {subject}",)),
    frames=dict.fromkeys(
        KINDS,
        Frames(
            opens=("{subject} is round", "{actor} has {subject}"),
            middles=("it is {hue}",),
            closes=("that is all",),
        ),
    ),
)
ECHO = Voice(
    name="echo",
    title="Echo",
    kind="style",
    split="test",
    description="",
    weight=1.0,
    ask=("echo",),
    forbid=("do not echo",),
    sentences=("echo rings.", "echo fades."),
    leads=("hear,",),
    tails=("^, again",),
    touch=0.5,
    added=(0, 1),
)


def test_a_draw_is_noted_with_its_probability():
    rng = Chance(0)
    rng.pick("abcd")
    rng.happens(1.0)
    rng.pick_weighted({"a": 3.0, "b": 0.0})
    assert len(rng.pick_subset(range(5), 2)) == 2
    assert math.isclose(rng.log_p, -math.log(4) - math.log(10))


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setattr(answers, "topics", lambda: {"toy": TOY})
    monkeypatch.setattr(answers, "CAST", {"toy": ("Ann", "Bob")})
    monkeypatch.setattr(answers, "VOICES", (ECHO,))
    monkeypatch.setattr(answers, "with_parents", tuple)
    monkeypatch.setattr(answers, "BASE_SENTENCES", (2,))
    return Request("talk about a ball", "toy", "story", "a ball")


@pytest.mark.parametrize("plan", [(), ("echo",)])
def test_one_text_has_one_probability_and_all_texts_together_have_that_of_being_kept(toy, plan):
    found: dict[str, set[float]] = {}
    counts: Counter[str] = Counter()
    tries = 2_500 if plan else 200
    for seed in range(tries):
        rng = Chance(seed)
        sentences = draft_answer(toy, plan, rng)
        text = " ".join(one.text for one in sentences)
        if sentences:
            found.setdefault(text, set()).add(round(rng.log_p, 9))
            counts[text] += 1
    assert all(len(logs) == 1 for logs in found.values())
    total = sum(math.exp(min(logs)) for logs in found.values())
    kept = counts.total() / tries
    assert 0.9 * kept < total < 1.02 * kept  # rare texts have not been seen, so the sum stays below
    text, seen = counts.most_common(1)[0]
    probability = math.exp(min(found[text]))
    assert abs(seen / tries - probability) < 5 * math.sqrt(probability / tries)


def test_an_instruction_comes_as_often_as_its_probability_says():
    request = Request("describe a day of chess", "law", "day", "chess")
    counts: Counter[str] = Counter()
    noted = {}
    for seed in range(600):
        rng = Chance(seed)
        text = phrase_request(request, ["mention the sea"], rng)
        counts[text] += 1
        noted[text] = math.exp(rng.log_p)
    assert math.isclose(sum(noted.values()), 1.0)
    assert all(abs(counts[text] / 600 - p) < 0.08 for text, p in noted.items())


def test_a_plan_of_two_is_noted_in_either_order():
    noted: dict[frozenset[str], float] = {}
    for seed in range(300):
        rng = Chance(seed)
        plan = draw_plan(rng, "law")
        key = frozenset(plan)
        assert math.isclose(noted.setdefault(key, rng.log_p), rng.log_p)


def test_the_share_of_drafts_kept_is_one_without_a_plan_and_estimated_with_one():
    request = Request("explain how bread works", "cooking", "explain", "bread")
    assert acceptance(Brief(request, "", ()), Chance(0), 5) == 1.0
    assert 0.4 < acceptance(Brief(request, "", ("archaic",)), Chance(0), 60) < 1.0


def test_documents_have_a_finite_positive_number_of_nats():
    for seed in range(20):
        nats, text = sample_nats(Chance(seed), drafts=5)
        assert 5 < nats < 200
        assert text.startswith("<bos><|user|>")
