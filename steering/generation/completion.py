"""What comes out of a generation, and how can it be trusted?"""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from steering.conversation import Turn
from steering.measures import Repetition

Kind = Literal["baseline", "prompted", "direction", "steered", "adapted"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ToldIn = Literal["prompt", "system"]


@dataclass(frozen=True, slots=True)
class WrittenFeature:
    """One feature of an intervention as it was written.

    Attributes:
        feature_id: 0..d_sae-1.
        factor: in units of ``max_act``.
        max_act: the unit, the feature's own activation units.
        coefficient: ``factor * max_act``, residual units.
    """

    feature_id: int
    factor: float
    max_act: float
    coefficient: float


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was really done for one completion.

    Attributes:
        mode: of the intervention, "add" for a direction, None where nothing was written.
        scope: of the intervention, None where nothing was written.
        features: each feature that was written.
        hook_module: module path and end that was hooked, None without an edit.
        positions_edited_prompt: prompt tokens whose residual was written.
        positions_edited_generated: generated tokens whose residual was written; the last token drawn is never read by
            the model, so it never counts.
        positions_moved: of these, positions where the edit changed the residual at all; 0 means that the feature was
            already there, or never fires where it is scaled or ablated.
        share_of_resid_norm: mean over written positions of |edit| / |residual|.
        kl: mean over generated tokens of KL(this condition || baseline) of the next-token distribution, in nats, along
            this completion's own tokens; 0 for the baseline. The baseline reads the same earlier turns.
        perplexity: of the completion under the untouched model given the plain prompt.
        repetition: distinct n-grams and loops.
        bos_count: BOS tokens that the input begins with.
        told_in: where the model was told a sentence, "prompt" or "system"; None where it was told none.
        adapter: name and scaling of the active adapter, "off" without one.
        n_prompt_tokens: tokens read before the first was drawn.
        n_generated: tokens drawn.
        finished: "end" end-of-text drawn, "length" token limit, "context" model's context full, "stopped" by the user.
        seed: of the whole request.
        sample: number of this sample for this prompt.
        temperature: as asked.
        top_p: as asked.
        seconds: wall time of the batch this completion was made in.
        batch_size: rows in that batch.
        versions: of the packages that made it.
        revision: commit on the Hub that the model came from, None for what did not come from there.
        sae_preparation: what stood between the stored SAE and its use (norms folded, tokens centred or scaled), one
            sentence each; empty where no feature was written or nothing did.
        device: where the model's weights lay; None in receipts from before this was kept.
        dtype: their number format, e.g. ``bfloat16``; None likewise.
    """

    mode: str | None
    scope: str | None
    features: tuple[WrittenFeature, ...]
    hook_module: str | None
    positions_edited_prompt: int
    positions_edited_generated: int
    positions_moved: int
    share_of_resid_norm: float
    kl: float | None
    perplexity: float | None
    repetition: Repetition
    bos_count: int
    told_in: str | None
    adapter: str
    n_prompt_tokens: int
    n_generated: int
    finished: str
    seed: int
    sample: int
    temperature: float
    top_p: float
    seconds: float
    batch_size: int
    versions: dict[str, str]
    revision: str | None = None
    sae_preparation: tuple[str, ...] = ()
    device: str | None = None
    dtype: str | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of the model.

    Attributes:
        kind: baseline, prompted, direction, steered or adapted.
        condition: place of its condition in the request.
        prompt: as the user wrote it; in a conversation, the user's last turn.
        text: without special tokens.
        token_ids: as drawn, the end-of-text token included.
        token_texts: what each token adds to the text; empty where it was not asked for.
        top_tokens: per token, the five likeliest next tokens at that place with their probabilities under the
            condition at temperature 1; empty where they were not asked for.
        receipt: what was done.
        earlier: the turns before the prompt.
        system: the system prompt that was asked for with it, None without one; what a condition tells is not in it.
    """

    kind: Kind
    condition: int
    prompt: str
    text: str
    token_ids: tuple[int, ...]
    token_texts: tuple[str, ...]
    top_tokens: tuple[tuple[tuple[str, float], ...], ...]
    receipt: Receipt
    earlier: tuple[Turn, ...] = ()
    system: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain lists and numbers."""
        return asdict(self)
