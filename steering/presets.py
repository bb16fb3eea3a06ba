"""Which models can be named with one word?"""

from dataclasses import dataclass
from pathlib import Path

from steering.errors import ModelError, SaeError
from steering.positions import Positions
from steering.world import shipped


@dataclass(frozen=True, slots=True)
class Preset:
    """A model with the SAEs that were trained on it.

    Attributes:
        name: what is typed after ``--model``.
        title: what stands on the screen.
        description: one sentence.
        model_path: folder in transformers' format.
        sae_paths: SAE name → folder in sae-lens's format; the first is the default.
    """

    name: str
    title: str
    description: str
    model_path: Path
    sae_paths: dict[str, Path]

    @property
    def default_sae(self) -> str:
        """Name of the SAE that is used when none is named."""
        return next(iter(self.sae_paths))

    def sae_path(self, name: str | None) -> Path:
        """Folder of the SAE called ``name``, or of the default one.

        Raises:
            SaeError: no SAE of this name.
        """
        chosen = name or self.default_sae
        if chosen not in self.sae_paths:
            raise SaeError(f"{self.name} has no SAE {chosen!r}; it has {', '.join(self.sae_paths)}.")
        return self.sae_paths[chosen]


_WORLD_TITLES = {
    "demo": ("Embedded world, Llama-style", "A small Llama trained from scratch on the embedded world's text."),
    "demo-gpt2": ("Embedded world, GPT-2-style", "A small GPT-2 trained from scratch on the embedded world's text."),
}


def presets() -> dict[str, Preset]:
    """Every preset whose weights are on this machine, by name."""
    built = shipped.presets()
    return {
        name: Preset(name, title, description, shipped.demo_model_path(name), shipped.sae_paths(name))
        for name, (title, description) in _WORLD_TITLES.items()
        if name in built
    }


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
    found = presets()
    if name in _WORLD_TITLES and name not in found:
        raise ModelError(f"The weights of {name} are not in this world; the presets are {_listed(found)}.")


def _listed(found: dict[str, Preset]) -> str:
    return ", ".join(found) or "none"


def model_key(model: str, device: str = "cpu", dtype: str = "auto") -> str:
    """Name under which a loaded model lies on the shelf."""
    return f"{model}|{device}|{dtype}"


def sae_key(model: str, sae: str | None = None, device: str = "cpu", dtype: str = "auto") -> str:
    """Name under which a loaded SAE lies on the shelf, fitted to its model."""
    return f"{sae_source(model, sae)}|{model_key(model, device, dtype)}"


def sae_source(model: str, sae: str | None) -> str:
    """What :func:`steering.saes.load_sae` should be asked for.

    Raises:
        ModelError: the model is a preset that is not built.
        SaeError: no SAE was named and the model has no default one.
    """
    refuse_unbuilt(model)
    known = presets().get(model)
    if known is not None and (sae is None or sae == model or sae in known.sae_paths):
        return str(known.sae_path(None if sae == model else sae))
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
    """What an SAE is called outside this machine: a preset's by its own name, any other as it was named."""
    for found in presets().values():
        for title, path in found.sae_paths.items():
            if str(path) == name:
                return title
    return name
