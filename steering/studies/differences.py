"""In what do two studies differ, and how did their methods score?"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from steering.studies.answers import Answers
from steering.studies.content import Content
from steering.studies.study import Study


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that two studies have differently.

    Attributes:
        name: of the setting, with dots for what lies within.
        first: in the first study, None where it has none.
        second: in the second.
    """

    name: str
    first: Any
    second: Any


@dataclass(frozen=True, slots=True)
class MethodScores:
    """How one method of one study did, means over prompts and samples.

    Attributes:
        screen: where it answered.
        title: of the method.
        n: completions.
        overall: AxBench's mean, 0 to 2, None without a judge.
        concept: 0 to 2, None without a judge.
        instruction: 0 to 2, None without a judge.
        fluency: 0 to 2, None without a judge.
        kl: to the baseline, nats per token, None where nothing was measured.
    """

    screen: str
    title: str
    n: int
    overall: float | None
    concept: float | None
    instruction: float | None
    fluency: float | None
    kl: float | None


def differences(first: tuple[Study, Content], second: tuple[Study, Content]) -> tuple[list[Difference], int]:
    """The settings that differ, and how many are the same."""
    left, right = dict(_settings(*first)), dict(_settings(*second))
    names = list(dict.fromkeys([*left, *right]))
    found = [Difference(name, left.get(name), right.get(name)) for name in names if left.get(name) != right.get(name)]
    return found, len(names) - len(found)


def scores(content: Content) -> list[MethodScores]:
    """Every method of a study, in the order of the screen."""
    return [row for answers in content.answers for row in _scores(answers)]


def _settings(study: Study, content: Content) -> Iterator[tuple[str, Any]]:
    about, run = study.about, content.run
    yield from (("model", about.model), ("sae", about.sae), ("concept", about.label))
    yield from (("device", about.device), ("dtype", about.dtype))
    yield "examples", f"{run.examples.name} ({run.examples.n}, {run.examples.fingerprint[:8]})"
    yield "features", list(about.features)
    if about.label in run.rankings:
        yield from _flat("ranking", run.rankings[about.label].settings.to_json())
    turns: Counter[str] = Counter()
    for answers in content.answers:
        turns[answers.screen] += 1
        turn = turns[answers.screen]
        yield from _flat(answers.screen if turn == 1 else f"{answers.screen} {turn}", answers.request)
    if content.recipe is not None:
        recipe = json.loads(content.recipe)
        recipe.pop("versions", None)
        yield from _flat("recipe", recipe)


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner)
    else:
        yield name, value


def _scores(answers: Answers) -> Iterator[MethodScores]:
    for place, title in enumerate(answers.titles):
        rows = [row for row, one in enumerate(answers.completions) if one.condition == place]
        judged = [answers.scores[row] for row in rows] if answers.scores else []
        kls = [answers.completions[row].receipt.kl for row in rows]
        yield MethodScores(
            answers.screen,
            title,
            len(rows),
            _mean([score.overall for score in judged]),
            _mean([score.concept for score in judged]),
            _mean([score.instruction for score in judged]),
            _mean([score.fluency for score in judged]),
            _mean([kl for kl in kls if kl is not None]),
        )


def _mean(values: list[Any]) -> float | None:
    return float(np.mean(values)) if values else None
