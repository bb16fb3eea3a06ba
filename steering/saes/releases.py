"""Which published SAE is meant, and what does sae-lens make of it?

sae-lens knows some 170 releases in fifteen file formats. It is imported only here and only when used: with
TransformerLens behind it, importing takes seconds.
"""

import difflib
import errno
import pickle
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from steering.catalogue.directory import releases
from steering.errors import SaeError
from steering.hub import OnBytes, explained, is_reachable, progress_class, short, split_revision
from steering.saes.autoencoder import SparseAutoencoder
from steering.saes.building import build_autoencoder

_MAX_SUGGESTIONS = 5


def read_release(source: str, *, on_progress: OnBytes | None = None) -> SparseAutoencoder:
    """Load ``release/sae_id`` through sae-lens, from the local cache or the Hub, onto the CPU.

    Args:
        source: a release of sae-lens' directory and an id in it (``gpt2-small-res-jb/blocks.8.hook_resid_pre``; the
            id may hold slashes), or a Hub repository and a folder in it in sae-lens' format (``me/my-saes/l1``);
            ``@COMMIT`` behind it names the commit of the repository, else the newest one is meant.
        on_progress: told megabytes done and in all while something is downloaded; may raise ``Cancelled``.

    Raises:
        SaeError: unknown release or id (close ones are named), not in the cache while offline, gated, damaged, or of a
            kind that cannot be used here.
    """
    named, commit = split_revision(source)
    release, sae_id = split_source(named)  # before the import, which takes seconds

    from sae_lens import SAE
    from safetensors import SafetensorError

    where = f"The SAE {release}/{sae_id}"
    try:
        with (
            warnings.catch_warnings(),
            explained(where, f"https://huggingface.co/{_repository(release)}", SaeError),
            _our_downloads(on_progress, f"Downloading {release}/{sae_id}", commit) as commits,
        ):
            # It advises to load the model with centred weights, which fitting does exactly, and to use release names.
            warnings.simplefilter("ignore", UserWarning)
            sae: Any = SAE.from_pretrained(release, sae_id, device="cpu", dtype="float32")
    except (pickle.UnpicklingError, EOFError) as error:
        raise SaeError(
            f"{where} is a pickle file that does not hold plain weights, and is not opened ({short(error)})."
        ) from error
    except (SafetensorError, BadZipFile) as error:
        raise _damaged(where, error) from error
    except (ValueError, KeyError, AttributeError, RuntimeError, OSError) as error:
        # torch's words for an archive that ends too early
        if "PytorchStreamReader" in str(error) or getattr(error, "errno", None) == errno.EINVAL:
            raise _damaged(where, error) from error
        raise SaeError(
            f"{where} could not be loaded by sae-lens ({type(error).__name__}: {short(error)}); if it loads "
            "with sae_lens.SAE.from_pretrained in the same environment, open an issue with this message."
        ) from error
    revision = commits.pop() if len(commits) == 1 else None
    return from_sae_lens(sae, where=where, release=release, sae_id=sae_id, revision=revision)


_loading = threading.Lock()


@contextmanager
def _our_downloads(on_progress: OnBytes | None, what: str, commit: str | None) -> Iterator[set[str]]:
    """Give sae-lens' loaders two functions of ours for the length of the block, one block at a time.

    The block is given the commits that files came from; all are of ``commit`` where one is named.

    Files come with progress, and from the cache at once where there is no network. Shapes of tensors are read from the
    file itself: sae-lens asks the Hub for its first bytes even if the whole file is in the cache, so that Gemma Scope
    2 would not load offline.
    """
    from huggingface_hub import hf_hub_download
    from sae_lens.loading import pretrained_sae_loaders as loaders
    from safetensors import safe_open

    bar = progress_class(on_progress, what)
    commits: set[str] = set()
    pinned = {} if commit is None else {"revision": commit}
    offline = {} if is_reachable() else {"local_files_only": True, "force_download": False}

    def download(*arguments: Any, **options: Any) -> str:
        file: str = hf_hub_download(*arguments, **{**options, **pinned, **offline, "tqdm_class": bar})
        folders = Path(file).parts  # .../snapshots/COMMIT/...
        commits.update(inner for outer, inner in pairwise(folders) if outer == "snapshots")
        return file

    def tensor_shapes(repo_id: str, filename: str) -> dict[str, list[int]]:
        with safe_open(download(repo_id, filename), framework="pt") as file:
            return {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118

    with _loading:
        theirs = loaders.hf_hub_download, loaders.get_safetensors_tensor_shapes
        loaders.hf_hub_download, loaders.get_safetensors_tensor_shapes = download, tensor_shapes
        try:
            yield commits
        finally:
            loaders.hf_hub_download, loaders.get_safetensors_tensor_shapes = theirs


def _repository(release: str) -> str:
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    found = get_pretrained_saes_directory().get(release)
    return release if found is None else found.repo_id


def _damaged(where: str, error: Exception) -> SaeError:
    return SaeError(
        f"{where} has a damaged file ({short(error)}); its download was probably cut off: remove it from the "
        "cache (`hf cache rm`) and fetch it again."
    )


def from_sae_lens(
    sae: Any, *, where: str, release: str | None = None, sae_id: str | None = None, revision: str | None = None
) -> SparseAutoencoder:
    """Convert a loaded ``sae_lens.SAE``; its own tensors are left as they are.

    Raises:
        SaeError: it is of a kind that cannot be used here.
    """
    return build_autoencoder(
        sae.cfg.to_dict(), sae.state_dict(), where=where, release=release, sae_id=sae_id, revision=revision
    )


def split_source(source: str) -> tuple[str, str]:
    """Split ``release/sae_id`` where the release ends.

    Raises:
        SaeError: no such release, no such id in it, or no id at all; close names are in the message.
    """
    directory = releases()
    release, _, sae_id = source.strip().strip("/").partition("/")
    if release in directory:
        ids = directory[release]
        if sae_id in ids:
            return release, sae_id
        problem = f"has no SAE {sae_id!r}" if sae_id else "holds several SAEs; add the id of one"
        raise SaeError(f"The release {release} {problem}; {_suggested(sae_id, ids, 'it')}.")
    parts = source.strip().strip("/").split("/")
    # A misspelt release must not become a request to the Hub for somebody's repository.
    misspelt = difflib.get_close_matches(release, directory, n=1, cutoff=0.85)
    if len(parts) >= 3 and not misspelt:
        return "/".join(parts[:2]), "/".join(parts[2:])
    others = _suggested(release, list(directory), "the list of sae-lens")
    raise SaeError(
        f"There is no folder and no release {release!r}; {others}. "
        "Give a folder with cfg.json, release/sae_id, or owner/repository/folder on the Hub."
    )


def _suggested(wanted: str, known: Sequence[str], whose: str) -> str:
    close = difflib.get_close_matches(wanted, known, n=_MAX_SUGGESTIONS, cutoff=0.4) if wanted else []
    word = "close ones are" if close else f"{whose} has {len(known)}, among them"
    return f"{word} {', '.join(close or known[:_MAX_SUGGESTIONS])}"
