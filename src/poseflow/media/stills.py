"""Recordings kept as single images or as arrays: image folders and HDF5 datasets."""

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
from numpy.typing import NDArray

from poseflow.errors import VideoError
from poseflow.media.index import VideoIndex, quarantine
from poseflow.media.pixels import Image
from poseflow.media.runs import RunLengths
from poseflow.media.video import Frames, Video

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})
_BLOCK_BYTES = 64 * 2**20  # of an HDF5 dataset, read at once


def list_images(folder: str | Path) -> list[Path]:
    """The image files of a folder, in natural order: frame_9.png comes before frame_10.png."""
    images = [file for file in Path(folder).iterdir() if file.suffix.lower() in IMAGE_SUFFIXES and file.name[0] != "."]
    return sorted(images, key=lambda file: [(part.zfill(20), part) for part in re.split(r"(\d+)", file.name)])


def read_image(path: str | Path, channels: int | None) -> Image | None:
    """An image file as (height, width, channels) uint8; None if it is damaged.

    Args:
        channels: 1 for grey, 3 for RGB, None: as stored. 16-bit images keep their upper 8 bits.
    """
    flags = {1: cv2.IMREAD_GRAYSCALE, 3: cv2.IMREAD_COLOR_RGB, None: cv2.IMREAD_UNCHANGED}[channels]
    try:
        stored = np.fromfile(path, np.uint8)
        image = cv2.imdecode(stored, flags) if len(stored) else None
    except (OSError, cv2.error):
        return None
    if image is None:
        return None
    return np.asarray(image if image.ndim == 3 else image[..., None])


def index_image_folder(path: str | Path) -> VideoIndex:
    """Index a folder of images; it has no timestamps. One without readable images is quarantined."""
    try:
        images = list_images(path)
    except OSError as error:
        return quarantine(path, "image_folder", f"folder must be readable, got: {error.strerror}")
    if not images:
        found = ", ".join(sorted(IMAGE_SUFFIXES))
        return quarantine(path, "image_folder", f"folder must hold images ({found}), got none")
    first = next((image for image in (read_image(file, None) for file in images) if image is not None), None)
    if first is None:
        return quarantine(path, "image_folder", f"folder must hold images that can be read, got {len(images)} damaged")
    return VideoIndex(
        path=str(path),
        kind="image_folder",
        frames=len(images),
        width=first.shape[1],
        height=first.shape[0],
        channels=1 if first.shape[2] == 1 else 3,
        codec=images[0].suffix.lower().removeprefix("."),
        size_bytes=sum(file.stat().st_size for file in images),
    )


class ImageFolderVideo(Video):
    """A folder of images. One of another size than the first cannot be read."""

    def __init__(self, index: VideoIndex, threads: int = 0) -> None:
        super().__init__(index)
        self._images = list_images(index.path)
        if len(self._images) != index.frames:
            raise VideoError(
                f"{index.path} must hold {index.frames} images as when it was indexed, got {len(self._images)}"
            )

    def _read(self, wanted: NDArray[np.int64], channels: int) -> Frames:
        size = (self.index.height, self.index.width)
        for idx in wanted.tolist():
            image = read_image(self._images[idx], channels)
            yield idx, image if image is not None and image.shape[:2] == size else None


def index_hdf5(path: str | Path, h5_dataset: str) -> VideoIndex:
    """Index a dataset of shape (frames, height, width) or (frames, height, width, 1 or 3), uint8.

    Its attribute `fps`, if it has one, gives the timestamps.
    """
    try:
        with h5py.File(path, "r") as file:
            dataset = file.get(h5_dataset)
            if not isinstance(dataset, h5py.Dataset):
                names = ", ".join(sorted(file)) or "nothing"
                return quarantine(path, "hdf5", f"file must hold a dataset {h5_dataset!r}, got {names}")
            shape, dtype = dataset.shape, dataset.dtype
            fps = float(dataset.attrs.get("fps", 0)) or None
    except (OSError, RuntimeError, ValueError) as error:
        return quarantine(path, "hdf5", f"file must be a readable HDF5 file, got: {error}")
    is_stack = len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3))
    if dtype != np.uint8 or not is_stack or not all(shape):
        rule = "uint8 of shape (frames, height, width) or (frames, height, width, 1 or 3)"
        return quarantine(path, "hdf5", f"dataset {h5_dataset!r} must be {rule}, got {dtype} {shape}")
    return VideoIndex(
        path=str(path),
        kind="hdf5",
        frames=shape[0],
        height=shape[1],
        width=shape[2],
        channels=3 if shape[3:] == (3,) else 1,
        size_bytes=Path(path).stat().st_size,
        h5_dataset=h5_dataset,
        **_constant_rate(shape[0], fps),
    )


class Hdf5Video(Video):
    """A dataset of an HDF5 file, read chunk by chunk."""

    def __init__(self, index: VideoIndex, threads: int = 0) -> None:
        super().__init__(index)
        try:
            self._file = h5py.File(index.path, "r")
        except OSError as error:
            raise VideoError(f"{index.path} must be readable, got: {error}") from None
        dataset = self._file.get(index.h5_dataset)
        if not isinstance(dataset, h5py.Dataset) or len(dataset) != index.frames:
            raise VideoError(f"{index.path} must hold {index.frames} frames as when it was indexed")
        self._dataset = dataset
        frame_bytes = dataset.size // len(dataset)
        chunk = dataset.chunks[0] if dataset.chunks else 1
        self._block = min(chunk, max(1, _BLOCK_BYTES // frame_bytes))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, wanted: NDArray[np.int64], channels: int) -> Frames:
        block, loaded = None, -1
        for idx in wanted.tolist():
            if idx // self._block != loaded:
                loaded = idx // self._block
                block = self._load(loaded * self._block)
            yield idx, None if block is None else with_channels(block[idx - loaded * self._block], channels)

    def _load(self, start: int) -> NDArray[np.uint8] | None:
        try:
            return np.asarray(self._dataset[start : start + self._block])
        except (OSError, RuntimeError):
            return None


def with_channels(image: NDArray[np.uint8], channels: int) -> Image:
    """(height, width[, 1 or 3]) as (height, width, channels)."""
    if image.ndim == 2:
        image = image[..., None]
    if image.shape[2] == channels:
        return np.ascontiguousarray(image)
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)[..., None]


def _constant_rate(frames: int, fps: float | None) -> dict[str, Any]:
    """Index fields of a recording of constant, or unknown, frame rate."""
    if fps is None or not fps > 0:
        return {}
    rate = Fraction(fps).limit_denominator(100_000)
    return {
        "fps": fps,
        "time_base": (rate.denominator, rate.numerator),
        "timestamps": RunLengths.of(np.arange(frames)),
    }
