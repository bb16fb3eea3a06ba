"""What became of the paper's claims on the embedded world? Computes, stores and prints the findings.

    python -m benchmarks.findings --claim l0 --out DIR --workers 2           compute what is missing, print the finding
    python -m benchmarks.findings --claim l0 --out DIR --workers 2 --store   and ship its results with the package
    python -m benchmarks.findings --print                                    print the findings of what is shipped
    python -m benchmarks.findings --write docs/findings.md                   write them between the document's markers

Claims are methods, filters, l0 and gpt2. An interrupted run goes on when the command is given again. The result that
ships for methods and filters is one run of every method: --claim methods --all-methods.
"""

import argparse
import sys
from pathlib import Path

from steering.benchmark.stored import results_folder
from steering.cli.output import Bar
from steering.errors import SteeringError
from steering.findings.claims import CLAIMS, Claim, claim
from steering.findings.markdown import as_markdown, replace_between
from steering.findings.results import answer, stored_for
from steering.findings.running import folder_name, n_units, run_claim, runs_of, store_claim
from steering.methods.registry import METHOD_NAMES

MISSING = "No result is stored yet: `python -m benchmarks.findings --claim {0} --out DIR --store` makes it."


def compute(arguments: argparse.Namespace) -> None:
    """Run a claim's benchmark, print its finding, and store its results if asked."""
    asked = claim(arguments.claim)
    if arguments.all_methods and asked.name == "l0":
        raise SteeringError("The claim l0 compares SAEs by one method; leave --all-methods out.")
    runs = runs_of(
        asked,
        "quick" if arguments.quick else "whole",
        methods=METHOD_NAMES if arguments.all_methods else None,
        seeds=arguments.seed,
    )
    out = arguments.out / folder_name(asked, runs)
    print(f"{n_units(runs)} units in {len(runs)} runs, in {out}", file=sys.stderr)
    results = run_claim(asked, runs, out, take_from=arguments.take_from, workers=arguments.workers, on_progress=Bar())
    print(as_markdown(asked, answer(asked, results), results))
    if arguments.store:
        stored = store_claim(asked, runs, out, arguments.into or results_folder())
        for one in stored:
            print(f"{one.path}: {one.path.stat().st_size / 2**20:.2f} MiB, {len(one.failures)} failed units")


def told(one: Claim, folder: Path | None) -> str:
    """A shipped finding, or that there is none."""
    results = stored_for(one, folder)
    if not results:
        return f"### {one.question}\n\n{MISSING.format(one.name)}"
    return as_markdown(one, answer(one, results), results)


def main() -> int:
    """Compute, print or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claim", choices=[one.name for one in CLAIMS], help="which claim to compute")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the runs; each claim and size has its own")
    parser.add_argument(
        "--take-from",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="finished or unfinished runs of the claim with other seeds or methods, whose parts are taken",
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default 1)")
    parser.add_argument("--seed", type=int, action="append", metavar="N", help="may be given several times")
    parser.add_argument("--quick", action="store_true", help="a few concepts and prompts, one seed")
    parser.add_argument("--all-methods", action="store_true", help="every method, not the claim's own alone")
    parser.add_argument("--store", action="store_true", help="store the results where the app finds them")
    parser.add_argument("--into", type=Path, metavar="DIR", help="folder of stored results (default: with the package)")
    parser.add_argument("--print", action="store_true", dest="show", help="print the findings of stored results")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write them into a document")
    arguments = parser.parse_args()
    try:
        if arguments.claim and arguments.out:
            compute(arguments)
        elif arguments.claim or arguments.out:
            raise SteeringError("Give --claim and --out together.")
        elif not (arguments.show or arguments.write):
            parser.print_help()
        if arguments.show:
            print("\n\n".join(told(one, arguments.into) for one in CLAIMS))
        if arguments.write:
            text = arguments.write.read_text(encoding="utf-8")
            for one in CLAIMS:
                text = replace_between(text, one.name, told(one, arguments.into))
            arguments.write.write_text(text, encoding="utf-8")
    except SteeringError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; give the same command again to go on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
