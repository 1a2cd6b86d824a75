"""What SLURM knows of a job, whichever of its services answers just now."""

import logging
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from poseflow.runs.lock import RunError

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
POLL_S = 2.0
PATIENCE_S = 600.0
"""So long SLURM may take to answer, or to end a job that was cancelled."""


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


def cancel_leftovers(
    folder: Path, must_know: bool, poll_s: float = POLL_S, patience_s: float = PATIENCE_S
) -> list[str]:
    """Cancel the jobs that a run of Snakemake in `folder` left in the queue when it was killed; gives their ids.

    Nobody waits for them, and their work is given to new jobs. This returns when they are gone: a cancelled job's own
    Snakemake deletes the output that it has just made, and a plan made before would count on it. Trainings are none of
    them: these are taken up again.

    Args:
        must_know: jobs will be sent to SLURM; else, a machine that does not reach SLURM has left none there.
        patience_s: so long SLURM may be silent; a job that does not end after that is named in a warning.

    Raises: RunError where SLURM must answer and does not.
    """
    end = time.monotonic() + patience_s
    cancelled: list[str] = []
    while True:
        left = _list_leftovers(folder)
        if left is None and not must_know:
            return cancelled
        if left == []:
            return cancelled
        new = [job for job in left or [] if job not in cancelled]
        if new:
            logger.warning("cancelling %d jobs that an earlier run left behind: %s", len(new), ", ".join(new))
            _run(["scancel", *new])
            cancelled += new
        if time.monotonic() > end:
            if left is None:
                raise RunError("SLURM must say which jobs an earlier run left behind, got no answer from squeue")
            logger.warning("%s: cancelled, and not at an end: what they write may be lost", ", ".join(left))
            return cancelled
        time.sleep(poll_s)


def _list_leftovers(folder: Path) -> list[str] | None:
    """Jobs of Snakemake's in `folder` that are in the queue or at work; None where SLURM does not answer."""
    listed = _run(["squeue", "--me", "--noheader", "--format=%i|%k|%Z"])
    if listed is None or listed.returncode:
        return None
    jobs = (line.split("|", 2) for line in listed.stdout.splitlines())
    return [job for job, comment, workdir in jobs if comment.startswith("rule_") and _is_same(workdir, folder)]


def _is_same(workdir: str, folder: Path) -> bool:
    return os.path.realpath(workdir) == os.path.realpath(folder)


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str] | None:
    """Run a command of SLURM's; None where it is not installed or does not answer in time."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=QUERY_TIMEOUT_S)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None


@dataclass(frozen=True)
class QueuedJob:
    """A job of a project in the queue or at work."""

    id: str
    name: str
    state: str
    reason: str
    node: str | None
    elapsed_s: float | None
    left_s: float | None
    partition: str
    submitted: str | None
    rule: str | None
    """Of Snakemake's jobs; None for a training's own job."""
    of: str | None
    """What Snakemake says of the rule's wildcards."""


_QUEUE_COLUMNS = ("%i", "%j", "%T", "%r", "%N", "%M", "%L", "%P", "%V", "%Z", "%k")
_RULE = "rule_"
_WILDCARDS = "_wildcards_"


def list_jobs(folder: Path) -> list[QueuedJob] | None:
    """This user's jobs that were sent from a project's folder; None where SLURM does not answer."""
    listed = _run(["squeue", "--me", "--noheader", f"--format={'|'.join(_QUEUE_COLUMNS)}"])
    if listed is None or listed.returncode:
        return None
    rows = (line.split("|", len(_QUEUE_COLUMNS) - 1) for line in listed.stdout.splitlines())
    return [_describe_job(row) for row in rows if len(row) == len(_QUEUE_COLUMNS) and _is_same(row[9], folder)]


def _describe_job(row: Sequence[str]) -> QueuedJob:
    number, name, state, reason, node, elapsed, left, partition, submitted, _, comment = row
    said = comment.removeprefix(_RULE) if comment.startswith(_RULE) else ""
    rule, _, of = said.partition(_WILDCARDS)
    return QueuedJob(
        number,
        name,
        state,
        "" if reason in ("None", "(null)") else reason,
        node or None,
        parse_duration(elapsed),
        parse_duration(left),
        partition,
        submitted if submitted not in ("", "N/A") else None,
        rule or None,
        of or None,
    )


def parse_duration(text: str) -> float | None:
    """Seconds of a duration as SLURM writes it, `[days-][hours:]minutes:seconds`; None for UNLIMITED and its like."""
    days, _, rest = text.strip().rpartition("-")
    parts = rest.split(":")
    if not 2 <= len(parts) <= 3 or not all(part.isdigit() for part in [*parts, days or "0"]):
        return None
    hours, minutes, seconds = [0, *map(int, parts)][-3:]
    return float(int(days or 0) * 86400 + hours * 3600 + minutes * 60 + seconds)
