"""Which tensors does a safetensors file hold, and is it whole, by its header alone?

Eight bytes of length, a JSON object with every tensor's format, shape and place, then the tensors one after the other
(https://github.com/huggingface/safetensors#format).
"""

import json
from pathlib import Path


def tensor_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by name.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has no such header, or is shorter or longer than its header says.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > size - 8:
            raise ValueError(f"it ends after {size:,} bytes, in its header")
        header = json.loads(stream.read(length))
    try:
        tensors = {name: tensor for name, tensor in header.items() if name != "__metadata__"}
        whole = 8 + length + max((int(tensor["data_offsets"][1]) for tensor in tensors.values()), default=0)
        shapes = {name: tuple(int(number) for number in tensor["shape"]) for name, tensor in tensors.items()}
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError("its header does not list tensors") from error
    if size != whole:
        raise ValueError(f"it has {size:,} bytes, its header asks for {whole:,}")
    return shapes
