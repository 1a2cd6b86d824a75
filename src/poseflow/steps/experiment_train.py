"""The step `experiment_train`: the models of an experiment's run. What fails is noted, and ends no experiment."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from poseflow.config import ModelConfig
from poseflow.core.files import link_or_copy, replacing, write_json
from poseflow.core.wording import say_failure
from poseflow.labels import draw_frames
from poseflow.steps.train import train_profile

if TYPE_CHECKING:
    from poseflow.cluster import JobResources

logger = logging.getLogger("poseflow")


@dataclass(frozen=True)
class ExperimentData:
    """What a training of an experiment learns from.

    `train`, `val`: packages of labeled frames. `labels`: so many frames of `train`, None for all; `draw`: number of
    the draw that chooses them. `channels`: of the images.
    """

    train: Path
    val: Path
    labels: int | None = None
    draw: int = 0
    channels: int = 1


def train_run(
    profiles: Mapping[str, ModelConfig],
    data: ExperimentData,
    folder: Path,
    job: tuple[JobResources, Path] | None = None,
) -> None:
    """Train the models of a run, one after the other, as `steps.train` does; where it stopped, the same call goes on.

    Writes `folder/models/{name}`, and at last `folder/trained.json`: `models` (folder of each), `error` (None, or why
    one could not be trained), `labels` (frames they were trained on, None: all).
    """
    work = folder / ".training"
    work.mkdir(parents=True, exist_ok=True)
    error = None
    try:
        train = data.train
        if data.labels is not None:
            train = work / "train.pkg.slp"
            if not train.exists():
                draw_frames(data.train, data.labels, data.draw, train, data.channels)
        for name, profile in profiles.items():
            train_profile(profile, (train, data.val), work / "models" / name, job)
    except Exception as failure:  # of whatever kind: the table shows it
        error = say_failure(failure)
        logger.exception("this run is a hole in the table")
    with replacing(folder / "models") as models:
        models.mkdir()
        if error is None:
            for name in profiles:
                shutil.copytree(work / "models" / name, models / name, copy_function=link_or_copy)
    facts = {
        "models": {name: str(folder / "models" / name) for name in profiles},
        "error": error,
        "labels": data.labels,
    }
    write_json(facts, folder / "trained.json")
    shutil.rmtree(work)
