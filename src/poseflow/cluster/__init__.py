"""Work on a SLURM cluster that Snakemake's own executor does not do: trainings, and what a killed run left behind."""

from poseflow.cluster.executor import mend_status_queries
from poseflow.cluster.follow import find_logs, follow_logs
from poseflow.cluster.queue import cancel_leftovers
from poseflow.cluster.resources import JobResources
from poseflow.cluster.task import TrainingError
from poseflow.cluster.training import clear_jobs, train_as_job

__all__ = [
    "JobResources",
    "TrainingError",
    "cancel_leftovers",
    "clear_jobs",
    "find_logs",
    "follow_logs",
    "mend_status_queries",
    "train_as_job",
]
