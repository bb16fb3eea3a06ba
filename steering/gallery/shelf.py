"""How is a worked study read from the zip that it ships as, and was it made with the weights that are here?

A zip is unpacked into a folder of its own each time, checked as one from a stranger is, and read; nothing is kept of
it, so nothing can be changed. Whoever wants to go on from one saves what is on the screen under a name of their own.
Naming the studies reads their manifests alone: the start page does not wait for tables.
"""

import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from steering.errors import StudyError, WorldError
from steering.gallery.stories import STORIES, Story
from steering.studies.study import MANIFEST as STUDY_MANIFEST
from steering.studies.study import Study, check_id, read_manifest
from steering.world import shipped

if TYPE_CHECKING:
    from steering.lora import Adapter
    from steering.studies.content import Content
    from steering.studies.library import Library

FOLDER = Path(__file__).parent / "studies"
MANIFEST = "manifest.json"
"""Beside the zips: for each its hash, that of the recipe, and those of the weights that it was made with."""
CHOICES = "choices.json"
"""Beside the zips: what every concept scored on the prompts that concepts and factors were chosen on."""


class Gallery:
    """The worked studies.

    Args:
        folder: with a zip for each, named after its id, and the manifest.
        stories: which there are, in the order of the screen.
    """

    def __init__(self, folder: Path, stories: tuple[Story, ...] = STORIES) -> None:
        self._folder = folder
        self._stories = {story.id: story for story in stories}
        self._known: dict[str, Study] = {}

    def stories(self) -> list[tuple[Story, Study]]:
        """Every worked study that is here, in the order of the screen; only manifests are read, and each once."""
        return [(story, self.get(id)) for id, story in self._stories.items() if self.has(id)]

    def has(self, id: str) -> bool:
        """Whether a worked study has this id."""
        return check_id(id) in self._stories and self._path(id).is_file()

    def get(self, id: str) -> Study:
        """A worked study's manifest.

        Raises:
            StudyError: there is none, or its file is broken.
        """
        if id not in self._known:
            if not self.has(id):
                raise StudyError(f"No worked study is called {id}; choose one on the Studies screen.")
            try:
                with zipfile.ZipFile(self._path(id)) as archive:
                    self._known[id] = read_manifest(archive.read(STUDY_MANIFEST))
            except (OSError, KeyError, zipfile.BadZipFile) as error:
                raise StudyError(f"The worked study {id} cannot be read ({error}); reinstall the app.") from error
        return self._known[id]

    def is_of_other_weights(self, id: str) -> bool:
        """Whether the model or SAE of that name on this machine is another than the one that made the study.

        Raises:
            StudyError: there is no such study, or the manifest does not name it.
        """
        about = self.get(id).about
        try:
            told = json.loads((self._folder / MANIFEST).read_text(encoding="utf-8"))[id]["weights"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StudyError(
                f"The manifest of the worked studies does not name {id}; install the app again."
            ) from error
        try:
            return bool(told != weights_here(about.model, about.sae))
        except WorldError:
            return True

    def open(self, id: str) -> "tuple[Study, Content]":
        """A worked study with all that it holds, checked against its hashes; no model is needed.

        Raises:
            StudyError: there is none, or its file is broken.
        """
        from steering.studies.content import check_features, read_content

        with self._unpacked(id) as (folder, study):
            content = read_content(folder)
            check_features(study.about, content)
            return study, content

    def has_adapter(self, id: str) -> bool:
        """Whether a LoRA adapter took part."""
        from steering.studies.content import ADAPTER

        return any(file.name.startswith(f"{ADAPTER}/") for file in self.get(id).files)

    def adapter(self, id: str) -> "Adapter | None":
        """The study's LoRA adapter; imports torch.

        Raises:
            StudyError: there is no such study.
            AdapterError: its files are broken.
        """
        from steering.studies.content import adapter_folder

        with self._unpacked(id) as (folder, _):
            found = adapter_folder(folder)
            if found is None:
                return None
            from steering.lora import load_adapter

            return load_adapter(found)

    def _path(self, id: str) -> Path:
        return self._folder / f"{id}.zip"

    @contextmanager
    def _unpacked(self, id: str) -> Iterator[tuple[Path, Study]]:
        from steering.studies.packing import unpack

        told = self.get(id)
        with (
            TemporaryDirectory() as room,
            self._path(id).open("rb") as file,
            unpack(file, Path(room), is_read=False) as found,
        ):
            if found[1].id != told.id or told.id != id:
                raise StudyError(f"The worked study {id} says that it is {found[1].id}; install the app again.")
            yield found


def weights_here(model: str, sae: str) -> dict[str, str]:
    """SHA-256 of the weight files of a model of the embedded world and of one of its SAEs; nothing is loaded.

    Args:
        model: its name.
        sae: its name; ``model`` again for the default one.

    Raises:
        WorldError: no such model or SAE on this machine.
    """
    folder = shipped.demo_sae_path(model, None if sae == model else sae)
    files = {"model": shipped.demo_model_path(model) / "model.safetensors", "sae": folder / "sae_weights.safetensors"}
    try:
        return {name: _hash(path, path.stat().st_mtime_ns) for name, path in files.items()}
    except OSError as error:
        raise WorldError(f"The weights of {model} cannot be read ({error}); reinstall the app.") from error


@lru_cache(maxsize=8)
def _hash(path: Path, _changed: int) -> str:
    return shipped.sha256(path)


@cache
def gallery() -> Gallery:
    """The worked studies that ship with this version, or those at STEERSCOPE_GALLERY, which are not shipped yet."""
    return Gallery(Path(os.environ.get("STEERSCOPE_GALLERY") or FOLDER))


def shelf_of(id: str) -> "Library | Gallery":
    """Where a study lies: the gallery, or this server's library.

    Raises:
        StudyError: it is not an id.
    """
    from steering.studies.library import library

    return gallery() if gallery().has(id) else library()
