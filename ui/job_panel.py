"""How does a screen follow a long job without waiting for it?"""

import streamlit as st

from steering import runtime
from steering.jobs import Job, JobState, Progress, Snapshot
from ui.errors import show_error
from ui.text import counted, duration, plain

POLL_SECONDS = 0.5


def job_panel(job: Job | str | None, *, key: str, show_error_when_failed: bool = True) -> Job | None:
    """Follow a job: progress, rate, time left, place in the queue, Cancel; one rerun of the page when it ends.

    While the job is active only this panel redraws. Once it has ended the panel draws nothing but what went wrong, and
    the page shows the result.

    Args:
        job: the job or its id.
        key: widget key.
        show_error_when_failed: whether a failure is shown here.

    Returns:
        The job, None if there is none or it is forgotten.
    """
    if not isinstance(job, Job):
        job = runtime.jobs().get(job)
    if job is None:
        return None
    if job.active:
        st.fragment(_follow, run_every=POLL_SECONDS, key=f"{key}_of_{job.id}")(job, key)
    elif job.state is JobState.FAILED and show_error_when_failed:
        show_failure(job)
    elif job.state is JobState.CANCELLED:
        st.info(f"{plain(job.title)} was stopped after {duration(job.progress.seconds)}.", icon=":material/cancel:")
    return job


def show_failure(job: Job, *, title: str | None = None) -> None:
    """What went wrong with a job; of a bug also what a report of it needs.

    Args:
        job: that failed.
        title: stands above the message.
    """
    show_error(job.error or "The job failed.", title=title)
    if job.is_bug and job.traceback:
        with st.expander("What to put into a bug report"):
            st.code(job.traceback, language=None)


def cancel_button(job: Job, snapshot: Snapshot, *, key: str, help: str | None = None) -> None:
    """Stops a job; says so while it has not stopped yet.

    Args:
        job: to stop.
        snapshot: of it, as the panel shows it.
        key: widget key.
        help: what becomes of the work done so far.
    """
    cancelling = snapshot.state is JobState.CANCELLING
    st.button(
        "Stopping…" if cancelling else "Cancel", key=key, icon=":material/stop_circle:", on_click=job.cancel,
        disabled=cancelling, width="stretch", help=help,
    )  # fmt: skip


def _follow(job: Job, key: str) -> None:
    snapshot = job.snapshot()
    if not snapshot.active:
        st.rerun()
    with st.container(border=True, key=f"{key}_panel"):
        words, button = st.columns([5, 1], vertical_alignment="center")
        words.markdown(f"**{plain(job.title)}**  \n{plain(headline(snapshot))}")
        with button:
            cancel_button(job, snapshot, key=f"{key}_cancel")
        share = snapshot.progress.share
        if snapshot.state is not JobState.QUEUED:
            st.progress(share or 0.0)


def headline(snapshot: Snapshot) -> str:
    """What the panel says about a job, in one line."""
    if snapshot.state is JobState.QUEUED:
        ahead = snapshot.position or 0
        return "Starting…" if ahead == 0 else f"Waiting: {counted(ahead, 'job')} ahead of you"
    if snapshot.state is JobState.CANCELLING:
        return "Stopping at the next safe point…"
    return measure(snapshot.progress) or "Working…"


def measure(progress: Progress) -> str:
    """Progress in words: "Reading · 12,300 of 25,600 tokens · 3,400 tokens/s · 4 s left"."""
    parts = [progress.note] if progress.note else []
    unit = f" {progress.unit}" if progress.unit else ""
    if progress.total:
        parts.append(f"{progress.done:,.0f} of {progress.total:,.0f}{unit}")
    elif progress.done:
        parts.append(f"{progress.done:,.0f}{unit}")
    if progress.rate is not None:
        rate = f"{progress.rate:,.0f}" if progress.rate >= 10 else f"{progress.rate:.1f}"
        parts.append(f"{rate}{unit}/s" if unit else f"{rate}/s")
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return " · ".join(parts)
