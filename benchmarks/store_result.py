"""Which finished run of the benchmark is to ship with the package, or to be opened by the app?

    python -m benchmarks.store_result RUN [--name benchmark-demo] [--texts none|chosen|all] [--into FOLDER]
    python -m benchmarks.store_result --print benchmark-demo     its tables: leaderboard with win rates, equal doses,
                                                                 the texts, which features and factors were chosen
    python -m benchmarks.store_result --write docs/benchmark.md  write the tables of every stored result that the
                                                                 document has markers for between them

The run's folder stays as it is. With ``chosen``, prompts and texts are kept where people look: on the test half,
at the chosen factor, for the first seed.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.benchmark_tables import as_markdown
from steering.benchmark.stored import read_stored, results_folder, store, stored_results
from steering.errors import SteeringError
from steering.findings.markdown import replace_between


def write(document: Path, folder: Path | None) -> list[str]:
    """Write the tables of stored results into a document; names of those that it has markers for.

    Raises:
        SteeringError: a result cannot be read, or there are markers of none.
    """
    text = document.read_text(encoding="utf-8")
    found = [one for one in stored_results(folder) if f"<!-- {one.name} -->" in text]
    if not found:
        raise SteeringError(f"{document} has no markers of a stored result, such as <!-- benchmark-demo -->; add them.")
    for one in found:
        text = replace_between(text, one.name, as_markdown(one))
    document.write_text(text, encoding="utf-8")
    return [one.name for one in found]


def main() -> int:
    """Store one run, print a stored one, or write those that are stored into a document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", help="folder that was given as --out")
    parser.add_argument("--print", dest="shown", metavar="NAME", help="print the tables of a stored result")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write tables into a document, between its markers")
    parser.add_argument("--name", help="benchmark and more; after the model unless told")
    parser.add_argument("--texts", choices=("none", "chosen", "all"), default="chosen")
    parser.add_argument("--into", type=Path, help="folder of stored results (default: with the package)")
    arguments = parser.parse_args()
    if not (arguments.run or arguments.shown or arguments.write):
        parser.error("name the folder of a run, a stored result with --print, or a document with --write")
    try:
        if arguments.run is not None:
            path = store(arguments.run, arguments.name, into=arguments.into, texts=arguments.texts)
            one = read_stored(path)
            print(f"{path}: {one.title}, {path.stat().st_size / 2**20:.1f} MiB, {len(one.failures)} failed units")
        if arguments.shown is not None:
            print(as_markdown(read_stored((arguments.into or results_folder()) / f"{arguments.shown}.parquet")))
        if arguments.write is not None:
            print(f"{arguments.write}: {', '.join(write(arguments.write, arguments.into))}")
    except SteeringError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
