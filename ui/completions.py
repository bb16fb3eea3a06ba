"""How do completions stand side by side: streaming, finished, with scores and receipts?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from steering.jobs import Job
from steering.report.receipts import measures, moved_nothing, receipt_rows
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
    likeliest = completion.top_tokens or ((),) * len(completion.token_texts)  # a study may leave them out
    tokens: list[CompletionToken] = [
        {"text": text, "top": top, "changed": differs}
        for text, top, differs in zip(completion.token_texts, likeliest, changed, strict=True)
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


def receipt_popover(completion: "Completion", key: str) -> None:
    """What was really done for a completion, one click away."""
    receipt = completion.receipt
    with st.popover("Receipt", type="tertiary", icon=":material/receipt_long:", key=f"{key}_receipt"):
        rows = dict(receipt_rows(completion))
        rows["versions"] = ", ".join(f"{name} {number}" for name, number in receipt.versions.items())
        # A table reads Markdown, and an adapter's name may be a stranger's.
        st.table(
            {"": [plain(name) for name in rows], " ": [plain(text) for text in rows.values()]}, border="horizontal"
        )
