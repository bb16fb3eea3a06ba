"""How does an interval become words? Direction and certainty come from the numbers, never from what was hoped for."""

from typing import Literal

from steering.evidence.bootstrap import Interval
from steering.methods import registry

Standing = Literal["above", "below", "undecided", "equal", "unknown"]

_PHRASES = {
    # Titles that are no names, as they stand inside a sentence.
    "prompt": "prompting",
    "sae_label": "an SAE feature found by its label",
    "sae_auroc": "the SAE feature of best AUROC",
    "sae_f1c": "calibrated F1 alone",
    "sae_f1c_output": "the supervised SAE",
    "sae_f1c_confidence": "calibrated F1 with token confidence",
    "sae_topk": "three SAE features together",
    "probe": "a linear probe",
    "ssv": "a supervised steering vector",
    "sft": "fine-tuning",
    "random_feature": "a random feature",
    "random_direction": "a random direction",
    "random_dictionary": "a random dictionary",
    "other_concept": "another concept's feature",
    "none": "the untouched model",
}


def phrase(method: str) -> str:
    """A method inside a sentence.

    Raises:
        SteeringError: there is no such method.
    """
    return _PHRASES.get(method) or registry.method(method).title


def standing(difference: Interval, *, digits: int = 2) -> Standing:
    """What a difference says: ``above`` and ``below`` where the limits, as printed, exclude zero, ``equal`` where it is
    zero on every concept, ``unknown`` where there are no limits.

    A limit that prints as zero decides nothing: no reader sees its sign, and another draw of the bootstrap may turn it.

    Args:
        difference: with its limits.
        digits: that it is printed with.
    """
    if not difference.is_known:
        return "equal" if difference.value == 0 else "unknown"
    if not Interval(difference.value, round(difference.low, digits), round(difference.high, digits)).excludes(0.0):
        return "undecided"
    return "above" if difference.value > 0 else "below"


def size(interval: Interval, *, digits: int = 2) -> str:
    """The limits of a difference without its sign, smaller first, for after "above" and "below": "0.20 to 0.40"."""
    low, high = sorted((abs(interval.low), abs(interval.high)))
    return f"{low:.{digits}f} to {high:.{digits}f}"


def signed(interval: Interval, *, digits: int = 2) -> str:
    """Limits with their signs: "−0.10 to +0.04"."""
    return f"{number(interval.low, digits)} to {number(interval.high, digits)}"


def number(value: float, digits: int = 2) -> str:
    """A signed number with a true minus: "−0.10", "+0.04", "0.00"."""
    told = f"{value:+.{digits}f}"
    return f"{0:.{digits}f}" if float(told) == 0 else told.replace("-", "−")


def joined(parts: list[str], last: str = "and") -> str:
    """A list in words: "a", "a and b", "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def contrast_words(ours: str, others: list[tuple[str, Interval]]) -> str:
    """How one method stands to others, decided comparisons first.

    >>> contrast_words("the supervised SAE", [("LoRA", Interval(-0.3, -0.4, -0.2))])
    'the supervised SAE scores 0.30 below LoRA (95 % interval 0.20 to 0.40)'

    Args:
        ours: the subject.
        others: name of each other method and ours − theirs.
    """
    found = [(name, difference, standing(difference)) for name, difference in others]
    named = False  # "95 % interval" is said once

    def limits(told: str) -> str:
        nonlocal named
        before, named = "" if named else "95 % interval ", True
        return f"{before}{told}"

    clauses = []
    decided = [
        f"{abs(difference.value):.2f} {said} {name} ({limits(size(difference))})"
        for name, difference, said in found
        if said in ("above", "below")
    ]
    if decided:
        clauses.append(f"scores {joined(decided)}")
    undecided = [
        f"{name} (difference {number(difference.value)}, {limits(signed(difference))})"
        for name, difference, said in found
        if said == "undecided"
    ]
    if undecided:
        clauses.append(f"cannot be told apart from {joined(undecided, 'or')}")
    equal = [name for name, _, said in found if said == "equal"]
    if equal:
        clauses.append(f"is equal to {joined(equal)} on every concept")
    unknown = [f"{name} ({number(difference.value)})" for name, difference, said in found if said == "unknown"]
    if unknown:
        clauses.append(f"has no interval against {joined(unknown)}")
    return f"{ours} {joined(clauses)}"


def scale_words(n_concepts: int, seeds: int) -> str:
    """How much a verdict rests on: "25 concepts, 3 seeds"."""
    told = [f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in ((n_concepts, "concept"), (seeds, "seed"))]
    return ", ".join(told)
