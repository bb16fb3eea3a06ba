"""What does the user mean by this name: a preset's SAE, a folder, or a release?"""

from pathlib import Path

from steering.errors import SaeError
from steering.presets import presets
from steering.saes.autoencoder import SparseAutoencoder
from steering.saes.reading import CONFIG, WEIGHTS, read_folder, refuse_pickle
from steering.saes.releases import read_release


def load_sae(source: str, *, device: str = "cpu") -> SparseAutoencoder:
    """Load an SAE.

    Args:
        source: in this order: a folder in sae-lens' format; a preset (``demo``: its default SAE) or one of its SAEs
            (``demo/NAME``); ``release/sae_id`` of sae-lens' directory, or ``owner/repository/folder`` on the Hub.
        device: a torch device.

    Raises:
        SaeError: it cannot be found, read or used; the message says what to do.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        return read_folder(path).to(device)
    if path.is_file():
        return read_folder(_folder_of(path)).to(device)
    refuse_pickle(path)
    first, _, rest = source.partition("/")
    if (preset := presets().get(first)) is not None:
        return load_sae(preset.sae(rest or None), device=device)
    if path.is_absolute() or source.startswith((".", "~")) or "\\" in source:
        raise SaeError(f"There is no folder {path}; give a folder that holds {CONFIG} and {WEIGHTS}.")
    return read_release(source).to(device)


def _folder_of(file: Path) -> Path:
    refuse_pickle(file)
    if file.name not in (CONFIG, WEIGHTS):
        raise SaeError(f"{file} is not an SAE folder of sae-lens; give the folder that holds {CONFIG} and {WEIGHTS}.")
    return file.parent
