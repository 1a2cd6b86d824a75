"""Train a model in a job of its own, on this machine, on SLURM or elsewhere, however often the job is interrupted."""

import logging
import os
import re
import shutil
import time
from dataclasses import replace
from pathlib import Path

import submitit

from poseflow.cluster.queue import ACTIVE, GONE, INTERRUPTED, query_state
from poseflow.cluster.resources import ELSEWHERE, LOCAL, MANY, SLURM, JobResources
from poseflow.cluster.task import TrainingError, TrainingTask, forget_starts
from poseflow.config import ModelConfig
from poseflow.core.files import link_or_copy, read_json, replacing, write_json
from poseflow.runs.places import training_folder

logger = logging.getLogger("poseflow")
POLL_S = 15.0
SHARED_DISK_S = 60.0
"""So long after a job's end its result may take to be seen from here."""
FINISHED = "FINISHED"
MEMORY_GROWTH, MAX_GROWTHS = 1.5, 3
MAX_MISHAPS = 3
ALWAYS_THERE = ("pictures", "tensorboard")
"""Folders of a model that the rule declares, empty where the profile asks for none."""
ERROR_LINE = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit): ")


def train_as_job(
    config: ModelConfig,
    data: tuple[Path, Path],
    folder: Path,
    log: Path,
    resources: JobResources,
    poll_s: float = POLL_S,
) -> None:
    """Train a model in a job, wait for it, and put the model to `folder`, whole or not at all.

    Where `resources.scheduler` is ELSEWHERE, an executor of Snakemake's has started this process as the job: it trains
    here, and goes on after the last epoch of an earlier try that was killed. On this machine and on SLURM, the job is
    submitted through submitit. One that is preempted, reaches its time limit or loses its node goes on from the last
    epoch, as often as it takes; one that needs more memory goes on with half as much again, and one that dies without a
    word goes on as it is, each three times at most. A job that an earlier call submitted, whose process was killed, is
    taken up rather than submitted again, and what it has trained meanwhile is not trained again.

    Args:
        config: the model's profile.
        data: packages of labeled frames, training and validation set.
        log: to which every start of the job appends.
        poll_s: seconds between two looks at the job.

    Raises: TrainingError with the reason.
    """
    work = training_folder(folder).resolve()
    train, val = (path.resolve() for path in data)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    task = TrainingTask(config, train, val, work / "model", log.resolve(), resources.cpus, visible)
    if resources.scheduler == ELSEWHERE:
        logger.info("training %s on %s", config.kind, os.uname().nodename)
        task.run()
    else:
        _run_to_end(task, resources, work / "submitit", poll_s)
    with replacing(folder) as temporary:
        shutil.copytree(task.folder, temporary, copy_function=link_or_copy)
        for name in ALWAYS_THERE:
            (temporary / name).mkdir(exist_ok=True)


def _run_to_end(task: TrainingTask, resources: JobResources, folder: Path, poll_s: float) -> None:
    job = _find_job(folder, resources, poll_s)
    if job is None:
        forget_starts(task.folder)  # an earlier run that a person ended says nothing of the time limit
        job = _submit(task, resources, folder)
    growths = mishaps = 0
    while (state := _wait(job, resources, poll_s)) != FINISHED:
        if state == "OUT_OF_MEMORY" and growths < MAX_GROWTHS:
            growths += 1
            resources = replace(resources, mem_mb=round(resources.mem_mb * MEMORY_GROWTH))
        elif state in ("FAILED", GONE) and mishaps < MAX_MISHAPS:  # killed before it could say anything
            mishaps += 1
        elif state not in INTERRUPTED:
            raise TrainingError(f"{_describe(task, job)} must end with a result, got {state}{ADVICE.get(state, '')}")
        logger.warning("job %s ended as %s; training goes on in another", job.job_id, state)
        job = _submit(task, resources, folder)
    error = job.exception()
    if error is not None:
        (folder / "job.json").unlink()
        raise TrainingError(f"{_describe(task, job)} failed: {_reason(error)}; see {os.path.relpath(task.log)}")


def _submit(task: TrainingTask, resources: JobResources, folder: Path) -> "submitit.Job[None]":
    limits = {"slurm_max_num_timeout": MANY} if resources.scheduler == SLURM else {"local_max_num_timeout": MANY}
    executor = submitit.AutoExecutor(folder=folder, cluster=resources.scheduler, **limits)
    executor.update_parameters(**resources.submitit_parameters(f"train_{task.config.kind}"))
    job = executor.submit(task)
    write_json({"job": job.job_id, "scheduler": resources.scheduler}, folder / "job.json")
    logger.info("submitted job %s (%s)", job.job_id, resources.scheduler)
    return job


def _find_job(folder: Path, resources: JobResources, poll_s: float) -> "submitit.Job[None] | None":
    """The job that an earlier call submitted and that is still at work, or ended well since."""
    try:
        noted = read_json(folder / "job.json")
    except (OSError, ValueError):
        return None
    if not noted["scheduler"] == resources.scheduler == SLURM:
        return None
    job: submitit.Job[None] = submitit.SlurmJob(folder=folder, job_id=noted["job"])
    while (state := query_state(job.job_id)) is None:
        time.sleep(poll_s)
    if state not in ACTIVE and not job.paths.result_pickle.exists():
        return None
    logger.info("taking up job %s, which is %s", job.job_id, state.lower())
    return job


def _wait(job: "submitit.Job[None]", resources: JobResources, poll_s: float) -> str:
    """Wait for a job's end; FINISHED where it left a result, good or bad, else the state in which SLURM ended it."""
    if resources.scheduler == LOCAL:
        while not job.done():
            time.sleep(min(poll_s, 1.0))
        return FINISHED
    ended_at = None
    while not job.paths.result_pickle.exists():
        time.sleep(poll_s)
        state = query_state(job.job_id)
        if state is None or state in ACTIVE:
            ended_at = None
            continue
        ended_at = ended_at or time.monotonic()
        if state not in ("COMPLETED", "FAILED", GONE) or time.monotonic() - ended_at > SHARED_DISK_S:
            return FINISHED if job.paths.result_pickle.exists() else state
    return FINISHED


ADVICE = {
    "OUT_OF_MEMORY": "; give the rule train more mem_mb in the profile",
    "CANCELLED": "; somebody cancelled it",
    "FAILED": "; what its folder submitit/ holds may say why",
    GONE: "; SLURM knows nothing of it any more",
}


def _describe(task: TrainingTask, job: "submitit.Job[None]") -> str:
    return f"training of {task.config.kind} (job {job.job_id})"


def _reason(error: BaseException) -> str:
    """The error itself, out of the traceback that submitit gives."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if ERROR_LINE.match(line)]
    return (named or lines or [repr(error)])[-1].strip()
