"""Are these all numbers, without a copy of them?"""

from torch import Tensor

_AT_ONCE = 2**22  # numbers


def all_finite(tensor: Tensor) -> bool:
    """Whether no number is NaN or infinite; what ``torch.isfinite`` makes of a whole matrix is larger than the matrix.

    Args:
        tensor: any shape; a part of its first axis is looked at after the other.
    """
    if tensor.dim() == 0:
        return bool(tensor.isfinite())
    rows_at_once = max(1, _AT_ONCE * len(tensor) // max(1, tensor.numel()))
    return all(bool(rows.isfinite().all()) for rows in tensor.split(rows_at_once))
