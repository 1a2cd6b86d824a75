"""What Snakemake's executors do not do: trainings that are interrupted, and what a killed run left in SLURM's queue."""

from poseflow.cluster.executor import (
    Execution,
    call_at_end,
    find_scheduler,
    list_failed_jobs,
    list_unknown_versions,
    surround_execution,
)
from poseflow.cluster.follow import find_logs, follow_logs, show_epochs
from poseflow.cluster.queue import cancel_leftovers
from poseflow.cluster.resources import JobResources
from poseflow.cluster.task import TrainingError
from poseflow.cluster.training import train_as_job

__all__ = [
    "Execution",
    "JobResources",
    "TrainingError",
    "call_at_end",
    "cancel_leftovers",
    "find_logs",
    "find_scheduler",
    "follow_logs",
    "list_failed_jobs",
    "list_unknown_versions",
    "show_epochs",
    "surround_execution",
    "train_as_job",
]
