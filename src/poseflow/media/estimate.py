"""What a video file's first bytes and its header tell, before its packets are read."""

from itertools import islice
from pathlib import Path
from typing import cast

import av
from av.container import InputContainer
from av.format import Flags

from poseflow.core.errors import ReadError, VideoError
from poseflow.media.headers import is_tiff, tiff_pages
from poseflow.media.packets import open_container, read_packets, video_stream_of
from poseflow.media.reading import RecordingFile

_PLAYLISTS = (b"#EXTM3U", b"ffconcat version", b"[playlist]", b"<MPD", b"<ASX", b"<asx")
_HEAD_BYTES = 4096
_FIRST_PACKETS = 64  # whose size shows whether so many more fit into the file
_MOST_OVER_SIZE = 8  # times what a file can hold that its header may promise: the first packets are often the largest


def estimate_container_frames(path: str | Path) -> int:
    """Number of frames by the header, or by counting packets where it does not say, or lies; 0 for an unreadable file.

    Raises: ReadError where the system fails to read it.
    """
    path = Path(path)
    try:
        if find_file_fault(path):
            return 0
        with open_container(path) as container:
            stream = video_stream_of(container)
            if stream is None:
                return 0
            promised, rate = stream.frames, stream.average_rate
            if promised <= 0 and container.duration and rate and not lacks_timestamps(container):
                promised = max(1, round(container.duration / av.time_base * rate))
            packets = read_packets(container, stream)
            first = [packet.size for packet in islice(packets, _FIRST_PACKETS)]
            if 0 < promised * sum(first) <= _MOST_OVER_SIZE * path.stat().st_size * len(first):
                return promised
            return len(first) + sum(1 for _ in packets)
    except ReadError:
        raise
    except (VideoError, av.FFmpegError, ValueError):
        return 0


def find_file_fault(path: Path) -> str | None:
    """What is wrong with a file that FFmpeg need not be asked about."""
    with RecordingFile(path) as file:
        head = file.read(_HEAD_BYTES)
        if not head:
            return "file must not be empty, got 0 bytes"
        if head.lstrip(b"\xef\xbb\xbf").lstrip().startswith(_PLAYLISTS):
            return "file must hold the images itself, got a playlist, which names other files"
        if is_tiff(head):

            def read(place: int, size: int) -> bytes:
                file.seek(place)
                return file.read(size)

            pages = sum(1 for _ in tiff_pages(read))
            if pages > 1:
                return f"file must be a video, or a folder of images, got a TIFF stack of {pages} pages"
    return None


def lacks_timestamps(container: InputContainer) -> bool:
    """Whether a container's format knows no timestamps."""
    return bool(int(container.format.flags) & cast(int, Flags.no_timestamps.value))
