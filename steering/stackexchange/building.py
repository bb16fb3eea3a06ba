"""How does a dump become labelled examples, and which posts do not, and why?

1. Read row by row; keep questions (and answers, if asked for) of the sampled threads.
2. HTML to text, title in front, cut to a length; drop what is empty or nearly equals an earlier post.
3. Count how many kept posts carry each tag. Which tags are rare is known only now, so posts wait in a file.
4. Write them again without their rare tags; drop posts that have none left.
"""

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from steering.errors import ExamplesError
from steering.examples.limits import LONG_TEXT_CHARS
from steering.replacing import replacing
from steering.stackexchange.body import post_text, shorten
from steering.stackexchange.copies import SeenTexts
from steering.stackexchange.posts import Post, read_posts
from steering.stackexchange.report import DropTally, DumpReport
from steering.stackexchange.writing import RowWriter, check_format, labelled_rows

MIN_SUPPORT = 50
"""Posts that must carry a tag; the least support of a label in the paper's pipeline (arXiv 2605.31183)."""


@dataclass(frozen=True, slots=True)
class DumpSettings:
    """What is taken from a dump.

    Attributes:
        min_support: a tag becomes a label if at least this many kept posts carry it.
        limit: stop after this many kept posts, which are the oldest of the dump; None reads all of it.
        sample: share of the threads that is looked at, chosen by a hash of seed and thread; above 0, at most 1.
        seed: of the sample.
        keep_code: whether code blocks stay in the text.
        answers: whether answers become examples too, with the tags of their question. The tags of every question
            looked at are then held in memory.
        max_chars: longer texts are cut between words.
    """

    min_support: int = MIN_SUPPORT
    limit: int | None = None
    sample: float = 1.0
    seed: int = 0
    keep_code: bool = False
    answers: bool = False
    max_chars: int = LONG_TEXT_CHARS

    def __post_init__(self) -> None:
        for name, value in (("min_support", self.min_support), ("limit", self.limit), ("max_chars", self.max_chars)):
            if value is not None and value < 1:
                raise ExamplesError(f"{name} is {value}; give a whole number from 1 up.")
        if not 0 < self.sample <= 1:
            raise ExamplesError(f"The sample is {self.sample}; give a share above 0, at most 1.")


def build_labelled_set(
    path: Path,
    out: Path,
    settings: DumpSettings | None = None,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> DumpReport:
    """Write the posts of a dump as labelled examples: columns text, labels, group (the id of the thread).

    Tags are never part of the text. ``out`` appears when it is complete, and is left as it was after an error.

    Args:
        path: an unpacked ``Posts.xml``.
        out: ends in ``.jsonl`` or ``.parquet``; its folder exists and has room for twice the result.
        settings: what is taken.
        on_progress: told bytes read and bytes in all; may raise ``Cancelled``.

    Raises:
        ExamplesError: see :func:`steering.stackexchange.posts.read_posts`; or nothing is left to write.
        OSError: ``out`` cannot be written.
    """
    settings = settings or DumpSettings()
    check_format(out)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
        waiting = Path(folder) / "posts.jsonl"
        with labelled_rows(waiting, ".jsonl") as write:
            kept = _collect(path, settings, write, on_progress)
        labels = {tag for tag, n in kept.support.items() if n >= settings.min_support}
        if not labels:
            raise ExamplesError(_nothing_left(path, kept, settings))
        with replacing(out) as part, labelled_rows(part, out.suffix) as write:
            return _without_rare_tags(waiting, write, path.name, kept, labels)


@dataclass(slots=True)
class _Kept:
    """What the first reading leaves behind."""

    support: Counter[str]
    tally: DropTally
    n_rows: int = 0
    n_posts: int = 0
    stopped: bool = False


def _collect(
    path: Path, settings: DumpSettings, write: RowWriter, on_progress: Callable[[int, int], None] | None
) -> _Kept:
    """Steps 1 to 3; rows are written with all their tags, and with kind and length beside the thread."""
    kept = _Kept(Counter(), DropTally())
    seen = SeenTexts()
    tags_of_thread: dict[int, tuple[str, ...]] = {}
    for post in read_posts(path, on_progress=on_progress):
        kept.n_rows = post.row
        if not isinstance(post, Post):
            kept.tally.add(post.reason, post.row)
            continue
        if post.kind == "answer" and not settings.answers:
            kept.tally.add("answer", post.row)
            continue
        if not _in_sample(post.thread, settings):
            kept.tally.add("not_sampled", post.row)
            continue
        tags = post.tags if post.kind == "question" else tags_of_thread.get(post.thread, ())
        if not tags:
            kept.tally.add("untagged" if post.kind == "question" else "orphan", post.row)
            continue
        if settings.answers and post.kind == "question":
            tags_of_thread[post.thread] = tags
        try:
            body = post_text(post.body, keep_code=settings.keep_code)
        except ExamplesError:
            kept.tally.add("nested_too_deep", post.row)
            continue
        text = "\n".join(part for part in (post.title, body) if part)
        if not text.strip():
            kept.tally.add("empty_text", post.row)
            continue
        short = shorten(text, settings.max_chars)
        if seen.is_copy(short):
            kept.tally.add("near_duplicate", post.row)
            continue
        write(short, tags, f"{post.thread} {post.kind} {int(len(text) > len(short))}")
        kept.support.update(tags)
        kept.n_posts += 1
        if settings.limit is not None and kept.n_posts == settings.limit:
            kept.stopped = True
            break
    return kept


def _without_rare_tags(waiting: Path, write: RowWriter, source: str, kept: _Kept, labels: set[str]) -> DumpReport:
    """Step 4."""
    n_kind = Counter[str]()
    n_shortened = 0
    threads: set[str] = set()
    with waiting.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            thread, kind, shortened = row["group"].split()
            tags = [tag for tag in row["labels"] if tag in labels]
            if not tags:
                kept.tally.add("rare_tags")
                continue
            write(row["text"], tags, thread)
            n_kind[kind] += 1
            n_shortened += int(shortened)
            threads.add(thread)
    return DumpReport(
        source=source,
        n_rows=kept.n_rows,
        n_questions=n_kind["question"],
        n_answers=n_kind["answer"],
        n_threads=len(threads),
        n_labels=len(labels),
        n_rare_tags=len(kept.support) - len(labels),
        n_shortened=n_shortened,
        stopped_at_limit=kept.stopped,
        dropped=kept.tally.result(),
    )


def _in_sample(thread: int, settings: DumpSettings) -> bool:
    if settings.sample == 1:
        return True
    digest = hashlib.blake2b(f"{settings.seed} {thread}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < settings.sample * 2**64


def _nothing_left(path: Path, kept: _Kept, settings: DumpSettings) -> str:
    if kept.n_posts:
        tag, n = kept.support.most_common(1)[0]
        return (
            f"No tag of {path.name} is carried by {settings.min_support} posts (the most frequent, '{tag}', by {n}); "
            "lower the least support, or read more posts."
        )
    reasons = "; ".join(dropped.sentence for dropped in kept.tally.result()) or "it has no rows"
    return f"No post of {path.name} can be used: {reasons}."
