"""``python -m steering benchmark``: which method steers best, by AxBench's protocol?"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steering.cli.options import add_model_options
from steering.cli.output import Bar, check_folder, tell_source, write_json
from steering.errors import SteeringError
from steering.positions import POSITIONS

if TYPE_CHECKING:
    import pandas as pd

    from steering.benchmark.runner import Summary
    from steering.benchmark.runs import Run
    from steering.benchmark.settings import BenchmarkSettings
    from steering.judges.access import JudgeAccess
    from steering.judges.cost import Prices


def add_benchmark_parser(verbs: Any) -> None:
    """Add the verb ``benchmark`` to what ``add_subparsers`` returned."""
    parser = verbs.add_parser("benchmark", help="every method on every concept by AxBench's protocol; resumable")
    add_model_options(parser, sae_dtype=False)
    parser.add_argument("--methods", default="all", metavar="M", help="all, or names with commas between (default all)")
    parser.add_argument(
        "--concepts", default="all", metavar="C", help="all, dev, test, or names with commas or ; between (default all)"
    )
    parser.add_argument("--seed", type=int, action="append", metavar="N", help="may be given several times (default 0)")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="a new folder, unless --resume")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument(
        "--other-code", action="store_true", help="resume though the code has changed since; the manifest says so"
    )
    parser.add_argument(
        "--take-from",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="run that differs in seeds and methods alone, whose finished parts are taken; may be given several times",
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes, or Ray actors (default 1)")
    parser.add_argument("--ray", metavar="ADDRESS", help="of a Ray cluster; local starts one here, auto finds one")
    parser.add_argument("--judge", metavar="SPEC", help="world, openai:MODEL[@URL], local:MODEL or python:MODULE:NAME")
    parser.add_argument("--judge-temperature", type=float, default=0.0, metavar="T", help="default 0; AxBench 0.7")
    parser.add_argument(
        "--judge-max-tokens", type=int, metavar="N", help="of a language model's reply (default 512; raise it for one "
        "that thinks aloud)",
    )  # fmt: skip
    parser.add_argument(
        "--judge-price", type=float, nargs=2, metavar=("READ", "WRITTEN"), help="of a million tokens that the judge "
        "reads and writes, in any currency: the estimate before the run is then in money",
    )  # fmt: skip
    parser.add_argument("--examples", type=Path, metavar="FILE", help="labelled file or AxBench folder (other models)")
    parser.add_argument("--prompts", type=Path, metavar="FILE", help="neutral instructions: text, JSON or JSONL")
    parser.add_argument("--select-prompts", type=int, default=10, metavar="N", help="to choose the factor on")
    parser.add_argument("--test-prompts", type=int, default=20, metavar="N", help="to score on")
    parser.add_argument("--samples", type=int, default=1, metavar="N", help="completions per prompt and factor")
    parser.add_argument("--max-new-tokens", type=int, metavar="N", help="default 64 on the world, else 128")
    parser.add_argument("--n-examples", type=int, default=72, metavar="N", help="positives, and as many negatives")
    parser.add_argument("--test-factors", choices=("all", "chosen"), default="all", help="completed on the test half")
    parser.add_argument(
        "--positions",
        choices=POSITIONS,
        help="which tokens features and directions are read and written at (default: sentence_ends on the embedded "
        "world, whose development concepts say so; all elsewhere, as AxBench does)",
    )
    parser.add_argument("--batch-size", type=int, default=256, metavar="N", help="rows at once (default 256)")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from steering.benchmark.collect import read_results
    from steering.benchmark.judged import replies_sentence
    from steering.benchmark.planned import planned_runs
    from steering.benchmark.report import as_json, as_text, report
    from steering.benchmark.runner import run_benchmark
    from steering.benchmark.runs import read_run
    from steering.benchmark.texts import as_text as texts_as_text
    from steering.judges.cost import Prices

    settings = _settings(arguments)
    check_folder(arguments.out)
    tell_source(arguments.model)
    prices = None if arguments.judge_price is None else Prices(*arguments.judge_price)
    access = _access(arguments, settings)
    _tell_cost(settings, prices)
    summary = run_benchmark(
        settings,
        arguments.out,
        resume=arguments.resume,
        other_code=arguments.other_code,
        take_from=arguments.take_from,
        workers=arguments.workers,
        ray=arguments.ray,
        access=access,
        on_progress=Bar(),
    )
    if summary.n_taken:
        sys.stderr.write(f"{summary.n_taken} of {summary.n_units} units were taken from other runs\n")
    _tell_failures(summary)
    _tell_codes(summary)
    if summary.results is None:
        raise SteeringError(f"None of the {summary.n_units} units could be computed; see {arguments.out / 'failures'}.")
    board = report(read_results(arguments.out), planned=planned_runs(settings))
    texts = _texts(read_run(arguments.out))
    if arguments.json:
        failures = [{"unit": str(one.unit), "error": one.error, "is_bug": one.is_bug} for one in summary.failures]
        told: dict[str, Any] = {"results": str(summary.results), "failures": failures, "codes": dict(summary.codes)}
        told |= {"taken": summary.n_taken, "judge": dict(summary.replies), "leaderboard": as_json(board)}
        write_json({**told, "texts": {split: as_json(means) for split, means in texts.items()}})
    else:
        sys.stdout.write(as_text(board))
        for split, means in texts.items():
            sys.stdout.write(f"\n{split}, texts at the chosen factor, shares\n{texts_as_text(means)}")
        if said := replies_sentence(summary.replies):
            sys.stdout.write(f"\n{said}\n")
        sys.stdout.write(f"\n{summary.results}\n")
    if any(one.is_bug for one in summary.failures):
        raise RuntimeError(f"some units failed by a bug, see {arguments.out / 'failures'}")
    return 0


def _settings(arguments: argparse.Namespace) -> "BenchmarkSettings":
    from steering.benchmark.settings import BenchmarkSettings, choose_concepts, choose_methods
    from steering.benchmark.sources import available_concepts
    from steering.presets import default_positions, is_world_model

    world = is_world_model(arguments.model)
    if not world and arguments.judge is None:
        raise SteeringError(f"{arguments.model} has no judge of its own; name one with --judge.")
    if not world and (arguments.examples is None or arguments.prompts is None):
        raise SteeringError(
            f"{arguments.model} is no model of the embedded world, which brings its own; give --examples and --prompts."
        )
    examples = None if arguments.examples is None else str(arguments.examples)
    concepts = choose_concepts(arguments.concepts, available_concepts(examples))
    return BenchmarkSettings(
        model=arguments.model,
        sae=arguments.sae,
        methods=choose_methods(arguments.methods, n_concepts=len(concepts) if examples else 2),
        concepts=concepts,
        seeds=tuple(arguments.seed or [0]),
        n_select=arguments.select_prompts,
        n_test=arguments.test_prompts,
        samples=arguments.samples,
        max_new_tokens=(64 if world else 128) if arguments.max_new_tokens is None else arguments.max_new_tokens,
        n_examples=arguments.n_examples,
        judge=arguments.judge or "world",
        judge_temperature=arguments.judge_temperature,
        test_factors=arguments.test_factors,
        positions=arguments.positions or default_positions(arguments.model),
        batch_size=arguments.batch_size,
        device=arguments.device,
        dtype=arguments.dtype,
        examples=examples,
        prompts=None if arguments.prompts is None else str(arguments.prompts),
    )


def _access(arguments: argparse.Namespace, settings: "BenchmarkSettings") -> "JudgeAccess | None":
    """Patience of a language model as judge; its key is the environment's."""
    from steering.judges.access import JudgeAccess
    from steering.judges.settings import JudgeSettings

    given = {"--judge-max-tokens": arguments.judge_max_tokens, "--judge-price": arguments.judge_price}
    named = [option for option, value in given.items() if value is not None]
    if named and not settings.judge.startswith(("openai:", "local:")):
        raise SteeringError(f"{named[0]} is for a language model as judge, and {settings.judge} is none; leave it out.")
    if arguments.judge_max_tokens is None:
        return None
    return JudgeAccess(settings=JudgeSettings(max_tokens=arguments.judge_max_tokens))


def _texts(run: "Run") -> "dict[str, pd.DataFrame]":
    """Split → what the texts of every method are like."""
    from steering.benchmark.planned import splits_of
    from steering.benchmark.texts import can_tell_concepts, text_means

    tell = Bar()
    progress = (lambda done, total: tell(done, total, "texts", "Reading")) if can_tell_concepts(run.settings) else None
    table, splits = run.read_texts(progress), splits_of(run.settings)
    of_split = {split: [name for name in run.settings.concepts if splits[name] == split] for split in splits.values()}
    return {
        split: text_means(table, concepts=concepts, seeds=run.settings.seeds, methods=run.settings.methods)
        for split, concepts in sorted(of_split.items())
        if table["concept"].isin(concepts).any()
    }


def _tell_cost(settings: "BenchmarkSettings", prices: "Prices | None") -> None:
    """Say on standard error what a judge that costs will be asked; what is cached already is not known yet."""
    from steering.judges.cost import estimate_run

    if settings.judge.startswith("openai:"):
        estimate = estimate_run(settings.n_completions, text_tokens=settings.max_new_tokens, prices=prices)
        sys.stderr.write(f"judge: {estimate.sentence()}\n")


def _tell_failures(summary: "Summary") -> None:
    """Each reason once, with the units that it holds for."""
    reasons: dict[str, list[str]] = {}
    for one in summary.failures:
        reasons.setdefault(one.error, []).append(str(one.unit))
    for reason, units in reasons.items():
        more = f" and {len(units) - 1} more" if len(units) > 1 else ""
        sys.stderr.write(f"warning: {units[0]}{more}: {reason}\n")


def _tell_codes(summary: "Summary") -> None:
    """Say whose rows were mixed."""
    if len(summary.codes) > 1:
        told = ", ".join(f"{code[:8]} {count} units" for code, count in summary.codes.items())
        sys.stderr.write(f"warning: these rows were made by different code ({told})\n")
