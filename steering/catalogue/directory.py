"""What does the installed sae-lens list? Its YAML is read once and kept, compact, in the user's cache folder.

sae-lens itself is not imported: with TransformerLens behind it that takes seconds, and parsing its 1.5 MB of YAML takes
another. The cache's name holds a digest of that file and of this package, so that a new version of either is read anew.
"""

import functools
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple
from hashlib import blake2b
from pathlib import Path
from typing import Any

from steering.catalogue.entry import Entry
from steering.catalogue.names import hub_id
from steering.catalogue.places import Named, l0_of, place_of, trained_on, width_of
from steering.errors import SaeError
from steering.replacing import replacing

_LIST = "pretrained_saes.yaml"


@functools.cache
def catalogue() -> tuple[Entry, ...]:
    """Every SAE of the installed sae-lens' list, in its order.

    Raises:
        SaeError: sae-lens is not installed, or has no list.
    """
    listed = list_file()
    content = listed.read_bytes()
    kept = cache_folder() / f"catalogue-{_digest(content)}.json"
    with suppress(OSError, ValueError, TypeError):
        return tuple(Entry(*row) for row in json.loads(kept.read_bytes()))
    entries = tuple(read_list(content))
    with suppress(OSError):  # a home that cannot be written costs a second per start, nothing else
        kept.parent.mkdir(parents=True, exist_ok=True)
        with replacing(kept) as place:
            place.write_text(json.dumps([astuple(entry) for entry in entries], separators=(",", ":")))
    return entries


@functools.cache
def _by_source() -> dict[str, Entry]:
    return {entry.source: entry for entry in catalogue()}


def find(source: str) -> Entry | None:
    """The SAE called ``release/sae_id``, None if there is none."""
    return _by_source().get(source.strip().strip("/"))


@functools.cache
def releases() -> dict[str, tuple[str, ...]]:
    """Ids of the SAEs of every release.

    Raises:
        SaeError: see :func:`catalogue`.
    """
    found: dict[str, list[str]] = {}
    for entry in catalogue():
        found.setdefault(entry.release, []).append(entry.sae_id)
    return {release: tuple(ids) for release, ids in found.items()}


def list_file() -> Path:
    """sae-lens' list of releases.

    Raises:
        SaeError: it is not there.
    """
    spec = importlib.util.find_spec("sae_lens")
    file = Path(spec.origin).with_name(_LIST) if spec is not None and spec.origin else None
    if file is None or not file.is_file():
        raise SaeError("sae-lens is not installed here, and it lists the published SAEs; pip install sae-lens.")
    return file


def cache_folder() -> Path:
    """Where this program keeps what it can make again."""
    if "XDG_CACHE_HOME" in os.environ:
        return Path(os.environ["XDG_CACHE_HOME"]) / "steerscope"
    if sys.platform == "win32" and "LOCALAPPDATA" in os.environ:
        return Path(os.environ["LOCALAPPDATA"]) / "steerscope"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "steerscope"


def read_list(content: bytes) -> Iterator[Entry]:
    """The SAEs of a list in sae-lens' format."""
    import yaml

    releases: dict[str, Any] = yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for release, about in releases.items():
        seen = set()
        for listed in about["saes"]:
            sae_id, neuronpedia = str(listed["id"]), listed.get("neuronpedia") or None
            if sae_id in seen:  # sae-lens takes the last of two with one id, which here differ in nothing
                continue
            seen.add(sae_id)
            named = Named(
                release, sae_id, str(listed["path"]), about["repo_id"], about.get("conversion_func"), neuronpedia
            )
            place = place_of(named)
            model = trained_on(named, about["model"])
            yield Entry(
                release=release,
                sae_id=sae_id,
                repo_id=named.repo_id,
                path=named.path,
                model=hub_id(model) or model,
                layer=place.layer,
                site=place.site,
                width=width_of(named),
                l0=l0_of(named, listed.get("l0")),
                neuronpedia_id=neuronpedia,
                architecture=place.architecture,
                loader=named.loader,
                reason=place.reason,
            )


def _digest(content: bytes) -> str:
    digest = blake2b(content, digest_size=9)
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
