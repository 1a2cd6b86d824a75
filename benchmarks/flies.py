"""How often each tracker that needs no pixels switches real flies.

    POSEFLOW_REAL_DATA=data python benchmarks/flies.py

Needs `tracking/animals.slp` and `tracking/two_flies_noisy_detections.slp` (from the tests of DREEM) and
`fly_pair/centered_pair_predictions.slp` (from those of SLEAP) in that folder; says where not. Every instance
is given to the tracker without its track, in an order drawn by lot; those tracks are the truth. Surplus detections are
left out by their scores, or where they have none, because they continue no track.
"""

import os
from itertools import product
from pathlib import Path

import numpy as np
import sleap_io as sio

from poseflow.config import TrackingConfig
from poseflow.core.skeleton import Skeleton
from poseflow.evaluation import Trajectories, evaluate_tracks
from poseflow.tables import Predictions
from poseflow.tracking import link_tracks

FILES = {
    "tracking/animals.slp": ("max_tracks", ("track_0", "track_1", "track_2", "track_3")),
    "tracking/two_flies_noisy_detections.slp": ("max_tracks", ("M", "F")),
    "fly_pair/centered_pair_predictions.slp": ("animals", ("1", "2")),
}
"""The setting that gives the number of animals, and the tracks that are animals."""

TRACKERS = list(product(("window", "kalman"), ("centroid", "oks", "iou", "normalized"), ("hungarian", "greedy")))


def read_instances(path: Path, animals: tuple[str, ...]) -> tuple[Predictions, Trajectories]:
    """All instances of a file, and those of the tracks that are animals."""
    labels = sio.load_slp(str(path), open_videos=False)
    skeleton = Skeleton(nodes=tuple(labels.skeletons[0].node_names))
    rows = [
        (frame.frame_idx, instance.numpy(), float(getattr(instance, "score", 1)), instance.track)
        for frame in labels
        for instance in frame.instances
    ]
    np.random.default_rng(0).shuffle(rows)
    scores = np.array([score for _, _, score, _ in rows])
    predictions = Predictions.from_instances(
        skeleton, [row[0] for row in rows], [row[1] for row in rows], scores / scores.max()
    )
    true = sorted(
        (
            (frame, animals.index(track.name), points)
            for frame, points, _, track in rows
            if track and track.name in animals
        ),
        key=lambda row: row[:2],
    )
    frame_idx, number, points = (np.array(column) for column in zip(*true, strict=True))
    return predictions, Trajectories(frame_idx, number, points.astype(np.float32), np.unique(predictions.frame_idx))


def main() -> None:
    """Run the benchmark."""
    folder = Path(os.environ.get("POSEFLOW_REAL_DATA", "data"))
    for name, (setting, animals) in FILES.items():
        if not (folder / name).exists():
            print(f"{folder / name} is not there: left out")
            continue
        predictions, truth = read_instances(folder / name, animals)
        print(f"{name}: {len(truth.frames):,} frames, {len(predictions):,} instances; {setting}: {len(animals)}")
        for candidates, similarity, matching in TRACKERS:
            how = {"candidates": candidates, "similarity": similarity, "matching": matching, setting: len(animals)}
            config = TrackingConfig.model_validate({**how, "min_points": 1})
            tracks = link_tracks(predictions, config)
            metrics = evaluate_tracks(truth, Trajectories.from_tracks(predictions, tracks))
            print(
                f"  {candidates:<7}{similarity:<11}{matching:<10} {metrics['tracks']} tracks, {metrics['switches']} "
                f"switches, {metrics['false_negatives']} false negatives, {metrics['false_positives']} false "
                f"positives, MOTA {metrics['mota']:.4f}"
            )


if __name__ == "__main__":
    main()
