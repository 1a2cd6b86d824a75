"""From decoded frames to full-range images."""

import re
from functools import cache
from typing import Literal

import av
import cv2
import numpy as np
from av.video.format import VideoFormat
from av.video.reformatter import ColorRange as FFmpegRange
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from poseflow.media.channels import convert_channels

Image = NDArray[np.uint8]
ColorRange = Literal["full", "limited"]

# With ACCURATE_RND too, RGB is half a grey level nearer the truth on average, and eight times slower.
_SCALING = int(Interpolation.BILINEAR | Interpolation.BITEXACT)
_BLACK = np.array([16.0])
_LUMA_PLANE = re.compile(r"(yuv[aj]?4\d\dp|gray)((9|10|12|14|16)le)?|nv\d\d")
_FFMPEG_RANGE = {"full": int(FFmpegRange.JPEG), "limited": int(FFmpegRange.MPEG)}


def color_range_of(frame: av.VideoFrame) -> ColorRange:
    """Whether black is 0 (full) or 16 (limited); where a frame does not say, grey and RGB are full, YUV is limited."""
    if frame.color_range == FFmpegRange.JPEG or frame.format.name.startswith("yuvj"):
        return "full"
    if frame.color_range == FFmpegRange.MPEG:
        return "limited"
    return "full" if channels_of(frame.format.name) == 1 or _layout(frame.format.name) == "rgb" else "limited"


def channels_of(pix_fmt: str) -> Literal[1, 3]:
    """1 for a pixel format without color, else 3."""
    components = VideoFormat(pix_fmt).components
    return 1 if len([c for c in components if not c.is_alpha]) == 1 and not VideoFormat(pix_fmt).has_palette else 3


def image_of(frame: av.VideoFrame, channels: int, color_range: ColorRange, rotation: int = 0) -> Image:
    """A frame as (height, width, channels) uint8, brightness from 0 to 255.

    Grey is the luma plane itself, expanded where it is limited: (Y - 16) * 255 / 219.

    Args:
        channels: 1 for grey, 3 for RGB.
        color_range: as stored.
        rotation: degrees anticlockwise, a multiple of 90.
    """
    if channels == 1:
        image = _grey(frame, color_range)[..., None]
    elif channels_of(frame.format.name) == 1:
        image = convert_channels(_grey(frame, color_range), 3)
    else:
        image = _rgb(frame, color_range)
    return np.ascontiguousarray(np.rot90(image, rotation // 90)) if rotation else image


def separate_colors(frame: av.VideoFrame, color_range: ColorRange) -> av.VideoFrame:
    """A frame as GPUs hand it over (nv12, whose color samples lie interleaved), its samples as yuv420p has them.

    FFmpeg makes other RGB of nv12: it interpolates between color samples there, and repeats them here.
    """
    stored = _FFMPEG_RANGE[color_range]
    return frame.reformat(format="yuv420p", src_color_range=stored, dst_color_range=stored, threads=1)


def _grey(frame: av.VideoFrame, color_range: ColorRange) -> Image:
    layout = _layout(frame.format.name)
    if layout == "rgb":
        return convert_channels(_rgb(frame, color_range), 1)[..., 0]
    if layout == "other":
        stored = _FFMPEG_RANGE[color_range]
        frame = frame.reformat(
            format="yuv444p", interpolation=_SCALING, src_color_range=stored, dst_color_range=stored, threads=1
        )
    plane = frame.planes[0]
    bits = frame.format.components[0].bits
    if bits == 8:
        luma = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
        return luma.copy() if color_range == "full" else _expand(luma)
    deep = np.frombuffer(memoryview(plane), "<u2").reshape(-1, plane.line_size // 2)[: frame.height, : frame.width]
    return _full_range(bits, color_range)[deep & (2**bits - 1)]


def _expand(luma: Image) -> Image:
    """Limited to full range, 8 bits; as _full_range has it, and twice as fast as looking up."""
    image = cv2.subtract(luma, _BLACK)
    return np.asarray(cv2.convertScaleAbs(image, dst=image, alpha=255 / 219), np.uint8)


def _rgb(frame: av.VideoFrame, color_range: ColorRange) -> Image:
    stored = _FFMPEG_RANGE[color_range]
    full = _FFMPEG_RANGE["full"]
    frame = frame.reformat(
        format="rgb24", interpolation=_SCALING, src_color_range=stored, dst_color_range=full, threads=1
    )
    return np.asarray(frame.to_ndarray(), np.uint8)


@cache
def _layout(pix_fmt: str) -> Literal["luma", "rgb", "other"]:
    """How brightness lies in memory: a plane of its own, 8 to 16 low bits a pixel; not as such; or some other way."""
    layout = VideoFormat(pix_fmt)
    if layout.is_rgb or layout.has_palette or layout.is_bit_stream:
        return "rgb"
    return "luma" if _LUMA_PLANE.fullmatch(pix_fmt) else "other"


@cache
def _full_range(bits: int, color_range: ColorRange) -> Image:
    """Look-up table from stored to full-range 8-bit brightness, shape (2 ** bits,)."""
    black, white = (0, 2**bits - 1) if color_range == "full" else (16 << (bits - 8), 235 << (bits - 8))
    scaled = (np.arange(2**bits) - black) * 255 / (white - black)
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
