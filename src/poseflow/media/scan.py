"""Index a video file from its packets; only a few frames are decoded, to see that it can be done."""

import errno
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from io import BufferedReader
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from poseflow.core.errors import ReadError, VideoError
from poseflow.media.clock import find_doubtful, join_parts, split_at_restarts
from poseflow.media.estimate import find_file_fault, lacks_timestamps
from poseflow.media.headers import MOST_PIXELS
from poseflow.media.index import VideoIndex, measure_rate, quarantine
from poseflow.media.packets import (
    NO_PTS,
    PacketScan,
    list_video_streams,
    open_container,
    read_packets,
    scan_packets,
    video_stream_of,
)
from poseflow.media.reading import RecordingFile
from poseflow.media.runs import RunLengths
from poseflow.media.trial import try_out

_CUT_OFF = "is cut off"
_JOINED = "another file is joined to it"
_MOST_BOXES = 2**18  # a day of fragments of a second has two for each
_FIRST_PACKETS = 64  # that show whether frames are displayed in another order than they are stored
_FLV_HEADER_BYTES, _FLV_TAG_BYTES = 13, 11
# Formats whose jumps were found to land on right packets; in others (MPEG program streams) timestamps after a jump
# may be wrong, so packets are counted from the start.
_SEEKABLE_FORMATS = ("mov,mp4", "matroska", "avi", "asf", "flv", "mpegts", "nut")


FIRST_YEAR = 1990
"""Of digital video: a file that was created earlier has a clock that was never set."""


def index_container(path: str | Path) -> VideoIndex:
    """Index a file that FFmpeg reads; one that cannot be read is quarantined.

    Raises: ReadError where the system fails to read it.
    """
    path = Path(path)
    try:
        if fault := find_file_fault(path):
            return quarantine(path, "video", fault)
        size = path.stat().st_size
        with open_container(path) as container:
            stream = video_stream_of(container)
            if stream is None or stream.codec_context is None:
                kinds = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
                return quarantine(path, "video", f"file must hold a video stream that FFmpeg knows, got {kinds}")
            width, height = stream.codec_context.width, stream.codec_context.height
            if width * height > MOST_PIXELS:
                fault = f"images must have at most {MOST_PIXELS} pixels, got {width} x {height}"
                return quarantine(path, "video", fault)
            listed = len(stream.index_entries)
            scan = scan_packets(container, stream)
            index = _describe(path, size, container, stream, scan, listed)
    except ReadError:
        raise
    except VideoError as error:
        return quarantine(path, "video", str(error))
    except (av.FFmpegError, ValueError) as error:
        return quarantine(path, "video", f"file must be a video that FFmpeg can open, got: {_why(path, error)}")
    if not index.frames:
        hidden = f" ({'; '.join(index.problems)})" if index.problems else ""
        return quarantine(path, "video", f"file must hold frames, got a video stream without any{hidden}")
    if _CUT_OFF in " ".join(index.problems):
        _check_end(path, size, scan)
    try:
        return try_out(index, scan)
    except ReadError:
        raise
    except (VideoError, av.FFmpegError, ValueError) as error:
        return quarantine(path, "video", f"file must be a video whose frames can be read, got: {error}")


def _check_end(path: Path, size: int, scan: PacketScan) -> None:
    """Read a file that seems to be cut off once more; raises ReadError unless it is the same."""
    with open_container(path) as container:
        stream = video_stream_of(container)
        again = scan_packets(container, stream) if stream else scan
    if len(again) != len(scan) or path.stat().st_size != size:
        raise ReadError(errno.EIO, "Input/output error (the file was another when it was read again)", str(path))


def _describe(
    path: Path, size: int, container: InputContainer, stream: VideoStream, scan: PacketScan, listed: int
) -> VideoIndex:
    """All that the packets and the header tell; `listed` packets stand in the file's own index."""
    context = stream.codec_context
    problems = []
    if (streams := len(list_video_streams(container))) > 1:
        problems.append(f"holds {streams} video streams, of which the first is read and no other")
    parts = split_at_restarts(scan.dts, (scan.dts != NO_PTS) & scan.has_pts)
    if restarts := int(parts[-1]) if len(parts) else 0:
        problems.append(f"its clock restarts {restarts} times; there frames follow as they are stored")
    if needs_decoding := context.has_b_frames and _has_doubtful_order(path, container, scan):
        problems.append("has no reliable timestamps for its B-frames; their order was found by decoding")
        rank, disordered = _order_by_decoding(path, scan)
        frames = _frames_in_order(scan, rank, parts)
    else:
        frames = _frames_in_order(scan, scan.pts if scan.has_pts else np.arange(len(scan)), parts)
        disordered = np.zeros(len(scan), bool)
    shown = frames >= 0
    if scan.has_pts:
        ticks = join_parts(scan.pts[shown], parts[shown])
        time_base = (stream.time_base or Fraction(1, 1000)).as_integer_ratio()
    else:
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        problems.append(f"has no timestamps; {float(rate):g} frames/s are taken from its header")
        ticks, time_base = np.arange(int(shown.sum())), (rate.denominator, rate.numerator)
    is_plain = scan.has_pts and not needs_decoding and not restarts and _is_plain(scan, frames, ticks)
    fps, variable = measure_rate(ticks, time_base)
    keyframes = np.unique(np.concatenate([[0], frames[scan.key & shown]])) if len(ticks) else np.zeros(0, np.int64)
    # An AVI whose own index lists what is there is whole: its header counts the dropped frames, which are empty chunks.
    dropped = stream.frames - len(scan) if container.format.name == "avi" and listed == len(scan) else 0
    if dropped > 0:
        problems.append(f"{dropped} of {stream.frames} frames were dropped when it was recorded; times keep the gaps")
    problems += _find_joined(path, container.format.name)
    edited = _count_edited(path, container, stream.frames - len(scan))
    problems += _count_faults(scan, frames, stream.frames - edited if dropped <= 0 else 0, edited)
    if len(container.streams) == 1 and not restarts and dropped <= 0 and len(ticks):
        # Matroska's duration counts from time 0, others' from the first frame.
        begin = min(ticks[0], 0) if container.format.name.startswith("matroska") else ticks[0]
        length = ticks[-1] - begin + max(scan.durations[frames == len(ticks) - 1].max(), np.diff(ticks[-2:]).sum())
        problems += _miss_the_end(container, length * time_base[0] / time_base[1])
    depends = not context.codec.intra_only and dropped <= 0
    doubtful, why = find_doubtful(ticks, keyframes if depends else np.arange(len(ticks)))
    if why:
        problems.append(why)
    if np.any(disordered & shown):
        doubtful = np.union1d(doubtful, frames[disordered & shown])
        problems.append(f"is damaged where order is found by decoding: {len(doubtful)} frames are doubtful")
    return VideoIndex(
        created_at=_read_creation_time(container),
        path=str(path),
        kind="video",
        problems=tuple(problems),
        frames=len(ticks),
        codec=context.codec.canonical_name,
        pix_fmt=context.pix_fmt,
        fps=fps or (float(stream.average_rate) if stream.average_rate else None),
        variable_fps=variable,
        time_base=time_base,
        timestamps=RunLengths.of(ticks),
        keyframes=RunLengths.of(keyframes),
        other_encoders=RunLengths.of(np.sort(frames[scan.other_encoder & shown])),
        corrupt=RunLengths.of(np.sort(frames[scan.corrupt & shown])),
        doubtful=RunLengths.of(doubtful),
        packet_order=None if is_plain else RunLengths.of(frames),
        seekable=(
            is_plain
            and container.format.name.startswith(_SEEKABLE_FORMATS)
            and stream.frames in (0, len(scan))  # else the file's own index does not fit its packets
        ),
        intra_only=context.codec.intra_only,
        size_bytes=size,
    )


def _read_creation_time(container: InputContainer) -> datetime | None:
    """What the container says of when it was created; a clock that was never set is none."""
    try:
        created = datetime.fromisoformat(container.metadata.get("creation_time", ""))
    except ValueError:
        return None
    created = created if created.tzinfo else created.replace(tzinfo=UTC)
    return created if created.year >= FIRST_YEAR else None


def _has_doubtful_order(path: Path, container: InputContainer, scan: PacketScan) -> bool:
    """Whether the timestamps are none, or made up by FFmpeg, where the order of display is not that of storage.

    AVI and raw streams have none; who copied these into another container made them up from the order of storage. In
    program streams FFmpeg guesses those that are left out, now and then wrongly; so it does where packets hold two
    pictures.
    """
    shown = np.sort(scan.pts[~scan.hidden])
    is_ambiguous = not scan.has_pts or bool(np.any(np.diff(shown) == 0))
    if is_ambiguous or container.format.name == "mpeg" or scan.is_packed:
        return True
    if np.any(np.diff(scan.pts) < 0):
        return False
    return container.format.name == "avi" or lacks_timestamps(container) or _is_reordered(path)


def _is_reordered(path: Path) -> bool:
    """Whether a decoder gives the first frames in another order than that in which their packets are stored."""
    with open_container(path) as container:
        stream = video_stream_of(container)
        assert stream is not None
        order = list(_decoded_packets(stream, islice(read_packets(container, stream), _FIRST_PACKETS), set()))
    return order != sorted(order)


def _frames_in_order(scan: PacketScan, display: NDArray[np.int64], parts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The frame of each packet, -1 for none, from anything that sorts packets of a part in order of display."""
    frames = np.full(len(scan), -1, np.int64)
    (shown,) = np.nonzero(~scan.hidden)
    frames[shown[np.lexsort((display[shown], parts[shown]))]] = np.arange(len(shown))
    return frames


def _is_plain(scan: PacketScan, frames: NDArray[np.int64], ticks: NDArray[np.int64]) -> bool:
    """Whether a timestamp alone tells the frame of each packet."""
    return bool(np.all(np.diff(ticks) > 0)) and not np.any(np.isin(scan.pts[frames < 0], ticks))


def _order_by_decoding(path: Path, scan: PacketScan) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Rank of each packet in order of display, and whether damage may have changed it, each of shape (packets,).

    One without a frame comes after its forerunner, but for those after the first keyframe that cannot be decoded though
    they are whole: of a recording that was cut out of a longer one they come before it. A decoder that meets damage
    gives frames sooner or later than it should, up to the next keyframe.
    """
    rank = np.full(len(scan), -1, np.int64)
    damaged: set[int] = set()
    with open_container(path) as container:
        stream = video_stream_of(container)
        assert stream is not None
        for place, ordinal in enumerate(_decoded_packets(stream, read_packets(container, stream), damaged)):
            rank[ordinal] = place
    first, second, *_ = [*np.flatnonzero(rank >= 0), len(rank), len(rank)]
    begin = first if damaged & set(range(first, second)) else second
    for missing in np.flatnonzero(rank[begin:] < 0) + begin:
        rank[missing] = rank[missing - 1] if missing else 0
    group = np.cumsum(scan.key)
    return rank, np.isin(group, group[sorted(damaged)])


def _decoded_packets(stream: VideoStream, packets: Iterable[av.Packet], damaged: set[int]) -> Iterator[int]:
    """Ordinals of packets in the order in which the decoder gives their frames; those that are damaged are noted."""
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {"strict": "1"}

    def decode(packet: av.Packet | None, ordinal: int) -> list[int]:
        try:
            frames = [(f.pts, f.is_corrupt) for f in stream.codec_context.decode(packet) if f.pts is not None]
        except av.FFmpegError:
            damaged.add(ordinal)
            return []
        damaged.update(place for place, is_corrupt in frames if is_corrupt)
        return [place for place, _ in frames]

    ordinal = -1
    for ordinal, packet in enumerate(packets):
        packet.pts = ordinal
        yield from decode(packet, ordinal)
    yield from decode(None, ordinal)


def _count_edited(path: Path, container: InputContainer, lacking: int) -> int:
    """Of the packets that the header promises and that did not come, how many an edit list hides."""
    if lacking <= 0 or not container.format.name.startswith("mov"):
        return 0
    with open_container(path, with_edits=False) as whole, open_container(path) as edited:
        counts = [
            sum(1 for _ in read_packets(opened, stream)) if (stream := video_stream_of(opened)) else 0
            for opened in (whole, edited)
        ]
    return min(lacking, max(0, counts[0] - counts[1]))


def _count_faults(scan: PacketScan, frames: NDArray[np.int64], promised: int, edited: int) -> list[str]:
    problems = []
    if corrupt := int(np.sum(scan.corrupt & (frames >= 0))):
        problems.append(f"{corrupt} packets are damaged or cut off")
    if promised > len(scan):
        problems.append(f"{_CUT_OFF}: the header promises {promised} frames, {len(scan)} are there")
    if hidden := int(np.sum(scan.hidden)) + edited:
        problems.append(f"{hidden} packets are not displayed, by the file's own account")
    if len(scan) and (early := int(np.argmax(scan.key))):
        problems.append(f"{early} packets come before the first keyframe and cannot be decoded")
    return problems


def _miss_the_end(container: InputContainer, duration_s: float) -> list[str]:
    promised_s = (container.duration or 0) / av.time_base
    if promised_s <= duration_s * 1.01 + 1:
        return []
    return [f"{_CUT_OFF}: the header promises {promised_s:.1f} s, {duration_s:.1f} s are there"]


def _why(path: Path, error: Exception) -> str:
    if not isinstance(error, av.FFmpegError):
        return str(error)
    if _lacks_moov(path):
        return "an MP4 without its 'moov' box (cut off, or never closed)"
    return error.strerror or str(error)


def _lacks_moov(path: Path) -> bool:
    """Whether this is an MP4 whose frames cannot be found because the box that lists them is missing."""
    boxes = [name for name, _ in _boxes_of(path)]
    return b"ftyp" in boxes and b"moov" not in boxes


def _find_joined(path: Path, format_name: str) -> list[str]:
    """What is to be said of a file of which FFmpeg reads the first part only, as another or damage comes after it."""
    if format_name == "flv":
        place, what = _end_of_flv(path), _JOINED
    else:
        place, what = _end_of_mov(path) if format_name.startswith("mov") else (None, "")
    return [f"is read up to byte {place} only, where {what}"] if place else []


def _end_of_mov(path: Path) -> tuple[int | None, str]:
    """Where another file begins in an MP4, or, in one of fragments, what is no box; and which of these it is."""
    is_fragmented = False
    for name, place in _boxes_of(path):
        if name == b"ftyp" and place:
            return place, _JOINED
        is_fragmented |= name == b"moof"
        if is_fragmented and name.strip(b"\0") and not (name.isascii() and name.decode().isprintable()):
            return place, "it is damaged"
    return None, ""


def _boxes_of(path: Path) -> Iterator[tuple[bytes, int]]:
    """Name and place of an MP4's outermost boxes, so many as it may sensibly have."""
    with RecordingFile(path) as file:
        for _ in range(_MOST_BOXES):
            place = file.tell()
            head = file.read(16)
            if len(head) < 8:
                return
            size, name = int.from_bytes(head[:4], "big"), head[4:8]
            if size == 1:
                size = int.from_bytes(head[8:16], "big")
            yield name, place
            if size < 8:
                return
            file.seek(place + size)


def _end_of_flv(path: Path) -> int | None:
    """Where a second header stands in an FLV, after its last tag; None where there is none."""
    with RecordingFile(path) as recording, BufferedReader(recording) as file:
        file.seek(_FLV_HEADER_BYTES)
        while len(head := file.read(_FLV_TAG_BYTES)) == _FLV_TAG_BYTES:
            if head.startswith(b"FLV\x01"):
                return file.tell() - _FLV_TAG_BYTES
            file.seek(int.from_bytes(head[1:4], "big") + 4, 1)
    return None
