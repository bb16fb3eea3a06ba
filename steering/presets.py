"""Which models can be named with one word?"""

import os
from dataclasses import dataclass
from pathlib import Path

from steering.errors import ModelError, SaeError


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


_WORLD = Path(os.environ.get("STEERSCOPE_WORLD", Path(__file__).parent / "world" / "assets"))
"""The shipped weights; the variable points at those of a world one has built oneself."""
_WORLD_TITLES = {
    "demo": ("Embedded world, Llama-style", "A small Llama trained from scratch on the embedded world's text."),
    "demo-gpt2": ("Embedded world, GPT-2-style", "A small GPT-2 trained from scratch on the embedded world's text."),
}


def presets() -> dict[str, Preset]:
    """Every preset whose weights are on this machine, by name."""
    found = {}
    for name, (title, description) in _WORLD_TITLES.items():
        folder = _WORLD / name
        if not (folder / "model" / "config.json").exists():
            continue
        saes = sorted(path.parent for path in (folder / "saes").glob("*/cfg.json"))
        default = (folder / "saes" / "default").read_text().strip() if (folder / "saes" / "default").exists() else None
        saes.sort(key=lambda path: path.name != default)
        found[name] = Preset(name, title, description, folder / "model", {path.name: path for path in saes})
    return found


def preset(name: str) -> Preset:
    """The preset called ``name``.

    Raises:
        ModelError: no preset of this name.
    """
    found = presets()
    if name not in found:
        raise ModelError(f"There is no preset {name!r}; the presets are {', '.join(found) or 'not built yet'}.")
    return found[name]


def model_key(model: str, device: str = "cpu", dtype: str = "auto") -> str:
    """Name under which a loaded model lies on the shelf."""
    return f"{model}|{device}|{dtype}"


def sae_key(model: str, sae: str | None = None, device: str = "cpu", dtype: str = "auto") -> str:
    """Name under which a loaded SAE lies on the shelf, fitted to its model."""
    return f"{sae_source(model, sae)}|{model_key(model, device, dtype)}"


def sae_source(model: str, sae: str | None) -> str:
    """What :func:`steering.saes.load_sae` should be asked for.

    Raises:
        SaeError: no SAE was named and the model has no default one.
    """
    known = presets().get(model)
    if known is not None and (sae is None or sae == model or sae in known.sae_paths):
        return str(known.sae_path(None if sae == model else sae))
    if sae is None:
        raise SaeError(f"{model} has no default SAE; name one: a folder in sae-lens' format, or release/sae_id.")
    return sae


def is_world_model(name: str) -> bool:
    """Whether ``name`` is a model of the embedded world, for which concepts and a judge exist."""
    return name in _WORLD_TITLES
