"""Which runtime and number format a release's models run in: the fastest that moves points by next to nothing."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poseflow.config import EvaluationConfig, Precision, PredictConfig
from poseflow.core.errors import ConfigError
from poseflow.core.matching import match_pairs
from poseflow.evaluation import PredictedPoses, evaluate_poses
from poseflow.labels import Package, read_package
from poseflow.runs.releases import RuntimeChoice, TriedRuntime
from poseflow.runs.runtimes import is_installed
from poseflow.steps.evaluate import name_apart, time_batches
from poseflow.tables import Instances

if TYPE_CHECKING:
    from poseflow.inference import Pipeline

logger = logging.getLogger(__name__)
MEDIAN_PX, HIGH_PX, MAP_LOSS = 0.1, 1.0, 0.005
"""Most that the median and the 99th percentile of points may move, and that mAP may fall."""
SPEED_FRAMES = 64


@dataclass(frozen=True)
class Measured:
    """What one way to run the models gave of every frame of a package, how fast, and its mAP."""

    found: Sequence[Instances]
    frames_per_s: float
    mean_average_precision: float | None


def choose_runtime(models: Mapping[str, Path], package: Path, predict: PredictConfig) -> RuntimeChoice | None:
    """Run labeled frames by every runtime and number format that this machine has, and choose.

    Args:
        models: folder of each, by name.
        package: labeled frames that no model was trained on: the validation set.

    Returns: the choice, with all that was tried; None where the package has no frames.
    """
    with closing(read_package(package)) as labels:
        if not labels.frames:
            return None
        tried, reference = [], None
        for runtime, precision in list_candidates():
            measured = _measure(models, labels, predict, runtime, precision)
            reference = reference or measured
            tried.append(judge_runtime((runtime, precision), measured, reference))
            logger.info("%s", tried[-1].describe())
    best = max((one for one in tried if one.passed), key=lambda one: one.frames_per_s)
    return RuntimeChoice(runtime=best.runtime, precision=best.precision, tried=tuple(tried))


def list_candidates() -> list[tuple[str, Precision]]:
    """Runtimes with number formats that this machine can compute in; the first is what all are compared with."""
    from poseflow.networks.precision import choose_precision  # imports Keras

    formats: list[Precision] = ["float32"]
    if choose_precision("auto") == "mixed_bfloat16":
        formats.append("mixed_bfloat16")
    found: list[tuple[str, Precision]] = [("keras", one) for one in formats]
    if is_installed("onnxruntime"):
        found.append(("onnxruntime", "float32"))
    if is_installed("openvino"):
        found += [("openvino", one) for one in formats]
    return found


def _measure(
    models: Mapping[str, Path], labels: Package, predict: PredictConfig, runtime: str, precision: Precision
) -> Measured:
    from poseflow.inference import load_pipeline, predict_package

    settings = predict.model_copy(update={"runtime": runtime, "precision": precision})
    pipeline = load_pipeline([*models.values()], settings)
    labels.arrange_nodes(pipeline.skeleton, "that the models find")
    if pipeline.channels == 3 and not labels.has_color:
        raise ConfigError("frames must be in color for models of 3 channels, got grey ones")
    found = predict_package(pipeline, labels, predict.batch_size)
    return Measured(found, _time(pipeline, labels, predict.batch_size), _find_map(labels, found))


def _time(pipeline: "Pipeline", labels: Package, batch_size: int) -> float:
    channels = pipeline.choose_channels(labels.has_color)
    numbers = np.linspace(0, len(labels.frames) - 1, min(SPEED_FRAMES, len(labels.frames))).round().astype(int)
    images = [labels.image(int(number), channels) for number in numbers]
    return time_batches(pipeline, [image for image in images if image.shape == images[0].shape], batch_size)


def _find_map(labels: Package, found: Sequence[Instances]) -> float | None:
    truth = name_apart(labels.frames)
    poses = [PredictedPoses(one.points, one.score, None) for one in found]
    by_frame = {(frame.video, frame.frame_idx): own for frame, own in zip(truth, poses, strict=True)}
    metrics = evaluate_poses(truth, by_frame, labels.skeleton, EvaluationConfig(), {})
    value: float | None = metrics["map_coco"]  # None of a skeleton of one node
    return value


def judge_runtime(way: tuple[str, str], measured: Measured, reference: Measured) -> TriedRuntime:
    """Compare what a way to run the models found with the reference, and say whether it may be used."""
    moves = measure_moves(reference.found, measured.found)
    median, high = (float(np.percentile(moves, share, method="higher")) for share in (50, 99)) if len(moves) else (0, 0)
    before, after = reference.mean_average_precision, measured.mean_average_precision
    loss = None if before is None or after is None else before - after
    reasons = []
    if median >= MEDIAN_PX:
        reasons.append(f"points move by {median:.2f} px in the median")
    if high >= HIGH_PX:
        reasons.append(f"1 % of the points move by {high:.2f} px or more")
    if loss is not None and loss >= MAP_LOSS:
        reasons.append(f"mAP falls by {loss:.4f}")
    runtime, precision = way
    return TriedRuntime(
        runtime=runtime,
        precision=precision,
        frames_per_s=measured.frames_per_s,
        median_px=_finite(median),
        high_px=_finite(high),
        mean_average_precision=after,
        passed=not reasons,
        reason="; ".join(reasons),
    )


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def measure_moves(reference: Sequence[Instances], found: Sequence[Instances]) -> NDArray[np.float64]:
    """How far each point lies from where it was, px, frame by frame; infinite for one that only one of the two has.

    Instances are matched by the least mean distance of their points.
    """
    moves = [_measure_frame(one.points, other.points) for one, other in zip(reference, found, strict=True)]
    return np.concatenate([np.empty(0), *moves])


def _measure_frame(before: NDArray[Any], after: NDArray[Any]) -> NDArray[np.float64]:
    distances = np.linalg.norm(before[:, None].astype(np.float64) - after[None], axis=-1)
    known = np.isfinite(distances)
    mean = np.where(known, distances, 0).sum(axis=-1) / np.maximum(known.sum(axis=-1), 1)
    matched = match_pairs(np.where(known.any(axis=-1), 1 / (1 + mean), 0))
    rows = np.flatnonzero(matched >= 0)
    own = distances[rows, matched[rows]]
    one, other = np.isfinite(before[rows, :, 0]), np.isfinite(after[matched[rows], :, 0])
    moves = np.where(one & other, own, np.inf)[one | other]
    alone = np.isfinite(before[np.setdiff1d(np.arange(len(before)), rows), :, 0]).sum()
    alone += np.isfinite(after[np.setdiff1d(np.arange(len(after)), matched[rows]), :, 0]).sum()
    return np.concatenate([moves, np.full(alone, np.inf)])
