"""How can an answer be damaged so that a judge must notice?"""

from collections.abc import Callable, Mapping

from steering.world.answers import write_answer
from steering.world.chance import Chance
from steering.world.frames import capitalise
from steering.world.grammar import Sample
from steering.world.requests import draw_request
from steering.world.topics import topics
from steering.world.voices import voices

Damage = Callable[[Sample, Chance], str]


def shuffled_words(sample: Sample, rng: Chance) -> str:
    """The same words in another order."""
    words = sample.response.split()
    rng.shuffle(words)
    return " ".join(words)


def loop(sample: Sample, rng: Chance) -> str:
    """One sentence of the answer, said as often as the answer has sentences."""
    return " ".join([rng.choice(sample.sentences).text] * len(sample.sentences))


def broken_off_inside(sample: Sample, rng: Chance) -> str:
    """One sentence stops in its first half and the next goes on."""
    texts = [sentence.text for sentence in sample.sentences]
    place = rng.choice([place for place, text in enumerate(texts) if len(text.split()) >= 4])
    words = texts[place].split()
    texts[place] = " ".join(words[: rng.randint(2, len(words) // 2)]).rstrip(",") + "."
    return " ".join(texts)


def wrong_topic(sample: Sample, rng: Chance) -> str:
    """An answer to an instruction of another topic, with the same concepts."""
    request = draw_request(rng)
    while request.topic == sample.topic:
        request = draw_request(rng)
    return " ".join(sentence.text for sentence in write_answer(request, sample.plan, rng))


def concept_word_repeated(sample: Sample, rng: Chance) -> str:
    """The subject and a word of the concept, over and over."""
    words = [word for text in voices()[sample.concepts[0]].ask for word in text.split()]
    return capitalise(" ".join([sample.subject, *[rng.choice(words)] * 20])) + "."


def torn_slots(sample: Sample, rng: Chance) -> str:
    """One slot of one of the topic's sentences is left empty."""
    texts = [sentence.text for sentence in sample.sentences]
    values = sorted((value for slot in topics()[sample.topic].slots.values() for value in slot), key=len, reverse=True)
    values.append(sample.subject)
    candidates = [
        (place, value)
        for place, sentence in enumerate(sample.sentences)
        for value in values
        if sentence.frame and f" {value}" in texts[place][1:]
    ]
    if not candidates:  # an answer whose topic sentences have no slot but the first word
        place = next(place for place, sentence in enumerate(sample.sentences) if sentence.frame)
        texts[place] = capitalise(texts[place].split(" ", 1)[1])
        return " ".join(texts)
    place, value = rng.choice(candidates)
    texts[place] = texts[place].replace(f" {value}", "", 1)
    return " ".join(texts)


DAMAGES: Mapping[str, Damage] = {
    "shuffled words": shuffled_words,
    "loop": loop,
    "broken off inside": broken_off_inside,
    "wrong topic": wrong_topic,
    "concept word repeated": concept_word_repeated,
    "torn slot": torn_slots,
}
