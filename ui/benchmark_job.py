"""How is a run of the benchmark started, resumed, watched and stopped, whoever started it?

A run computes in processes of its own and stands in a queue of its own, one run at a time for the whole server: the
screens' model stays free, and the run goes on when its page is left. What is finished is on disk, so nothing is lost by
a stop; who comes back finds the run by its folder.
"""

from pathlib import Path

import streamlit as st

from steering import runtime
from steering.benchmark.command import command_line
from steering.benchmark.runs import Run, runs_folder
from steering.benchmark.settings import BenchmarkSettings
from steering.errors import SteeringError
from steering.jobs import Job, JobState
from ui.benchmark_choice import view_next
from ui.benchmark_source import show_next
from ui.errors import boundary
from ui.job_panel import cancel_button, show_failure
from ui.judge_access import judge_access
from ui.state import job_id, set_job
from ui.text import counted, duration, plain

KIND = QUEUE = "benchmark"
POLL_SECONDS = 1.0


def start(settings: BenchmarkSettings, path: Path, *, workers: int, resume: bool = False) -> Job:
    """Queue a run; the result is its folder. The page shows it from the next rerun on.

    Args:
        settings: of the run.
        path: its folder.
        workers: processes.
        resume: go on with the run that is there.

    Raises:
        SteeringError: it is under way already, too much is waiting, or its judge needs a key that is not there.
    """
    if job_of(path) is not None:
        raise SteeringError(f"The run {path.name} is under way already; wait for it, or cancel it first.")
    access = judge_access(settings.judge)  # here, for a job's thread has no secrets

    def work(job: Job) -> str:
        from steering.benchmark.runner import run_benchmark

        job.tick(0, settings.n_units, "Starting the workers", unit="units")
        summary = run_benchmark(
            settings,
            path,
            resume=resume,
            workers=workers,
            apart=True,
            access=access,
            on_progress=job.tell,
            should_stop=lambda: job.should_stop,
        )
        if summary.results is None:
            raise SteeringError(f"None of the {summary.n_units} units could be computed: {summary.failures[0].error}")
        return str(path)

    # Its owner is the queue and not the session: a run must not hold up its owner's other work for hours.
    job = runtime.jobs().submit(
        work, title=f"Benchmark {path.name}", owner=QUEUE, device=QUEUE, kind=KIND, unit="units"
    )
    runtime.store.put(KIND, str(path.absolute()), job.id, owner=QUEUE)
    set_job(KIND, job.id)
    show_next(f"run:{path.name}")
    view_next("board")
    return job


def job_of(path: Path) -> Job | None:
    """The job that is computing the run in a folder, None if nobody in this server is."""
    job = runtime.jobs().get(runtime.store.get(KIND, str(path.absolute())))
    return job if job is not None and job.active else None


def job_panels() -> None:
    """Every run of this server that is under way, and how this session's last one ended."""
    for job in runtime.jobs().active(kind=KIND):
        st.fragment(_follow, run_every=POLL_SECONDS, key=f"benchmark_follow_{job.id}")(job)
    mine = runtime.jobs().get(job_id(KIND))
    if mine is None or mine.active:
        return
    if mine.state is JobState.FAILED:
        show_failure(mine, title=mine.title)
    elif mine.state is JobState.CANCELLED:
        st.info(
            f"{plain(mine.title)} was stopped after {duration(mine.progress.seconds)}. Finished units are kept: choose "
            "the run and press “Resume” to go on.",
            icon=":material/cancel:",
        )
    elif isinstance(mine.result, str):
        st.success(
            f"{plain(mine.title)} is finished after {duration(mine.progress.seconds)}.", icon=":material/check_circle:"
        )


def _follow(job: Job) -> None:
    snapshot = job.snapshot()
    if not snapshot.active:
        st.rerun()
    progress = snapshot.progress
    with st.container(border=True, key=f"benchmark_panel_{job.id}"):
        words, look, stop = st.columns([6, 2, 2], vertical_alignment="center")
        words.markdown(f"**{plain(job.title)}**  \n{plain(headline(job))}")
        if look.button(
            "Show so far", key=f"benchmark_look_{job.id}", icon=":material/visibility:", width="stretch",
            disabled=not progress.done, help="Concepts that every method is done with",
        ):  # fmt: skip
            view_next("board")
            show_next(f"run:{job.title.removeprefix('Benchmark ')}")
            st.rerun()
        with stop:
            cancel_button(
                job, snapshot, key=f"benchmark_cancel_{job.id}",
                help="Finished units are kept, and the run can be resumed.",
            )  # fmt: skip
        if snapshot.state is not JobState.QUEUED:
            st.progress(progress.share or 0.0)
        st.caption("It goes on when you leave this page.")


def headline(job: Job) -> str:
    """What the panel says, in one line."""
    snapshot = job.snapshot()
    progress = snapshot.progress
    if snapshot.state is JobState.QUEUED:
        return f"Waiting: {counted(snapshot.position or 0, 'run')} ahead"
    if snapshot.state is JobState.CANCELLING:
        return "Stopping; finished units are kept"
    # The run reckons each method at its own pace; the rate of a job's ticks would not.
    left = progress.note.removeprefix("Benchmark").removeprefix(", ")
    parts = [left] if left else []
    if progress.total:
        parts.append(f"{progress.done:,.0f} of {progress.total:,.0f} units")
    parts.append(f"{duration(progress.seconds)} so far")
    return " · ".join(parts)


def resume_panel(run: Run) -> None:
    """What an interrupted or partly failed run can still become, with the button and the command for it."""
    if job_of(run.path) is not None or not (run.n_left or run.failures):
        return
    with st.container(border=True, key="benchmark_resume_panel"):
        words, count, button = st.columns([6, 2, 2], vertical_alignment="bottom")
        if run.n_left:
            said = f"**Interrupted** after {len(run.finished):,} of {counted(run.settings.n_units, 'unit')}."
        else:
            said = f"**{counted(len(run.failures), 'unit')}** of {run.settings.n_units:,} could not be computed."
        words.markdown(f"{said} Resuming keeps what is finished and tries the rest.")
        workers = count.number_input("Workers", 1, most_workers(), 1, key="benchmark_resume_workers")
        if button.button("Resume", key="benchmark_resume", icon=":material/resume:", type="primary", width="stretch"):
            with boundary("The run cannot be resumed"):
                start(run.settings, run.path, workers=int(workers), resume=True)
                st.rerun()
        with boundary():
            st.code(
                command_line(run.settings, run.path, workers=int(workers), resume=True),
                language="bash",
                wrap_lines=True,
            )


def most_workers() -> int:
    """Processes that this machine can keep busy."""
    import os

    return max(1, os.cpu_count() or 1)


def folder_note() -> str:
    """Where runs lie."""
    return f"Runs are kept in {plain(str(runs_folder()))} of this server (STEERSCOPE_RUNS sets another place)."
