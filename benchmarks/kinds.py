"""How fast each kind of pipeline is with few and with many animals, and how much of that is not the networks' work.

    python benchmarks/kinds.py --animals 2 4 8

Networks of the profiles in config/models with random weights, on eight frames of a synthetic cage, played again and
again. They do all their work, and the maps of the true poses are laid over what they say: so decoding, crops and
assembly have as much to do as with trained networks, and nothing has to be trained. Prints frames/s of the bare
networks (images ready, maps left where they are), from frames in memory to animals, and of `predict` from video to
table, without optical flow and with it; and of these three the share of time (on a processor: of its time, by all
threads) that the networks do not need.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from poseflow.config import KINDS, FlowConfig, PredictConfig, read_model_config
from poseflow.config.synth import SynthConfig
from poseflow.core.geometry import scale_points
from poseflow.core.skeleton import Skeleton
from poseflow.inference import Pipeline, predict_shard
from poseflow.inference.pipelines import CROPS_PER_CALL, CROPS_PER_SINGLE_FRAME, build_pipeline
from poseflow.inference.runtimes.keras import KerasRuntime
from poseflow.media import VideoIndex, index_video, write_video
from poseflow.models.loading import TrainedModel
from poseflow.networks.build import build_model, draw_targets
from poseflow.networks.compiled import compile_function, has_gpu
from poseflow.synth import IDENTITIES, SKELETON, film_cage

PIPELINE_KINDS: dict[str, tuple[str, ...]] = {
    "single instance": ("single_instance",),
    "top-down": ("centroid", "centered_instance"),
    "bottom-up": ("bottom_up",),
    "top-down ID": ("centroid", "multi_class_top_down"),
    "bottom-up ID": ("multi_class_bottom_up",),
}
BATCH, CROP_PX, ANCHOR = 8, 192, "spine3"
CAGE = SynthConfig(frames=BATCH, animals=len(IDENTITIES), light="infrared")
STEPS = ("memory", "predict", "+ flow")
WHISPER = 1e-3  # what is left of the networks' own answer


@dataclass(frozen=True)
class Scene:
    """Frames (batch, height, width, 1) uint8 and the poses in them (batch, animals, nodes, 2), px.

    They are one batch of the pipeline's. The skeleton has the node `ANCHOR`, round which crops are cut.
    """

    images: np.ndarray
    poses: np.ndarray
    skeleton: Skeleton = SKELETON
    crop_px: int = CROP_PX

    @property
    def anchor(self) -> int:
        return self.skeleton.index(ANCHOR)

    @property
    def crops_per_call(self) -> int:
        return CROPS_PER_CALL if len(self.images) > 1 else CROPS_PER_SINGLE_FRAME

    def with_animals(self, count: int) -> "Scene":
        """The poses of so many animals; more than there are stand beside the others."""
        shift = 30 * (np.arange(count) // self.poses.shape[1])
        chosen = self.poses[:, np.arange(count) % self.poses.shape[1]]
        return replace(self, poses=chosen + shift[:, None, None].astype(np.float32))


def film_scene(config: SynthConfig = CAGE) -> Scene:
    """Frames of as many animals as there are furs; a node that is hidden is missing."""
    film = list(film_cage(config))
    poses = np.stack([np.where(own.visible[..., None], own.points, np.nan) for own, _ in film])
    return Scene(np.stack([image[..., :1] for _, image in film]), poses.astype(np.float32))


@dataclass(frozen=True)
class DrawnNetwork:
    """A network that works as ever, and whose answer is the truth's maps, by head name, with a whisper of its own."""

    network: keras.Model
    maps: dict[str, np.ndarray]

    def __call__(self, images: Any, training: bool) -> dict[str, Any]:
        said = self.network(images, training=training)
        return {name: maps + WHISPER * said[name] for name, maps in self.maps.items()}


def build_drawn_model(kind: str, scene: Scene) -> TrainedModel:
    """A model of the profile of `kind` over frames of the scene, or over crops round its animals."""
    profile = read_model_config(f"config/models/{kind}.yaml")
    head = profile.head.model_copy(update={"identities": IDENTITIES if KINDS[kind].names_animals else None})
    config = profile.model_copy(
        update={"head": head, "input": profile.input.model_copy(update={"crop_px": scene.crop_px, "anchor": ANCHOR})}
    )
    points, classes, shape = SAMPLES.get(kind, sample_frames)(scene)
    model = TrainedModel(Path(kind), config, scene.skeleton, build_model(config, scene.skeleton))
    seen = model.framing.preprocess(np.zeros(shape, np.uint8), config.input.scale, config.backbone.max_stride)
    points = scale_points(points, config.input.scale).astype(np.float32)
    maps = draw_targets(points, classes, tuple(seen.shape[1:3]), config, scene.skeleton)
    drawn = {name: np.asarray(values, np.float32) for name, values in maps.items()}
    return TrainedModel(model.path, config, scene.skeleton, DrawnNetwork(model.network, drawn), model.framing)


Samples = tuple[np.ndarray, np.ndarray, tuple[int, ...]]


def sample_frames(scene: Scene) -> Samples:
    """Points, classes and shape of what a network of whole frames sees."""
    classes = np.broadcast_to(np.arange(scene.poses.shape[1]) % len(IDENTITIES), scene.poses.shape[:2])
    return scene.poses, classes.astype(np.int32), scene.images.shape


def sample_one(scene: Scene) -> Samples:
    """As `sample_frames`, of the first animal."""
    points, classes, shape = sample_frames(scene)
    return points[:, :1], classes[:, :1], shape


def sample_anchors(scene: Scene) -> Samples:
    """As `sample_frames`, of the animals' places."""
    points, classes, shape = sample_frames(scene)
    return points[:, :, [scene.anchor]], classes, shape


def sample_crops(scene: Scene) -> Samples:
    """As `sample_frames`, of a call's crops, in whose middle is one animal of each frame."""
    points = scene.poses[np.arange(scene.crops_per_call) % len(scene.poses), :1]
    points = points - points[:, :, [scene.anchor]] + scene.crop_px // 2
    return points, np.zeros(points.shape[:2], np.int32), (len(points), scene.crop_px, scene.crop_px, 1)


SAMPLES: dict[str, Callable[[Scene], Samples]] = {
    "single_instance": sample_one,
    "centroid": sample_anchors,
    "centered_instance": sample_crops,
    "multi_class_top_down": sample_crops,
}


def prepare_networks(models: dict[str, TrainedModel], scene: Scene, crops: int) -> Callable[[], None]:
    """One batch's work of the bare networks: as many calls as the pipeline makes, on images that are ready."""
    calls = []
    for kind, model in models.items():
        sees_crops = SAMPLES.get(kind) is sample_crops
        images = np.zeros(sample_crops(scene)[2], np.uint8) if sees_crops else scene.images
        seen = model.framing.preprocess(images, model.config.input.scale, model.config.backbone.max_stride)
        network = model.network.network

        def look(seen: Any, network: keras.Model = network) -> list[Any]:
            return [output[:1, :1] for output in network(seen, training=False).values()]

        calls += [(compile_function(look), seen)] * (-(-crops // scene.crops_per_call) if sees_crops else 1)

    def work() -> None:
        for call, seen in calls:
            for output in call(seen):
                np.asarray(output)

    return work


def build_drawn_pipeline(
    kinds: Sequence[str], scene: Scene, config: PredictConfig
) -> tuple[Pipeline, Callable[[], None], int]:
    """A pipeline of drawn models, one batch's work of its bare networks, and how many animals it finds in the scene."""
    keras.utils.set_random_seed(0)
    models = {kind: build_drawn_model(kind, scene) for kind in kinds}
    pipeline = build_pipeline(list(models.values()), config, KerasRuntime())
    found = len(pipeline.find(scene.images))
    return pipeline, prepare_networks(models, scene, found), found


def measure(works: Sequence[Callable[[], None]], repeats: int) -> tuple[list[float], list[float]]:
    """Seconds, and those that count for shares, of the best of some repeats of each, in turns.

    What counts is wall time on a GPU, and on a processor its time, which other work on the machine hardly changes.
    """
    share_clock = perf_counter if has_gpu() else process_time
    for work in works:
        work()
    seconds: list[list[float]] = [[] for _ in works]
    counted: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for work, own, own_counted in zip(works, seconds, counted, strict=True):
            begin, begin_counted = perf_counter(), share_clock()
            work()
            own.append(perf_counter() - begin)
            own_counted.append(share_clock() - begin_counted)
    return [min(own) for own in seconds], [min(own) for own in counted]


def measure_pipeline(kinds: Sequence[str], scene: Scene, index: VideoIndex, repeats: int) -> str:
    """Frames/s, and shares of time outside the networks, as a line of the table."""
    still = PredictConfig(max_instances=scene.poses.shape[1], batch_size=BATCH, flow=FlowConfig(window_frames=0))
    flowing = still.model_copy(update={"flow": FlowConfig()})
    pipeline, look, found = build_drawn_pipeline(kinds, scene, still)
    batches = index.frames // BATCH

    def find_all() -> None:
        for _ in range(batches):
            pipeline.find(scene.images)

    def look_all() -> None:
        for _ in range(batches):
            look()

    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "out.parquet"
        works = [
            look_all,
            find_all,
            lambda: predict_shard(index, pipeline, (0, index.frames), table, still),
            lambda: predict_shard(index, pipeline, (0, index.frames), table, flowing),
        ]
        seconds, (bare, *others) = measure(works, repeats)
    rates = [f"{index.frames / own:10.1f}" for own in seconds]
    shares = [f"{100 * (1 - bare / own):8.0f} %" for own in others]
    return f"{found / BATCH:8.2f}" + "".join(rates) + "".join(shares)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--animals", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--kinds", nargs="+", choices=PIPELINE_KINDS, default=list(PIPELINE_KINDS))
    parser.add_argument("--frames", type=int, default=64, help="Of the recording that is predicted; a multiple of 8.")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    scene = film_scene()
    _, height, width, _ = scene.images.shape
    print(f"frames of {width} x {height}, {len(SKELETON.nodes)} nodes, {BATCH} at a time; found: animals a frame")
    print(f"{'':32}{'frames/s of':44}time outside the networks of")
    print(f"{'':16}{'animals':>8}{'found':>8}" + "".join(f"{name:>10}" for name in ("networks", *STEPS, *STEPS)))
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "cage.mp4"
        write_video(video, (scene.images[number % BATCH] for number in range(args.frames // BATCH * BATCH)), 25)
        index = index_video(video)
        for name in args.kinds:
            for count in [1] if name == "single instance" else args.animals:
                line = measure_pipeline(PIPELINE_KINDS[name], scene.with_animals(count), index, args.repeats)
                print(f"{name:16}{count:8}{line}", flush=True)


if __name__ == "__main__":
    main()
