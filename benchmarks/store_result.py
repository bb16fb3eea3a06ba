"""Which finished run of the benchmark is to ship with the package, or to be opened by the app?

    python -m benchmarks.store_result RUN [--name benchmark-demo] [--texts none|chosen|all] [--into FOLDER]
    python -m benchmarks.store_result --print benchmark-demo     the leaderboard of a stored result, and which
                                                                 features and factors were chosen

The run's folder stays as it is. With ``chosen``, prompts and texts are kept where people look: on the test half,
at the chosen factor, for the first seed.
"""

import argparse
from pathlib import Path

import pandas as pd

from steering.benchmark.planned import planned_runs
from steering.benchmark.report import as_text, report
from steering.benchmark.stored import StoredResult, read_stored, results_folder, store
from steering.evidence.table import COLUMNS


def shared_features(found: StoredResult) -> str:
    """How many different features each method chose, and which one it chose for several concepts."""
    chosen: dict[str, dict[int, list[str]]] = {}
    for one in found.details():
        if one["seed"] == found.settings.seeds[0] and len(one.get("feature_ids", ())) == 1:
            chosen.setdefault(one["method"], {}).setdefault(one["feature_ids"][0], []).append(one["concept"])
    lines = ["features chosen"]
    for method, features in sorted(chosen.items()):
        several = {feature: names for feature, names in features.items() if len(names) > 1}
        told = "; ".join(f"{feature}: {', '.join(sorted(names))}" for feature, names in sorted(several.items()))
        n_concepts = sum(map(len, features.values()))
        lines.append(f"  {method}: {len(features)} features for {n_concepts} concepts. Shared: {told or 'none'}")
    return "\n".join(lines)


def edges(table: pd.DataFrame) -> str:
    """For how many concepts and seeds the chosen factor is the largest of its grid: more might have been better."""
    lines = ["largest factor of the grid chosen"]
    for method, rows in table.groupby("method", sort=True):
        if rows["factor"].nunique() > 1:
            largest = rows.groupby(["concept", "seed"])["factor"].transform("max")
            units = rows[rows["selected"] & (rows["factor"] == largest)].groupby(["concept", "seed"]).ngroups
            lines.append(f"  {method}: {units} of {rows.groupby(['concept', 'seed']).ngroups}")
    return "\n".join(lines)


def main() -> None:
    """Store one run, or print a stored one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", help="folder that was given as --out")
    parser.add_argument("--print", dest="shown", metavar="NAME", help="print the leaderboard of a stored result")
    parser.add_argument("--name", help="benchmark and more; after the model unless told")
    parser.add_argument("--texts", choices=("none", "chosen", "all"), default="chosen")
    parser.add_argument("--into", type=Path, help="folder for the file (default: with the package)")
    arguments = parser.parse_args()
    if arguments.shown is not None:
        found = read_stored((arguments.into or results_folder()) / f"{arguments.shown}.parquet")
        table = found.read(COLUMNS)
        print(as_text(report(table, planned=planned_runs(found.settings))))
        print(f"\n{shared_features(found)}\n\n{edges(table)}")
        return
    if arguments.run is None:
        parser.error("name the folder of a run, or a stored result with --print")
    path = store(arguments.run, arguments.name, into=arguments.into, texts=arguments.texts)
    stored = read_stored(path)
    print(f"{path}: {stored.title}, {path.stat().st_size / 2**20:.1f} MiB, {len(stored.failures)} failed units")


if __name__ == "__main__":
    main()
