"""Tracking by optical flow beside sleap-nn's: the same detections, the same video, the same machine, in turns.

    python benchmarks/tracking_peers.py --video VIDEO --labels VIDEO.slp

The detections are those of a file of labels. sleap-nn (of benchmarks/peers.py) tracks them by `--use_flow`, which reads
the video once more; its command runs over few and over many frames, and the difference is its speed. Ours is what
`predict` takes longer with flow than without, beside a network that costs nothing, and `track`, which reads no video.
Both by the clock, with all processors.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from host import make_pipeline, read_points
from peers import FEW, MANY, Side, rate_of
from sides import PEER, Run, install_peer, run_side

from poseflow.config import PredictConfig, TrackingConfig
from poseflow.inference import predict_shard
from poseflow.media import index_video
from poseflow.tracking import RecordingFile, track_recording

ANIMALS = 2


def time_ours(video: Path, labels: Path, frames: int, folder: Path) -> float:
    """Seconds for flow and for tracking."""
    index = index_video(video)
    points = read_points(index, labels)
    config = PredictConfig(max_instances=ANIMALS)
    without = config.model_copy(update={"flow": config.flow.model_copy(update={"window_frames": 0})})
    seconds = {}
    for name, settings in (("without", without), ("with", config)):
        begin = perf_counter()
        predict_shard(index, make_pipeline(points), (0, frames), folder / f"{name}.parquet", settings)
        seconds[name] = perf_counter() - begin
    begin = perf_counter()
    tracking = TrackingConfig(candidates="flow", similarity="oks", max_tracks=ANIMALS)
    track_recording([RecordingFile("video", [folder / "with.parquet"], 0)], tracking, folder / "tracks.parquet")
    return seconds["with"] - seconds["without"] + perf_counter() - begin


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--few", type=int, default=50, help="frames of sleap-nn's short run")
    parser.add_argument("--many", type=int, default=350, help="frames of its long run")
    parser.add_argument("--ours", type=int, default=2000, help="frames of ours, whose share of `predict` is small")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--environment", type=Path, default=Path(".peers"))
    options = parser.parse_args()
    commands = install_peer(options.environment.absolute())
    command = (str(commands / PEER), "track", "--data_path", str(options.labels.absolute()), "--tracking", "--use_flow")
    limits = ("--max_tracks", str(ANIMALS), "--candidates_method", "local_queues", "--video_index", "0")
    theirs = Side(PEER, (*command, *limits, "--frames", "0-{last}", "-o", "{out}"))
    frames = {FEW: options.few, MANY: options.many}
    rates: dict[str, list[float]] = {"poseflow": [], PEER: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(options.rounds):
            rates["poseflow"].append(
                options.ours / time_ours(options.video.absolute(), options.labels, options.ours, folder)
            )
            runs: list[Run] = [
                run_side(theirs.fill(count, folder / f"{length}.slp"), folder) for length, count in frames.items()
            ]
            rates[PEER].append(rate_of(runs, frames))
    print("| | frames/s, median (lowest, highest) |\n|---|---|")
    for side, own in rates.items():
        print(f"| {side} | {median(own):.1f} ({min(own):.1f}, {max(own):.1f}) |")
    ratios = [one / other for one, other in zip(*rates.values(), strict=True)]
    print(f"\nratio, round by round: {', '.join(f'{ratio:.1f}' for ratio in ratios)}")


if __name__ == "__main__":
    main()
