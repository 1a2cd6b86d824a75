"""How fast tracking runs from tables alone, and how much memory it takes.

    python benchmarks/tracking.py --frames 50000 --animals 2 --nodes 13

Prints frames/s on one core for each similarity, with candidates where they were (window) and moved by flow, and the
process's peak memory while the table is read from disk in blocks.
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
from poseflow.skeleton import Skeleton
from poseflow.tables import Predictions, PredictionsWriter, iter_predictions, read_predictions
from poseflow.tracking import link_tracks

WINDOW = 5
STEP = 2000


def write_table(path: Path, frames: int, animals: int, nodes: int) -> None:
    """Animals that wander through a 1024 px arena, each with a body of about 100 px."""
    rng = np.random.default_rng(0)
    skeleton = Skeleton(nodes=tuple(f"node{i}" for i in range(nodes)))
    body = rng.normal(0, 30, (animals, nodes, 2))
    place = rng.uniform(0, 1024, (animals, 2))
    with PredictionsWriter(path, skeleton, WINDOW) as writer:
        for start in range(0, frames, STEP):
            count = min(STEP, frames - start)
            path_px = place + np.cumsum(rng.normal(0, 2, (count, animals, 2)), axis=0)
            place = np.clip(path_px[-1], 0, 1024)
            points = (path_px[:, :, None] + body + rng.normal(0, 0.5, (count, animals, nodes, 2))).reshape(-1, nodes, 2)
            shifted = points[:, None] + rng.normal(0, 1, (count * animals, WINDOW, nodes, 2))
            frame_idx = np.repeat(np.arange(start, start + count), animals)
            scores = rng.random(len(frame_idx))
            writer.append(frame_idx, scores, points, np.ones((len(frame_idx), nodes)), shifted)
        writer.close([(0, frames)])


def measure(predictions: Predictions, frames: int, config: TrackingConfig, repeats: int) -> float:
    """Frames per second of processor time, the best of some repeats."""
    seconds = []
    for _ in range(repeats):
        begin = process_time()
        link_tracks(predictions, config)
        seconds.append(process_time() - begin)
    return frames / min(seconds)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--animals", type=int, default=2)
    parser.add_argument("--nodes", type=int, default=13)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--memory", action="store_true", help="only track by OKS from disk in blocks; print peak memory"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.parquet"
        write_table(path, args.frames, args.animals, args.nodes)
        if args.memory:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            link_tracks(iter_predictions(path, 1000), TrackingConfig())
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print(f"{args.frames} frames: peak memory {after / 1024:.0f} MiB ({before / 1024:.0f} MiB before tracking)")
            return
        predictions = read_predictions(path)
        print(f"{args.frames} frames of {args.animals} animals with {args.nodes} nodes, window {WINDOW}, one core")
        for candidates, similarity in product(("window", "flow"), ("centroid", "oks", "iou")):
            config = TrackingConfig(candidates=candidates, similarity=similarity, window_frames=WINDOW)
            speed = measure(predictions, args.frames, config, args.repeats)
            print(f"  {candidates:<7}{similarity:<9}{speed:>8,.0f} frames/s")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
