"""What of `predict` is the host's work: a network that costs nothing, processor time a frame by stage, and its scaling.

    python benchmarks/host.py --video data/courtship/courtship_part1.mp4 --labels data/courtship/courtship_part1.slp

The network is replaced by the labels of the video (or, without, by two animals that stand still), so that all that is
left is reading, flow, assembly and writing. Stages are measured alone, in processor time (user and system), which other
work on the machine changes little; `--scaling` compares wall-clock time on one and on all processors, which it does.
What these then give is seen beside it: as many such processes as there are processors, one on each.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from numpy.typing import NDArray

from poseflow.config import PredictConfig
from poseflow.core.skeleton import Skeleton
from poseflow.inference import Pipeline, predict_shard
from poseflow.media import VideoIndex, index_video, open_video
from poseflow.tables import Instances

NODES = 13


def read_points(index: VideoIndex, labels: Path | None) -> NDArray[np.float32]:
    """Points (frames, 2, nodes, 2) of two animals: of a label file, or of animals that stand still."""
    if labels is None:
        spread = np.random.default_rng(0).uniform(-40, 40, (NODES, 2))
        centers = np.array([[0.4, 0.4], [0.6, 0.6]])[:, None] * [index.width, index.height]
        return np.tile(centers + spread, (index.frames, 1, 1, 1)).astype(np.float32)
    import sleap_io

    points = sleap_io.load_file(str(labels), open_videos=False).numpy(untracked=True)
    return np.asarray(points[: index.frames, :2], np.float32)


def make_pipeline(points: NDArray[np.float32], begin: int = 0) -> Pipeline:
    """A pipeline that is asked for batch after batch from frame `begin` on, and knows the animals of each."""
    nodes = points.shape[2]
    position = begin

    def run(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        nonlocal position
        first, position = position, position + len(images)
        return (points[np.minimum(np.arange(first, position), len(points) - 1)],)

    def assemble(outputs: tuple[NDArray[np.float32], ...]) -> Instances:
        (own,) = outputs
        count = len(own) * 2
        present = np.isfinite(own.reshape(count, nodes, 2)[..., 0])
        found = Instances.from_arrays(
            np.repeat(np.arange(len(own)), 2), np.full(count, 0.9), own.reshape(count, nodes, 2), present * 0.9
        )
        return found.take(present.any(axis=1))

    skeleton = Skeleton(nodes=tuple(f"node{number}" for number in range(nodes)))
    return Pipeline(skeleton, 1, (), (), run, assemble)


def measure(frames: int, repeats: int, work: Callable[[], None]) -> tuple[float, float]:
    """The least processor time and the least wall-clock time of some repeats, ms a frame."""
    spent = []
    for _ in range(repeats):
        begin, begin_wall = process_time(), perf_counter()
        work()
        spent.append((process_time() - begin, perf_counter() - begin_wall))
    return 1000 * min(cpu for cpu, _ in spent) / frames, 1000 * min(wall for _, wall in spent) / frames


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--video", type=Path, required=True)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--scaling", action="store_true", help="Compare one processor with all that there are.")
    parser.add_argument("--only-on", type=int, help="`predict` alone, on the processor of this number.")
    args = parser.parse_args()
    index = index_video(args.video)
    frames = min(args.frames, index.frames)
    points = read_points(index, args.labels)
    config = PredictConfig(max_instances=2)
    without = config.model_copy(update={"flow": config.flow.model_copy(update={"window_frames": 0})})
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.parquet"

        def predict(settings: PredictConfig) -> None:
            predict_shard(index, make_pipeline(points), (0, frames), out, settings)

        def decode() -> None:
            with open_video(index) as video:
                for _ in video.read(0, frames, 1):
                    pass

        if args.only_on is not None:
            os.sched_setaffinity(0, {args.only_on})
            print(measure(frames, args.repeats, lambda: predict(config))[1])
            return
        stages = {
            "decoding": decode,
            "predict without flow": lambda: predict(without),
            "predict": lambda: predict(config),
        }
        print(f"{index.width} x {index.height}, {frames} frames, 2 animals, {points.shape[2]} nodes; ms a frame")
        print(f"{'':24} processor   wall clock   load")
        processors = [os.sched_getaffinity(0)]
        if args.scaling:
            processors.insert(0, set(sorted(processors[0])[:1]))
        for own in processors:
            os.sched_setaffinity(0, own)
            for name, work in stages.items():
                cpu, wall = measure(frames, args.repeats, work)
                what = f"{name}, {len(own)} processors" if args.scaling else name
                print(f"{what:34} {cpu:8.3f} {wall:10.3f}   {os.getloadavg()[0]:.1f}", flush=True)
    if args.scaling:
        command = [sys.executable, __file__, *sys.argv[1:], "--only-on"]
        beside = [
            subprocess.Popen([*command, str(own)], stdout=subprocess.PIPE, text=True) for own in sorted(processors[-1])
        ]
        walls = [float(one.communicate()[0]) for one in beside]
        shared = 1 / sum(1 / wall for wall in walls)
        print(f"{f'predict, {len(walls)} processes side by side':34} {'':8} {shared:10.3f}")


if __name__ == "__main__":
    main()
