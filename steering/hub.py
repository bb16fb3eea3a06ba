"""How do files come from the Hugging Face Hub, and what is said when they do not?

A model is fetched before transformers is asked to load it: its config first (a repository that cannot be used is
refused before gigabytes arrive), then only the files that are needed. Without a network the cache is used at once,
where the libraries would try again for half a minute.
"""

import errno
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from steering.errors import ModelError

OnBytes = Callable[[int, int, str, str], None]
"""Called with done, total, unit and what is going on, as ``steering.workbench.Progress``; may raise ``Cancelled``."""

_MODEL_FILES = ["*.json", "*.txt", "*.model", "*.jinja", "model*.safetensors"]
_NOT_THESE = ["*/*", "model.*.safetensors"]  # exports to other formats; variants beside the weights
_PROBE_SECONDS = 3.0
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS)  # full, or not ours to write to
_CACHE = "the cache folder (HF_HUB_CACHE)"


def fetch_model(repo: str, revision: str | None, check: Callable[[Path], None], on_bytes: OnBytes | None) -> Path:
    """Bring a model repository into the cache and return its folder there, whose name is the commit.

    Args:
        repo: ``owner/name``.
        revision: branch, tag or commit; None is the default branch.
        check: called with a folder that holds the config, before any weights are fetched; may raise.
        on_bytes: told megabytes done and in all.

    Raises:
        ModelError: missing, gated, not reachable, or the disk is full; the message says what to do.
        Cancelled: ``on_bytes`` said so.
    """
    from huggingface_hub import hf_hub_download, snapshot_download

    offline = not is_reachable()
    with explained(f"The model {at(repo, revision)}", f"https://huggingface.co/{repo}", ModelError):
        common: dict[str, Any] = {"revision": revision, "local_files_only": offline}
        folder = Path(hf_hub_download(repo, "config.json", **common)).parent
        check(folder)
        if offline:  # snapshot_download would miss files that nobody needs; load_model looks for the weights
            return folder
        common["tqdm_class"] = progress_class(on_bytes, f"Downloading {repo}")
        return Path(snapshot_download(repo, allow_patterns=_MODEL_FILES, ignore_patterns=_NOT_THESE, **common))


def at(repo: str, revision: str | None) -> str:
    """``repo@revision``, as `split_revision` reads it."""
    return repo if revision is None else f"{repo}@{revision}"


def split_revision(source: str) -> tuple[str, str | None]:
    """Split ``owner/name@revision``; None is no revision."""
    repo, mark, revision = source.partition("@")
    return repo, (revision if mark else None)


def is_commit(revision: str | None) -> bool:
    """Whether a revision is a commit, which names the same files for ever, and no branch or tag."""
    return revision is not None and len(revision) == 40 and set(revision) <= set("0123456789abcdef")


def is_reachable() -> bool:
    """Whether the Hub answers now; asks once, for three seconds at most."""
    from huggingface_hub import constants
    from huggingface_hub.utils._http import get_session

    if constants.is_offline_mode():
        return False
    try:
        get_session().head(constants.ENDPOINT, timeout=_PROBE_SECONDS)
    except Exception:  # of whichever HTTP library the Hub's client is built on: every one means no answer
        return False
    return True


def progress_class(on_bytes: OnBytes | None, what: str) -> type:
    """A class that the Hub's client takes for a tqdm bar, which tells ``on_bytes``.

    One bar or many, from one thread or several: the sums are told.
    """
    lock = threading.Lock()
    bars: list[Any] = []

    class Bar:
        """The part of tqdm that the Hub's client uses."""

        def __init__(self, *args: Any, **options: Any) -> None:
            """Bars over anything else than bytes are kept silent."""
            self.total = options.get("total") or 0
            self.n = options.get("initial") or 0
            self.desc = str(options.get("desc") or "")
            self.format_dict: dict[str, Any] = {"rate": None, "elapsed": 0.0}
            # What comes from the network is told a second time, as what is written to the disk.
            self.counts = options.get("unit") == "B" and not self.desc.startswith("Downloading bytes")
            self._items = args[0] if args else options.get("iterable")
            if self.counts:
                with lock:
                    bars.append(self)

        def __iter__(self) -> Iterator[Any]:
            yield from self._items or ()

        def __enter__(self) -> "Bar":
            return self

        def __exit__(self, *_error: object) -> None:
            self.close()

        def update(self, n: float | None = 1) -> None:
            """Count on, and tell; what ``on_bytes`` raises ends the download."""
            self.n += n or 0
            if self.counts and on_bytes is not None:
                with lock:
                    done, total = (sum(getattr(bar, name) or 0 for bar in bars) for name in ("n", "total"))
                on_bytes(round(done / 1e6), round(max(total, done) / 1e6), "MB", what)

        def refresh(self, *_: Any, **__: Any) -> None:
            """Nothing is drawn."""

        close = set_description = set_description_str = set_postfix = set_postfix_str = clear = reset = refresh

    return Bar


@contextmanager
def explained(what: str, page: str, kind: type[Exception]) -> Iterator[None]:
    """Turn what the Hub's client raises into one sentence of ours."""
    from huggingface_hub import errors

    try:
        yield
    except tuple(_reasons(errors)) as error:
        raise kind(explain(error, what, page)) from error
    except errors.HfHubHTTPError as error:
        raise kind(f"{what} could not be fetched from the Hub ({short(error)}); try again later.") from error
    except OSError as error:
        if error.errno not in _DISK:
            raise
        raise kind(
            f"{what} could not be written to {_CACHE} ({error.strerror}); make room, or set HF_HOME elsewhere."
        ) from error


def _reasons(errors: Any) -> dict[type[Exception], str]:
    return {
        errors.LocalEntryNotFoundError: "{what} is not in the local cache, or not all of it, and the Hub could not be "
        "reached (HF_HUB_OFFLINE is set, or no network); connect once, or copy it into " + _CACHE + ".",
        errors.GatedRepoError: "{what} is gated: accept its terms on {page}, then {token}.",
        errors.DisabledRepoError: "{what} was disabled on the Hub; choose another one.",
        errors.RevisionNotFoundError: "{what} does not exist at this revision; see the branches, tags and commits on "
        "{page}/tree/main.",
        errors.RepositoryNotFoundError: "{what} was not found on the Hub (or is private: {token}); check the spelling "
        "on {page}.",
        errors.EntryNotFoundError: "{what} was not found ({short}); see what there is on {page}.",
        errors.HFValidationError: "{what} is neither a folder here nor a name that the Hub can have ({short}); give "
        "a folder, or owner/name.",
    }


def explain(error: Exception, what: str, page: str) -> str:
    """Why the Hub's client failed, and what to do, in one sentence."""
    from huggingface_hub import errors, get_token

    token = (
        "log in with an account that may read it (`hf auth login`, or HF_TOKEN=hf_... in the environment)"
        if get_token() is None
        else "use a token of the account that may read it (`hf auth whoami` names the present one)"
    )
    for kind, reason in _reasons(errors).items():
        if isinstance(error, kind):
            return reason.format(what=what, page=page, token=token, short=short(error))
    raise TypeError(f"{type(error).__name__} is not an error of the Hub")


def short(error: BaseException) -> str:
    """The start of an error as part of a sentence; torch says what is wrong on the second line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]).rstrip(".:") or type(error).__name__
