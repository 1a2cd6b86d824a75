"""What of a table a format cannot hold, said when it is left out."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pyarrow.compute as pc

from poseflow.exchange.writer import PoseStream, Writer
from poseflow.tables import iter_columns

Kind = TypeVar("Kind", bound=Callable[..., None])


def _has_values(poses: PoseStream, *columns: str) -> bool:
    """Whether any row has a number, or a text, in one of these columns; reads no further than the first."""
    known = [name for name in columns if name in poses.schema.names]
    for piece in iter_columns(poses.table, known) if known else ():
        for name in known:
            column = piece.column(name)
            values = column.to_numpy() if column.type in ("float", "double") else None
            if column.null_count < len(column) and (values is None or not np.isnan(values).all()):
                return True
    return False


def _has_corrections(poses: PoseStream) -> bool:
    """Whether a person set any of the rows."""
    return any(pc.any(piece.column("edited")).as_py() for piece in iter_columns(poses.table, ["edited"]))


def _has_empty_frames(poses: PoseStream) -> bool:
    return _count_frames(poses) < sum(stop - start for start, stop in poses.note["frames_read"])


def _ends_early(poses: PoseStream) -> bool:
    """Whether frames were read after the last that has an animal."""
    last = -1
    for piece in iter_columns(poses.table, ["frame_idx"]):
        last = int(piece.column("frame_idx").to_numpy().max(initial=last))
    return any(stop > last + 1 for _, stop in poses.note["frames_read"])


def _count_frames(poses: PoseStream) -> int:
    count, last = 0, -1
    for piece in iter_columns(poses.table, ["frame_idx"]):
        frame_idx = piece.column("frame_idx").to_numpy()
        count += int((np.diff(frame_idx, prepend=last) > 0).sum())
        last = int(frame_idx[-1]) if len(frame_idx) else last
    return count


def _is_partly_read(poses: PoseStream) -> bool:
    read = poses.note["frames_read"]
    return len(read) > 1 or any(start > 0 for start, _ in read)


def _node_scores(poses: PoseStream) -> list[str]:
    return [f"{node}.score" for node in poses.skeleton.nodes]


KINDS: dict[str, Callable[[PoseStream], bool]] = {
    "times": lambda poses: _has_values(poses, "time_s"),
    "scores of names": lambda poses: _has_values(poses, "identity_score"),
    "instance scores": lambda poses: _has_values(poses, "instance_score"),
    "scores of nodes": lambda poses: _has_values(poses, *_node_scores(poses)),
    "edges": lambda poses: bool(poses.skeleton.edges),
    "frame rate": lambda poses: bool(poses.note.get("fps")),
    "frame numbers": lambda poses: _has_values(poses, "frame_idx"),
    "frame numbers of recordings that were read in part": _is_partly_read,
    "frames without animals": _has_empty_frames,
    "frames after the last animal": _ends_early,
    "marks of corrections": _has_corrections,
    "marks of hidden nodes": lambda poses: poses.tells_hidden,
    "columns of recordings": lambda poses: bool(poses.note["columns"]),
    "scale": lambda poses: bool(poses.note["pixels_per_mm"]),
    "symmetries": lambda poses: bool(poses.skeleton.symmetries),
    "skeleton and all other metadata": lambda poses: True,
}
"""What a table may have, and whether one has it."""

OURS = ("scores of names", "marks of corrections", "columns of recordings", "scale")
"""What formats that are not made for tracks of many recordings have no place for."""

HIDDEN = "marks of hidden nodes"
"""What formats without a visibility of nodes have no place for."""


def loses(*kinds: str) -> Callable[[Writer], Writer]:
    """Say of a writer what of a table its format cannot hold, by names of `KINDS`."""

    def mark(write: Writer) -> Writer:
        write.lost = kinds  # type: ignore[attr-defined]
        return write

    return mark


def find_losses(poses: PoseStream, write: Writer) -> list[str]:
    """What a table has and the format of a writer cannot hold; of a writer that does not say it, nothing."""
    return [kind for kind in getattr(write, "lost", ()) if KINDS[kind](poses)]
