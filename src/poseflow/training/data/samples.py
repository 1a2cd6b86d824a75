"""Samples: the images of a training set in memory, cut to what a kind of model sees."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import ceil, isfinite, sqrt
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poseflow.config import KINDS, HeadConfig, InputConfig, ModelConfig
from poseflow.config.model import HEADING
from poseflow.config.parts import Head
from poseflow.core.errors import ConfigError, LabelsError, SkeletonError
from poseflow.core.geometry import Axes, find_anchors, find_axes, find_headings, scale_points
from poseflow.core.skeleton import Skeleton
from poseflow.core.wording import list_some
from poseflow.labels import FrameLabels, Package
from poseflow.networks.heads.classes import balance_classes

logger = logging.getLogger(__name__)

CROP_MARGIN = 1.2  # crops are this much larger than the farthest labeled point asks for
USUAL_PERCENTILE = 95  # of the animals' lengths: what nearly all have,
STRAY_REACH = 2.0  # and no animal is so many times as long, unless a point of it slipped,
FEWEST_TO_COMPARE = 5  # where there are so many to compare it with
AHEAD_PX = 1.0  # of an anchor: the point that says where an animal heads, as good as never outside of the image


@dataclass(frozen=True)
class Samples:
    """Images with their points, and the size that a network sees of them.

    images: one (height, width, channels) uint8 array a sample, at the network's scale. Crops are larger than
        `height` x `width`, so that rotation does not turn black corners in.
    points: (samples, instances, nodes, 2) float32, (x, y) in px of these images, NaN where not visible. Of a model that
        detects animals: the anchor of each, and, where it learns where they head, a point that is ahead of it.
    classes: (samples, instances) int32, each animal's place in the profile's identities, -1 where it has none.
    hidden: (samples, instances, nodes), which of the points nobody can see.
    flip_order: of the points after a mirror flip.
    height, width: what the network sees, centered on the image's center.
    window: side of the squares that training takes out of the images instead; None where it takes them whole.
    are_upright: whether animals are turned so that they head up.
    """

    skeleton: Skeleton
    images: list[NDArray[np.uint8]] = field(repr=False)
    points: NDArray[np.float32] = field(repr=False)
    classes: NDArray[np.int32] = field(repr=False)
    hidden: NDArray[np.bool_] = field(repr=False)
    flip_order: list[int]
    height: int
    width: int
    window: int | None = None
    are_upright: bool = False

    def __len__(self) -> int:
        return len(self.images)


def build_samples(package: Package, config: ModelConfig, limit: int | None = None) -> Samples:
    """Read a package's frames as samples for a model of `config.kind`; `limit` takes that many, evenly spaced.

    Raises ConfigError where `crop_px` is still open; LabelsError where no frame has a label.
    """
    # A frame without animals teaches what is none; one whose animals have no points teaches nothing.
    frames = [i for i, frame in enumerate(package.frames) if not len(frame.points) or _is_labeled(frame)]
    if not any(_is_labeled(package.frames[i]) for i in frames):
        raise LabelsError(f"{package.path}: must have at least one labeled frame, got none")
    if limit is not None and len(frames) > limit:
        frames = [frames[i] for i in np.linspace(0, len(frames) - 1, limit).round().astype(int)]
    return SAMPLERS[KINDS[config.kind].sampler](package, frames, config)


def complete_profile(package: Package, config: ModelConfig) -> ModelConfig:
    """Fill in what a profile leaves to the labels: the crop's size, the animals' names and their weights.

    Raises LabelsError where an ID model has no names to learn, or others than the labels, or weights of another number
    of animals, where one that learns which nodes are hidden has none of them, and where no animal tells the heading;
    SkeletonError where the anchor or the heading is no node, or the edges do not join all nodes and the kind needs it;
    ConfigError where samples are mirrored and the heading is then another.
    """
    kind = KINDS[config.kind]
    _check_nodes(package, config)
    if any(head.needs_connected_skeleton for head in config.heads.values()):
        package.skeleton.check_connected()
    for name, head in config.heads.items():
        if head.learns_hidden and not any(_hidden_of(frame).any() for frame in package.frames):
            raise LabelsError(
                f"{package.path}: {name} must have hidden nodes to learn, got none that labels.keep_hidden kept"
            )
    crop_px = choose_crop_px(package, config) if kind.sampler == "crops" else None
    identities = _choose_identities(package, config.head) if kind.names_animals else None
    heads = _weigh_identities(package, config, identities) if identities else {}
    return config.model_copy(
        update={
            "input": config.input.model_copy(update={"crop_px": crop_px}),
            "head": config.head.model_copy(update={"identities": identities, **heads}),
        }
    )


def _check_nodes(package: Package, config: ModelConfig) -> None:
    """Raise SkeletonError for an anchor or a heading that is no node.

    LabelsError for a heading that no animal tells, ConfigError for one that is another in a mirror.
    """
    nodes, heading = package.skeleton.nodes, config.input.heading
    for setting, node in {"anchor": config.input.anchor, "heading": heading}.items():
        if node is not None and node not in nodes:
            raise SkeletonError(
                f"{package.path}: input.{setting} must be a node of the labels ({', '.join(nodes)}), got {node}"
            )
    # In a mirror the right eye stands where the left one was: a detector would learn the middle, crops either one.
    paired = {nodes[index] for pair in package.skeleton.symmetries for index in pair}
    if config.augmentation.flip and heading in paired:
        raise ConfigError(
            "augmentation.flip must be false where input.heading is one of two symmetric nodes, "
            f"got true with {heading}"
        )
    headings = _find_headings(package.frames, package.skeleton, config)
    if heading is not None and not any(np.isfinite(own).any() for own in headings):
        raise LabelsError(
            f"{package.path}: input.heading must be labeled apart from the anchor in an animal, got {heading} in none "
            f"of {sum(map(len, headings))}"
        )


def _weigh_identities(package: Package, config: ModelConfig, identities: Sequence[str]) -> dict[str, Head]:
    """The heads whose `class_weights` are to be filled in, with them."""
    found = {}
    for name, head in config.heads.items():
        weights = getattr(head, "class_weights", None)
        if weights == "balanced":
            named = Counter(own for frame in package.frames for own in frame.identities)
            update = {"class_weights": balance_classes([named[own] for own in identities])}
            found[name] = head.model_copy(update=update)
        elif weights is not None and len(weights) != len(identities):
            raise LabelsError(
                f"{package.path}: head.{name}.class_weights must be one for each of {', '.join(identities)}, "
                f"got {len(weights)}"
            )
    return found


def _choose_identities(package: Package, head: HeadConfig) -> tuple[str, ...]:
    names = package.check_identities()
    unknown = set(head.identities or ()) - set(names)
    if unknown:
        known, wrong = ", ".join(sorted(names)), ", ".join(sorted(unknown))
        raise LabelsError(f"{package.path}: head.identities must be among {known}, got {wrong}")
    if head.identities and len(head.identities) < 2:
        raise LabelsError(f"head.identities must name two animals or more, got {head.identities[0]} alone")
    return head.identities or tuple(sorted(names))


def choose_crop_px(package: Package, config: ModelConfig) -> int:
    """Side of the crop, full-resolution px: the profile's, else what the labels need; fits the network's strides.

    The profile's is raised where it does not fit. Of the labels, animals that reach twice as far as nearly all others
    do not count. A warning tells either.
    """
    if config.input.crop_px is not None:
        return _raise_to_stride(config.input.crop_px, config)
    reaches = _reaches(package, config)
    longest = _longest(reaches)
    unit = ceil(2 * config.backbone.max_stride / config.input.scale)
    units = max(ceil(2 * longest * CROP_MARGIN / unit), 1)
    crop_px = units * unit
    if not _fits_stride(crop_px, config):  # of a unit that is no whole number, rounding up has come to too much
        crop_px = round(units * 2 * config.backbone.max_stride / config.input.scale)
    cut_off = [reach for reach in reaches if reach.px > longest]
    if cut_off:
        logger.warning(
            "%s: a crop of %d px cuts off %d of %d labeled animals, which are far longer than the others "
            "(a slip? input.crop_px sets another size): %s",
            package.path, crop_px, len(cut_off), len(reaches),
            list_some([str(reach) for reach in cut_off], 5, "; "),
        )  # fmt: skip
    return crop_px


def _fits_stride(crop_px: int, config: ModelConfig) -> bool:
    """Whether all levels of the network have whole cells of such a crop."""
    return round(crop_px * config.input.scale) % config.backbone.max_stride == 0


def _raise_to_stride(crop_px: int, config: ModelConfig) -> int:
    if _fits_stride(crop_px, config):
        return crop_px
    fitting = next(side for side in count(crop_px) if _fits_stride(side, config))
    logger.warning(
        "input.crop_px must fit the backbone's maximum stride, %d px at input.scale %g, got %d; %d is taken",
        config.backbone.max_stride, config.input.scale, crop_px, fitting,
    )  # fmt: skip
    return fitting


@dataclass(frozen=True)
class _Reach:
    """How far an animal's farthest node is from its anchor, in x or y."""

    px: float
    points: NDArray[np.float32] = field(repr=False)
    skeleton: Skeleton = field(repr=False)
    frame_idx: int
    video: str

    def __str__(self) -> str:
        off = np.linalg.norm(self.points - np.nanmedian(self.points, axis=0), axis=1)
        node = self.skeleton.nodes[np.nanargmax(off)]
        return f"{node} {np.nanmax(off):.0f} px off in frame {self.frame_idx} of {self.video}"


def _reaches(package: Package, config: ModelConfig) -> list[_Reach]:
    """Of each animal with a point, how far it reaches."""
    frames = [frame for frame in package.frames if len(frame.points)]
    if not frames:
        return []
    points = np.concatenate([frame.points for frame in frames])
    centers = find_anchors(points, _anchor_index(package.skeleton, config.input))
    away: NDArray[np.floating[Any]] = points - centers[:, None]
    if config.turns_crops:
        headings = np.concatenate(_find_headings(frames, package.skeleton, config))
        away = away @ find_axes(headings).swapaxes(1, 2)
    owners = (frame for frame in frames for _ in frame.points)
    farthest = np.fmax.reduce(np.abs(away), axis=(1, 2)).tolist()
    return [
        _Reach(px, own, package.skeleton, frame.frame_idx, frame.video)
        for px, own, frame in zip(farthest, points, owners, strict=True)
        if isfinite(px)
    ]


def _longest(reaches: Sequence[_Reach]) -> float:
    """The longest reach that a crop is made for, px: of all but those far beyond what nearly all animals have."""
    lengths = np.array([reach.px for reach in reaches])
    if len(lengths) < FEWEST_TO_COMPARE:
        return float(lengths.max(initial=0.0))
    usual = float(np.percentile(lengths, USUAL_PERCENTILE, method="lower"))
    return float(lengths[lengths <= STRAY_REACH * usual].max(initial=usual))


def _is_labeled(frame: FrameLabels) -> bool:
    return bool(np.isfinite(frame.points).any())


def _anchor_index(skeleton: Skeleton, config: InputConfig) -> int | None:
    return None if config.anchor is None else skeleton.index(config.anchor)


def _scaled(image: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    if scale == 1:
        return image
    small = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    return small.reshape(*small.shape[:2], image.shape[2])


def _sample_frames(package: Package, frames: list[int], config: ModelConfig) -> Samples:
    """Whole frames with the points of all their animals."""
    found = [package.frames[i] for i in frames]
    order = package.skeleton.flip_order()
    return _frames_with(
        package, frames, config, [one.points for one in found], [_hidden_of(one) for one in found], order
    )


def _sample_anchors(package: Package, frames: list[int], config: ModelConfig) -> Samples:
    """Whole frames with one point an animal: its anchor. Where headings are learned, with a second one ahead of it."""
    anchor, found = _anchor_index(package.skeleton, config.input), [package.frames[i] for i in frames]
    points = [find_anchors(frame.points, anchor)[:, None] for frame in found]
    if HEADING in config.heads:
        headings = _find_headings(package.frames, package.skeleton, config)
        points = [
            np.concatenate([own, own + AHEAD_PX * headings[i][:, None]], axis=1)
            for own, i in zip(points, frames, strict=True)
        ]
    hidden = [np.zeros(own.shape[:2], bool) for own in points]
    return _frames_with(package, frames, config, points, hidden, list(range(points[0].shape[1])))


def _frames_with(
    package: Package,
    frames: list[int],
    config: ModelConfig,
    points: list[NDArray[np.float32]],
    hidden: list[NDArray[np.bool_]],
    flip_order: list[int],
) -> Samples:
    images = [_scaled(package.image(i, config.input.channels), config.input.scale) for i in frames]
    most = max(max(map(len, points)), 1)
    padded = np.full((len(frames), most, points[0].shape[1], 2), np.nan, np.float32)
    marks = np.zeros(padded.shape[:3], bool)
    classes = np.full((len(frames), most), -1, np.int32)
    for row, (i, found) in enumerate(zip(frames, points, strict=True)):
        padded[row, : len(found)] = scale_points(found, config.input.scale)
        marks[row, : len(found)] = hidden[row]
        classes[row, : len(found)] = _classes_of(package.frames[i], config.head)
    unit = config.backbone.max_stride
    height, width = (ceil(max(image.shape[axis] for image in images) / unit) * unit for axis in (0, 1))
    window = config.augmentation.window_px
    side = None if window is None else min(ceil(window * config.input.scale / unit) * unit, height, width)
    return Samples(package.skeleton, images, padded, classes, marks, flip_order, height, width, side)


def _hidden_of(frame: FrameLabels) -> NDArray[np.bool_]:
    """Which points (instances, nodes) of a frame are hidden."""
    return np.zeros(frame.points.shape[:2], bool) if frame.hidden is None else frame.hidden


def _classes_of(frame: FrameLabels, head: HeadConfig) -> NDArray[np.int32]:
    """Each animal's place in the profile's identities, -1 where it has none."""
    place = {name: number for number, name in enumerate(head.identities or ())}
    return np.array([-1 if name is None else place.get(name, -1) for name in frame.identities], np.int32)


def _sample_crops(package: Package, frames: list[int], config: ModelConfig) -> Samples:
    """One crop an animal, round its anchor, with its own points only; turned to head up, where that is asked."""
    if config.input.crop_px is None:
        raise ConfigError("input.crop_px must be a number of px before samples are cut, got null")
    anchor = _anchor_index(package.skeleton, config.input)
    side = _crop_side_with_margin(config)
    images, points, classes, hidden = [], [], [], []
    headings = _find_headings(package.frames, package.skeleton, config)
    for i in frames:
        frame, found = package.image(i, config.input.channels), package.frames[i].points
        names, marks = _classes_of(package.frames[i], config.head), _hidden_of(package.frames[i])
        centers = find_anchors(found, anchor)
        for center, heading, own, name, own_marks in zip(centers, headings[i], found, names, marks, strict=True):
            if not np.isfinite(center).all():
                continue
            if config.turns_crops:
                crop, moved = _cut_turned(frame, own, center, side, find_axes(heading))
            else:
                crop, moved = _cut(frame, own, center, side)
            images.append(_scaled(crop, config.input.scale))
            points.append(scale_points(moved, config.input.scale))
            classes.append(name)
            hidden.append(own_marks)
    size = round(config.input.crop_px * config.input.scale)
    stacked = np.stack(points)[:, None], np.array(classes)[:, None], np.stack(hidden)[:, None]
    flip_order = package.skeleton.flip_order()
    return Samples(package.skeleton, images, *stacked, flip_order, size, size, are_upright=config.turns_crops)


def _find_headings(frames: Sequence[FrameLabels], skeleton: Skeleton, config: ModelConfig) -> list[NDArray[np.float32]]:
    """Which way the animals of each frame head: unit vectors (instances, 2), NaN where nothing tells."""
    lengths = [len(frame.points) for frame in frames]
    if config.input.heading is None or not sum(lengths):
        return [np.full((length, 2), np.nan, np.float32) for length in lengths]
    points = np.concatenate([frame.points for frame in frames if len(frame.points)])
    ways = find_headings(points, _anchor_index(skeleton, config.input), skeleton.index(config.input.heading))
    return np.split(ways, np.cumsum(lengths)[:-1])


def _crop_side_with_margin(config: ModelConfig) -> int:
    """Side of a crop that can be turned, shrunk and shifted without showing what lies outside of it."""
    assert config.input.crop_px is not None
    augmentation = config.augmentation
    turned = sqrt(2) if augmentation.most_turned_deg(are_upright=config.turns_crops) else 1.0
    side = config.input.crop_px * turned / augmentation.scale[0] + 2 * augmentation.shift_px
    unit = ceil(2 / config.input.scale)
    return ceil(side / unit) * unit


def _cut(
    image: NDArray[np.uint8], points: NDArray[np.float32], center: NDArray[np.float32], side: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Square of `side` px round the pixel of a center (x, y), which becomes [side // 2, side // 2], and points in it.

    It is black outside of the image.
    """
    crop = np.zeros((side, side, image.shape[2]), np.uint8)
    height, width = image.shape[:2]
    origin = np.round(center).astype(int) - side // 2
    x, y = origin
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + side, height), min(x + side, width)
    if top < bottom and left < right:
        crop[top - y : bottom - y, left - x : right - x] = image[top:bottom, left:right]
    return crop, points - origin.astype(np.float32)


def _cut_turned(
    image: NDArray[np.uint8], points: NDArray[np.float32], center: NDArray[np.float32], side: int, axes: Axes
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The same round the very center, turned by axes (2, 2): `decoding.crop_images_turned` on the host."""
    matrix = np.column_stack([axes, side // 2 - axes @ center])
    crop = np.asarray(cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR), np.uint8)
    return crop.reshape(side, side, image.shape[2]), ((points - center) @ axes.T + side // 2).astype(np.float32)


SAMPLERS: dict[str, Callable[[Package, list[int], ModelConfig], Samples]] = {
    "frames": _sample_frames,
    "anchors": _sample_anchors,
    "crops": _sample_crops,
}
"""By what a kind says that a sample of it is (`config.Kind`)."""
