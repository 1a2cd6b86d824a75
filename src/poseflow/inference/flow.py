"""Points moved by optical flow onto the frames that follow."""

from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from poseflow.config import FlowConfig
from poseflow.media.channels import convert_channels

# Flow is followed in a window round each animal; beyond this margin the result no longer changes with its size.
MARGIN_PX = 48
LEAST_PATCH_PX = 3


def shrink_image(image: NDArray[np.uint8], config: FlowConfig) -> NDArray[np.uint8]:
    """What flow sees of a frame: (height, width, 1 or 3) uint8 to grey (height * scale, width * scale) uint8."""
    grey = convert_channels(image, 1)[..., 0]
    if config.scale < 1:
        shrunk = cv2.resize(grey, None, fx=config.scale, fy=config.scale, interpolation=cv2.INTER_AREA)
        return np.asarray(shrunk, np.uint8)
    return grey


def shift_points(
    image: NDArray[np.uint8],
    later: list[NDArray[np.uint8] | None],
    points: NDArray[np.float32],
    config: FlowConfig,
) -> NDArray[np.float32]:
    """Move every animal's points from `image` onto each later frame by pyramidal Lucas-Kanade flow.

    Each frame is compared with `image` itself; the search begins where the point was in the frame before.

    Args:
        image: from `shrink_image`, of the frame on which the points lie.
        later: the frames after it, shrunk as well, None where there is none or it cannot be read; at most
            `window_frames` count.
        points: (instances, nodes, 2) float32, (x, y) in px of the video, NaN where missing.

    Returns: (instances, window_frames, nodes, 2) float32, NaN for missing points, lost points and missing frames.
    Source: Pereira et al. 2022, Methods, "Tracking"; Bouguet 2001.
    """
    count, nodes, _ = points.shape
    shifted = np.full((count, config.window_frames, nodes, 2), np.nan, np.float32)
    shrunk = (points + 0.5) * config.scale - 0.5
    for own, result in zip(shrunk, shifted, strict=True):
        visible = np.isfinite(own[:, 0])
        window, origin = _window_round(own[visible], image.shape[:2], ceil(MARGIN_PX * config.scale))
        views = [None if after is None else after[window] for after in later[: config.window_frames]]
        result[: len(views), visible] = _follow(image[window], views, own[visible] - origin, config) + origin
    return (shifted + 0.5) / config.scale - 0.5


def _follow(
    before: NDArray[np.uint8],
    later: list[NDArray[np.uint8] | None],
    points: NDArray[np.float32],
    config: FlowConfig,
) -> NDArray[np.float32]:
    """Points (n, 2) of one image on each later one, (images, n, 2), NaN where they are lost."""
    side = max(LEAST_PATCH_PX, ceil(config.patch_px * config.scale))
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, config.iterations, 0.01)
    guess, levels = points, config.levels
    moved = np.full((len(later), *points.shape), np.nan, np.float32)
    for after, result in zip(later, moved, strict=True):
        if after is None:
            continue
        result[:], found, _ = cv2.calcOpticalFlowPyrLK(
            before,
            after,
            points,
            guess.copy(),  # OpenCV writes into it
            winSize=(side, side),
            maxLevel=levels,
            criteria=criteria,
            flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        )
        # From there it is not far, so that the coarsest level is not needed.
        levels = max(config.levels - 1, 0)
        if found.all():
            guess = result
        else:
            lost = found[:, 0] == 0
            guess = np.where(lost[:, None], guess, result)
            result[lost] = np.nan
    return moved


def _window_round(
    points: NDArray[np.float32], size: tuple[int, int], margin: int
) -> tuple[tuple[slice, slice], NDArray[np.float32]]:
    """Part of the image round the points, and the (x, y) of its first pixel."""
    left, top = np.floor(points.min(axis=0)).astype(int) - margin
    right, bottom = np.ceil(points.max(axis=0)).astype(int) + margin + 1
    height, width = size
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    right, bottom = max(min(right, width), left + 1), max(min(bottom, height), top + 1)
    return (slice(top, bottom), slice(left, right)), np.array([left, top], np.float32)
