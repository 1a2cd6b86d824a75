"""How long a hidden animal should keep its track: switches on a synthetic cage, by `tracking.max_gap_frames`.

    python benchmarks/hidden.py --frames 10000

Four animals that huddle, climb over each other and hide, found as networks would find them (`cage.py`); the tracker is
not told how many there are.
"""

import argparse

import numpy as np
from cage import Noise, Truth, find_animals

from poseflow.config import TrackingConfig
from poseflow.evaluation import Trajectories, evaluate_tracks
from poseflow.tracking import link_tracks

GAPS = (0, 50, 150, None)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=3)
    args = parser.parse_args()
    predictions, who = find_animals(Truth.simulate(args.frames, animals=4, seed=args.seed), Noise(), args.seed)
    order = np.lexsort((who, predictions.frame_idx))
    order = order[who[order] >= 0]
    frames = predictions.frame_idx
    truth = Trajectories(frames[order], who[order].astype(int), predictions.points[order], np.unique(frames))
    for gap in GAPS:
        config = TrackingConfig(candidates="window", max_gap_frames=gap)
        found = Trajectories.from_tracks(predictions, link_tracks(predictions, config))
        metrics = evaluate_tracks(truth, found)
        print(
            f"max_gap_frames {gap}: {metrics['tracks']} tracks, {metrics['switches']} switches, IDF1 "
            f"{metrics['idf1']:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
