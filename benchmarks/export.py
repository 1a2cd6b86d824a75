"""Every export of one long pose table: speed relative to a plain sequential write, and peak memory.

    python benchmarks/export.py --rows 1000000

Four animals of 13 nodes, a tenth of the points missing; each format in a process of its own. The plain write is of as
many bytes as the format wrote, in pieces of 8 MB, flushed to the same disk.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from poseflow.config import WRITERS
from poseflow.core.skeleton import Skeleton
from poseflow.exchange import export_poses
from poseflow.media.index import VideoIndex
from poseflow.media.runs import RunLengths
from poseflow.tables import PoseSource, Predictions, Tracks, assemble_poses, write_poses

ANIMALS, NODES = 4, 13


def make_index(frames: int) -> VideoIndex:
    times = RunLengths(first=0, count=frames, deltas=((1, frames - 1),))
    made = datetime(2026, 1, 1, tzinfo=UTC)
    values = {"path": "cage.mp4", "kind": "video", "width": 1024, "height": 1024, "fps": 25, "time_base": (1, 25)}
    return VideoIndex(frames=frames, timestamps=times, created_at=made, **values)


def write_table(path: Path, rows: int) -> None:
    random, frames = np.random.default_rng(0), rows // ANIMALS
    frame_idx, track = np.repeat(np.arange(frames), ANIMALS), np.tile(np.arange(ANIMALS, dtype=np.int32), frames)
    points = random.random((len(track), NODES, 2), np.float32) * 1024
    points[random.random(points.shape[:2]) < 0.1] = np.nan
    skeleton = Skeleton(nodes=tuple(f"node{node}" for node in range(NODES)))
    predictions = Predictions.from_instances(skeleton, frame_idx, points, None, [(0, frames)])
    tracks = Tracks(np.arange(len(track)), frame_idx, track, track, track.astype(np.int16),
                    np.ones(len(track), np.float32), tuple("abcd"))  # fmt: skip
    write_poses(assemble_poses(predictions, tracks, make_index(frames), PoseSource("cage", "cage")), path)


def export(table: Path, format: str, rows: int) -> None:
    """In a process of its own: what it took, as a line of the table."""
    with TemporaryDirectory(dir=table.parent) as folder:
        out, began = Path(folder, "out"), time.perf_counter()
        export_poses(table, out, format, make_index(rows // ANIMALS))
        took = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        files = [out] if out.is_file() else [path for path in out.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        plain = write_plainly(Path(folder, "plain"), size)
    rate = size / took / 1e6
    print(f"| {format} | {size / 1e6:,.0f} | {took:.1f} | {rate:.0f} | {took / plain:.1f} | {peak:.0f} |", flush=True)


def write_plainly(path: Path, size: int) -> float:
    piece, began = os.urandom(1 << 23), time.perf_counter()
    with path.open("wb") as file:
        for start in range(0, size, len(piece)):
            file.write(piece[: size - start])
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--one", nargs=2, metavar=("TABLE", "FORMAT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one and given.one[1] == "table":  # in a process of its own: the others' peak begins with their parent's
        write_table(Path(given.one[0]), given.rows)
        return
    if given.one:
        export(Path(given.one[0]), given.one[1], given.rows)
        return
    print(f"{given.rows:,} animal-frames, {NODES} nodes\n")
    print("| format | MB | s | MB/s | times a plain write | peak MB |\n|---|---|---|---|---|---|", flush=True)
    with TemporaryDirectory() as folder:
        table = Path(folder, "cage.parquet")
        for format in ("table", *WRITERS):
            command = [sys.executable, __file__, "--rows", str(given.rows), "--one", str(table), format]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
