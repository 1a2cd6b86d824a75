"""Packets of a video file, each with the frame it becomes."""

import logging
import re
from array import array
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, NoReturn

import av
import av.logging
import numpy as np
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream
from numpy.typing import NDArray

from poseflow.core.errors import VideoError
from poseflow.media.index import VideoIndex
from poseflow.media.reading import RecordingFile

# FFmpeg's complaints are captured, weighed (`segments`), and told as reasons; they are not printed. None of the
# decoders here has threads of its own, whose complaints might wait for Python while Python waits for them.
av.logging.set_level(av.logging.ERROR)
av.logging.set_skip_repeated(False)
logging.getLogger("libav").setLevel(logging.CRITICAL + 1)

NO_PTS = np.iinfo(np.int64).min
_ENCODER_NAME = {  # of those whose quirks FFmpeg knows
    "h264": re.compile(rb"x264 - core \d+"),
    "mpeg4": re.compile(rb"\x00\x00\x01\xb2(XviD|DivX|Lavc|FFmpe|ffmpeg)[^\x00]*"),
}
_NAME_WITHIN = 4096  # bytes of a packet
_GREATEST_PTS = 2**61  # what is beyond is damage, and would overflow
NO_FRAME = -1  # of a packet that is not displayed
_SHOWN_BIT_OF_VP8 = 0x10
_PICTURE_OF_MPEG4 = b"\x00\x00\x01\xb6"
_MAX_READ_ERRORS = 16  # in a row; then the file is at its end
_MOST_REORDERED = 16  # packets that may be stored before one that is displayed earlier: all can be called keyframes
_SKIP_FRAMES = 500  # reading on over so many packets costs less than jumping


class FramePacket(NamedTuple):
    """A packet, the frame it becomes (NO_FRAME: none), and whether decoding can start with it."""

    packet: av.Packet
    frame: int
    is_key: bool


def open_container(path: str | Path, with_edits: bool = True, hwaccel: HWAccel | None = None) -> InputContainer:
    """Open a media file, which FFmpeg reads through Python: an I/O error is then known, and no other file is opened.

    Args:
        with_edits: whether what an MP4's edit list hides is left out, as players do.
        hwaccel: device that the streams' decoders use.

    Raises: av.FFmpegError; VideoError for a file that is gone, no regular one, or that refers to others (a playlist);
        ReadError where the system fails.
    """
    file = RecordingFile(Path(path).absolute())
    options = {"protocol_whitelist": "none"} | ({} if with_edits else {"ignore_editlist": "1"})
    return av.open(file, mode="r", options=options, metadata_errors="replace", io_open=_refuse, hwaccel=hwaccel)


def _refuse(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    """Opens nothing, as FFmpeg's way to open another file."""
    raise VideoError(f"file must hold the images itself, got one that refers to {url!r}")


def list_video_streams(container: InputContainer) -> list[VideoStream]:
    """The video streams that are no picture: none of a cover, and of one frame only where there are no others."""
    streams = [s for s in container.streams.video if not Disposition(s.disposition) & Disposition.attached_pic]
    return [stream for stream in streams if stream.frames != 1] or streams


def video_stream_of(container: InputContainer) -> VideoStream | None:
    """The first of `list_video_streams`; the other streams are then not read at all."""
    moving = list_video_streams(container)
    for stream in container.streams:
        if moving and stream is not moving[0]:
            stream.discard = Discard.all
    return moving[0] if moving else None


def read_packets(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet]:
    """Packets in stored order, from where the container stands; damaged places are passed over.

    Raises: ReadError where the system fails to read the file, which FFmpeg may take for its end.
    """
    file = container.file.file
    errors = 0
    while errors < _MAX_READ_ERRORS:
        try:
            for packet in container.demux(stream):
                if file.error:
                    raise file.error
                errors = 0
                if packet.size:
                    yield packet
            return
        except av.FFmpegError:
            errors += 1


@dataclass(frozen=True)
class PacketScan:
    """Packets in stored order, each array of shape (packets,)."""

    pts: NDArray[np.int64]
    dts: NDArray[np.int64]
    durations: NDArray[np.int64]
    sizes: NDArray[np.int32]
    key: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    corrupt: NDArray[np.bool_]
    other_encoder: NDArray[np.bool_]
    """Of keyframes: whether another encoder is named than up to there."""
    is_packed: bool
    """Whether some hold two pictures, of MPEG-4: an old way to store B-frames, of which a decoder gives one later."""

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def has_pts(self) -> bool:
        """Whether every packet says when it is displayed."""
        return not np.any(self.pts == NO_PTS)


def scan_packets(container: InputContainer, stream: VideoStream) -> PacketScan:
    """Read a file's packets through, without decoding any."""
    pts, dts, durations, sizes, flags = array("q"), array("q"), array("q"), array("i"), array("B")
    is_vp8 = stream.codec_context.name == "vp8"
    is_mpeg4, is_packed = stream.codec_context.codec.canonical_name == "mpeg4", False
    names = _EncoderNames(stream.codec_context.codec.canonical_name)
    for packet in read_packets(container, stream):
        ticks, coded = packet.pts, packet.dts
        pts.append(ticks if ticks is not None and abs(ticks) < _GREATEST_PTS else NO_PTS)
        dts.append(coded if coded is not None and abs(coded) < _GREATEST_PTS else NO_PTS)
        durations.append(packet.duration or 0)
        sizes.append(packet.size)
        is_hidden = packet.is_discard or (is_vp8 and not memoryview(packet)[0] & _SHOWN_BIT_OF_VP8)
        is_packed = is_packed or (is_mpeg4 and bytes(packet).count(_PICTURE_OF_MPEG4) > 1)
        is_key = packet.is_keyframe
        flags.append(is_key | is_hidden << 1 | packet.is_corrupt << 2 | (is_key and names.is_other(packet)) << 3)
    bits = np.frombuffer(flags, np.uint8)
    return PacketScan(
        pts=np.frombuffer(pts, np.int64),
        dts=np.frombuffer(dts, np.int64),
        durations=np.frombuffer(durations, np.int64),
        sizes=np.frombuffer(sizes, np.int32),
        key=bits & 1 > 0,
        hidden=bits & 2 > 0,
        corrupt=bits & 4 > 0,
        other_encoder=bits & 8 > 0,
        is_packed=is_packed,
    )


class _EncoderNames:
    """Names that encoders write into keyframes, most of them into the first one only."""

    def __init__(self, codec: str) -> None:
        self._pattern = _ENCODER_NAME.get(codec)
        self._name: bytes | None = None

    def is_other(self, packet: av.Packet) -> bool:
        """Whether a keyframe, not the first one, names another encoder than was named last."""
        if self._pattern is None:
            return False
        before = self._name
        found = self._pattern.search(memoryview(packet)[:_NAME_WITHIN])
        self._name = bytes(found[0]) if found else before or b""
        return before is not None and self._name != before


class PacketReader:
    """Gives the packets from any keyframe on; remembers where it stands, and jumps only when that is quicker."""

    def __init__(self, index: VideoIndex, hwaccel: HWAccel | None = None) -> None:
        self._index = index
        self._hwaccel = hwaccel
        self._order = None if index.packet_order is None else index.packet_order.values()
        self._open()

    def _open(self) -> None:
        try:
            self._container = open_container(self._index.path, hwaccel=self._hwaccel)
            stream = video_stream_of(self._container)
        except av.FFmpegError as error:
            raise VideoError(f"{self._index.path} must be readable, got: {error}") from None
        if stream is None:
            raise VideoError(f"{self._index.path} must hold a video stream, got none")
        self._stream = stream
        self._read_on()
        self._passed = 0  # every packet of this keyframe and later ones is still ahead

    def _read_on(self) -> None:
        """Take packets from where the container stands now."""
        self._returned: deque[FramePacket] = deque()
        self._unread = self._tag(read_packets(self._container, self._stream))

    def from_keyframe(self, start: int, stop: int) -> Iterator[FramePacket]:
        """Packets from that of keyframe `start` on.

        The caller takes those of all frames before `stop`, and gives back those of keyframe `stop` and later.

        Raises: VideoError where the file has no such keyframe any more.
        """
        distance = start - self._passed
        self._passed = stop
        found = None
        if distance >= 0 and (distance <= _SKIP_FRAMES or not self._index.seekable):
            found = self._find(start)
        if found is None:
            found = self._jump(start)
        yield found
        yield from self._ahead()

    @property
    def stream(self) -> VideoStream:
        """The stream, as it is open now."""
        return self._stream

    def peek(self) -> Generator[av.Packet, None, None]:
        """The packets ahead, which stay ahead; to be closed."""
        taken: list[FramePacket] = []
        try:
            for packet in self._ahead():
                taken.append(packet)
                yield packet.packet
        finally:
            self.give_back(taken)

    def give_back(self, packets: Sequence[FramePacket]) -> None:
        """Put packets in front of those ahead."""
        self._returned.extendleft(reversed(packets))

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _jump(self, start: int) -> FramePacket:
        if start > 0 and self._index.seekable:
            for earlier in (0, 1, 250):
                # Containers without an index of their own may land behind the place that was asked for.
                aim = max(self._index.keyframes.last_upto(max(start - earlier, 0)), 0)
                try:
                    self._container.seek(int(self._index.timestamps.values(aim)), stream=self._stream)
                except av.FFmpegError:
                    break
                self._read_on()
                if (found := self._find(start)) is not None:
                    return found
        passed = self._passed
        self.close()
        self._open()
        self._passed = passed
        found = self._find(start)
        if found is None:
            raise VideoError(f"{self._index.path} must be as it was when indexed, but keyframe {start} is gone")
        return found

    def _find(self, start: int) -> FramePacket | None:
        """Read on to a keyframe, or to the file's first packet for 0; None when it has been missed."""
        beyond = 0
        for packet in self._ahead():
            if start == 0 or (packet.is_key and packet.frame == start):
                return packet
            beyond += bool(beyond) or (packet.is_key and packet.frame > start)
            if beyond > _MOST_REORDERED:
                return None
        return None

    def _ahead(self) -> Iterator[FramePacket]:
        while True:
            if self._returned:
                yield self._returned.popleft()
            elif (packet := next(self._unread, None)) is not None:
                yield packet
            else:
                return

    def _tag(self, packets: Iterable[av.Packet]) -> Iterator[FramePacket]:
        """Find each packet's frame, and write it into the packet as its timestamp: decoders hand that on."""
        timestamps, keyframes = self._index.timestamps, self._index.keyframes
        for ordinal, packet in enumerate(packets):
            if self._order is not None:
                frame = int(self._order[ordinal]) if ordinal < len(self._order) else NO_FRAME
            elif packet.is_discard or packet.pts is None:
                frame = NO_FRAME
            else:
                frame = timestamps.find(packet.pts)
            packet.pts = frame
            yield FramePacket(packet, frame, packet.is_keyframe and (frame < 0 or keyframes.find(frame) >= 0))
