"""Labeled and predicted poses side by side, drawn over the image: pictures of good, usual and bad frames."""

import cv2
import numpy as np
from numpy.typing import NDArray

from poseflow.core.skeleton import Skeleton
from poseflow.media.channels import convert_channels
from poseflow.report.drawing import FILLED, PoseStyle, draw_pose
from poseflow.report.palette import LABEL, PREDICTION, Color

ONE_TILE_PX, TILE_PX = 600, 440
"""Side of a tile that stands alone, and of several."""
LEAST_ASPECT = 0.6
"""A tile that stands alone is no slimmer than this."""
MIN_RADIUS_PX, MAX_RADIUS_PX = 3.0, 6.0
MARGIN = 0.15
"""Room round an animal, as a share of its size."""
LEAST_SIDE_PX = 32
MAX_TILES = 6
RIM: Color = (20, 20, 20)

Boxes = NDArray[np.float64]


def draw_example(
    image: NDArray[np.uint8], truth: NDArray[np.floating], predicted: NDArray[np.floating], skeleton: Skeleton
) -> NDArray[np.uint8]:
    """Draw one frame's labels (blue rings) and predictions (orange dots), cut out and enlarged round the animals.

    Animals that are close share a tile; all tiles have the same scale.

    Args:
        image: (height, width, channels) uint8, grey or RGB.
        truth, predicted: (instances, nodes, 2), (x, y) in px of the image.

    Returns: tiles side by side, (height, width, 3) uint8, RGB; contrast is stretched.
    """
    rgb = convert_channels(image, 3)
    windows = find_windows(np.concatenate([truth, predicted]), image.shape[:2])
    extents = windows[:, 2:] - windows[:, :2]
    alone = len(windows) == 1
    extent = np.maximum(extents.max(axis=0), extents.max() * (LEAST_ASPECT if alone else 1.0))
    zoom = (ONE_TILE_PX if alone else TILE_PX) / extent.max()
    tile_px = tuple(np.round(extent * zoom).astype(int).tolist())
    radius_px = _radius(np.concatenate([truth, predicted]), zoom)
    tiles = []
    for window in windows[:MAX_TILES]:
        corner = _place_corner((window[:2] + window[2:]) / 2, extent, image.shape[1::-1])
        tile = stretch(cut_out(rgb, corner, zoom, tile_px))
        for pose in (truth - corner + 0.5) * zoom - 0.5:
            draw_pose(tile, pose, skeleton, LABEL, rings(radius_px))
        for pose in (predicted - corner + 0.5) * zoom - 0.5:
            draw_pose(tile, pose, skeleton, PREDICTION, dots(radius_px / 2))
        tiles.append(tile)
    gap = np.full((tile_px[1], 6, 3), 255, np.uint8)
    return np.hstack([part for tile in tiles for part in (gap, tile)][1:])


def rings(radius_px: float) -> PoseStyle:
    """Of labels: rings with a dark rim."""
    thickness = 2 if radius_px > 4 else 1
    return PoseStyle(1, radius_px, thickness, RIM, radius_px, thickness + 1)


def dots(radius_px: float) -> PoseStyle:
    """Of predictions: disks with a dark rim."""
    return PoseStyle(1, radius_px, FILLED, RIM, radius_px, 3 if radius_px > 4 else 2)


def _place_corner(
    middle: NDArray[np.floating], extent: NDArray[np.floating], size: tuple[int, ...]
) -> NDArray[np.float64]:
    """Center of the upper left pixel of a cut of `extent` px round `middle`, moved into an image of size (w, h)."""
    corner = middle - extent / 2 + 0.5
    inside = np.clip(corner, 0, np.maximum(np.array(size) - extent, 0))
    return np.where(extent <= np.array(size), inside, (np.array(size) - extent) / 2)


def _radius(points: NDArray[np.floating], zoom: float) -> float:
    """Radius of the rings, px: small where animals are, so that body parts stay apart."""
    seen = points[np.isfinite(points[..., 0]).any(axis=1)]
    if not len(seen):
        return MAX_RADIUS_PX
    sizes = (np.nanmax(seen, axis=1) - np.nanmin(seen, axis=1)).max(axis=1)
    return float(np.clip(0.025 * np.median(sizes) * zoom, MIN_RADIUS_PX, MAX_RADIUS_PX))


def find_windows(points: NDArray[np.floating], size: tuple[int, int]) -> Boxes:
    """Boxes (x0, y0, x1, y1) round animals, joined where they overlap; the whole image where there is no animal."""
    height, width = size
    seen = points[np.isfinite(points[..., 0]).any(axis=1)]
    if not len(seen):
        return np.array([[-0.5, -0.5, width - 0.5, height - 0.5]])
    low, high = np.nanmin(seen, axis=1), np.nanmax(seen, axis=1)
    room = np.maximum((high - low).max(axis=1, keepdims=True) * MARGIN, LEAST_SIDE_PX / 4)
    whole = np.array([[-0.5, -0.5, width - 0.5, height - 0.5]])
    rooms = np.hstack([low - room, high + room]).astype(np.float64)
    boxes = [*np.clip(rooms, whole[:, [0, 1, 0, 1]], whole[:, [2, 3, 2, 3]])]
    joined: list[NDArray[np.float64]] = []
    while boxes:
        box = boxes.pop()
        near = [i for i, other in enumerate(boxes) if (box[:2] < other[2:]).all() and (other[:2] < box[2:]).all()]
        if not near:
            joined.append(box)
            continue
        group = np.array([box, *(boxes[i] for i in near)])
        boxes = [other for i, other in enumerate(boxes) if i not in near]
        boxes.append(np.concatenate([group[:, :2].min(axis=0), group[:, 2:].max(axis=0)]))
    return np.array(sorted(joined, key=lambda box: (box[0], box[1])))


def cut_out(
    image: NDArray[np.uint8], corner: NDArray[np.floating], zoom: float, size: tuple[int, int], angle: float = 0.0
) -> NDArray[np.uint8]:
    """Enlarge the part of an image whose upper left pixel's center is `corner`; beyond the image it is grey.

    Pixel (x, y) of the image comes to ((x, y) - corner + 0.5) * zoom - 0.5, then turned by `angle` (radians) round
    the middle of the result. `size` is (width, height) of the result.
    """
    matrix = place_matrix(corner, zoom, size, angle)
    order = cv2.INTER_CUBIC if zoom > 1 else cv2.INTER_AREA
    cut = cv2.warpAffine(image, matrix, size, flags=order, borderMode=cv2.BORDER_CONSTANT, borderValue=(96, 96, 96))
    return cut.astype(np.uint8, copy=False)


def stretch(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Stretch the contrast so that dark recordings can be seen on paper; the brightest 0.1 % become white."""
    low, high = np.percentile(image, [0.5, 99.9])
    scaled = (image.astype(np.float32) - low) * (255 / max(high - low, 32))
    return np.clip(scaled, 0, 255).astype(np.uint8)


def place_matrix(
    corner: NDArray[np.floating], zoom: float, size: tuple[int, int], angle: float = 0.0
) -> NDArray[np.float64]:
    """The (2, 3) matrix of `cut_out`: from image px to px of the result."""
    middle = (np.array(size) - 1) / 2
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = (0.5 - np.asarray(corner, np.float64)) * zoom - 0.5
    return np.column_stack([turn * zoom, turn @ (shift - middle) + middle])
