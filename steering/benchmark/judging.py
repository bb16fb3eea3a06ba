"""Which judge scores a benchmark, and what is it told that the concept is called?"""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from steering.errors import JudgeError
from steering.judges.access import JudgeAccess
from steering.judges.choice import make_judge, parse_judge
from steering.judges.score import Judge

PYTHON = "python:"
"""Before ``MODULE:NAME``: a class of one's own with what ``steering.judges.score.Judge`` has, made without arguments.
Its module is imported, which runs what stands in it."""


def check_judge(spec: str, *, world: bool) -> None:
    """See that a judge can be meant by ``spec``; none is made, nothing is imported.

    Args:
        spec: as in ``BenchmarkSettings.judge``.
        world: whether the model is the embedded world's.

    Raises:
        JudgeError: it cannot, or only the embedded world's models can be judged by it.
    """
    if spec.startswith(PYTHON):
        _named(spec)
        return
    if parse_judge(spec).kind == "world" and not world:
        raise JudgeError("The judge world knows the embedded world's concepts alone; name another with --judge.")


def check_own(spec: str) -> None:
    """See that a class of one's own can be imported and made, before a run leaves a folder behind; others pass.

    Raises:
        JudgeError: it cannot.
    """
    if spec.startswith(PYTHON):
        _own(spec)


def open_judge(
    spec: str, *, temperature: float | None, cache: Path | None, device: str, access: JudgeAccess | None = None
) -> Judge:
    """Make the judge.

    Args:
        spec: as in ``BenchmarkSettings.judge``.
        temperature: of a language model.
        cache: file of replies; None asks every time.
        device: for a local model.
        access: key and patience of a language model.

    Raises:
        JudgeError: it cannot be made.
    """
    if spec.startswith(PYTHON):
        return _own(spec)
    choice = parse_judge(spec)
    if choice.kind == "world":
        return make_judge(choice)
    from steering.judges.cache import ReplyCache

    access = access or JudgeAccess()
    return make_judge(
        choice,
        settings=replace(access.settings, temperature=temperature),
        cache=None if cache is None else ReplyCache(cache),
        api_key=access.api_key,
        device=device,
    )


def knows_the_truth(spec: str) -> bool:
    """Whether the judge is the world's, which takes a concept by its name and not in words."""
    return not spec.startswith(PYTHON) and parse_judge(spec).kind == "world"


def _own(spec: str) -> Judge:
    """A judge of the user's own: nothing is called that is not seen to be a judge's class."""
    module, name = _named(spec)
    try:
        found: Any = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise JudgeError(f"The judge {spec} cannot be imported ({error}); name module and class.") from error
    if not isinstance(found, type) or not all(callable(getattr(found, verb, None)) for verb in ("knows", "score")):
        raise JudgeError(f"{spec} is no judge's class; name one that has name, knows and score.")
    try:
        judge = found()
    except TypeError as error:
        raise JudgeError(f"The judge {spec} cannot be made ({error}); let its class need no arguments.") from error
    if not isinstance(judge, Judge):
        raise JudgeError(f"{spec} makes no judge; it needs name, knows and score.")
    return judge


def _named(spec: str) -> tuple[str, str]:
    module, _, name = spec.removeprefix(PYTHON).partition(":")
    if not module or not name:
        raise JudgeError(f"The judge {spec!r} names no class; write python:MODULE:NAME.")
    return module, name
