"""Poses on furniture, and hidden animals, by how sure a pose must be: `tracking.min_instance_score`.

    python benchmarks/false_positives.py results/models/centroid/* results/models/centered_instance/*

Renders cages that no network has seen, with furniture of their own, predicts them with trained models (those of `make
demo`, say) and compares what they find with the truth, frame by frame.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy.optimize import linear_sum_assignment

from poseflow import load_model
from poseflow.config import TrackingConfig
from poseflow.config.synth import SynthConfig
from poseflow.synth import SKELETON, render_cage

CAGES = ((2, 11), (4, 12), (3, 13), (2, 14))  # animals, seed
LEAST_SCORES = (0.0, 0.3, 0.35, 0.4, 0.45, 0.5)
MATCH = 0.3  # a pose less alike any animal is a false positive: OKS of its visible nodes, with a factor of 0.1
FEW_NODES = 4  # an animal of which no more is visible is hidden


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--frames", type=int, default=400)
    args = parser.parse_args()
    model = load_model(args.models, max_instances=5, flow={"window_frames": 0})
    found = []
    with tempfile.TemporaryDirectory() as place:
        for animals, seed in CAGES:
            settings = SynthConfig(frames=args.frames, animals=animals, seed=seed, width=512, height=352)
            recording = render_cage(Path(place) / f"cage{seed}.mp4", settings)
            predictions = model.predict(recording.video)
            found.append(compare(predictions, pq.read_table(recording.truth).to_pandas()))
    score, partial, is_animal, visible = (np.concatenate(part) for part in zip(*found, strict=True))
    hidden = is_animal & (visible <= FEW_NODES)
    print(f"{(~is_animal).sum()} poses on no animal, {is_animal.sum()} animals, {hidden.sum()} of them hidden")
    for least in LEAST_SCORES:
        lost = (score < least) & (partial < max(least, TrackingConfig().min_partial_score))
        left, gone = (~is_animal & ~lost).sum(), (is_animal & lost).sum()
        print(f"{least}: {left} false positives left, {gone} animals lost, {(hidden & lost).sum()} of them hidden")


def compare(predictions, truth):
    """Score of each pose and of the points found, whether an animal is there, and how many of its nodes are visible."""
    place = np.stack([truth[[f"{node}.x", f"{node}.y"]].to_numpy() for node in SKELETON.nodes], axis=1)
    seen = np.stack([truth[f"{node}.visible"].to_numpy() for node in SKELETON.nodes], axis=1)
    is_animal, visible = np.zeros(len(predictions), bool), np.zeros(len(predictions), int)
    for frame in np.unique(predictions.frame_idx):
        rows, animals = np.flatnonzero(predictions.frame_idx == frame), np.flatnonzero(truth["frame_idx"] == frame)
        alike = _score_similarity(predictions.points[rows], place[animals], seen[animals])
        for row, animal in zip(*linear_sum_assignment(-alike), strict=True):
            is_animal[rows[row]] = alike[row, animal] >= MATCH
            visible[rows[row]] = seen[animals[animal]].sum()
    there = ~np.isnan(predictions.points).any(axis=-1)
    mean = np.where(there, predictions.point_scores, 0).sum(axis=-1) / np.maximum(there.sum(axis=-1), 1)
    return predictions.score, mean, is_animal, visible


def _score_similarity(points, place, seen):
    area = np.maximum(np.ptp(place, axis=1).prod(axis=-1), 100)
    squared = ((points[:, None] - place[None]) ** 2).sum(axis=-1)
    near = np.nan_to_num(np.exp(-squared / (2 * (2 * 0.1) ** 2 * area[None, :, None])))
    return (near * seen[None]).sum(axis=-1) / np.maximum(seen.sum(axis=-1), 1)[None]


if __name__ == "__main__":
    main()
