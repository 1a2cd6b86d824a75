"""What a frame of `predict` costs in processor time, networks and host apart, against one factor after the other.

    python benchmarks/cost.py --out docs/images/cost.png

The factors are image size, animals, nodes, batch size, threads and length of the recording: while one takes its values,
the others stay as `--base` has them. Networks as in `kinds.py`, of the profiles in config/models, untrained, with the
true maps laid over what they say; animals of one size, whatever the image's, each in a part of the image of its own,
and crops of 144 px. Networks are measured bare; the host's share is what `predict`, from video to table with flow,
takes beyond that: decoding, crops, peaks, grouping, flow, writing. Threads, of networks, decoding and flow, are as many
as the processors that a process may use. What counts is the least of some turns after a first. Prints a table, and
draws it where `--out` says.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from kinds import ANCHOR, CAGE, PIPELINE_KINDS, Scene, build_drawn_pipeline, film_scene, measure
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from poseflow.config import PredictConfig
from poseflow.core.processors import count_processors
from poseflow.core.skeleton import Skeleton
from poseflow.inference import predict_shard
from poseflow.media import VideoIndex, index_video, write_video
from poseflow.networks.compiled import has_gpu
from poseflow.networks.precision import choose_precision
from poseflow.report.palette import GREY, INK, color_of
from poseflow.report.style import WIDE_IN, draw_png
from poseflow.synth import SKELETON, simulate_cage

Size = tuple[int, int]
BODY_PX, CROP_PX = 72, 144
FILMED = 16  # frames, played again and again
NETWORK_FRAMES = 16  # that the bare networks see in a turn: what they take does not depend on the recording's length
NODES_APART_PX = 6
COLUMNS, HOST_ALPHA = 3, 0.15
PROCESSORS = count_processors()


def read_size(text: str) -> Size:
    width, height = map(int, text.split("x"))
    return width, height


def write_value(value: Size | int) -> str:
    return "×".join(map(str, value)) if isinstance(value, tuple) else f"{value:,}"


@dataclass(frozen=True)
class Factor:
    """Something that the cost may depend on: as an option and a plot name it, and the values that it takes."""

    title: str
    values: Sequence[Any]
    read: Callable[[str], Any] = int
    place: Callable[[Any], float] = np.log2
    """Where a value stands on the axis."""


FACTORS = {
    "size": Factor(
        "image size, px",
        ((320, 224), (480, 336), (640, 448), (800, 560)),
        read_size,
        lambda size: np.sqrt(size[0] * size[1]),
    ),
    "animals": Factor("animals in the frame", (1, 2, 4, 8), place=float),
    "nodes": Factor("nodes", (7, 14, 28, 56), place=float),
    "batch": Factor("frames in a batch", (1, 2, 4, 8, 16)),
    "threads": Factor("threads", sorted({*(2**power for power in range(8) if 2**power < PROCESSORS), PROCESSORS})),
    "frames": Factor("frames of the recording", (16, 32, 64, 128)),
}


@dataclass(frozen=True)
class Case:
    """A value of each factor."""

    size: Size = (480, 336)
    animals: int = 2
    nodes: int = 14
    batch: int = 8
    threads: int = PROCESSORS
    frames: int = 16


@dataclass(frozen=True)
class Cost:
    """What a frame takes, ms: processor time of the bare networks and of all `predict`, and that by the clock."""

    networks: float
    predict: float
    wall: float
    found: float
    """Animals in a frame."""

    @property
    def host(self) -> float:
        return self.predict - self.networks


@cache
def film(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Frames of a cage (FILMED, height, width, 1), and the poses of its animals with all nodes, hidden ones too."""
    width, height = size
    config = CAGE.model_copy(update={"frames": FILMED, "width": width, "height": height, "body_px": BODY_PX})
    cage = simulate_cage(FILMED, config.animals, config.seed, size=size, body_px=BODY_PX)
    return film_scene(config).images, np.stack([own.points for own in cage]).astype(np.float32)


def make_scene(case: Case) -> Scene:
    """A batch of frames, with so many animals of so many nodes laid over it."""
    images, poses = film(case.size)
    chosen = np.arange(case.batch) % FILMED
    points, skeleton = choose_nodes(poses[chosen], case.nodes)
    return Scene(images[chosen], spread_animals(points, case.animals, case.size), skeleton, CROP_PX)


def choose_nodes(points: np.ndarray, count: int) -> tuple[np.ndarray, Skeleton]:
    """Poses (frames, animals, count, 2) and their skeleton, a tree that grows from the anchor.

    More nodes than there are stand beside the others, joined to them.
    """
    order = {SKELETON.index(ANCHOR): 0}  # place in the tree of each node of the cage
    parents = [-1]
    for _, known, new in SKELETON.growth_order():
        parents.append(order[known])
        order[new] = len(order)
    own, names, edges = list(order), [], []
    for place in range(count):
        turn, node = divmod(place, len(own))
        names.append(SKELETON.nodes[own[node]] + (f"_{turn + 1}" if turn else ""))
        if place:
            edges.append((place - len(own) if turn else parents[node], place))
    turns, nodes = np.divmod(np.arange(count), len(own))
    moved = points[:, :, np.array(own)[nodes]] + (NODES_APART_PX * turns[:, None]).astype(np.float32)
    return moved, Skeleton(nodes=tuple(names), edges=tuple(edges))


def spread_animals(points: np.ndarray, count: int, size: Size) -> np.ndarray:
    """Poses (frames, count, nodes, 2) of the same animals, each in the middle of a cell of its own."""
    width, height = size
    across = int(np.ceil(np.sqrt(count * width / height)))
    down = -(-count // across)
    row, column = np.divmod(np.arange(count), across)
    middles = np.stack([(column + 0.5) * width / across, (row + 0.5) * height / down], axis=-1)
    chosen = points[:, np.arange(count) % points.shape[1]]
    centered = chosen - (chosen.min(axis=2, keepdims=True) + chosen.max(axis=2, keepdims=True)) / 2
    return (centered + middles[:, None]).astype(np.float32)


def make_video(case: Case, folder: Path) -> VideoIndex:
    """The recording, of as many whole batches as fit, one at least; it is written once."""
    frames = max(case.frames // case.batch, 1) * case.batch
    path = folder / f"{write_value(case.size)}_{frames}.mp4"
    if not path.exists():
        images, _ = film(case.size)
        write_video(path, (images[number % FILMED] for number in range(frames)), 25)
    return index_video(path)


def measure_kind(kind: str, case: Case, folder: Path, repeats: int) -> Cost:
    """In this process, which has the case's number of threads."""
    index = make_video(case, folder)
    config = PredictConfig(max_instances=case.animals, batch_size=case.batch)
    pipeline, look, found = build_drawn_pipeline(PIPELINE_KINDS[kind], make_scene(case), config)
    looks = max(NETWORK_FRAMES // case.batch, 1)

    def look_all() -> None:
        for _ in range(looks):
            look()

    def predict() -> None:
        predict_shard(index, pipeline, (0, index.frames), folder / "out.parquet", config)

    (_, wall), (networks, whole) = measure([look_all, predict], repeats)
    seconds = networks / (looks * case.batch), whole / index.frames, wall / index.frames
    return Cost(*(1000 * own for own in seconds), found / case.batch)


def measure_case(kinds: Sequence[str], case: Case, folder: Path, repeats: int) -> list[Cost]:
    """The cost of each kind; in another process where the case has another number of threads than this one."""
    if case.threads == PROCESSORS:
        return [measure_kind(kind, case, folder, repeats) for kind in kinds]
    one = ["--one", json.dumps(asdict(case)), "--repeats", str(repeats), "--kinds", *kinds]
    with use_processors(case.threads):
        ran = subprocess.run([sys.executable, __file__, *one], check=True, stdout=subprocess.PIPE, text=True)
    return [Cost(**values) for values in json.loads(ran.stdout.splitlines()[-1])]


@contextmanager
def use_processors(count: int) -> Iterator[None]:
    """Let processes that are started meanwhile use so many processors; this one's threads keep theirs."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


Costs = dict[Case, list[Cost]]
Plan = dict[str, list[Case]]


def print_table(plan: Plan, kinds: Sequence[str], measure_one: Callable[[Case], list[Cost]]) -> Costs:
    """Measure what is planned, each case once, and print a line for each value of each factor."""
    heads = [f"{kind}: networks | host | by the clock" for kind in kinds]
    print(f"| | | {' | '.join(heads)} |")
    print("|---|---|" + "---|---|---|" * len(kinds), flush=True)
    costs: Costs = {}
    for name, cases in plan.items():
        for number, case in enumerate(cases):
            if case not in costs:
                costs[case] = measure_one(case)
            cells = [f"{own.networks:.1f} | {own.host:.1f} | {own.wall:.1f}" for own in costs[case]]
            title = "" if number else FACTORS[name].title
            print(f"| {title} | {write_value(getattr(case, name))} | {' | '.join(cells)} |", flush=True)
    return costs


def print_counts(costs: Costs, kinds: Sequence[str]) -> None:
    """Say where not just the animals that are there were found, so that the cost is that of other animals."""
    for case, own in costs.items():
        for kind, cost in zip(kinds, own, strict=True):
            if cost.found != case.animals:
                print(f"\n{kind}, {case}: {cost.found:.2f} animals found in a frame")


def draw_costs(figure: Figure, plan: Plan, costs: Costs, kinds: Sequence[str], base: Case) -> None:
    """A plot for each factor, a color for each kind: `predict` above, its networks dashed below, the host between."""
    rows = -(-len(plan) // COLUMNS)
    axes = figure.subplots(rows, min(len(plan), COLUMNS), squeeze=False)
    for ax, (name, cases) in zip(axes.flat, plan.items(), strict=False):
        draw_factor(ax, FACTORS[name], [getattr(case, name) for case in cases], [costs[case] for case in cases])
        ax.axvline(FACTORS[name].place(getattr(base, name)), color=GREY, linestyle=":", linewidth=1.2, zorder=0)
    for ax in axes.flat[len(plan) :]:
        ax.set_axis_off()
    for ax in axes[:, 0]:
        ax.set_ylabel(f"{what_counts()},\nms a frame")
    handles = [Line2D([], [], color=color_of(number), label=kind) for number, kind in enumerate(kinds)]
    handles += [
        Line2D([], [], color=INK, marker="o", markersize=4, label="predict"),
        Line2D([], [], color=INK, linestyle="--", marker="o", markersize=4, markerfacecolor="white", label="networks"),
        Patch(color=INK, alpha=HOST_ALPHA, linewidth=0, label="host"),
        Line2D([], [], color=GREY, linestyle=":", linewidth=1.2, label="value in the other plots"),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=6)


def draw_factor(ax: Axes, factor: Factor, values: Sequence[Any], costs: Sequence[list[Cost]]) -> None:
    places = [factor.place(value) for value in values]
    for number, own in enumerate(zip(*costs, strict=True)):
        networks, predict = [cost.networks for cost in own], [cost.predict for cost in own]
        ax.fill_between(places, networks, predict, color=color_of(number), alpha=HOST_ALPHA, linewidth=0)
        ax.plot(places, predict, "o-", markersize=4, color=color_of(number))
        ax.plot(places, networks, "o--", markersize=4, markerfacecolor="white", color=color_of(number))
    ax.set_title(factor.title)
    ax.set_xticks(places, [write_value(value) for value in values], fontsize=8.5)
    ax.grid(axis="x", visible=False)
    ax.set_ylim(0, None)
    ax.margins(x=0.08)


def what_counts() -> str:
    return "time by the clock" if has_gpu() else "processor time"


def read_fixed(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    if name not in FACTORS:
        raise argparse.ArgumentTypeError(f"a factor must be one of {', '.join(FACTORS)}, got {name!r}")
    return name, FACTORS[name].read(value)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--factors", nargs="+", choices=FACTORS, default=list(FACTORS))
    for name, factor in FACTORS.items():
        values = " ".join(write_value(value).replace("×", "x") for value in factor.values)
        parser.add_argument(f"--{name}", nargs="+", type=factor.read, help=f"Default: {values}.")
    parser.add_argument("--kinds", nargs="+", choices=PIPELINE_KINDS, default=["top-down", "bottom-up"])
    parser.add_argument("--base", nargs="+", type=read_fixed, default=[], metavar="FACTOR=VALUE")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--out", type=Path, help="The plots, PNG.")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if args.one:
            case = Case(**json.loads(args.one))
            case = replace(case, size=tuple(case.size))
            print(json.dumps([asdict(cost) for cost in measure_case(args.kinds, case, folder, args.repeats)]))
            return
        base = replace(Case(), **dict(args.base))
        plan = {
            name: [replace(base, **{name: value}) for value in getattr(args, name) or FACTORS[name].values]
            for name in args.factors
        }
        said = ", ".join(f"{own.name} {write_value(getattr(base, own.name))}" for own in fields(base))
        print(f"base: {said}; {choose_precision('auto')}, load {os.getloadavg()[0]:.1f}; ms a frame, {what_counts()}\n")
        most = max(case.threads for cases in plan.values() for case in cases)
        if most > PROCESSORS:
            parser.error(f"threads must be at most the {PROCESSORS} processors that this process may use, got {most}")
        costs = print_table(plan, args.kinds, lambda case: measure_case(args.kinds, case, folder, args.repeats))
        print_counts(costs, args.kinds)
    if args.out:
        rows = -(-len(plan) // COLUMNS)
        drawn = draw_png(lambda figure: draw_costs(figure, plan, costs, args.kinds, base), WIDE_IN, 0.5 + 2.4 * rows)
        args.out.write_bytes(drawn)


if __name__ == "__main__":
    main()
