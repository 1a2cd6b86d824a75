"""Training beside sleap-nn: the same frames and split, the same cores, pose networks of centered instances alone.

    python benchmarks/training_peers.py --out FOLDER

On `courtship_part1` of the courting flies (docs/benchmarks.md): both train on the same packages of labeled frames, of
the blocks of `config/flies.yaml`, and both are measured by one function, which cuts crops round the *labeled* thorax,
so that no detector counts.

*Speed*: steps per second, augmentation and loading included, of the same UNet (16 filters, crops of 160 px at full
resolution, output stride 4, batch 4) in float32; ours in its default number format and with what its own recipe adds,
too. Sides take turns, round by round; what other processes compute meanwhile is logged, and a round in which that is
more than `--most-foreign` of all cores counts for no ratio.

*Accuracy*: after so many minutes of training, by the settings that either program has for such data: ours those of
`config/flies.yaml`, sleap-nn's what its own generator of configurations recommends for animals seen from above, with
images cached in memory and loaded by worker processes, as its documentation advises. `sleap-nn-small` is its recipe
with a network of our filters, not rounded up and without normalization, and our crop. Minutes are those of training:
steps, the loading of their batches, and validation, each as its own settings have it; start-up, caching, pictures and
the writing of checkpoints are not counted on either side, compiling is. Our rate falls with the time, so each length is
a training of its own. sleap-nn's is constant until validation stalls, whatever the length: one training is read at all
of them, and of its weights at that moment and those of its best epoch until then the better ones on the validation
frames count. A training that its own rule has ended early counts for the later minutes too.

What is done stays in `--out`: the same command goes on where it stopped. Lanes with other `--cores` and `--sides` may
run side by side and fill the same folder; the last to end prints what all of them found.
"""

import argparse
import csv
import json
import os
import platform
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import mean, median
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import sleap_io as sio
import yaml
from sides import LEAST_ROUNDS, PEER, Run, describe_peer, install_peer, run_side

from poseflow.config import LabelsConfig, PredictConfig, read_model_config, read_yaml
from poseflow.core.files import read_json
from poseflow.evaluation import PredictedPoses, evaluate_poses
from poseflow.labels import Package, read_labels, read_package, write_package
from poseflow.labels.split import part_of

HERE = Path(__file__).resolve().parent
ANCHOR = "thorax"
TEST, TRAIN = (1700, 1999), (0, 1549)  # first and last frame
EVERY = 3  # of the validation block's frames: as many animals as ours look at after each epoch
FEW = 5  # frames on which both programs run the same checkpoint
THRESHOLD = 0.2  # of peaks, the default of both programs
SPEED_EPOCH = 200  # steps, as the recipe has it: what ends an epoch counts

Changes = Mapping[str, Any]  # settings that differ, by their dotted names


@dataclass(frozen=True)
class Side:
    """A program, and what differs from its own settings."""

    program: str
    changes: Changes


UNET = "model_config.backbone_config.unet"
MAPS = "model_config.head_configs.centered_instance.confmaps"
PREPROCESSING = "data_config.preprocessing"
ACCURACY = {
    "poseflow": Side("poseflow", {}),
    PEER: Side(PEER, {}),
    f"{PEER}-small": Side(
        PEER,
        {
            f"{UNET}.filters": 16,
            f"{UNET}.filters_rate": 1.5,
            f"{UNET}.output_stride": 4,
            f"{MAPS}.output_stride": 4,
            f"{PREPROCESSING}.crop_size": 160,
        },
    ),
}


def list_speed_sides(rate: float) -> dict[str, Side]:
    """One network, of filters that grow by `rate`: theirs, and ours in two formats; and ours as its recipe has it."""
    ours = {
        "backbone.filters": 16,
        "backbone.growth": rate,
        "backbone.filter_multiple": 1,
        "backbone.batch_norm": False,
        "training.learning_rate": 1.0e-3,
    }
    brief = {"training.steps_per_epoch": SPEED_EPOCH, "training.max_val_samples": 1}
    theirs = ACCURACY[f"{PEER}-small"].changes | {
        f"{UNET}.filters_rate": rate,
        "trainer_config.train_data_loader.batch_size": 4,
        "trainer_config.train_steps_per_epoch": 1_000_000,  # no epoch ends, so nothing is validated
    }
    return {
        f"{PEER}, float32": Side(PEER, theirs),
        "poseflow, float32": Side("poseflow", ours | brief | {"training.precision": "float32"}),
        "poseflow, its default format": Side("poseflow", ours | brief),
        "poseflow, its default format and normalization": Side("poseflow", {"backbone.growth": rate} | brief),
    }


class Bench:
    """A folder in which packages, trainings and results stay, and how trainings run in it."""

    def __init__(self, folder: Path, peer: Path | None) -> None:
        self.folder, self.peer = folder, peer
        self.cores = len(os.sched_getaffinity(0))
        self.sets = {name: folder / "data" / f"{name}.pkg.slp" for name in ("train", "val", "test", "few")}
        self.results = folder / "results.jsonl"

    def read(self, kind: str) -> list[dict[str, Any]]:
        """Results of a kind that are there."""
        if not self.results.exists():
            return []
        rows = map(json.loads, self.results.read_text().splitlines())
        return [row for row in rows if row["kind"] == kind]

    def add(self, row: Mapping[str, Any]) -> None:
        """Keep a result, with the number of cores that it was found on."""
        row = {**row, "cores": self.cores}
        with self.results.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def pack(self, labels: Path, video_folder: Path, val: tuple[int, int]) -> None:
        """Write the packages, which both programs read, once; ends where others were written."""
        note = self.folder / "data" / "blocks.json"
        blocks = {"train": TRAIN, "val": val, "test": TEST}
        if note.exists():
            if read_json(note) != {name: list(block) for name, block in blocks.items()}:
                raise SystemExit(f"{self.folder} holds results of other blocks, {note.read_text()}: name another --out")
            return
        note.parent.mkdir(parents=True, exist_ok=True)
        config = LabelsConfig(include_predictions=True, video_folders=(str(video_folder),))
        read = read_labels([labels], config)
        chosen = {
            "val": range(val[0], val[1] + 1, EVERY),
            "test": range(TEST[0], TEST[1] + 1),
            "few": np.linspace(*TEST, FEW).astype(int).tolist(),
            "train": [frame for frame in range(TRAIN[0], TRAIN[1] + 1) if not val[0] <= frame <= val[1]],
        }
        for name, numbers in chosen.items():
            frames = [frame for frame in read.labeled_frames if frame.frame_idx in set(numbers)]
            write_package(part_of(read, frames), self.sets[name])
        note.write_text(json.dumps(blocks))

    def train_ours(self, name: str, changes: Changes, seed: int, minutes: float) -> tuple[Path, Run | None]:
        """Train a model by the recipe of the flies; where it was interrupted it goes on, and once done it stays."""
        recipe = dict(read_yaml(HERE.parent / "config" / "flies.yaml")["models"]["centered_instance"])
        recipe["profile"] = str(HERE.parent / recipe["profile"])
        timed = {"training.minutes": minutes, "training.max_epochs": 1_000_000, "training.pictures_every": 0}
        config = read_model_config(lay_over(recipe, timed | changes | {"training.seed": seed}))
        work, model = self._work_folder(name), self.folder / "models" / name
        if (model / "training.json").exists():
            return model, None
        profile = work / "profile.yaml"
        profile.write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
        own = Path(sys.executable).parent / "poseflow"
        sets = ("--train", str(self.sets["train"]), "--val", str(self.sets["val"]))
        return model, run_side([str(own), "train", str(profile), *sets, "--out", str(model)], work)

    def train_theirs(self, name: str, changes: Changes, seed: int, minutes: Sequence[float]) -> tuple[Path, Run | None]:
        """Train by sleap-nn; an interrupted training begins anew. The folder has models' folders for all minutes."""
        if self.peer is None:
            raise SystemExit(f"{name} needs {PEER}: leave out --without-peer")
        models, work = self.folder / "models" / name, self._work_folder(name)
        if (models / "clock.json").exists():
            return models, None
        shutil.rmtree(models, ignore_errors=True)
        models.mkdir(parents=True)
        driver = [str(self.peer / "python"), str(HERE / "peer_training.py")]
        recommended = self.folder / "data" / "sleap_nn.yaml"
        if not recommended.exists():
            run_side([*driver, "configure", str(self.sets["train"]), ANCHOR, str(recommended)], work)
        given = {
            "data_config.train_labels_path": [str(self.sets["train"])],
            "data_config.val_labels_path": [str(self.sets["val"])],
            "data_config.data_pipeline_fw": "torch_dataset_cache_img_memory",
            "trainer_config.train_data_loader.num_workers": "auto",
            "trainer_config.val_data_loader.num_workers": "auto",
            "trainer_config.trainer_accelerator": "cpu",
            "trainer_config.visualize_preds_during_training": False,
            "trainer_config.enable_progress_bar": False,
            "trainer_config.model_ckpt.save_last": False,
            "trainer_config.ckpt_dir": str(work),
            "trainer_config.run_name": "training",
            "trainer_config.seed": seed,
        }
        config = work / "config.yaml"
        config.write_text(yaml.safe_dump(lay_over(yaml.safe_load(recommended.read_text()), given | changes)))
        run = run_side([*driver, "train", str(config), str(models), *(f"{one:g}" for one in minutes)], work)
        shutil.rmtree(work / "training")
        if read_json(models / "clock.json")["images"] != given["data_config.data_pipeline_fw"]:
            raise SystemExit(f"{name} must have room for its images in memory, else {PEER} trains on JPEGs of them")
        return models, run

    def _work_folder(self, name: str) -> Path:
        folder = self.folder / "work" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def lay_over(values: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """Settings with others in their place, which dotted names give."""
    laid = dict(values)
    for name, value in changes.items():
        first, _, rest = name.partition(".")
        laid[first] = lay_over(laid.get(first) or {}, {rest: value}) if rest else value
    return laid


def find_poses(model: Path, package: Package) -> list[tuple[np.ndarray, np.ndarray]]:
    """What a model, ours or sleap-nn's, finds round each labeled anchor of a package, in float32.

    Returns: for each frame its points (animals, nodes, 2), however low their peaks, and these peaks (animals, nodes).
    """
    from poseflow.core.geometry import find_anchors
    from poseflow.inference.runtimes.keras import KerasRuntime  # imports Keras, which trainings do not need here
    from poseflow.inference.stages import build_crop_stage

    runtime = KerasRuntime()
    opened = runtime.load(model, "float32")
    package.arrange_nodes(opened.skeleton, f"of {model}")
    stage = build_crop_stage(opened, PredictConfig(peak_threshold=0.0), runtime)
    anchor = opened.skeleton.index(opened.config.input.anchor)
    most = max(len(frame.points) for frame in package.frames)
    found = []
    for number, frame in enumerate(package.frames):
        image, count = package.image(number, opened.config.input.channels)[None], len(frame.points)
        centers = np.zeros((most, 2), np.float32)
        centers[:count] = find_anchors(frame.points, anchor)
        points, peaks, _ = stage(image, np.zeros(most, np.int32), centers)
        found.append((np.asarray(points)[:count], np.asarray(peaks)[:count]))
    return found


def measure(model: Path, labels: Path) -> dict[str, float | None]:
    """Accuracy of a model on a package, by `poseflow.evaluation`: with the threshold of peaks, and without."""
    with closing(read_package(labels)) as package:
        found = find_poses(model, package)
    truth = sum(int(np.isfinite(frame.points).all(axis=2).sum()) for frame in package.frames)
    told: dict[str, float | None] = {}
    for suffix, threshold in (("", THRESHOLD), ("_all", -np.inf)):
        predicted = {}
        for frame, (points, peaks) in zip(package.frames, found, strict=True):
            high = (peaks >= threshold) & np.isfinite(points[..., 0])
            scores = np.where(high, peaks, 0).mean(axis=1)
            kept = np.where(high[..., None], points, np.nan)
            predicted[frame.video, frame.frame_idx] = PredictedPoses(kept, scores)
        metrics = evaluate_poses(package.frames, predicted, package.skeleton)
        errors = metrics["errors_px"]["all"]
        told |= {
            f"map_coco{suffix}": metrics["map_coco"],
            f"median_px{suffix}": errors["p50"],
            f"p90_px{suffix}": errors["p90"],
            f"missing{suffix}": 1 - errors["count"] / truth,
        }
    return told


def check_points(bench: Bench, model: Path) -> str:
    """Whether sleap-nn itself finds the same points by a model of its own, round labeled centroids, on a few frames."""
    assert bench.peer is not None
    out = bench.folder / "work" / "few.slp"
    given = ("--data_path", bench.sets["few"], "--model_paths", model, "--peak_threshold", "0", "--device", "cpu")
    command = [bench.peer / PEER, "predict", *given, "-o", out]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{PEER} predict failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    theirs = {
        frame.frame_idx: [instance.numpy() for instance in frame.predicted_instances]
        for frame in sio.load_slp(str(out), open_videos=False)
    }
    with closing(read_package(bench.sets["few"])) as package:
        found = find_poses(model, package)
    apart = []
    for frame, (own, _) in zip(package.frames, found, strict=True):
        for pose in own:
            away = [np.linalg.norm(pose - other, axis=-1) for other in theirs.get(frame.frame_idx, [])]
            apart.append(min(away, key=np.nansum, default=np.full(len(pose), np.nan)))
    moves = np.concatenate(apart)
    one_only = f"{np.isnan(moves).mean():.1%} in one only"
    near = moves[~np.isnan(moves)]
    farthest = f"median {np.median(near):.4f} px, farthest {near.max():.4f} px, " if len(near) else ""
    return f"{PEER}'s own points by its checkpoint and ours, {len(moves)} of {FEW} frames: {farthest}{one_only}"


def count_ours(model: Path) -> dict[str, Any]:
    """How far a training of ours came, and its speed without the first epoch, in which the graph is compiled."""
    facts = read_json(model / "training.json")
    with (model / "history.csv").open(newline="") as file:
        seconds = [float(row["seconds"]) for row in csv.DictReader(file)]
    steps = facts["steps_per_epoch"]
    full = seconds[:-1]  # the last is cut off when the time is over
    rate = steps * (len(full) - 1) / (full[-1] - full[0]) if len(full) > 1 else None
    return {
        "steps_per_s": rate,
        "steps": round(steps * len(full) + (rate or 0) * (seconds[-1] - full[-1])) if full else None,
        "parameters": facts["parameters"],
        "precision": facts["precision"],
    }


def measure_speed(bench: Bench, sides: Mapping[str, Side], rate: float, minutes: float, rounds: int) -> None:
    """Train all sides in turn, as often as there are rounds, for their steps per second."""
    done = {(row["side"], row["rate"], row["round"], row["cores"]) for row in bench.read("speed")}
    for number in range(rounds):
        for label in list(sides) if number % 2 == 0 else list(reversed(sides)):
            if (label, rate, number, bench.cores) in done:
                continue
            side = sides[label]
            name = f"speed {label} {rate:g} {bench.cores}cores {number}".replace(",", "").replace(" ", "_")
            shutil.rmtree(bench.folder / "models" / name, ignore_errors=True)
            if side.program == PEER:
                model, run = bench.train_theirs(name, side.changes, number, [minutes])
                facts = read_json(model / "clock.json")
                told = {key: facts[key] for key in ("steps_per_s", "parameters", "precision", "threads", "workers")}
            else:
                model, run = bench.train_ours(name, side.changes, number, minutes)
                told = count_ours(model)
                told.pop("steps")
            if told["steps_per_s"] is None:
                raise SystemExit(f"{label} came to too few steps: more --speed-minutes")
            shutil.rmtree(model)
            foreign = run.foreign_cores if run else 0.0
            bench.add({"kind": "speed", "side": label, "rate": rate, "round": number, "foreign": foreign, **told})
            print(
                f"{name}: {told['steps_per_s']:.2f} steps/s, {foreign:.2f} cores of others", file=sys.stderr, flush=True
            )


def measure_accuracy(bench: Bench, names: Iterable[str], seeds: Sequence[int], minutes: Sequence[float]) -> None:
    """Train each side with each seed for each length, and measure on the test frames."""
    for seed in seeds:
        for name in names:
            rows = bench.read("accuracy")
            own = [row for row in rows if (row["side"], row["seed"], row["cores"]) == (name, seed, bench.cores)]
            done = {row["minutes"] for row in own}
            left = [one for one in minutes if one not in done]
            if not left:
                continue
            side = ACCURACY[name]
            measured = _measure_theirs if side.program == PEER else _measure_ours
            measured(bench, name, seed, left)


def _measure_ours(bench: Bench, name: str, seed: int, minutes: Sequence[float]) -> None:
    for length in minutes:
        folder = f"{name}_seed{seed}_{length:g}min_{bench.cores}cores"
        model, run = bench.train_ours(folder, ACCURACY[name].changes, seed, length)
        _note(bench, {"side": name, "seed": seed, "minutes": length, **count_ours(model)}, run, model)


def _measure_theirs(bench: Bench, name: str, seed: int, minutes: Sequence[float]) -> None:
    folder = f"{name}_seed{seed}_{'_'.join(f'{one:g}' for one in minutes)}min_{bench.cores}cores"
    models, run = bench.train_theirs(folder, ACCURACY[name].changes, seed, minutes)
    facts = read_json(models / "clock.json")
    for kept in facts.pop("kept"):
        validated = {}
        for model in (one for one in (models / f"{kept['minutes']:g}").iterdir() if one.is_dir()):
            accuracy = measure(model, bench.sets["val"])
            validated[model] = [accuracy[key] or 0.0 for key in ("map_coco", "map_coco_all")]
        best = max(validated, key=lambda model: validated[model])
        _note(bench, {"side": name, "seed": seed, "weights": best.name, **facts, **kept}, run, best)
    if not bench.read("check"):
        told = check_points(bench, models / f"{max(minutes):g}" / "now")
        bench.add({"kind": "check", "told": told})
        print(told, file=sys.stderr, flush=True)


def _note(bench: Bench, training: Mapping[str, Any], run: Run | None, model: Path) -> None:
    accuracy = measure(model, bench.sets["test"])
    foreign = run.foreign_cores if run else None
    bench.add({"kind": "accuracy", **training, "foreign": foreign, **accuracy})
    print("{side}, seed {seed}, {minutes:g} min".format(**training), accuracy, file=sys.stderr, flush=True)


def print_speed(rows: Sequence[Mapping[str, Any]], most_foreign: float) -> None:
    """Steps per second and how many times sleap-nn's, in rounds in which all sides had their cores for themselves."""
    reference = f"{PEER}, float32"
    for rate, cores in sorted({(row["rate"], row["cores"]) for row in rows}):
        rounds: dict[int, dict[str, Mapping[str, Any]]] = defaultdict(dict)
        for row in rows:
            if (row["rate"], row["cores"]) == (rate, cores):
                rounds[row["round"]][row["side"]] = row
        alone = [
            sides for sides in rounds.values() if all(row["foreign"] <= most_foreign * cores for row in sides.values())
        ]
        counted = alone or list(rounds.values())
        print(f"\n## Steps per second: UNet of 16 filters, rate {rate:g}, crops of 160 px, batch 4, cores: {cores}\n")
        print(f"{len(alone)} of {len(rounds)} rounds without foreign load above {most_foreign:.0%} of the cores\n")
        print(f"| side | number format | parameters | steps/s (lowest, highest) | times {reference} |")
        print("|---|---|---|---|---|")
        for name in dict.fromkeys(name for sides in counted for name in sides):
            own = [sides[name] for sides in counted if name in sides]
            both = [sides for sides in alone if {name, reference} <= sides.keys()]
            ratio = "no ratio: too few equal rounds"
            if len(both) >= LEAST_ROUNDS:
                ratio = spread([sides[name]["steps_per_s"] / sides[reference]["steps_per_s"] for sides in both], 2)
            speed = spread([row["steps_per_s"] for row in own], 2)
            print(f"| {name} | {own[0]['precision']} | {own[0]['parameters']:,} | {speed} | {ratio} |")


def spread(values: Sequence[float], digits: int) -> str:
    """The median, and the ends where there are several."""
    ends = f" ({min(values):.{digits}f}, {max(values):.{digits}f})" if len(values) > 1 else ""
    return f"{median(values):.{digits}f}{ends}"


def print_accuracy(rows: Sequence[Mapping[str, Any]]) -> None:
    """A line a side and length: means over the seeds, and the ends."""
    print("\n## Accuracy on 300 frames that neither has seen, round the labeled thorax\n")
    print("Without a threshold of peaks, all points count, those that either program would leave out too.\n")
    heads = ("mAP (COCO form)", "median, px", "90 %, px", "points left out", "mAP, all", "median, all, px")
    print(f"| side | minutes | cores, others' | seeds | parameters | steps | {' | '.join(heads)} |")
    print("|---" * (6 + len(heads)) + "|")
    groups: dict[tuple[float, int, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["minutes"], row["cores"], row["side"]].append(row)
    for (minutes, cores, name), own in sorted(groups.items(), key=lambda group: group[0][:2]):
        figures = [
            say_mean(own, "map_coco", 3),
            say_mean(own, "median_px", 2),
            say_mean(own, "p90_px", 1),
            say_mean(own, "missing", 1, "%"),
            say_mean(own, "map_coco_all", 3),
            say_mean(own, "median_px_all", 2),
        ]
        on = f"{cores}, {say_mean(own, 'foreign', 2)}"
        seeds = ", ".join(str(seed) for seed in sorted(row["seed"] for row in own))
        work = f"{own[0]['parameters']:,} | {say_mean(own, 'steps', 0)}"
        print(f"| {name} | {minutes:g} | {on} | {seeds} | {work} | {' | '.join(figures)} |")
    for row in rows:
        if row.get("seconds", np.inf) < 60 * row["minutes"]:
            trained = f"ended by its own rule after {row['seconds'] / 60:.1f} min"
            print(f"\n{row['side']}, seed {row['seed']}, {row['minutes']:g} min: {trained}")


def say_mean(rows: Sequence[Mapping[str, Any]], key: str, digits: int, unit: str = "f") -> str:
    """Mean of a figure over the seeds that have it, and its ends."""
    values = [row[key] for row in rows if row.get(key) is not None]
    if not values:
        return "none"
    ends = f" ({min(values):.{digits}{unit}}, {max(values):.{digits}{unit}})" if len(values) > 1 else ""
    return f"{mean(values):.{digits}{unit}}{ends}"


def main() -> None:
    """Install the peer, train, measure, and print."""
    data = Path(os.environ.get("POSEFLOW_REAL_DATA", "data"), "courtship")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for packages, models and results.jsonl")
    parser.add_argument("--minutes", type=float, nargs="*", default=[5, 10, 20], help="none: speed alone")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--sides", nargs="+", choices=list(ACCURACY), default=list(ACCURACY), help="for accuracy")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS, help="of the speed; 0: accuracy alone")
    parser.add_argument("--rates", type=float, nargs="+", default=[2.0], help="by which filters grow, for the speed")
    parser.add_argument("--speed-minutes", type=float, default=1.0, help="training of each side in a round")
    parser.add_argument("--cores", type=int, nargs="+", help="both sides run on these cores; by default on all")
    parser.add_argument("--most-foreign", type=float, default=0.05, help="share of these cores")
    parser.add_argument("--val-frames", type=int, nargs=2, default=[1550, 1699], metavar=("FIRST", "LAST"))
    parser.add_argument("--labels", type=Path, default=data / "courtship_part1.slp")
    parser.add_argument("--video-folder", type=Path, default=data)
    parser.add_argument("--environment", type=Path, default=Path(".peers"))
    parser.add_argument("--without-peer", action="store_true", help="only ours")
    options = parser.parse_args()
    if options.cores:
        os.sched_setaffinity(0, options.cores)  # of this process and all that it starts
    peer = None if options.without_peer else install_peer(options.environment.absolute())
    bench = Bench(options.out.absolute(), peer)
    bench.pack(options.labels, options.video_folder, tuple(options.val_frames))
    for rate in options.rates if options.rounds else []:
        speed = {name: one for name, one in list_speed_sides(rate).items() if peer or one.program != PEER}
        measure_speed(bench, speed, rate, options.speed_minutes, options.rounds)
    if options.minutes:
        names = [name for name in options.sides if peer or ACCURACY[name].program != PEER]
        measure_accuracy(bench, names, options.seeds, sorted(options.minutes))
    cores = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
    print(f"{platform.processor() or platform.machine()}, cores {cores}, load {os.getloadavg()[0]:.1f}")
    print(f"poseflow {version('poseflow')}, tensorflow-cpu {version('tensorflow-cpu')}")
    if peer is not None:
        print(describe_peer(peer))
    for row in bench.read("check"):
        print(row["told"])
    if rows := bench.read("speed"):
        print_speed(rows, options.most_foreign)
    if rows := bench.read("accuracy"):
        print_accuracy(rows)


if __name__ == "__main__":
    main()
