"""Bounds on threads and network for every test, set before anything heavy is imported, and the shared tiny models."""

import os

# Environment first: torch, tokenizers and huggingface_hub read it on import.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] = "false"

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from steering.models import LanguageModel

# torch and steering are imported inside the fixtures: tests without a model stay fast.


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several processes share the tests, those of a file stay together: they share what the file sets up."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None and "e2e" not in item.path.parts:
            item.add_marker(pytest.mark.xdist_group(item.path.name))


def _shared(name: str) -> "Iterator[LanguageModel]":
    import torch

    from steering.hooks import count_hooks
    from tests.tiny import TINY

    torch.set_num_threads(1)
    model = TINY[name]()
    before = {key: value.clone() for key, value in model.model.state_dict().items()}
    yield model
    # A test that leaves something behind in a shared model makes others fail for no reason of their own.
    assert count_hooks(model) == 0
    after = model.model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[key], value) for key, value in before.items())


@pytest.fixture(scope="session")
def tiny_llama() -> "Iterator[LanguageModel]":
    yield from _shared("llama")


@pytest.fixture(scope="session")
def tiny_gpt2() -> "Iterator[LanguageModel]":
    yield from _shared("gpt2")


@pytest.fixture(scope="session")
def tiny_gemma2() -> "Iterator[LanguageModel]":
    yield from _shared("gemma2")


@pytest.fixture(scope="session")
def tiny_neox() -> "Iterator[LanguageModel]":
    yield from _shared("neox")


@pytest.fixture(scope="session")
def tiny_qwen2() -> "Iterator[LanguageModel]":
    yield from _shared("qwen2")


@pytest.fixture(scope="session", params=["llama", "gpt2", "gemma2", "neox", "qwen2"])
def tiny_model(request: pytest.FixtureRequest) -> "LanguageModel":
    """Every family in turn."""
    return request.getfixturevalue(f"tiny_{request.param}")


@pytest.fixture(scope="session")
def needs_world() -> None:
    """For tests of the embedded world's real weights: ``pytestmark = pytest.mark.usefixtures("needs_world")``.

    A checkout without them skips; the CI, which must never lose these tests silently, fails.
    """
    from steering.presets import presets

    if "demo" in presets():
        return
    message = "the embedded world's weights are not in this checkout"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
