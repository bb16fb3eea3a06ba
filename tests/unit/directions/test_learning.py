"""The parts of the learned directions that need no model."""

import pytest
import torch

from steering.directions.reft_r1 import strength_and_others
from steering.directions.settings import (
    PRESETS,
    PROBE_PRESETS,
    REFT_PRESETS,
    SSV_PRESETS,
    ProbeSettings,
    ReftSettings,
    SsvSettings,
)
from steering.directions.training import answer_tokens, with_answer
from steering.encoding import EncodedText
from steering.errors import DirectionError, ExamplesError

NO, YES = False, True


def test_strength_and_others_by_hand() -> None:
    latents = torch.tensor([[9.0, 4.0, 0.0, 2.0, 1.0], [9.0, 9.0, 9.0, 3.0, 5.0]])
    written = torch.tensor([[NO, YES, YES, YES, YES], [NO, NO, NO, YES, YES]])
    strength, others = strength_and_others(latents, written, top=2)
    assert strength.tolist() == [3.0, 4.0]  # (4 + 2) / 2 and (5 + 3) / 2: what is not content does not count
    assert others.tolist() == [0.25, 0.0]  # 1 / 4 tokens, and nothing left
    strength, others = strength_and_others(latents, written, top=8)
    assert strength.tolist() == [1.75, 4.0]  # of all where there are fewer
    assert others.tolist() == [0.0, 0.0]


def test_the_loss_counts_the_answer_only() -> None:
    with_prompt = EncodedText((1, 5, 6, 2, 7, 8), (NO, YES, YES, NO, YES, YES), n_last=2)
    assert answer_tokens(with_prompt) == [NO, NO, NO, NO, YES, YES]
    without_bos = EncodedText((7, 8), (YES, YES), n_last=2)
    assert answer_tokens(without_bos) == [NO, YES]  # nothing stands before the first
    full = EncodedText((1, 5, 6), (NO, YES, YES), n_last=0)
    assert answer_tokens(full) == [NO, NO, NO]
    single = EncodedText((7,), (YES,), n_last=1)
    assert with_answer([full, with_prompt, single], side="positive", name="SSV") == [with_prompt]
    with pytest.raises(ExamplesError, match="SSV needs negative examples"):
        with_answer([full, single], side="negative", name="SSV")


def test_settings_are_those_of_the_table() -> None:
    assert set(PROBE_PRESETS) == set(SSV_PRESETS) == set(REFT_PRESETS) == set(PRESETS)
    small, large = PROBE_PRESETS["axbench_2b"], PROBE_PRESETS["axbench_9b"]
    assert (small.batch_size, small.learning_rate, small.weight_decay, small.epochs) == (12, 5e-3, 1e-3, 24)
    assert (large.batch_size, large.learning_rate, large.weight_decay, large.epochs) == (12, 1e-3, 1e-4, 24)
    for ssv in SSV_PRESETS.values():
        assert (ssv.batch_size, ssv.learning_rate, ssv.epochs, ssv.start) == (6, 1e-2, 3, 0.01)
    reft = REFT_PRESETS["axbench_2b"]
    assert (reft.batch_size, reft.learning_rate, reft.epochs) == (6, 1e-2, 3)
    assert (reft.top, reft.sparsity, reft.clip) == (8, 5e-3, 1.0)
    assert REFT_PRESETS["axbench_9b"].learning_rate == 5e-3
    assert SsvSettings().n_updates(72) == 36


def test_settings_out_of_range_are_refused() -> None:
    for make in (
        lambda: ProbeSettings(epochs=0),
        lambda: ProbeSettings(learning_rate=0.0),
        lambda: SsvSettings(start=float("nan")),
        lambda: SsvSettings(weight_decay=-1.0),
        lambda: ReftSettings(top=0),
        lambda: ReftSettings(clip=0.0),
        lambda: ReftSettings(batch_size=0),
    ):
        with pytest.raises(DirectionError, match="must be"):
            make()
