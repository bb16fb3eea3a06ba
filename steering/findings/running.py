"""How is a claim run again: which runs of the benchmark, in which folders, stored how?

A claim's folder holds one folder of a run for each of its SAEs and, once all are finished, ``results`` with what is
read. Runs are the benchmark's own: interrupted, they go on where they were; with other settings they are refused.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from steering.benchmark.estimate import Measured, estimate
from steering.benchmark.parts import MANIFEST
from steering.benchmark.settings import BenchmarkSettings
from steering.benchmark.stored import StoredResult, read_stored, store
from steering.errors import SteeringError
from steering.evidence.table import UNSTEERED
from steering.findings.claims import INTERPRETABLE, Claim
from steering.findings.results import SPARSITIES, place_of
from steering.methods.registry import METHOD_NAMES
from steering.presets import default_positions, preset

Size = Literal["whole", "quick"]
Progress = Callable[[int, int, str, str], None]
"""Called with done, total, unit and what is going on; may raise ``Cancelled``."""
SEEDS = {"methods": (0, 1, 2), "filters": (0, 1, 2), "l0": (0,), "gpt2": (0,)}
WIDTH = "-1k-"
"""SAEs of one width differ in l0 alone."""
RESULTS = "results"
QUICK_CONCEPTS = 6
QUICK_PROMPTS = (4, 8)


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run of the benchmark.

    Attributes:
        name: of its folder, and of its stored result.
        settings: what it computes.
    """

    name: str
    settings: BenchmarkSettings


def runs_of(
    claim: Claim,
    size: Size = "whole",
    *,
    methods: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
) -> tuple[PlannedRun, ...]:
    """The runs that answer a claim.

    Args:
        claim: which.
        size: ``whole`` takes every test concept; ``quick`` a few concepts and prompts, one seed, and for l0 the SAEs of
            the default one's layer: enough to see that it runs, too little to decide much.
        methods: the claim's own unless told; not for l0.
        seeds: three for claims about methods on the first model, else one.

    Raises:
        SteeringError: the claim's model is not built, or has SAEs of too few sparsities.
    """
    from steering.world.concepts import concepts

    known = preset(claim.model)
    tested = tuple(one.name for one in concepts() if one.split == "test")
    base = BenchmarkSettings(
        model=claim.model,
        sae=known.default_sae,
        methods=tuple(methods or claim.methods),
        concepts=tested,
        seeds=tuple(seeds or SEEDS[claim.name]),
        positions=default_positions(claim.model),
    )
    if size == "quick":
        # Spread over the list, in which concepts of a kind stand together.
        few = tested[:: max(1, len(tested) // QUICK_CONCEPTS)][:QUICK_CONCEPTS]
        base = replace(base, concepts=few, seeds=base.seeds[:1], n_select=QUICK_PROMPTS[0], n_test=QUICK_PROMPTS[1])
    if claim.name != "l0":
        # Two claims of one model are two results, unless one run of every method answers both.
        alone = claim.name == "gpt2" or base.methods == METHOD_NAMES
        return (PlannedRun(f"benchmark-{claim.model}" + ("" if alone else f"-{claim.name}"), base),)
    names = [name for name in known.saes if WIDTH in name]
    if size == "quick":
        layer, _ = place_of(known.default_sae)
        names = [name for name in names if place_of(name)[0] == layer]
    # The untouched model is the same whatever the SAE: one run has it for all.
    return tuple(
        PlannedRun(
            f"benchmark-{name}",
            replace(base, sae=name, methods=(UNSTEERED, INTERPRETABLE) if place == 0 else (INTERPRETABLE,)),
        )
        for place, name in enumerate(names)
    )


def n_units(runs: Sequence[PlannedRun]) -> int:
    """What is computed in all."""
    return sum(run.settings.n_units for run in runs)


def expected_seconds(runs: Sequence[PlannedRun], *, workers: int, results: Sequence[StoredResult] = ()) -> float:
    """Seconds of the clock for all runs, at the pace of results that are there.

    Args:
        runs: what is to be computed.
        workers: processes.
        results: of the same model, whose units were timed.
    """
    measured = [Measured(one.settings, one.seconds, one.name) for one in results]
    return sum(estimate(run.settings, workers=workers, measured=measured).seconds for run in runs)


def folder_name(claim: Claim, runs: Sequence[PlannedRun]) -> str:
    """A name that other settings do not have, so that a run of one size never stands in the way of another."""
    told = json.dumps([[run.name, run.settings.to_json()] for run in runs], sort_keys=True)
    return f"{claim.name}-{hashlib.sha256(told.encode()).hexdigest()[:10]}"


def run_claim(
    claim: Claim,
    runs: Sequence[PlannedRun],
    out: Path,
    *,
    take_from: Sequence[Path] = (),
    workers: int = 1,
    apart: bool = False,
    on_progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[StoredResult, ...]:
    """Compute what is missing of a claim's runs, and store them in ``out``.

    Args:
        claim: which.
        runs: as ``runs_of`` returns them.
        out: folder; a run that was begun there goes on.
        take_from: folders of the same claim, or of a run of it where it has one run, that differ in seeds and methods
            alone; see ``benchmark.taking``.
        workers: processes.
        apart: compute in a process of its own even where there is one worker.
        on_progress: told units over all runs.
        should_stop: asked now and then; finished units are kept.

    Returns:
        What ``results.answer`` takes.

    Raises:
        SteeringError: a folder holds a run with other settings, or a run has no result at all.
        Cancelled: ``should_stop`` or ``on_progress`` said so.
    """
    from steering.benchmark.runner import run_benchmark

    total, before = n_units(runs), 0
    for number, run in enumerate(runs, start=1):

        def tell(done: int, _total: int, unit: str, what: str, *, before: int = before, number: int = number) -> None:
            if on_progress is not None:
                # A run knows how long it takes itself, not those that follow.
                on_progress(before + done, total, unit, what if len(runs) == 1 else f"Run {number} of {len(runs)}")

        summary = run_benchmark(
            run.settings,
            out / run.name,
            resume=True,
            take_from=[_run_in(path, run, runs) for path in take_from],
            workers=workers,
            apart=apart,
            on_progress=tell,
            should_stop=should_stop,
        )
        if summary.results is None:
            raise SteeringError(
                f"None of the {summary.n_units} units of {run.name} could be computed; see its failures."
            )
        before += run.settings.n_units
    return store_claim(claim, runs, out, out / RESULTS)


def _run_in(path: Path, run: PlannedRun, runs: Sequence[PlannedRun]) -> Path:
    """Where a run lies that parts of ``run`` are taken from: below a claim's folder, or just there."""
    return path if len(runs) == 1 and (path / MANIFEST).exists() else path / run.name


def store_claim(claim: Claim, runs: Sequence[PlannedRun], out: Path, into: Path) -> tuple[StoredResult, ...]:
    """Make stored results from a claim's finished runs.

    Args:
        claim: which.
        runs: that were run.
        out: folder of the runs.
        into: folder of stored results.

    Raises:
        SteeringError: a run is not finished, or breaks the protocol.
    """
    many = claim.name == "l0"
    place = into / SPARSITIES if many else into
    return tuple(
        read_stored(store(out / run.name, run.name, into=place, texts="none" if many else "chosen")) for run in runs
    )


def finished(claim: Claim, runs: Sequence[PlannedRun], out: Path) -> tuple[StoredResult, ...]:
    """What ``run_claim`` left in ``out``, empty unless every run is there.

    Raises:
        SteeringError: a file cannot be read.
    """
    place = out / RESULTS / (SPARSITIES if claim.name == "l0" else "")
    paths = [place / f"{run.name}.parquet" for run in runs]
    return tuple(read_stored(path) for path in paths) if all(path.exists() for path in paths) else ()
