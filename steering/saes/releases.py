"""Which published SAE is meant, and what does sae-lens make of it?

sae-lens knows some 170 releases in fifteen file formats. It is imported only here and only when used: with
TransformerLens behind it, importing takes seconds.
"""

import difflib
import pickle
import warnings
from collections.abc import Callable
from typing import Any
from zipfile import BadZipFile

from steering.errors import SaeError
from steering.saes.autoencoder import SparseAutoencoder
from steering.saes.building import build_autoencoder

_MAX_SUGGESTIONS = 5


def read_release(source: str, *, on_progress: Callable[[int, int, str, str], None] | None = None) -> SparseAutoencoder:
    """Load ``release/sae_id`` through sae-lens, from the local cache or the Hub, onto the CPU.

    Args:
        source: a release of sae-lens' directory and an id in it (``gpt2-small-res-jb/blocks.8.hook_resid_pre``; the
            id may hold slashes), or a Hub repository and a folder in it in sae-lens' format (``me/my-saes/l1``).

    Raises:
        SaeError: unknown release or id (close ones are named), not in the cache while offline, gated, damaged, or of a
            kind that cannot be used here.
    """
    from huggingface_hub import errors as hub_errors
    from sae_lens import SAE
    from safetensors import SafetensorError

    release, sae_id = split_source(source)
    where = f"The SAE {release}/{sae_id}"
    try:
        with warnings.catch_warnings():
            # It advises to load the model with centred weights, which fitting does exactly, and to use release names.
            warnings.simplefilter("ignore", UserWarning)
            sae: Any = SAE.from_pretrained(release, sae_id, device="cpu", dtype="float32")
    except hub_errors.LocalEntryNotFoundError as error:
        raise SaeError(
            f"{where} is not in the local cache and the Hub could not be reached; connect once, or copy it into the "
            "cache folder (HF_HUB_CACHE)."
        ) from error
    except hub_errors.GatedRepoError as error:
        raise SaeError(
            f"{where} is in a gated repository; accept its terms on huggingface.co and log in with `hf auth login`."
        ) from error
    except (hub_errors.RepositoryNotFoundError, hub_errors.EntryNotFoundError, hub_errors.HFValidationError) as error:
        raise SaeError(
            f"{where} was not found on the Hub ({_short(error)}); give release/sae_id of a release of sae-lens, "
            "or owner/repository/folder."
        ) from error
    except (pickle.UnpicklingError, EOFError) as error:
        raise SaeError(
            f"{where} is a pickle file that does not hold plain weights, and is not opened ({_short(error)})."
        ) from error
    except (SafetensorError, BadZipFile) as error:
        raise SaeError(
            f"{where} has a damaged file ({_short(error)}); its download was probably cut off: remove it from the "
            "cache (`hf cache rm`) and fetch it again."
        ) from error
    except (ValueError, KeyError, AttributeError, RuntimeError, OSError) as error:
        raise SaeError(
            f"{where} could not be loaded by sae-lens ({type(error).__name__}: {_short(error)}); if it loads "
            "with sae_lens.SAE.from_pretrained in the same environment, open an issue with this message."
        ) from error
    return from_sae_lens(sae, where=where, release=release, sae_id=sae_id)


def from_sae_lens(sae: Any, *, where: str, release: str | None = None, sae_id: str | None = None) -> SparseAutoencoder:
    """Convert a loaded ``sae_lens.SAE``; its own tensors are left as they are.

    Raises:
        SaeError: it is of a kind that cannot be used here.
    """
    return build_autoencoder(sae.cfg.to_dict(), sae.state_dict(), where=where, release=release, sae_id=sae_id)


def split_source(source: str) -> tuple[str, str]:
    """Split ``release/sae_id`` where the release ends.

    Raises:
        SaeError: no such release, no such id in it, or no id at all; close names are in the message.
    """
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    directory = get_pretrained_saes_directory()
    release, _, sae_id = source.strip().strip("/").partition("/")
    if release in directory:
        ids = list(directory[release].saes_map)
        if sae_id in ids:
            return release, sae_id
        problem = f"has no SAE {sae_id!r}" if sae_id else "holds several SAEs; add the id of one"
        raise SaeError(f"The release {release} {problem}; {_suggested(sae_id, ids)}.")
    parts = source.strip().strip("/").split("/")
    # A misspelt release must not become a request to the Hub for somebody's repository.
    misspelt = difflib.get_close_matches(release, directory, n=1, cutoff=0.85)
    if len(parts) >= 3 and not misspelt:
        return "/".join(parts[:2]), "/".join(parts[2:])
    raise SaeError(
        f"There is no folder and no release {release!r}; {_suggested(release, list(directory))}. Give a folder with "
        "cfg.json, release/sae_id, or owner/repository/folder on the Hub."
    )


def _suggested(wanted: str, known: list[str]) -> str:
    close = difflib.get_close_matches(wanted, known, n=_MAX_SUGGESTIONS, cutoff=0.4) if wanted else []
    word = "close ones are" if close else f"it has {len(known)}, among them"
    return f"{word} {', '.join(close or known[:_MAX_SUGGESTIONS])}"


def _short(error: BaseException) -> str:
    """The start of an error as part of a sentence; torch says what is wrong on the second line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]).rstrip(".:") or type(error).__name__
