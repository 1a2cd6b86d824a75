"""The kinds of recordings, told apart in one place."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from poseflow.core.errors import VideoError
from poseflow.media.container import ContainerVideo
from poseflow.media.estimate import estimate_container_frames
from poseflow.media.hdf5 import Hdf5Video, index_hdf5
from poseflow.media.imgstore import ImgstoreVideo, count_imgstore_frames, index_imgstore, is_imgstore
from poseflow.media.index import MediaKind, VideoIndex, quarantine
from poseflow.media.reading import RecordingFile, find_closed, is_hdf5, read_error
from poseflow.media.scan import index_container
from poseflow.media.stills import ImageFolderVideo, index_image_folder, list_images
from poseflow.media.video import Video


@dataclass(frozen=True)
class _Kind:
    index: Callable[[Path, str], VideoIndex]
    estimate: Callable[[Path, str], int]
    """Number of frames, 0 for an unreadable recording."""
    open: Callable[[VideoIndex, int, bool], Video]


def index_video(path: str | Path, h5_dataset: str = "images") -> VideoIndex:
    """What is known about a recording, from its packets: no more than a few frames are decoded.

    Nothing is raised for a bad recording: it is quarantined with a one-line reason. So is one that may not be read.

    Args:
        path: a video file, an HDF5 file, a folder of images or an imgstore.
        h5_dataset: dataset of HDF5 recordings.

    Raises: ReadError where the system fails to read, which says nothing about the recording.
    """
    path = Path(path)
    if reason := find_closed(path):
        return quarantine(path, "video", reason)
    try:
        return _KINDS[_kind_of(path)].index(path, h5_dataset)
    except OSError as error:
        raise read_error(error, error.filename or path) from None


def estimate_frames(path: str | Path, h5_dataset: str = "images") -> int:
    """About how many frames a recording has, from its header alone where that says; 0 for an unreadable one.

    Raises: ReadError where the system fails to read.
    """
    path = Path(path)
    if find_closed(path):
        return 0
    try:
        return _KINDS[_kind_of(path)].estimate(path, h5_dataset)
    except OSError as error:
        raise read_error(error, error.filename or path) from None


def open_video(index: VideoIndex, threads: int = 0, on_gpu: bool = False) -> Video:
    """Open an indexed recording; a context manager.

    Args:
        index: what index_video or read_index gave.
        threads: that decode; 0: one for each processor.
        on_gpu: decode a video file on an NVIDIA GPU, too; a line is logged where that cannot be. Frames are the same.

    Raises:
        VideoError: for a quarantined recording, or one that is not as it was when it was indexed.
        ReadError: where the system fails to read; so does reading frames.
    """
    if index.kind == "predictions":
        raise VideoError(f"{index.path} must be a recording that is there, got predictions of one only")
    if index.is_ok and index.kind in ("video", "hdf5"):
        _check_size(index)
    return _KINDS[index.kind].open(index, threads, on_gpu)


def _kind_of(path: Path) -> MediaKind:
    if path.is_dir():
        return "imgstore" if is_imgstore(path) else "image_folder"
    return "hdf5" if is_hdf5(path) else "video"


def _check_size(index: VideoIndex) -> None:
    with RecordingFile(index.path) as file:
        size = os.fstat(file.fileno()).st_size
    if size != index.size_bytes:
        raise VideoError(f"{index.path} must have {index.size_bytes} bytes as when it was indexed, got {size}")


def _estimate_hdf5(path: Path, h5_dataset: str) -> int:
    return index_hdf5(path, h5_dataset).frames


def _count_images(path: Path, _: str) -> int:
    return len(list_images(path))


_KINDS: dict[MediaKind, _Kind] = {
    "video": _Kind(
        index=lambda path, _: index_container(path),
        estimate=lambda path, _: estimate_container_frames(path),
        open=ContainerVideo,
    ),
    "image_folder": _Kind(
        index=lambda path, _: index_image_folder(path),
        estimate=_count_images,
        open=lambda index, threads, _: ImageFolderVideo(index, threads),
    ),
    "hdf5": _Kind(
        index=index_hdf5,
        estimate=_estimate_hdf5,
        open=lambda index, threads, _: Hdf5Video(index, threads),
    ),
    "imgstore": _Kind(
        index=lambda path, _: index_imgstore(path),
        estimate=lambda path, _: count_imgstore_frames(path),
        open=lambda index, threads, _: ImgstoreVideo(index, threads),
    ),
}
