"""Hidden nodes, labeled where they must be though nobody can see them: placed points of sleap-io, not visible."""

from __future__ import annotations

import numpy as np
import sleap_io as sio
from numpy.typing import NDArray

Points = NDArray[np.float64]
Marks = NDArray[np.bool_]
HIDDEN = 1
"""Visibility of a point that is labeled and not visible, in COCO and YOLO-pose."""


def split_hidden(instance: sio.Instance, keep: bool = True) -> tuple[Points, Marks]:
    """Points (nodes, 2) of an instance, px, NaN where there is none, and which of them are hidden (nodes,).

    `keep`: hidden nodes are points; else they are missing, and none is hidden.
    """
    points = np.asarray(instance.numpy(invisible_as_nan=False), float)
    visible = np.asarray(instance.points["visible"], bool)
    hidden = ~visible & np.isfinite(points).all(axis=1) & keep
    points[~visible & ~hidden] = np.nan
    return points, hidden


def build_instance(points: Points, hidden: Marks, skeleton: sio.Skeleton, track: sio.Track | None) -> sio.Instance:
    """An instance of points (nodes, 2), px, NaN where there is none, of which some (nodes,) are hidden."""
    visible = ~np.isnan(points[:, 0]) & ~hidden
    return sio.Instance.from_numpy(np.column_stack([points, visible]), skeleton=skeleton, track=track)


def take_as_visible(labels: sio.Labels) -> None:
    """Make every hidden node of labels one like others."""
    for frame in labels.labeled_frames:
        for instance in frame.instances:
            instance.points["visible"] |= np.isfinite(instance.points["xy"]).all(axis=1)


def has_hidden(labels: sio.Labels) -> bool:
    """Whether any node is hidden."""
    return any(split_hidden(instance)[1].any() for frame in labels.labeled_frames for instance in frame.instances)
