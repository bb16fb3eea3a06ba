"""Stored results for every finding, drawn instead of computed."""

from pathlib import Path

from steering.benchmark.stored import store
from steering.findings.claims import CLAIMS, claim
from steering.findings.results import SPARSITIES
from tests.drawn_bench import settings, write_run

CONCEPTS = ("pirate", "sea", "wine", "cats", "chess")
L0 = (8, 16, 32, 64, 128)


def store_findings(folder: Path, *names: str) -> Path:
    """Results in ``folder/results`` for the claims named, all unless told."""
    results = folder / "results"
    results.mkdir(parents=True)
    wanted = names or tuple(one.name for one in CLAIMS)
    for one in (one for one in CLAIMS if one.name in wanted and one.name != "l0"):
        # In the order of the tables, as a run of all methods has them; the first two claims share a run when it ships.
        chosen = settings(model=one.model, methods=one.methods, concepts=CONCEPTS, seeds=(0,))
        store(write_run(folder / one.name, chosen), f"benchmark-{one.name}", into=results)
    if "l0" in wanted:
        for place, l0 in enumerate(L0):
            sae = f"layer2-1k-l0-{l0}"
            methods = claim("l0").methods if place == 0 else ("sae_f1c",)
            chosen = settings(sae=sae, methods=methods, concepts=CONCEPTS, seeds=(0,))
            store(write_run(folder / sae, chosen), f"benchmark-{sae}", into=results / SPARSITIES, texts="none")
    return results
