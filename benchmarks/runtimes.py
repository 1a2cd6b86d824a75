"""What each runtime takes: for the networks alone, for the whole of their stages, and for `predict` without flow.

    python benchmarks/runtimes.py --models CENTROID CENTERED_INSTANCE --video VIDEO

In turns, the least of some repeats: processor time a frame, which says more on a machine that others use too, and
frames per second by the clock, with what share of the networks' speed `predict` keeps.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from poseflow.config import FlowConfig, PredictConfig
from poseflow.inference import load_pipeline, predict_shard
from poseflow.media import index_video, open_video
from poseflow.steps.choose_runtime import list_candidates

BATCH = 8


def time_of(work: Callable[[], object], repeats: int = 1) -> tuple[float, float]:
    """Processor time of all threads, and time by the clock, in seconds a repeat."""
    begin, begin_wall = process_time(), perf_counter()
    for _ in range(repeats):
        work()
    return (process_time() - begin) / repeats, (perf_counter() - begin_wall) / repeats


def main() -> None:
    """Measure and print a table."""
    data = os.environ.get("POSEFLOW_REAL_DATA", "")
    shipped = [
        Path(data, "sleap_models", f"minimal_instance.UNet.{kind}") for kind in ("centroid", "centered_instance")
    ]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, nargs="+", default=shipped)
    parser.add_argument("--video", type=Path, default=Path(data, "fly_pair", "centered_pair_low_quality.mp4"))
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=4)
    options = parser.parse_args()
    index = index_video(str(options.video))
    pipelines, times = {}, {}
    for runtime, precision in list_candidates():
        settings = {"runtime": runtime, "precision": precision, "flow": FlowConfig(window_frames=0)}
        config = PredictConfig(max_instances=2, batch_size=BATCH, **settings)
        pipeline = load_pipeline(options.models, config)
        with open_video(index) as video:
            images = np.stack(
                [image for _, image in video.read(0, BATCH, pipeline.choose_channels(index.channels == 3))]
            )
        outputs = pipeline.run(images)
        pipeline.run_networks(images, outputs)
        way = f"{runtime}, {precision}"
        pipelines[way], times[way] = (pipeline, config, images, outputs), []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.repeats):
            for way, (pipeline, config, images, outputs) in pipelines.items():
                whole = time_of(
                    lambda: predict_shard(index, pipeline, (0, options.frames), Path(folder, "a.parquet"), config)  # noqa: B023
                )
                batches = options.frames // BATCH
                alone = time_of(lambda: pipeline.run_networks(images, outputs), batches)  # noqa: B023
                stages = time_of(lambda: pipeline.run(images), batches)  # noqa: B023
                counts = (BATCH, BATCH, options.frames)
                times[way].append(
                    [(spent / n, wall / n) for (spent, wall), n in zip((alone, stages, whole), counts, strict=True)]
                )
    print("processor time, ms a frame, and frames/s by the clock\n")
    print("| runtime | networks alone | with peaks and crops | predict without flow | predict / networks alone |")
    print("|---|---|---|---|---|")
    for way, measured in times.items():
        least = np.min(measured, axis=0)
        cells = [f"{1000 * spent:.1f}; {1 / wall:.1f}" for spent, wall in least]
        print(f"| {way} | {' | '.join(cells)} | {least[0, 1] / least[2, 1]:.2f} |")


if __name__ == "__main__":
    main()
