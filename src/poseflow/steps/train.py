"""The step `train`: a model from its profile and a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from poseflow.config import ModelConfig

if TYPE_CHECKING:
    from poseflow.cluster import JobResources
    from poseflow.training.monitor import MonitorAddresses


def train_profile(
    profile: ModelConfig,
    sets: tuple[Path, Path],
    folder: Path,
    job: tuple[JobResources, Path] | None = None,
    monitor: MonitorAddresses | None = None,
) -> None:
    """Train a model, here and now or in a job of its own; where it stopped, the same call goes on.

    Args:
        sets: packages of labeled frames, training and validation set.
        folder: the model's.
        job: what the job may use, and the log to which each of its starts appends; None: this process trains.
        monitor: where SLEAP's GUI listens to a training in this process.

    Raises: LabelsError, SkeletonError, ConfigError or ModelError as `training.train_model`, TrainingError as
        `cluster.train_as_job`.
    """
    if job is None:
        from poseflow.training import train_model

        train_model(profile, *sets, folder, monitor)
    else:
        from poseflow.cluster import train_as_job  # this process only waits, and needs no Keras

        resources, log = job
        train_as_job(profile, sets, folder, log, resources)
