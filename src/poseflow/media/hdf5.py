"""Recordings kept as a dataset of an HDF5 file."""

from fractions import Fraction
from math import isfinite, prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from poseflow.core.errors import VideoError
from poseflow.media.channels import convert_channels
from poseflow.media.hdf5_links import find_dataset
from poseflow.media.headers import MOST_PIXELS
from poseflow.media.index import VideoIndex, quarantine
from poseflow.media.reading import raise_if_unread
from poseflow.media.runs import RunLengths
from poseflow.media.video import Frames, Video

_BLOCK_BYTES = 64 * 2**20  # read at once
_MOST_CHUNK_BYTES = 2**31  # HDF5 unpacks a whole chunk in memory
_MOST_FRAMES = 2**28  # a month at 100 frames/s
_RATES = (1e-5, 1e6)  # frames per second: from one a day
_SAMPLED_PLACES = 3
_MATLAB = "MATLAB_class"  # an attribute of what MATLAB's `save -v7.3` writes


def index_hdf5(path: str | Path, h5_dataset: str) -> VideoIndex:
    """Index a dataset of shape (frames, height, width) or (frames, height, width, 1 or 3), uint8.

    One that MATLAB saved is of (height, width[, 1 or 3], frames) there, which HDF5 lists the other way round.

    Its attribute `fps`, if it has one, gives the timestamps. What was never written counts as cut off, or as frames
    that cannot be read.

    Raises: ReadError where the system fails to read the file.
    """
    try:
        with _open(path) as file:
            return _describe(path, h5_dataset, file)
    except VideoError as error:
        return quarantine(path, "hdf5", str(error))
    except (OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
        raise_if_unread(error, path)
        return quarantine(path, "hdf5", f"file must be a readable HDF5 file, got: {error}")


class Hdf5Video(Video):
    """A dataset of an HDF5 file, read chunk by chunk."""

    def __init__(self, index: VideoIndex, threads: int = 0) -> None:
        super().__init__(index)
        try:
            self._file = _open(index.path)
            self._dataset = find_dataset(self._file, index.h5_dataset or "")
        except (OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
            raise_if_unread(error, index.path)
            raise VideoError(f"{index.path} must be readable, got: {error}") from None
        if len(self._dataset) < index.frames:
            raise VideoError(f"{index.path} must hold {index.frames} frames as when it was indexed")
        frame_bytes = self._dataset.size // len(self._dataset)
        chunk = self._dataset.chunks[0] if self._dataset.chunks else 1
        self._block = min(chunk, max(1, _BLOCK_BYTES // frame_bytes))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, wanted: NDArray[np.int64], channels: int) -> Frames:
        block, loaded = None, -1
        for idx in wanted.tolist():
            if idx // self._block != loaded:
                loaded = idx // self._block
                block = _load(self._dataset, loaded * self._block, self._block)
            if block is None or self.index.corrupt.find(idx) >= 0:
                yield idx, None
            else:
                yield idx, convert_channels(block[idx - loaded * self._block], channels)


def _open(path: str | Path) -> h5py.File:
    # Where a file system knows no locks, there is nobody to be kept out.
    return h5py.File(path, "r", locking="best-effort")


def _describe(path: str | Path, h5_dataset: str, file: h5py.File) -> VideoIndex:
    dataset = find_dataset(file, h5_dataset)
    _check_size(dataset, h5_dataset, Path(path).stat().st_size)
    shape = _shape_of(dataset)
    written = _written_frames(dataset)
    (present,) = np.nonzero(written)
    if not len(present):
        return quarantine(path, "hdf5", f"dataset {h5_dataset!r} must hold images, got {shape} that was never written")
    frames = int(present[-1]) + 1
    places = sorted({part * (frames - 1) // _SAMPLED_PLACES for part in range(_SAMPLED_PLACES + 1)})
    if all(_load(dataset, place, 1) is None for place in places):
        return quarantine(path, "hdf5", f"dataset {h5_dataset!r} must hold images that can be read, got only damage")
    problems = []
    if frames < shape[0]:
        problems.append(f"is cut off: {shape[0]} frames are declared, {frames} were written")
    missing = np.flatnonzero(~written[:frames])
    if len(missing):
        problems.append(f"{len(missing)} frames were never written, the first of them {missing[0]}")
    fps, fault = _read_rate(dataset)
    if fault:
        problems.append(fault)
    return VideoIndex(
        path=str(path),
        kind="hdf5",
        problems=tuple(problems),
        frames=frames,
        height=shape[1],
        width=shape[2],
        channels=3 if shape[3:] == (3,) else 1,
        corrupt=RunLengths.of(missing),
        size_bytes=Path(path).stat().st_size,
        h5_dataset=h5_dataset,
        **_constant_rate(frames, fps),
    )


def _check_size(dataset: h5py.Dataset, name: str, file_bytes: int) -> None:
    """Check that a dataset is a stack of images that this machine may unpack; raises VideoError."""
    shape, dtype = _shape_of(dataset), dataset.dtype
    is_stack = shape is not None and (len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3)))
    if dtype != np.uint8 or not is_stack or not all(shape):
        rule = "uint8 of shape (frames, height, width) or (frames, height, width, 1 or 3)"
        raise VideoError(f"dataset {name!r} must be {rule}, got {dtype} {shape}")
    if shape[1] * shape[2] > MOST_PIXELS:
        raise VideoError(f"dataset {name!r} must have images of at most {MOST_PIXELS} pixels, got {shape}")
    if shape[0] > _MOST_FRAMES:
        raise VideoError(f"dataset {name!r} must have at most {_MOST_FRAMES} frames, got {shape}")
    if dataset.chunks and prod(dataset.chunks) > _MOST_CHUNK_BYTES:
        raise VideoError(
            f"dataset {name!r} must have chunks of at most {_MOST_CHUNK_BYTES} bytes, got {dataset.chunks}"
        )
    settings = dataset.id.get_create_plist()
    if not dataset.chunks and not dataset.is_virtual and dataset.id.get_storage_size() > file_bytes:
        raise VideoError(f"dataset {name!r} must lie in the file of {file_bytes} bytes, got {shape}")
    for number in range(settings.get_nfilters()):
        code, _, _, filter_name = settings.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            called = filter_name.decode("utf-8", "replace") or "nameless"
            raise VideoError(f"dataset {name!r} must be packed with a filter that is here, got {called} ({code})")


def _shape_of(dataset: h5py.Dataset) -> Any:
    """Shape of a dataset as its frames are read; None for an empty one."""
    if dataset.shape and _MATLAB in dataset.attrs:
        return (dataset.shape[0], *reversed(dataset.shape[1:]))
    return dataset.shape


def _written_frames(dataset: h5py.Dataset) -> NDArray[np.bool_]:
    """Whether each frame was ever written, (frames,): HDF5 gives black images for those that were not."""
    frames = len(dataset)
    if dataset.is_virtual:
        return np.ones(frames, bool)
    if not dataset.chunks:
        return np.full(frames, dataset.id.get_storage_size() > 0)
    chunk = dataset.chunks
    per_block = prod(-(-side // part) for side, part in zip(dataset.shape[1:], chunk[1:], strict=True))
    found = np.zeros(-(-frames // chunk[0]), np.int64)
    if dataset.id.get_num_chunks() == len(found) * per_block:
        return np.ones(frames, bool)

    def count(info: Any) -> None:
        found[info.chunk_offset[0] // chunk[0]] += 1

    dataset.id.chunk_iter(count)
    return np.repeat(found == per_block, chunk[0])[:frames]


def _read_rate(dataset: h5py.Dataset) -> tuple[float | None, str | None]:
    """Frames per second, None where unknown; and what is wrong with what the file says of it."""
    if "fps" not in dataset.attrs:
        return None, None
    value = dataset.attrs["fps"]
    if isinstance(value, np.ndarray) and value.size == 1:  # MATLAB's numbers are arrays of shape (1, 1)
        value = value.reshape(-1)[0]
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    try:
        fps = float("nan") if isinstance(value, np.bool_ | np.complexfloating) else float(value)
    except (TypeError, ValueError):
        fps = float("nan")
    if isfinite(fps) and _RATES[0] <= fps <= _RATES[1]:
        return fps, None
    shown = " ".join(repr(value).split())[:60]
    return None, f"its attribute fps must be a number of frames per second, got {shown}; its frames have no times"


def _load(dataset: h5py.Dataset, start: int, frames: int) -> NDArray[np.uint8] | None:
    """Some frames; None where they are damaged. Raises ReadError."""
    try:
        block = np.asarray(dataset[start : start + frames])
    except (OSError, RuntimeError) as error:
        raise_if_unread(error, dataset.file.filename)
        return None
    return block.swapaxes(1, -1) if _MATLAB in dataset.attrs else block


def _constant_rate(frames: int, fps: float | None) -> dict[str, Any]:
    """Index fields of a recording of constant, or unknown, frame rate."""
    if fps is None:
        return {}
    rate = Fraction(fps).limit_denominator(100_000)
    return {
        "fps": fps,
        "time_base": (rate.denominator, rate.numerator),
        "timestamps": RunLengths.of(np.arange(frames)),
    }
