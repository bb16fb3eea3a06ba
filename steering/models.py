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

from steering.devices import AUTO, SPLIT, devices
from steering.errors import ModelError
from steering.finite import all_finite
from steering.hub import OnBytes, at, fetch_model, short, split_revision
from steering.layout import ModelLayout, detect_layout
from steering.outlook import device_of
from steering.paths import existing_path
from steering.presets import is_world_model, model_source, refuse_missing_folder, refuse_unbuilt
from steering.shapes import SHARDS, WEIGHTS, read_config, shards_of

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
_PRESET = "a preset (`python -m steering models` lists them)"
_TOKENIZER_FILES = ("tokenizer*.json", "*.model", "vocab.*")
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
        revision: commit of the Hub repository that it was loaded from; None for a folder or a preset.
        lock: held for a whole forward or generation, because hooks and adapters are seen by every thread.
    """

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    layout: ModelLayout
    prepend_bos: bool
    revision: str | None = None
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
        """Where token ids go in, residuals are read and logits come out, also of a model split over several devices."""
        places = getattr(self.model, "hf_device_map", None)
        if places is None or len(set(places.values())) < 2:
            return self.model.device
        # accelerate moves what goes in to where the embedding is run; its weight may lie elsewhere until then.
        hook = getattr(_embedding(self.model), "_hf_hook", None)
        place = getattr(hook, "execution_device", None)
        return self.model.device if place is None else torch.device(place)

    @property
    def placement(self) -> str:
        """Where the weights are, for the screen: one device, or all of them where it is split."""
        places = getattr(self.model, "hf_device_map", None) or {"": self.model.device}
        named = dict.fromkeys(f"cuda:{place}" if isinstance(place, int) else str(place) for place in places.values())
        return " + ".join(named)

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

    @property
    def n_bytes(self) -> int:
        """Memory of parameters and buffers, counted as they lie there; tied weights once."""
        return sum(
            tensor.numel() * tensor.element_size() for tensor in (*self.model.parameters(), *self.model.buffers())
        )

    @contextmanager
    def running(self) -> Iterator[PreTrainedModel]:
        """Hold the model for one forward or generation, without gradients."""
        with self.lock, torch.no_grad():
            yield self.model


def load_model(
    source: str, *, device: str = "cpu", dtype: Dtype = "auto", on_progress: OnBytes | None = None
) -> LanguageModel:
    """Load a causal language model and its tokenizer.

    Args:
        source: a preset (``demo``), a folder in transformers' format, or a Hub id (``google/gemma-2-2b-it``), which
            may name a branch, tag or commit (``google/gemma-2-2b-it@main``).
        device: a torch device; ``split`` for all accelerators together, or ``auto``, see
            :func:`steering.devices.device_for`.
        dtype: number format of the weights; ``auto`` is float32 on a CPU and the checkpoint's own elsewhere.
        on_progress: told megabytes done and in all while something is downloaded; may raise ``Cancelled``.

    Raises:
        ModelError: not found, gated, not a causal language model, code of its own, no usable tokenizer, no safetensors
            weights, unknown layout, weights that are not finite numbers or not all there, a preset that is not built,
            or a device that this machine does not have or that is full.
    """
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    refuse_unbuilt(source)
    if device != AUTO:
        _placement(device)  # refused before anything is fetched
    _hide_loading_bar()
    folder, revision = _find_folder(source, on_progress)
    device = device_of(source if is_world_model(source) else str(folder), None, device, dtype)
    place = _placement(device)
    if not any(next(folder.glob(pattern), None) for pattern in _TOKENIZER_FILES):
        raise ModelError(f"The folder of {source} has no tokenizer files; save the tokenizer beside the model.")
    on_cpu = place == torch.device("cpu")
    wanted: Any = (torch.float32 if on_cpu else "auto") if dtype == "auto" else getattr(torch, dtype)
    common = {"trust_remote_code": False, "local_files_only": True}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **common)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=wanted,
            use_safetensors=True,
            output_loading_info=True,
            device_map=None if isinstance(place, torch.device) else place,
            **common,
        )
        model, report = loaded
        if isinstance(place, torch.device):
            model.to(place)
    except torch.OutOfMemoryError as error:
        raise ModelError(f"{source} does not fit into the memory of {device}; choose a smaller dtype.") from error
    except torch.AcceleratorError as error:
        raise ModelError(f"The device {device} cannot be used ({short(error)}); choose another one.") from error
    except SafetensorError as error:
        raise ModelError(f"The weights of {source} are damaged ({short(error)}); get a sound copy.") from error
    except RuntimeError as error:
        if "ignore_mismatched_sizes" not in str(error):  # transformers' word for shapes other than the config's
            raise
        raise ModelError(
            f"The weights of {source} do not have the shapes of its config.json; get a sound copy."
        ) from error
    except (OSError, ValueError, KeyError, StrictDataclassError) as error:
        raise ModelError(
            f"The model {source!r} could not be loaded ({short(error)}); give {_PRESET}, a folder in "
            "transformers' format with safetensors weights, or a Hub id."
        ) from error
    if missing := sorted(report["missing_keys"]):  # transformers would fill them with random numbers
        raise ModelError(
            f"The weights of {source} lack {len(missing)} tensors that its config.json asks for, {missing[0]} among "
            "them; get a whole copy, of the model with its language-modelling head."
        )
    return wrap_model(model, tokenizer, name=source, revision=revision)


def _find_folder(source: str, on_progress: OnBytes | None) -> tuple[Path, str | None]:
    """The folder that a model is to be loaded from, checked, and its commit where it came from the Hub."""
    refuse_missing_folder(source)
    path = model_source(source)
    folder = existing_path(path)
    if folder is not None:
        if not (folder / "config.json").exists():
            raise ModelError(f"The folder {source} has no config.json; give a folder that save_pretrained wrote.")
        _check_config(folder, source)
        _check_weights(folder, source)
        return folder, None
    repo, revision = split_revision(path)
    folder = fetch_model(repo, revision, lambda folder: _check_config(folder, source), on_progress)
    _check_weights(folder, at(repo, revision))
    return folder, folder.name


def _check_config(folder: Path, source: str) -> None:
    """Refuse what cannot be used before any weights are fetched."""
    from transformers.models.auto import configuration_auto, modeling_auto

    config = read_config(folder / "config.json")
    known: Any = configuration_auto
    causal = modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    kind, names = config.get("model_type"), config.get("architectures") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ModelError(f"The config.json of {source} has no list of names as architectures; get it again.")
    if not isinstance(kind, str) or kind not in known.CONFIG_MAPPING_NAMES:
        if config.get("auto_map"):
            raise ModelError(
                f"{source} brings Python code of its own (auto_map in its config.json), which is never run here; "
                "choose a model that transformers knows by itself."
            )
        raise ModelError(
            f"{source} is of the type {kind!r}, which the installed transformers does not know; choose another model, "
            "or update transformers."
        )
    if kind not in causal or (names and not set(names) & set(causal.values())):
        raise ModelError(
            f"{source} is not a causal language model but {', '.join(names) or kind}; choose one that continues text, "
            "such as a ...ForCausalLM."
        )


def _check_weights(folder: Path, source: str) -> None:
    """Refuse a folder without safetensors weights, or with some of its shards missing."""
    index = folder / SHARDS
    if (folder / WEIGHTS).is_file():
        return
    if not index.is_file():
        pickles = [file.name for file in folder.glob("*.bin")]
        held = f"only pickled ones ({pickles[0]}), which can run code and are never read" if pickles else "no such file"
        raise ModelError(
            f"{source} has no weights in safetensors (model.safetensors): {held}; choose a repository that has them, "
            "or save it again with save_pretrained."
        )
    shards = shards_of(index)
    if missing := [shard for shard in shards if not (folder / shard).is_file()]:
        raise ModelError(
            f"{source} has {len(shards) - len(missing)} of the {len(shards)} files of its weights, {missing[0]} is "
            "missing; get the rest of it."
        )


def _placement(device: str) -> torch.device | Literal["auto"]:
    """One device, or accelerate's own plan for several."""
    return "auto" if device == SPLIT and SPLIT in devices() else find_device(device)


def find_device(name: str) -> torch.device:
    """The torch device called ``name``.

    Raises:
        ModelError: there is no such device, or this machine has none.
    """
    here = devices()
    if name not in here:
        raise ModelError(f"This machine has no device {name!r}; it has {', '.join(here)}, and auto.")
    return torch.device(name)


def _hide_loading_bar() -> None:
    """Hide transformers' bar over the loading of weights, which takes seconds; downloads keep theirs."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, enable_progress_bars
    from transformers.utils import logging

    downloads_are_hidden = are_progress_bars_disabled()
    logging.disable_progress_bar()  # hides both
    if not downloads_are_hidden:
        enable_progress_bars()


def wrap_model(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, name: str, revision: str | None = None
) -> LanguageModel:
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
        if parameter.is_meta:  # accelerate keeps it on the disk or in main memory until it is used
            continue
        if not all_finite(parameter):
            raise ModelError(f"The weights of {name} hold NaN or infinity in {parameter_name}; get a sound copy.")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return LanguageModel(
        name=name,
        model=model,
        tokenizer=tokenizer,
        layout=detect_layout(model),
        prepend_bos=tokenizer.bos_token_id is not None,
        revision=revision,
    )


def _embedding(model: PreTrainedModel) -> nn.Embedding:
    embedding = model.get_input_embeddings()
    if not isinstance(embedding, nn.Embedding):
        raise ModelError(f"{type(model).__name__} has no token embedding; use a causal language model of transformers.")
    return embedding
