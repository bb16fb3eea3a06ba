"""What does one process hold open to compute units: the model with its SAE, the examples, the judge?"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch

from steering.benchmark.code import code_hash
from steering.benchmark.judging import open_judge
from steering.benchmark.settings import BenchmarkSettings
from steering.benchmark.sources import Source, open_source
from steering.examples import split_examples
from steering.fingerprints import weights_fingerprint
from steering.judges.access import JudgeAccess
from steering.judges.score import Judge
from steering.methods.task import Task
from steering.workbench import Loaded, open_pair

TASKS_KEPT = 3
"""Units of one concept and seed follow each other and share what was read of its examples."""


class Bench:
    """Everything a unit needs, opened once.

    Args:
        settings: of the run.
        loaded: model and SAE.
        source: of examples and prompts.
        judge: of completions.
        should_stop: asked while units are computed.
    """

    def __init__(
        self,
        settings: BenchmarkSettings,
        loaded: Loaded,
        source: Source,
        judge: Judge,
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        self.settings = settings
        self.loaded = loaded
        self.source = source
        self.judge = judge
        self.should_stop = should_stop
        self.weights = weights_fingerprint(loaded.model)
        self.code = code_hash()
        self._tasks: OrderedDict[tuple[str, int], Task] = OrderedDict()

    def task(self, concept: str, seed: int) -> Task:
        """The task of a concept and seed; what was read for an earlier unit of it is kept.

        Raises:
            SteeringError: there are not enough examples.
        """
        key = (concept, seed)
        if key not in self._tasks:
            examples = self.source.examples(concept, seed)
            self._tasks[key] = Task(
                self.loaded,
                concept,
                examples,
                concept,
                split_examples(examples, heldout=0.0, seed=seed),
                seed,
                tuple(partial(self.task, other, seed) for other in self.source.others(concept, seed)),
                self.should_stop,
                self.settings.positions,
            )
            while len(self._tasks) > TASKS_KEPT:
                self._tasks.popitem(last=False)
        self._tasks.move_to_end(key)
        return self._tasks[key]


@contextmanager
def open_bench(
    settings: BenchmarkSettings,
    *,
    cache: Path | None = None,
    access: JudgeAccess | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Iterator[Bench]:
    """Load what the settings name and hold it for the block, with as many threads as they say.

    Args:
        settings: of the run.
        cache: file for a language model's judgements.
        access: key and patience of a language model as judge.
        should_stop: asked while units are computed.

    Raises:
        SteeringError: anything that cannot be loaded.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        source = open_source(settings)
        judge = open_judge(
            settings.judge,
            temperature=settings.judge_temperature,
            cache=cache,
            device=settings.device,
            access=access,
        )
        with (
            torch.no_grad(),
            open_pair(
                settings.model,
                settings.sae,
                device=settings.device,
                dtype=settings.dtype,  # type: ignore[arg-type]  # checked where it is loaded
                should_stop=should_stop,
            ) as loaded,
        ):
            yield Bench(settings, loaded, source, judge, should_stop)
    finally:
        torch.set_num_threads(threads)
