"""Prints the figures of docs/performance.md; run it as ``python -m benchmarks.figures``.

Times depend on the machine; ratios less so. Needs the embedded world; the browser figures need a Chromium.
"""

import gc
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5


def row(name: str, value: str) -> None:
    """Print one line of the table."""
    print(f"| {name} | {value} |", flush=True)


def browser_figures() -> None:
    """First paint, and until the sidebar says Ready, of a cold server."""
    from playwright.sync_api import sync_playwright

    from tests.e2e.conftest import _SWITCHES, _chromium, serve

    path = _chromium()
    if path is None:
        row("first paint, cold server", "no Chromium here")
        return
    paints, ready = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_SWITCHES))
        for _ in range(3):
            with tempfile.TemporaryDirectory() as folder, serve(ROOT / "app.py", Path(folder) / "log") as url:
                page = browser.new_page()
                began = time.perf_counter()
                page.goto(url)
                page.get_by_role("heading", name="Find it.").wait_for()
                paints.append(time.perf_counter() - began)
                while not page.locator(".st-key-model_state").get_by_text("Ready").count():
                    page.wait_for_timeout(200)
                    page.reload()
                    page.locator(".st-key-model_state").get_by_text("demo").first.wait_for()
                ready.append(time.perf_counter() - began)
                page.close()
        browser.close()
    row("first paint, cold server", f"{statistics.median(paints):.1f} s")
    row("model and SAE ready, cold server", f"{statistics.median(ready):.1f} s")


def import_figure() -> None:
    """Cold process: import, load the model and its SAE."""
    code = "from steering.workbench import open_pair\nwith open_pair('demo'): pass"
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
    row("load demo model and SAE, cold process, imports included", f"{time.perf_counter() - began:.1f} s")


def median_seconds(work: Callable[[], object]) -> float:
    """Median of a few runs, after one that does not count."""
    work()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def core_figures() -> None:
    """Ranking, steering overhead, LoRA."""
    import numpy as np

    from steering.activations import collect_statistics
    from steering.examples import build_examples, guess_mapping, table_from_frame
    from steering.generation import Condition, Sampling, generate
    from steering.interventions import FeatureEdit, Intervention
    from steering.lora import LORA_PRESETS
    from steering.prompting import suggested_prompts
    from steering.ranking import RankingSettings
    from steering.workbench import open_pair, rank_examples, train_adapter
    from steering.world.labelled import labelled_examples

    frame = labelled_examples("pirate", count=72)
    table = table_from_frame(frame, name="pirate")
    examples, _ = build_examples(table, guess_mapping(table))
    with open_pair("demo") as loaded:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = collect_statistics(loaded.model, loaded.sae, examples.texts, examples.prompts)
        tokens = int(found.n_tokens.sum())
        seconds = median_seconds(lambda: collect_statistics(loaded.model, loaded.sae, examples.texts, examples.prompts))
        row(
            f"one pass over {examples.n} examples ({tokens:,} tokens)",
            f"{seconds:.2f} s, {tokens / seconds:,.0f} tokens/s",
        )
        seconds = median_seconds(lambda: rank_examples(loaded, examples, RankingSettings()))
        row("the whole ranking, effects of 200 candidates included", f"{seconds:.2f} s")
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        row("peak memory that ranking adds", f"{grown / 1024:.0f} MiB")

        prompts = suggested_prompts("demo", 8)
        sampling = Sampling(max_new_tokens=64)
        edits = (FeatureEdit(int(np.argmax(found.max_act)), 0.5, float(found.max_act.max())),)
        conditions = {
            "baseline": Condition("baseline"),
            "add": Condition("steered", intervention=Intervention(edits)),
            "clamp": Condition("steered", intervention=Intervention(edits, mode="clamp")),
        }
        rates: dict[str, list[float]] = {name: [] for name in conditions}
        for turn in range(ROUNDS + 1):
            for name, condition in conditions.items():
                gc.collect()
                began = time.perf_counter()
                made = generate(
                    loaded.model, [condition], prompts, sae=loaded.sae, sampling=sampling, seed=turn, measured=False
                )
                rate = sum(len(one.token_ids) for one in made) / (time.perf_counter() - began)
                if turn:
                    rates[name].append(rate)
        row("baseline, 8 prompts at once", f"{statistics.median(rates['baseline']):,.0f} tokens/s")
        for name in ("add", "clamp"):
            ratios = [base / own for base, own in zip(rates["baseline"], rates[name], strict=True)]
            row(
                f"time per token, {name} / baseline",
                f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            )
        began = time.perf_counter()
        train_adapter(loaded.model, examples, examples.label_names[0], np.arange(examples.n), LORA_PRESETS["small"])
        row("LoRA on 72 positives, preset small", f"{time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    print("| figure | value |\n|---|---|")
    import_figure()
    core_figures()
    browser_figures()
