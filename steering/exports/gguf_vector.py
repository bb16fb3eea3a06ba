"""GGUF control vector: how does llama.cpp get a vector that it adds while it runs?

Architecture ``controlvector``, key ``controlvector.model_hint`` (the model's type, as repeng writes it; llama.cpp does
not read it), one 1-D F32 tensor ``direction.<N>``.

Which layer is N? The block counted from 0 after which the vector is added. llama.cpp's two steps look like an offset
and cancel: ``common_control_vector_load_one`` (common/common.cpp) puts direction.N at place N - 1 of a buffer "starting
from layer 1" (include/llama.h), and ``llama_adapter_cvec::apply`` (src/llama-adapter.cpp) fills the tensor of layer
``il`` from place il - 1. The graphs of src/models/ then add it to the output of block ``il``
(``cur = build_cvec(cur, il); cb(cur, "l_out", il)``), and their loops count blocks from 0. repeng writes zero-based
block numbers too (vgel/repeng, ``export_gguf``). direction.0 is refused by the loader ("invalid (zero) direction tensor
layer index"), so the output of the first block cannot be written. Block numbers are the same in transformers and in
GGUF models (``blk.N``), so N is our layer for resid_post. Read in the sources and not run: llama.cpp is not part of the
tests, which apply the file with a plain hook after block N instead.

llama.cpp adds the vector at every position. We leave BOS and the template's tokens out unless asked, so its answers are
those of our ``special=True``.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from steering.errors import ExportError
from steering.exports.formats import after_layer
from steering.exports.subject import Subject

ARCHITECTURE = "controlvector"


@dataclass(frozen=True, slots=True, eq=False)
class ControlVector:
    """What a GGUF file of control vectors holds.

    Attributes:
        model_hint: the model's type.
        directions: layer, counted from 0 → what is added after it.
    """

    model_hint: str
    directions: dict[int, Float32[np.ndarray, " d_model"]]


def gguf_file(subject: Subject) -> bytes:
    """The file's bytes; what cannot be held is refused by ``formats``."""
    from gguf import GGUFWriter

    layer = after_layer(subject.sae.hook_point)
    assert layer  # formats has refused layer 0 and places that are after no block
    metadata = subject.metadata()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vector.gguf"
        writer = GGUFWriter(str(path), ARCHITECTURE)
        try:
            writer.add_string(f"{ARCHITECTURE}.model_hint", str(subject.model.model.config.model_type))
            writer.add_uint32(f"{ARCHITECTURE}.layer_count", 1)
            for name in ("model", "sae", "hook_point", "features", "mode", "scope", "concept", "recipe_digest"):
                writer.add_string(f"steerscope.{name}", metadata[name])
            writer.add_tensor(f"direction.{layer}", subject.vector.numpy().astype(np.float32))
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
        finally:
            writer.close()
        return path.read_bytes()


def read_gguf(path: Path) -> ControlVector:
    """Read a file of control vectors, ours or another's.

    Raises:
        ExportError: not a GGUF file of control vectors, or one that llama.cpp would refuse.
    """
    from gguf import GGUFReader

    try:
        reader = GGUFReader(str(path))
        architecture = _text(reader, "general.architecture")
    except (OSError, ValueError, IndexError) as error:
        raise ExportError(f"{path} cannot be read as GGUF ({error}); copy it again.") from error
    if architecture != ARCHITECTURE:
        raise ExportError(f"{path} is a GGUF file of {architecture!r}; one of {ARCHITECTURE!r} was expected.")
    directions = {}
    for tensor in reader.tensors:
        head, _, number = tensor.name.partition(".")
        if head != "direction" or not number.isdecimal() or int(number) == 0 or tensor.data.ndim != 1:
            raise ExportError(
                f"{path} holds the tensor {tensor.name!r}; llama.cpp takes direction.1, direction.2, ... with one "
                "dimension."
            )
        directions[int(number)] = np.array(tensor.data, dtype=np.float32)
    return ControlVector(_text(reader, f"{ARCHITECTURE}.model_hint"), directions)


def _text(reader: object, key: str) -> str:
    field = reader.get_field(key)  # type: ignore[attr-defined]
    return "" if field is None else str(field.contents())
