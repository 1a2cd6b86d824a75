"""Pose tables beside SLEAP's files of the same poses: bytes on disk, and the time to read all, a frame or an animal.

    python benchmarks/pose_tables.py --rows 10000 100000 1000000

Four animals of 13 nodes that wander, a tenth of their points missing, as a pose table and as poseflow exports it to
`.slp` and to SLEAP's analysis HDF5. A reading begins with opening the file and ends with x, y and score in one array of
NumPy, of all animals and frames, of the middle frame, or of one animal in all frames; that all ways give the same is
checked. Each way has a process of its own and reads once before it is measured, so that the file lies in memory; what
counts is the least of some readings, by the clock and in processor time of all threads.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Literal

import numpy as np
from export import ANIMALS, NODES, make_index
from numpy.typing import NDArray

from poseflow import read_poses
from poseflow.core.skeleton import Skeleton
from poseflow.exchange import export_poses
from poseflow.tables import Instances, PoseSource, Predictions, Tracks, assemble_poses, node_columns, write_poses

Part = Literal["all", "frame", "animal"]
Values = NDArray[np.floating]
PARTS: tuple[Part, ...] = ("all", "frame", "animal")
FILES = {"table": "cage.parquet", "slp": "cage.slp", "sleap_analysis": "cage.analysis.h5"}
NAMES = tuple("abcd")
ANIMAL = NAMES[1]
SKELETON = Skeleton(nodes=tuple(f"node{node}" for node in range(NODES)))
SIDE_PX = 1024
SLOW_S = 10.0  # of processor time; a reading that takes longer is not repeated


def write_table(path: Path, rows: int) -> None:
    """A pose table of so many animal-frames."""
    random, frames = np.random.default_rng(0), rows // ANIMALS
    steps = random.normal(0, 2, (frames, ANIMALS, 1, 2))
    walk = np.cumsum(steps, axis=0) + random.uniform(0, SIDE_PX, (ANIMALS, 1, 2))
    places = SIDE_PX - np.abs(walk % (2 * SIDE_PX) - SIDE_PX)  # a wall turns them back
    bodies = random.normal(0, 30, (ANIMALS, NODES, 2)) + random.normal(0, 0.5, (frames, ANIMALS, NODES, 2))
    points, scores = places + bodies, random.beta(8, 2, (frames, ANIMALS, NODES))
    missing = random.random(scores.shape) < 0.1
    points[missing], scores[missing] = np.nan, 0
    frame_idx, track = np.repeat(np.arange(frames), ANIMALS), np.tile(np.arange(ANIMALS, dtype=np.int32), frames)
    score = scores.mean(axis=2).ravel().astype(np.float32)
    order = np.lexsort((-score, frame_idx))
    found = Instances.from_arrays(frame_idx, score, points.reshape(-1, NODES, 2), scores.reshape(-1, NODES)).take(order)
    predictions = Predictions(**vars(found), skeleton=SKELETON, frames=((0, frames),))
    track = track[order]
    tracks = Tracks(np.arange(len(track)), found.frame_idx, track, track, track.astype(np.int16),
                    np.ones(len(track), np.float32), NAMES)  # fmt: skip
    write_poses(assemble_poses(predictions, tracks, make_index(frames), PoseSource("cage", "cage")), path)


def read_with_poseflow(path: Path, part: Part, frame: int) -> Values:
    """The whole table, of which then a part is taken."""
    poses = read_poses(path)
    if part != "all":
        poses = poses[poses["frame_idx"] == frame if part == "frame" else poses["identity"] == ANIMAL]
    return poses[node_columns(SKELETON)].to_numpy().reshape(-1, NODES, 3)


def read_with_pandas(path: Path, part: Part, frame: int) -> Values:
    """The nodes' columns alone, of the rows that are asked for."""
    import pandas as pd

    filters = {"all": None, "frame": [("frame_idx", "==", frame)], "animal": [("identity", "==", ANIMAL)]}
    return pd.read_parquet(path, columns=node_columns(SKELETON), filters=filters[part]).to_numpy().reshape(-1, NODES, 3)


def read_with_sleap_io(path: Path, part: Part, frame: int, lazy: bool = False) -> Values:
    import sleap_io

    labels = sleap_io.load_slp(str(path), open_videos=False, lazy=lazy)
    if part == "frame":
        (found,) = labels.find(labels.video, frame)
        return np.stack([instance.numpy(scores=True) for instance in found.instances])
    values = labels.numpy(return_confidence=True)
    return values if part == "all" else values[:, [track.name for track in labels.tracks].index(ANIMAL)]


def read_lazily(path: Path, part: Part, frame: int) -> Values:
    return read_with_sleap_io(path, part, frame, lazy=True)


def read_with_h5py(path: Path, part: Part, frame: int) -> Values:
    import h5py

    with h5py.File(path) as file:
        tracks = file["track_names"].asstr()[:].tolist()
        own = {"all": np.s_[:], "frame": np.s_[..., frame], "animal": np.s_[tracks.index(ANIMAL)]}[part]
        points, scores = file["tracks"][own], file["point_scores"][own]
    return np.concatenate([points, np.expand_dims(scores, points.shape.index(2))], axis=points.shape.index(2))


WAYS: dict[str, tuple[str, Callable[[Path, Part, int], Values]]] = {
    "`poseflow.read_poses`": ("table", read_with_poseflow),
    "pandas, nodes alone": ("table", read_with_pandas),
    "sleap-io": ("slp", read_with_sleap_io),
    "sleap-io, `lazy`": ("slp", read_lazily),
    "h5py": ("sleap_analysis", read_with_h5py),
}


def measure(work: Callable[[], Values], repeats: int) -> tuple[float, float, Values]:
    """The least seconds by the clock and of processor time of some readings after a first, and what was read."""
    spent: list[tuple[float, float]] = []
    for turn in range(1 + repeats):
        begin, begin_cpu = perf_counter(), process_time()
        values = work()
        took = perf_counter() - begin, process_time() - begin_cpu
        if turn or took[1] > SLOW_S:
            spent.append(took)
        if took[1] > SLOW_S:
            break
    return min(wall for wall, _ in spent), min(cpu for _, cpu in spent), values


def read_parts(folder: Path, way: str, frames: int, repeats: int) -> None:
    """In a process of its own: print seconds for each part, and what tells whether it is the same poses, as JSON."""
    file, read = WAYS[way]
    parts = {}
    for part in PARTS:
        wall, cpu, values = measure(lambda: read(folder / FILES[file], part, frames // 2), repeats)  # noqa: B023
        parts[part] = wall, cpu, float(np.nansum(values, dtype=np.float64)), values.size
    print(json.dumps(parts))


def compare(rows: int, ways: list[str], repeats: int) -> None:
    """Write the files and print a line for each way to read them."""
    frames = rows // ANIMALS
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_table(folder / FILES["table"], rows)
        for format in {WAYS[way][0] for way in ways} - {"table"}:
            export_poses(folder / FILES["table"], folder / FILES[format], format, make_index(frames))
        expected = None
        for way in ways:
            one = ["--rows", str(rows), "--repeats", str(repeats), "--one", str(folder), way]
            ran = subprocess.run([sys.executable, __file__, *one], check=True, stdout=subprocess.PIPE, text=True)
            parts = json.loads(ran.stdout)
            content = [parts[part][2:] for part in PARTS]
            expected = expected or content
            if not np.allclose(content, expected, rtol=1e-6):
                raise SystemExit(f"{way} must read the poses that {ways[0]} reads, got others")
            path = folder / FILES[WAYS[way][0]]
            size = path.stat().st_size
            cells = [f"{1000 * wall:,.1f} / {1000 * cpu:,.1f}" for wall, cpu, *_ in map(parts.get, PARTS)]
            first = f"| {frames * ANIMALS:,} | {''.join(path.suffixes)} | {size / 1e6:,.1f} | {size / rows:.0f} |"
            print(f"{first} {way} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000], help="Animal-frames, multiples of four.")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("FOLDER", "WAY"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        read_parts(Path(given.one[0]), given.one[1], given.rows[0] // ANIMALS, given.repeats)
        return
    print(f"{ANIMALS} animals of {NODES} nodes; ms by the clock / of processor time\n")
    print("| animal-frames | file | MB | bytes each | read by | all | one frame | one animal |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for rows in given.rows:
        compare(rows, given.ways, given.repeats)


if __name__ == "__main__":
    main()
