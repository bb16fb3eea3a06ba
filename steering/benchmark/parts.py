"""Where do finished units lie, and how is a run taken up again without mixing it with another?

OUT/manifest.json       settings, hashes, versions, device; written first
OUT/parts/*.parquet     one for each finished unit, written whole or not at all
OUT/failures/*.json     one for each unit that could not be computed; gone once it could
OUT/results.parquet     the parts in one table; see ``collect``
"""

import hashlib
import json
import os
import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import steering
from steering.benchmark.code import code_hash
from steering.benchmark.rows import Header, read_header
from steering.benchmark.settings import BenchmarkSettings, Unit
from steering.errors import SteeringError
from steering.locking import holding
from steering.replacing import replacing
from steering.versions import versions_of

FORMAT = 2
MANIFEST, PARTS, FAILURES, RESULTS = "manifest.json", "parts", "failures", "results.parquet"
PACKAGES = ("steerscope", "torch", "transformers", "peft", "sae-lens", "numpy", "scipy", "pandas", "pyarrow")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder of results says about itself.

    Attributes:
        settings: of the run.
        inputs: fingerprint of examples and prompts.
        code: hash of the code that began it, see ``code.code_hash``; each part has its own.
        versions: of the packages where the run was begun; each part has its own.
        machine: where it was begun.
        weights: fingerprint of the model's weights, empty until the first part.
        sae: SHA-256 of the SAE's file, empty until the first part or where unknown.
        other_codes: hashes of other code that parts were made by, which was asked for knowingly.
        taken: keys of other runs whose parts were taken over, see ``taking``.
        replies: of the judge when the run was last collected, by what became of them, see ``judged``.
    """

    settings: BenchmarkSettings
    inputs: str
    code: str
    versions: dict[str, str]
    machine: dict[str, str | int]
    weights: str = ""
    sae: str = ""
    other_codes: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    replies: dict[str, int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What parts must have in common: a hash of the settings and of what is read besides."""
        return hashlib.sha256(f"{FORMAT} {self.settings.digest} {self.inputs}".encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        told = {name: getattr(self, name) for name in ("inputs", "code", "versions", "machine", "weights", "sae")}
        told |= {"other_codes": list(self.other_codes), "taken": list(self.taken), "replies": self.replies}
        return {"format": FORMAT, "key": self.key, "settings": self.settings.to_json(), **told}

    @classmethod
    def from_json(cls, given: dict[str, Any], where: Path) -> "Manifest":
        """As :meth:`to_json` wrote it.

        Raises:
            SteeringError: it is of another version, or was changed by hand.
        """
        try:
            if given["format"] != FORMAT:
                raise SteeringError(f"{where} is of format {given['format']}, not {FORMAT}; begin a new folder.")
            told = {name: given[name] for name in ("inputs", "code", "versions", "machine", "weights", "sae")}
            settings = BenchmarkSettings.from_json(given["settings"])
            told |= {"other_codes": tuple(given["other_codes"]), "taken": tuple(given.get("taken", ()))}
            told |= {"replies": dict(given.get("replies", {}))}
            found = cls(settings, **told)
        except (KeyError, TypeError) as error:
            raise SteeringError(f"{where} is no manifest of a benchmark ({error}); begin a new folder.") from error
        if found.key != given.get("key"):
            raise SteeringError(f"The settings in {where} were changed by hand; begin a new folder for other settings.")
        return found


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a unit could not be computed.

    Attributes:
        concept: of the unit.
        seed: of the unit.
        method: of the unit.
        error: one sentence.
        is_bug: whether it was anything else than an error that a user can mend.
        trace: of a bug.
        replies: how often each outcome of a rating was met, where it failed for want of ratings.
    """

    concept: str
    seed: int
    method: str
    error: str
    is_bug: bool = False
    trace: str = ""
    replies: dict[str, int] = field(default_factory=dict)

    @property
    def unit(self) -> Unit:
        """Which one."""
        return Unit(self.concept, self.seed, self.method)


class RunFolder:
    """The folder of one run. Only one process writes, see :func:`open_folder`.

    Args:
        path: of the folder.
        manifest: of the run.
        other_code: whether parts made by other code are taken too; the manifest then names it.
    """

    def __init__(self, path: Path, manifest: Manifest, *, other_code: bool = False) -> None:
        self.path = path
        self.manifest = manifest
        self.other_code = other_code

    @property
    def settings(self) -> BenchmarkSettings:
        """Of the run."""
        return self.manifest.settings

    def part(self, unit: Unit) -> Path:
        """File of a finished unit."""
        return self.path / PARTS / f"{unit.stem}.parquet"

    def failure(self, unit: Unit) -> Path:
        """File of a failed unit."""
        return self.path / FAILURES / f"{unit.stem}.json"

    def finished(self) -> set[Unit]:
        """Units with a part, each of which is looked at.

        Raises:
            SteeringError: a part cannot be read or belongs to another run.
        """
        return {unit for unit in self.settings.units() if self.part(unit).exists() and self.header(unit)}

    def failed(self) -> list[Failure]:
        """Failures in the order of the table; of a unit that has a part there is none any more.

        Raises:
            SteeringError: one cannot be read.
        """
        found = []
        for unit in self.settings.units():
            path = self.failure(unit)
            try:
                # A run that was killed after it wrote the part had no time to take the failure away.
                if path.exists() and not self.part(unit).exists():
                    found.append(Failure(**json.loads(path.read_text(encoding="utf-8"))))
            except (OSError, ValueError, TypeError) as error:
                raise SteeringError(f"{path} cannot be read ({error}); remove it.") from error
        return found

    def header(self, unit: Unit) -> Header:
        """What a part says about itself.

        Raises:
            SteeringError: it cannot be read, or is of another run.
        """
        path = self.part(unit)
        try:
            header = read_header(pq.read_schema(path), str(path))
        except (OSError, pa.ArrowException) as error:
            raise SteeringError(f"The part {path} cannot be read ({error}); remove it and resume.") from error
        self._check(header, unit, str(path))
        return header

    def codes(self) -> dict[str, int]:
        """Hash of code → finished units that it made, the first one first.

        Raises:
            SteeringError: a part cannot be read or belongs to another run.
        """
        found = Counter(self.header(unit).code for unit in self.settings.units() if self.part(unit).exists())
        return {code: found[code] for code in (self.manifest.code, *self.manifest.other_codes) if found[code]}

    def write(self, unit: Unit, data: bytes) -> None:
        """Keep a finished unit.

        Raises:
            SteeringError: it was computed with other settings, another model, another SAE or other code; or the disk
                is full.
        """
        header = read_header(pq.read_schema(pa.BufferReader(data)), f"What a worker sent for {unit}")
        self._check(header, unit, f"What a worker sent for {unit}", other_code=self.other_code)
        manifest = self.manifest
        if not manifest.weights:
            manifest = replace(manifest, weights=header.weights, sae=header.sae)
        if header.code not in (manifest.code, *manifest.other_codes):
            manifest = replace(manifest, other_codes=(*manifest.other_codes, header.code))
        self._keep(manifest)
        _write(self.part(unit), data)
        self.failure(unit).unlink(missing_ok=True)

    def take(self, other: "RunFolder", units: Sequence[Unit]) -> None:
        """Keep finished units of another run as they are, to the byte: each part goes on telling what made it.

        Args:
            other: a run that differs in nothing that a unit's rows depend on; ``taking`` makes sure of that.
            units: finished there.

        Raises:
            SteeringError: a part there cannot be read or was made with another model or SAE than those here; or the
                disk is full.
        """
        headers = [other.header(unit) for unit in units]
        manifest = self.manifest
        for header in headers:
            if not manifest.weights:
                manifest = replace(manifest, weights=header.weights, sae=header.sae)
            if (header.weights, header.sae) != (manifest.weights, manifest.sae):
                raise SteeringError(
                    f"The parts of {other.path} were made with another model or SAE than those of {self.path}; leave "
                    "it out, or begin a new folder."
                )
            if header.key not in (manifest.key, *manifest.taken):
                manifest = replace(manifest, taken=(*manifest.taken, header.key))
            if header.code not in (manifest.code, *manifest.other_codes):
                manifest = replace(manifest, other_codes=(*manifest.other_codes, header.code))
        # First what lets the parts in, so that a run that is killed here can go on.
        self._keep(manifest)
        for unit in units:
            try:
                data = other.part(unit).read_bytes()
            except OSError as error:
                raise SteeringError(
                    f"The part {other.part(unit)} cannot be read ({error}); resume that run."
                ) from error
            _write(self.part(unit), data)
            self.failure(unit).unlink(missing_ok=True)

    def details(self) -> list[dict[str, Any]]:
        """What was fitted, an entry per finished unit with ``concept, seed, method`` and the method's own names.

        Raises:
            SteeringError: a part cannot be read or belongs to another run.
        """
        headers = [self.header(unit) for unit in self.settings.units() if self.part(unit).exists()]
        return [{"concept": one.concept, "seed": one.seed, "method": one.method, **one.details} for one in headers]

    def write_replies(self, replies: Mapping[str, int]) -> None:
        """Keep what became of the judge's replies."""
        self._keep(replace(self.manifest, replies=dict(replies)))

    def write_failure(self, failure: Failure) -> None:
        """Keep the reason why a unit is not there."""
        write_json(self.failure(failure.unit), asdict(failure))

    def _keep(self, manifest: Manifest) -> None:
        if manifest != self.manifest:
            write_json(self.path / MANIFEST, manifest.to_json())
            self.manifest = manifest

    def _check(self, header: Header, unit: Unit, what: str, *, other_code: bool = False) -> None:
        if header.key not in (self.manifest.key, *self.manifest.taken):
            raise SteeringError(f"{what} was made with other settings than the run in {self.path}; begin a new folder.")
        if (header.concept, header.seed, header.method) != (unit.concept, unit.seed, unit.method):
            raise SteeringError(f"{what} is of {header.method} on {header.concept} and not of {unit}; remove it.")
        mine = (self.manifest.weights, self.manifest.sae)
        if self.manifest.weights and mine != (header.weights, header.sae):
            raise SteeringError(
                f"{what} was made with another model or SAE than the first part of {self.path}; the weights were "
                "changed meanwhile, so begin a new folder."
            )
        if not other_code and header.code not in (self.manifest.code, *self.manifest.other_codes):
            raise SteeringError(
                f"{what} was made by other code ({header.code[:8]}) than the run in {self.path} "
                f"({self.manifest.code[:8]}); the source files were changed meanwhile, so begin a new folder, or "
                "resume with --other-code to mix rows of both."
            )


@contextmanager
def open_folder(
    path: Path, settings: BenchmarkSettings, inputs: str, *, resume: bool, other_code: bool = False
) -> Iterator[RunFolder]:
    """Begin a run in a new folder, or take one up again; nobody else can write there during the block.

    Args:
        path: the folder.
        settings: of the run.
        inputs: fingerprint of examples and prompts.
        resume: whether a run may already be there; it must have the same settings and inputs.
        other_code: whether its rows may have been made by other code than this; the manifest then names both.

    Raises:
        SteeringError: there is something and ``resume`` is off; the run there has other settings, or was made by other
            code and is not finished; another process is at work in it; or the folder cannot be written.
    """
    if not resume and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise SteeringError(
            f"{path} exists already; give --resume to go on with the run in it, or name another folder."
        )
    manifest = Manifest(settings, inputs, code_hash(), _versions(), _machine())
    with ExitStack() as held:
        try:
            for folder in (path, path / PARTS, path / FAILURES):
                folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(holding(path, "running the benchmark"))
            if (path / MANIFEST).exists():
                manifest = _taken_up(path, manifest, other_code=other_code)
            elif any((path / PARTS).iterdir()):
                raise SteeringError(f"{path} has parts and no {MANIFEST}; begin a new folder.")
            else:
                write_json(path / MANIFEST, manifest.to_json())
            # What a killed run was writing when it died.
            for left in (*path.glob(".*.part"), *path.glob("*/.*.part")):
                left.unlink()
        except OSError as error:
            raise unwritable(path, error) from error
        yield RunFolder(path, manifest, other_code=other_code)


def _taken_up(path: Path, wanted: Manifest, *, other_code: bool) -> Manifest:
    """The manifest that is there, if the run that is wanted may go on under it."""
    folder = read_folder(path)
    found = folder.manifest
    if found.key != wanted.key:
        told = difference(found.settings, wanted.settings) or "was begun with other examples or prompts"
        raise SteeringError(f"The run in {path} {told}; begin a new folder.")
    is_finished = all(folder.part(unit).exists() for unit in found.settings.units())
    if not (other_code or is_finished or wanted.code in (found.code, *found.other_codes)):
        raise SteeringError(
            f"The run in {path} was made by other code ({found.code[:8]}) than this ({wanted.code[:8]}), and its rows "
            "may differ; go on with the code that began it, begin a new folder, or give --other-code to mix the two."
        )
    return found


def read_folder(path: Path) -> RunFolder:
    """A run that lies in a folder, to look at.

    Raises:
        SteeringError: there is none, or one of another version.
    """
    try:
        told = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SteeringError(f"{path} holds no benchmark ({error}); name the folder given as --out.") from error
    return RunFolder(path, Manifest.from_json(told, path / MANIFEST))


def write_json(path: Path, value: Any) -> None:
    """Write a value whole or not at all.

    Raises:
        SteeringError: the place cannot be written to, or the disk is full.
    """
    _write(path, (json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n").encode())


def unwritable(path: Path, error: OSError) -> SteeringError:
    """What is said when ``path`` cannot be written."""
    return SteeringError(f"{path} cannot be written ({error.strerror or error}); choose another place.")


def _write(path: Path, data: bytes) -> None:
    try:
        with replacing(path) as part:
            part.write_bytes(data)
    except OSError as error:
        raise unwritable(path, error) from error


def difference(found: BenchmarkSettings, wanted: BenchmarkSettings) -> str:
    """The first setting that two runs do not share, as the end of a sentence about the first; empty where none is."""
    ours, theirs = found.to_json(), wanted.to_json()
    for name, value in ours.items():
        if value != theirs[name]:
            return f"has {name} {_short(value)} and not {_short(theirs[name])}"
    return ""


def _short(value: Any) -> str:
    told = json.dumps(value, ensure_ascii=False)
    return told if len(told) <= 60 else f"{told[:57]}..."


def _versions() -> dict[str, str]:
    own = {"python": platform.python_version(), "steerscope": steering.__version__}
    return own | versions_of(PACKAGES[1:])


def _machine() -> dict[str, str | int]:
    return {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count() or 1}
