"""The Labels view of the Features page, on the stored table, on files, and on the session's own examples."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from steering import runtime
from steering.feature_labels import LabelTable, read_labels, write_labels
from steering.presets import preset
from steering.report.heat import row_title
from steering.world import shipped
from tests.app.test_path import until_idle
from ui.labels_source import parquet_of, stored_tables
from ui.labels_view import elsewhere, shown_table

PAGE = "pages/2_Features.py"
pytestmark = pytest.mark.usefixtures("needs_world")


@pytest.fixture(scope="module")
def stored() -> LabelTable:
    (path,) = stored_tables()
    assert path.stat().st_size <= 300_000
    return LabelTable(*read_labels(path), path.stem)


def labels_page(open_app, **state) -> AppTest:
    app = open_app(PAGE, **state)
    app.segmented_control(key="features_view").set_value("labels").run()
    assert not app.exception
    return app


def rows_of(app: AppTest):
    return next(frame.value for frame in app.dataframe if "f1c_validation" in frame.value.columns)


def text_of(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error)
    return " ".join(element.value for kind in kinds for element in kind).replace("\\", "")


def click(app: AppTest, row: int) -> AppTest:
    """Choose a row of the table as the browser does."""
    frame = next(frame for frame in app.dataframe if "f1c_validation" in frame.value.columns)
    app.session_state["steerscope.labels_feature"] = (
        "demo",
        preset("demo").default_sae,
        int(frame.value["feature_id"][row]),
    )
    return app.run()


# -- whose features --------------------------------------------------------------------------------------------------


def test_the_stored_table_is_of_the_weights_that_ship(stored):
    """Fails after the world was trained anew: then make the table again (docs/labels.md has the command)."""
    assert elsewhere(stored, "demo", "demo") is None
    assert elsewhere(stored, "demo", stored.sae) is None
    hashes = shipped.manifest()["sha256"]
    assert stored.metadata["world"]["sae_sha256"] in hashes.values()


def test_other_models_saes_and_weights_are_told_apart(stored):
    assert "the session works with layer1-1k-l0-64 on demo" in elsewhere(stored, "demo", "layer1-1k-l0-64")
    assert "on demo-gpt2" in elsewhere(stored, "demo-gpt2", "demo-gpt2")
    assert "no/such" in elsewhere(stored, "no/such", "release/sae")
    trained_anew = {**stored.metadata, "world": {"model_sha256": "0", "sae_sha256": "1"}}
    assert "other weights" in elsewhere(LabelTable(stored.table, trained_anew, "t"), "demo", "demo")
    without = {key: value for key, value in stored.metadata.items() if key != "world"}
    assert elsewhere(LabelTable(stored.table, without, "t"), "demo", "demo") is None


# -- searching -------------------------------------------------------------------------------------------------------


def test_the_stored_table_opens_at_once_with_the_first_feature_of_every_label(open_app, stored):
    app = labels_page(open_app)
    assert runtime.jobs().active() == []
    rows = rows_of(app)
    assert sorted(rows["label"]) == sorted(stored.labels)
    assert (rows["rank"] == 1).all()
    assert rows["f1c_test"].is_monotonic_decreasing
    assert "33 labels" in text_of(app)


def test_search_by_label_and_by_feature(open_app, stored):
    app = labels_page(open_app)
    app.text_input(key="labels_search").set_value("PIRATE").run()
    rows = rows_of(app)
    assert set(rows["label"]) == {"pirate"}
    assert rows["rank"].dropna().tolist() == list(range(1, 21))
    feature = int(rows["feature_id"][0])
    app.text_input(key="labels_search").set_value(str(feature)).run()
    rows = rows_of(app)
    assert set(rows["feature_id"]) == {feature}
    assert rows["f1c_train"].is_monotonic_decreasing
    app.text_input(key="labels_search").set_value("no such label").run()
    assert "No row fits" in text_of(app)
    assert not any("f1c_validation" in frame.value.columns for frame in app.dataframe)


def test_filters_and_shared_features(open_app, stored):
    app = labels_page(open_app)
    app.text_input(key="labels_search").set_value("animals").run()
    every = rows_of(app)
    app.number_input(key="labels_q").set_value(0.05)
    app.number_input(key="labels_support").set_value(60).run()
    some = rows_of(app)
    assert 0 < len(some) < len(every)
    assert (some["q_value"] <= 0.05).all()
    assert (some["support"] >= 60).all()
    app.text_input(key="labels_search").set_value("")
    app.number_input(key="labels_q").set_value(1.0)
    app.number_input(key="labels_support").set_value(1)
    app.multiselect[0].set_value(["animals", "cats"]).run()
    assert set(rows_of(app)["label"]) == {"animals", "cats"}
    app.toggle(key="labels_shared").set_value(True).run()
    shared = rows_of(app)
    assert len(shared) > 0
    assert (shared.groupby("feature_id")["label"].nunique() == 2).all()


def test_very_long_tables_are_cut_on_the_screen_alone(stored, monkeypatch):
    monkeypatch.setattr("ui.labels_view.MOST_ROWS", 7)
    assert len(shown_table(stored.table)) == 7
    assert shown_table(stored.table.assign(top_tokens=None))["tokens"].tolist() == [""] * 7


# -- from a row to the feature ---------------------------------------------------------------------------------------


def test_from_a_row_to_tokens_and_to_steering(open_app, stored):
    app = labels_page(open_app)
    app.text_input(key="labels_search").set_value("pirate").run()
    feature = int(rows_of(app)["feature_id"][0])
    click(app, 0)
    assert f"Labels of feature {feature}" in text_of(app)
    assert "Bring examples" in text_of(app)
    app.button(key="labels_world_examples").click().run()
    until_idle(app)
    assert not app.exception
    run = runtime.store.get("ranking", app.session_state["steerscope.ranking_id"])
    assert list(run.rankings) == ["pirate"]
    assert app.session_state["steerscope.feature_id"] == feature
    assert any(subheader.value == f"Feature {feature}" for subheader in app.subheader)
    assert app.button(key="labels_to_steer").disabled
    app.button(key="feature_pick").click().run()
    assert app.session_state["steerscope.features"] == (feature,)
    assert not app.button(key="labels_to_steer").disabled
    assert "never fires" not in text_of(app)
    silent = replace(run.statistics, max_act=run.statistics.max_act * 0)
    runtime.store.put("ranking", app.session_state["steerscope.ranking_id"], replace(run, statistics=silent))
    app.run()
    assert f"Feature {feature} never fires on your examples" in text_of(app)


def test_an_example_with_several_labels_shows_all_of_them():
    from ui.examples_draft import WorldRecipe, from_world

    examples = from_world(WorldRecipe(concept=None, count=2)).examples
    row = int(examples.labels.sum(axis=1).argmax())
    names = [name for name in examples.label_names if examples.label(name)[row]]
    assert len(names) > 1
    run = SimpleNamespace(examples=examples, split=SimpleNamespace(heldout=[row]))
    assert row_title(run, row) == f"row {row + 1}, held out: {', '.join(names)}"
    bare = int(examples.labels.sum(axis=1).argmin())
    assert row_title(run, bare) == f"row {bare + 1}"


def test_features_of_another_sae_are_not_steered_with(open_app, stored):
    app = labels_page(open_app, model="demo-gpt2", sae="demo-gpt2")
    assert "the same numbers are other features" in text_of(app)
    click(app, 0)
    assert "cannot be looked at or steered with now" in text_of(app)
    assert not any(button.key in ("feature_pick", "labels_world_examples") for button in app.button)
    app.button(key="labels_take_pair").click().run()
    assert not app.exception
    assert app.session_state["steerscope.model"] == "demo"
    assert "the same numbers" not in text_of(app)
    assert any(button.key == "labels_world_examples" for button in app.button)


# -- files -----------------------------------------------------------------------------------------------------------


def test_a_file_is_uploaded_or_opened_by_its_path(open_app, stored, tmp_path):
    app = labels_page(open_app)
    app.segmented_control(key="labels_source").set_value("file").run()
    assert not app.dataframe
    path = tmp_path / "own.parquet"
    write_labels(path, stored.table.head(5), {**stored.metadata, "model": "my-model", "sae": "my-sae", "n_several": 3})
    app.text_input(key="labels_path").set_value(str(path)).run()
    assert not app.exception
    assert "own.parquet" in text_of(app)
    assert "SAE my-sae on my-model" in text_of(app)
    assert "3 with several labels" in text_of(app)
    assert not any(button.key == "labels_take_pair" for button in app.button), "nothing here has that name"
    for wrong in (tmp_path / "none.parquet", tmp_path, Path(__file__)):
        app.text_input(key="labels_path").set_value(str(wrong)).run()
        assert len(app.error) == 1
        assert "own.parquet" in text_of(app), "what was open stays"
    app.file_uploader[0].upload("up.parquet", path.read_bytes()).run()
    assert not app.exception
    assert "up.parquet" in text_of(app)
    assert not app.error
    app.file_uploader[0].upload("texts.csv", b"text,label\n").run()
    assert "no table of feature labels" in text_of(app)


def test_without_a_stored_table_a_file_can_be_opened(open_app, tmp_path, monkeypatch):
    monkeypatch.setenv("STEERSCOPE_RESULTS", str(tmp_path))
    app = labels_page(open_app)
    assert len(app.segmented_control(key="labels_source").options) == 2
    assert any(widget.key == "labels_path" for widget in app.text_input)


def test_several_stored_tables_can_be_chosen_among(open_app, tmp_path, monkeypatch):
    (path,) = stored_tables()
    for name in ("labels-a.parquet", "labels-b.parquet"):
        shutil.copy(path, tmp_path / name)
    monkeypatch.setenv("STEERSCOPE_RESULTS", str(tmp_path))
    app = labels_page(open_app)
    assert app.selectbox(key="labels_stored").options == ["labels-a", "labels-b"]
    (tmp_path / "labels-a.parquet").write_bytes(b"PAR1")
    app.run()
    assert "no table of feature labels" in text_of(app)


# -- the session's examples ------------------------------------------------------------------------------------------


def test_examples_with_several_labels_are_labelled_by_a_job(open_app):
    from ui.examples_draft import WorldRecipe, from_world

    app = labels_page(open_app)
    app.segmented_control(key="labels_source").set_value("examples").run()
    assert "Bring examples with several labels" in text_of(app)
    draft = from_world(WorldRecipe(concept=None, count=6))
    runtime.store.put("examples", draft.examples_id, draft.examples)
    app.session_state["steerscope.examples_id"] = draft.examples_id
    app.session_state["steerscope.label"] = "sea"
    app.run()
    assert not app.dataframe
    several = int((draft.examples.labels.sum(axis=1) > 1).sum())
    assert f"{several} with several of 33 labels" in text_of(app)
    app.button(key="labels_run").click().run()
    until_idle(app)
    assert not app.exception
    assert not app.error
    rows = rows_of(app)
    assert set(rows["label"]) <= set(draft.examples.label_names)
    assert len(rows) > 25
    made = runtime.store.get("labels", runtime.store.ids("labels")[-1])
    assert elsewhere(made, "demo", "demo") is None
    again, metadata = read_labels(parquet_of(made))
    assert again["q_value"].equals(made.table["q_value"])
    assert metadata == made.metadata
    assert metadata["n_several"] == several
    one = from_world(WorldRecipe("sea", 12))
    runtime.store.put("examples", one.examples_id, one.examples)
    app.session_state["steerscope.examples_id"] = one.examples_id
    app.run()
    assert "has one label, sea" in text_of(app)
    assert not any(button.key == "labels_run" for button in app.button)


def test_a_labelling_that_is_stopped_leaves_no_table(open_app, monkeypatch):
    from steering.errors import Cancelled
    from ui.examples_draft import WorldRecipe, from_world

    def stopped(*_args, **_more):
        raise Cancelled

    monkeypatch.setattr("steering.labelling.label_features", stopped)
    draft = from_world(WorldRecipe(concept=None, count=2))
    app = open_app(PAGE)
    runtime.store.put("examples", draft.examples_id, draft.examples)
    app.session_state["steerscope.examples_id"] = draft.examples_id
    app.segmented_control(key="features_view").set_value("labels").run()
    app.segmented_control(key="labels_source").set_value("examples").run()
    app.button(key="labels_run").click().run()
    until_idle(app)
    assert "was stopped" in text_of(app)
    assert not app.dataframe
