"""What is switched on in the model for an adapted completion?"""

from contextlib import AbstractContextManager

from steering.finetuning.fine_tune import FineTune, tuned
from steering.lora import Adapter, applied
from steering.models import LanguageModel


def adapted(model: LanguageModel, adapter: Adapter | FineTune, *, scale: float) -> AbstractContextManager[None]:
    """Have an adapter, or fine-tuned weights, active inside the block.

    Raises:
        AdapterError: it does not fit the model, another one is active, or ``scale`` is not a number.
    """
    if isinstance(adapter, FineTune):
        return tuned(model, adapter, scale=scale)
    return applied(model, adapter, scale=scale)
