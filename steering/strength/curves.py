"""What was measured at each factor of a sweep, prompt by prompt?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from steering.evidence.bootstrap import Interval, bootstrap_mean
from steering.strength.mix import Mix

JUDGED = ("concept", "instruction", "fluency", "overall")
MEASURED = ("kl", "surprise", "distinct_2", "looping")


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """Answers to a few prompts, untouched and at rising factors, as numbers.

    Attributes:
        mix: what was written.
        factors: common factors, rising.
        prompts: what was asked; none of them names the concept.
        samples: answers per prompt, whose mean stands in the values.
        concept: what was judged, None where no judge knows it.
        values: of each measure ``[n_factors n_prompts]``. ``concept``, ``instruction``, ``fluency`` (0 to 2) and
            ``overall`` (their harmonic mean) where there is a judge; always ``kl`` (to the baseline, nats per token),
            ``surprise`` (log of the perplexity under the untouched model, nats per token), ``distinct_2`` (share of
            distinct pairs of tokens) and ``looping`` (share of answers that end in a loop).
        baseline: the same of the untouched model, ``[n_prompts]``.
        max_new_tokens: of an answer, at most.
        temperature: of the draw.
        seed: of the draw.
    """

    mix: Mix
    factors: tuple[float, ...]
    prompts: tuple[str, ...]
    samples: int
    concept: str | None
    values: Mapping[str, Float[np.ndarray, "n_factors n_prompts"]]
    baseline: Mapping[str, Float[np.ndarray, " n_prompts"]]
    max_new_tokens: int
    temperature: float
    seed: int

    @property
    def n_answers(self) -> int:
        """Answers at each factor."""
        return len(self.prompts) * self.samples

    def mean(self, measure: str) -> Float[np.ndarray, " n_factors"]:
        """Means over prompts at each factor."""
        return np.asarray(self.values[measure].mean(axis=1))

    def curve(self, measure: str) -> list[Interval]:
        """Mean over prompts at each factor, each with its interval (pointwise; prompts are resampled)."""
        return [bootstrap_mean(row) for row in self.values[measure]]

    def to_json(self) -> dict[str, Any]:
        """As plain lists and numbers, the baseline first as a point without a factor."""
        names = [name for name in (*JUDGED, *MEASURED) if name in self.values]
        rows: list[tuple[float | None, dict[str, Float[np.ndarray, " n_prompts"]]]] = [
            (None, {name: self.baseline[name] for name in names})
        ]
        rows += [
            (factor, {name: self.values[name][place] for name in names}) for place, factor in enumerate(self.factors)
        ]
        return {
            "features": [
                {"feature_id": feature_id, "weight": weight, "max_act": max_act}
                for feature_id, weight, max_act in self.mix.features
            ],
            "mode": self.mix.mode,
            "scope": self.mix.scope,
            "concept": self.concept,
            "prompts": list(self.prompts),
            "samples": self.samples,
            "seed": self.seed,
            "max_new_tokens": self.max_new_tokens,
            "temperature": self.temperature,
            "points": [
                {"factor": factor} | {name: interval_json(bootstrap_mean(values)) for name, values in measures.items()}
                for factor, measures in rows
            ],
        }


def interval_json(interval: Interval) -> dict[str, float | None]:
    """A mean with its limits, None where there are none."""
    known = interval.is_known
    return {
        "mean": interval.value,
        "low": interval.low if known else None,
        "high": interval.high if known else None,
    }
