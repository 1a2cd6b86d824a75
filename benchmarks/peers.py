"""poseflow beside sleap-nn: the same weights, the same video, the same machine, in turn.

    python benchmarks/peers.py --models CENTROID CENTERED_INSTANCE --video VIDEO

sleap-nn is installed into an environment of its own (`.peers`): PyTorch first, then torchvision without what it would
bring along, then sleap-nn with PyTorch held fast. Each side is its own command, `poseflow predict` or `sleap-nn`, run
over few and over many frames: the difference is its speed, the rest what it takes to start. sleap-nn also runs its own
export to ONNX, and ours. Ours also run in bfloat16, where the processor has it. How far points lie from those of the
first side is told beside the speed. Sides take turns, round by round, at the same priority. While each runs, what other
processes of this machine compute is logged; a round in which that is more than `--most-foreign` of all cores counts for
no ratio, and where too few rounds are left there is none.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
from sides import LEAST_ROUNDS, PEER, Run, describe_peer, install_peer, run_side

from poseflow.config import PredictConfig
from poseflow.exchange.predictions import iter_foreign_instances
from poseflow.media import index_video, open_video
from poseflow.models import read_model_folder
from poseflow.models.exported import ExportSettings
from poseflow.steps.choose_runtime import list_candidates, measure_moves
from poseflow.steps.export_model import export_models
from poseflow.steps.release import name_models
from poseflow.tables import Instances, read_predictions

FEW, MANY = "few", "many"


@dataclass(frozen=True)
class Side:
    """One way to predict: a command with places for the number of frames and the file that is written."""

    name: str
    command: tuple[str, ...]

    def fill(self, frames: int, out: Path) -> list[str]:
        """The command for so many frames."""
        return [part.format(frames=frames, last=frames - 1, out=out) for part in self.command]


def find_sides(
    models: Sequence[Path], video: Path, peer: Path | None, folder: Path, settings: PredictConfig
) -> list[Side]:
    """All ways that are compared; exported models lie in `folder` afterwards."""
    own = Path(sys.executable).parent / "poseflow"
    changes = [part for key in ("max_instances", "batch_size") for part in ("--set", f"{key}={getattr(settings, key)}")]
    named = name_models(list(models))
    with open_video(index_video(str(video))) as opened:
        image = next(image for _, image in opened.read(0, 1, 1) if image is not None)
    export_models(named, folder / "ours", ExportSettings("onnx", "float32", image.shape[:2], settings))
    sides = []
    for runtime, precision in list_candidates():
        folders = models if runtime == "keras" else [folder / "ours" / name for name in named]
        given = [part for one in folders for part in ("-m", str(one))]
        flow = ("--set", "flow.window_frames=0")
        command = (str(own), "predict", str(video), *given, "--out", "{out}", "--stop", "{frames}", *changes, *flow)
        chosen = ("--set", f"runtime={runtime}", "--set", f"precision={precision}")
        name = f"poseflow, {runtime}" + ("" if precision == "float32" else f", {precision.removeprefix('mixed_')}")
        sides.append(Side(name, (*command, *chosen)))
    if peer is not None:
        theirs = folder / "theirs"
        size = ("--input-height", str(image.shape[0]), "--input-width", str(image.shape[1]))
        limits = ("--max-instances", str(settings.max_instances), "--max-batch-size", str(settings.batch_size))
        export = [peer / PEER, "export", *models, "--output", theirs, *size, *limits]
        subprocess.run(export, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for name, folders, options in (
            (PEER, models, ("--max_instances", str(settings.max_instances))),
            (f"{PEER}, its ONNX", [theirs], ("--runtime", "onnx")),
            (f"{PEER}, our ONNX", [folder / "ours"], ("--runtime", "onnx")),
        ):
            given = [part for one in folders for part in ("--model_paths", str(one))]
            common = ("--frames", "0-{last}", "-o", "{out}.slp", "--batch_size", str(settings.batch_size))
            command = (str(peer / PEER), "predict", "--data_path", str(video), *given, *common, "--device", "cpu")
            sides.append(Side(name, (*command, *options)))
    return sides


def out_of(side: Side, length: str, folder: Path) -> Path:
    """The table that a side writes."""
    return folder / f"{side.name}, {length}.parquet"


def read_side(table: Path, frames: int) -> list[Instances]:
    """What a side found, frame by frame."""
    if table.exists():
        found: Instances = read_predictions(table)
    else:
        parts = iter_foreign_instances(table.with_name(table.name + ".slp"), 0, (0, frames))
        found = Instances.concatenate([*parts])
    return [found.take(found.frame_idx == frame) for frame in range(frames)]


def measure(sides: Sequence[Side], frames: Mapping[str, int], rounds: int, folder: Path) -> list[dict[str, list[Run]]]:
    """Each round's runs by side, over few and over many frames."""
    measured = []
    for number in range(rounds):
        ordered = sides if number % 2 == 0 else list(reversed(sides))
        runs = {}
        for side in ordered:
            runs[side.name] = [
                run_side(side.fill(frames[length], out_of(side, length, folder)), folder) for length in (FEW, MANY)
            ]
            load = ", ".join(
                f"{run.seconds:.1f} s with {run.foreign_cores:.2f} cores of others" for run in runs[side.name]
            )
            print(f"round {number + 1}, {side.name}: {load}", file=sys.stderr, flush=True)
        measured.append(runs)
    return measured


def describe_moves(sides: Sequence[Side], frames: int, folder: Path) -> dict[str, str]:
    """How far the points of each side lie from those of the first one."""
    reference = read_side(out_of(sides[0], MANY, folder), frames)
    told = {}
    for side in sides:
        moves = measure_moves(reference, read_side(out_of(side, MANY, folder), frames))
        both = moves[np.isfinite(moves)]
        told[side.name] = (
            f"{np.median(both):.4f} / {np.percentile(both, 99):.3f}, {np.isinf(moves).mean():.1%} in one only"
        )
    return told


def rate_of(runs: Sequence[Run], frames: Mapping[str, int]) -> float:
    """Frames per second, start not counted."""
    few, many = runs
    return (frames[MANY] - frames[FEW]) / (many.seconds - few.seconds)


def start_of(runs: Sequence[Run], frames: Mapping[str, int]) -> float:
    """Seconds that are not spent on frames."""
    return max(runs[0].seconds - frames[FEW] / rate_of(runs, frames), 0.0)


def is_equal(round_: Mapping[str, Sequence[Run]], most_foreign: float) -> bool:
    """Whether no side of a round had to share the machine."""
    limit = most_foreign * len(os.sched_getaffinity(0))
    return all(run.foreign_cores <= limit for runs in round_.values() for run in runs)


def is_measured(round_: Mapping[str, Sequence[Run]]) -> bool:
    """Whether more frames took longer than fewer, on all sides; on a busy machine they may not."""
    return all(many.seconds > few.seconds for few, many in round_.values())


def print_table(
    measured: Sequence[Mapping[str, Sequence[Run]]],
    frames: Mapping[str, int],
    most_foreign: float,
    against: str,
    moves: Mapping[str, str],
) -> None:
    """Medians with their spread; ratios of rounds in which all sides had the machine for themselves."""
    told = [round_ for round_ in measured if is_measured(round_)]
    equal = [round_ for round_ in told if is_equal(round_, most_foreign)]
    counted = equal or told
    print(f"{len(equal)} of {len(measured)} rounds without foreign load above {most_foreign:.0%} of the cores\n")
    if not counted:
        print("nothing was measured: in no round did more frames take longer than fewer on all sides")
        return
    print(f"| side | frames/s (lowest, highest) | start, s | times {against} | moved, median / 99 %, px |")
    print("|---|---|---|---|---|")
    for name in measured[0]:
        rates = [rate_of(round_[name], frames) for round_ in counted]
        start = median(start_of(round_[name], frames) for round_ in counted)
        ratio = "no ratio: too few equal rounds"
        if len(equal) >= LEAST_ROUNDS and against in measured[0]:
            ratios = [rate_of(round_[name], frames) / rate_of(round_[against], frames) for round_ in equal]
            ratio = f"{median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})"
        speed = f"{median(rates):.1f} ({min(rates):.1f}, {max(rates):.1f})"
        print(f"| {name} | {speed} | {start:.1f} | {ratio} | {moves[name]} |")


def main() -> None:
    """Install the peer, measure, and print."""
    data = os.environ.get("POSEFLOW_REAL_DATA", "")
    shipped = [Path(data, "sleap_nn_models", f"minimal_instance_{kind}") for kind in ("centroid", "centered_instance")]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, nargs="+", default=shipped)
    parser.add_argument("--video", type=Path, default=Path(data, "fly_pair", "centered_pair_low_quality.mp4"))
    parser.add_argument("--few", type=int, default=100)
    parser.add_argument("--many", type=int, default=1100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most-foreign", type=float, default=0.05, help="share of all cores")
    parser.add_argument("--environment", type=Path, default=Path(".peers"))
    parser.add_argument("--without-peer", action="store_true", help="only our own runtimes")
    options = parser.parse_args()
    peer = None if options.without_peer else install_peer(options.environment.absolute())
    settings = PredictConfig(max_instances=2, precision="float32")
    frames = {FEW: options.few, MANY: options.many}
    models = [folder.absolute() for folder in options.models]
    kinds = ", ".join(read_model_folder(folder).config.kind for folder in models)
    load = os.getloadavg()[0]
    print(
        f"{platform.processor() or platform.machine()}, {len(os.sched_getaffinity(0))} cores, load {load:.1f}; {kinds}"
    )
    packages = ["tensorflow-cpu", "onnxruntime", "openvino"]
    print(", ".join([f"poseflow {version('poseflow')}", *(f"{one} {version(one)}" for one in packages)]))
    if peer is not None:
        print(describe_peer(peer))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sides = find_sides(models, options.video.absolute(), peer, folder, settings)
        measured = measure(sides, frames, options.rounds, folder)
        moves = describe_moves(sides, frames[MANY], folder)
    print_table(measured, frames, options.most_foreign, PEER if peer is not None else sides[0].name, moves)


if __name__ == "__main__":
    main()
