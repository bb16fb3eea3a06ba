"""``python -m steering studies``: what was saved, and what can be done with it without a browser?"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steering.cli.output import check_file, unwritable, write_json
from steering.errors import StudyError
from steering.exports.spreadsheet import inert

if TYPE_CHECKING:
    from steering.studies.library import Library
    from steering.studies.study import Study


def add_studies_parser(verbs: Any) -> None:
    """Add the verb ``studies`` to what ``add_subparsers`` returned."""
    parser = verbs.add_parser("studies", help="list, show, export, import, rename, compare, delete saved studies")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, run: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = actions.add_parser(name, help=help)
        added.add_argument("--json", action="store_true", help="for programs")
        added.set_defaults(run=run)
        return added

    listed = action("list", _list, "those that hold every word, the last changed first")
    listed.add_argument(
        "words", nargs="*", metavar="WORD", help="of title, note, model, concept; or a feature's number"
    )
    listed.add_argument("--deleted", action="store_true", help="those in the trash instead")
    action("show", _show, "one study: settings and scores").add_argument("id", metavar="ID")
    exported = action("export", _export, "write one study as a zip")
    exported.add_argument("id", metavar="ID")
    exported.add_argument("--out", type=Path, required=True, metavar="FILE.zip")
    action("import", _import, "take a study from a zip").add_argument("file", type=Path, metavar="FILE.zip")
    action("delete", _delete, "put a study into the trash").add_argument("id", metavar="ID")
    action("restore", _restore, "bring it back from the trash").add_argument("id", metavar="ID")
    emptied = action("empty-trash", _empty_trash, "take away for good what was deleted")
    emptied.add_argument("--days", type=float, default=0.0, help="only what was deleted so long ago (default 0)")
    renamed = action("rename", _rename, "give a study another title, or note")
    renamed.add_argument("id", metavar="ID")
    renamed.add_argument("title", metavar="TITLE")
    renamed.add_argument("--note", metavar="TEXT")
    duplicated = action("duplicate", _duplicate, "copy a study")
    duplicated.add_argument("id", metavar="ID")
    duplicated.add_argument("--title", metavar="TITLE")
    compared = action("compare", _compare, "in what two studies differ, and how they scored")
    compared.add_argument("first", metavar="ID")
    compared.add_argument("second", metavar="ID")
    action("votes", _votes, "what raters of a blind vote preferred").add_argument("id", metavar="ID")
    action("reindex", _reindex, "make the index anew from the folders")


def _library() -> "Library":
    from steering.studies.library import library

    return library()


def _tell(arguments: argparse.Namespace, studies: Sequence["Study"], **more: Any) -> int:
    """The studies as JSON, or a line each."""
    if arguments.json:
        write_json({"studies": [study.to_json() for study in studies], **more})
        return 0
    for study in studies:
        about = study.about
        features = ",".join(map(str, about.features)) or "-"
        cells = (study.id, study.changed[:16], about.screen, about.model, about.label, features, about.title)
        sys.stdout.write("\t".join(inert(" ".join(cell.split())) for cell in cells) + "\n")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    library = _library()
    if arguments.deleted:
        return _tell(arguments, [one.study for one in library.trash()])
    found = library.find(" ".join(arguments.words))
    for fault in library.broken() if library.root.is_dir() else []:
        sys.stderr.write(f"warning: {fault}\n")
    if elsewhere := library.elsewhere():
        sys.stderr.write(
            f"warning: {elsewhere} studies of the shared index have no files in {library.root}; share it too.\n"
        )
    if not found:
        words = f" that holds {' '.join(arguments.words)!r}" if arguments.words else ""
        sys.stderr.write(f"There is no study{words} in {library.root}.\n")
    return _tell(arguments, found)


def _show(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from steering.studies.differences import scores

    study, content = _library().open(arguments.id)
    rows = scores(content)
    if arguments.json:
        write_json(study.to_json() | {"scores": [asdict(row) for row in rows], "recipe": content.recipe})
        return 0
    about = study.about
    for name, value in (
        ("title", about.title),
        ("note", about.note),
        ("id", study.id),
        ("saved", f"{study.created}, changed {study.changed}, on {about.screen}"),
        ("model, SAE", f"{about.model}, {about.sae}"),
        ("concept", f"{about.label} in {about.examples_title}"),
        ("features", ", ".join(map(str, about.features))),
        ("size", f"{study.size:,} bytes"),
        ("versions", ", ".join(f"{package} {version}" for package, version in about.versions.items())),
    ):
        sys.stdout.write(f"{name:<11} {' '.join(value.split())}\n")
    _write_scores(rows)
    return 0


def _write_scores(rows: Sequence[Any]) -> None:
    for row in rows:
        cells = [f"{name} {value:.2f}" for name in ("overall", "concept", "instruction", "fluency", "kl")
                 if (value := getattr(row, name)) is not None]  # fmt: skip
        sys.stdout.write(f"  {row.screen:<8} {row.title:<10} {'  '.join(cells)}\n")


def _export(arguments: argparse.Namespace) -> int:
    from steering.replacing import replacing

    check_file(arguments.out, (".zip",))
    try:
        with replacing(arguments.out) as part, part.open("wb") as file:
            study = _library().export(arguments.id, file)
    except OSError as error:
        raise unwritable(arguments.out, error) from error
    return _tell(arguments, [study], file=str(arguments.out))


def _import(arguments: argparse.Namespace) -> int:
    try:
        with arguments.file.open("rb") as file:
            study, is_new = _library().take(file)
    except OSError as error:
        raise StudyError(f"{arguments.file} cannot be read ({error.strerror or error}).") from error
    if not is_new:
        sys.stderr.write("It is here already, unchanged.\n")
    return _tell(arguments, [study], new=is_new)


def _delete(arguments: argparse.Namespace) -> int:
    return _tell(arguments, [_library().delete(arguments.id)])


def _restore(arguments: argparse.Namespace) -> int:
    return _tell(arguments, [_library().restore(arguments.id)])


def _empty_trash(arguments: argparse.Namespace) -> int:
    gone = _library().empty_trash(days=arguments.days)
    if arguments.json:
        write_json({"removed": gone})
    else:
        sys.stdout.write(f"{gone} removed for good\n")
    return 0


def _rename(arguments: argparse.Namespace) -> int:
    return _tell(arguments, [_library().change(arguments.id, title=arguments.title, note=arguments.note)])


def _duplicate(arguments: argparse.Namespace) -> int:
    return _tell(arguments, [_library().duplicate(arguments.id, arguments.title)])


def _compare(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from steering.studies.differences import differences, scores

    library = _library()
    first, second = library.open(arguments.first), library.open(arguments.second)
    found, same = differences(first, second)
    rows = [scores(first[1]), scores(second[1])]
    if arguments.json:
        write_json(
            {
                "differences": [asdict(one) for one in found],
                "same": same,
                "scores": [[asdict(row) for row in part] for part in rows],
            }
        )
        return 0
    for one in found:
        sys.stdout.write(f"{one.name}: {_one_line(one.first)} | {_one_line(one.second)}\n")
    sys.stdout.write(f"{same} settings are the same\n")
    for (study, _), part in zip((first, second), rows, strict=True):
        sys.stdout.write(f"{' '.join(study.about.title.split())}\n")
        _write_scores(part)
    return 0


def _votes(arguments: argparse.Namespace) -> int:
    from steering.votes.box import all_votes
    from steering.votes.contest import open_contest
    from steering.votes.results import results_of
    from steering.votes.words import lines

    library = _library()
    contest = open_contest(library, arguments.id)
    results = results_of(contest, all_votes(library.root / arguments.id))
    if arguments.json:
        write_json({"study": arguments.id} | results.to_json())
        return 0
    for line in lines(results):
        sys.stdout.write("\t".join(inert(" ".join(cell.split())) for cell in line) + "\n")
    return 0


def _one_line(value: Any) -> str:
    """A setting on one line; a dash where a study has none."""
    return "-" if value is None else " ".join(str(value).split())


def _reindex(arguments: argparse.Namespace) -> int:
    count = _library().reindex()
    if arguments.json:
        write_json({"studies": count})
    else:
        sys.stdout.write(f"{count} studies in the index\n")
    return 0
