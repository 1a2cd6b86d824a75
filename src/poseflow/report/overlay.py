"""Overlay videos: poses, names and trails drawn over a recording."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from poseflow.config import RenderConfig
from poseflow.core.logs import show_progress
from poseflow.core.skeleton import Skeleton
from poseflow.media import VideoIndex, open_video, write_video
from poseflow.media.channels import convert_channels
from poseflow.report.drawing import FILLED, PoseStyle, draw_line, draw_pose
from poseflow.report.drawn_animals import DrawnAnimals
from poseflow.report.legend import draw_legend
from poseflow.report.lettering import measure_text, write_text
from poseflow.report.palette import COLORS, EDGE, Color, color_nodes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLORS", "draw_poses", "render_overlay"]

Image = NDArray[np.uint8]

_INK: Color = (16, 16, 16)
_LONGEST_GAP = 5  # frames over which a trail is drawn straight on
_DEFAULT_FPS = 25.0  # of image folders, which have no times


def render_overlay(
    index: VideoIndex,
    poses: "pd.DataFrame | pa.Table | str | Path",
    path: str | Path,
    config: RenderConfig | None = None,
    skeleton: Skeleton | None = None,
) -> int:
    """Draw a pose table over its recording and write the result as an H.264 video that browsers play.

    Each identity, or track without one, keeps its color (`poseflow.report.palette`), whatever part is drawn.
    A frame that cannot be decoded is shown black and says so.

    Args:
        index: the recording.
        poses: pose table, or its file, of which then only the frames that are drawn are read. Columns used:
            `frame_idx`, `track`, `identity` (may be absent) and `{node}.x`, `{node}.y` in px.
        path: the video to write.
        config: how; `max_frames` counts from the first frame.
        skeleton: None: that of the table's metadata.

    Returns: the number of frames written.
    Raises: TableError for a table without these columns, or without a skeleton; ConfigError for a `trail_node` that the
        skeleton does not have; VideoError as `open_video`.
    """
    config = config or RenderConfig()
    frames = index.frames if config.max_frames is None else min(index.frames, config.max_frames)
    animals = DrawnAnimals.read(poses, frames, skeleton, config.trail_node)
    with open_video(index) as video, show_progress(f"rendering {Path(path).name}", frames, "frames") as advance:

        def overlays() -> Iterator[Image]:
            for frame_idx, image in video.read(0, frames, index.channels):
                if image is None:
                    image = np.zeros((index.height, index.width, 1), np.uint8)
                    note = "could not be read"
                else:
                    note = _clock(float(index.time_s(frame_idx)))
                yield _draw_frame(image, frame_idx, animals, config, note)
                advance(1)

        return write_video(path, overlays(), index.fps or _DEFAULT_FPS, crf=config.crf, gop=50)


def draw_poses(
    image: Image,
    points: NDArray[np.floating],
    skeleton: Skeleton,
    colors: Sequence[Color],
    names: Sequence[str] | None = None,
    size: float | None = None,
    node_colors: Sequence[Color] | None = None,
) -> Image:
    """A copy of an image with poses drawn on it, exact to a 16th of a pixel; missing points are left out.

    Args:
        image: (height, width), (height, width, 1) grey or (height, width, 3) RGB, uint8.
        points: (instances, nodes, 2), (x, y) px; the center of the top left pixel is (0, 0); NaN is missing.
        colors: RGB of each instance. names: a label for each, written beside it.
        size: of dots and lines; None: by the image, 1 for about 640 px.
        node_colors: RGB of each node, in place of the instances' colors, which the labels keep; edges are grey.

    Returns: (height, width, 3) uint8, RGB.
    """
    canvas = convert_channels(image, 3).copy()
    size = size or _size_for(canvas)
    style = PoseStyle(max(1, round(1.8 * size)), 2.0 * size, FILLED, _INK, 2.9 * size, FILLED)
    for pose, color, name in zip(points, colors, names or [], strict=False):
        seen = np.isfinite(pose).all(axis=-1)
        if name and seen.any():
            low, high = pose[seen].min(axis=0), pose[seen].max(axis=0)
            _write(canvas, name, ((low[0] + high[0]) / 2, low[1] - 8 * size), color, 0.42 * size)
    for pose, color in zip(points, colors, strict=True):
        draw_pose(canvas, pose, skeleton, EDGE if node_colors else color, style, node_colors)
    return canvas


def _draw_frame(image: Image, frame_idx: int, animals: DrawnAnimals, config: RenderConfig, note: str) -> Image:
    scale = config.scale
    if scale != 1:
        order = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=order), np.uint8)
    canvas = convert_channels(image, 3).copy()
    _draw_trails(canvas, frame_idx, animals, config.trail_frames, scale)
    rows = slice(*np.searchsorted(animals.frame_idx, [frame_idx, frame_idx + 1]))
    who = animals.who[rows]
    points = (animals.points[rows] + 0.5) * scale - 0.5
    node_colors = color_nodes(len(animals.skeleton.nodes)) if config.color_by == "node" else None
    names = [animals.names[i] for i in who] if config.names else None
    canvas = draw_poses(
        canvas, points, animals.skeleton, [animals.colors[i] for i in who], names, node_colors=node_colors
    )
    size = _size_for(canvas)
    if config.legend:
        whose, colors = (animals.skeleton.nodes, node_colors) if node_colors else (animals.names, animals.colors)
        draw_legend(canvas, list(zip(whose, colors, strict=True)), size)
    _write(canvas, f"frame {frame_idx}  {note}", (8 * size, 16 * size), (255, 255, 255), 0.45 * size, centered=False)
    return canvas


def _draw_trails(canvas: Image, frame_idx: int, animals: DrawnAnimals, length: int, scale: float) -> None:
    """The way of each animal in the last `length` frames, fading."""
    thick = max(1, round(1.2 * _size_for(canvas)))
    for animal, (frames, positions) in enumerate(animals.trails):
        begin, end = np.searchsorted(frames, [frame_idx - length, frame_idx + 1])
        seen = np.flatnonzero(np.isfinite(positions[begin:end, 0])) + begin
        for a, b in pairwise(seen):
            if frames[b] - frames[a] > _LONGEST_GAP:
                continue
            fresh = 1 - (frame_idx - frames[b]) / (length + 1)
            start, stop = ((positions[i] + 0.5) * scale - 0.5 for i in (a, b))
            _draw_faint_line(canvas, start, stop, animals.colors[animal], thick, 0.15 + 0.65 * fresh)


def _draw_faint_line(
    canvas: Image, start: NDArray[np.floating], stop: NDArray[np.floating], color: Color, thick: int, opacity: float
) -> None:
    low = np.floor(np.minimum(start, stop)).astype(int) - thick - 1
    high = np.ceil(np.maximum(start, stop)).astype(int) + thick + 2
    low, high = np.maximum(low, 0), np.minimum(high, (canvas.shape[1], canvas.shape[0]))
    if (high <= low).any():
        return
    region = canvas[low[1] : high[1], low[0] : high[0]]
    drawn = region.copy()
    draw_line(drawn, start - low, stop - low, color, thick)
    region[:] = cv2.addWeighted(drawn, opacity, region, 1 - opacity, 0)


def _write(
    canvas: Image, text: str, position: tuple[float, float], paper: Color, scale: float, centered: bool = True
) -> None:
    """Text on a patch of color; its baseline begins, or has its middle, at `place` (x, y), and stays in the image.

    Colored letters would be blurred by the video's coarse chroma; dark or white ones are not.
    """
    width, height, below = measure_text(text, scale)
    x = round(float(np.clip(position[0] - (width / 2 if centered else 0), 3, max(3, canvas.shape[1] - width - 3))))
    y = round(float(np.clip(position[1], height + 3, max(height + 3, canvas.shape[0] - below - 1))))
    patch = canvas[max(0, y - height - 3) : y + below, max(0, x - 3) : x + width + 3]
    patch[:] = cv2.addWeighted(patch, 0.25, np.full_like(patch, paper), 0.75, 0)
    ink = _INK if np.dot(paper, (0.299, 0.587, 0.114)) > 100 else (255, 255, 255)
    write_text(canvas, text, (x, y), ink, scale)


def _size_for(image: Image) -> float:
    return max(0.6, min(image.shape[:2]) / 480)


def _clock(seconds: float) -> str:
    if not np.isfinite(seconds):
        return ""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:05.2f}"
