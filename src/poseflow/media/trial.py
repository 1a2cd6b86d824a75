"""Try out a new index on its file: a few frames are decoded, a few jumps made."""

from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type

from poseflow.media.index import VideoIndex, quarantine
from poseflow.media.packets import PacketScan, open_container, read_packets, video_stream_of
from poseflow.media.pixels import channels_of, color_range_of, image_of
from poseflow.media.runs import RunLengths
from poseflow.media.segments import SegmentDecoder, segment_of

_SAMPLED_PLACES = 3
_DARK = 64  # of 255: what cameras of 10 or 12 bits do not reach in images of 16
# Codecs whose keyframes are such by definition, and reset all; others repaint what has changed, and their containers'
# flags may call any frame a keyframe.
_TRUE_KEYFRAMES = {"av1", "flv1", "h263", "h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "vc1", "vp8", "vp9"}


def try_out(index: VideoIndex, scan: PacketScan) -> VideoIndex:
    """Decode a frame at the start and at a few keyframes: what images are like, and whether jumps work."""
    places = [place * index.frames // (_SAMPLED_PLACES + 1) for place in range(_SAMPLED_PLACES + 1)]
    starts = sorted({segment_of(index, place)[0] for place in (*places, index.frames - 1)})
    if index.seekable and not all(_jump_works(index, scan, start) for start in starts[1:]):
        index = index.model_copy(update={"seekable": False})
    with closing(SegmentDecoder(index)) as decoder:
        firsts = [_decode_one(decoder, start, start) for start in starts]
        if any(_is_no_entry(decoder, index, start, frame) for start, frame in zip(starts, firsts, strict=True)):
            # Intra refresh, or flags that lie: whole images come only some time after a "keyframe".
            problem = "does not start afresh at its keyframes, and is always decoded from its first frame"
            index = index.model_copy(update={"keyframes": RunLengths.of([0]), "problems": (*index.problems, problem)})
        if not any(firsts):
            with closing(decoder.decode(*segment_of(index, 0))) as frames:
                firsts += islice((frame for _, frame in frames if frame), 1)
    frame = next((frame for frame in firsts if frame), None)
    if frame is None:
        return quarantine(index.path, "video", "file must hold frames that can be decoded, got none where it was tried")
    if others := sorted({(other.width, other.height) for other in firsts if other} - {(frame.width, frame.height)}):
        found = ", ".join(f"{width} x {height}" for width, height in others)
        problem = f"its images change their size, and only those of {frame.width} x {frame.height} can be read: {found}"
        index = index.model_copy(update={"problems": (*index.problems, problem)})
    rotation = frame.rotation % 360
    rotation = rotation if rotation in (90, 180, 270) else 0  # players, too, leave others be
    if _is_mirrored(frame):
        problem = f"is to be shown mirrored, by its own account; as by OpenCV, it is turned by {rotation} degrees only"
        index = index.model_copy(update={"problems": (*index.problems, problem)})
    if doubt := _tell_darkness([first for first in firsts if first]):
        index = index.model_copy(update={"problems": (*index.problems, doubt)})
    size = (frame.width, frame.height) if rotation % 180 == 0 else (frame.height, frame.width)
    return index.model_copy(
        update={
            "width": size[0],
            "height": size[1],
            "channels": channels_of(frame.format.name),
            "pix_fmt": frame.format.name,
            "color_range": color_range_of(frame),
            "rotation": rotation,
        }
    )


def _tell_darkness(frames: Sequence[av.VideoFrame]) -> str | None:
    """What is to be said of a video of more than 8 bits that leaves the upper ones, which are kept, all but unused."""
    bits = frames[0].format.components[0].bits
    if bits <= 8:
        return None
    brightest = max(int(image_of(frame, 1, color_range_of(frame)).max()) for frame in frames)
    if brightest >= _DARK:
        return None
    return f"is of {bits} bits, of which the upper 8 are kept: dark, as its brightest pixel where tried is {brightest}"


def _is_mirrored(frame: av.VideoFrame) -> bool:
    side_data: Any = frame.side_data
    if Type.DISPLAYMATRIX not in side_data:
        return False
    a, b, _, c, d, *_ = np.frombuffer(memoryview(side_data[Type.DISPLAYMATRIX]), np.int32).astype(float)
    return bool(a * d - b * c < 0)


def _is_no_entry(decoder: SegmentDecoder, index: VideoIndex, start: int, frame: av.VideoFrame | None) -> bool:
    """Whether decoding cannot start at a keyframe, though it is not damaged: it gave `frame`."""
    if start == 0 or index.intra_only or (frame is not None and index.codec in _TRUE_KEYFRAMES):
        return False
    before, _ = segment_of(index, start - 1)
    if frame is None and decoder.is_false_start(start):
        return True
    expected = _decode_one(decoder, before, start)
    if expected is None or frame is None:
        return expected is not None
    return not np.array_equal(image_of(frame, 3, "full"), image_of(expected, 3, "full"))


def _decode_one(decoder: SegmentDecoder, start: int, frame: int) -> av.VideoFrame | None:
    """A frame, decoded from keyframe `start`; None if it cannot be."""
    with closing(decoder.decode(start, frame + 1)) as frames:
        return next(decoded for idx, decoded in frames if idx == frame)


def _jump_works(index: VideoIndex, scan: PacketScan, start: int, packets: int = 50) -> bool:
    """Whether the packets from a keyframe on are the same after a jump as without one."""
    (places,) = np.nonzero(scan.key & (scan.pts == index.timestamps.values(start)))
    place = slice(places[0], places[0] + packets)
    there = list(zip(scan.pts[place].tolist(), scan.sizes[place].tolist(), strict=True))
    with open_container(index.path) as container:
        stream = video_stream_of(container)
        assert stream is not None
        try:
            container.seek(there[0][0], stream=stream)
        except av.FFmpegError:
            return False
        found: list[tuple[int | None, int]] = []
        for packet in read_packets(container, stream):
            if found or packet.pts == there[0][0]:
                found.append((packet.pts, packet.size))
            if len(found) == len(there) or (not found and packet.is_keyframe and (packet.pts or 0) > there[0][0]):
                break
    # A container without an index may land too late, which the reader mends; not on other packets.
    return not found or found == there
