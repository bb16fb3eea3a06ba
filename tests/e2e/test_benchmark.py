"""The Benchmark screen in a real browser: a stored result opens, a run goes on when its page is left, and is stopped.

The stored result is drawn, which saves computing one; the run is real, on the embedded world.
"""

import re

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from steering.benchmark.stored import store
from tests.drawn_bench import write_run
from tests.e2e.conftest import ROOT, picture, serve

JOB = 180_000


@pytest.fixture(scope="module")
def bench_url(browser, tmp_path_factory):
    """Address of an app with one stored result and no runs yet."""
    folder = tmp_path_factory.mktemp("bench")
    store(write_run(folder / "drawn"), into=folder / "results")
    variables = {"STEERSCOPE_RESULTS": str(folder / "results"), "STEERSCOPE_RUNS": str(folder / "runs")}
    with serve(ROOT / "app.py", folder / "server.log", STEERSCOPE_WARM_UP="0", **variables) as url:
        yield url


def view(page, name):
    page.get_by_role("radio", name=name).click()


@pytest.mark.usefixtures("needs_world")
def test_a_stored_result_and_a_run_of_ones_own(bench_url, open_page):
    page = open_page(bench_url)
    page.set_default_timeout(JOB)
    page.get_by_role("link", name="Benchmark").click()
    expect(page.get_by_text(re.compile("On 3 test concepts, .* scores highest"))).to_be_visible(timeout=JOB)
    expect(page.get_by_text("Home advantage")).to_be_visible(timeout=JOB)
    expect(page.locator(".st-key-benchmark_board_chart .js-plotly-plot")).to_be_visible(timeout=JOB)
    picture(page, "benchmark")
    view(page, "Concepts")
    expect(page.locator(".st-key-benchmark_front .js-plotly-plot")).to_be_visible(timeout=JOB)
    view(page, "Answers")
    expect(page.get_by_text("Why: the judge's reasons").first).to_be_visible(timeout=JOB)
    view(page, "Origin")
    with page.expect_download() as download:
        page.get_by_role("button", name="Results as CSV").click()
    assert download.value.suggested_filename == "benchmark-demo.csv"

    view(page, "New run")
    for name in ("Selection prompts", "Test prompts"):
        page.get_by_role("spinbutton", name=name).fill("1")
        page.get_by_role("spinbutton", name=name).press("Enter")
    expect(page.get_by_text(re.compile(r"16 units, 240 answers"))).to_be_visible(timeout=JOB)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text(re.compile(r"\d+ of 16 units"))).to_be_visible(timeout=JOB)
    page.get_by_role("link", name="Start").first.click()
    expect(page.get_by_text("Find it. Steer it. Check it.")).to_be_visible(timeout=JOB)
    page.get_by_role("link", name="Benchmark").click()
    expect(page.get_by_text(re.compile(r"[1-9]\d* of 16 units"))).to_be_visible(timeout=JOB)
    picture(page, "benchmark-running")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("was stopped after")).to_be_visible(timeout=JOB)
    expect(page.get_by_text("Finished units are kept")).to_be_visible(timeout=JOB)
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=JOB)
    picture(page, "benchmark-stopped")
