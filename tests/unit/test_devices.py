"""Which device does ``auto`` stand for, on machines that are only told of?"""

import pytest
import torch

from steering import devices
from steering.devices import device_for, free_bytes
from steering.errors import ModelError
from steering.memory import GIB
from steering.models import load_model
from steering.outlook import device_of, look_ahead

GEMMA = ("gemma-2-2b-it", "layer20-16k")  # 7 GiB
NINE = ("gemma-2-9b-it", "layer20-16k")  # 20 GiB


@pytest.fixture
def machine(monkeypatch):
    """A machine with so many accelerators of so many GiB each."""

    def build(count: int, gib: float) -> None:
        one = torch.device("cuda") if count else None
        monkeypatch.setattr(devices, "_may_have_accelerator", lambda: bool(count))
        monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: one)
        monkeypatch.setattr(torch.accelerator, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(count))
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (int(gib * GIB) // 2, int(gib * GIB)))

    return build


@pytest.mark.parametrize(
    ("count", "gib", "small", "large"),
    [
        (0, 0, "cpu", "cpu"),
        (1, 80, "cuda", "cuda"),
        (1, 12, "cuda", "cpu"),
        (1, 4, "cpu", "cpu"),
        (2, 80, "cuda", "cuda"),
        (2, 12, "cuda", "split"),
        (4, 4, "split", "split"),
    ],
)
def test_auto_is_the_accelerator_that_it_fits_on_or_all_of_them_or_the_cpu(machine, count, gib, small, large):
    machine(count, gib)
    assert device_of(*GEMMA) == small
    assert device_of(*NINE) == large
    assert look_ahead(*NINE).device == large, "the dialog says what the job will do"
    assert device_of("demo", "demo") == "cpu"
    assert device_of(*NINE, "cuda:1") == "cuda:1", "what was named is what is taken"


def test_the_sae_counts(machine):
    machine(2, 6.2)
    assert device_of("gemma-2-2b-it", None) == "cuda"
    assert device_of(*GEMMA) == "split"


def test_a_size_that_nobody_knows_is_spread_where_it_can_be(machine):
    machine(2, 80)
    assert device_of("nobody/knows", "a/b/c") == "split"
    machine(1, 80)
    assert device_of("nobody/knows", "a/b/c") == "cuda"


def test_split_is_offered_where_there_are_several(machine):
    machine(3, 8)
    assert devices.devices() == ["cpu", "cuda", "cuda:0", "cuda:1", "cuda:2", "split"]
    assert free_bytes("split") == 3 * 4 * GIB
    machine(1, 8)
    assert devices.devices() == ["cpu", "cuda", "cuda:0"]
    with pytest.raises(ModelError, match="no device 'split'; it has cpu, cuda, cuda:0, and auto"):
        load_model("demo", device="split")


@pytest.mark.parametrize(("gib", "placed"), [(1e-5, "auto"), (8, None)])
def test_a_model_is_handed_to_accelerate_only_where_it_is_split(
    machine, monkeypatch, tmp_path, tiny_llama, gib, placed
):
    from transformers import AutoModelForCausalLM

    tiny_llama.model.save_pretrained(tmp_path)
    tiny_llama.tokenizer.save_pretrained(tmp_path)
    machine(2, gib)
    asked = []

    def refuse(_folder, **options):
        asked.append(options["device_map"])
        raise OSError("enough")

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", refuse)
    with pytest.raises(ModelError, match="enough"):
        load_model(str(tmp_path), device="auto")
    assert asked == [placed]
    assert device_for(str(tmp_path), needed=8 * GIB + 1) == "split"
