"""Video files: their segments decoded in parallel, their frames given in order."""

from collections import deque
from collections.abc import Iterator
from contextlib import closing
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from poseflow.core.prefetch import Prefetched
from poseflow.core.processors import count_processors
from poseflow.media.hardware import Gpu, GpuDecoder
from poseflow.media.index import VideoIndex
from poseflow.media.pixels import Image, image_of
from poseflow.media.segments import SegmentDecoder, segment_of
from poseflow.media.video import Frames, Video

_MAX_THREADS = 16
_WAITING_BYTES = 256 * 2**20  # of images that wait for their turn, all threads together
_WAITING_FRAMES = 128  # of one thread; half of a usual segment is enough for two threads never to wait


class ContainerVideo(Video):
    """A file that FFmpeg reads. Module `segments` says what counts as a frame that cannot be decoded.

    Args:
        threads: segments that are decoded side by side; 0: one for each processor.
        on_gpu: a few of them on a GPU (`hardware`), where that can be.
    """

    def __init__(self, index: VideoIndex, threads: int = 0, on_gpu: bool = False) -> None:
        super().__init__(index)
        self._threads = min(threads or count_processors(), _MAX_THREADS)
        self._gpu = Gpu(index) if on_gpu else None
        self._idle = deque([self._open_decoder()])

    def close(self) -> None:
        """Close the file."""
        for decoder in self._idle:
            decoder.close()

    def _read(self, wanted: NDArray[np.int64], channels: int) -> Frames:
        segments = _split_by_segment(self.index, wanted)
        ahead = list(islice(segments, 2))
        if self._threads == 1 or len(ahead) < 2:
            for segment in chain(ahead, segments):
                yield from self._decode(segment, channels)
        else:
            yield from self._decode_ahead(chain(ahead, segments), channels)

    def _decode(self, wanted: NDArray[np.int64], channels: int) -> Frames:
        """Frames of one segment."""
        try:
            decoder = self._idle.pop()
        except IndexError:
            decoder = self._open_decoder()
        left = deque(wanted.tolist())
        try:
            with closing(decoder.decode(*segment_of(self.index, left[0]))) as frames:
                for idx, frame in frames:
                    if idx == left[0]:
                        left.popleft()
                        image = None
                        if frame is not None:
                            image = image_of(frame, channels, self.index.color_range, self.index.rotation)
                        yield idx, image
                    if not left:
                        break
        finally:
            if isinstance(decoder, GpuDecoder):
                self._idle.append(decoder)  # to be the next one, before those that take processors
            else:
                self._idle.appendleft(decoder)

    def _open_decoder(self) -> SegmentDecoder | GpuDecoder:
        return (self._gpu and self._gpu.open_decoder()) or SegmentDecoder(self.index)

    def _decode_ahead(self, segments: Iterator[NDArray[np.int64]], channels: int) -> Frames:
        """Frames of several segments, each decoded by a thread of its own; so much memory and no more."""
        image_bytes = self.index.width * self.index.height * channels
        most = min(_WAITING_FRAMES, max(2, _WAITING_BYTES // self._threads // image_bytes))

        def start(segment: NDArray[np.int64]) -> Prefetched[tuple[int, Image | None]]:
            return Prefetched(self._decode(segment, channels), most)

        under_way = deque(map(start, islice(segments, self._threads)))
        try:
            while under_way:
                yield from under_way[0]
                under_way.popleft()
                under_way.extend(map(start, islice(segments, 1)))
        finally:
            for images in under_way:
                images.close()


def _split_by_segment(index: VideoIndex, wanted: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    done = 0
    while done < len(wanted):
        _, stop = segment_of(index, int(wanted[done]))
        upto = int(np.searchsorted(wanted, stop))
        yield wanted[done:upto]
        done = upto
