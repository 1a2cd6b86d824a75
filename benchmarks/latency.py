"""How long one frame takes, top-down at 1024 x 1024, from pixels to points: networks of the profiles, batch 1.

    python benchmarks/latency.py

The networks are not trained, so no animal is found: two would take as long, since crops are padded to two. Keras, with
crops padded to eight, as for batches, beside it, and the other runtimes, in float32 and where the processor has it in
bfloat16, are measured in turns.
"""

import argparse
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from poseflow.config import PredictConfig, read_model_config
from poseflow.core.skeleton import Skeleton
from poseflow.inference.pipelines import build_pipeline
from poseflow.inference.runtimes.keras import KerasRuntime
from poseflow.inference.runtimes.onnx_runtime import OnnxRuntime
from poseflow.inference.runtimes.openvino import OpenVINORuntime
from poseflow.models.trained import TrainedModel
from poseflow.networks.build import build_model
from poseflow.networks.onnx.network import StoredNetwork, convert_network
from poseflow.steps.choose_runtime import list_candidates

SKELETON = Skeleton(nodes=tuple(f"node{number}" for number in range(13)))
KINDS = ("centroid", "centered_instance")


def build_models(precision: str) -> list[TrainedModel]:
    """Both networks of the profiles, with weights as they begin."""
    models = []
    for kind in KINDS:
        profile = read_model_config(f"config/models/{kind}.yaml")
        changed = {"anchor": "node1", "crop_px": 160}
        training = profile.training.model_copy(update={"precision": precision})
        config = profile.model_copy(update={"input": profile.input.model_copy(update=changed), "training": training})
        models.append(TrainedModel(Path(kind), config, SKELETON, build_model(config, SKELETON)))
    return models


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=100)
    args = parser.parse_args()
    image = np.random.default_rng(0).integers(0, 255, (1, 1024, 1024, 1), dtype=np.uint8)
    works = {}
    formats = list_candidates()
    for precision in dict.fromkeys(precision for _, precision in formats):
        models = build_models(precision)
        single = build_pipeline(models, PredictConfig(batch_size=1), KerasRuntime())
        works[f"keras, {precision}"] = partial(single.find, image)
        pair = np.concatenate([image, np.zeros_like(image)])
        works[f"keras, {precision}, a black frame beside it"] = partial(single.find, pair)
        eight = build_pipeline(models, PredictConfig(batch_size=8), KerasRuntime())
        works[f"keras, {precision}, crops padded to eight"] = partial(eight.find, image)
    stored = [replace(one, network=StoredNetwork(convert_network(one.network))) for one in build_models("float32")]
    for name, precision in formats:
        if name == "keras":
            continue
        runtime = OnnxRuntime() if name == "onnxruntime" else OpenVINORuntime(precision)
        pipeline = build_pipeline(stored, PredictConfig(batch_size=1), runtime)
        works[f"{name}, {precision}"] = partial(pipeline.find, image)
    for work in works.values():
        work()
    walls: dict[str, list[float]] = {name: [] for name in works}
    spent = dict.fromkeys(works, 0.0)
    for _ in range(args.frames):
        for name, work in works.items():
            begin, begin_wall = process_time(), perf_counter()
            work()
            walls[name].append(1000 * (perf_counter() - begin_wall))
            spent[name] += 1000 * (process_time() - begin) / args.frames
    print(f"ms a frame; load {os.getloadavg()[0]:.1f} on {len(os.sched_getaffinity(0))} processors")
    for name, own in walls.items():
        mean, median, least, p95 = np.mean(own), np.median(own), np.min(own), np.percentile(own, 95)
        print(
            f"{name:46} mean {mean:6.1f}  median {median:6.1f}  least {least:6.1f}  95 % {p95:6.1f}  "
            f"processor {spent[name]:6.1f}"
        )


if __name__ == "__main__":
    main()
