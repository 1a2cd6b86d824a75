"""Labels of LEAP, MATLAB files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import sleap_io as sio
from scipy.io import loadmat

from poseflow.core.errors import LabelsError
from poseflow.labels.formats.content import DAMAGED, one_line, read_head
from poseflow.labels.formats.reader import LabelReader

WHAT = "labels of LEAP (.mat)"
FIELDS = ("boxPath", "skeleton", "positions")
FIRST_PIXEL = 1
"""MATLAB's number of the first pixel, whose center is (0, 0) here."""


def recognize(path: Path) -> bool:
    """Whether a file is one of MATLAB that holds a skeleton of LEAP."""
    if not read_head(path).startswith(b"MATLAB 5.0 MAT-file"):
        return False
    try:
        skeleton = loadmat(path, simplify_cells=True, variable_names=("skeleton",)).get("skeleton")
    except (*DAMAGED, NotImplementedError):
        return False
    return isinstance(skeleton, dict) and "nodes" in skeleton


def read(path: Path) -> sio.Labels:
    """Read a label file: one animal a frame; the initial guesses of positions are none. Raises LabelsError."""
    try:
        return _build(loadmat(path, simplify_cells=True, variable_names=FIELDS), path)
    except (*DAMAGED, NotImplementedError) as error:
        raise LabelsError(f"{path} must be {WHAT}, got a damaged one: {one_line(error)}") from error


def _build(content: dict[str, Any], path: Path) -> sio.Labels:
    nodes = [str(name) for name in np.atleast_1d(content["skeleton"]["nodes"])]
    positions = np.asarray(content["positions"], float)
    positions = positions[..., None] if positions.ndim == 2 else positions
    if positions.shape[:2] != (len(nodes), 2):
        raise ValueError(f"positions must be of {len(nodes)} nodes, 2 coordinates and frames, got {positions.shape}")
    edges = np.asarray(content["skeleton"].get("edges", []), int).reshape(-1, 2) - FIRST_PIXEL
    skeleton = sio.Skeleton(nodes=list(nodes), edges=edges.tolist(), name="Skeleton")
    name = str(content.get("boxPath") or path.with_suffix(".h5").name)
    metadata = {"type": "HDF5Video", "filename": name, "dataset": "/box", "input_format": "channels_first"}
    video = sio.Video(filename=name, open_backend=False, backend_metadata=metadata)
    frames = []
    for frame_idx, points in enumerate(np.moveaxis(positions, 2, 0) - FIRST_PIXEL):
        if np.isfinite(points).all(axis=1).any():
            instance = sio.Instance.from_numpy(points, skeleton=skeleton)
            frames.append(sio.LabeledFrame(video=video, frame_idx=frame_idx, instances=[instance]))
    return sio.Labels(labeled_frames=frames, videos=[video], skeletons=[skeleton])


LEAP = LabelReader("LEAP .mat", recognize, read)
