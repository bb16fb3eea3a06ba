"""The command line: the app's verbs for scripts, headless machines and checks.

Exit codes: 0 done, 2 user error with one line on standard error, 130 interrupted, 1 a bug. Results go to standard
output, progress to standard error.
"""

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from steering import __version__
from steering.errors import SteeringError

USER_ERROR = 2
BUG = 1
INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """Answers a wrong option with one line, as every other user error."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_ERROR, f"error: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    parsed = _parser().parse_args(arguments)
    _bound_threads()
    try:
        return int(parsed.run(parsed))
    except SteeringError as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return USER_ERROR
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, e.g. `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("STEERSCOPE_DEBUG"):
            traceback.print_exc()
        else:
            sys.stderr.write(
                f"bug: {type(error).__name__}: {' '.join(str(error).split())[:300]} "
                "(set STEERSCOPE_DEBUG=1 for the traceback, and please report it)\n"
            )
        return BUG


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m steering", description="Rank SAE features, steer, compare with LoRA.")
    parser.add_argument("--version", action="version", version=f"steerscope {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)

    models = verbs.add_parser("models", help="list the models and SAEs that can be named with one word")
    models.add_argument("--json", action="store_true", help="for programs")
    models.set_defaults(run=_models)

    rank = verbs.add_parser("rank", help="rank SAE features for labelled examples")
    _model_options(rank)
    rank.add_argument("--examples", required=True, type=Path, metavar="FILE", help="csv, tsv, jsonl, json or parquet")
    rank.add_argument("--label", metavar="NAME", help="rank for this label; all labels without it")
    rank.add_argument("--heldout", type=float, default=0.3, metavar="SHARE", help="0 fits on every row (default 0.3)")
    rank.add_argument("--top", type=int, default=20, metavar="N", help="features shown (default 20)")
    rank.add_argument("--pi0", default="0.001", metavar="P", help='prior of calibrated F1, or "auto" (default 0.001)')
    rank.add_argument("--seed", type=int, default=0)
    rank.add_argument("--min-output-score", type=float, metavar="S", help="switch the output-score filter on")
    rank.add_argument("--no-effects", action="store_true", help="skip output score and token confidence")
    rank.add_argument("--json", action="store_true", help="for programs")
    rank.add_argument(
        "--out", type=Path, metavar="FILE", help="also write every ranked feature: .csv, .json or .parquet"
    )
    rank.set_defaults(run=_rank)

    generate = verbs.add_parser("generate", help="baseline beside prompted, steered and adapted completions")
    _model_options(generate)
    generate.add_argument("--prompt", required=True, action="append", metavar="P", help="may be given several times")
    generate.add_argument(
        "--feature", type=int, action="append", default=[], metavar="ID", help="may be given several times"
    )
    generate.add_argument(
        "--factor",
        type=float,
        action="append",
        default=[],
        metavar="X",
        help="one for all features or one each, in units of max_act (default 1)",
    )
    generate.add_argument(
        "--max-act",
        type=float,
        action="append",
        default=[],
        metavar="A",
        help="one per feature; by default from the SAE's reference set",
    )
    generate.add_argument("--mode", choices=("add", "clamp", "min_clamp", "scale", "ablate"), default="add")
    generate.add_argument("--scope", choices=("all", "prompt", "generated"), default="all")
    generate.add_argument(
        "--concept", metavar="NAME", help="add a prompted completion that is told to carry this concept"
    )
    generate.add_argument(
        "--adapter", type=Path, metavar="DIR", help="add a completion with this LoRA adapter (peft folder)"
    )
    generate.add_argument("--seed", type=int, default=0)
    generate.add_argument("--count", type=int, default=1, metavar="N", help="samples per prompt (default 1)")
    generate.add_argument("--max-new-tokens", type=int, default=64, metavar="N")
    generate.add_argument("--temperature", type=float, default=1.0, metavar="T")
    generate.add_argument("--top-p", type=float, default=1.0, metavar="P")
    generate.add_argument("--json", action="store_true", help="for programs")
    generate.set_defaults(run=_generate)

    train = verbs.add_parser("train-lora", help="train a LoRA adapter on the positives")
    _model_options(train, sae=False)
    train.add_argument("--examples", required=True, type=Path, metavar="FILE")
    train.add_argument("--label", metavar="NAME")
    train.add_argument("--out", required=True, type=Path, metavar="DIR")
    train.add_argument(
        "--preset",
        choices=("axbench", "small", "all-linear"),
        help="settings (default small for models under 50 M parameters, else axbench)",
    )
    train.add_argument(
        "--heldout", type=float, default=0.0, metavar="SHARE", help="rows kept out of training (default 0)"
    )
    train.add_argument("--seed", type=int, default=0)
    train.set_defaults(run=_train_lora)

    from steering.world.cli import add_world_parser

    add_world_parser(verbs)
    return parser


def _model_options(parser: argparse.ArgumentParser, *, sae: bool = True) -> None:
    parser.add_argument("--model", default="demo", metavar="MODEL", help="preset, folder or Hub id (default demo)")
    if sae:
        parser.add_argument(
            "--sae", metavar="SAE", help="a preset's SAE, a folder in sae-lens' format, or release/sae_id"
        )
    parser.add_argument("--device", default="cpu", metavar="D", help="torch device (default cpu)")
    parser.add_argument("--dtype", choices=("auto", "float32", "bfloat16", "float16"), default="auto")


def _bound_threads() -> None:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


class _Bar:
    """Progress on standard error: a line that is rewritten on a terminal, a line every few seconds elsewhere."""

    def __init__(self) -> None:
        self._shown = 0.0
        self._terminal = sys.stderr.isatty()

    def __call__(self, done: int, total: int, unit: str, what: str) -> None:
        now = time.monotonic()
        if now - self._shown < (0.2 if self._terminal else 3.0) and done < total:
            return
        self._shown = now
        end = ("\r" if done < total else "\n") if self._terminal else "\n"
        sys.stderr.write(f"{what}: {done:,} of {total:,} {unit}{' ' * 10}{end}")
        sys.stderr.flush()


def _write_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n")


def _models(arguments: argparse.Namespace) -> int:
    from steering.presets import presets

    found = []
    for preset in presets().values():
        config = json.loads((preset.model_path / "config.json").read_text())
        saes = []
        for name, path in preset.sae_paths.items():
            cfg = json.loads((path / "cfg.json").read_text())
            saes.append(
                {
                    "name": name,
                    "hook_name": cfg["metadata"].get("hook_name"),
                    "d_sae": cfg["d_sae"],
                    "l0": cfg["metadata"].get("l0"),
                    "default": name == preset.default_sae,
                }
            )
        found.append(
            {
                "name": preset.name,
                "title": preset.title,
                "description": preset.description,
                "d_model": config.get("hidden_size", config.get("n_embd")),
                "n_layers": config.get("num_hidden_layers", config.get("n_layer")),
                "saes": saes,
            }
        )
    if arguments.json:
        _write_json({"models": found})
        return 0
    for model in found:
        sys.stdout.write(
            f"{model['name']:<12} {model['title']}: {model['n_layers']} layers, d_model {model['d_model']}\n"
        )
        for sae in model["saes"]:
            mark = " (default)" if sae["default"] else ""
            sys.stdout.write(f"  {sae['name']:<20} {sae['hook_name']}, {sae['d_sae']} features{mark}\n")
    sys.stdout.write("Any folder in transformers' format and any Hub id can stand in their place.\n")
    return 0


def _rank(arguments: argparse.Namespace) -> int:
    from steering.examples import read_examples
    from steering.ranking import RankingSettings
    from steering.workbench import open_pair, rank_examples

    if arguments.top < 1:
        raise SteeringError(f"--top is {arguments.top}; give a whole number from 1 up.")
    _check_out(arguments.out)
    examples, report = read_examples(arguments.examples, label=arguments.label)
    for finding in report.findings:
        sys.stderr.write(f"{finding.severity}: {' '.join(finding.message.split())}\n")
    settings = RankingSettings(
        pi0="auto" if arguments.pi0 == "auto" else _number(arguments.pi0, "--pi0"),
        heldout=arguments.heldout,
        seed=arguments.seed,
        candidates=max(200, arguments.top),
        use_output_score=arguments.min_output_score is not None,
        min_output_score=1e-3 if arguments.min_output_score is None else arguments.min_output_score,
    )
    with open_pair(arguments.model, arguments.sae, device=arguments.device, dtype=arguments.dtype) as loaded:
        run = rank_examples(
            loaded,
            examples,
            settings,
            label=arguments.label,
            with_effects=not arguments.no_effects,
            on_progress=_Bar(),
        )
    head = {"model": arguments.model, "sae": run.sae, "hook_module": run.hook_module}
    shown = []
    for ranking in run.rankings.values():
        for warning in ranking.warnings:
            sys.stderr.write(f"warning: {ranking.label}: {warning}\n")
        entry = ranking.to_json()
        shown.append(entry | {"features": entry["features"][: arguments.top]})
    if arguments.out is not None:
        _write_rankings(arguments.out, head, list(run.rankings.values()))
    if arguments.json:
        _write_json(head | shown[0] if len(shown) == 1 else head | {"rankings": shown})
        return 0
    for ranking in run.rankings.values():
        sys.stdout.write(
            f"{ranking.label}: {ranking.n_positive} positives, {ranking.n_negative} negatives, "
            f"read at {run.hook_module}; noise floor F1c {ranking.null_f1c:.2f}\n"
        )
        table = ranking.table().head(arguments.top)
        columns = [
            "feature_id", "f1c", "auroc", "f1c_heldout", "auroc_heldout", "interval_low", "interval_high", "q_value",
            "support", "density", "max_act", "output_score", "delta_confidence",
        ]  # fmt: skip
        sys.stdout.write(table[columns].to_string(index=False, float_format=lambda number: f"{number:.3g}") + "\n\n")
    return 0


def _check_out(path: Path | None) -> None:
    if path is None:
        return
    if path.suffix not in (".csv", ".json", ".parquet"):
        raise SteeringError(f"--out is {path.name}; give a name that ends in .csv, .json or .parquet.")
    if not path.parent.is_dir():
        raise SteeringError(f"--out would go into {path.parent}, which is no folder; make it first.")


def _write_rankings(path: Path, head: dict[str, Any], rankings: list[Any]) -> None:
    import pandas as pd

    if path.suffix == ".json":
        value = head | (rankings[0].to_json() if len(rankings) == 1 else {"rankings": [r.to_json() for r in rankings]})
        path.write_text(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n", encoding="utf-8")
        return
    table = pd.concat([ranking.table() for ranking in rankings], ignore_index=True)
    table["top_tokens"] = [" ".join(tokens) if tokens else "" for tokens in table["top_tokens"]]
    if path.suffix == ".csv":
        # A token may begin with = or +; a spreadsheet must not take it for a formula.
        table["top_tokens"] = ["'" + tokens if tokens[:1] in "=+-@\t\r" else tokens for tokens in table["top_tokens"]]
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, index=False)


def _number(text: str, option: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise SteeringError(f"{option} is {text!r}; give a number.") from error


def _generate(arguments: argparse.Namespace) -> int:
    from contextlib import nullcontext

    from steering.generation import Condition, Sampling, generate
    from steering.interventions import Intervention
    from steering.lora import load_adapter
    from steering.prompting import concept_instruction
    from steering.workbench import feature_edit, open_model, open_pair

    factors = _one_each(arguments.factor, len(arguments.feature), "--factor", 1.0)
    max_acts = _one_each(arguments.max_act, len(arguments.feature), "--max-act", None)
    if not arguments.feature and (arguments.factor or arguments.max_act):
        raise SteeringError("--factor and --max-act belong to a --feature; name one.")
    sampling = Sampling(arguments.max_new_tokens, arguments.temperature, arguments.top_p)
    conditions = [Condition("baseline")]
    if arguments.concept:
        conditions.append(Condition("prompted", instruction=concept_instruction(arguments.model, arguments.concept)))
    options = {"device": arguments.device, "dtype": arguments.dtype}
    with (
        open_pair(arguments.model, arguments.sae, **options) if arguments.feature else nullcontext() as loaded,
        open_model(arguments.model, **options) as model,
    ):
        if loaded is not None:
            edits = tuple(
                feature_edit(loaded, feature_id, factor, max_act)
                for feature_id, factor, max_act in zip(arguments.feature, factors, max_acts, strict=True)
            )
            intervention = Intervention(edits, mode=arguments.mode, scope=arguments.scope)
            conditions.append(Condition("steered", intervention=intervention))
        if arguments.adapter is not None:
            conditions.append(Condition("adapted", adapter=load_adapter(arguments.adapter)))
        completions = generate(
            model,
            conditions,
            arguments.prompt,
            sae=loaded.sae if loaded is not None else None,
            sampling=sampling,
            seed=arguments.seed,
            count=arguments.count,
        )
    if arguments.json:
        _write_json({"completions": [completion.to_json() for completion in completions]})
        return 0
    for completion in completions:
        receipt = completion.receipt
        sys.stdout.write(
            f"[{completion.kind}] {completion.prompt}\n{completion.text}\n"
            f"  KL {receipt.kl:.3f} nats, perplexity {receipt.perplexity:.1f}, {receipt.n_generated} tokens, "
            f"edited {receipt.positions_edited_prompt} + {receipt.positions_edited_generated} positions"
            f"{' at ' + receipt.hook_module if receipt.hook_module else ''}, adapter {receipt.adapter}\n\n"
        )
    return 0


def _one_each(values: list[float], count: int, option: str, default: float | None) -> list[Any]:
    if not values:
        return [default] * count
    if len(values) == 1:
        return values * count
    if len(values) != count:
        raise SteeringError(
            f"{option} was given {len(values)} times for {count} features; give one for all or one each."
        )
    return values


def _train_lora(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from steering.examples import read_examples, split_examples
    from steering.lora import LORA_PRESETS, preset_for
    from steering.workbench import open_model, train_adapter

    examples, report = read_examples(arguments.examples, label=arguments.label)
    for finding in report.findings:
        sys.stderr.write(f"{finding.severity}: {' '.join(finding.message.split())}\n")
    if arguments.label is None and len(examples.label_names) > 1:
        raise SteeringError(
            f"The examples have {len(examples.label_names)} labels ({', '.join(examples.label_names[:6])}...); "
            "say which one with --label."
        )
    label = arguments.label or examples.label_names[0]
    rows = split_examples(examples, heldout=arguments.heldout, seed=arguments.seed).train
    bar = _Bar()
    with open_model(arguments.model, device=arguments.device, dtype=arguments.dtype) as model:
        preset = arguments.preset or preset_for(model.n_parameters)
        settings = replace(LORA_PRESETS[preset], seed=arguments.seed)
        adapter = train_adapter(
            model,
            examples,
            label,
            rows,
            settings,
            on_step=lambda step, total, loss: bar(step, total, "steps", f"Training LoRA, loss {loss:.3f}"),
        )
    adapter.save(arguments.out)
    sys.stdout.write(f"{arguments.out}\n")
    return 0
