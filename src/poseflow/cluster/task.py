"""What is called inside a training job."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

import submitit
from submitit.core.utils import DelayedSubmission

from poseflow.config import ModelConfig
from poseflow.core.errors import PoseflowError
from poseflow.core.files import read_json, write_json
from poseflow.core.imports import prepare_imports
from poseflow.core.logs import log_to
from poseflow.runs.lock import end_after_interrupt, end_with_run, leave_run

logger = logging.getLogger("poseflow")
STARTS_WITHOUT_PROGRESS = 3


class TrainingError(PoseflowError):
    """A training that cannot go on."""


@dataclass(frozen=True)
class TrainingTask(submitit.helpers.Checkpointable):
    """One training. It has no state to save: `train_model` keeps a checkpoint of each epoch next to `folder`."""

    config: ModelConfig
    train: Path
    val: Path
    folder: Path
    log: Path
    threads: int
    cuda_devices: str | None = None
    """CUDA_VISIBLE_DEVICES of this machine, which submitit's local executor empties."""

    def __call__(self) -> None:
        """Train, or go on where an earlier job stopped; the model is at `folder` then."""
        environment = submitit.JobEnvironment()
        if environment.name() == "local":
            _set_variable("CUDA_VISIBLE_DEVICES", self.cuda_devices)
            end_with_run()
        else:
            leave_run()
        log_to(self.log, append=True)
        end_after_interrupt()
        logging.getLogger("submitit").propagate = False  # it writes to the log by itself
        logger.info("job %s on %s: training %s", environment.job_id, environment.hostname, self.config.kind)
        _check_progress(self.folder)
        self.run()

    def run(self) -> None:
        """Train in this process, whoever started it."""
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(self.threads))
        prepare_imports()
        from poseflow.training import train_model

        train_model(self.config, self.train, self.val, self.folder)

    def checkpoint(self) -> DelayedSubmission:
        """Called when the job must make way; the same task is called in its next start."""
        logger.info("this job must make way; training goes on from its last epoch when the job starts again")
        return DelayedSubmission(self)


def _check_progress(folder: Path) -> None:
    """Raise TrainingError where the last starts finished no epoch: the next would not either."""
    note = _starts_note(folder)
    history = folder.with_name(f".{folder.name}.work") / "history.csv"
    epochs = len(history.read_text(encoding="utf-8").splitlines()) - 1 if history.exists() else 0
    starts = [*(read_json(note) if note.exists() else []), epochs]
    if starts.count(epochs) > STARTS_WITHOUT_PROGRESS:
        raise TrainingError(
            f"a training job must finish an epoch within its time limit, got {STARTS_WITHOUT_PROGRESS} starts that did "
            f"not get beyond epoch {epochs}: give the rule train a longer runtime, or set training.steps_per_epoch"
        )
    write_json(starts, note)


def forget_starts(folder: Path) -> None:
    """Forget how often the training of the model at `folder` has started."""
    _starts_note(folder).unlink(missing_ok=True)


def _starts_note(folder: Path) -> Path:
    return folder.parent / "starts.json"


def _set_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
