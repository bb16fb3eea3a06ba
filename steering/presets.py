"""Which models can be named with one word?

Those of the embedded world, whose weights lie on this machine, and published ones that are well known to work, listed
in ``presets.toml``. Both are the same thing: what to ask for as a model, and which SAEs go with it.
"""

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steering.errors import ModelError, SaeError
from steering.hub import split_revision
from steering.memory import BYTES, ModelShape
from steering.paths import existing_path, is_path
from steering.positions import Positions
from steering.world import shipped

_LIST = Path(__file__).with_name("presets.toml")


@dataclass(frozen=True, slots=True)
class Preset:
    """A model with SAEs that fit it.

    Attributes:
        name: what is typed after ``--model``.
        title: what stands on the screen.
        description: one sentence.
        model: what is loaded: a folder in transformers' format or a Hub id.
        saes: SAE name → what is loaded: a folder in sae-lens' format or release/sae_id; the first is the default.
        chat: whether prompts are wrapped into turns by the model's chat template.
        dtype: number format of the published weights.
        gated: whether its terms have to be accepted on the Hub first.
        shape: its numbers where they are listed; None for a folder, which `steering.shapes.shape_of_folder` counts.
    """

    name: str
    title: str
    description: str
    model: str
    saes: dict[str, str]
    chat: bool
    dtype: str
    gated: bool = False
    shape: ModelShape | None = None

    @property
    def default_sae(self) -> str:
        """Name of the SAE that is used when none is named."""
        return next(iter(self.saes))

    def sae(self, name: str | None) -> str:
        """What ``load_sae`` is asked for as the SAE called ``name``, or as the default one.

        Raises:
            SaeError: no SAE of this name.
        """
        chosen = name or self.default_sae
        if chosen not in self.saes:
            raise SaeError(f"{self.name} has no SAE {chosen!r}; it has {', '.join(self.saes)}.")
        return self.saes[chosen]


_WORLD_TITLES = {
    "demo": ("Embedded world, Llama-style", "A small Llama trained from scratch on the embedded world's text."),
    "demo-gpt2": ("Embedded world, GPT-2-style", "A small GPT-2 trained from scratch on the embedded world's text."),
}


def world_presets() -> dict[str, Preset]:
    """The embedded world's models whose weights are on this machine, by name."""
    built = shipped.presets()
    return {
        name: Preset(
            name=name,
            title=title,
            description=description,
            model=str(shipped.demo_model_path(name)),
            saes={sae: str(path) for sae, path in shipped.sae_paths(name).items()},
            chat=True,
            dtype="float32",
        )
        for name, (title, description) in _WORLD_TITLES.items()
        if name in built
    }


@functools.cache
def published_presets() -> dict[str, Preset]:
    """Published models with their SAEs, by name; they are fetched from the Hub when they are first used.

    Raises:
        ModelError: the list is not as it should be.
    """
    return read_presets(tomllib.loads(_LIST.read_text(encoding="utf-8")))


def read_presets(listed: dict[str, dict[str, Any]]) -> dict[str, Preset]:
    """Presets as ``presets.toml`` holds them.

    Raises:
        ModelError: a key is missing or unknown, or a value is of the wrong kind.
    """
    found = {}
    for name, about in listed.items():
        try:
            preset = Preset(name=name, **{**about, "shape": ModelShape(**about["shape"])})
        except (KeyError, TypeError) as error:
            raise ModelError(f"The preset {name} is not written as the others are ({error}); mend it.") from error
        numbers = [getattr(preset.shape, field) for field in ModelShape.__dataclass_fields__]
        texts = [preset.title, preset.description, preset.model, *preset.saes, *preset.saes.values()]
        if not (
            all(isinstance(number, int) and number > 0 for number in numbers)
            and all(isinstance(text, str) and text for text in texts)
            and all(isinstance(value, bool) for value in (preset.chat, preset.gated))
            and preset.saes
            and preset.dtype in BYTES
        ):
            raise ModelError(f"The preset {name} has a value of the wrong kind: {about}; mend it.")
        found[name] = preset
    return found


def presets() -> dict[str, Preset]:
    """Every preset by name, those of the embedded world first."""
    return {**world_presets(), **published_presets()}


def preset(name: str) -> Preset:
    """The preset called ``name``.

    Raises:
        ModelError: no preset of this name, or one whose weights are not here.
    """
    refuse_unbuilt(name)
    found = presets()
    if name not in found:
        raise ModelError(f"There is no preset {name!r}; the presets are {_listed(found)}.")
    return found[name]


def refuse_unbuilt(name: str) -> None:
    """Make sure that ``name`` is not a preset without weights here; it would be looked for on the Hub.

    Raises:
        ModelError: it is.
    """
    found = world_presets()
    if name in _WORLD_TITLES and name not in found:
        raise ModelError(f"The weights of {name} are not in this world; the presets are {_listed(found)}.")


def _listed(found: dict[str, Preset]) -> str:
    return ", ".join(found) or "none"


def model_source(model: str) -> str:
    """The folder or Hub id that a model is loaded from: a preset's own, any other as it was named."""
    known = presets().get(model)
    return model if known is None else known.model


def refuse_missing_folder(model: str) -> None:
    """Make sure that a folder which is named is there; a path would be looked for on the Hub, where it cannot be.

    Raises:
        ModelError: there is none.
    """
    source = model_source(model)
    folder = existing_path(source)
    if folder is not None and folder.is_dir():
        return
    if folder is not None or is_path(source) or split_revision(source)[0].count("/") > 1:
        raise ModelError(
            f"There is no folder {model}; give a preset (`python -m steering models` lists them), a folder in "
            "transformers' format, or a Hub id."
        )


def published_name(model: str) -> str:
    """The name that an SAE's author would know a model by: a preset's Hub id, any other as it was named."""
    return model if is_world_model(model) else model_source(model)


def model_key(model: str, device: str = "cpu", dtype: str = "auto") -> str:
    """Name under which a loaded model lies on the shelf."""
    return f"{model}|{device}|{dtype}"


def sae_key(
    model: str, sae: str | None = None, device: str = "cpu", dtype: str = "auto", sae_dtype: str = "float32"
) -> str:
    """Name under which a loaded SAE lies on the shelf, fitted to its model."""
    kept = "" if sae_dtype == "float32" else f"{sae_dtype}|"
    return f"{sae_source(model, sae)}|{kept}{model_key(model, device, dtype)}"


def sae_source(model: str, sae: str | None) -> str:
    """What :func:`steering.saes.load_sae` should be asked for.

    Raises:
        ModelError: the model is a preset that is not built.
        SaeError: no SAE was named and the model has no default one.
    """
    refuse_unbuilt(model)
    known = presets().get(model)
    if known is not None and (sae is None or sae == model or sae in known.saes):
        return known.sae(None if sae == model else sae)
    if sae is None:
        raise SaeError(f"{model} has no default SAE; name one: a folder in sae-lens' format, or release/sae_id.")
    return sae


def is_world_model(name: str) -> bool:
    """Whether ``name`` is a model of the embedded world, for which concepts and a judge exist."""
    return name in _WORLD_TITLES


def default_positions(model: str) -> Positions:
    """Where examples are read unless told: sentence ends on the embedded world, whose development concepts say so
    (docs/adr/0010); elsewhere every eligible token, as in the paper and in AxBench.
    """
    return "sentence_ends" if is_world_model(model) else "all"


def sae_title(name: str) -> str:
    """What an SAE is called outside this machine: one of the embedded world by its own name, any other as it was
    named.
    """
    for found in world_presets().values():
        for title, path in found.saes.items():
            if path == name:
                return title
    return name
