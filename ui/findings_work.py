"""How is a claim run again from the screen, and where do its results wait?

A run computes in processes of its own and stands in a queue of its own: the model that answers on the other screens
stays free. What is finished stays on disk, so a run that was stopped, or a server that was, goes on where it was.
"""

import os
from pathlib import Path

from steering import runtime
from steering.benchmark.runs import runs_folder
from steering.benchmark.stored import StoredResult
from steering.findings.claims import Claim
from steering.findings.running import PlannedRun, Size, finished, folder_name, run_claim, runs_of
from steering.jobs import Job
from steering.presets import presets
from ui.state import job_id, owner, set_job

QUEUE = "benchmark"
FOLDER = "findings"
SIZES: tuple[Size, ...] = ("quick", "whole")


def workers() -> int:
    """Processes for a run: a core is left for the screens."""
    return max(1, (os.cpu_count() or 1) - 1)


def folder(claim: Claim, runs: tuple[PlannedRun, ...]) -> Path:
    """Where a claim's runs of these settings lie, those of every session together: equal settings give equal rows."""
    return runs_folder() / FOLDER / folder_name(claim, runs)


def is_begun(claim: Claim, runs: tuple[PlannedRun, ...]) -> bool:
    """Whether there is something to go on with."""
    return folder(claim, runs).exists()


def start(claim: Claim, size: Size) -> Job:
    """Queue what is missing of a claim's runs, in the place of this session's earlier job for the claim.

    Raises:
        ModelError: the claim's model is not built.
        QueueFullError: too much is waiting.
    """
    runs = runs_of(claim, size)
    out = folder(claim, runs)

    def work(job: Job) -> str:
        job.tick(0, 0, "Opening the model", unit="units")
        run_claim(
            claim,
            runs,
            out,
            workers=workers(),
            apart=True,
            on_progress=job.tell,
            should_stop=lambda: job.should_stop,
        )
        return str(out)

    previous = latest(claim)
    if previous is not None:
        previous.cancel()
    # A name of its own in the queue: who waits for a benchmark can rank and steer meanwhile.
    job = runtime.jobs().submit(
        work, title=claim.question, owner=f"{owner()}.{FOLDER}", device=QUEUE, kind=_kind(claim), unit="units"
    )
    set_job(_kind(claim), job.id)
    return job


def latest(claim: Claim) -> Job | None:
    """This session's last job for a claim."""
    return runtime.jobs().get(job_id(_kind(claim)))


def rerun(claim: Claim) -> tuple[StoredResult, ...]:
    """Results of the last finished run of a claim on this server, whoever asked for it; empty where there is none.

    Raises:
        SteeringError: a result cannot be read.
    """
    if claim.model not in presets():
        return ()
    found = []
    for size in SIZES:
        runs = runs_of(claim, size)
        found.append(finished(claim, runs, folder(claim, runs)))
    return max((one for one in found if one), key=lambda results: max(one.made for one in results), default=())


def _kind(claim: Claim) -> str:
    return f"finding_{claim.name}"
