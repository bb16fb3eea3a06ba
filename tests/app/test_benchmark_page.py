"""The Benchmark screen in AppTest: its numbers are the evidence's, and a real run is started, stopped and resumed."""

import re
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from steering import runtime
from steering.benchmark.board import Choice, standing
from steering.benchmark.parts import RESULTS
from steering.benchmark.planned import splits_of
from steering.benchmark.report import report
from steering.benchmark.runs import read_run, runs
from steering.benchmark.settings import Unit
from steering.benchmark.stored import read_stored, store
from steering.jobs import JobState
from tests.drawn_bench import SETTINGS, settings, write_run

PAGE = "pages/5_Benchmark.py"
TESTED = {name for name, split in splits_of(SETTINGS).items() if split == "test"}
LOST = (Unit("wine", 0, "sae_f1c"), Unit("wine", 1, "sae_f1c"))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of which two units failed."""
    return write_run(tmp_path_factory.mktemp("drawn") / "out", failing=LOST)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty folders for stored results and runs, ``results`` and ``runs``."""
    for name in ("results", "runs"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(f"STEERSCOPE_{name.upper()}", str(tmp_path / name))
    return tmp_path


@pytest.fixture
def stored(places: Path, drawn: Path) -> Path:
    return store(drawn, into=places / "results")


def show(app: AppTest, view: str) -> AppTest:
    # The first question to the judge builds its grammar: seconds, more on a busy machine.
    return app.segmented_control(key="benchmark_view").set_value(view).run(timeout=120)


def frame(app: AppTest, column: str):
    return next(one.value for one in app.dataframe if column in one.value.columns)


def texts(app: AppTest) -> str:
    """All that is said, without what keeps it from being read as Markdown."""
    said = [
        *app.main.markdown,
        *app.main.caption,
        *app.main.info,
        *app.main.warning,
        *app.main.error,
        *app.main.success,
    ]
    return "\n".join(one.value for one in said).replace("\\", "")


def until_idle(app: AppTest, seconds: float = 240) -> AppTest:
    deadline = time.monotonic() + seconds
    while runtime.jobs().active():
        assert time.monotonic() < deadline, "a run did not end"
        runtime.jobs().wait_idle(2.0)
    return app.run()


def test_without_results_the_page_offers_a_run(places, open_app):
    app = open_app(PAGE)
    assert not app.exception
    assert "No result yet" in texts(app)
    assert app.button(key="benchmark_start").label == "Start"


def test_the_leaderboard_is_the_evidence(stored, drawn, open_app):
    app = open_app(PAGE)
    assert not app.exception
    assert not app.error
    table = frame(app, "Overall")
    from ui.benchmark_style import titled

    whole = report(read_stored(stored).read(), reference="sae_f1c")
    wanted = whole[whole["split"] == "test"].reset_index(drop=True)
    assert table["Method"].tolist() == [titled(name) for name in wanted["method"]]
    assert table["Overall"].tolist() == pytest.approx(wanted["score"].tolist())
    assert table["Concept"].tolist() == pytest.approx(wanted["concept_score"].tolist())
    assert table["KL"].tolist() == pytest.approx(wanted["kl"].tolist())
    for shown, row in zip(table["95 % interval"], wanted.itertuples(), strict=True):
        assert shown == ("–" if row.low != row.low else f"{row.low:.2f} – {row.high:.2f}")
    assert (table["95 % interval"] != "–").any()
    rates = table["Win rate"].dropna() / 100
    assert rates.tolist() == pytest.approx(wanted["win_rate"].dropna().tolist())
    failed = dict(zip(table["Method"], table["Failed"], strict=True))
    assert failed[titled("sae_f1c")] == pytest.approx(100 / 3)
    assert failed[titled("prompt")] == 0
    assert "Home advantage" in texts(app)
    assert "it scores as the untouched model does" in texts(app)
    first = wanted.iloc[0]
    assert f"On 3 test concepts, **{titled(first['method'])}** scores highest: {first['score']:.2f} of 2" in texts(app)
    assert len(app.get("plotly_chart")) == 1


def test_what_the_texts_are_like_stands_below_the_leaderboard(stored, drawn, open_app):
    app = open_app(PAGE)
    shown = frame(app, "Distinct-2").set_index("Method")
    found = read_stored(stored).text_table()
    rows = found[found["concept"].isin(list(TESTED))]
    means = rows.groupby(["method", "concept"])[["distinct_2", "looping", "nothing"]].mean().groupby("method").mean()
    from ui.benchmark_style import titled

    for name in SETTINGS.methods:
        assert shown.loc[titled(name), "Distinct-2"] == pytest.approx(means.loc[name, "distinct_2"])
        assert shown.loc[titled(name), "Loops"] == pytest.approx(100 * means.loc[name, "looping"])
        assert shown.loc[titled(name), "Nothing"] == pytest.approx(100 * means.loc[name, "nothing"])


@pytest.mark.usefixtures("needs_world")
def test_a_runs_texts_are_searched_for_other_concepts_when_asked(places, open_app):
    write_run(places / "runs" / "mine", settings(methods=("none", "prompt"), concepts=("wine", "chess"), seeds=(0,)))
    app = open_app(PAGE)
    assert "On target" not in frame(app, "Distinct-2").columns
    app.button(key="benchmark_texts_read").click().run(timeout=120)
    assert not app.exception
    assert frame(app, "On target")["Nothing"].tolist() == [100, 100], "drawn answers carry no concept of the world"
    assert not [button for button in app.button if button.key == "benchmark_texts_read"]


def test_replies_that_were_no_ratings_are_told(places, open_app):
    from steering.benchmark.parts import read_folder

    judge = "python:tests.unit.benchmark.stub_judge:StubJudge"
    path = write_run(places / "runs" / "mine", settings(judge=judge, seeds=(0,)))
    read_folder(path).write_replies({"rated": 995, "unparsable": 3, "refused": 2})
    app = open_app(PAGE)
    told = "995 of 1,000 replies of the judge are ratings; 3 could not be read, 2 were refused"
    assert told in texts(app)
    show(app, "origin")
    assert any(told in str(cell).replace("\\", "") for one in app.table for cell in one.value.to_numpy().ravel())


@pytest.mark.usefixtures("needs_world")
def test_a_language_model_can_judge_where_the_operator_has_a_key(places, open_app, monkeypatch):
    monkeypatch.setenv("STEERSCOPE_JUDGE_API_KEY", "sk-very-secret-0123456789")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://judge.example/v1")
    app = open_app(PAGE)
    app.selectbox(key="benchmark_new_judge").set_value("model").run()
    assert "Name the judge's model" in texts(app)
    assert not app.error
    app.text_input(key="benchmark_new_judge_model").set_value("stub-1").run()
    assert "3,600 requests for 3,600 ratings" in texts(app)
    assert "no prices given" in texts(app)
    app.number_input(key="benchmark_new_price_read").set_value(1000.0)
    app.number_input(key="benchmark_new_price_written").set_value(1000.0).run()
    assert re.search(r"about [\d,]+\.\d\d at the prices given", texts(app))
    command = next(one.value for one in app.code)
    assert "--judge openai:stub-1@https://judge.example/v1" in command
    assert "secret" not in texts(app) + command


@pytest.mark.usefixtures("needs_world")
def test_without_a_key_the_worlds_judge_is_the_only_one(places, open_app, monkeypatch):
    for name in ("STEERSCOPE_JUDGE_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    assert open_app(PAGE).selectbox(key="benchmark_new_judge").options == ["The world's own judge (ground truth)"]


def test_split_factor_and_seeds_change_the_numbers(stored, open_app):
    app = open_app(PAGE)
    id = "stored:benchmark-demo"
    table = read_stored(stored).read()

    def expect(choice: Choice) -> None:
        shown = frame(app, "Overall")["Overall"].tolist()
        assert shown == pytest.approx(standing(table, choice, n_resamples=20).table["score"].tolist())

    chosen = Choice("test", (0, 1), SETTINGS.methods)
    expect(chosen)
    app.segmented_control(key=f"benchmark_factor_{id}").set_value("oracle").run()
    expect(Choice("test", (0, 1), SETTINGS.methods, "oracle"))
    assert "chosen on the test prompts themselves" in texts(app)
    app.segmented_control(key=f"benchmark_factor_{id}").set_value("dose").run()
    app.selectbox(key=f"benchmark_dose_{id}").select("prompt").run()
    expect(Choice("test", (0, 1), SETTINGS.methods, "dose", None, "prompt"))
    assert "1 concept left out" in texts(app)
    app.segmented_control(key=f"benchmark_factor_{id}").set_value("chosen").run()
    app.segmented_control(key=f"benchmark_split_{id}").set_value("development").run()
    expect(Choice("development", (0, 1), SETTINGS.methods))
    app.pills(key=f"benchmark_seeds_{id}").set_value([1]).run()
    expect(Choice("development", (1,), SETTINGS.methods))
    app.pills(key=f"benchmark_seeds_{id}").set_value([]).run()
    assert not app.exception
    assert "choose others" in app.error[0].value


def test_curves_answers_and_origin_open(stored, open_app):
    app = open_app(PAGE)
    show(app, "concepts")
    assert not app.exception
    assert not app.error
    assert len(app.get("plotly_chart")) == 3
    assert frame(app, "concept")["concept"].tolist() == ["cats", "chess", "wine"]
    app.selectbox(key="benchmark_concept_stored:benchmark-demo_test").select("cats").run()
    assert not app.exception
    assert "**cats** at the chosen factors" in texts(app)
    show(app, "answers")
    assert not app.exception
    assert "Answer of diffmean on cats, seed 0 to prompt" in texts(app)
    assert "No sentence carries cats" in texts(app), "the judge is asked again"
    assert "Today's judge says" in texts(app), "drawn ratings are not the judge's"
    show(app, "origin")
    assert not app.exception
    assert "Units without a result" in texts(app)
    assert frame(app, "why")["concept"].tolist() == ["wine", "wine"]
    assert "with an SAE that is not among those" in texts(app), "the drawn run names no SAE of the world"
    assert any("--select-prompts 2" in one.value for one in app.code)
    names = {button.label for button in app.get("download_button")}
    assert {"Results as Parquet", "Results as CSV", "Manifest"} <= names


def test_a_result_without_texts_says_so(places, drawn, open_app):
    store(drawn, into=places / "results", texts="none")
    app = show(open_app(PAGE), "answers")
    assert not app.exception
    assert "Only the numbers of this stored result were kept" in texts(app)


def test_an_unfinished_run_shows_its_whole_concepts(places, open_app):
    left = [unit for unit in SETTINGS.units() if unit.concept == "wine" and unit.method == "diffmean"]
    write_run(places / "runs" / "mine", unfinished=left)
    app = open_app(PAGE)
    assert not app.exception
    assert "Interrupted** after 46 of 48 units" in texts(app)
    assert "2 units of 48 to go" in texts(app)
    assert "5 of 6 so far" in texts(app)
    assert "On 2 test concepts" in texts(app)
    assert "there are no intervals" in texts(app)
    assert any("--resume" in one.value for one in app.code)


def test_a_folder_that_is_no_run_is_named_and_the_rest_is_shown(places, stored, open_app):
    (places / "runs" / "broken").mkdir()
    (places / "runs" / "broken" / "manifest.json").write_text("{")
    app = open_app(PAGE)
    assert not app.exception
    assert "broken holds no benchmark" in texts(app)
    assert len(frame(app, "Overall")) == 4


def test_a_broken_stored_result_is_one_sentence(places, open_app):
    (places / "results" / "benchmark-demo.parquet").write_bytes(b"no parquet")
    app = open_app(PAGE)
    assert not app.exception
    assert "cannot be read" in app.error[0].value.replace("\\", "")


def test_the_estimate_follows_the_form(places, open_app):
    app = open_app(PAGE)
    assert "**16 units**, 1,200 answers" in texts(app)
    assert "reckoned from 9 s for a whole unit on one core" in texts(app)
    command = next(one.value for one in app.code)
    assert "--concepts pirate,formal,sea,money --seed 0 --select-prompts 4 --test-prompts 6" in command
    app.multiselect(key="benchmark_new_concepts_quick").set_value([]).run()
    assert not app.exception
    assert "name at least one" in app.error[0].value.replace("\\", "")
    assert not [button for button in app.button if button.key == "benchmark_start"]


def small(app: AppTest) -> AppTest:
    """As little as can be run: two units of one concept."""
    app.multiselect(key="benchmark_new_methods_quick").set_value(["prompt", "none"])
    app.multiselect(key="benchmark_new_concepts_quick").set_value(["sea"])
    app.number_input(key="benchmark_new_select_quick").set_value(1)
    app.number_input(key="benchmark_new_test_quick").set_value(1)
    app.number_input(key="benchmark_new_tokens").set_value(8)
    return app.run()


@pytest.mark.usefixtures("needs_world")
def test_a_tiny_run_starts_finishes_and_is_shown(places, stored, open_app):
    """Beside a stored result: the run is shown as soon as it has a folder, which is after the page was drawn again."""
    app = small(show(open_app(PAGE), "new"))
    app.button(key="benchmark_start").click().run()
    assert not app.exception
    (job,) = runtime.jobs().active(kind="benchmark")
    assert any(button.label == "Cancel" for button in app.button), "the run is followed"
    until_idle(app)
    assert not app.exception
    assert job.state is JobState.DONE, job.error
    (run,) = runs()[0]
    assert run.settings == settings(
        methods=("prompt", "none"), concepts=("sea",), seeds=(0,), n_select=1, n_test=1, max_new_tokens=8,
        sae=run.settings.sae, positions="sentence_ends",
    )  # fmt: skip
    assert (run.n_left, run.failures) == (0, ())
    assert "is finished after" in texts(app)
    assert sorted(frame(app, "Overall")["Method"]) == ["Prompt", "Untouched model (control)"]
    show(app, "answers")
    assert not app.exception
    assert "Why: the judge's reasons" in [one.label for one in app.expander]


@pytest.mark.usefixtures("needs_world")
def test_a_run_is_cancelled_kept_and_resumed(places, open_app):
    app = small(open_app(PAGE))
    app.multiselect(key="benchmark_new_methods_quick").set_value(["prompt", "none", "diffmean"]).run()
    app.button(key="benchmark_start").click().run()
    (job,) = runtime.jobs().active(kind="benchmark")
    deadline = time.monotonic() + 200
    while job.progress.done < 1:
        assert job.active, job.error
        assert time.monotonic() < deadline, "no unit was finished"
        time.sleep(0.05)
    job.cancel()
    until_idle(app)
    assert job.state is JobState.CANCELLED
    (run,) = runs()[0]
    kept = {path: path.read_bytes() for path in (run.path / "parts").iterdir()}
    assert 1 <= len(run.finished) < 3
    assert "was stopped after" in texts(app)
    assert "Interrupted" in texts(app)
    assert "nothing to compare yet" in texts(app)
    assert not app.error, "a run that was stopped is nobody's mistake"
    app.button(key="benchmark_resume").click().run()
    assert not app.exception
    until_idle(app)
    run = read_run(run.path)
    assert run.n_left == 0
    assert (run.path / RESULTS).exists()
    assert all(path.read_bytes() == data for path, data in kept.items()), "what was finished is kept as it was"
    assert not [button for button in app.button if button.key == "benchmark_resume"]


@pytest.mark.usefixtures("needs_world")
def test_a_run_that_cannot_go_on_says_why(places, open_app):
    left = [unit for unit in SETTINGS.units() if unit.concept == "wine"]
    path = write_run(places / "runs" / "mine", unfinished=left)
    manifest = path / "manifest.json"
    # As if the prompts had changed since: the key of every part and of the manifest says so.
    manifest.write_text(re.sub(r'"inputs": "\w+"', '"inputs": "other"', manifest.read_text()))
    app = open_app(PAGE)
    assert not app.exception
    assert "changed by hand" in texts(app)


@pytest.mark.usefixtures("needs_world")
def test_a_failing_run_is_one_sentence(places, open_app, monkeypatch):
    monkeypatch.setattr("ui.benchmark_start.new_path", lambda _: places / "results" / "file" / "run")
    (places / "results" / "file").write_text("in the way")
    app = small(open_app(PAGE))
    app.button(key="benchmark_start").click().run()
    until_idle(app)
    assert not app.exception
    job = runtime.jobs().get(next(iter(app.session_state["steerscope.jobs"].values())))
    assert job.state is JobState.FAILED
    assert not job.is_bug, job.traceback
    assert any(job.error == one.value.replace("\\", "") for one in app.error)
