"""A saved study keeps its recipe wherever its SAE reads."""

from dataclasses import replace

import pytest

from steering.hook_points import HookPoint
from steering.recipes import read_recipe
from tests.drawn_study import LABELS, drawn_answers, drawn_run
from ui import recipe_work
from ui.controls import Ask, Strength
from ui.study_recipe import recipe_text
from ui.work import Generated, Request


@pytest.mark.parametrize(
    ("hook_point", "hook_module", "expected"),
    [
        (None, "model.layers.2.output", "blocks.2.hook_resid_post"),
        (None, "transformer.h.1.input", "blocks.1.hook_resid_pre"),
        (None, "model.layers.2.mlp.output", "blocks.2.hook_mlp_out"),
        (None, "model.layers.2.self_attn.output", "blocks.2.hook_attn_out"),
        (HookPoint(2, "resid_mid"), "model.layers.2.post_attention_layernorm.input", "blocks.2.hook_resid_mid"),
        (None, "model.layers.2.post_attention_layernorm.input", None),  # two families use it for different places
    ],
)
def test_the_hook_point_is_the_rankings(monkeypatch, hook_point, hook_module, expected):
    monkeypatch.setattr(recipe_work, "known_sources", lambda: None)
    run, drawn = drawn_run(), drawn_answers("steer", judged=False)
    ask = Ask(tuple(drawn.request["prompts"]), 17, 0.7, 1.0, 11, 1)
    strength = Strength(((5, 0.5, float(run.statistics.max_act[5])),), "clamp", "prompt")
    done = Generated(drawn.completions, Request(("Baseline", "Steered"), ask, strength))
    text = recipe_text(replace(run, hook_point=hook_point, hook_module=hook_module), LABELS[0], done, None)
    assert (None if text is None else read_recipe(text).sae.hook_point) == expected
