"""A run of the benchmark whose rows are drawn instead of computed: everything that reads results, without a model."""

import zlib
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from steering.benchmark.code import code_hash
from steering.benchmark.collect import collect
from steering.benchmark.outcome import failed
from steering.benchmark.parts import open_folder
from steering.benchmark.rows import Header, Row, encode
from steering.benchmark.settings import BenchmarkSettings, Unit
from steering.benchmark.sources import open_source
from steering.evidence.protocol import choose_factor
from steering.judges.score import Score
from steering.methods.registry import method

SETTINGS = BenchmarkSettings(
    model="demo",
    methods=("none", "prompt", "sae_f1c", "diffmean"),
    concepts=("weather", "trains", "family", "cats", "wine", "chess"),
    seeds=(0, 1),
    n_select=2,
    n_test=3,
)


def settings(**changes: object) -> BenchmarkSettings:
    return replace(SETTINGS, **changes)  # type: ignore[arg-type]


def write_run(
    folder: Path,
    chosen: BenchmarkSettings = SETTINGS,
    *,
    unfinished: Collection[Unit] = (),
    failing: Collection[Unit] = (),
) -> Path:
    """A run's folder as ``run_benchmark`` leaves it; with unfinished units, as a kill leaves it."""
    source = open_source(chosen)
    with open_folder(folder, chosen, source.fingerprint(), resume=False) as run:
        for unit in chosen.units():
            if unit in failing:
                run.write_failure(failed(unit, f"{unit.method} cannot be had for {unit.concept}; give more examples."))
            elif unit not in unfinished:
                run.write(unit, part(unit, run.manifest.key, chosen, source))
        if not unfinished:
            collect(run)
    return folder


def part(unit: Unit, key: str, chosen: BenchmarkSettings, source: object) -> bytes:
    rng = np.random.default_rng(zlib.crc32(str(unit).encode()))
    of = method(unit.method)
    factors = np.array([0.0]) if of.dose == "none" else np.linspace(0.05, 0.7, of.n_factors)
    n_prompts = chosen.n_select + chosen.n_test
    skill = {"none": 0.1, "prompt": 0.8, "sae_f1c": 0.5, "diffmean": 0.6}.get(unit.method, 0.4)
    peak = rng.uniform(0.2, 0.5)
    drawn = {}
    for place, factor in enumerate(factors):
        near = 1.0 if of.dose == "none" else np.exp(-(((factor - peak) / 0.2) ** 2))
        for prompt in range(n_prompts):
            concept = int(rng.binomial(2, skill * near))
            fluency = int(rng.binomial(2, 0.95 if of.dose == "none" else max(0.05, 1 - factor)))
            kl = 0.0 if unit.method == "none" else factor * 4 + rng.uniform(0, 0.2) + (of.dose == "none")
            drawn[place, prompt] = (Score(concept, int(rng.binomial(2, 0.9)), fluency, ("drawn",)), float(kl))
    select = np.array([[drawn[at, p][0].overall for p in range(chosen.n_select)] for at in range(len(factors))])
    best = choose_factor(factors, select)
    rows = []
    for half, prompts in (("select", range(chosen.n_select)), ("test", range(chosen.n_select, n_prompts))):
        texts = source.prompts(unit.concept, half)  # type: ignore[attr-defined]
        for place, factor in enumerate(factors):
            if half == "test" and chosen.test_factors == "chosen" and factor != best:
                continue
            for number, prompt in enumerate(prompts):
                score, kl = drawn[place, prompt]
                rows.append(
                    Row(
                        chosen.model, unit.method, unit.concept, source.split_of(unit.concept), unit.seed,  # type: ignore[attr-defined]
                        prompt, half, float(factor), bool(factor == best), score.concept, score.instruction,
                        score.fluency, score.overall, kl, 0, float(factor) * 2, float(factor), 3.0, 0.9, False, 12,
                        "end", texts[number], f"Answer of {unit} to prompt {prompt} at {factor:.2f}.", "drawn",
                    )
                )  # fmt: skip
    details: dict[str, object] = {"unit": 2.0 if of.needs_sae else 1.0, "chosen": best}
    if of.needs_sae:
        details |= {"feature_ids": [7], "f1c": round(float(rng.uniform(0.2, 1.0)), 3)}
    header = Header(
        key, unit.concept, unit.seed, unit.method, "w", "s", 2.5, {"torch": "2"}, "cpu", details, code_hash()
    )  # fmt: skip
    return encode(rows, header)
