"""Which finished run of the benchmark is to ship with the package, or to be opened by the app?

    python -m benchmarks.store_result RUN [--name benchmark-demo] [--texts none|chosen|all] [--into FOLDER]

The run's folder stays as it is. With ``chosen``, prompts and texts are kept where people look: on the test half,
at the chosen factor, for the first seed.
"""

import argparse
from pathlib import Path

from steering.benchmark.stored import read_stored, store


def main() -> None:
    """Store one run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder that was given as --out")
    parser.add_argument("--name", help="benchmark and more; after the model unless told")
    parser.add_argument("--texts", choices=("none", "chosen", "all"), default="chosen")
    parser.add_argument("--into", type=Path, help="folder for the file (default: with the package)")
    arguments = parser.parse_args()
    path = store(arguments.run, arguments.name, into=arguments.into, texts=arguments.texts)
    stored = read_stored(path)
    print(f"{path}: {stored.title}, {path.stat().st_size / 2**20:.1f} MiB, {len(stored.failures)} failed units")


if __name__ == "__main__":
    main()
