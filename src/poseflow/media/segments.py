"""Frames of a video file, decoded segment by segment: the same however they are reached.

A segment begins at a keyframe that is chosen by the file alone, and is decoded by an emptied decoder with a single
thread that knows how the file begins, so that nothing else read before and no number of processors can show in an
image; after damage, by a new one. (With several threads FFmpeg's H.264 decoder may hand on a patched-up frame before it
is marked as such.)

A frame *cannot be decoded* when the container calls its packet damaged; when the decoder gives no frame for the packet,
or one that it marks as damaged or concealed, or one of another size, or complains that its checksum is wrong or what it
was predicted from is missing; or when decoding is to start with it and it is no keyframe. Nor can the frames that come
after it in coding order up to the next keyframe: they are predicted from it, and would show false pixels without a
mark. But one that is displayed before a keyframe spoils none that is displayed after it. (Damage that happens to be a
valid stream, no decoder can tell.)
"""

from bisect import bisect_left, insort
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import islice

import av
import av.logging
import numpy as np
from av.codec.hwaccel import HWAccel
from av.video.frame import PictureType

from poseflow.media.decoders import decode_in_vain, open_decoder, prepare_decoder
from poseflow.media.index import VideoIndex
from poseflow.media.packets import NO_FRAME, FramePacket, PacketReader

DecodedFrames = Generator[tuple[int, av.VideoFrame | None], None, None]

# What decoders say of damage that they do not mark in the frame, by codec.
_COMPLAINTS = {
    "h264": ("Missing reference picture", "reference picture missing"),
    "hevc": ("Could not find ref with POC", "mismatching checksum"),
    "ffv1": ("CRC mismatch",),
}
_PREDICTED = (PictureType.P, PictureType.B, PictureType.S, PictureType.SP)

SEGMENT_FRAMES = 64  # a segment begins at the first keyframe of each so many frames


def segment_of(index: VideoIndex, frame: int) -> tuple[int, int]:
    """The segment that holds `frame`: the keyframe from which it is decoded, and the first frame of the next one."""
    if index.intra_only:
        return frame, min((frame // SEGMENT_FRAMES + 1) * SEGMENT_FRAMES, index.frames)
    bin_start = index.keyframes.last_upto(frame) // SEGMENT_FRAMES * SEGMENT_FRAMES
    start = index.keyframes.first_from(bin_start)
    stop = index.keyframes.first_from(bin_start + SEGMENT_FRAMES)
    return start or 0, index.frames if stop is None else stop


class SegmentDecoder:
    """Decodes segments of one file, one after another; quickest in ascending order.

    Args:
        hwaccel: device to decode on (`hardware`); None: in software.
    """

    def __init__(self, index: VideoIndex, hwaccel: HWAccel | None = None) -> None:
        self._index = index
        self._hwaccel = hwaccel
        self._packets = PacketReader(index, hwaccel)
        with closing(self._packets.peek()) as first:
            self._decoder = prepare_decoder(self._packets.stream, first)
        self._other_encoders = index.other_encoders.values()
        self._known_encoders = 0  # of these
        self._is_tainted = False  # by damage, of which a decoder may keep something beyond the next keyframe
        turned = index.rotation % 180 != 0
        self._stored_size = (index.height, index.width) if turned else (index.width, index.height)
        self._complaints = _COMPLAINTS.get(index.codec or "", ())

    def close(self) -> None:
        """Close the file."""
        self._packets.close()

    def decode(self, start: int, stop: int) -> DecodedFrames:
        """All frames of a segment, in order of display; None for one that cannot be decoded."""
        buffer = _ReorderBuffer(start, stop, self._stored_size)
        borrowed: list[FramePacket] = []
        self._prepare_decoder(start)
        try:
            for packet in self._packets.from_keyframe(start, stop):
                is_next = packet.is_key and packet.frame >= stop
                if is_next or borrowed:
                    borrowed.append(packet)
                if is_next and len(borrowed) > 1:
                    break
                buffer.feed(packet)
                if packet.is_key:
                    self._known_encoders = int(np.searchsorted(self._other_encoders, packet.frame, "right"))
                if self._is_to_be_decoded(packet, start) and self._send(packet.packet, buffer):
                    buffer.note_fault(packet)
                yield from buffer.release()
                if buffer.is_fed:
                    break
            self._send(None, buffer)
            buffer.end()
            yield from buffer.release()
        finally:
            self._packets.give_back(borrowed)
            self._is_tainted |= buffer.has_faults

    def is_false_start(self, start: int) -> bool:
        """Whether what is called keyframe `start` is a picture predicted from others."""
        self._prepare_decoder(start)
        self._is_tainted = True
        for packet in islice(self._packets.from_keyframe(start, start + 1), SEGMENT_FRAMES):
            try:
                frames = self._decoder.decode(packet.packet)
            except av.FFmpegError:
                return False
            for frame in frames:
                if frame.pts is not None and frame.pts >= start:
                    return frame.pts == start and _is_predicted(frame)
        return False

    def _prepare_decoder(self, start: int) -> None:
        """Empty the decoder, which then knows what stands before keyframe `start` of the encoders that were at work."""
        encoders = int(np.searchsorted(self._other_encoders, start))
        if self._is_tainted or encoders < self._known_encoders:
            self._decoder = open_decoder(self._index.path, self._hwaccel)
            self._is_tainted, self._known_encoders = False, 0
        self._decoder.flush_buffers()
        for keyframe in self._other_encoders[self._known_encoders : encoders].tolist():
            decode_in_vain(self._decoder, next(self._packets.from_keyframe(keyframe, keyframe + 1)).packet)
            self._decoder.flush_buffers()
        self._known_encoders = encoders

    def _is_to_be_decoded(self, packet: FramePacket, start: int) -> bool:
        """Whether a packet is neither damaged nor one that would confuse the decoder.

        In MPEG-4, a B-frame without its forerunner leaves behind wrong times, by which later ones are predicted.
        """
        if self._index.codec == "mpeg4" and NO_FRAME < packet.frame < start and _is_b_frame_of_mpeg4(packet.packet):
            return False
        return self._index.corrupt.find(packet.frame) < 0

    def _send(self, packet: av.Packet | None, buffer: "_ReorderBuffer") -> bool:
        """Decode a packet, and whatever frames are due; returns whether the decoder complains of it."""
        try:
            if self._complaints:
                with av.logging.Capture() as messages:
                    frames = self._decoder.decode(packet)
            else:
                frames, messages = self._decoder.decode(packet), []
        except av.FFmpegError:
            return True
        for frame in frames:
            buffer.take(frame)
        return any(complaint in text for _, _, text in messages for complaint in self._complaints)


def _is_b_frame_of_mpeg4(packet: av.Packet) -> bool:
    """By the two bits that follow the start code of a picture (ISO/IEC 14496-2, 6.2.5)."""
    _, code, picture = bytes(packet).partition(b"\x00\x00\x01\xb6")
    return bool(code and picture) and picture[0] >> 6 == 0b10


def _is_predicted(frame: av.VideoFrame) -> bool:
    return frame.pict_type in _PREDICTED and not frame.key_frame


class _ReorderBuffer:
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
        self._faults: list[tuple[int, int]] = []  # (position, frame), ascending
        self._reached = -1  # all frames up to this one are accounted for
        self._key = start, 0  # the keyframe that the next frame depends on, and its position

    @property
    def is_fed(self) -> bool:
        """Whether the packets of all frames before `stop` have been fed."""
        return not self._unfed

    @property
    def has_faults(self) -> bool:
        """Whether anything was found that may cost frames."""
        return bool(self._faults)

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
            insort(self._faults, (self._awaited.pop(lost), lost))
        position = self._awaited.pop(idx)
        is_false_key = idx in self._keys and _is_predicted(frame)
        if is_false_key:
            del self._keys[idx]  # it mends nothing
        fits = not self._size[0] or (frame.width, frame.height) == self._size
        if frame.is_corrupt or not fits or (is_false_key and idx == self._start):
            insort(self._faults, (position, idx))
        elif idx < self._stop:
            self._decoded[idx] = frame
        self._reached = idx

    def note_fault(self, packet: FramePacket) -> None:
        """Note that the packet just fed is at fault."""
        if packet.frame >= self._start:
            insort(self._faults, (self._position - 1, packet.frame))
        elif packet.frame == NO_FRAME and not packet.packet.is_discard:
            insort(self._faults, (self._position - 1, self._stop))  # whatever comes later may be predicted from it

    def end(self) -> None:
        """Note that the decoder gives no more."""
        for frame, position in self._awaited.items():
            insort(self._faults, (position, frame))
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
            if idx in self._keys:
                self._key = idx, self._keys[idx]
            is_sound = idx in self._decoded and not self._has_fault_before(position)
            frame = self._decoded.pop(idx, None)
            self._fed.pop(idx, None)
            self._next += 1
            yield idx, frame if is_sound else None

    def _has_fault_before(self, position: int) -> bool:
        """Whether the frame at `position` may be predicted from one at fault: from none displayed before its keyframe.

        (Frames coded after a keyframe but displayed before it, of an open GOP, are predicted from those before it, too;
        no frame displayed after it is predicted from them.)
        """
        key, begin = self._key
        ahead = self._faults[bisect_left(self._faults, (begin, 0)) : bisect_left(self._faults, (position + 1, 0))]
        return any(frame >= key for _, frame in ahead)
