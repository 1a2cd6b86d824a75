"""Decoding on an NVIDIA GPU (NVDEC, through FFmpeg): the frames that software gives, or software's own.

A GPU's decoder sits in the place of FFmpeg's, under the same `SegmentDecoder`. It is taken for codecs whose standards
prescribe every bit of a frame: those of MPEG-2, MPEG-4 and JPEG leave the inverse transform to the decoder. AV1 is not
among them, since PyAV opens it with a decoder that knows no GPU.

It is not trusted. Its first frames are compared with software's; a frame that it does not give is asked of software;
where software has one that differs, or that was not given, the GPU is left alone for the rest of the recording. Of
damage within a picture it says nothing: FFmpeg asks NVDEC for the picture alone. So beyond the first frames one may be
shown as the GPU patched it up, where software would know that it cannot be decoded.
"""

import logging
from contextlib import closing
from threading import Lock

import av
import numpy as np
from av.codec import Codec
from av.codec.hwaccel import HWAccel

from poseflow.core.errors import VideoError
from poseflow.media.index import VideoIndex
from poseflow.media.pixels import image_of, separate_colors
from poseflow.media.segments import DecodedFrames, SegmentDecoder

logger = logging.getLogger(__name__)

MAX_DECODERS = 2
"""Of a recording on the GPU at a time: it has few engines, and each decoder takes memory that networks want."""
COMPARED_FRAMES = 64
"""The first frames of each decoder that software decodes, too."""
_DEVICE = "cuda"
_CODECS = ("h264", "hevc", "vp9")
_PIX_FMTS = ("yuv420p", "yuvj420p")


class Gpu:
    """The GPU as the decoder of one recording, until something speaks against it, which is logged once."""

    def __init__(self, index: VideoIndex) -> None:
        self._index = index
        self._lock = Lock()
        self._decoders = 0
        self.is_used = True
        if obstacle := _find_obstacle(index):
            self.give_up(obstacle)

    def open_decoder(self) -> "GpuDecoder | None":
        """One more decoder; None where the GPU is not used, or has as many as it may have."""
        with self._lock:
            if not self.is_used or self._decoders == MAX_DECODERS:
                return None
            self._decoders += 1
        return GpuDecoder(self._index, self)

    def give_up(self, reason: str) -> None:
        """Use the GPU no longer."""
        with self._lock:
            if self.is_used:
                logger.warning("%s: frames are decoded in software: %s", self._index.path, reason)
            self.is_used = False


class GpuDecoder:
    """As `SegmentDecoder`, with the same frames; on the GPU for as long as that is used.

    Raises: as SegmentDecoder, and for nothing that goes wrong on the GPU.
    """

    def __init__(self, index: VideoIndex, gpu: Gpu) -> None:
        self._color_range = index.color_range
        self._gpu = gpu
        self._unproven = COMPARED_FRAMES
        self._software = SegmentDecoder(index)
        self._hardware: SegmentDecoder | None = None
        try:
            self._hardware = SegmentDecoder(index, HWAccel(_DEVICE, allow_software_fallback=False))
        except VideoError as error:  # the same file has just been opened without
            gpu.give_up(f"the GPU must open a decoder of it, got: {error}")

    def close(self) -> None:
        """Close the file."""
        self._software.close()
        if self._hardware is not None:
            self._hardware.close()

    def decode(self, start: int, stop: int) -> DecodedFrames:
        """As `SegmentDecoder.decode`."""
        done = start
        with closing(self._decode_on_gpu(start, stop)) as frames:
            for idx, frame in frames:
                yield idx, frame
                done = idx + 1
        if done == stop:
            return
        with closing(self._software.decode(start, stop)) as frames:
            for idx, frame in frames:
                if idx == done and frame is not None:
                    self._gpu.give_up(f"the GPU must give frame {idx}, which software has, got none")
                if idx >= done:
                    yield idx, frame

    def _decode_on_gpu(self, start: int, stop: int) -> DecodedFrames:
        """Frames of a segment, up to one that the GPU does not give, or gives otherwise than software."""
        if self._hardware is None or not self._gpu.is_used:
            return
        with (
            closing(self._software.decode(start, stop)) as known,
            closing(self._hardware.decode(start, stop)) as frames,
        ):
            try:
                for idx, frame in frames:
                    if frame is None:
                        return
                    frame = separate_colors(frame, self._color_range)
                    if self._unproven:
                        if not self._is_same(frame, next(known)[1]):
                            self._gpu.give_up(f"the GPU must give frame {idx} as software does, got another")
                            return
                        self._unproven -= 1
                    yield idx, frame
            except VideoError as error:  # after damage a decoder is opened anew; if it is the file, software says so
                self._gpu.give_up(f"the GPU must open a decoder of it, got: {error}")

    def _is_same(self, frame: av.VideoFrame, known: av.VideoFrame | None) -> bool:
        """Whether two frames show the same, to the last bit of color; none does where software has found damage."""
        if known is None:
            return False
        return np.array_equal(image_of(frame, 3, self._color_range), image_of(known, 3, self._color_range))


def _find_obstacle(index: VideoIndex) -> str | None:
    """Why a recording is not to be decoded on the GPU; None where that is to be tried."""
    if index.codec not in _CODECS or index.pix_fmt not in _PIX_FMTS:
        return f"on the GPU it must be H.264, HEVC or VP9, of 8 bits in 4:2:0, got {index.codec} in {index.pix_fmt}"
    try:
        HWAccel(_DEVICE).create(Codec(index.codec, "r"))
    except (av.FFmpegError, NotImplementedError) as error:  # no driver or no GPU; an FFmpeg that knows of none
        return f"an NVIDIA GPU and its driver must be there for FFmpeg to open, got: {error}"
    return None
