"""Pictures of labeled frames, from wherever they lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
import sleap_io as sio
from numpy.typing import NDArray

from poseflow.core.errors import LabelsError
from poseflow.labels.videos import index_of, is_embedded, video_name
from poseflow.media import open_video
from poseflow.media.channels import convert_channels
from poseflow.media.stills import read_image

Image = NDArray[np.uint8]

# Two pictures are the same if squares of so many px differ by so many grey levels at most, which the conversion of
# colors does; a frame or two later, an animal that has hardly moved makes ten times more, and the mean hardly differs.
SQUARE_PX = 8
SAME_GREY = 4.0


def read_images(video: sio.Video, frame_inds: Sequence[int], channels: int) -> Iterator[tuple[int, Image | None]]:
    """Read frames of a located video in rising order, (height, width, channels); None where one cannot be decoded.

    Pixels of recordings are those that `poseflow.media` gives to prediction.
    """
    frame_inds = sorted(frame_inds)
    if is_embedded(video):
        yield from _read_embedded(video, frame_inds, channels)
    elif isinstance(video.filename, list):
        for frame_idx in frame_inds:
            yield frame_idx, read_image(video.filename[frame_idx], channels)
    else:
        with open_video(index_of(video)) as source:
            yield from source.read_frames(frame_inds, channels)


def embedded_frames(video: sio.Video) -> set[int]:
    """Frame indices whose pictures a package holds."""
    backend = _open_embedded(video)
    return set(map(int, backend.frame_map)) if backend.frame_map else set(range(backend.num_frames))


def find_differing(a: sio.Video, b: sio.Video, frame_inds: Iterable[int]) -> list[int] | None:
    """Frames of which two located videos show different pictures; None if no frame can be decoded of both."""
    wanted = sorted(frame_inds)
    differing, is_known = [], False
    for (frame_idx, here), (_, there) in zip(read_images(a, wanted, 1), read_images(b, wanted, 1), strict=True):
        if here is None or there is None:
            continue
        is_known = True
        if here.shape != there.shape or not _is_same(here, there):
            differing.append(frame_idx)
    return differing if is_known else None


def _is_same(here: Image, there: Image) -> bool:
    difference = cv2.blur(here.astype(np.float32) - there.astype(np.float32), (SQUARE_PX, SQUARE_PX))
    return bool(np.abs(difference).max() <= SAME_GREY)


def _read_embedded(video: sio.Video, frame_inds: Sequence[int], channels: int) -> Iterator[tuple[int, Image | None]]:
    backend = _open_embedded(video)
    try:
        for frame_idx in frame_inds:
            try:
                image = backend.get_frame(frame_idx)
            except (AttributeError, cv2.error):  # sleap-io goes on with what could not be decoded
                raise LabelsError(
                    f"{video.filename} must hold a whole picture of each labeled frame, got a damaged one of frame "
                    f"{frame_idx} of {video_name(video)}"
                ) from None
            yield frame_idx, convert_channels(image[..., :3], channels)
    finally:
        backend.close()


def _open_embedded(video: sio.Video) -> sio.io.video_reading.HDF5Video:
    from sleap_io.io.video_reading import HDF5Video

    return HDF5Video(str(video.filename), dataset=video.backend_metadata["dataset"], grayscale=False)
