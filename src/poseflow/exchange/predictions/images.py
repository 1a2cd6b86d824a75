"""Predictions on images: a file numbers those that it lists, a recording all of its folder."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from poseflow.core.errors import PredictionsError
from poseflow.core.wording import list_some
from poseflow.exchange.predictions.reader import PredictedVideo
from poseflow.media.stills import list_images
from poseflow.tables import Instances

logger = logging.getLogger(__name__)

MOST_LISTED = 3


def renumber_images(
    found: Iterator[Instances], video: PredictedVideo, folder: Path, frames: tuple[int, int], file: Path
) -> Iterator[Instances]:
    """The instances of all images that a file lists, as those of frames [start, stop) of the folder.

    Images that are not in the folder are left out, with a warning.

    Raises: PredictionsError for a frame that is none of the images.
    """
    names = {image.name: place for place, image in enumerate(list_images(folder))}
    places = np.array([names.get(name, -1) for name in video.images], np.int64)
    missing = [name for name in video.images if name not in names]
    if missing:
        logger.warning(
            "%s: predictions on %d images that are not in %s are left out: %s",
            file, len(missing), folder, list_some(missing, MOST_LISTED),
        )  # fmt: skip
    parts = list(found)
    if not parts:
        return
    whole = Instances.concatenate(parts)
    if whole.frame_idx.max(initial=-1) >= len(places):
        raise PredictionsError(
            f"{file}: a frame must be one of the {len(places)} images that it lists, got {whole.frame_idx.max()}"
        )
    placed = replace(whole, frame_idx=places[whole.frame_idx])
    part = placed.take((placed.frame_idx >= max(frames[0], 0)) & (placed.frame_idx < frames[1]))
    yield part.take(np.argsort(part.frame_idx, kind="stable"))
