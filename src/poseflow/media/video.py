"""What every kind of recording can do: give frames by index."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from poseflow.core.errors import VideoError
from poseflow.media.index import VideoIndex
from poseflow.media.pixels import Image

Frames = Generator[tuple[int, Image | None], None, None]


class Video(ABC):
    """An open recording. A frame's image is the same however it is reached: in order, alone, or from any shard.

    Not to be used by several threads at once.
    """

    def __init__(self, index: VideoIndex) -> None:
        if not index.is_ok:
            raise VideoError(f"{index.path} must be readable, but it is quarantined: {index.reason}")
        self.index = index

    def read(self, start: int, stop: int, channels: int = 1) -> Frames:
        """Frames start to stop - 1, each with its index; None for a frame that cannot be decoded.

        Args:
            start, stop: 0 <= start <= stop <= index.frames.
            channels: 1 for grey, 3 for RGB.

        Returns: images of shape (height, width, channels), uint8, full range.
        """
        if not 0 <= start <= stop <= self.index.frames:
            raise VideoError(
                f"{self.index.path}: frames must be within 0 to {self.index.frames}, got {start} to {stop}"
            )
        return self._read(np.arange(start, stop), _check_channels(channels))

    def read_frames(self, indices: Iterable[int], channels: int = 1) -> Frames:
        """Some frames, in ascending order, each once; otherwise as `read`."""
        wanted = np.unique(np.fromiter(indices, np.int64))
        if len(wanted) and not 0 <= wanted[0] <= wanted[-1] < self.index.frames:
            raise VideoError(
                f"{self.index.path}: frames must be within 0 to {self.index.frames - 1}, "
                f"got {wanted[0]} to {wanted[-1]}"
            )
        return self._read(wanted, _check_channels(channels))

    @abstractmethod
    def _read(self, wanted: NDArray[np.int64], channels: int) -> Frames:
        """The frames `wanted`, which ascend."""

    def close(self) -> None:  # noqa: B027 - not every kind holds a file open
        """Let go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _check_channels(channels: int) -> int:
    if channels not in (1, 3):
        raise VideoError(f"channels must be 1 (grey) or 3 (RGB), got {channels}")
    return channels
