"""How does a language model come into memory, and what does everyone who shares it need to know?"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from steering.devices import devices
from steering.errors import ModelError
from steering.layout import ModelLayout, detect_layout
from steering.presets import model_source, presets, refuse_unbuilt

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
MAX_CONTEXT = 1024
"""Texts are read up to this many tokens, as in AxBench and the paper's pipeline."""


@dataclass(eq=False)
class LanguageModel:
    """A causal language model, its tokenizer, its layout and the lock that whoever runs it must hold.

    Attributes:
        name: preset, folder or Hub id it was loaded from.
        model: the transformers model, in eval mode, gradients off.
        tokenizer: a fast tokenizer (offsets are needed to tell content from template).
        layout: where the decoder layers are.
        prepend_bos: whether a text is read with a BOS in front; False when the tokenizer has none.
        lock: held for a whole forward or generation, because hooks and adapters are seen by every thread.
    """

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    layout: ModelLayout
    prepend_bos: bool
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return _embedding(self.model).embedding_dim

    @property
    def n_layers(self) -> int:
        """Number of decoder layers."""
        return self.layout.n_layers

    @property
    def vocab_size(self) -> int:
        """Number of logits."""
        return int(self.model.config.get_text_config().vocab_size)

    @property
    def context_size(self) -> int:
        """Longest input in tokens."""
        config = self.model.config.get_text_config()
        return int(getattr(config, "max_position_embeddings", MAX_CONTEXT))

    @property
    def device(self) -> torch.device:
        """Where the first parameters are."""
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the weights."""
        return self.model.dtype

    @property
    def has_chat_template(self) -> bool:
        """Whether prompts are wrapped into turns."""
        return bool(getattr(self.tokenizer, "chat_template", None))

    @property
    def uses_layer_norm(self) -> bool:
        """Whether the model normalises with LayerNorm, for which centring the stream changes nothing downstream."""
        return any(isinstance(module, nn.LayerNorm) for module in self.model.modules())

    @property
    def n_parameters(self) -> int:
        """Number of distinct parameters."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    @contextmanager
    def running(self) -> Iterator[PreTrainedModel]:
        """Hold the model for one forward or generation, without gradients."""
        with self.lock, torch.no_grad():
            yield self.model


def load_model(source: str, *, device: str = "cpu", dtype: Dtype = "auto") -> LanguageModel:
    """Load a causal language model and its tokenizer.

    Args:
        source: a preset (``demo``), a folder in transformers' format, or a Hub id (``google/gemma-2-2b-it``).
        device: a torch device.
        dtype: number format of the weights; ``auto`` is float32 on a CPU and the checkpoint's own elsewhere.

    Raises:
        ModelError: not found, not a causal language model, no usable tokenizer, unknown layout, weights that are not
            finite numbers, a preset that is not built, or a device that this machine does not have or that is full.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    refuse_unbuilt(source)
    place = find_device(device)
    _hide_loading_bar()
    known = presets()
    path = model_source(source)
    if source not in known and Path(source).exists() and not (Path(source) / "config.json").exists():
        raise ModelError(f"The folder {source} has no config.json; give a folder that save_pretrained wrote.")
    wanted: Any = (torch.float32 if place.type == "cpu" else "auto") if dtype == "auto" else getattr(torch, dtype)
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(path, dtype=wanted, trust_remote_code=False, use_safetensors=True)
        model.to(place)  # type: ignore[arg-type]  # wrapped by transformers without a signature
    except torch.OutOfMemoryError as error:
        raise ModelError(f"{source} does not fit into the memory of {device}; choose a smaller dtype.") from error
    except torch.AcceleratorError as error:
        raise ModelError(f"The device {device} cannot be used ({_first_line(error)}); choose another one.") from error
    except SafetensorError as error:
        raise ModelError(f"The weights of {source} are damaged ({_first_line(error)}); get a sound copy.") from error
    except RuntimeError as error:
        if "ignore_mismatched_sizes" not in str(error):  # transformers' word for shapes other than the config's
            raise
        raise ModelError(
            f"The weights of {source} do not have the shapes of its config.json; get a sound copy."
        ) from error
    except (OSError, ValueError, KeyError) as error:
        names = f"a preset ({', '.join(known)})" if known else "a preset"
        raise ModelError(
            f"The model {source!r} could not be loaded ({_first_line(error)}); "
            f"give {names}, a folder in transformers' format with safetensors weights, or a Hub id."
        ) from error
    return wrap_model(model, tokenizer, name=source)


def find_device(name: str) -> torch.device:
    """The torch device called ``name``.

    Raises:
        ModelError: there is no such device, or this machine has none.
    """
    here = devices()
    if name not in here:
        raise ModelError(f"This machine has no device {name!r}; it has {', '.join(here)}.")
    return torch.device(name)


def _first_line(error: Exception) -> str:
    """What an error of a library says first, to be put into brackets."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _hide_loading_bar() -> None:
    """Hide transformers' bar over the loading of weights, which takes seconds; downloads keep theirs."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, enable_progress_bars
    from transformers.utils import logging

    downloads_are_hidden = are_progress_bars_disabled()
    logging.disable_progress_bar()  # hides both
    if not downloads_are_hidden:
        enable_progress_bars()


def wrap_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, name: str) -> LanguageModel:
    """Put a model that is already in memory into the form that everything here works with.

    Raises:
        ModelError: slow or empty tokenizer, unknown layout, or weights that are not finite numbers.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(f"The tokenizer of {name} is not a fast one; convert it (tokenizer.json is needed).")
    if len(tokenizer) <= 1:
        raise ModelError(f"The folder of {name} has no tokenizer files; save the tokenizer beside the model.")
    rows = _embedding(model).num_embeddings
    if len(tokenizer) > rows:
        raise ModelError(
            f"The tokenizer of {name} has {len(tokenizer)} entries, its embedding {rows} rows; "
            "they do not belong together."
        )
    model.eval().requires_grad_(False)
    for parameter_name, parameter in model.named_parameters():
        if not torch.isfinite(parameter).all():
            raise ModelError(f"The weights of {name} hold NaN or infinity in {parameter_name}; get a sound copy.")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return LanguageModel(
        name=name,
        model=model,
        tokenizer=tokenizer,
        layout=detect_layout(model),
        prepend_bos=tokenizer.bos_token_id is not None,
    )


def _embedding(model: PreTrainedModel) -> nn.Embedding:
    embedding = model.get_input_embeddings()
    if not isinstance(embedding, nn.Embedding):
        raise ModelError(f"{type(model).__name__} has no token embedding; use a causal language model of transformers.")
    return embedding
