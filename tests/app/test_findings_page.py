"""The Findings screen on stored results that were drawn, in a folder made for the test."""

import json
import threading

import pytest

from steering import runtime
from steering.benchmark.stored import store
from steering.findings import running
from steering.findings.claims import CLAIMS, claim
from steering.findings.results import answer, stored_for
from tests.drawn_bench import settings, write_run
from tests.drawn_findings import CONCEPTS, store_findings
from ui.findings_charts import by_l0, differences, scores
from ui.findings_view import emphasised
from ui.text import plain

PAGE = "pages/6_Findings.py"
SOON = 20.0


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return store_findings(tmp_path_factory.mktemp("findings"))


@pytest.fixture
def empty(monkeypatch, tmp_path):
    monkeypatch.setenv("STEERSCOPE_RESULTS", str(tmp_path / "no results"))
    monkeypatch.setenv("STEERSCOPE_RUNS", str(tmp_path / "runs"))
    return tmp_path


@pytest.fixture
def full(empty, monkeypatch, results):
    monkeypatch.setenv("STEERSCOPE_RESULTS", str(results))
    return empty


def markdown(app) -> str:
    """Everything that is written, without what makes it bold."""
    return "\n".join(one.value.replace("**", "") for one in app.markdown)


def test_every_question_stands_with_its_computed_verdict(full, results, open_app):
    app = open_app(PAGE)
    assert not app.exception
    assert [one.value for one in app.subheader] == [
        f"{number} · {one.question}" for number, one in enumerate(CLAIMS, start=1)
    ]
    for one in CLAIMS:
        verdict = answer(one, stored_for(one, results)).verdict
        assert plain(verdict) in markdown(app)
    assert len(app.get("plotly_chart")) == 2 * len(CLAIMS)
    told = [caption.value for caption in app.caption]
    assert sum("completions scored at factors that were chosen on other prompts" in one for one in told) == 4


def test_provenance_caveats_and_command_stand_with_each(full, open_app):
    app = open_app(PAGE)
    popovers = [one.proto.popover.label for one in app.get("popover")]
    assert popovers[:12] == ["What to keep in mind", "Where it comes from", "Run it again"] * 4
    assert "at home on this world" in markdown(app)
    assert "Model demo \\(weights w\\)" in markdown(app)
    commands = [one.value for one in app.code]
    assert [one.split()[4] for one in commands] == [one.name for one in CLAIMS]
    assert all(
        one.startswith("python -m benchmarks.findings --claim ") and one.endswith(" --quick") for one in commands
    )
    app.segmented_control(key="finding_size_l0").set_value("whole").run()
    assert not app.code[2].value.endswith("--quick")


def test_without_stored_results_the_screen_says_so_and_offers_the_run(empty, open_alone):
    app = open_alone(PAGE)
    assert not app.exception
    assert not app.error
    assert sum("No result for this question is stored" in one.value for one in app.info) == 4
    assert not app.get("plotly_chart")
    assert [app.button(key=f"finding_run_{one.name}").label for one in CLAIMS] == ["Run it here"] * 4


def test_a_broken_file_is_a_message_and_the_run_is_still_offered(empty, monkeypatch, open_app):
    place = empty / "broken"
    place.mkdir()
    (place / "benchmark-x.parquet").write_bytes(b"no parquet")
    monkeypatch.setenv("STEERSCOPE_RESULTS", str(place))
    app = open_app(PAGE)
    assert not app.exception
    assert "cannot be read" in app.error[0].value
    assert app.button(key="finding_run_methods").label == "Run it here"


def test_a_run_of_ones_own_stands_beside_the_stored_one(full, open_app, monkeypatch):
    """The button queues the claim's quick runs; what they leave is shown, and is still there in another session."""
    runtime.jobs()._on_worker_start = None
    asked = []

    def compute(settings, out, **options):
        """In the place of the benchmark: the rows are drawn."""
        from steering.benchmark.runner import Summary

        asked.append((settings.n_units, options["apart"]))
        write_run(out, settings)
        options["on_progress"](settings.n_units, settings.n_units, "units", "Benchmark")
        return Summary(out, settings.n_units, settings.n_units, 0, (), out / "results.parquet")

    monkeypatch.setattr("steering.benchmark.runner.run_benchmark", compute)
    app = open_app(PAGE)
    app.button(key="finding_run_methods").click().run()
    assert runtime.jobs().wait_idle(SOON)
    app.run()
    assert not app.exception
    assert asked == [(running.n_units(running.runs_of(claim("methods"), "quick")), True)]
    assert ":gray[Stored:] " in markdown(app)
    assert ":gray[Run here:] " in markdown(app)
    figures = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")][:2]
    assert [[trace["name"] for trace in figure["data"]] for figure in figures] == [["run here", "stored"]] * 2
    assert ":gray[Run here:] " in markdown(open_app(PAGE))


def test_a_run_can_be_stopped(full, open_app, monkeypatch):
    runtime.jobs()._on_worker_start = None
    begun = threading.Event()

    def compute(settings, out, *, should_stop, on_progress, **_):
        out.mkdir(parents=True)
        begun.set()
        while True:
            on_progress(1, settings.n_units, "units", "Benchmark")

    monkeypatch.setattr("steering.benchmark.runner.run_benchmark", compute)
    app = open_app(PAGE)
    app.button(key="finding_run_gpt2").click().run()
    assert begun.wait(SOON)
    app.run()
    assert "1 of" in markdown(app)
    assert app.button(key="finding_run_gpt2").disabled
    app.button(key="finding_job_gpt2_cancel").click().run()
    assert runtime.jobs().wait_idle(SOON)
    app.run()
    assert any("was stopped" in one.value for one in app.info)
    assert app.button(key="finding_run_gpt2").label == "Go on with it"
    assert not app.button(key="finding_run_gpt2").disabled


def test_someone_who_runs_a_finding_can_go_on_ranking(full, open_app, monkeypatch):
    """The benchmark stands in a queue of its own, under a name of its own."""
    runtime.jobs()._on_worker_start = None
    go = threading.Event()
    monkeypatch.setattr("steering.benchmark.runner.run_benchmark", lambda *_, **__: go.wait(SOON))
    app = open_app(PAGE)
    app.button(key="finding_run_l0").click().run()
    other = runtime.jobs().submit(
        lambda _: "ranked", title="Ranking", owner=app.session_state["steerscope.owner"], device="cpu"
    )
    ranked = other.wait(SOON / 4)
    go.set()
    assert ranked
    assert other.result == "ranked"


def test_a_verdict_is_bold_but_for_the_numbers_in_brackets():
    told = emphasised("It scores 1.1 below LoRA (0.7 to 1.9) and 1.4 below it (1.1 to 1.6): 5 concepts.")
    assert told == (
        r"**It scores 1\.1 below LoRA** \(0\.7 to 1\.9\) **and 1\.4 below it** \(1\.1 to 1\.6\)**\: 5 concepts\.**"
    )


# -- figures -------------------------------------------------------------------------------------------------------


def test_undecided_differences_are_hollow_and_unknown_limits_are_not_drawn():
    from steering.evidence.bootstrap import Interval
    from steering.findings.contrasts import Contrast

    nan = float("nan")
    found = [
        Contrast("sae_f1c_output", "lora", Interval(-0.3, -0.4, -0.1)),
        Contrast("sae_f1c_output", "prompt", Interval(-0.1, -0.3, 0.1)),
        Contrast("sae_f1c_output", "diffmean", Interval(0.0, nan, nan)),
    ]
    (trace,) = differences({"stored": found}).data
    assert list(trace.marker.symbol) == ["circle", "circle-open", "circle-open"]
    assert list(trace.error_x.array) == [pytest.approx(0.2), pytest.approx(0.2), None]
    assert list(trace.error_x.arrayminus) == [pytest.approx(0.1), pytest.approx(0.2), None]
    assert trace.y[0] == "Supervised SAE − LoRA"


def test_figures_hold_what_the_finding_says(results):
    stored = stored_for(claim("l0"), results)
    found = answer(claim("l0"), stored, n_resamples=200)
    figure = by_l0({"stored": found.scores}, "Score", reference=("untouched model", 0.1))
    (trace,) = figure.data
    assert list(trace.y) == [at.found.value for at in sorted(found.scores, key=lambda at: at.l0)]
    assert list(figure.layout.xaxis.ticktext) == ["8", "16", "32", "64", "128"]
    methods = answer(claim("methods"), stored_for(claim("methods"), results), n_resamples=200)
    (trace,) = scores({"stored": methods.scores}).data
    assert list(trace.x) == [one.overall.value for one in methods.scores]


def test_a_result_of_another_judge_answers_nothing(tmp_path):
    """Only the world's own judge knows the truth that these verdicts rest on."""
    chosen = settings(
        methods=claim("methods").methods,
        concepts=CONCEPTS,
        seeds=(0,),
        judge="python:tests.unit.benchmark.stub_judge:StubJudge",
    )
    store(write_run(tmp_path / "run", chosen), into=tmp_path / "results")
    assert stored_for(claim("methods"), tmp_path / "results") == ()
