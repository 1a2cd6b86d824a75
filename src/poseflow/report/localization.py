"""How far predicted body parts lie from the labels: drawn on the animal, by body part, and as a distribution."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from numpy.typing import NDArray

from poseflow.core.skeleton import Skeleton
from poseflow.media.channels import convert_channels
from poseflow.report.examples import cut_out, place_matrix, stretch
from poseflow.report.palette import GREY, INK, color_of
from poseflow.report.palette import LEVELS as LEVEL_COLORS
from poseflow.report.style import blank, legend_label

LEVELS = (50, 75, 90, 95)
PORTRAIT_PX = (640, 400)


@dataclass(frozen=True)
class Portrait:
    """A typical animal, cut out and turned so that it lies level.

    image: (height, width, 3) uint8. points: (nodes, 2) in px of the image, NaN where hidden. zoom: its px per px of the
    recording.
    """

    image: NDArray[np.uint8]
    points: NDArray[np.float64]
    zoom: float


def find_typical(poses: NDArray[np.float32]) -> int:
    """The most typical of poses (n, nodes, 2): most nodes visible, and distances between nodes near their medians.

    Distances between nodes do not depend on where the animal is and which way it looks.
    """
    visible = np.isfinite(poses[..., 0]).sum(axis=1)
    candidates = np.flatnonzero(visible == visible.max())
    kept = poses[candidates].astype(np.float64)
    distances = np.linalg.norm(kept[:, :, None] - kept[:, None], axis=-1).reshape(len(kept), -1)
    away = np.abs(distances - np.nanmedian(distances, axis=0)) if len(kept) > 1 else distances
    return int(candidates[np.argmin(np.nansum(away, axis=1))])


def cut_portrait(image: NDArray[np.uint8], pose: NDArray[np.float32]) -> Portrait:
    """Cut the animal of `pose` (nodes, 2) out of its frame, its long side level and its first node to the left."""
    rgb = convert_channels(image, 3)
    seen = pose[np.isfinite(pose[:, 0])].astype(np.float64)
    center = (seen.min(axis=0) + seen.max(axis=0)) / 2
    axes = np.linalg.svd(seen - seen.mean(axis=0), full_matrices=False)[2] if len(seen) > 1 else np.eye(2)
    along = axes[0] if (seen[0] - seen.mean(axis=0)) @ axes[0] <= 0 else -axes[0]
    angle = -np.arctan2(along[1], along[0])
    turned = (seen - center) @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    center = center + _middle(turned) @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    extent = np.maximum(np.ptp(turned, axis=0), 8)
    zoom = float(np.min(np.array(PORTRAIT_PX) * 0.72 / extent))
    corner = center - (np.array(PORTRAIT_PX) / zoom - 1) / 2
    matrix = place_matrix(corner, zoom, PORTRAIT_PX, angle)
    points = pose.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return Portrait(stretch(cut_out(rgb, corner, zoom, PORTRAIT_PX, angle)), points, zoom)


def _middle(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return (points.min(axis=0) + points.max(axis=0)) / 2


def plot_on_animal(
    figure: Figure, portrait: Portrait, skeleton: Skeleton, percentiles_px: Mapping[int, Sequence[float | None]]
) -> None:
    """Draw circles round each node of a typical animal: that share of predictions lies within (SLEAP paper, Fig. 2).

    Args:
        percentiles_px: for each level of LEVELS, the error of each node in px of the recording; None where unknown.
    """
    axes = figure.subplots()
    blank(axes)
    height, width = portrait.image.shape[:2]
    axes.imshow(portrait.image, extent=(-0.5, width - 0.5, height - 0.5, -0.5), alpha=0.9)
    for a, b in skeleton.edges:
        axes.plot(*portrait.points[[a, b]].T, color="white", linewidth=0.8, alpha=0.6)
    handles = []
    for level, color in reversed(list(zip(LEVELS, LEVEL_COLORS, strict=True))):
        for point, radius in zip(portrait.points, percentiles_px[level], strict=True):
            if radius is not None and np.isfinite(point).all():
                size = radius * portrait.zoom
                if size < width / 6:  # larger ones would hide the animal
                    axes.add_patch(Circle(tuple(point), size, facecolor=color, alpha=0.28, linewidth=0))
                axes.add_patch(Circle(tuple(point), size, fill=False, edgecolor=color, linewidth=1.3))
        handles.append(Line2D([], [], color=color, marker="o", linestyle="", markersize=8, label=f"{level} %"))
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    figure.legend(handles=handles[::-1], loc="outside lower center", ncols=len(LEVELS), fontsize=9, handletextpad=0.1)


def plot_by_node(
    figure: Figure,
    nodes: Sequence[str],
    percentiles_px: Mapping[int, Sequence[float | None]],
    pixels_per_mm: float | None = None,
) -> None:
    """One line per node: dots at the percentiles of its error, in px and, where the scale is known, in mm."""
    axes = figure.subplots()
    values = np.array([[np.nan if v is None else v for v in percentiles_px[level]] for level in LEVELS], float)
    rows = np.arange(len(nodes))
    axes.hlines(rows, values[0], values[-1], color=GREY, linewidth=1.5, zorder=1)
    for level, color, row_values in zip(LEVELS, LEVEL_COLORS, values, strict=True):
        axes.scatter(row_values, rows, s=34, color=color, edgecolor=INK, linewidth=0.5, zorder=2, label=f"{level} %")
    axes.set_yticks(rows, nodes)
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.set_xlim(left=0)
    axes.set_xlabel("error (px)")
    if pixels_per_mm:
        scale = pixels_per_mm
        to_mm, to_px = (lambda px: np.asarray(px) / scale), (lambda mm: np.asarray(mm) * scale)
        axes.secondary_xaxis("top", functions=(to_mm, to_px)).set_xlabel("error (mm)")
    axes.legend(fontsize=8.5, loc="best", handletextpad=0.1)


def plot_distribution(figure: Figure, errors_px: Mapping[str, NDArray[np.floating]]) -> None:
    """For each video, the share of body parts that were predicted within a distance of the label.

    Args:
        errors_px: (points,) by video; infinite where a labeled body part was not predicted.
    """
    axes = figure.subplots()
    edge = 1.0
    curves = []
    for number, (video, errors) in enumerate(errors_px.items()):
        predicted = np.sort(errors[np.isfinite(errors)])
        if len(predicted):
            edge = max(edge, float(1.6 * np.percentile(predicted, 95)))
        shown = np.unique(np.linspace(0, len(predicted) - 1, min(len(predicted), 300)).round().astype(int))
        share = 100 * (shown + 1) / max(len(errors), 1)
        curves.append((predicted[shown], share, color_of(number), _shorten(video)))
    for distance, share, color, name in curves:
        inside = np.searchsorted(distance, edge)
        level = share[inside - 1] if inside else 0.0
        axes.step([*distance[:inside], edge], [*share[:inside], level], where="post", color=color, label=name)
    axes.set_xlim(0, edge)
    axes.set_ylim(0, 101)
    axes.set_xlabel("distance from the label (px)")
    axes.set_ylabel("body parts predicted within (%)")
    if len(errors_px) > 1:
        axes.legend(fontsize=8.5, loc="lower right")


def plot_similarity(figure: Figure, similarity: Mapping[str, NDArray[np.floating]]) -> None:
    """Histogram of the animals' OKS, stacked by video; an animal that was not detected counts as 0."""
    axes = figure.subplots()
    bins = np.linspace(0, 1, 21)
    axes.hist(
        list(similarity.values()),
        bins=list(bins),
        stacked=True,
        color=[color_of(number) for number in range(len(similarity))],
        label=[_shorten(video) for video in similarity],
        edgecolor="white",
        linewidth=0.6,
    )
    axes.set_xlim(0, 1)
    axes.set_xlabel("similarity of prediction and label (OKS)")
    axes.set_ylabel("labeled animals")
    axes.grid(False, axis="x")
    if len(similarity) > 1:
        axes.legend(fontsize=8.5, loc="upper left")


def _shorten(name: str, length: int = 34) -> str:
    """A video's name as it stands in a legend."""
    return legend_label(name if len(name) <= length else f"{name[: length // 2]}…{name[-length // 2 + 1 :]}")
