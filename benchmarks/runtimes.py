"""Processor time of each runtime: of the networks alone, of the whole of their stages, and of `predict` without flow.

    python benchmarks/runtimes.py --models CENTROID CENTERED_INSTANCE --video VIDEO

Processor time, in turns and the least of some repeats: on a machine that others use too it says more than the clock.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from poseflow.config import FlowConfig, PredictConfig
from poseflow.inference import load_pipeline, predict_shard
from poseflow.media import index_video, open_video

RUNTIMES = ("keras", "onnxruntime", "openvino")
BATCH = 8


def time_of(work: Callable[[], object]) -> float:
    """Processor time of all threads, in seconds."""
    begin = process_time()
    work()
    return process_time() - begin


def main() -> None:
    """Measure and print a table."""
    data = os.environ.get("POSEFLOW_REAL_DATA", "")
    shipped = [
        Path(data, "sleap_models", f"minimal_instance.UNet.{kind}") for kind in ("centroid", "centered_instance")
    ]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, nargs="+", default=shipped)
    parser.add_argument("--video", type=Path, default=Path(data, "fly_pair", "centered_pair_low_quality.mp4"))
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=4)
    options = parser.parse_args()
    index = index_video(str(options.video))
    pipelines, times = {}, {}
    for runtime in RUNTIMES:
        settings = {"runtime": runtime, "precision": "float32", "flow": FlowConfig(window_frames=0)}
        config = PredictConfig(max_instances=2, batch_size=BATCH, **settings)
        pipeline = load_pipeline(options.models, config)
        with open_video(index) as video:
            images = np.stack(
                [image for _, image in video.read(0, BATCH, pipeline.choose_channels(index.channels == 3))]
            )
        outputs = pipeline.run(images)
        pipeline.run_networks(images, outputs)
        pipelines[runtime], times[runtime] = (pipeline, config, images, outputs), []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.repeats):
            for runtime, (pipeline, config, images, outputs) in pipelines.items():
                whole = time_of(
                    lambda: predict_shard(index, pipeline, (0, options.frames), Path(folder, "a.parquet"), config)  # noqa: B023
                )
                alone = time_of(lambda: pipeline.run_networks(images, outputs))  # noqa: B023
                stages = time_of(lambda: pipeline.run(images))  # noqa: B023
                times[runtime].append((alone / BATCH, stages / BATCH, whole / options.frames))
    print("| runtime | networks alone | with peaks and crops | predict without flow |\n|---|---|---|---|")
    for runtime, measured in times.items():
        print(f"| {runtime} | {' | '.join(f'{1000 * min(column):.1f}' for column in zip(*measured, strict=True))} |")


if __name__ == "__main__":
    main()
