"""Clips whose frames carry their own number."""

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
BITS, CELL = 10, 8
HEIGHT, WIDTH = 48, 96


@cache
def draw_frame(number: int) -> Image:
    """A grey image, (48, 96), with moving waves and the number in a row of black and white squares."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = 127 + 50 * np.sin((x + 3 * number) / 9) + 40 * np.cos((y - 2 * number) / 7)
    noise = np.random.default_rng(number).integers(-6, 7, (HEIGHT, WIDTH))
    image = np.clip(waves + noise, 0, 255).astype(np.uint8)
    bits = number >> np.arange(BITS) & 1
    image[:CELL, : BITS * CELL] = np.repeat(bits * 255, CELL).astype(np.uint8)
    return image


def read_number(image: Image | None) -> int | None:
    """The number that draw_frame wrote; None for a frame that could not be decoded."""
    if image is None:
        return None
    cells = image[2 : CELL - 2, : BITS * CELL, 0].reshape(CELL - 4, BITS, CELL)[..., 2:-2].mean(axis=(0, 2))
    return int(np.sum((cells > 127) << np.arange(BITS)))


def encode(
    path: Path,
    codec: str = "libx264",
    frames: int = 100,
    *,
    gop: int = 12,
    bframes: int | None = 2,
    pix_fmt: str = "yuv420p",
    pts: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    fps: int = 25,
) -> Path:
    """Write numbered frames with any codec; `pts` in milliseconds makes the frame rate vary."""
    time_base = Fraction(1, fps) if pts is None else Fraction(1, 1000)
    with av.open(f"file:{path}", "w") as container:
        stream: Any = container.add_stream(codec, rate=fps, options=options or {})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pix_fmt
        stream.codec_context.gop_size = gop
        stream.codec_context.thread_count = 1
        if pts is not None:
            stream.codec_context.time_base = time_base
        if bframes is not None:
            stream.codec_context.max_b_frames = bframes
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(draw_frame(number), format="gray").reformat(format=pix_fmt)
            frame.pts, frame.time_base = number if pts is None else pts[number], time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


class Clips:
    """What tests need to make clips and to recognise their frames."""

    draw = staticmethod(draw_frame)
    number = staticmethod(read_number)
    encode = staticmethod(encode)
    size = (WIDTH, HEIGHT)
