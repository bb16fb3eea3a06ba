"""The frame: every page has it, opened any way; the first paint waits for nothing heavy; text stays text."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from steering import runtime
from steering.presets import model_key
from ui.frame import STEPS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "pages").glob("*.py"))
TITLES = [f"{number} · {step.title}" for number, step in enumerate(STEPS, start=1)]


def menu(app: AppTest) -> list[str]:
    """Labels of the menu, linked or not."""
    linked = [link.proto.label for link in app.sidebar.get("page_link")]
    return linked + [text.value.split("&nbsp;")[-1].split(": ")[-1] for text in app.sidebar.markdown]


def test_the_landing_page_says_what_it_is_and_offers_a_start(open_app):
    app = open_app()
    assert not app.exception
    assert app.title[0].value == "Find it. Steer it. Check it."
    assert "Bring your own examples" in [button.label for button in app.button]
    assert set(TITLES) <= set(menu(app))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_the_frame_when_opened_alone(page, open_alone):
    app = open_alone(page)
    assert not app.exception
    assert app.title[0].value
    assert set(TITLES) <= set(menu(app))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_the_frame_when_switched_to(page, open_app):
    app = open_app(page)
    assert not app.exception
    assert app.title[0].value
    assert set(TITLES) <= set(menu(app))


def test_a_page_begun_with_open_page_works_alone():
    """The rule that ADR 0001 rests on, on a page of our own making."""

    def page():
        from ui.frame import empty_state, next_step, open_page

        open_page("Features", lead="One sentence.")
        empty_state("Nothing here yet.", "pages/1_Examples.py", "Choose examples")
        next_step("pages/3_Steer.py", "Steer", ready=False, why_not="Choose a feature first.", key="next")

    app = AppTest.from_function(page, default_timeout=20).run()
    assert not app.exception
    assert app.title[0].value == "Features"
    assert set(TITLES) <= set(menu(app))
    assert app.button(key="next").disabled


def test_the_menu_says_what_was_chosen_and_never_reads_it_as_markdown(open_app):
    app = open_app(examples_id="x", examples_title="![x](http://evil.example/x.png) :red[hot] $x$")
    captions = [caption.value for caption in app.sidebar.caption]
    (mine,) = [caption for caption in captions if "evil" in caption]
    assert "check_circle" in mine
    assert r"\!\[x\]\(http\:\/\/evil\.example" in mine
    assert r"\:red\[hot\] \$x\$" in mine


def test_ready_is_said_of_a_model_that_is_loaded_and_of_no_other(open_app):
    def state(app: AppTest) -> str:
        return " ".join(caption.value for caption in app.sidebar.caption)

    app = open_app()
    assert "Loads at first use" in state(app)
    with runtime.lease("model", model_key("demo"), lambda: SimpleNamespace(n_bytes=26_400_000)):
        pass
    assert "Ready, 25 MiB in memory" in state(app.run())
    app.session_state["steerscope.model"] = "gpt2"
    assert "Ready" not in state(app.run())
    assert "Loads at first use" in state(app)


def test_update_menu_shows_what_the_page_has_just_chosen():
    def page():
        from ui.frame import open_page, update_menu
        from ui.state import chosen

        open_page("Examples")
        chosen.examples_id, chosen.examples_title = "x", "weather"
        update_menu()

    app = AppTest.from_function(page, default_timeout=20).run()
    assert any("weather" in caption.value for caption in app.sidebar.caption)
    assert not any("Bring labelled texts" in caption.value for caption in app.sidebar.caption)


@pytest.mark.parametrize("script", ["app.py", *PAGES])
def test_the_first_paint_imports_nothing_heavy(script):
    code = (
        "import sys; from streamlit.testing.v1 import AppTest; "
        f"app = AppTest.from_file({str(ROOT / script)!r}, default_timeout=30).run(); "
        "assert not app.exception, app.exception; "
        "print('HEAVY', [m for m in ('torch', 'transformers', 'sae_lens', 'peft') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": "/tmp", "STEERSCOPE_WARM_UP": "0", "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "HEAVY []" in done.stdout


def test_no_unsafe_html_anywhere():
    words = (
        "unsafe_allow_html",
        "unsafe_allow_javascript",
        "innerHTML",
        "insertAdjacentHTML",
        "components.v1",
        "eval(",
    )
    files = [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(p for p in (ROOT / "ui").rglob("*") if p.is_file())]
    sources = [path for path in files if path.suffix in {".py", ".js", ".css", ".svg"}]
    assert len(sources) > 10
    found = [(path.name, word) for path in sources for word in words if word in path.read_text(encoding="utf-8")]
    assert found == []


def test_samples_are_one_click_away_and_a_broken_one_says_why(open_app, monkeypatch):
    from steering.errors import WorldError
    from ui import start

    def fails(id):
        raise WorldError(f"Sample {id} does not match its manifest.")

    monkeypatch.setattr(
        start, "samples", lambda: [start.Sample("w", "Weather", "400 texts"), start.Sample("f", "Food", "x")]
    )
    monkeypatch.setattr(start, "open_sample", fails)
    app = open_app()
    # The worked studies below have buttons of their own.
    first = [button.label for button in app.main.button if not str(button.key).startswith("example_")]
    assert first == ["Weather", "Food", "Bring your own examples"]
    app.button(key="sample_w").click().run()
    assert not app.exception
    assert app.error[0].value == r"Sample w does not match its manifest\."
    assert app.title[0].value == "Find it. Steer it. Check it."
