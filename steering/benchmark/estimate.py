"""How long will a benchmark take, reckoned from units that were measured before?"""

from collections.abc import Iterable
from dataclasses import dataclass

from steering.benchmark.settings import BenchmarkSettings

DEFAULT_SECONDS = 9.0
"""One worker's time for a unit where nothing was measured: mean of all methods with AxBench's 30 prompts on one core of
a server of 2020s make. A GPU or a larger model is another matter; the first units of a run correct it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What units took in an earlier run.

    Attributes:
        settings: of that run.
        seconds: method → mean seconds of one worker for one unit.
        where: for the screen, such as "this machine".
    """

    settings: BenchmarkSettings
    seconds: dict[str, float]
    where: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will cost.

    Attributes:
        n_units: fits, each with its selection and test.
        n_completions: texts written and judged.
        seconds: of the clock, all workers at once.
        basis: what the time is reckoned from, a phrase.
    """

    n_units: int
    n_completions: int
    seconds: float
    basis: str


def estimate(settings: BenchmarkSettings, *, workers: int, measured: Iterable[Measured] = ()) -> Estimate:
    """Reckon a run: every method's measured seconds, in proportion to the tokens that it writes.

    What a method needs to be fitted is taken to grow with its completions, which errs where few prompts follow a long
    training; the time left that a run itself reports does not.

    Args:
        settings: of the run.
        workers: processes.
        measured: earlier runs, the most telling first; only those of the same model count.
    """
    known = [one for one in measured if one.settings.model == settings.model]
    total, sources = 0.0, set()
    for name in settings.methods:
        usual = DEFAULT_SECONDS * _tokens(settings, name) / _tokens(_standard(settings), "sae_f1c")
        where = f"{DEFAULT_SECONDS:g} s for a whole unit on one core"
        for one in known:
            if name in one.seconds:
                usual = one.seconds[name] * _tokens(settings, name) / _tokens(one.settings, name)
                where = one.where
                break
        sources.add(where)
        total += usual * len(settings.concepts) * len(settings.seeds)
    at_once = max(1, min(workers, settings.n_units))
    return Estimate(settings.n_units, settings.n_completions, total / at_once, " and ".join(sorted(sources)))


def _tokens(settings: BenchmarkSettings, name: str) -> int:
    """Tokens that a unit writes at most."""
    return settings.completions_of(name) * settings.max_new_tokens


def _standard(settings: BenchmarkSettings) -> BenchmarkSettings:
    """The protocol's own sizes, for what the default was measured on."""
    return BenchmarkSettings(model="demo", methods=("sae_f1c",), concepts=settings.concepts[:1])
