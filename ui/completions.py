"""How do completions stand side by side: streaming, finished, with scores and receipts?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from steering.jobs import Job
from ui.text import plain
from ui.tokens import CompletionToken, completion_view, mark_changes
from ui.work import Generated, Request

if TYPE_CHECKING:
    from steering.generation import Completion
    from steering.judges.score import Score

POLL_SECONDS = 0.3


def streaming_view(job: Job, request: Request, colours: Sequence[str], *, key: str) -> None:
    """Draw the answers to a job's request while they are written, with Stop; one rerun of the page when it ends."""
    st.fragment(_stream, run_every=POLL_SECONDS, key=f"{key}_stream_of_{job.id}")(job, request, tuple(colours), key)


def _stream(job: Job, request: Request, colours: tuple[str, ...], key: str) -> None:
    titles, prompts, count = request.titles, request.ask.prompts, request.ask.count
    snapshot = job.snapshot()
    if not snapshot.active:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(snapshot.progress.share or 0.0, text=_headline(job))
        st.button("Stop", key=f"{key}_stop", icon=":material/stop_circle:", on_click=job.cancel, width=110)
    tokens: dict[int, list[CompletionToken]] = {}
    for token in job.events_since(0)[0]:
        tokens.setdefault(token.row, []).append({"text": token.text, "top": token.top})
    for place, prompt in enumerate(prompts):
        st.markdown(f"**{plain(prompt)}**")
        for column, pane in zip(st.columns(len(titles)), range(len(titles)), strict=True):
            with column.container(border=True):
                st.caption(plain(titles[pane]))
                for sample in range(count):
                    row = (pane * len(prompts) + place) * count + sample
                    completion_view(
                        tokens.get(row, []), key=f"{key}_stream_{row}", colour=colours[pane], streaming=True,
                        placeholder="…", label=f"{titles[pane]}, being written",
                    )  # fmt: skip


def _headline(job: Job) -> str:
    snapshot = job.snapshot()
    if snapshot.position:
        return f"Waiting: {snapshot.position} ahead"
    progress = snapshot.progress
    rate = f" · {progress.rate:,.0f} tokens/s" if progress.rate else ""
    return f"{progress.note or 'Starting'}{rate}"


def completion_tokens(completion: "Completion", base: "Completion | None" = None) -> list[CompletionToken]:
    """Tokens of a completion for the screen; with ``base``, those that differ from it are marked."""
    # The end-of-text token is no text; the receipt says that it was drawn.
    shown = len(completion.token_texts) - (completion.receipt.finished == "end")
    changed = mark_changes(base.token_texts, completion.token_texts) if base else [False] * len(completion.token_texts)
    tokens: list[CompletionToken] = [
        {"text": text, "top": top, "changed": differs}
        for text, top, differs in zip(completion.token_texts, completion.top_tokens, changed, strict=True)
    ]
    return tokens[:shown]


def finished_view(
    generated: Generated,
    colours: Sequence[str],
    *,
    key: str,
    diff: bool,
) -> None:
    """Draw finished answers side by side: text, scores, measures, receipt.

    Args:
        generated: of one request; the first condition is the one that others are compared with.
        colours: one per condition.
        key: prefix of the widget keys.
        diff: mark the tokens that differ from the first condition's.
    """
    for place, prompt in enumerate(generated.prompts):
        st.markdown(f"**{plain(prompt)}**")
        columns = st.columns(len(generated.titles))
        for pane, title in enumerate(generated.titles):
            with columns[pane].container(border=True, height="stretch"):
                st.caption(f"**{plain(title)}**")
                for sample, completion in enumerate(generated.of(pane, place)):
                    base = generated.of(0, place)[sample] if diff and pane else None
                    completion_view(
                        completion_tokens(completion, base), key=f"{key}_{pane}_{place}_{sample}",
                        colour=colours[pane], placeholder="(nothing)", label=f"{title}: {prompt}",
                    )  # fmt: skip
                    name = f"{key}_{pane}_{place}_{sample}"
                    score = generated.scores_of(pane, place)[sample] if generated.scores else None
                    if score is not None:
                        _score_line(score, untouched=pane == 0)
                    st.caption(measures(completion))
                    nothing = moved_nothing(completion)
                    if nothing:
                        st.caption(f":orange[:material/info: {nothing}]")
                    with st.container(horizontal=True, gap="small"):
                        if score is not None and score.reasons:
                            _reasons(score, name)
                        receipt_popover(completion, name)


def _score_line(score: "Score", *, untouched: bool) -> None:
    # Nothing asked the baseline to carry the concept: its score is no failure.
    colour = "gray" if untouched else "green" if score.overall >= 1.5 else "orange" if score.overall > 0 else "red"
    st.markdown(
        f":{colour}[**{score.overall:.2f}**] &nbsp; concept {score.concept} · instruction {score.instruction} · "
        f"fluency {score.fluency}"
    )


def _reasons(score: "Score", key: str) -> None:
    with st.popover("Why", type="tertiary", icon=":material/gavel:", key=f"{key}_why"):
        for reason in score.reasons:
            st.markdown(f"- {plain(reason)}")


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


_MOVED_NOTHING = {
    "add": "the strength is 0",
    "clamp": "the feature had that value already",
    "min_clamp": "the feature was that strong already",
    "scale": "the feature never fires here, or the factor is 1",
    "ablate": "the feature never fires here",
}


def moved_nothing(completion: "Completion") -> str | None:
    """Why an intervention that was asked for changed nothing, None where it did or where there was none."""
    receipt = completion.receipt
    if receipt.mode is None or receipt.positions_moved > 0:
        return None
    return f"Nothing was changed: {_MOVED_NOTHING.get(receipt.mode, 'no position was written')}."


def receipt_popover(completion: "Completion", key: str) -> None:
    """What was really done for a completion, one click away."""
    receipt = completion.receipt
    with st.popover("Receipt", type="tertiary", icon=":material/receipt_long:", key=f"{key}_receipt"):
        rows: dict[str, Any] = {
            "hooked": receipt.hook_module or "nothing",
            "mode, where": f"{receipt.mode}, {receipt.scope}" if receipt.mode else "–",
            "positions edited": (
                f"{receipt.positions_edited_prompt} prompt, {receipt.positions_edited_generated} answer"
            ),
            "positions moved": receipt.positions_moved,
            "edit / residual norm": f"{receipt.share_of_resid_norm:.1%}",
            "KL to the baseline": "–" if receipt.kl is None else f"{receipt.kl:.4f} nats per token",
            "perplexity, untouched model": "–" if receipt.perplexity is None else f"{receipt.perplexity:.2f}",
            "told in": {"prompt": "the prompt", "system": "the system prompt"}.get(receipt.told_in or "", "–"),
            "BOS tokens": receipt.bos_count,
            "adapter": receipt.adapter,
            "tokens": f"{receipt.n_prompt_tokens} prompt + {receipt.n_generated} answer, ended by {receipt.finished}",
            "turns before": len(completion.earlier),
            "seed, temperature": f"{receipt.seed} (sample {receipt.sample}), {receipt.temperature:g}",
            "time": f"{receipt.seconds:.2f} s in a batch of {receipt.batch_size}",
            "versions": ", ".join(f"{name} {number}" for name, number in receipt.versions.items()),
        }
        for feature in receipt.features:
            rows[f"feature {feature.feature_id}"] = (
                f"{feature.factor:g} × {feature.max_act:.3f} = {feature.coefficient:+.3f}"
            )
        st.table({"": list(rows), " ": [str(value) for value in rows.values()]}, border="horizontal")
