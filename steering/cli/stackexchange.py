"""``python -m steering stackexchange``: labelled examples from a dump of posts."""

import argparse
import sys
from pathlib import Path
from typing import Any

from steering.cli.output import Bar, check_file, unwritable, write_json
from steering.examples.findings import count

_FORMATS = (".jsonl", ".parquet")


def add_stackexchange_parser(verbs: Any) -> None:
    """Add the verb ``stackexchange`` to what ``add_subparsers`` returned."""
    parser = verbs.add_parser("stackexchange", help="labelled examples from a Stack Exchange dump: tags become labels")
    parser.add_argument("posts", type=Path, metavar="POSTS.xml", help="unpacked from the dump's .7z")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help=".jsonl or .parquet")
    parser.add_argument("--min-support", type=int, default=50, metavar="N", help="posts per tag at least (default 50)")
    parser.add_argument("--limit", type=int, metavar="N", help="stop after this many kept posts, the oldest first")
    parser.add_argument("--sample", type=float, default=1.0, metavar="SHARE", help="look at this share of the threads")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--max-chars", type=int, default=4000, metavar="N", help="cut longer texts (default 4000)")
    parser.add_argument("--keep-code", action="store_true", help="keep code blocks in the text")
    parser.add_argument("--answers", action="store_true", help="answers too, with the tags of their question")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from steering.stackexchange import DumpSettings, build_labelled_set

    settings = DumpSettings(
        min_support=arguments.min_support,
        limit=arguments.limit,
        sample=arguments.sample,
        seed=arguments.seed,
        keep_code=arguments.keep_code,
        answers=arguments.answers,
        max_chars=arguments.max_chars,
    )
    check_file(arguments.out, _FORMATS)
    bar = Bar()
    try:
        report = build_labelled_set(
            arguments.posts,
            arguments.out,
            settings,
            on_progress=lambda done, total: bar(done, total, "bytes", f"Reading {arguments.posts.name}"),
        )
    except OSError as error:
        raise unwritable(arguments.out, error) from error
    if arguments.json:
        write_json({"out": str(arguments.out)} | report.to_json())
        return 0
    sys.stdout.write(
        f"{arguments.out}: {count(report.n_examples, 'example')} ({count(report.n_questions, 'question')}, "
        f"{count(report.n_answers, 'answer')}) of {count(report.n_threads, 'thread')} with "
        f"{count(report.n_labels, 'label')}, from {count(report.n_rows, 'row')}\n"
    )
    for dropped in report.dropped:
        sys.stdout.write(f"  left out: {dropped.sentence}\n")
    sys.stdout.write(f"  {count(report.n_rare_tags, 'rare tag')} not offered, {report.n_shortened:,} texts shortened\n")
    if report.stopped_at_limit:
        sys.stdout.write("  stopped at the limit; the rest of the dump was not read\n")
    return 0
