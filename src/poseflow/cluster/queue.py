"""What SLURM knows of a job, whichever of its services answers just now."""

import logging
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

logger = logging.getLogger("poseflow")
ACTIVE = frozenset(
    (
        *("PENDING", "RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING", "REQUEUED", "RESIZING", "SIGNALING"),
        *("STAGE_OUT", "STOPPED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD", "REVOKED"),
    )
)
INTERRUPTED = frozenset(["PREEMPTED", "NODE_FAIL", "BOOT_FAIL", "TIMEOUT", "DEADLINE"])
"""States of a job that ended through no fault of its own: it goes on in another job."""
GONE = "GONE"
"""The controller knows the job no more, and accounting says nothing of it."""
QUERY_TIMEOUT_S = 60


def query_state(job_id: str) -> str | None:
    """State of a job, such as RUNNING; GONE; or None where SLURM cannot say now (it is restarting, say).

    The controller is asked first: it knows a job until some minutes after its end (MinJobAge), and accounting, which
    lags behind or is off on some clusters, is asked for older ones.
    """
    asked = _run(["squeue", "--noheader", "--states=all", "--format=%T", f"--jobs={job_id}"])
    if asked is not None and asked.returncode == 0 and asked.stdout.strip():
        return asked.stdout.split()[0]
    is_unknown = asked is not None and (asked.returncode == 0 or "Invalid job id" in asked.stderr)
    if not is_unknown:
        return None
    kept = _run(["sacct", "--noheader", "--allocations", "--parsable2", "--format=State", f"--jobs={job_id}"])
    if kept is not None and kept.returncode == 0 and kept.stdout.strip():
        return kept.stdout.split()[0]  # CANCELLED by 1000
    return GONE


def cancel_leftovers(folder: Path) -> list[str]:
    """Cancel the jobs that a run of Snakemake in `folder` left in the queue when it was killed; gives their ids.

    Nobody waits for them, and their work is given to new jobs. Trainings are none of them: these are taken up again.
    """
    listed = _run(["squeue", "--me", "--noheader", "--format=%i|%k|%Z"])
    if listed is None or listed.returncode:
        return []
    jobs = (line.split("|", 2) for line in listed.stdout.splitlines())
    left = [job for job, comment, place in jobs if comment.startswith("rule_") and _is_same(place, folder)]
    if left:
        logger.warning("cancelling %d jobs that an earlier run left behind: %s", len(left), ", ".join(left))
        _run(["scancel", *left])
    return left


def _is_same(place: str, folder: Path) -> bool:
    return os.path.realpath(place) == os.path.realpath(folder)


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str] | None:
    """Run a command of SLURM's; None where there is none of this name, or it does not answer in time."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=QUERY_TIMEOUT_S)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
