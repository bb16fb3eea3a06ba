"""How does a whole benchmark run: begun, watched, stopped, taken up again, and collected?"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from steering.benchmark.collect import collect
from steering.benchmark.judged import count_replies
from steering.benchmark.judging import check_own
from steering.benchmark.outcome import Outcome, attempt
from steering.benchmark.parts import Failure, RunFolder, open_folder
from steering.benchmark.progress import Pace
from steering.benchmark.settings import BenchmarkSettings, Unit
from steering.benchmark.sources import HALVES, open_source
from steering.benchmark.taking import earlier_runs, take_parts
from steering.errors import Cancelled, SteeringError
from steering.judges.access import JudgeAccess

Progress = Callable[[int, int, str, str], None]
"""Called with done, total, unit and what is going on; may raise ``Cancelled``."""
CACHE = "judgements.sqlite"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run left behind.

    Attributes:
        path: its folder.
        n_units: units of the run.
        n_computed: units tried this time, those that failed included.
        n_resumed: found finished, those taken from other runs included.
        n_taken: taken from other runs this time.
        failures: units without a result, in the order of the table.
        results: the collected table, None where no unit was finished.
        codes: hash of code → finished units that it made; more than one where rows of different code were mixed.
        replies: of the judge, by what became of them, see ``judged.count_replies``.
    """

    path: Path
    n_units: int
    n_computed: int
    n_resumed: int
    failures: tuple[Failure, ...]
    results: Path | None
    codes: Mapping[str, int] = field(default_factory=dict)
    n_taken: int = 0
    replies: Mapping[str, int] = field(default_factory=dict)


def run_benchmark(
    settings: BenchmarkSettings,
    out: Path,
    *,
    resume: bool = False,
    other_code: bool = False,
    take_from: Sequence[Path] = (),
    workers: int = 1,
    apart: bool = False,
    ray: str | None = None,
    access: JudgeAccess | None = None,
    on_progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Summary:
    """Compute every unit that is not there yet and collect the table.

    The rows depend on the settings alone: not on workers, Ray, or how often the run was interrupted. (Another processor
    or another version of torch may round differently; every part says what made it.)

    Args:
        settings: of the run.
        out: folder for it.
        resume: go on with the run that is there. Units that failed are tried again.
        other_code: go on even if the run that is there was made by other code; the manifest then names both.
        take_from: folders of runs that differ in seeds and methods alone; what they have finished, whatever code made
            it, is taken and not computed again. See ``taking``.
        workers: processes of this machine, or actors on Ray; 1 without Ray computes in this thread.
        apart: compute in a process of its own even where there is one worker, so that this one stays free for others.
        ray: address of a Ray cluster, ``local`` to start one here, ``auto`` for the one that this machine belongs to.
        access: key and patience of a language model as judge.
        on_progress: told about every unit, with the time left.
        should_stop: asked now and then; finished units are kept.

    Raises:
        SteeringError: the folder cannot be used, nothing can be loaded, the parts of a run cannot be taken, or the
            weights or the code changed during the run.
        Cancelled: ``should_stop`` or ``on_progress`` said so.
    """
    if workers < 1:
        raise SteeringError(f"{workers} workers were asked for; give at least 1.")
    check_own(settings.judge)
    source = open_source(settings)
    for concept in settings.concepts:  # a missing concept is found out now, not after hours
        for half in HALVES:
            source.prompts(concept, half)
    earlier = earlier_runs(settings, take_from)  # before there is a folder, which a refusal would leave behind
    with open_folder(out, settings, source.fingerprint(), resume=resume, other_code=other_code) as folder:
        taken = take_parts(folder, earlier)
        finished = folder.finished()
        units = [unit for unit in settings.units() if unit not in finished]
        pace = Pace(units)
        done = len(finished)
        report = on_progress or _silent
        report(done, settings.n_units, "units", pace.sentence())
        key, cache = folder.manifest.key, out / CACHE
        outcomes: Generator[Outcome, None, None]
        if ray is not None:
            from steering.benchmark.ray_runner import on_ray

            outcomes = on_ray(
                settings, units, key=key, address=ray, workers=workers if workers > 1 else None,
                judge_settings=None if access is None else access.settings, should_stop=should_stop,
            )  # fmt: skip
        elif workers > 1 or apart:
            from steering.benchmark.pool import in_processes

            outcomes = in_processes(
                settings, units, key=key, workers=workers, cache=cache, access=access, should_stop=should_stop
            )
        else:
            outcomes = one_by_one(settings, units, key=key, cache=cache, access=access, should_stop=should_stop)
        with closing(outcomes):  # ends the workers, whatever happens here
            for outcome in outcomes:
                _keep(folder, outcome)
                done += 1
                pace.done(outcome.unit, outcome.seconds if outcome.data is not None else 0.0)
                report(done, settings.n_units, "units", pace.sentence())
        results = collect(folder)
        failures = tuple(folder.failed())
        replies = count_replies(folder.details(), failures)
        folder.write_replies(replies)
        return Summary(
            out, settings.n_units, len(units), len(finished), failures, results, folder.codes(), taken, replies
        )


def one_by_one(
    settings: BenchmarkSettings,
    units: Sequence[Unit],
    *,
    key: str,
    cache: Path | None = None,
    access: JudgeAccess | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Generator[Outcome, None, None]:
    """Compute units in this thread.

    Raises:
        SteeringError: the model, the SAE or the judge cannot be opened.
        Cancelled: ``should_stop`` said so.
    """
    from steering.benchmark.bench import open_bench

    if not units:
        return
    with open_bench(settings, cache=cache, access=access, should_stop=should_stop) as bench:
        for unit in units:
            if should_stop is not None and should_stop():
                raise Cancelled
            yield attempt(bench, unit, key=key)


def _keep(folder: RunFolder, outcome: Outcome) -> None:
    if outcome.data is not None:
        folder.write(outcome.unit, outcome.data)
    elif outcome.failure is not None:
        folder.write_failure(outcome.failure)


def _silent(done: int, total: int, unit: str, what: str) -> None:
    """Report to nobody."""
