"""Which command line does the same run?"""

import shlex
from pathlib import Path

from steering.benchmark.settings import BenchmarkSettings
from steering.errors import SteeringError
from steering.methods.registry import METHOD_NAMES
from steering.presets import is_world_model


def command_line(settings: BenchmarkSettings, out: Path | str, *, workers: int = 1, resume: bool = False) -> str:
    """What to type for a run with these settings.

    Args:
        settings: of the run.
        out: its folder.
        workers: processes.
        resume: go on with the run that is there.

    Raises:
        SteeringError: a setting that the command line has no option for was changed.
    """
    tokens = 64 if is_world_model(settings.model) else 128
    usual = BenchmarkSettings(
        model="demo", methods=("none",), concepts=settings.concepts[:1], max_new_tokens=tokens
    )  # what is not told to the command line
    fixed = [name for name in ("prompt_seed", "threads") if getattr(settings, name) != getattr(usual, name)]
    if settings.judge_temperature is None:
        fixed.append("judge_temperature")
    if fixed:
        raise SteeringError(f"No option of the command line sets {fixed[0]}; run it from Python instead.")
    words = ["python", "-m", "steering", "benchmark", "--model", settings.model]
    if settings.sae is not None:
        words += ["--sae", settings.sae]
    words += ["--methods", "all" if settings.methods == METHOD_NAMES else ",".join(settings.methods)]
    words += ["--concepts", ("; " if any("," in name for name in settings.concepts) else ",").join(settings.concepts)]
    for seed in settings.seeds:
        words += ["--seed", str(seed)]
    options = {
        "--select-prompts": settings.n_select,
        "--test-prompts": settings.n_test,
        "--samples": settings.samples,
        "--max-new-tokens": settings.max_new_tokens,
        "--n-examples": settings.n_examples,
        "--test-factors": settings.test_factors,
        "--batch-size": settings.batch_size,
        "--judge": settings.judge,
        "--judge-temperature": settings.judge_temperature,
        "--device": settings.device,
        "--dtype": settings.dtype,
        "--examples": settings.examples,
        "--prompts": settings.prompts,
    }
    for option, value in options.items():
        name = {"--select-prompts": "n_select", "--test-prompts": "n_test"}.get(option, option[2:].replace("-", "_"))
        if value is not None and value != getattr(usual, name):
            words += [option, str(value)]
    words += ["--positions", settings.positions]
    words += ["--out", str(out)]
    if workers > 1:
        words += ["--workers", str(workers)]
    if resume:
        words.append("--resume")
    return shlex.join(words)
