"""Frames of a video file, exact and the same however they are reached.

Decoding always starts at a keyframe chosen by the file alone, with an emptied decoder, so that no shard border and
nothing read before can show in an image.

A frame *cannot be decoded* when the container calls its packet damaged, when the decoder gives no frame for the packet,
or one that it marks as damaged or concealed, or one of another size. Nor can the frames that come after it in coding
order up to the next keyframe: they are predicted from it, and would show false pixels without a mark. (Damage that
happens to be a valid stream, no decoder can tell.) Where a fault turns up, the place is decoded again by a single
thread, because what several threads report depends on their number.
"""

from bisect import bisect_left, insort
from collections.abc import Generator, Iterator
from contextlib import closing

import av
import numpy as np
from numpy.typing import NDArray

from poseflow.media.index import VideoIndex
from poseflow.media.packets import FramePacket, PacketReader
from poseflow.media.pixels import Image, image_of
from poseflow.media.video import Frames, Video

DecodedFrames = Generator[tuple[int, av.VideoFrame | None], None, None]

SEGMENT_FRAMES = 64  # decoding starts afresh at the first keyframe of each so many frames


class ContainerVideo(Video):
    """A file that FFmpeg reads."""

    def __init__(self, index: VideoIndex, threads: int = 0) -> None:
        super().__init__(index)
        self._threads = threads
        self._packets = PacketReader(index, threads)
        self._single: ContainerVideo | None = None

    def close(self) -> None:
        """Close the file."""
        self._packets.close()
        if self._single is not None:
            self._single.close()

    def _read(self, wanted: NDArray[np.int64], channels: int) -> Frames:
        done = 0
        while done < len(wanted):
            start, stop = segment_of(self.index, int(wanted[done]))
            here = wanted[done : np.searchsorted(wanted, stop)].tolist()
            done += len(here)
            with closing(self.decode(start, stop, here[0])) as frames:
                for idx, frame in frames:
                    if idx == here[0]:
                        here.pop(0)
                        yield idx, None if frame is None else self._image(frame, channels)
                    if not here:
                        break

    def _image(self, frame: av.VideoFrame, channels: int) -> Image:
        return image_of(frame, channels, self.index.color_range, self.index.rotation)

    def decode(self, start: int, stop: int, begin: int) -> DecodedFrames:
        """Frames from `begin` to stop - 1, decoded from keyframe `start`; None for one that cannot be decoded."""
        with closing(self._decode_once(start, stop)) as frames:
            for idx, frame in frames:
                if frame is None and self._threads != 1:
                    break
                if idx >= begin:
                    yield idx, frame
            else:
                return
        yield from self._decode_again(start, stop, max(idx, begin))

    def _decode_once(self, start: int, stop: int) -> DecodedFrames:
        judge = _Judge(start, stop, self._stored_size())
        borrowed: list[FramePacket] = []
        self._packets.decoder.flush_buffers()
        try:
            for packet in self._packets.from_keyframe(start, stop):
                is_next = packet.is_key and packet.frame >= stop
                if is_next or borrowed:
                    borrowed.append(packet)
                if is_next and len(borrowed) > 1:
                    break
                judge.feed(packet)
                if self.index.corrupt.find(packet.frame) < 0:
                    self._send(packet.packet, judge)
                yield from judge.release()
                if judge.is_fed:
                    break
            self._send(None, judge)
            judge.end()
            yield from judge.release()
        finally:
            self._packets.give_back(borrowed)

    def _decode_again(self, start: int, stop: int, begin: int) -> DecodedFrames:
        if self._single is None:
            self._single = ContainerVideo(self.index, threads=1)
        return self._single.decode(start, stop, begin)

    def _send(self, packet: av.Packet | None, judge: "_Judge") -> None:
        try:
            frames = self._packets.decoder.decode(packet)
        except av.FFmpegError:
            return  # the packet's frame will be missed
        for frame in frames:
            judge.take(frame)

    def _stored_size(self) -> tuple[int, int]:
        size = (self.index.width, self.index.height)
        return size if self.index.rotation % 180 == 0 else size[::-1]


class _Judge:
    """Puts decoded frames in order, and tells the sound ones from those with damage in their past.

    A frame is released once every packet that was fed before its own is accounted for: its frame has come, or a frame
    displayed later has.
    """

    def __init__(self, start: int, stop: int, size: tuple[int, int]) -> None:
        self._next = start
        self._start, self._stop = start, stop
        self._size = size
        self._unfed = stop - start
        self._position = 0  # of the next packet, in coding order
        self._latest = -1  # frame of all those fed
        self._fed: dict[int, tuple[int, int]] = {}  # frame: its position, the latest frame up to that position
        self._keys: dict[int, int] = {}  # keyframe: its position
        self._awaited: dict[int, int] = {}  # frame: its position
        self._decoded: dict[int, av.VideoFrame] = {}
        self._faults: list[int] = []  # positions, ascending
        self._reached = -1  # all frames up to this one are accounted for
        self._clean_from = 0  # position of the keyframe that the next frame depends on

    @property
    def is_fed(self) -> bool:
        """Whether the packets of all frames before `stop` have been fed."""
        return not self._unfed

    def feed(self, packet: FramePacket) -> None:
        """Note a packet that goes to the decoder."""
        position, frame = self._position, packet.frame
        self._position += 1
        if frame < self._start or frame in self._fed:
            return  # not displayed, or displayed before this keyframe and predicted from what is not here
        self._latest = max(self._latest, frame)
        self._awaited[frame] = position
        if packet.is_key:
            self._keys[frame] = position
        if frame < self._stop:
            self._fed[frame] = position, self._latest
            self._unfed -= 1

    def take(self, frame: av.VideoFrame) -> None:
        """Note a frame from the decoder; frames come in order of display."""
        idx = frame.pts
        if idx is None or idx not in self._awaited:
            return
        for lost in [earlier for earlier in self._awaited if earlier < idx]:
            insort(self._faults, self._awaited.pop(lost))
        position = self._awaited.pop(idx)
        if frame.is_corrupt or (self._size[0] and (frame.width, frame.height) != self._size):
            insort(self._faults, position)
        elif idx < self._stop:
            self._decoded[idx] = frame
        self._reached = idx

    def end(self) -> None:
        """Note that the decoder gives no more."""
        for position in self._awaited.values():
            insort(self._faults, position)
        self._awaited.clear()
        self._reached = self._latest
        self._unfed = 0

    def release(self) -> Iterator[tuple[int, av.VideoFrame | None]]:
        """The next frames that can be judged; None for one that is not sound."""
        while self._next < self._stop:
            idx = self._next
            position, latest = self._fed.get(idx, (self._position, self._stop))
            if self._reached < latest and not (self.is_fed and not self._awaited):
                return
            self._clean_from = self._keys.get(idx, self._clean_from)
            fault = bisect_left(self._faults, self._clean_from)
            is_sound = idx in self._decoded and not (fault < len(self._faults) and self._faults[fault] <= position)
            frame = self._decoded.pop(idx, None)
            self._fed.pop(idx, None)
            self._next += 1
            yield idx, frame if is_sound else None


def segment_of(index: VideoIndex, frame: int) -> tuple[int, int]:
    """Keyframe from which decoding starts to reach `frame`, and the keyframe at which it starts afresh after it."""
    if index.intra_only:
        return frame, min((frame // SEGMENT_FRAMES + 1) * SEGMENT_FRAMES, index.frames)
    bin_start = index.keyframes.last_upto(frame) // SEGMENT_FRAMES * SEGMENT_FRAMES
    start = index.keyframes.first_from(bin_start)
    stop = index.keyframes.first_from(bin_start + SEGMENT_FRAMES)
    return start or 0, index.frames if stop is None else stop
