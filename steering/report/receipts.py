"""What was really done for a completion, in the words that screens and reports share."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steering.generation.completion import Completion

_MOVED_NOTHING = {
    "add": "the strength is 0",
    "clamp": "the feature had that value already",
    "min_clamp": "the feature was that strong already",
    "scale": "the feature never fires here, or the factor is 1",
    "ablate": "the feature never fires here",
}


def measures(completion: "Completion") -> str:
    """KL, repetition and perplexity of a completion in one line."""
    receipt = completion.receipt
    parts = []
    if receipt.kl is not None and completion.kind != "baseline":
        parts.append(f"KL {receipt.kl:.2f}")
    if receipt.perplexity is not None:
        parts.append(f"perplexity {receipt.perplexity:.1f}")
    parts.append(f"distinct-2 {receipt.repetition.distinct_2:.2f}")
    if receipt.repetition.is_looping:
        parts.append("ends in a loop")
    if receipt.finished == "stopped":
        parts.append("stopped")
    return " · ".join(parts)


def moved_nothing(completion: "Completion") -> str | None:
    """Why an intervention that was asked for changed nothing, None where it did or where there was none."""
    receipt = completion.receipt
    if receipt.mode is None or receipt.positions_moved > 0:
        return None
    why = _MOVED_NOTHING.get(receipt.mode, "no reason is known")
    if receipt.positions_edited_prompt + receipt.positions_edited_generated == 0:
        why = "no position was written"
    return f"Nothing was changed: {why}."


def receipt_rows(completion: "Completion") -> tuple[tuple[str, str], ...]:
    """Name and value of everything on the receipt; every completion has the same names in the same order."""
    receipt = completion.receipt
    written = [
        f"{one.feature_id}: {one.factor:g} × {one.max_act:.3f} = {one.coefficient:+.3f}" for one in receipt.features
    ]
    return (
        ("hooked", receipt.hook_module or "nothing"),
        ("mode, where", f"{receipt.mode}, {receipt.scope}" if receipt.mode else "–"),
        ("features", "; ".join(written) or "–"),
        (
            "positions edited",
            f"{receipt.positions_edited_prompt} prompt, {receipt.positions_edited_generated} answer",
        ),
        ("positions moved", str(receipt.positions_moved)),
        ("edit / residual norm", f"{receipt.share_of_resid_norm:.1%}"),
        ("KL to the baseline", "–" if receipt.kl is None else f"{receipt.kl:.4f} nats per token"),
        ("perplexity, untouched model", "–" if receipt.perplexity is None else f"{receipt.perplexity:.2f}"),
        ("told in", {"prompt": "the prompt", "system": "the system prompt"}.get(receipt.told_in or "", "–")),
        ("BOS tokens", str(receipt.bos_count)),
        ("adapter", receipt.adapter),
        ("tokens", f"{receipt.n_prompt_tokens} prompt + {receipt.n_generated} answer, ended by {receipt.finished}"),
        ("turns before", str(len(completion.earlier))),
        ("seed, temperature", f"{receipt.seed} (sample {receipt.sample}), {receipt.temperature:g}"),
        ("model revision", receipt.revision or "–"),
        ("weights", f"{receipt.dtype} on {receipt.device}" if receipt.dtype else "–"),
        ("SAE", " ".join(receipt.sae_preparation) or "–"),
        ("time", f"{receipt.seconds:.2f} s in a batch of {receipt.batch_size}"),
    )
