"""Random pose tables, and what each of their rows says."""

from pathlib import Path

import numpy as np
from fake_results import make_index

from poseflow.core.skeleton import Skeleton
from poseflow.tables import PoseSource, Predictions, Tracks, assemble_poses, read_poses, write_poses

FRAMES = 9
NODES = ("nose", "tail base", "a,b", "küken", '"q"', "=1+1", "x.y")
NAMES = ("Ann", "Bob, the 2nd", "track_1", "-7", "Zoë", "a..b")

Rows = dict[tuple[int, str], np.ndarray]
"""By frame and animal: (nodes, 3), x, y, score."""


def draw_table(seed: int) -> tuple[Skeleton, Predictions, Tracks]:
    """Up to four animals in nine frames: none at all, names given twice, nodes and scores that are missing."""
    random = np.random.default_rng(seed)
    skeleton = Skeleton(nodes=tuple(random.permutation(NODES)[: random.integers(1, len(NODES) + 1)].tolist()))
    is_there = random.random((FRAMES, 4)) < random.choice([0, 0.2, 0.5, 1])
    is_there &= random.random((FRAMES, 1)) < 0.8
    is_there &= np.arange(4) < random.integers(1, 5)
    frame_idx, track = (places.astype(np.int64) for places in np.nonzero(is_there))
    rows = len(frame_idx)
    points = random.uniform(-5, 4000, (rows, len(skeleton.nodes), 2)).astype(np.float32)
    points[random.random(points.shape[:2]) < random.choice([0, 0.3, 1])] = np.nan
    scores = np.where(np.isnan(points[:, :, 0]), np.nan, random.random(points.shape[:2]))
    instance = random.choice([0.1, 0.5, 0.9], rows)
    order = np.lexsort((-instance, frame_idx))
    frame_idx, track, instance = frame_idx[order], track[order].astype(np.int32), instance[order]
    predictions = Predictions(
        skeleton=skeleton,
        frame_idx=frame_idx,
        score=instance.astype(np.float32),
        points=points,
        point_scores=scores.astype(np.float32),
        shifted=np.empty((rows, 0, len(skeleton.nodes), 2), np.float32),
        class_scores=np.empty((rows, 0), np.float32),
        hidden=np.empty((rows, 0), np.float32),
        frames=((0, FRAMES),),
        failed_frames=np.empty(0, np.int64),
        metadata={},
    )
    codes = random.integers(-1, random.integers(0, len(NAMES) + 1), rows).astype(np.int16)
    tracks = Tracks(
        np.arange(rows), frame_idx, track, track, codes, np.where(codes < 0, np.nan, 0.5).astype(np.float32), NAMES
    )
    return skeleton, predictions, tracks


def write_table(path: Path, drawn: tuple[Skeleton, Predictions, Tracks], **index: object) -> Path:
    """The pose table of what was drawn."""
    _, predictions, tracks = drawn
    source = PoseSource("cage", path.stem)
    write_poses(assemble_poses(predictions, tracks, make_index("cage", FRAMES, **index), source), path)
    return path


def expected_rows(table: Path) -> Rows:
    """What the table says, read by pandas: a name that is given twice in a frame is the first row's."""
    poses = read_poses(table)
    nodes = poses.attrs["poseflow"]["skeleton"]["nodes"]
    named = {str(name) for name in poses["identity"].dropna()}
    values = poses[[f"{node}.{part}" for node in nodes for part in ("x", "y", "score")]].to_numpy(np.float32)
    rows: Rows = {}
    for (frame, track, name), numbers in zip(
        poses[["frame_idx", "track", "identity"]].itertuples(index=False), values, strict=True
    ):
        has_name = isinstance(name, str) and (frame, name) not in rows
        lone = f"track_{track}" if f"track_{track}" not in named else f"track_{track}_2"
        rows[frame, name if has_name else lone] = numbers.reshape(-1, 3)
    return rows
