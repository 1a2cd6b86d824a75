"""Runs of packets as they are in the file, for the browser's own decoder, each with the frame that it becomes.

Copied packets cost a fiftieth of stills in bytes and a hundredth in time. Which frame a packet becomes, the index says
(`poseflow.media.packets`); the decoder hands time stamps on, so a packet's stamp is its frame's number here, and no
container's clock can blur which frame is shown.
"""

import base64
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseflow.media import VideoIndex
from poseflow.media.packets import NO_FRAME, FramePacket, PacketReader
from poseflow.media.segments import SEGMENT_FRAMES, segment_of
from poseflow.server.blocks import pack_blocks
from poseflow.server.errors import RefusedError
from poseflow.server.frames.codecs import CodecFacts, find_codec, has_parameters
from poseflow.server.messages.recordings import PacketsHead

STAMP_US = 1000
"""Time stamps are frame numbers times this: whole microseconds, which browsers keep as they are."""
MOST_FRAMES = 1500
MOST_BYTES = 48 << 20
MOST_OPEN = 8


@dataclass
class _Source:
    codec: CodecFacts
    reader: PacketReader
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_closed: bool = False


class PacketRuns:
    """Packets of a project's videos; to be used by many threads."""

    def __init__(self, most_open: int = MOST_OPEN) -> None:
        self._most_open, self._lock = most_open, threading.Lock()
        self._sources: OrderedDict[str, _Source] = OrderedDict()

    def read(self, key: str, video: str, index: VideoIndex, frame: int, failed: frozenset[int] = frozenset()) -> bytes:
        """The run of packets that holds a frame, packed.

        Args:
            key: of the video and its content. failed: frames that are known not to be decodable.

        Raises: RefusedError for a frame that there is not, and `stills_only` where packets would not show exactly what
            the reader of this package shows.
        """
        if not 0 <= frame < index.frames:
            raise RefusedError(404, "unknown", f"frame must be 0 to {index.frames - 1}, got {frame}")
        start, stop = _find_run(index, frame)
        if reason := _find_obstacle(index, start, stop, failed):
            raise RefusedError(409, "stills_only", reason)
        while True:
            source = self._open(key, index)
            with source.lock:
                if source.is_closed:
                    continue
                packets = _take(source.reader, start, stop)
                content = [bytes(packet.packet) for packet in packets]
                return _pack(video, index, (start, stop), source.codec, packets, content)

    def close(self) -> None:
        """Close all videos."""
        with self._lock:
            sources = [*self._sources.values()]
            self._sources.clear()
        for source in sources:
            _close(source)

    def _open(self, key: str, index: VideoIndex) -> _Source:
        with self._lock:
            source = self._sources.get(key)
            if source is not None:
                self._sources.move_to_end(key)
                return source
        reader = PacketReader(index)
        codec = find_codec(reader.stream)
        if codec is None:
            reader.close()
            raise RefusedError(409, "stills_only", f"browsers do not decode {index.codec}")
        made, closing = _Source(codec, reader), []
        with self._lock:
            source = self._sources.setdefault(key, made)
            if source is not made:
                closing.append(made)
            while len(self._sources) > self._most_open:
                closing.append(self._sources.popitem(last=False)[1])
        for old in closing:
            _close(old)
        return source


def may_be_packets(index: VideoIndex) -> bool:
    """Whether it is worth while to ask for packets at all."""
    return index.is_ok and index.kind == "video" and index.codec in ("h264", "hevc", "av1", "vp8", "vp9")


def _find_run(index: VideoIndex, frame: int) -> tuple[int, int]:
    if index.intra_only:
        start = frame // SEGMENT_FRAMES * SEGMENT_FRAMES
        return start, min(start + SEGMENT_FRAMES, index.frames)
    return segment_of(index, frame)


def _find_obstacle(index: VideoIndex, start: int, stop: int, failed: frozenset[int]) -> str | None:
    if not may_be_packets(index):
        return f"browsers do not decode {index.codec or index.kind}"
    if stop - start > MOST_FRAMES:
        return f"its keyframes are {stop - start} frames apart"
    damaged = index.corrupt.first_from(start)
    if (damaged is not None and damaged < stop) or any(start <= frame < stop for frame in failed):
        return "some of these frames are damaged"
    if index.doubtful_ranges and any(begin < stop and end > start for begin, end in index.doubtful_ranges):
        return "packets are missing before some of these frames"
    return None


def _take(reader: PacketReader, start: int, stop: int) -> list[FramePacket]:
    """Packets that the frames of a run need, in coding order, as the package's own decoder takes them."""
    taken: list[FramePacket] = []
    borrowed: list[FramePacket] = []
    missing = set(range(start, stop))
    size = 0
    for packet in reader.from_keyframe(start, stop):
        is_next = packet.is_key and packet.frame >= stop
        if is_next or borrowed:
            borrowed.append(packet)
        if is_next and len(borrowed) > 1:
            break
        if NO_FRAME < packet.frame < start:
            continue  # displayed before the keyframe, and predicted from what is not here
        taken.append(packet)
        missing.discard(packet.frame)
        size += packet.packet.size
        if not missing or size > MOST_BYTES:
            break
    reader.give_back(borrowed)
    if missing:
        raise RefusedError(409, "stills_only", "the file lacks packets of some of these frames, or they are very large")
    return taken


def _pack(
    video: str,
    index: VideoIndex,
    run: tuple[int, int],
    codec: CodecFacts,
    packets: list[FramePacket],
    content: list[bytes],
) -> bytes:
    start, stop = run
    if codec.prefix and content and not has_parameters(content[0]):
        content[0] = codec.prefix + content[0]
    frames = np.array([packet.frame for packet in packets], np.int32)
    hidden = np.cumsum(frames < 0, dtype=np.int64)
    stamps = np.where(frames < 0, -hidden, frames) * float(STAMP_US)
    sizes = np.array([len(one) for one in content], np.uint32)
    head = PacketsHead(
        video=video,
        from_frame=start,
        to_frame=stop,
        codec=codec.codec,
        description=base64.b64encode(codec.description).decode() if codec.description else None,
        coded_width=codec.width,
        coded_height=codec.height,
        width=index.width,
        height=index.height,
        rotation=index.rotation,
        next=stop if stop < index.frames else None,
        previous=start - 1 if start else None,
    )
    arrays: dict[str, NDArray[Any]] = {
        "frame": frames,
        "timestamp": stamps,
        "key": np.array([packet.is_key for packet in packets], np.uint8),
        "start": (np.cumsum(sizes) - sizes).astype(np.uint32),
        "size": sizes,
        "data": np.frombuffer(b"".join(content), np.uint8),
    }
    return pack_blocks(head, arrays)


def _close(source: _Source) -> None:
    with source.lock:
        if not source.is_closed:
            source.is_closed = True
            source.reader.close()
