"""How surprised is the model by the answers? The loss that adapters and directions are learned by."""

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import cross_entropy

from steering.encoding import TokenBatch
from steering.models import LanguageModel


def answer_loss(model: LanguageModel, tokens: TokenBatch, counted: Bool[Tensor, "batch pos"]) -> Float[Tensor, ""]:
    """Sum of -log p, in nats, over the tokens that count; with a gradient where gradients are on.

    Args:
        model: whose lock the caller holds.
        tokens: padded on the left.
        counted: ``[batch pos]`` tokens that are to be predicted; never the first of the batch's positions, which
            nothing stands before.
    """
    logits = model.model(
        input_ids=tokens.input_ids,
        attention_mask=tokens.attention_mask,
        position_ids=tokens.position_ids,
        use_cache=False,
    ).logits
    predicted = counted[:, 1:]
    return cross_entropy(logits[:, :-1][predicted].float(), tokens.input_ids[:, 1:][predicted], reduction="sum")
