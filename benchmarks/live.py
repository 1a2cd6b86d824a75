"""How quickly `poseflow live` answers, and whether its memory stays, with a network that costs next to nothing.

    python benchmarks/live.py --video data/flies13/flies13_part1.mp4 --seconds 60

A video plays at 150 frames/s, again and again. The network is replaced by a male and a female: once a second he
comes up behind her, for half of it; a trigger waits for that. Prints latencies, how late the trigger was, and memory.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import psutil
from numpy.typing import NDArray

from poseflow.config import TrackingConfig
from poseflow.core.skeleton import Skeleton
from poseflow.inference import Pipeline
from poseflow.live import LiveRun, LiveSettings
from poseflow.live.frames import Frame
from poseflow.live.sources import Source, SourceSettings, open_source
from poseflow.tables import Instances

NODES = ("head", "thorax", "abdomen", *(f"node{number}" for number in range(10)))
APPROACH = (
    "distance(male.head, female.abdomen) < 2 * mm and abs(bearing(male.thorax, male.head, female.thorax)) < 25 "
    "and abs(bearing(female.thorax, female.head, male.thorax)) > 145"
)
PERIOD, PIXELS_PER_MM = 150, 30.3


def is_approach(number: int) -> bool:
    """Whether the male of that frame is behind the female."""
    return number % PERIOD >= PERIOD // 2


class Numbered:
    """A source whose frames the network can tell the numbers of."""

    def __init__(self, source: Source) -> None:
        self._source, self.facts = source, source.facts

    def frames(self, channels: int) -> Iterator[Frame]:
        for frame in self._source.frames(channels):
            frame.image[0, :4, 0] = np.frombuffer(np.uint32(frame.number).tobytes(), np.uint8)
            yield frame

    def close(self) -> None:
        self._source.close()


def make_pipeline(network_ms: float) -> Pipeline:
    """Finds the male and the female of a frame by the number that is written into it."""
    along = np.array([[30, 0], [0, 0], [-30, 0], *([[5, 5]] * 10)], np.float32)

    def run(images: NDArray[np.uint8]) -> tuple[NDArray[np.uint32]]:
        if network_ms:
            sleep(network_ms / 1000)
        return (np.frombuffer(images[0, 0, :4, 0].tobytes(), np.uint32),)

    def assemble(outputs: tuple[NDArray[np.uint32]]) -> Instances:
        male = np.array([420 if is_approach(int(outputs[0][0])) else 100, 500])
        points = np.stack([along + male, along + np.array([500, 500])])
        return Instances.from_arrays([0, 0], [0.9, 0.8], points, np.full((2, 13), 0.9), np.eye(2))

    return Pipeline(Skeleton(nodes=NODES), 1, (), ("male", "female"), run, assemble)


def describe_lateness(events: Path, fps: float) -> str:
    """How long after the first frame of an approach the trigger was met, ms."""
    late = []
    before = None
    for line in events.open():
        message = json.loads(line)
        if message["kind"] != "trigger":
            continue
        if message["value"] and before == 0:
            into = message["frame"] % PERIOD - PERIOD // 2
            late.append(1000 * into / fps + message["age_ms"])
        before = message["value"]
    if not late:
        return "the trigger was never met"
    return f"{len(late)} approaches met, ms after their first frame: median {np.median(late):.1f}, most {max(late):.1f}"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--video", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=150)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--network-ms", type=float, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder) / "events.jsonl"
        settings = LiveSettings(
            rate=args.rate,
            repeat=True,
            seconds=args.seconds,
            triggers=(f"approach = {APPROACH}",),
            outputs=(f"file:{events}",),
            pixels_per_mm=PIXELS_PER_MM,
        )

        def open_numbered(source: str, asked: SourceSettings) -> Source:
            return Numbered(open_source(source, asked))

        run = LiveRun(
            str(args.video),
            make_pipeline(args.network_ms),
            TrackingConfig(),
            settings,
            Path(folder) / "poses.parquet",
            open=open_numbered,
        )
        oldest, begin, memory, said = 0.0, monotonic(), [], 0.0
        for poses in run.answers():
            oldest = max(oldest, poses.latency_s)
            if monotonic() - begin > said:
                memory.append(psutil.Process().memory_info().rss / 2**20)
                said += args.seconds / 10
        print("\n".join(run.summary))
        print(f"oldest answer: {oldest * args.rate:.2f} frame times after its frame")
        print(describe_lateness(events, args.rate))
        print(f"memory by tenths of the run, MiB: {', '.join(f'{own:.0f}' for own in memory)}")


if __name__ == "__main__":
    main()
