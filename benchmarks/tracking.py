"""How fast tracking runs from tables alone, and how much memory it takes.

    python benchmarks/tracking.py --frames 50000 --animals 2 --nodes 13
    python benchmarks/tracking.py --frames 50000 --files 100     # a recording of ten million animal-frames

Prints frames/s on one core for each way to find candidates and each similarity; with --files, only the speed and the
peak memory of tracking a recording of so many files of --frames frames (the same table under other names) by centroids,
with names (`identity: per_tracklet`).
"""

import argparse
import os
import resource
import tempfile
from itertools import product
from pathlib import Path
from time import process_time

import numpy as np

from poseflow.config import TrackingConfig
from poseflow.core.skeleton import Skeleton
from poseflow.tables import Instances, Predictions, PredictionsWriter, read_predictions
from poseflow.tracking import RecordingFile, link_tracks, track_recording

WINDOW = 5
STEP = 2000


def write_table(path: Path, frames: int, animals: int, nodes: int) -> None:
    """Animals that wander through a 1024 px arena, each with a body of about 100 px."""
    rng = np.random.default_rng(0)
    skeleton = Skeleton(nodes=tuple(f"node{i}" for i in range(nodes)))
    body = rng.normal(0, 30, (animals, nodes, 2))
    place = rng.uniform(0, 1024, (animals, 2))
    names = [f"animal{i}" for i in range(animals)]
    with PredictionsWriter(path, skeleton, WINDOW, names) as writer:
        for start in range(0, frames, STEP):
            count = min(STEP, frames - start)
            path_px = place + np.cumsum(rng.normal(0, 2, (count, animals, 2)), axis=0)
            place = np.clip(path_px[-1], 0, 1024)
            points = (path_px[:, :, None] + body + rng.normal(0, 0.5, (count, animals, nodes, 2))).reshape(-1, nodes, 2)
            shifted = points[:, None] + rng.normal(0, 1, (count * animals, WINDOW, nodes, 2))
            frame_idx = np.repeat(np.arange(start, start + count), animals)
            scores = rng.random(len(frame_idx))
            looks = rng.dirichlet(np.ones(animals), len(frame_idx)) + 2 * np.tile(np.eye(animals), (count, 1))
            chance = looks / looks.sum(axis=1, keepdims=True)
            certain = np.ones((len(frame_idx), nodes))
            writer.append(Instances.from_arrays(frame_idx, scores, points, certain, chance, shifted))
        writer.close([(0, frames)])


def measure(predictions: Predictions, frames: int, config: TrackingConfig, repeats: int) -> float:
    """Frames per second of processor time, the best of some repeats."""
    seconds = []
    for _ in range(repeats):
        begin = process_time()
        link_tracks(predictions, config)
        seconds.append(process_time() - begin)
    return frames / min(seconds)


def measure_recording(path: Path, frames: int, files: int, animals: int) -> None:
    """Track one table under many names, as files of one recording."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    recording = [RecordingFile(f"part{i}", [path], i * frames) for i in range(files)]
    config = TrackingConfig(identity="per_tracklet", candidates="window", similarity="centroid", max_tracks=animals)
    begin = process_time()
    track_recording(recording, config, path.with_name("tracks.parquet"))
    seconds = process_time() - begin
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{files * frames * animals:,} animal-frames in {files} files, named: "
        f"{files * frames / seconds:,.0f} frames/s, peak memory {after / 1024:,.0f} MiB ({before / 1024:,.0f} before)"
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--animals", type=int, default=2)
    parser.add_argument("--nodes", type=int, default=13)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--files", type=int, help="track a recording of so many files instead")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.parquet"
        write_table(path, args.frames, args.animals, args.nodes)
        if args.files:
            measure_recording(path, args.frames, args.files, args.animals)
            return
        predictions = read_predictions(path)
        print(f"{args.frames} frames of {args.animals} animals with {args.nodes} nodes, window {WINDOW}, one core")
        for candidates, similarity in product(("window", "flow", "kalman"), ("centroid", "oks", "iou", "normalized")):
            config = TrackingConfig(candidates=candidates, similarity=similarity, window_frames=WINDOW)
            speed = measure(predictions, args.frames, config, args.repeats)
            print(f"  {candidates:<7}{similarity:<11}{speed:>8,.0f} frames/s")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
