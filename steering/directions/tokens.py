"""Which vectors does the stream hold at the eligible tokens of some texts?

Tokens come batch by batch in an order that does not depend on the size of the batches: shorter texts first, texts of
equal length in the order given. What needs many tokens at once gets a bounded, seeded sample of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from steering.activations import read_resid
from steering.directions.progress import Progress
from steering.encoding import EncodedText, pad_left
from steering.errors import ExamplesError
from steering.hook_points import HookPoint
from steering.models import LanguageModel

ELEMENTS_HELD = 2**27
"""Numbers that one sample of tokens may hold, 512 MiB in float32; AxBench's 72 texts are a sixth of it or less."""


@dataclass(frozen=True, slots=True, eq=False)
class TokenSample:
    """Eligible tokens of some texts, all of them unless that were too many.

    Attributes:
        resid: the stream, float32, on the CPU.
        text: for every token the number of its text, in the order given.
    """

    resid: Float[Tensor, "n d_model"]
    text: Int[Tensor, " n"]


@dataclass(frozen=True, slots=True, eq=False)
class TokenReader:
    """Reads the stream at one hook point.

    Attributes:
        model: whose stream is read; its lock is held for one batch at a time, and the forward ends at the hook point.
        hook_point: where.
        batch_size: texts in one forward.
        progress: told about every batch, and asked before it.
    """

    model: LanguageModel
    hook_point: HookPoint
    batch_size: int
    progress: Progress

    def read(self, texts: Sequence[EncodedText]) -> Iterator[Float[Tensor, "n d_model"]]:
        """The stream at the eligible tokens of ``texts``, batch by batch, float32, on the CPU.

        Raises:
            ModelError: the model has no such hook point.
            Cancelled: the progress says so.
        """
        pad_id = int(self.model.tokenizer.pad_token_id)
        order = _by_length(texts)
        for start in range(0, len(order), self.batch_size):
            self.progress.check()
            rows = order[start : start + self.batch_size]
            tokens = pad_left([texts[row] for row in rows], pad_id=pad_id, device=self.model.device)
            yield read_resid(self.model, self.hook_point, tokens)[tokens.eligible].float().cpu()
            self.progress.tick()

    def mean(self, texts: Sequence[EncodedText], *, side: str, name: str) -> Float[Tensor, " d_model"]:
        """Mean over the eligible tokens, each counted once, in float64; read once.

        Raises:
            ExamplesError: there is no eligible token.
        """
        total = torch.zeros(self.model.d_model, dtype=torch.float64)
        n_tokens = 0
        for resid in self.read(texts):
            total += resid.double().sum(dim=0)
            n_tokens += len(resid)
        if not n_tokens:
            raise no_tokens(name, side)
        return total / n_tokens

    def sample(self, texts: Sequence[EncodedText], *, seed: int, side: str, name: str) -> TokenSample:
        """All eligible tokens, or as many as may be held, drawn without replacement; read once.

        Raises:
            ExamplesError: there is no eligible token.
        """
        owner = torch.tensor([row for row in _by_length(texts) for _ in range(sum(texts[row].eligible))])
        if not len(owner):
            raise no_tokens(name, side)
        most = max(1, ELEMENTS_HELD // self.model.d_model)
        if len(owner) > most:
            drawn = torch.randperm(len(owner), generator=torch.Generator().manual_seed(seed))
            kept = drawn[:most].sort().values
        else:
            kept = torch.arange(len(owner))
        resid = torch.empty(len(kept), self.model.d_model)
        n_read = n_kept = 0
        for batch in self.read(texts):
            end = int(torch.searchsorted(kept, n_read + len(batch)))
            resid[n_kept:end] = batch[kept[n_kept:end] - n_read]
            n_read, n_kept = n_read + len(batch), end
        return TokenSample(resid, owner[kept])

    def largest_projection(
        self, texts: Sequence[Sequence[EncodedText]], direction: Float[Tensor, " d_model"], *, name: str
    ) -> float:
        """The largest ``token . direction`` over all ``texts``, AxBench's unit of the factor; reads them once.

        Raises:
            ExamplesError: no token has a positive projection, so that a factor would have no unit.
        """
        _, largest = self.range_of_projections(texts, direction, name=name)
        if largest <= 0:
            raise ExamplesError(
                f"No token of the examples projects onto the direction of {name} by more than {largest:.3g}, so a "
                "factor would have no unit; choose another layer, or another seed where the method has one."
            )
        return largest

    def range_of_projections(
        self, texts: Sequence[Sequence[EncodedText]], direction: Float[Tensor, " d_model"], *, name: str
    ) -> tuple[float, float]:
        """The smallest and the largest projection of an eligible token of all ``texts``; reads them once.

        Raises:
            ExamplesError: there is no eligible token.
        """
        ends = [torch.stack((resid @ direction).aminmax()) for part in texts for resid in self.read(part) if len(resid)]
        if not ends:
            raise no_tokens(name)
        return float(min(low for low, _ in ends)), float(max(high for _, high in ends))


def n_batches(batch_size: int, *texts: Sequence[EncodedText]) -> int:
    """Batches in which each of ``texts`` is read once."""
    return sum(-(-len(part) // batch_size) for part in texts)


def no_tokens(name: str, side: str = "") -> ExamplesError:
    """The error for texts without content."""
    return ExamplesError(f"{name} needs {side}{' ' * bool(side)}examples with at least one token of content; add some.")


def _by_length(texts: Sequence[EncodedText]) -> list[int]:
    return sorted(range(len(texts)), key=lambda row: len(texts[row]))
