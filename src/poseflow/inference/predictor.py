"""Models at hand in a Python session: a recording or an array of images in, predictions out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.config import PredictConfig, parse_section
from poseflow.core.errors import VideoError
from poseflow.core.skeleton import Skeleton
from poseflow.inference.pipeline import Pipeline, load_pipeline
from poseflow.inference.predict import predict_shard
from poseflow.media import VideoIndex, index_video
from poseflow.media.channels import convert_channels
from poseflow.tables import Instances, Predictions, read_predictions


@dataclass(frozen=True)
class Predictor:
    """Models that work together, and the settings they run with; see `load_predictor`."""

    pipeline: Pipeline
    config: PredictConfig

    @property
    def skeleton(self) -> Skeleton:
        """Of the animals that are found."""
        return self.pipeline.skeleton

    def predict(
        self, source: str | Path | VideoIndex | NDArray[np.uint8], start: int = 0, stop: int | None = None
    ) -> Predictions:
        """Find the animals in frames `start` to `stop` - 1, all by default.

        Args:
            source: a recording (its path, or its index), or images (frames, height, width[, channels]) uint8, or one
                image (height, width, channels), grey or RGB; they are made grey or RGB as the models need it.

        Returns: one row per animal and frame: `points` (rows, nodes, 2), (x, y) in px; `frame_idx` (rows,); and more.

        Raises: VideoError for what is no recording and no images.
        """
        if isinstance(source, np.ndarray):
            images = _check_images(source, self.pipeline)
            return self._predict_images(images, start, len(images) if stop is None else stop)
        index = source if isinstance(source, VideoIndex) else index_video(source)
        with TemporaryDirectory() as folder:
            table = Path(folder) / "predictions.parquet"
            predict_shard(index, self.pipeline, (start, index.frames if stop is None else stop), table, self.config)
            return read_predictions(table)

    def _predict_images(self, images: NDArray[np.uint8], start: int, stop: int) -> Predictions:
        if not 0 <= start <= stop <= len(images):
            raise VideoError(f"frames must be 0 <= start <= stop <= {len(images)}, got {start}, {stop}")
        size = self.config.batch_size
        parts = [self.pipeline.find_nothing()]
        for first in range(start, stop, size):
            chosen = images[first : min(first + size, stop)]
            batch = np.zeros((size, *images.shape[1:]), np.uint8)  # one size, so that it is compiled once
            batch[: len(chosen)] = chosen
            found = self.pipeline.find(batch)
            found = found.take(found.frame_idx < len(chosen))
            parts.append(replace(found, frame_idx=found.frame_idx + first))
        return Predictions(
            **vars(Instances.concatenate(parts)),
            skeleton=self.skeleton,
            class_names=self.pipeline.identities,
            frames=((start, stop),) if stop > start else (),
        )


def load_predictor(
    path: str | Path | Sequence[str | Path], *others: str | Path, config: PredictConfig | None = None, **settings: Any
) -> Predictor:
    """Load models that work together, ours or SLEAP's of any version; `poseflow.load_model` is this function.

    Args:
        path, others: their folders: that of one model, or of a centroid model and one that sees crops.
        config: settings of prediction; without flow, unless they say otherwise.
        settings: single ones, by the names of the config's section `predict`, such as `max_instances=2`.

    Raises: ModelError for folders that are no models or do not go together, ConfigError for a misspelled setting.

    Example:

        poses = poseflow.load_model("models/centroid", "models/centered_instance").predict("cage1.mp4")
    """
    folders = [*([path] if isinstance(path, str | Path) else path), *others]
    values = {"flow": {"window_frames": 0}} if config is None else config.model_dump()
    checked = parse_section(PredictConfig, {**values, **settings}, "load_model")
    return Predictor(load_pipeline(folders, checked), checked)


def _check_images(images: NDArray[np.uint8], pipeline: Pipeline) -> NDArray[np.uint8]:
    """(frames, height, width, channels) as the models need it."""
    if images.ndim == 3:
        images = images[None] if images.shape[-1] in (1, 3) else images[..., None]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3):
        got = f"{images.dtype} of shape {images.shape}"
        raise VideoError(f"images must be uint8 of shape (frames, height, width, 1 or 3), got {got}")
    channels = pipeline.choose_channels(images.shape[-1] == 3)
    if images.shape[-1] == channels:
        return images
    converted = [convert_channels(image, channels) for image in images]
    return np.asarray(converted, np.uint8).reshape(*images.shape[:3], channels)
