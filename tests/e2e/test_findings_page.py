"""The Findings screen in a real browser, on stored results that were drawn."""

import pytest

pytest.importorskip("playwright")

from playwright.sync_api import expect

from steering.findings.claims import CLAIMS
from tests.drawn_findings import store_findings
from tests.e2e.conftest import ROOT, picture, serve, settled


@pytest.fixture(scope="module")
def findings_url(browser, tmp_path_factory):
    """Address of the app with results for every claim and no runs."""
    folder = tmp_path_factory.mktemp("findings")
    results = store_findings(folder)
    with serve(
        ROOT / "app.py",
        folder / "server.log",
        STEERSCOPE_RESULTS=str(results),
        STEERSCOPE_RUNS=str(folder / "runs"),
        STEERSCOPE_WARM_UP="0",
    ) as url:
        yield url


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["wide-light", "narrow-dark"])
def test_findings_are_read_and_fit(findings_url, open_page, width, dark):
    page = open_page(f"{findings_url}/Findings", width=width, dark=dark)
    for number, claim in enumerate(CLAIMS, start=1):
        expect(page.get_by_role("heading", name=f"{number} · {claim.question}")).to_be_visible(timeout=30_000)
    settled(page)
    expect(page.locator(".js-plotly-plot")).to_have_count(2 * len(CLAIMS))
    section = page.locator(".st-key-finding_methods")
    expect(section).to_contain_text("On this world the supervised SAE")
    assert "**" not in page.locator('[data-testid="stMain"]').inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    picture(page, f"findings-{'dark' if dark else 'light'}-{width}")
    section.get_by_role("button", name="Run it again").click()
    expect(page.get_by_text("--claim methods")).to_be_visible()
    expect(page.get_by_role("button", name="Run it here").filter(visible=True)).to_be_enabled()
