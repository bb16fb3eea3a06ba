"""How surprised is the model by the answers? The loss that adapters and directions are learned by."""

from collections.abc import Callable, Iterator, Sequence

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import cross_entropy

from steering.encoding import EncodedText, TokenBatch, pad_left
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


def batch_losses(
    model: LanguageModel, batch: Sequence[EncodedText], micro_batch_size: int, check: Callable[[], None]
) -> Iterator[Float[Tensor, ""]]:
    """Terms whose sum is the mean loss per eligible token of ``batch``.

    Args:
        model: whose lock the caller holds.
        batch: texts whose eligible tokens are those of the answer.
        micro_batch_size: texts in memory at once.
        check: called before every forward; may raise ``Cancelled``.
    """
    n_tokens = sum(sum(text.eligible) for text in batch)
    for start in range(0, len(batch), micro_batch_size):
        check()
        part = batch[start : start + micro_batch_size]
        tokens = pad_left(part, pad_id=int(model.tokenizer.pad_token_id), device=model.device)
        yield answer_loss(model, tokens, tokens.eligible) / n_tokens
