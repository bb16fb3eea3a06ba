"""Which finished parts of earlier runs can stand in a new one, so that nothing is computed twice?

A unit's rows depend on its concept, seed and method and on every setting but the lists of seeds and methods: the order
in which a run has them changes no row. So a run may take the parts of runs that differ in these two lists alone. A part
is copied to the byte and goes on telling which code and versions made it; the manifest names the run that it is of, and
its code where that is not the run's own.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from steering.benchmark.parts import RunFolder, difference, read_folder
from steering.benchmark.settings import BenchmarkSettings
from steering.benchmark.sources import open_source
from steering.errors import SteeringError


def earlier_runs(settings: BenchmarkSettings, paths: Sequence[Path]) -> tuple[RunFolder, ...]:
    """The runs to take from, each seen to be one whose parts can stand in a run with ``settings``.

    Args:
        settings: of the new run.
        paths: folders of runs, finished or not.

    Raises:
        SteeringError: there is no run; one differs in another setting than seeds and methods, has other examples or
            prompts, shares no unit, or was made with another model or SAE than the one before it.
    """
    found: list[RunFolder] = []
    for path in paths:
        folder = read_folder(path)
        told = difference(replace(folder.settings, seeds=settings.seeds, methods=settings.methods), settings)
        if told:
            raise SteeringError(
                f"The run in {path} {told}, so its parts cannot be taken; name runs that differ in seeds and methods "
                "alone."
            )
        # Examples are hashed for a run's first seed, so its own hash is drawn anew and not compared with the new run's.
        if open_source(folder.settings).fingerprint() != folder.manifest.inputs:
            raise SteeringError(
                f"The run in {path} was begun with other examples or prompts than these settings name now, so its "
                "parts cannot be taken; leave it out."
            )
        if not set(folder.settings.units()) & set(settings.units()):
            raise SteeringError(
                f"The run in {path} (seeds {list(folder.settings.seeds)}) shares no unit with the one that is wanted "
                f"(seeds {list(settings.seeds)}); leave it out."
            )
        for before in found:
            known = [one.manifest for one in (before, folder) if one.manifest.weights]
            if len({(one.weights, one.sae) for one in known}) > 1:
                raise SteeringError(
                    f"The runs in {before.path} and {path} were made with another model or SAE each; take from one of "
                    "them alone."
                )
        found.append(folder)
    return tuple(found)


def take_parts(folder: RunFolder, earlier: Sequence[RunFolder]) -> int:
    """Copy what earlier runs have finished and this one has not; of several, the first that has a unit gives it.

    Returns:
        How many parts were taken.

    Raises:
        SteeringError: a part cannot be read, or was made with another model or SAE than those that are there.
    """
    done, count = folder.finished(), 0
    for one in earlier:
        theirs = one.finished()
        units = [unit for unit in folder.settings.units() if unit in theirs and unit not in done]
        folder.take(one, units)
        done.update(units)
        count += len(units)
    return count
