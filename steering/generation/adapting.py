"""What is switched on in the model for an adapted completion?"""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from steering.finetuning.fine_tune import FineTune, tuned
from steering.lora import Adapter, applied
from steering.models import LanguageModel


def adapted(
    model: LanguageModel, adapter: Adapter | FineTune, *, scales: Sequence[float]
) -> AbstractContextManager[None]:
    """Have an adapter, or fine-tuned weights, active inside the block.

    Args:
        model: whose lock the caller holds.
        adapter: what to switch on.
        scales: one for each row; fine-tuned weights are the same for all rows, so theirs must be equal.

    Raises:
        AdapterError: it does not fit the model, another one is active, or ``scale`` is not a number.
    """
    if isinstance(adapter, FineTune):
        return tuned(model, adapter, scale=scales[0])
    return applied(model, adapter, scale=scales)
