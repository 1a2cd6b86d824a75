"""Predictions of other programs, a format a file; all give the instances of our predictions tables.

What a file is, its content tells, not its name. Other packages add formats by entry points of
`poseflow.prediction_readers`, each a `PredictionsReader`.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from poseflow.core.errors import LabelsError, PredictionsError, SkeletonError
from poseflow.exchange.predictions.analysis import ANALYSIS
from poseflow.exchange.predictions.deeplabcut_csv import DEEPLABCUT_CSV
from poseflow.exchange.predictions.deeplabcut_hdf5 import DEEPLABCUT_HDF5
from poseflow.exchange.predictions.images import renumber_images
from poseflow.exchange.predictions.lookup import find_video
from poseflow.exchange.predictions.movement import MOVEMENT
from poseflow.exchange.predictions.nwb import NWB
from poseflow.exchange.predictions.reader import READERS, PredictedVideo, PredictionsFile, PredictionsReader
from poseflow.exchange.predictions.sleap_csv import SLEAP_CSV
from poseflow.exchange.predictions.slp import SLP
from poseflow.labels.formats.content import check_file, describe_content
from poseflow.tables import Instances

__all__ = [
    "READERS",
    "PredictedVideo",
    "PredictionsFile",
    "PredictionsReader",
    "describe_predictions_file",
    "find_predictions_reader",
    "find_video",
    "iter_foreign_instances",
    "renumber_images",
]

READERS.add("deeplabcut_csv")(DEEPLABCUT_CSV)
READERS.add("deeplabcut_hdf5")(DEEPLABCUT_HDF5)
READERS.add("movement")(MOVEMENT)
READERS.add("nwb")(NWB)
READERS.add("sleap_analysis")(ANALYSIS)
READERS.add("sleap_csv")(SLEAP_CSV)
READERS.add("slp")(SLP)

WHAT = "a file of predictions"
MOST_FRAMES = 1 << 40


def find_predictions_reader(path: Path) -> PredictionsReader:
    """The format of a file of predictions.

    Raises:
        PredictionsError: It is absent, empty, damaged, or of no format that is known; says what it is.
        OSError: The machine failed to read it; names the file.
    """
    check_file(path, WHAT, PredictionsError)
    for reader in READERS.values():
        if reader.recognize(path):
            return reader
    formats = ", ".join(reader.files for reader in READERS.values())
    raise PredictionsError(f"{path} must be {WHAT} ({formats}), got {describe_content(path)}")


def describe_predictions_file(path: Path) -> PredictionsFile:
    """What a file of predictions holds; no video is opened. Raises as `find_predictions_reader`."""
    try:
        found = find_predictions_reader(path).describe(path)
    except (ValidationError, SkeletonError, LabelsError) as error:
        fault = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise PredictionsError(f"{path}: {fault}") from None
    if not found.videos:
        raise PredictionsError(f"{path} must hold predictions, got none")
    most = max(video.frames for video in found.videos)
    if most > MOST_FRAMES:
        raise PredictionsError(f"{path}: frames must be less than {MOST_FRAMES}, got {most - 1}")
    return found


def iter_foreign_instances(path: Path, video: int, frames: tuple[int, int]) -> Iterator[Instances]:
    """The instances of a file's video, by its number, in frames [start, stop), in pieces of whole frames.

    Points and scores are the file's own, as float32. A point of which x or y is missing is missing; an instance without
    a point is left out. An instance that the file gives no score has the mean of its points' (a missing one counts 0),
    and 1 where these have none either.

    Raises: PredictionsError where the file is damaged or contradicts itself.
    """
    for found in find_predictions_reader(path).iter_instances(path, video, frames):
        missing: NDArray[np.bool_] = np.asarray(np.isnan(found.points).any(axis=-1))
        infinite: NDArray[np.bool_] = np.asarray(np.isinf(found.points).any(axis=(1, 2)))
        if infinite.any():
            frame = found.frame_idx[infinite][0]
            raise PredictionsError(f"{path}: points must be finite, got an infinite one in frame {frame}")
        known = np.where(missing, 0, np.nan_to_num(found.point_scores)).mean(axis=1)
        has_scores = np.isfinite(found.point_scores).any(axis=1)
        score = np.where(np.isfinite(found.score), found.score, np.where(has_scores, known, 1))
        whole = replace(
            found,
            points=np.where(missing[..., None], np.float32(np.nan), found.points),
            point_scores=np.where(missing, np.float32(np.nan), found.point_scores),
            score=score.astype(np.float32),
        )
        yield whole.take(np.flatnonzero(~np.asarray(missing.all(axis=1))))
