"""What does the user mean by this name: a preset's SAE, a folder, a file of bare tensors, or a release?"""

from pathlib import Path

from steering.errors import SaeError
from steering.hub import OnBytes, is_commit, split_revision
from steering.paths import existing_path, is_path
from steering.presets import presets
from steering.saes.autoencoder import SparseAutoencoder
from steering.saes.plain import SUFFIXES, Told, read_plain, split_told
from steering.saes.reading import CONFIG, WEIGHTS, read_folder, refuse_pickle
from steering.saes.releases import read_release


def load_sae(source: str, *, device: str = "cpu", on_progress: OnBytes | None = None) -> SparseAutoencoder:
    """Load an SAE.

    Args:
        source: in this order: a folder in sae-lens' format; a file of bare tensors (npz or safetensors) with what it
            does not say (``params.npz@blocks.12.hook_resid_post``, see ``steering.saes.plain``); a preset (``demo``:
            its default SAE) or one of its SAEs (``demo/NAME``); ``release/sae_id`` of sae-lens' directory, or
            ``owner/repository/folder`` on the Hub, either with ``@COMMIT`` behind it.
        device: a torch device.
        on_progress: told bytes done and in all, their unit and what is going on, while something is downloaded.

    Raises:
        SaeError: it cannot be found, read or used; the message says what to do.
    """
    name, told = split_told(source)
    if (plain := find_plain(source)) is not None:
        return read_plain(*plain).to(device)
    path = existing_path(name)
    if path is not None:
        _refuse_told(told, path)
        return read_folder(path if path.is_dir() else path.parent).to(device)
    path = Path(name)
    first, _, rest = source.partition("/")
    if (preset := presets().get(first)) is not None:
        return load_sae(preset.sae(rest or None), device=device, on_progress=on_progress)
    if not is_commit(split_revision(source)[1]):
        _refuse_told(told, path)
    return read_release(source, on_progress=on_progress).to(device)


def find_plain(source: str) -> tuple[Path, Told] | None:
    """The file of bare tensors that is meant, with what is told about it; None where something else is.

    Raises:
        SaeError: what is named is a pickle, some other file, or nothing where it is a path.
    """
    name, told = split_told(source)
    path = existing_path(name)
    if path is None:
        refuse_pickle(Path(name))
        if is_path(name) or Path(name).suffix in SUFFIXES:
            raise SaeError(
                f"There is no file or folder {name}; give a folder that holds {CONFIG} and {WEIGHTS}, or a file of "
                f"bare tensors ({' or '.join(SUFFIXES)})."
            )
        return None
    file = path if path.is_file() else _only_file(path)
    if file is None:
        return None
    refuse_pickle(file)
    if file.name in (CONFIG, WEIGHTS) and (file.parent / CONFIG).is_file() and (file.parent / WEIGHTS).is_file():
        return None
    if file.suffix not in SUFFIXES:
        raise SaeError(
            f"{file} is not an SAE: give the folder that holds {CONFIG} and {WEIGHTS}, or a file of bare tensors "
            f"({' or '.join(SUFFIXES)})."
        )
    return file, told


def _only_file(folder: Path) -> Path | None:
    """The one file of bare tensors in a folder that is none of sae-lens', as Gemma Scope's folders are."""
    if (folder / WEIGHTS).is_file():
        return None
    files = [file for file in sorted(folder.iterdir()) if file.suffix in SUFFIXES]
    return files[0] if len(files) == 1 else None


def _refuse_told(told: Told, path: Path) -> None:
    if told != Told():
        raise SaeError(f"{path} says itself where it belongs; drop what stands behind the @.")
