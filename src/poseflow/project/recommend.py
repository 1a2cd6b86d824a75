"""Settings of models that suit the labels, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, sqrt
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from poseflow.config import TrainingConfig
from poseflow.core.errors import LabelsError
from poseflow.core.geometry import COMPLEX, find_headings
from poseflow.core.similarity import find_boxes

Poses = NDArray[np.float64]
SCALES = (0.125, 0.25, 0.375, 0.5, 0.75, 1.0)
LEAST_PX, LEAST_DETECTED_PX = 50, 24
"""Length of an animal in the networks' input: to tell its parts, and to find it at all."""
FINE_PX = 100  # longer animals are seen well enough in maps of stride 4
SIGMA_SHARE = 0.035  # of the length: about how well people agree where a part is
SIGMA_RANGE = (1.5, 5.0)
REACH = 1.5  # lengths of the animal that a cell should see
LEAST_SEEN, LEAST_AHEAD_PX, MOST_SPREAD = 0.5, 1.0, 0.6
"""A node that animals are turned by lies so far from the anchor in so many of them, and leaves less of their spread."""
MOST_COMPARED = 2000  # animals, evenly spaced, tell what all do: each node's turns take their time
WINDOW = 2.0  # lengths of the animal in a training window
LEAST_WINDOW_PX = 32
STEPS_AT_100, LEAST_STEPS, MOST_STEPS = 3000, 2000, 20000
MOST_DETECTOR_STEPS = 2000  # after 800 the flies' detector misses none and invents none, after 1,280 the demo's few
DETECTOR_SHARE = 0.2  # of the time for all networks
EPOCH_STEPS = 200
BLOCKS = range(3, 7)


@dataclass(frozen=True)
class LabeledAnimals:
    """What labels show of animals.

    `poses`: of each labeled frame, (animals, nodes, 2) px, NaN where a node is not labeled. `frame_px`: height and
    width of the largest frame; None where no frame is at hand.
    """

    nodes: Sequence[str]
    poses: Sequence[Poses]
    identities: Sequence[str] = ()
    frame_px: tuple[int, int] | None = None

    @cached_property
    def all_poses(self) -> Poses:
        """(animals, nodes, 2) of all frames."""
        return np.concatenate([np.empty((0, len(self.nodes), 2)), *self.poses])

    @cached_property
    def length_px(self) -> float:
        """Median diagonal of the animals' bounding boxes; NaN where none has two points."""
        poses = self.all_poses
        poses = poses[np.isfinite(poses[..., 0]).sum(axis=1) > 1]
        if not len(poses):
            return float("nan")
        boxes = find_boxes(poses)
        return float(np.median(np.linalg.norm(boxes[:, 2:] - boxes[:, :2], axis=1)))

    @property
    def show_size(self) -> bool:
        """Whether it is known how large the animals are."""
        return self.length_px > 0  # not of NaN

    @property
    def most(self) -> int:
        """Animals in the frame that has most."""
        return max(map(len, self.poses), default=0)


@dataclass(frozen=True)
class Recommendation:
    """Models, as the configuration's section of that name has them, and why each value was chosen."""

    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    reasons: list[tuple[str, str]] = field(default_factory=list)

    def add(self, model: str, place: str, value: Any, reason: str) -> None:
        """Set `place`, such as `input.scale`, of a model."""
        *sections, name = place.split(".")
        section = self.models.setdefault(model, {"profile": f"config/models/{model}.yaml"})
        for key in sections:
            section = section.setdefault(key, {})
        section[name] = value
        self.reasons.append((f"{model}.{place}: {'null' if value is None else value}", reason))

    def tell_reasons(self) -> list[str]:
        """A line a setting."""
        return [f"{choice} - {reason}" for choice, reason in self.reasons]

    def write(self) -> str:
        """The section `models` of a configuration, with the reasons as comments."""
        reasons = "".join(f"# {line}\n" for line in self.tell_reasons())
        return reasons + yaml.safe_dump({"models": self.models}, sort_keys=False, allow_unicode=True, width=110)


def recommend_models(
    labels: LabeledAnimals, animals: int | None = None, with_names: bool = True, minutes: float | None = None
) -> Recommendation:
    """Choose models and their settings by what the labels show; what is not said stays as the profiles have it.

    Args:
        animals: in a recording, where it is known; else as many as are labeled in one frame.
        with_names: animals that the labels name are to be told apart.
        minutes: that all trainings may take together, one after the other; None: as long as they take.

    Raises: LabelsError for labels in which no animal has two nodes, so that its size is not known.
    """
    if not labels.show_size:
        raise LabelsError("labels must have animals with at least two labeled nodes, to know how large they are")
    made = Recommendation()
    _add_models(made, labels, animals, with_names)
    if minutes is not None:
        _add_minutes(made, minutes)
    return made


def _add_models(made: Recommendation, labels: LabeledAnimals, animals: int | None, with_names: bool) -> None:
    number = animals or labels.most
    tells_apart = with_names and len(labels.identities) > 1
    if number == 1:
        _add_pose_network(made, "single_instance", labels)
        _add_window(made, "single_instance", labels)
        return
    crop = _crop_px(labels)
    if labels.frame_px is not None and number * crop**2 > labels.frame_px[0] * labels.frame_px[1]:
        name = "multi_class_bottom_up" if tells_apart else "bottom_up"
        _add_pose_network(made, name, labels)
        made.reasons.insert(
            0, (name, f"{number} crops of {crop} px would be more to look at than the frame: all animals in one pass")
        )
        _add_window(made, name, labels)
        return
    anchor, why = choose_anchor(labels)
    length = labels.length_px
    scale = _choose_scale(length, LEAST_DETECTED_PX)
    made.add("centroid", "input.anchor", anchor, why)
    heading = choose_heading(labels, anchor)
    if heading:
        made.add("centroid", "input.heading", *heading)
    made.add("centroid", "input.scale", scale, _say_length(length, scale, LEAST_DETECTED_PX, "to find them"))
    _add_steps(made, "centroid", len(labels.poses), "frames", 0.5, MOST_DETECTOR_STEPS)
    _add_window(made, "centroid", labels)
    pose = "multi_class_top_down" if tells_apart else "centered_instance"
    made.add(pose, "input.anchor", anchor, "as that of centroid")
    if heading:
        made.add(pose, "input.heading", heading[0], "crops are turned so that it is up")
    _add_pose_network(made, pose, labels)


def choose_anchor(labels: LabeledAnimals) -> tuple[str, str]:
    """The node that is labeled most often and lies nearest to the middle of the animal, and why."""
    poses, length = labels.all_poses, labels.length_px
    seen = np.isfinite(poses[..., 0])
    boxes = find_boxes(poses)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    away = np.linalg.norm(poses - middle[:, None], axis=-1)
    off = np.array([np.median(own[has]) if has.any() else np.inf for own, has in zip(away.T, seen.T, strict=True)])
    best = int(np.argmax(seen.mean(axis=0) - off / length))
    share = seen[:, best].mean()
    return labels.nodes[best], f"labeled in {share:.0%} of the animals, {off[best]:.0f} px from their middle"


def choose_heading(labels: LabeledAnimals, anchor: str) -> tuple[str, str] | None:
    """The node that animals are best turned by, and why; None where that makes them no more alike.

    That round which, turned so that it is up, nodes lie nearest to their mean places.
    """
    poses, number = labels.all_poses[:: ceil(len(labels.all_poses) / MOST_COMPARED)], list(labels.nodes).index(anchor)
    away = (poses - poses[:, [number]]) @ COMPLEX
    seen = (np.abs(away) >= LEAST_AHEAD_PX).mean(axis=0)
    spreads = {
        name: _spread_px(away * (find_headings(poses, number, node) @ COMPLEX).conj()[:, None])
        for node, name in enumerate(labels.nodes)
        if seen[node] >= LEAST_SEEN
    }
    lying = _spread_px(away)
    best = min(spreads, key=spreads.__getitem__, default=None)
    if best is None or spreads[best] >= MOST_SPREAD * lying:
        return None
    return best, f"turned by it, nodes lie {spreads[best]:.0f} px off their mean places; as animals lie, {lying:.0f}"


def _spread_px(away: NDArray[np.complex128]) -> float:
    """How far nodes lie from their mean places: root mean square, of (animals, nodes) px from the anchor."""
    known = np.isfinite(away)
    mean = np.where(known, away, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    squared = np.abs(np.where(known, away - mean, 0)) ** 2
    return float(np.sqrt(squared.sum() / max(known.sum(), 1)))


def _add_pose_network(made: Recommendation, model: str, labels: LabeledAnimals) -> None:
    length = labels.length_px
    scale = _choose_scale(length, LEAST_PX)
    seen = length * scale
    made.add(model, "input.scale", scale, _say_length(length, scale, LEAST_PX, "to tell their parts"))
    blocks = next((blocks for blocks in BLOCKS if receptive_field_px(blocks) >= REACH * seen), BLOCKS[-1])
    field_px = receptive_field_px(blocks)
    made.add(
        model,
        "backbone.down_blocks",
        blocks,
        f"a receptive field of {field_px} px, {field_px / seen:.1f} lengths of the animal",
    )
    stride = 2 if seen < FINE_PX else 4
    made.add(model, "head.output_stride", stride, f"animals of {seen:.0f} px in maps of {seen / stride:.0f} cells")
    sigma = float(np.clip(round(2 * SIGMA_SHARE * seen) / 2, *SIGMA_RANGE))
    made.add(model, "head.sigma_px", sigma, f"about {sigma / seen:.0%} of the animal's length")
    _add_steps(made, model, len(labels.all_poses), "animals")


def _add_steps(
    made: Recommendation, model: str, labeled: int, what: str, share: float = 1.0, most: int = MOST_STEPS
) -> None:
    """Steps that grow with the root of the labels: four times the labels are worth twice the steps."""
    steps = min(share * max(STEPS_AT_100 * sqrt(labeled / 100), LEAST_STEPS), most)
    epochs = ceil(steps / EPOCH_STEPS)
    passes = steps * TrainingConfig().batch_size / max(labeled, 1)
    made.add(model, "training.steps_per_epoch", EPOCH_STEPS, "so that each epoch is told of within a minute or so")
    made.add(
        model,
        "training.max_epochs",
        epochs,
        f"{epochs * EPOCH_STEPS:,} steps for {labeled:,} labeled {what}: each is seen {passes:.0f} times",
    )
    made.add(model, "training.early_stop_epochs", None, "the rate falls over all steps: the last ones bring the most")


def _add_minutes(made: Recommendation, minutes: float) -> None:
    for model, share in share_minutes(list(made.models), minutes).items():
        reason = f"at most, of {minutes:g} for all networks: where the steps take longer, fewer are made"
        made.add(model, "training.minutes", share, reason)


def share_minutes(models: Sequence[str], minutes: float) -> dict[str, float]:
    """How long each of a pipeline's models may train, of minutes for all together."""
    shares = {model: DETECTOR_SHARE if model == "centroid" else 1 - DETECTOR_SHARE for model in models}
    return {model: round(minutes * share / sum(shares.values()), 2) for model, share in shares.items()}


def _add_window(made: Recommendation, model: str, labels: LabeledAnimals) -> None:
    settings = made.models[model]
    scale = settings["input"]["scale"]
    unit = 2 ** settings.get("backbone", {}).get("down_blocks", 4) / scale
    side = max(ceil(WINDOW * labels.length_px / unit), ceil(LEAST_WINDOW_PX / unit)) * round(unit)
    if labels.frame_px is None or side < min(labels.frame_px):
        reason = f"trained on squares of {side / labels.length_px:.1f} lengths: more steps in the same time"
        made.add(model, "augmentation.window_px", side, reason)


def _choose_scale(length_px: float, least_px: float) -> float:
    return next((scale for scale in SCALES if length_px * scale >= least_px), SCALES[-1])


def _say_length(length_px: float, scale: float, least_px: int, what: str) -> str:
    if length_px * scale < least_px:
        return f"animals of {length_px:.0f} px are smaller than the {least_px} px that are enough {what}: as they are"
    return f"animals of {length_px:.0f} px are seen as {length_px * scale:.0f} px: enough {what}"


def _crop_px(labels: LabeledAnimals) -> int:
    """About the crop that the labels will ask for."""
    return ceil(1.2 * labels.length_px)


def receptive_field_px(down_blocks: int, convs_per_block: int = 2) -> int:
    """Side of what a cell of the UNet's deepest features sees, px of its input.

    A convolution of 3 adds two cells of its stride, pooling by 2 one.
    """
    field_px = 1
    for level in range(down_blocks):
        field_px += (2 * convs_per_block + 1) * 2**level
    return field_px + 2 * convs_per_block * 2**down_blocks
