"""What does a unit leave behind: which columns, and in which bytes?"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from steering.errors import SteeringError

HEADER = b"steerscope"
COMPRESSION = "zstd"


@dataclass(frozen=True, slots=True)
class Row:
    """One completion and what was said of it. The first fourteen columns are those of ``steering.evidence.table``.

    Attributes:
        model: as it was named.
        method: of ``steering.methods.registry``.
        concept: what was steered.
        split: ``development`` or ``test``.
        seed: of the run.
        prompt_id: number of the prompt among those of the concept, both halves counted through.
        half: ``select`` or ``test``.
        factor: point of the method's grid; see ``steering.methods.task.Prepared``.
        selected: whether this factor was chosen on the selection half.
        concept_score: 0, 1 or 2.
        instruction_score: 0, 1 or 2.
        fluency_score: 0, 1 or 2.
        overall: harmonic mean of the three, 0 if one is 0.
        kl: mean over generated tokens to the untouched model, nats; missing for an empty completion.
        sample: number of the completion among those of this prompt and factor.
        slider: the factor in the app's unit for this very feature or direction.
        share_of_resid_norm: mean size of the edit where it was written, as a share of the stream's norm there.
        perplexity: under the untouched model given the plain prompt.
        distinct_2: share of pairs of tokens that differ.
        is_looping: whether it ended in a loop.
        n_generated: tokens drawn.
        finished: ``end``, ``length`` or ``context``.
        prompt: the instruction.
        text: the completion.
        reasons: of the judge, a line each.
    """

    model: str
    method: str
    concept: str
    split: str
    seed: int
    prompt_id: int
    half: str
    factor: float
    selected: bool
    concept_score: int
    instruction_score: int
    fluency_score: int
    overall: float
    kl: float | None
    sample: int
    slider: float
    share_of_resid_norm: float
    perplexity: float | None
    distinct_2: float
    is_looping: bool
    n_generated: int
    finished: str
    prompt: str
    text: str
    reasons: str


_TYPES = {str: pa.string(), int: pa.int32(), float: pa.float64(), bool: pa.bool_(), float | None: pa.float64()}
SCHEMA = pa.schema([(one.name, _TYPES[one.type]) for one in fields(Row)])  # type: ignore[index]
TEXTS = ("prompt", "text", "reasons")


@dataclass(frozen=True, slots=True)
class Header:
    """What a part says about itself.

    Attributes:
        key: of the run, see ``parts.Manifest``.
        concept: of the unit.
        seed: of the unit.
        method: of the unit.
        weights: fingerprint of the model's weights.
        sae: SHA-256 of the SAE's file, empty where unknown.
        seconds: it took.
        versions: of the packages that made it.
        device: it was made on.
        details: what was fitted.
        code: hash of the code that made it, see ``code.code_hash``.
    """

    key: str
    concept: str
    seed: int
    method: str
    weights: str
    sae: str
    seconds: float
    versions: Mapping[str, str]
    device: str
    details: Mapping[str, Any]
    code: str


def encode(rows: Sequence[Row], header: Header) -> bytes:
    """A unit as a Parquet file."""
    columns = {one.name: [getattr(row, one.name) for row in rows] for one in fields(Row)}
    told = json.dumps(asdict(header), sort_keys=True, allow_nan=False)
    table = pa.table(columns, schema=SCHEMA.with_metadata({HEADER: told.encode()}))
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression=COMPRESSION)
    return buffer.getvalue()


def read_header(schema: pa.Schema, where: str) -> Header:
    """What the part at ``where`` says about itself.

    Raises:
        SteeringError: it is no part of a benchmark of this version.
    """
    try:
        told = json.loads((schema.metadata or {})[HEADER])
        header = Header(**told)
    except (KeyError, TypeError, ValueError) as error:
        raise SteeringError(f"{where} is no part of a benchmark of this version; remove it.") from error
    if not schema.remove_metadata().equals(SCHEMA):
        raise SteeringError(f"{where} has other columns than this version writes; begin a new folder.")
    return header
