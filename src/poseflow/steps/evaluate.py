"""The step `evaluate`: how good trained models are on labeled frames that they have never seen."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poseflow.config import EvaluationConfig, PredictConfig, TrackingConfig
from poseflow.core.errors import IncomparableError, SkeletonError
from poseflow.core.files import check_replaceable, replacing, write_json
from poseflow.evaluation import PredictedPoses, evaluate_identities, evaluate_poses, match_poses
from poseflow.labels import FrameLabels, Package, read_package
from poseflow.report.pictures import MeasuredFrames, write_examples, write_figures
from poseflow.tables import Instances
from poseflow.tracking import choose_names, may_be_animals

if TYPE_CHECKING:
    from poseflow.inference import Pipeline

PixelsPerMm = Mapping[str, float] | float | None
PARTS = ("metrics.json", "figures", "examples")
SPEED_FRAMES = 128
SPEED_BYTES = 1 << 28
SPEED_REPEATS = 3


def evaluate_release(
    models: Sequence[Path],
    package: Path,
    out_dir: Path,
    predict: PredictConfig,
    evaluation: EvaluationConfig,
    tracking: TrackingConfig,
    pixels_per_mm: PixelsPerMm = None,
    example_frames: int = 3,
) -> dict[str, Any]:
    """Predict every labeled frame of a package and measure how near predictions are to labels.

    Writes `out_dir`, whole or not at all: metrics.json (what this returns), figures/ (SVG, and PNG where there is a
    photograph in it) and examples/ (PNG: labels and predictions drawn over frames, cut out round the animals).

    Args:
        models: folders of models that work together.
        package: the test set; where it has no frames, metrics.json says so and there are no pictures.
        tracking: which instances may be animals, and whose names are given, as in the pose table; so what is measured
            is what a pose table would hold, but for the number of animals, which no test set knows.
        pixels_per_mm: scale of all videos, or by the video's file name.
        example_frames: how many frames are shown for each of best, median and worst.

    Returns: what `evaluation.evaluate_poses` gives, and `identities` (see `evaluation.evaluate_identities`),
        `test_set`, `models`, `speed` (see `measure_speed`), `figures` and `examples` (file names, and what they show).
        Where the models cannot be measured on this package, `incomparable` alone, with the reason: their nodes are not
        the package's (in whatever order), or they are of RGB images and the package has grey ones. So it may be with
        the release in use, once labels or models are others.

    Raises: ModelError for models that do not go together, LabelsError for a damaged package.
    """
    check_replaceable(out_dir, PARTS)
    try:
        return _measure_release(models, package, out_dir, predict, evaluation, tracking, pixels_per_mm, example_frames)
    except (SkeletonError, IncomparableError) as error:
        metrics = {"incomparable": str(error)}
        with new_folder(out_dir) as folder:
            write_json(metrics, folder / "metrics.json")
        return metrics


@contextmanager
def new_folder(out_dir: Path) -> Iterator[Path]:
    """A folder with its parts, written whole or not at all."""
    with replacing(out_dir) as folder:
        for part in ("figures", "examples"):
            (folder / part).mkdir(parents=True)
        yield folder


def _measure_release(
    models: Sequence[Path],
    package: Path,
    out_dir: Path,
    predict: PredictConfig,
    evaluation: EvaluationConfig,
    tracking: TrackingConfig,
    pixels_per_mm: PixelsPerMm,
    example_frames: int,
) -> dict[str, Any]:
    with closing(read_package(package)) as labels:
        found: list[PredictedPoses] = []
        identities: tuple[str, ...] = ()
        speed = None
        if labels.frames:
            from poseflow.inference import load_pipeline, predict_package  # imports Keras

            pipeline = load_pipeline(models, predict)
            labels.arrange_nodes(pipeline.skeleton, "that the models find")
            if pipeline.channels == 3 and not labels.has_color:
                raise IncomparableError(f"{package} must have RGB images for models of 3 channels, got grey ones")
            speed = measure_speed(pipeline, labels, predict.batch_size)
            identities = pipeline.identities
            found = [
                PredictedPoses(one.points, one.score, name_instances(one, identities, tracking.min_identity_score))
                for one in (
                    every.take(may_be_animals(every, tracking))
                    for every in predict_package(pipeline, labels, predict.batch_size)
                )
            ]
        facts = {"test_set": str(package), "models": [str(folder) for folder in models], "speed": speed}
        return write_accuracy(labels, found, out_dir, evaluation, facts, pixels_per_mm, example_frames, identities)


def name_instances(
    found: Instances, identities: Sequence[str], min_identity_score: float
) -> tuple[str | None, ...] | None:
    """The names of one frame's instances, as tracking gives them; None where the models know no names."""
    if not identities:
        return None
    codes = choose_names(found.frame_idx, found.class_scores, min_identity_score)
    return tuple(None if code < 0 else identities[code] for code in codes)


def write_accuracy(
    labels: Package,
    found: Sequence[PredictedPoses],
    out_dir: Path,
    evaluation: EvaluationConfig,
    facts: Mapping[str, Any] | None = None,
    pixels_per_mm: PixelsPerMm = None,
    example_frames: int = 3,
    identities: Sequence[str] = (),
) -> dict[str, Any]:
    """Measure and draw what was found in each frame of a package; see `evaluate_release`.

    `identities`: the names that could be given to what was found.
    """
    truth = name_apart(labels.frames)
    scales = _scale_of_each(labels.frames, truth, pixels_per_mm)
    by_frame = {(frame.video, frame.frame_idx): poses for frame, poses in zip(truth, found, strict=True)}
    metrics = evaluate_poses(truth, by_frame, labels.skeleton, evaluation, scales)
    matches = match_poses(truth, by_frame, labels.skeleton, evaluation, coco=True)
    frames = MeasuredFrames(matches, lambda number: labels.image(number, 1), labels.skeleton)
    with new_folder(out_dir) as folder:
        metrics |= {
            **(facts or {}),
            "identities": evaluate_identities(matches, identities, evaluation),
            "figures": write_figures(frames, folder / "figures", _common_scale(truth, scales)),
            "examples": write_examples(frames, folder / "examples", example_frames),
        }
        write_json(metrics, folder / "metrics.json")
    return metrics


def measure_speed(pipeline: "Pipeline", labels: Package, batch_size: int) -> dict[str, Any]:
    """Frames per second of the networks: from images in memory to points in memory, after a warm-up pass.

    Frames of the size of the first, at most SPEED_FRAMES and SPEED_BYTES, spread over the package; the median of
    SPEED_REPEATS passes.

    Returns: `frames_per_s`, `frames`, `batch_size`, `width`, `height`; `by_animals`: `animals`, `frames` and
        `frames_per_s` of the frames with each number of labeled animals.
    Source: Pereira et al. 2022, Methods, "Speed benchmarks", and Fig. 3d, e.
    """
    channels = pipeline.choose_channels(labels.has_color)
    first = labels.image(0, channels)
    limit = max(1, min(SPEED_FRAMES, SPEED_BYTES // first.nbytes, len(labels.frames)))
    images, by_animals = [], defaultdict(list)
    for number in np.linspace(0, len(labels.frames) - 1, limit).round().astype(int):
        image = labels.image(int(number), channels)
        if image.shape == first.shape:
            images.append(image)
            by_animals[len(labels.frames[number].points)].append(image)
    pipeline.find(np.resize(first, (batch_size, *first.shape)))
    return {
        "frames_per_s": time_batches(pipeline, images, batch_size),
        "frames": len(images),
        "batch_size": batch_size,
        "width": first.shape[1],
        "height": first.shape[0],
        "by_animals": [
            {"animals": count, "frames": len(own), "frames_per_s": time_batches(pipeline, own, batch_size)}
            for count, own in sorted(by_animals.items())
        ],
    }


def time_batches(pipeline: "Pipeline", images: Sequence[NDArray[np.uint8]], batch_size: int) -> float:
    """Frames per second over images of one size; the last batch is filled up with its own."""
    starts = range(0, len(images), batch_size)
    chosen = [np.stack(images[start : start + batch_size]) for start in starts]
    batches = [np.resize(batch, (batch_size, *batch.shape[1:])) for batch in chosen]
    times = []
    for _ in range(SPEED_REPEATS):
        begin = perf_counter()
        for batch in batches:
            pipeline.find(batch)
        times.append(perf_counter() - begin)
    return round(len(batches) * batch_size / median(times), 1)


def name_apart(frames: Sequence[FrameLabels]) -> list[FrameLabels]:
    """Rename videos of the same file name where the same frame of both is labeled, so that no frame stands for two."""
    seen: Counter[tuple[str, int]] = Counter()
    named = []
    for frame in frames:
        seen[frame.video, frame.frame_idx] += 1
        copy = seen[frame.video, frame.frame_idx]
        named.append(frame if copy == 1 else replace(frame, video=f"{frame.video} ({copy})"))
    return named


def _scale_of_each(
    frames: Sequence[FrameLabels], named: Sequence[FrameLabels], pixels_per_mm: PixelsPerMm
) -> dict[str, float]:
    """Scale of each video, as it is named now, where it is known."""
    if pixels_per_mm is None:
        return {}
    pairs = zip(frames, named, strict=True)
    if not isinstance(pixels_per_mm, Mapping):
        return {own.video: pixels_per_mm for _, own in pairs}
    return {own.video: pixels_per_mm[frame.video] for frame, own in pairs if frame.video in pixels_per_mm}


def _common_scale(frames: Sequence[FrameLabels], scales: Mapping[str, float]) -> float | None:
    """The scale of all test videos, None where they differ or one is not known."""
    known = {scales.get(frame.video) for frame in frames}
    return known.pop() if len(known) == 1 else None
