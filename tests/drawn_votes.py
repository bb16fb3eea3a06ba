"""A contest drawn by hand, and votes on it."""

from steering.studies.answers import Answers
from steering.votes.box import Votes
from steering.votes.contest import Contest, Item, Pair
from steering.votes.vote import Choice, Vote
from tests.drawn_study import drawn_completion

TITLES = ("Baseline", "Prompted", "SAE")


def drawn_contest(n_items: int = 8, *, n_methods: int = 3, same: int = 0, study_id: str = "a" * 16) -> Contest:
    """Every item has other texts; in the first ``same`` items methods 0 and 1 say the same."""
    items, pairs, alike = [], [], []
    for i in range(n_items):
        texts = tuple(f"text {i} {0 if i < same and m == 1 else m}" for m in range(n_methods))
        items.append(Item(f"Prompt {i}", (), texts, tuple(float(m) for m in range(n_methods))))
        for first in range(n_methods):
            for second in range(first + 1, n_methods):
                (alike if texts[first] == texts[second] else pairs).append(Pair(i, first, second))
    return Contest(study_id, "pirate", TITLES[:n_methods], tuple(items), tuple(pairs), tuple(alike))


def drawn_vote(
    item: int = 0,
    left: int = 0,
    right: int = 1,
    choice: Choice = "left",
    *,
    reason: str = "",
    name: str = "",
    s: int = 0,
) -> Vote:
    return Vote(item, left, right, choice, reason, name, f"2026-01-02T03:04:{s:02d}.000+00:00")


def collected(*of_each: list[Vote]) -> Votes:
    """Votes by raters that are called a, b, c ..."""
    raters = zip("abcdefgh", of_each, strict=False)
    return {letter * 16: {vote.pair: vote for vote in votes} for letter, votes in raters}


def drawn_vote_answers(titles: tuple[str, ...], prompts: tuple[str, ...]) -> Answers:
    """Answers of a Compare screen: another text for every method and prompt."""
    found = tuple(
        drawn_completion(c, prompt, f"Telling {'abcdef'[c]}{i}.")
        for c in range(len(titles))
        for i, prompt in enumerate(prompts)
    )
    return Answers("compare", titles, {"prompts": list(prompts)}, found)
