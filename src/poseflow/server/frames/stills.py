"""Still frames: JPEG by number, from the package's own reader.

What costs is to reach a frame, not to encode it: at 1024² in H.264 with a keyframe each 250 frames, 90 ms against 1.3.
So a reader stays open where it stands, and what it passed on its way is kept as it is, within a bound for all videos
together: the frames just before one that was asked for are there when somebody steps back.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np

from poseflow.core.errors import VideoError
from poseflow.media import Video, VideoIndex, open_video
from poseflow.media.pixels import Image
from poseflow.media.video import Frames
from poseflow.server.errors import RefusedError

Size = Literal["full", "half", "thumb"]
SIZES: tuple[Size, ...] = ("full", "half", "thumb")
QUALITY = {"full": 85, "half": 70, "thumb": 70}
THUMB_PX = 160
MOST_OPEN = 8
MOST_BYTES = 96 << 20
KEPT_BEFORE = {1: 48, 3: 12}
"""Frames before one that was asked for that are kept, by channels: they are decoded anyway, but color is made anew."""
AHEAD = 200
"""So many frames are read on over rather than begun anew at a keyframe."""


@dataclass
class _Reader:
    """A video, open from its first frame on, and where it stands."""

    index: VideoIndex
    video: Video | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    frames: Frames | None = None
    next: int = -1
    is_closed: bool = False


class Stills:
    """Frames of a project's videos as JPEG; to be used by many threads."""

    def __init__(self, most_open: int = MOST_OPEN, most_bytes: int = MOST_BYTES) -> None:
        self._most_open, self._most_bytes = most_open, most_bytes
        self._lock = threading.Lock()
        self._readers: OrderedDict[str, _Reader] = OrderedDict()
        self._images: OrderedDict[tuple[str, int], Image | None] = OrderedDict()
        self._bytes = 0

    @property
    def kept_bytes(self) -> int:
        """Of images."""
        return self._bytes

    def encode(self, key: str, index: VideoIndex, frame: int, size: Size) -> bytes:
        """A frame as JPEG.

        Args:
            key: of the video and its content.

        Raises: RefusedError for a frame that there is not or that cannot be decoded, VideoError for a video that was
            changed, ReadError where the system fails.
        """
        if not 0 <= frame < index.frames:
            raise RefusedError(404, "unknown", f"frame must be 0 to {index.frames - 1}, got {frame}")
        image = self._find(key, index, frame)
        if image is None:
            raise RefusedError(422, "undecodable", f"frame {frame} cannot be decoded")
        return _encode(image, size)

    def close(self) -> None:
        """Close all videos."""
        with self._lock:
            readers = [*self._readers.values()]
            self._readers.clear()
        for reader in readers:
            with reader.lock:
                _close(reader)

    def _find(self, key: str, index: VideoIndex, frame: int) -> Image | None:
        found, image = self._kept(key, frame)
        if found:
            return image
        while True:
            reader = self._open(key, index)
            with reader.lock:
                if reader.is_closed:
                    continue
                found, image = self._kept(key, frame)  # another request may have passed it meanwhile
                return image if found else self._read_to(reader, key, frame)

    def _kept(self, key: str, frame: int) -> tuple[bool, Image | None]:
        with self._lock:
            if (key, frame) not in self._images:
                return False, None
            self._images.move_to_end((key, frame))
            return True, self._images[key, frame]

    def _open(self, key: str, index: VideoIndex) -> _Reader:
        closing: list[_Reader] = []
        with self._lock:
            reader = self._readers.get(key)
            if reader is None:
                reader = self._readers[key] = _Reader(index)
            self._readers.move_to_end(key)
            while len(self._readers) > self._most_open:
                closing.append(self._readers.popitem(last=False)[1])
        for old in closing:
            with old.lock:
                _close(old)
        return reader

    def _read_to(self, reader: _Reader, key: str, frame: int) -> Image | None:
        index = reader.index
        if reader.video is None:  # under its own lock: one of a day takes a second, and others do not wait for it
            reader.video = open_video(index, threads=1)
        if reader.frames is None or not reader.next <= frame < reader.next + AHEAD:
            _stop(reader)
            is_predicted = index.kind == "video" and not index.intra_only
            begin = max(0, frame - KEPT_BEFORE[index.channels]) if is_predicted else frame
            reader.frames, reader.next = reader.video.read(begin, index.frames, index.channels), begin
        assert reader.frames is not None
        try:
            for number, image in reader.frames:
                reader.next = number + 1
                self._keep(key, number, image)
                if number == frame:
                    return image
        except BaseException:
            _stop(reader)
            raise
        raise VideoError(f"{index.path} must have frame {frame}, as when it was indexed")

    def _keep(self, key: str, frame: int, image: Image | None) -> None:
        with self._lock:
            old = self._images.pop((key, frame), None)
            self._images[key, frame] = image
            self._bytes += _bytes(image) - _bytes(old)
            while self._bytes > self._most_bytes and len(self._images) > 1:
                self._bytes -= _bytes(self._images.popitem(last=False)[1])


def _bytes(image: Image | None) -> int:
    return 0 if image is None else image.nbytes


def _stop(reader: _Reader) -> None:
    if reader.frames is not None:
        reader.frames.close()
        reader.frames = None


def _close(reader: _Reader) -> None:
    reader.is_closed = True
    _stop(reader)
    if reader.video is not None:
        reader.video.close()


def _encode(image: Image, size: Size) -> bytes:
    height, width = image.shape[:2]
    shown = np.asarray(image) if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if size != "full":
        scale = 0.5 if size == "half" else min(1.0, THUMB_PX / width)
        target = max(1, round(width * scale)), max(1, round(height * scale))
        shown = cv2.resize(shown, target, interpolation=cv2.INTER_AREA)
    done, content = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, QUALITY[size]])
    if not done:
        raise RefusedError(422, "undecodable", f"an image of {width} x {height} cannot be shown as JPEG")
    return content.tobytes()
