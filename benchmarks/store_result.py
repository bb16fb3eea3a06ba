"""Which finished run of the benchmark is to ship with the package, or to be opened by the app?

    python -m benchmarks.store_result RUN [--name benchmark-demo] [--texts none|chosen|all] [--into FOLDER]
    python -m benchmarks.store_result --print benchmark-demo     the leaderboard of a stored result

The run's folder stays as it is. With ``chosen``, prompts and texts are kept where people look: on the test half,
at the chosen factor, for the first seed.
"""

import argparse
from pathlib import Path

from steering.benchmark.planned import planned_runs
from steering.benchmark.report import as_text, report
from steering.benchmark.stored import read_stored, results_folder, store
from steering.evidence.table import COLUMNS


def main() -> None:
    """Store one run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", help="folder that was given as --out")
    parser.add_argument("--print", dest="shown", metavar="NAME", help="print the leaderboard of a stored result")
    parser.add_argument("--name", help="benchmark and more; after the model unless told")
    parser.add_argument("--texts", choices=("none", "chosen", "all"), default="chosen")
    parser.add_argument("--into", type=Path, help="folder for the file (default: with the package)")
    arguments = parser.parse_args()
    if arguments.shown is not None:
        found = read_stored((arguments.into or results_folder()) / f"{arguments.shown}.parquet")
        print(as_text(report(found.read(COLUMNS), planned=planned_runs(found.settings))))
        return
    if arguments.run is None:
        parser.error("name the folder of a run, or a stored result with --print")
    path = store(arguments.run, arguments.name, into=arguments.into, texts=arguments.texts)
    stored = read_stored(path)
    print(f"{path}: {stored.title}, {path.stat().st_size / 2**20:.1f} MiB, {len(stored.failures)} failed units")


if __name__ == "__main__":
    main()
