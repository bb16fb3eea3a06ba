"""How many nats per token does the grammar itself need? No language model can do better on its text."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steering.world.answers import draft_answer, write_answer
from steering.world.chance import Chance
from steering.world.corpus import document
from steering.world.grammar import Brief, draw_brief

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class EntropyRate:
    """An estimate of the grammar's entropy rate.

    Attributes:
        nats_per_token: mean of ``-log p(document)`` over mean tokens, the first token (BOS) left out.
        standard_error: of that ratio over documents.
        documents: how many were drawn.
    """

    nats_per_token: float
    standard_error: float
    documents: int


def acceptance(brief: Brief, rng: Chance, drafts: int) -> float:
    """Estimated share of drafts that express every planned concept twice; 1 when nothing is planned.

    Args:
        brief: request and plan.
        rng: source of chance.
        drafts: how many to write. One more is counted as kept, since the answer at hand was.
    """
    if not brief.plan:
        return 1.0
    kept = sum(bool(draft_answer(brief.request, brief.plan, rng)) for _ in range(drafts))
    return (kept + 1) / (drafts + 1)


def sample_nats(brief_rng: Chance, *, drafts: int = 50) -> tuple[float, str]:
    """``-log p`` of one freshly drawn document, and the document.

    The probability of an answer given its instruction and plan is that of its draft over the share of drafts that are
    kept (`acceptance`).

    Args:
        brief_rng: a fresh source of chance.
        drafts: drafts for the estimate of that share.
    """
    brief = draw_brief(brief_rng)
    sentences = write_answer(brief.request, brief.plan, brief_rng)
    nats = -brief_rng.log_p
    kept = acceptance(brief, Chance(brief.instruction), drafts)
    return nats + math.log(kept), document(brief.instruction, " ".join(one.text for one in sentences))


def entropy_rate(tokenizer: "PreTrainedTokenizerBase", *, documents: int = 2_000, seed: int = 0) -> EntropyRate:
    """Estimate the grammar's entropy rate in nats per token of ``tokenizer``.

    Args:
        tokenizer: of the language model that is to be compared.
        documents: how many to draw.
        seed: of the draws.
    """
    nats, tokens = [], []
    for number in range(documents):
        found, text = sample_nats(Chance(f"entropy {seed} {number}"))
        nats.append(found)
        tokens.append(len(tokenizer(text, add_special_tokens=False)["input_ids"]) - 1)
    rate = sum(nats) / sum(tokens)
    residuals = [n - rate * t for n, t in zip(nats, tokens, strict=True)]
    error = math.sqrt(sum(one * one for one in residuals)) / sum(tokens)
    return EntropyRate(rate, error, documents)
