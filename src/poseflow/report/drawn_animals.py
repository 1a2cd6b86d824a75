"""The animals of a pose table as an overlay draws them: by name or track, with their colors and ways."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from poseflow.core.errors import ConfigError, TableError
from poseflow.core.skeleton import Skeleton
from poseflow.report.palette import Color, color_animals
from poseflow.tables import iter_columns, open_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class DrawnAnimals:
    """The rows of a pose table that are drawn, in the order of time."""

    skeleton: Skeleton
    frame_idx: NDArray[np.int64]  # (rows,)
    points: NDArray[np.float32]  # (rows, nodes, 2)
    who: NDArray[np.int64]  # (rows,) index into names
    names: tuple[str, ...]
    colors: tuple[Color, ...]  # of each name
    trails: tuple[tuple[NDArray[np.int64], NDArray[np.float32]], ...]  # of each name: frames, and places (rows, 2)

    @classmethod
    def read(
        cls,
        poses: "pd.DataFrame | pa.Table | str | Path",
        frames: int,
        skeleton: Skeleton | None,
        trail_node: str | None,
    ) -> "DrawnAnimals":
        """Read the first `frames` frames; what the arguments may be, and what is raised, says `render_overlay`."""
        table = _as_table(poses, frames)
        skeleton = skeleton or _skeleton_of(table)
        needed = ["frame_idx", "track", *(f"{node}.{axis}" for node in skeleton.nodes for axis in "xy")]
        missing = [name for name in needed if name not in table.column_names]
        if missing:
            raise TableError(f"a pose table must have the columns {', '.join(missing)}, got {table.column_names}")
        frame_idx = _numbers(table, "frame_idx")
        order = np.argsort(frame_idx, kind="stable")
        order = order[frame_idx[order] < frames]
        columns = [_numbers(table, name)[order] for name in needed[2:]]
        points = np.stack(columns, axis=-1).astype(np.float32).reshape(len(order), len(skeleton.nodes), 2)
        names, who, colors = _name_rows(table, order, _find_colors(poses, table))
        anchor = _find_anchor(points) if trail_node is None else _find_node(trail_node, skeleton)
        trails = tuple((frame_idx[order][who == i], points[who == i, anchor]) for i in range(len(names)))
        return cls(skeleton, frame_idx[order], points, who, names, colors, trails)


def _as_table(poses: "pd.DataFrame | pa.Table | str | Path", frames: int) -> pa.Table:
    if isinstance(poses, pa.Table):
        return poses
    if isinstance(poses, str | Path):
        try:
            return _read_first_frames(poses, frames)
        except TableError as error:
            raise TableError(f"{poses} must be a pose table, got: {error}") from None
    note = poses.attrs.get("poseflow")
    table = pa.Table.from_pandas(poses, preserve_index=False)
    return table.replace_schema_metadata({"poseflow": json.dumps(note)} if note else None)


def _read_first_frames(path: str | Path, frames: int) -> pa.Table:
    with open_table(path, None) as (file, _):
        parts = [file.schema_arrow.empty_table()]
    for part in iter_columns(path):
        parts.append(part.filter(pc.field("frame_idx") < frames))
        if not parts[-1].num_rows:  # rows are sorted by time
            break
    return pa.concat_tables([part.replace_schema_metadata(parts[0].schema.metadata) for part in parts])


def _skeleton_of(table: pa.Table) -> Skeleton:
    note = _note_of(table)
    if "skeleton" not in note:
        raise TableError("a pose table must have its skeleton in its metadata, got none")
    return Skeleton.model_validate(note["skeleton"])


def _note_of(table: pa.Table) -> dict[str, Any]:
    return dict(json.loads((table.schema.metadata or {}).get(b"poseflow", b"{}")))


def _numbers(table: pa.Table, column: str) -> NDArray[Any]:
    return table.column(column).to_numpy()


def _find_colors(poses: "pd.DataFrame | pa.Table | str | Path", table: pa.Table) -> dict[str | int | None, Color]:
    """Colors of all animals of the whole pose table, of which `table` may be a part."""
    columns = [name for name in ("track", "identity") if name in table.column_names]
    names: set[str] = set()
    tracks: set[int] = set()
    for part in iter_columns(poses, columns) if isinstance(poses, str | Path) else [table]:
        tracks.update(pc.unique(part.column("track")).to_pylist())
        if "identity" in columns:
            names.update(name for name in pc.unique(part.column("identity")).to_pylist() if isinstance(name, str))
    return color_animals(names, tracks, _note_of(table).get("identities", ()))


def _name_rows(
    table: pa.Table, order: NDArray[np.int64], colors: dict[str | int | None, Color]
) -> tuple[tuple[str, ...], NDArray[np.int64], tuple[Color, ...]]:
    """The animals' names, sorted, each row's animal, and the animals' colors: by identity, else by track."""
    tracks = table.column("track").to_pylist()
    identities = table.column("identity").to_pylist() if "identity" in table.column_names else [None] * len(tracks)
    names = [
        (0, identities[row], 0) if isinstance(identities[row], str) else (1, "track", tracks[row]) for row in order
    ]
    distinct = sorted(set(names))
    position = {name: i for i, name in enumerate(distinct)}
    shown = tuple(str(word) if kind == 0 else f"track {number}" for kind, word, number in distinct)
    row_colors = tuple(colors[word if kind == 0 else number] for kind, word, number in distinct)
    return shown, np.array([position[name] for name in names], np.int64), row_colors


def _find_anchor(points: NDArray[np.float32]) -> int:
    """The node that lies nearest to the animals' middle as a rule: the one whose way is drawn as a trail."""
    if not len(points):
        return 0
    seen: NDArray[np.bool_] = np.asarray(np.isfinite(points).all(axis=-1))
    count = np.maximum(seen.sum(axis=1), 1)[:, None]
    middle = np.where(seen[..., None], points, 0).sum(axis=1) / count
    distance = np.where(seen, np.linalg.norm(points - middle[:, None], axis=-1), 0).sum(axis=0)
    seldom = seen.sum(axis=0) < 0.5 * seen.sum(axis=0).max()
    return int(np.argmin(np.where(seldom, np.inf, distance / np.maximum(seen.sum(axis=0), 1))))


def _find_node(name: str, skeleton: Skeleton) -> int:
    if name not in skeleton.nodes:
        raise ConfigError(f"render.trail_node must be one of {', '.join(skeleton.nodes)}, got {name}")
    return skeleton.nodes.index(name)
