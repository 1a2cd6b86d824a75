"""What happens step by step and epoch by epoch: rate, history, best weights, pictures, early stop, checkpoint."""

import csv
import logging
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from time import monotonic

import keras
import numpy as np

from poseflow.config import ModelConfig, TrainingConfig
from poseflow.config.model import CONFIDENCE_MAPS
from poseflow.core.errors import ModelError
from poseflow.core.files import replacing
from poseflow.networks.decoding.peaks import find_local_peaks
from poseflow.runs.trainings import StopRequest, is_stop_requested, judge_epoch, read_stop_request, seconds_left
from poseflow.training.checkpoint import Progress, write_checkpoint
from poseflow.training.data import Samples, stack_samples
from poseflow.training.pictures import write_map_pictures
from poseflow.training.schedule import learning_rate, share_done

logger = logging.getLogger("poseflow")
PLATEAU_FACTOR = 0.5
PICTURE_SAMPLES = 4
ERROR_SAMPLES, ERROR_PEAKS = 8, 8
LOOK_EVERY_S = 1.0
"""Between two looks for a person's wish to stop: on a network's file system each costs a millisecond."""


class CancelledError(Exception):
    """A person wants no result of this training; the wish is its argument."""

    def __init__(self, request: StopRequest) -> None:
        super().__init__(request)
        self.request = request


class Epochs(keras.callbacks.Callback):
    """Runs beside `fit`; `progress` holds what a resumed run needs to know."""

    def __init__(self, config: ModelConfig, folder: Path, steps: int, progress: Progress) -> None:
        super().__init__()
        self.config, self.folder, self.steps = config, folder, steps
        self.progress = progress
        self.pictured: dict[str, Samples] = {}
        self.history_path = folder / "history.csv"
        self._begin = self._looked = monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Start the clock of the epoch."""
        self._begin = monotonic()

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Set the learning rate of the step."""
        step = self.progress.epoch * self.steps + batch
        training = self.config.training
        done = share_done(step, self.steps, self._seconds(), training)
        self.model.optimizer.learning_rate = learning_rate(step, done, training, self.progress.rate_factor)

    def _seconds(self) -> float:
        """Of training so far."""
        return self.progress.seconds + monotonic() - self._begin

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """End epoch and training when its time is over, or a person wants it (CancelledError: and nothing is kept)."""
        minutes = self.config.training.minutes
        if minutes is not None and self._seconds() >= 60 * minutes:
            self.model.stop_training = True
        if monotonic() - self._looked < LOOK_EVERY_S:
            return
        self._looked = monotonic()
        if not is_stop_requested(self.folder):
            return
        request = read_stop_request(self.folder)
        if request is not None and not request.keep:
            raise CancelledError(request)
        if request is not None:
            logger.info("%s stops this training early; the best weights are kept", request.by)
            self.progress.stopped = self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Compare the epoch with the best, then write history, pictures and the checkpoint, with the best weights."""
        logs = logs or {}
        for name in ("loss", "val_loss"):
            if not isfinite(logs.get(name, 0)):
                raise ModelError(
                    f"{name} must be finite, got {logs[name]} in epoch {epoch + 1}: lower the learning rate"
                )
        progress = self.progress
        progress.epoch = epoch + 1
        progress.seconds += monotonic() - self._begin
        self._validate(logs.get("val_loss", logs["loss"]), logs.get("val_oks", 0.0))
        rate = float(np.asarray(self.model.optimizer.learning_rate))
        self._add_history({"epoch": epoch + 1, **logs, "learning_rate": rate, "seconds": round(progress.seconds, 2)})
        every = self.config.training.pictures_every
        if every and (epoch % every == 0 or progress.stopped):
            self._draw_pictures(epoch + 1)
        write_checkpoint(self.model, progress, self.folder)
        error = measure_error_px(self.model, self.pictured["val"]) if "val" in self.pictured else None
        logger.info("epoch %s", describe_epoch(progress, self.config.training, logs, error))
        self.model.stop_training = progress.stopped or is_over(progress, self.config.training)

    def _validate(self, loss: float, oks: float) -> None:
        progress, training = self.progress, self.config.training
        is_better, is_kept = judge_epoch(loss, oks, progress.best_loss, progress.best_oks, training.schedule)
        if is_kept:
            progress.best_epoch, progress.best_loss = progress.epoch, loss
        if is_better:
            progress.best_oks, progress.stalled_epochs = oks, 0
            return
        progress.stalled_epochs += 1
        if training.schedule == "plateau" and progress.stalled_epochs % training.plateau_epochs == 0:
            progress.rate_factor *= PLATEAU_FACTOR
        progress.stopped |= training.early_stop_epochs is not None and (
            progress.stalled_epochs >= training.early_stop_epochs
        )

    def _add_history(self, row: dict[str, float]) -> None:
        """Append a line; a resumed run may repeat an epoch whose checkpoint was not written, so later lines go."""
        rows = read_history(self.history_path)[: int(row["epoch"]) - 1]
        with replacing(self.history_path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            writer.writeheader()
            writer.writerows([*rows, row])

    def _draw_pictures(self, epoch: int) -> None:
        for side, samples in self.pictured.items():
            chosen = np.linspace(0, len(samples) - 1, min(PICTURE_SAMPLES, len(samples))).round().astype(int)
            batch = stack_samples(samples, chosen.tolist())
            maps = np.asarray(self.model.network(batch.images, training=False)[CONFIDENCE_MAPS])
            path = self.folder / "pictures" / f"{side}_epoch{epoch:03d}.png"
            write_map_pictures(batch.images, maps, batch.points, self.config.head.output_stride, path)


def is_over(progress: Progress, config: TrainingConfig) -> bool:
    """Whether all epochs, or all of the time, are behind a training."""
    if config.minutes is not None and progress.seconds >= 60 * config.minutes:
        return True
    return progress.epoch >= config.max_epochs


def describe_epoch(
    progress: Progress, config: TrainingConfig, logs: Mapping[str, float], error_px: float | None
) -> str:
    """An epoch in a line: number, losses, error, and how long the training will take, which may stop early."""
    losses = "".join(f", {name} {value:.5g}" for name, value in logs.items())
    error = "" if error_px is None else f", error {error_px:.1f} px"
    minutes = seconds_left(progress.seconds, progress.epoch, config.max_epochs, config.minutes) / 60
    left = "" if progress.stopped else f", {minutes:.0f} min left at most"
    return f"{progress.epoch} of {config.max_epochs}{losses}{error}{left}"


def measure_error_px(model: keras.Model, samples: Samples) -> float | None:
    """About how far peaks lie from the labeled points of the first animal of some samples, in px of the recording.

    The median over points of the distance to the nearest peak: a figure to watch a training by; `evaluate` measures.
    None where the network draws no map of each node, or no peak yet.
    """
    chosen = np.linspace(0, len(samples) - 1, min(ERROR_SAMPLES, len(samples))).round().astype(int)
    batch = stack_samples(samples, chosen.tolist())
    maps = model.network(batch.images, training=False).get(CONFIDENCE_MAPS)
    if maps is None or maps.shape[-1] > batch.points.shape[2]:
        return None
    points = np.asarray(batch.points)[:, 0, : maps.shape[-1]]
    peaks, _ = find_local_peaks(maps, model.profile.head.output_stride, ERROR_PEAKS)
    away = np.linalg.norm(np.asarray(peaks) - points[:, :, None], axis=-1)
    nearest = np.nanmin(np.where(np.isnan(away), np.inf, away), axis=-1)
    found = nearest[np.isfinite(nearest)]
    return float(np.median(found)) / model.profile.input.scale if len(found) else None


def read_history(path: Path) -> list[dict[str, str]]:
    """Rows of `history.csv`, none if there is no such file yet."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
