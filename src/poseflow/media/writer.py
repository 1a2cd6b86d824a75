"""Write frames as an H.264 video."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

from poseflow.core.errors import VideoError
from poseflow.core.files import replacing

# x264's output depends on the number of its threads; a fixed number makes it the same on every machine.
_ENCODER_THREADS = 4
_LIMITED_RANGE = np.round(16 + np.arange(256) * 219 / 255).astype(np.uint8)
CONTAINERS = {
    **{".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".avi": "avi"},
    **{".ts": "mpegts", ".flv": "flv", ".mpg": "mpeg"},
}
"""FFmpeg's names of the containers, by suffix."""
_ITU601 = 5  # FFmpeg's number for the color matrix that swscale takes where a file does not say


def write_video(
    path: str | Path,
    frames: Iterable[NDArray[np.uint8]],
    fps: float | Fraction,
    *,
    crf: int = 23,
    gop: int = 250,
    bframes: int = 2,
    pix_fmt: Literal["yuv420p", "yuv444p"] = "yuv420p",
    preset: str = "veryfast",
) -> int:
    """Encode frames with x264, atomically; memory does not grow with their number.

    The same frames give the same file on every machine. Brightness is stored in limited range (16 to 235), which
    every player understands. Subsampled chroma asks for an even size: an odd last row or column is repeated.

    Args:
        path: the suffix chooses the container; see CONTAINERS.
        frames: (height, width), (height, width, 1) grey or (height, width, 3) RGB, uint8, all of one shape.
        fps: frames per second.
        crf: x264 quality, 0 (lossless) to 51.
        gop: most frames from one keyframe to the next.
        bframes: most B-frames in a row.
        pix_fmt: yuv420p plays everywhere; yuv444p keeps color sharp.
        preset: x264's trade of speed for size.

    Returns: the number of frames written.
    Raises: VideoError for no frames, a shape or type that is not as above, fps that is not positive, or another suffix.
    """
    path = Path(path)
    container_format = CONTAINERS.get(path.suffix.lower())
    if container_format is None:
        raise VideoError(f"{path}: a video's suffix must be one of {', '.join(CONTAINERS)}, got {path.suffix!r}")
    if not fps > 0:
        raise VideoError(f"{path}: fps must be positive, got {fps}")
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise VideoError(f"{path}: frames must be at least one, got none")
    rate = Fraction(fps).limit_denominator(65535)
    height, width = first.shape[:2]
    with replacing(path) as beside, av.open(f"file:{beside.absolute()}", "w", container_format) as container:
        # x264's mbtree reads memory it never wrote on AVX-512, and the same frames then give other bytes.
        options = {"crf": str(crf), "preset": preset, "x264-params": "mbtree=0"}
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.pix_fmt = pix_fmt
        stream.width, stream.height = width + width % 2, height + height % 2
        context = stream.codec_context
        context.gop_size, context.max_b_frames, context.thread_count = gop, bframes, _ENCODER_THREADS
        context.color_range, context.colorspace = av.video.reformatter.ColorRange.MPEG, _ITU601
        count = 0
        for image in chain([first], frames):
            if image.shape != first.shape:
                raise VideoError(f"{path}: frame {count} must have shape {first.shape}, got {image.shape}")
            frame = _frame_of(image, pix_fmt, path)
            frame.pts, frame.time_base = count, 1 / rate
            container.mux(stream.encode(frame))
            count += 1
        container.mux(stream.encode(None))
    return count


def _frame_of(image: NDArray[np.uint8], pix_fmt: str, path: Path) -> av.VideoFrame:
    """One image as a limited-range frame of even size."""
    channels = 1 if image.ndim == 2 else image.shape[-1]
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or channels not in (1, 3):
        raise VideoError(
            f"{path}: frames must be uint8 of shape (height, width), (height, width, 1) or (height, width, 3), "
            f"got {image.dtype} {image.shape}"
        )
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        border = ((0, height % 2), (0, width % 2), (0, 0))[: image.ndim]
        image = np.pad(image, border, mode="edge")
        height, width = image.shape[:2]
    if channels == 3:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        return frame.reformat(format=pix_fmt, dst_colorspace="ITU601", dst_color_range="MPEG")
    rows = height * 3 // 2 if pix_fmt == "yuv420p" else height * 3
    planes = np.full((rows, width), 128, np.uint8)
    planes[:height] = _LIMITED_RANGE[image.reshape(height, width)]
    if pix_fmt == "yuv444p":
        planes = planes.reshape(3, height, width)
    return av.VideoFrame.from_ndarray(planes, format=pix_fmt)
