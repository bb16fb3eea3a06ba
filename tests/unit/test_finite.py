"""Is a number that is none found wherever it stands?"""

import pytest
import torch

from steering import finite


@pytest.mark.parametrize("shape", [(), (1,), (7,), (9, 5), (3, 4, 5), (0, 4)])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_every_place_is_looked_at(monkeypatch, shape, bad):
    monkeypatch.setattr(finite, "_AT_ONCE", 8)
    whole = torch.ones(shape, dtype=torch.bfloat16)
    assert finite.all_finite(whole)
    for place in range(whole.numel()):
        spoilt = whole.clone().reshape(-1)
        spoilt[place] = bad
        assert not finite.all_finite(spoilt.reshape(shape))
