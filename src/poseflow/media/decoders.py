"""Decoders of a file: each has seen how the file begins, and has one thread."""

from collections.abc import Iterable
from itertools import islice

import av
from av.codec.hwaccel import HWAccel
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from poseflow.core.errors import VideoError
from poseflow.media.packets import open_container, read_packets, video_stream_of

_MOST_FIRST_PACKETS = 64  # in which the first keyframe is looked for
_OPTIONS = {
    # Without a reorder depth in its header, H.264 is otherwise guessed at, and frames shown too late are dropped.
    "h264": {"strict": "1"},
    # Checksums of HEVC and PNG, where there are any, are otherwise not looked at.
    "hevc": {"err_detect": "crccheck"},
    "png": {"err_detect": "crccheck+explode"},
    # Broken JPEGs are otherwise patched up without a word.
    "mjpeg": {"err_detect": "explode"},
}


def open_decoder(path: str, hwaccel: HWAccel | None = None) -> VideoCodecContext:
    """A decoder that has decoded the file's packets up to the first keyframe, and holds no frame.

    What kind of encoder wrote the file, and which of its faults must be followed, may stand in the first packet alone
    (x264 in H.264, XviD and DivX in MPEG-4), and so may a palette or tables. A decoder that never saw it loses frames,
    or gives others.

    Raises: VideoError where the file cannot be read any more.
    """
    try:
        with open_container(path, hwaccel=hwaccel) as container:
            stream = video_stream_of(container)
            if stream is None:
                raise VideoError(f"{path} must hold a video stream, got none")
            return prepare_decoder(stream, read_packets(container, stream))
    except av.FFmpegError as error:
        raise VideoError(f"{path} must be readable, got: {error}") from None


def prepare_decoder(stream: VideoStream, packets: Iterable[av.Packet]) -> VideoCodecContext:
    """As `open_decoder`, of a file that is open: one of a day takes a second to be opened once more.

    Args:
        stream: that nothing has been decoded of. packets: from its first one on.
    """
    decoder = stream.codec_context
    decoder.thread_count = 1
    decoder.options = _OPTIONS.get(decoder.name, {})
    for packet in islice(packets, _MOST_FIRST_PACKETS):
        decode_in_vain(decoder, packet)
        if packet.is_keyframe:
            break
    decoder.flush_buffers()
    return decoder


def decode_in_vain(decoder: VideoCodecContext, packet: av.Packet) -> None:
    """Decode a packet for what the decoder learns from it."""
    try:
        decoder.decode(packet)
    except av.FFmpegError:
        return  # the packet is met again, and judged, where its own frame is asked for
