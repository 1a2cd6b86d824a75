"""The kinds of recordings, told apart in one place."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py

from poseflow.errors import VideoError
from poseflow.media.container import ContainerVideo
from poseflow.media.imgstore import ImgstoreVideo, count_imgstore_frames, index_imgstore, is_imgstore
from poseflow.media.index import MediaKind, VideoIndex
from poseflow.media.scan import estimate_container_frames, index_container
from poseflow.media.stills import Hdf5Video, ImageFolderVideo, index_hdf5, index_image_folder, list_images
from poseflow.media.video import Video


@dataclass(frozen=True)
class _Kind:
    index: Callable[[Path, str], VideoIndex]
    estimate: Callable[[Path, str], int]
    """Number of frames, 0 for an unreadable recording."""
    open: Callable[[VideoIndex, int], Video]


def index_video(path: str | Path, h5_dataset: str = "images") -> VideoIndex:
    """What is known about a recording, from its packets: no more than a few frames are decoded.

    Nothing is raised for a bad recording: it is quarantined with a one-line reason.

    Args:
        path: a video file, an HDF5 file, a folder of images or an imgstore.
        h5_dataset: dataset of HDF5 recordings.
    """
    path = Path(path)
    return _KINDS[_kind_of(path)].index(path, h5_dataset)


def estimate_frames(path: str | Path, h5_dataset: str = "images") -> int:
    """About how many frames a recording has, from its header alone where that says; 0 for an unreadable one."""
    path = Path(path)
    return _KINDS[_kind_of(path)].estimate(path, h5_dataset)


def open_video(index: VideoIndex, threads: int = 0) -> Video:
    """Open an indexed recording; a context manager.

    Args:
        index: what index_video or read_index gave.
        threads: that decode; 0: one for each processor.

    Raises: VideoError for a quarantined recording, or one that is not as it was when it was indexed.
    """
    if index.is_ok and index.kind in ("video", "hdf5"):
        _check_size(index)
    return _KINDS[index.kind].open(index, threads)


def _kind_of(path: Path) -> MediaKind:
    if path.is_dir():
        return "imgstore" if is_imgstore(path) else "image_folder"
    return "hdf5" if path.is_file() and h5py.is_hdf5(path) else "video"


def _check_size(index: VideoIndex) -> None:
    try:
        size = Path(index.path).stat().st_size
    except OSError as error:
        raise VideoError(f"{index.path} must be readable, got: {error.strerror}") from None
    if size != index.size_bytes:
        raise VideoError(f"{index.path} must have {index.size_bytes} bytes as when it was indexed, got {size}")


def _estimate_hdf5(path: Path, h5_dataset: str) -> int:
    return index_hdf5(path, h5_dataset).frames


def _count_images(path: Path, _: str) -> int:
    try:
        return len(list_images(path))
    except OSError:
        return 0


_KINDS: dict[MediaKind, _Kind] = {
    "video": _Kind(
        index=lambda path, _: index_container(path),
        estimate=lambda path, _: estimate_container_frames(path),
        open=ContainerVideo,
    ),
    "image_folder": _Kind(
        index=lambda path, _: index_image_folder(path),
        estimate=_count_images,
        open=ImageFolderVideo,
    ),
    "hdf5": _Kind(
        index=index_hdf5,
        estimate=_estimate_hdf5,
        open=Hdf5Video,
    ),
    "imgstore": _Kind(
        index=lambda path, _: index_imgstore(path),
        estimate=lambda path, _: count_imgstore_frames(path),
        open=ImgstoreVideo,
    ),
}
