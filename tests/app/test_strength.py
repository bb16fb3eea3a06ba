"""Find strength, what else moved and equal dose in AppTest, on the embedded world's model: nothing stubbed."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from steering import runtime
from tests.app.factors import factor_box

pytestmark = pytest.mark.usefixtures("needs_world")


def until_idle(app: AppTest, seconds: float = 120) -> AppTest:
    """Run the page until no job is active; timers do not tick in AppTest."""
    deadline = time.monotonic() + seconds
    while runtime.jobs().active():
        assert time.monotonic() < deadline, "a job did not end"
        runtime.jobs().wait_idle(2.0)
    app.run()
    assert not app.exception
    return app


@pytest.fixture
def steering(open_app) -> AppTest:
    """The Steer page with the best feature of the French sample."""
    app = open_app()
    app.button(key="sample_french").click().run()
    app.switch_page("pages/2_Features.py").run()
    until_idle(app)
    app.button(key="feature_pick").click().run()
    app.switch_page("pages/3_Steer.py").run()
    assert not app.exception
    return app


def test_a_strength_is_found_used_and_goes_stale(steering: AppTest) -> None:
    feature = steering.session_state["steerscope.features"][0]
    name = f"strength_demo_demo_{feature}"
    assert not any(button.key == "use_strength" for button in steering.button)
    steering.button(key="find_strength").click().run()
    until_idle(steering)
    id = steering.session_state["steerscope.last.strength"]
    found = runtime.store.get("strength", id)
    assert found.sweep.concept == "french"
    assert found.sweep.values["kl"].shape[1] == 12
    assert len(steering.get("plotly_chart")) == 1
    if found.proposal.factor is not None:
        steering.button(key="use_strength").click().run()
        assert factor_box(steering, name).value == found.proposal.factor
    assert steering.button(key="find_strength").disabled, "moving the slider does not make it stale"
    steering.selectbox(key="strength_mode").select("clamp").run()
    assert not steering.exception
    assert not steering.get("plotly_chart")
    assert any("press “Find strength” to renew" in one.value for one in steering.caption)
    steering.selectbox(key="strength_mode").select("add").run()
    assert len(steering.get("plotly_chart")) == 1, "the same settings have their result again"
    steering.selectbox(key="strength_mode").select("ablate").run()
    assert any("no strength to find" in one.value for one in steering.caption)

    steering.selectbox(key="strength_mode").select("add").run()
    steering.number_input(key="steer_tokens").set_value(16).run()
    steering.button(key="look_moved").click().run()
    until_idle(steering)
    features = next(frame.value for frame in steering.dataframe if "Fires on" in frame.value.columns)
    assert len(features)
    concepts = next(frame.value for frame in steering.dataframe if "Concept" in frame.value.columns)
    assert "french (meant)" in concepts["Concept"].tolist()
    factor_box(steering, name).set_value(0.1).run()
    assert any("press “Look” to renew" in one.value for one in steering.caption)


def test_equal_doses_are_matched_before_the_comparison(steering: AppTest) -> None:
    steering.switch_page("pages/4_Compare.py").run()
    steering.text_area(key="compare_prompts_demo").set_value("Explain how bread is baked.").run()
    steering.toggle(key="equal_dose").set_value(True).run()
    before = steering.slider(key="compare_diff_mean").value
    steering.button(key="compare").click().run()
    until_idle(steering)
    until_idle(steering)
    id = steering.session_state["steerscope.last.dose"]
    found = runtime.store.get("dose", id)
    assert set(found.doses) == {"DiffMean"}
    assert steering.slider(key="compare_diff_mean").value == found.factor("DiffMean") != before
    done = runtime.store.get("compare", steering.session_state["steerscope.comparison_id"])
    assert done.request.settings.diff_mean_factor == found.factor("DiffMean"), "compared at the matched factor"
    tables = [frame.value for frame in steering.dataframe if "Dose" in frame.value.columns]
    assert tables
    assert tables[0].set_index("Method").loc["SAE", "Target"] == "sets the dose"
    steering.slider(key="compare_diff_mean").set_value(-1.0).run()
    assert any("Not matched yet" in one.value for one in steering.caption)
