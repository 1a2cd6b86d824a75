"""What a folder's training is of, its profile and its labels: another one into the same folder is refused."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from poseflow.config import HeadConfig, ModelConfig, read_model_config
from poseflow.config.model import CONFIDENCE_MAPS
from poseflow.core.errors import ModelError
from poseflow.core.files import read_json, replacing, write_json
from poseflow.labels import Package

SETTINGS, SKELETON, DATASET = "config.yaml", "skeleton.json", "dataset.json"
PARTS = {SETTINGS, SKELETON, DATASET, "model.weights.h5", "history.csv", "training.json", "pictures", "tensorboard"}
"""All that a model's folder holds."""
COMPARED_IMAGES = 16


def is_trained(folder: Path) -> bool:
    """Whether a training has come to its end in this folder."""
    return all((folder / name).exists() for name in ("training.json", "model.weights.h5"))


def describe_dataset(train: Package, val: Package) -> dict[str, Any]:
    """How many frames of each side there are, and a hash of what they show and say, wherever the files lie."""
    return {
        side: {"frames": len(package.frames), "labels": _hash_package(package)}
        for side, package in (("train", train), ("val", val))
    }


def describe_training(config: ModelConfig, package: Package, dataset: dict[str, Any], folder: Path) -> None:
    """Write what the training in `folder` is of."""
    write_json(dataset, folder / DATASET)
    write_json(package.skeleton.model_dump(mode="json"), folder / SKELETON)
    with replacing(folder / SETTINGS) as temporary:
        temporary.write_text(yaml.safe_dump(_dump(config), sort_keys=False), encoding="utf-8")


def check_same_training(config: ModelConfig, dataset: dict[str, Any], folder: Path) -> None:
    """Raise ModelError where a folder's training, finished or not, is of another profile or other labels."""
    if (folder / DATASET).exists():
        known = read_json(folder / DATASET)
        for side in dataset:
            if dataset[side] != known[side]:
                raise ModelError(
                    f"{folder} must be trained on the {side} set it was begun with, {known[side]['frames']} frames, "
                    f"got another, {dataset[side]['frames']} frames: name another folder, or remove this one"
                )
    if (folder / SETTINGS).exists():
        known = dict(_flatten(_dump(read_model_config(folder / SETTINGS))))
        given = dict(_flatten(_dump(config)))
        names = [name for name in {**known, **given} if known.get(name) != given.get(name)]
        if names:
            others = ", ".join(f"{name} {given.get(name)} instead of {known.get(name)}" for name in names)
            raise ModelError(
                f"{folder} must be trained with the settings it was begun with, got {others}: name another folder, "
                "or remove this one"
            )


def _dump(config: ModelConfig) -> dict[str, Any]:
    """All settings, those of the heads that the kind has too: a folder says them even where a default changes later."""
    values = config.model_dump(mode="json")
    heads = {name: head.model_dump(mode="json") for name, head in config.heads.items() if name != CONFIDENCE_MAPS}
    own = {name: value for name, value in values["head"].items() if name in HeadConfig.model_fields}
    return values | {"head": own | heads}


def _flatten(values: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{above}{name}.")
        else:
            yield above + name, value


def _hash_package(package: Package) -> str:
    """Of all labels, and of some images, spread over the package."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps(package.skeleton.model_dump(mode="json"), sort_keys=True).encode())
    for frame in package.frames:
        digest.update(json.dumps([frame.video, frame.frame_idx, frame.identities, frame.points.shape]).encode())
        digest.update(np.nan_to_num(frame.points, nan=-1e9).tobytes())
        if frame.hidden is not None:
            digest.update(frame.hidden.tobytes())
    for number in np.linspace(0, len(package.frames) - 1, min(COMPARED_IMAGES, len(package.frames))).astype(int):
        image = package.image(int(number))
        digest.update(repr(image.shape).encode() + image.tobytes())
    return digest.hexdigest()
