"""How near prediction comes to the speed of its networks, and whether its memory grows with the recording.

    python benchmarks/predict.py --models results/models/centroid/KEY results/models/centered_instance/KEY

Renders a synthetic cage and, without `--models`, trains small models on it for a minute. Prints frames/s of the bare
networks on frames in memory, of the whole of `predict` (decoding, networks, flow, table) in the same process, their
ratio, and with `--memory` the peak memory of `predict` over a short and a long recording, each in its own process.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from poseflow.config import LabelsConfig, PredictConfig, SplitConfig, read_model_config
from poseflow.config.synth import SynthConfig
from poseflow.inference import load_pipeline, predict_shard
from poseflow.labels import read_labels, split_labels, write_package
from poseflow.media import VideoIndex, index_video, open_video, write_video
from poseflow.synth import film_cage, render_cage
from poseflow.training import train_model

KINDS = ("centroid", "centered_instance")


def train_small_models(folder: Path, video: Path) -> list[Path]:
    """Train both models of the top-down pair briefly: the speed depends on the animals that are found."""
    labels = read_labels([video.with_suffix(".slp")], LabelsConfig(video_folders=(str(video.parent),)))
    for side, part in split_labels(labels, SplitConfig(by="frame", test_fraction=0)).items():
        write_package(part, folder / f"{side}.pkg.slp")
    for kind in KINDS:
        profile = read_model_config(f"config/models/{kind}.yaml")
        training = profile.training.model_copy(update={"max_epochs": 2, "steps_per_epoch": 150, "pictures_every": 0})
        profile = profile.model_copy(update={"training": training})
        train_model(profile, folder / "train.pkg.slp", folder / "val.pkg.slp", folder / kind)
    return [folder / kind for kind in KINDS]


def best_rate(frames: int, repeats: int, work: Callable[[], None]) -> float:
    """Frames per second of the fastest of some repeats, after one to warm up."""
    work()
    seconds = []
    for _ in range(repeats):
        begin = perf_counter()
        work()
        seconds.append(perf_counter() - begin)
    return frames / min(seconds)


def measure_speed(index: VideoIndex, models: list[Path], folder: Path, repeats: int) -> None:
    """Print the rates of decoding, networks and everything together."""
    config = PredictConfig(max_instances=6)
    pipeline = load_pipeline(models, config)
    with open_video(index) as video:
        images = np.stack([image for _, image in video.read(0, index.frames, pipeline.channels) if image is not None])
    batches = [images[i : i + config.batch_size] for i in range(0, len(images), config.batch_size)]
    batches = [batch for batch in batches if len(batch) == config.batch_size]
    found = 0

    def run_networks() -> None:
        nonlocal found
        found = sum(len(pipeline.find(batch)) for batch in batches)

    def run_predict() -> None:
        predict_shard(index, pipeline, (0, index.frames), folder / "out.parquet", config)

    def decode() -> None:
        with open_video(index) as video:
            for _ in video.read(0, index.frames, pipeline.channels):
                pass

    networks = best_rate(len(batches) * config.batch_size, repeats, run_networks)
    whole = best_rate(index.frames, repeats, run_predict)
    decoding = best_rate(index.frames, repeats, decode)
    print(f"frames of {index.width} x {index.height}, {found / (len(batches) * config.batch_size):.2f} animals a frame")
    print(f"networks alone, frames in memory: {networks:8.1f} frames/s")
    print(f"decoding alone:                   {decoding:8.1f} frames/s")
    print(f"predict, video to table:          {whole:8.1f} frames/s")
    print(f"predict / networks:               {whole / networks:8.2f}")


def measure_memory(frames: int, models: list[Path], folder: Path) -> float:
    """Peak memory, MiB, of a process that predicts a recording of so many frames (a short one, repeated)."""
    video = folder / f"{frames}.mp4"
    if not video.exists():
        scene = [image for _, image in film_cage(SynthConfig(frames=100, animals=2, width=320, height=240))]
        write_video(video, (scene[i % len(scene)] for i in range(frames)), 25)
    command = [sys.executable, __file__, "--peak-of", str(video), "--models", *map(str, models)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def print_peak(video: Path, models: list[Path]) -> None:
    """Predict one recording and print this process's peak memory in MiB."""
    config = PredictConfig()
    index = index_video(video)
    with tempfile.TemporaryDirectory() as folder:
        predict_shard(index, load_pipeline(models, config), (0, index.frames), Path(folder) / "out.parquet", config)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", type=Path, help="Model folders; default: small ones are trained.")
    parser.add_argument("--video", type=Path, help="A recording; default: a synthetic cage.")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--animals", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", nargs=2, type=int, metavar=("SHORT", "LONG"), help="Frames, such as 1000 20000.")
    parser.add_argument("--peak-of", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peak_of:
        print_peak(args.peak_of, args.models)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cage = folder / "cage.mp4"
        if not (args.models and args.video):
            render_cage(cage, SynthConfig(frames=args.frames, animals=args.animals, label_every=5))
        models = args.models or train_small_models(folder, cage)
        measure_speed(index_video(args.video or cage), models, folder, args.repeats)
        if args.memory:
            short, long = (measure_memory(frames, models, folder) for frames in args.memory)
            print(f"peak memory: {short:.0f} MiB for {args.memory[0]} frames, {long:.0f} MiB for {args.memory[1]}")
            print(f"ratio:                            {long / short:8.2f}")


if __name__ == "__main__":
    main()
