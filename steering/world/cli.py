"""How does ``python -m steering world`` list, draw, judge and build?"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steering.errors import SteeringError, WorldError

if TYPE_CHECKING:
    from steering.world.concepts import Concept

FORMATS = (".csv", ".jsonl", ".parquet")


def add_world_parser(subparsers: Any) -> None:
    """Add the verb ``world`` with its four verbs; each sets ``run`` to a function from the arguments to an exit code.

    Args:
        subparsers: what ``ArgumentParser.add_subparsers`` returned.
    """
    world = subparsers.add_parser("world", help="the embedded world: concepts, examples, judge, build")
    verbs = world.add_subparsers(dest="world_verb", required=True, metavar="VERB")

    listing = verbs.add_parser("concepts", help="list the concepts")
    listing.add_argument("--json", action="store_true", help="for programs")
    listing.set_defaults(run=_concepts)

    examples = verbs.add_parser("examples", help="draw labelled examples of a concept")
    examples.add_argument("--concept", required=True, metavar="NAME")
    examples.add_argument("--count", type=int, default=72, help="positives, and as many negatives (default 72)")
    examples.add_argument("--seed", type=int, default=0)
    examples.add_argument("--split", choices=("train", "heldout"), default="train")
    examples.add_argument("--multi-label", action="store_true", help="add a column labels with every concept of a row")
    examples.add_argument(
        "--out", type=Path, metavar="FILE", help="a .csv, .jsonl or .parquet file (default: a table here)"
    )
    examples.add_argument("--json", action="store_true", help="for programs")
    examples.set_defaults(run=_examples)

    judge = verbs.add_parser("judge", help="score answers for a concept")
    judge.add_argument("--concept", required=True, metavar="NAME")
    judge.add_argument("--in", dest="source", required=True, type=Path, metavar="FILE", help="JSON lines: prompt, text")
    judge.add_argument("--json", action="store_true", help="for programs")
    judge.set_defaults(run=_judge)

    build = verbs.add_parser("build", help="make tokenizer, language models and SAEs from nothing")
    build.add_argument("--out", required=True, type=Path, metavar="DIR")
    build.add_argument("--seed", type=int, default=0)
    build.add_argument("--scale", default="full", metavar="NAME", help="full, or mini for a trial of under a minute")
    build.add_argument("--only", metavar="MODEL", help="one model of the scale and its SAEs (default: all)")
    build.set_defaults(run=_build)


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    cells = [tuple(head), *(tuple(str(cell) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        _write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _concepts(arguments: argparse.Namespace) -> int:
    from steering.world.concepts import concepts

    if arguments.json:
        _write(json.dumps({"concepts": [asdict(one) for one in concepts()]}, indent=1))
        return 0
    _table(
        ("name", "kind", "split", "base rate", "kin", "title", "asked for by"),
        (
            (one.name, one.kind, one.split, f"{one.base_rate:.4f}", _kin(one), one.title, one.prompt_instruction)
            for one in concepts()
        ),
    )
    return 0


def _kin(concept: "Concept") -> str:
    ties = (("child of", concept.parent), ("near", concept.near), ("mostly in", concept.home))
    return "; ".join(f"{tie} {name}" for tie, name in ties if name)


def _examples(arguments: argparse.Namespace) -> int:
    from steering.world.labelled import labelled_examples

    out: Path | None = arguments.out
    if out is not None and out.suffix not in FORMATS:
        raise WorldError(
            f"{out.name} ends in {out.suffix or 'nothing'}; choose a name that ends in {', '.join(FORMATS)}."
        )
    rows = labelled_examples(
        arguments.concept,
        count=arguments.count,
        seed=arguments.seed,
        split=arguments.split,
        multi_label=arguments.multi_label,
    )
    if out is not None:
        try:
            if out.suffix == ".csv":
                rows.to_csv(out, index=False)
            elif out.suffix == ".jsonl":
                rows.to_json(out, orient="records", lines=True, force_ascii=False)
            else:
                rows.to_parquet(out, index=False)
        except OSError as error:
            raise WorldError(f"{out} cannot be written ({error.strerror}); choose another file.") from error
    if arguments.json:
        _write(json.dumps({"examples": rows.to_dict(orient="records")}, ensure_ascii=False))
    elif out is None:
        _table(list(rows.columns), rows.itertuples(index=False))
    else:
        _write(f"{len(rows)} examples of {arguments.concept} ({int(rows['label'].sum())} positive) written to {out}")
    return 0


def _read_answers(path: Path) -> list[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WorldError(f"{path} cannot be read as UTF-8 text; give a file of JSON lines.") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows.append((row["prompt"], row["text"]))
        except (ValueError, KeyError, TypeError) as error:
            raise WorldError(f'{path}, line {number}: expected {{"prompt": "...", "text": "..."}}.') from error
        if not all(isinstance(value, str) for value in rows[-1]):
            raise WorldError(f"{path}, line {number}: prompt and text must be strings.")
    if not rows:
        raise WorldError(f"{path} holds no answers; give one JSON object with prompt and text on each line.")
    return rows


def _judge(arguments: argparse.Namespace) -> int:
    from steering.world.judge import WorldJudge

    judge = WorldJudge()
    scores = [judge.score(arguments.concept, prompt, text) for prompt, text in _read_answers(arguments.source)]
    if arguments.json:
        listed = [
            {
                "concept": score.concept,
                "instruction": score.instruction,
                "fluency": score.fluency,
                "overall": score.overall,
                "reasons": list(score.reasons),
            }
            for score in scores
        ]
        _write(json.dumps({"scores": listed}, ensure_ascii=False))
        return 0
    _table(
        ("row", "concept", "instruction", "fluency", "overall"),
        (
            (place, one.concept, one.instruction, one.fluency, f"{one.overall:.2f}")
            for place, one in enumerate(scores, start=1)
        ),
    )
    for place, score in enumerate(scores, start=1):
        for reason in score.reasons:
            _write(f"{place}: {reason}")
    return 0


def _build(arguments: argparse.Namespace) -> int:
    from steering.world.build import build

    def tell(message: str, share: float) -> None:
        sys.stderr.write(f"{100 * share:5.1f} %  {message}\n")
        sys.stderr.flush()

    try:
        path = build(arguments.out, seed=arguments.seed, scale=arguments.scale, only=arguments.only, progress=tell)
    except OSError as error:
        raise SteeringError(f"{arguments.out} cannot be filled ({error}); choose another folder.") from error
    _write(str(path))
    return 0
