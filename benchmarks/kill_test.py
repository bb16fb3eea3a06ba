"""Does a benchmark that is killed at random moments and resumed end with the table of an uninterrupted one?

    python -m benchmarks.kill_test --out DIR                          3 concepts x 6 methods, five SIGKILLs, two workers
    python -m benchmarks.kill_test --out DIR --seed 1 --kills 10      at other moments, and more of them

Every run is the command line's own, in a process group that is killed whole, workers included. A moment is drawn as so
many parts more than there were, none included, and a while after that, as long as a unit takes at most; a run that ends
before its moment is not killed, and the verdict says how many were. DIR keeps both runs.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from steering.benchmark.collect import DETAILS
from steering.benchmark.parts import PARTS, RESULTS

CONCEPTS = "pirate,french,wine"
POLL_SECONDS = 0.02
METHODS = "none,prompt,sae_f1c,diffmean,reft_r1,lora"


def command(arguments: argparse.Namespace, out: Path, *, resume: bool) -> list[str]:
    """The command line of a run."""
    words = [sys.executable, "-m", "steering", "benchmark", "--model", "demo", "--methods", arguments.methods]
    words += ["--concepts", arguments.concepts, "--select-prompts", "3", "--test-prompts", "4", "--n-examples", "24"]
    words += ["--workers", str(arguments.workers), "--out", str(out)]
    return [*words, "--resume"] if resume else words


def run_until(words: list[str], seconds: float | None, *, ready: Callable[[], bool] = lambda: True) -> bool:
    """Run a command, and kill its whole process group after so many seconds; whether that had to be done.

    Args:
        words: the command.
        seconds: None lets it end by itself.
        ready: the seconds count from when this holds.

    Raises:
        SystemExit: the command ended by itself and not well.
    """
    with subprocess.Popen(
        words, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            while process.poll() is None and not ready():
                time.sleep(POLL_SECONDS)
            _, told = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return True
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode != 0:
        raise SystemExit(f"A run ended with {process.returncode}: {told.strip().splitlines()[-1:]}")
    return False


def n_parts(folder: Path) -> int:
    """Finished units of a run."""
    return len(list((folder / PARTS).glob("*.parquet")))


def difference(whole: Path, resumed: Path) -> str:
    """What is not the same in the tables of two runs' folders, in a sentence; empty where nothing is."""
    first, second = (pq.read_table(path / RESULTS) for path in (whole, resumed))
    if first.schema.names != second.schema.names or len(first) != len(second):
        return f"The tables have {len(first)} and {len(second)} rows, or other columns."
    for row, (ours, theirs) in enumerate(zip(first.to_pylist(), second.to_pylist(), strict=True)):
        # As text: a missing number is like another one, and two floats that print alike are alike.
        names = [name for name in ours if repr(ours[name]) != repr(theirs[name])]
        if names:
            return f"Row {row} differs in {', '.join(names)}."
    if (whole / DETAILS).read_bytes() != (resumed / DETAILS).read_bytes():
        return f"The rows are the same and {DETAILS} is not."
    return ""


def main() -> int:
    """Run, kill, resume, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="a new folder")
    parser.add_argument("--concepts", default=CONCEPTS)
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--kills", type=int, default=5, metavar="N")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    arguments = parser.parse_args()
    whole, resumed = arguments.out / "whole", arguments.out / "killed"
    began = time.monotonic()
    run_until(command(arguments, whole, resume=False), None)
    taken = time.monotonic() - began
    n_units = n_parts(whole)
    print(f"uninterrupted: {n_units} units in {taken:.0f} s", flush=True)
    rng = np.random.default_rng(arguments.seed)
    most = max(1, n_units // (arguments.kills + 1))  # so that work is left to the last
    n_killed = 0
    for number in range(1, arguments.kills + 1):
        more, seconds = int(rng.integers(0, most, endpoint=True)), float(rng.uniform(0, taken / n_units))
        wanted = n_parts(resumed) + more
        killed = run_until(
            command(arguments, resumed, resume=resumed.exists()),
            seconds,
            ready=lambda wanted=wanted: n_parts(resumed) >= wanted,  # type: ignore[misc]
        )
        n_killed += killed
        what = "SIGKILL" if killed else "ended before its moment"
        print(
            f"{number}: {seconds:.1f} s after {wanted} parts {what}, {n_parts(resumed)} of {n_units} parts are there",
            flush=True,
        )
    run_until(command(arguments, resumed, resume=resumed.exists()), None)
    told = difference(whole, resumed)
    rows = pq.read_metadata(whole / RESULTS).num_rows
    alike = (whole / RESULTS).read_bytes() == (resumed / RESULTS).read_bytes()
    same = f"all {rows:,} rows are the same{', and the file to the byte' if alike else ''}"
    print(f"killed {n_killed} times and resumed: {told or same}")
    return 1 if told or n_killed < arguments.kills else 0


if __name__ == "__main__":
    sys.exit(main())
