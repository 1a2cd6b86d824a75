"""A head: round each landmark, the way to the center of its animal; and a kind of model that has it."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from poseflow.config import Kind
from poseflow.networks.heads.maps import GroupingHead
from poseflow.networks.lazy import ops


class Centers(GroupingHead):
    """Offsets in px of the input, divided by `unit_px`; peaks whose offsets meet are one animal's."""

    needs: ClassVar[str] = "nodes in the skeleton"

    radius_px: float = Field(6.0, gt=0, description="Of the disc round each landmark.")
    unit_px: float = Field(10.0, gt=0, description="An offset of so many px is drawn as 1.")
    meet_px: float = Field(8.0, gt=0, description="Offsets that end so near to one another meet.")

    def count_channels(self, subject):
        return 2

    def draw_targets(self, points, classes, size, subject):
        seen = ops.isfinite(points)
        centers = ops.sum(ops.where(seen, points, 0.0), axis=2) / ops.maximum(ops.sum(ops.cast(seen, "float32"), 2), 1)
        height, width = (side // self.output_stride for side in size)
        columns, rows = ops.meshgrid(ops.arange(width), ops.arange(height))
        cells = ops.cast(ops.stack([columns, rows], axis=-1) * self.output_stride, "float32")
        away = cells[None, None, None] - ops.where(seen, points, float("inf"))[:, :, :, None, None]
        near = ops.any(ops.sum(ops.square(away), axis=-1) <= self.radius_px**2, axis=2)[..., None]
        offsets = ops.where(near, (centers[:, :, None, None] - cells) / self.unit_px, 0.0)
        animals = ops.sum(ops.cast(near, "float32"), axis=1)
        return ops.where(animals == 1, ops.sum(offsets, axis=1), float("nan"))

    def score(self, targets, outputs, foreground_weight):
        known = ops.logical_not(ops.isnan(targets))
        errors = ops.where(known, ops.square(outputs - ops.where(known, targets, 0.0)), 0.0)
        return ops.sum(errors) / ops.maximum(ops.sum(ops.cast(known, "float32")), 1.0)

    def score_peaks(self, maps, peaks, subject, config, longest_side_px):
        from poseflow.networks.decoding.cells import take_cells

        batch, height, width, _ = ops.shape(maps)
        cells = ops.cast(ops.round(ops.where(ops.isfinite(peaks), peaks, 0.0) / self.output_stride), "int32")
        columns, rows = ops.clip(cells[..., 0], 0, width - 1), ops.clip(cells[..., 1], 0, height - 1)
        frame = ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1))
        return peaks + take_cells(maps, (frame, rows, columns, 0), depth=2) * self.unit_px

    def group_peaks(self, peaks, peak_scores, evidence, subject, config):
        from poseflow.networks.decoding import Assembled

        animals = []
        for frame, ends in enumerate(evidence):
            left = np.where(np.isfinite(ends[..., 0]), peak_scores[frame], -1.0)
            while left.max() >= 0:
                first = np.unravel_index(left.argmax(), left.shape)
                away = np.where(left >= 0, np.linalg.norm(ends - ends[first], axis=-1), np.inf)
                node = np.flatnonzero(away.min(axis=1) <= self.meet_px)
                peak = away[node].argmin(axis=1)
                points, scores = np.full((subject.points, 2), np.nan), np.zeros(subject.points)
                points[node], scores[node] = peaks[frame, node, peak], left[node, peak]
                left[node, peak] = -1
                animals.append((frame, points, scores))
        frames, points, scores = zip(*animals, strict=True) if animals else ((), (), ())
        return Assembled(
            np.array(frames, np.int64),
            np.array(points, np.float32).reshape(-1, subject.points, 2),
            np.array(scores, np.float32).reshape(-1, subject.points),
            np.empty((len(animals), 0), np.float32),
        )


CENTER_BOTTOM_UP = Kind(
    "finds all body parts of a frame, and the center that each belongs to",
    ("confidence_maps", "centers"),
    "frames",
    "bottom_up",
)
