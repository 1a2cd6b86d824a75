"""Steps of training per second, with and without oneDNN and by the number of threads.

    python benchmarks/training.py

The demo's pose network on crops that are drawn beforehand, so that the network alone is measured. Each setting is a
process of its own, as TensorFlow reads them once; they take turns, and the best of each counts.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 2
STEPS = 60
SIDE = 96  # of a crop, px
NODES = 15
SETTINGS = [("0", "2"), ("1", "1"), ("1", "2")]  # oneDNN, threads


def measure() -> float:
    """Steps per second in this process."""
    import keras
    import numpy as np

    from poseflow.config import read_model_config
    from poseflow.core.skeleton import Skeleton
    from poseflow.networks.build import build_model
    from poseflow.training.network import TrainedNetwork
    from poseflow.training.train import build_optimizer

    profile = read_model_config(Path(__file__).parents[1] / "config/models/centered_instance.yaml")
    skeleton = Skeleton(nodes=tuple(f"node{number}" for number in range(NODES)))
    model = TrainedNetwork(build_model(profile, skeleton), profile, skeleton)
    model.compile(optimizer=build_optimizer(profile.training))
    rng = np.random.default_rng(0)
    size = profile.training.batch_size
    images = {
        "images": rng.integers(0, 255, (size, SIDE, SIDE, 1), np.uint8),
        "intensity": np.full((size, 2), 50, np.float32),
    }
    labels = {
        "points": rng.uniform(0, SIDE, (size, 1, NODES, 2)).astype(np.float32),
        "classes": np.zeros((size, 1), np.int32),
    }

    class Repeated(keras.utils.PyDataset):
        def __len__(self) -> int:
            return STEPS

        def __getitem__(self, number: int) -> tuple[dict, dict]:
            return images, labels

    model.fit(Repeated(), verbose=0)
    start = time.perf_counter()
    model.fit(Repeated(), verbose=0)
    return STEPS / (time.perf_counter() - start)


def main() -> None:
    """Run each setting in turn."""
    best = dict.fromkeys(SETTINGS, 0.0)
    for _ in range(ROUNDS):
        for onednn, threads in SETTINGS:
            chosen = {"TF_ENABLE_ONEDNN_OPTS": onednn, "TF_NUM_INTRAOP_THREADS": threads, "TF_CPP_MIN_LOG_LEVEL": "2"}
            command = [sys.executable, __file__, "--measure"]
            printed = subprocess.run(command, env=os.environ | chosen, check=True, capture_output=True, text=True)
            best[onednn, threads] = max(best[onednn, threads], float(printed.stdout.split()[-1]))
    slowest = min(best.values())
    print("oneDNN  threads  steps/s  ratio")
    for (onednn, threads), rate in best.items():
        print(f"{'yes' if onednn == '1' else 'no':6}  {threads:>7}  {rate:7.1f}  {rate / slowest:5.2f}")


if __name__ == "__main__":
    print(measure()) if "--measure" in sys.argv else main()
