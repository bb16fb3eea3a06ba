"""Choosing a model and an SAE: ready-made, out of the catalogue, one's own; and what is said before it is used."""

import json
import re
import socket
from dataclasses import replace

import numpy as np
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import save_file
from streamlit.testing.v1 import AppTest

from steering import runtime
from tests.tiny import TINY


@pytest.fixture(autouse=True)
def _no_network(monkeypatch, tmp_path):
    """A request to anywhere fails the test; the Hub cache is empty."""
    real = socket.socket.connect

    def local_only(self, address):
        if self.family != socket.AF_UNIX and str(address[0]) not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a request left the machine for {address}")
        return real(self, address)

    monkeypatch.setattr(socket.socket, "connect", local_only)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path / "hub"), raising=False)


@pytest.fixture
def dialog(open_app) -> AppTest:
    app = open_app("pages/1_Examples.py")
    app.button(key="model_choice_open").click().run()
    assert not app.exception
    return app


def told(app: AppTest) -> dict[str, str]:
    """The table of what would be loaded, without Markdown's backslashes."""
    frame = next(table.value for table in app.table if "to be loaded" in table.value.columns)
    texts = [re.sub(r"\\(.)", r"\1", text) for text in frame["to be loaded"]]
    return dict(zip(frame[""], texts, strict=True))


def texts(elements) -> str:
    return re.sub(r"\\(.)", r"\1", " ".join(element.value for element in elements))


def state(app: AppTest, name: str) -> object:
    return app.session_state[f"steerscope.{name}"]


def test_a_ready_made_pair_with_memory_and_warning(dialog):
    names = dialog.selectbox(key="model_choice_name")
    assert names.options[0].startswith("Embedded world")
    assert any(re.fullmatch(r"Gemma 2 2B instruct · \d+\.\d GiB", option) for option in names.options)
    names.set_value("gemma-2-2b-it").run()
    assert not dialog.exception
    rows = told(dialog)
    assert rows["Model"] == "google/gemma-2-2b-it"
    assert rows["SAE"] == "gemma-scope-2b-pt-res-canonical/layer_20/width_16k/canonical"
    assert rows["Hook point"] == "blocks.20.hook_resid_post"
    assert rows["Features"].startswith("16,384, about 71 active")
    assert "GiB are free on cpu" in rows["Memory"]
    assert "5.5 GB to download" in rows["Files"]
    assert "trained on google/gemma-2-2b and reads google/gemma-2-2b-it" in texts(dialog.warning)
    assert "accepted" in texts(dialog.info)
    dialog.selectbox(key="model_choice_dtype").set_value("bfloat16").run()
    assert told(dialog)["Weights"] == "bfloat16 on cpu"
    dialog.button(key="model_choice_use").click().run()
    assert (state(dialog, "model"), state(dialog, "sae"), state(dialog, "dtype")) == (
        "gemma-2-2b-it", "layer20-16k", "bfloat16",
    )  # fmt: skip
    assert not [box for box in dialog.selectbox if box.key == "model_choice_name"], "the dialog is closed"


def test_the_catalogue_finds_one_sae_and_its_instruct_model(dialog):
    dialog.segmented_control(key="model_choice_way").set_value("Catalogue").run()
    assert ", the first 500 shown" in texts(dialog.caption)
    assert dialog.button(key="model_choice_use").disabled, "no row is chosen yet"
    dialog.text_input(key="model_choice_words").set_value("gemma 2 2b layer 12 16k canonical mlp").run()
    dialog.selectbox(key="model_choice_steered_google/gemma-2-2b").set_value("google/gemma-2-2b-it").run()
    assert told(dialog)["Hook point"] == "blocks.12.hook_mlp_out"
    assert "trained on google/gemma-2-2b" in texts(dialog.warning)
    dialog.button(key="model_choice_use").click().run()
    assert state(dialog, "model") == "google/gemma-2-2b-it"
    assert state(dialog, "sae") == "gemma-scope-2b-pt-mlp-canonical/layer_12/width_16k/canonical"


def test_filters_narrow_and_what_cannot_steer_is_refused_with_the_reason(dialog):
    dialog.segmented_control(key="model_choice_way").set_value("Catalogue").run()
    dialog.selectbox(key="model_choice_trained_on").set_value("openai-community/gpt2").run()
    dialog.number_input(key="model_choice_layer").set_value(3).run()
    dialog.selectbox(key="model_choice_site").set_value("hook_z").run()
    assert "No published SAE" in texts(dialog.info)
    dialog.toggle(key="model_choice_all").set_value(True).run()
    assert "hook_z" in texts(dialog.error)
    assert dialog.button(key="model_choice_use").disabled


def test_a_folder_of_ones_own_and_a_wrong_width(dialog, tmp_path):
    model, sae = tmp_path / "model", tmp_path / "sae"
    TINY["llama"]().model.save_pretrained(model)
    sae.mkdir()
    config = {
        "d_in": 48,
        "d_sae": 64,
        "architecture": "jumprelu",
        "metadata": {"hook_name": "blocks.1.hook_resid_post"},
    }
    (sae / "cfg.json").write_text(json.dumps(config))
    save_file({"b_dec": torch.zeros(32)}, sae / "sae_weights.safetensors")
    dialog.segmented_control(key="model_choice_way").set_value("Your own").run()
    dialog.text_input(key="model_choice_model").set_value(str(model))
    dialog.text_input(key="model_choice_sae").set_value(str(sae)).run()
    assert not dialog.exception
    assert "48" in texts(dialog.error)
    assert "32" in texts(dialog.error)
    assert dialog.button(key="model_choice_use").disabled
    (sae / "cfg.json").write_text(json.dumps({**config, "d_in": 32}))
    dialog.run()
    assert not dialog.error
    assert told(dialog)["Files"] == "on this machine"
    assert re.match(r"about \d+ MiB; .* \(weights \d+ KiB, SAE \d+ KiB", told(dialog)["Memory"])
    assert not dialog.warning, "the SAE does not say what it was trained on"
    dialog.button(key="model_choice_use").click().run()
    assert (state(dialog, "model"), state(dialog, "sae")) == (str(model), str(sae))


def test_a_folder_that_is_not_there_is_not_offered_as_a_download(dialog):
    dialog.segmented_control(key="model_choice_way").set_value("Your own").run()
    dialog.text_input(key="model_choice_model").set_value("/nowhere/no-model")
    dialog.text_input(key="model_choice_sae").set_value("gpt2-small-res-jb/blocks.1.hook_resid_pre").run()
    assert "There is no folder /nowhere/no-model" in texts(dialog.error)
    assert dialog.button(key="model_choice_use").disabled
    assert not dialog.table


def test_a_file_of_bare_tensors_is_looked_into_before_it_is_used(dialog, tmp_path, monkeypatch):
    warm = replace(runtime.warmth(), ready=True)
    monkeypatch.setattr("ui.model_choice.runtime.warmth", lambda: warm)
    model, file = tmp_path / "model", tmp_path / "params.npz"
    TINY["llama"]().model.save_pretrained(model)
    narrow = {"W_enc": np.ones((48, 64)), "W_dec": np.ones((64, 48)), "b_enc": np.ones(64), "b_dec": np.ones(48)}
    narrow["threshold"] = np.ones(64)
    np.savez(file, **narrow)
    dialog.segmented_control(key="model_choice_way").set_value("Your own").run()
    dialog.text_input(key="model_choice_model").set_value(str(model))
    source = dialog.text_input(key="model_choice_sae")
    for named, said in {
        f"{file}@blocks.1.hook_resid_post": ["width 48", "width 32"],
        str(file): ["does not say where it belongs"],
        f"{file}@blocks.1.hook_z": ["hook_z"],
        str(tmp_path / "none.npz"): ["There is no file or folder"],
        str(tmp_path / "ae.pt"): ["pickle"],
    }.items():
        source.set_value(named).run()
        assert not dialog.exception
        for part in said:
            assert part in texts(dialog.error), named
        assert dialog.button(key="model_choice_use").disabled
    fitting = {"W_enc": np.ones((32, 64)), "W_dec": np.ones((64, 32)), "b_enc": np.ones(64), "b_dec": np.ones(32)}
    np.savez(file, **fitting | {"threshold": np.ones(64)})
    source.set_value(f"{file}@blocks.99.hook_resid_post").run()
    assert "layer 99" in texts(dialog.error)
    source.set_value(f"{file}@blocks.1.hook_resid_post").run()
    assert not dialog.error
    assert told(dialog)["Features"] == "64"
    assert told(dialog)["Hook point"] == "blocks.1.hook_resid_post"
    dialog.selectbox(key="model_choice_sae_dtype").set_value("bfloat16").run()
    dialog.button(key="model_choice_use").click().run()
    assert (state(dialog, "sae"), state(dialog, "sae_dtype")) == (f"{file}@blocks.1.hook_resid_post", "bfloat16")


def test_a_hub_id_without_a_config_is_asked_for_by_a_click_alone(dialog, monkeypatch):
    asked = []
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *given, **_: asked.append(given) or 1 / 0)
    dialog.segmented_control(key="model_choice_way").set_value("Your own").run()
    dialog.text_input(key="model_choice_model").set_value("nobody/some-model")
    dialog.text_input(key="model_choice_sae").set_value("nobody/some-saes/layer_1").run()
    assert told(dialog)["Memory"].startswith("not known before its config is here")
    assert asked == []
    monkeypatch.setattr("steering.outlook.is_reachable", lambda: False)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", _offline)
    dialog.button(key="model_choice_ask").click().run()
    assert "is not in the local cache" in texts(dialog.error)


def _offline(*_given, **_options):
    raise LocalEntryNotFoundError("no way out")


def test_only_devices_that_exist_are_offered(dialog, monkeypatch):
    monkeypatch.setattr("ui.model_choice.devices", lambda: ["cpu", "cuda", "cuda:0"])
    dialog.run()
    box = dialog.selectbox(key="model_choice_device")
    assert box.options == ["Automatic: cpu", "cpu", "cuda", "cuda:0"]
    monkeypatch.setattr("ui.model_choice.devices", lambda: ["cpu"])
    dialog.run()
    assert dialog.selectbox(key="model_choice_device").options == ["Automatic: cpu", "cpu"]


def test_the_device_and_the_number_format_reach_the_job(open_app, monkeypatch):
    from ui import work

    taken = []

    def submitted(job_work, **given):
        taken.append(given["device"])
        raise InterruptedError

    monkeypatch.setattr("ui.work.runtime.jobs", lambda: type("Queue", (), {"submit": staticmethod(submitted)}))
    monkeypatch.setattr(
        "ui.work.chosen",
        type(
            "Chosen", (), {"model": "m", "sae": "s", "device": "cuda:1", "dtype": "bfloat16", "sae_dtype": "bfloat16"}
        )(),
    )
    assert work.place() == work.Place("cuda:1", "bfloat16", "bfloat16")
    with pytest.raises(InterruptedError):
        work.submit("steer", "title", lambda _job: None)
    assert taken == ["cuda:1"]


def test_neuronpedia_is_shown_after_a_click_alone():
    def page() -> None:
        from types import SimpleNamespace

        from ui.feature_view import _neuronpedia
        from ui.state import chosen

        chosen.label, chosen.features = "sea", (3, 7)
        _neuronpedia(SimpleNamespace(neuronpedia_id="gemma-2-2b/12-gemmascope-res-16k"), 7)  # type: ignore[arg-type]

    app = AppTest.from_function(page).run()
    assert not app.exception
    assert not app.get("iframe")
    links = [link.proto.url for link in app.get("link_button")]
    assert links[0] == "https://www.neuronpedia.org/gemma-2-2b/12-gemmascope-res-16k/7"
    assert "quick-list" in links[1]
    app.toggle[0].set_value(True).run()
    (frame,) = app.get("iframe")
    assert frame.proto.src == links[0] + "?embed=true&embedexplanation=true&embedplots=true&embedtest=true"


def test_an_id_that_is_no_page_is_said_and_not_drawn():
    def page() -> None:
        from types import SimpleNamespace

        from ui.feature_view import _neuronpedia

        _neuronpedia(SimpleNamespace(neuronpedia_id="gpt2-small"), 7)  # type: ignore[arg-type]

    app = AppTest.from_function(page).run()
    assert not app.exception
    assert "Neuronpedia id is" in "".join(one.value for one in [*app.error, *app.warning, *app.info, *app.markdown])
