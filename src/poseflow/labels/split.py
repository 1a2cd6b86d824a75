"""Divide labeled frames into training, validation and test set, for good."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import PureWindowsPath
from typing import Literal

import sleap_io as sio

from poseflow.config import SplitConfig
from poseflow.labels.videos import FrameKey, frame_key, root_video

logger = logging.getLogger(__name__)

Side = Literal["train", "val", "test"]
SIDES: tuple[Side, ...] = ("train", "val", "test")

STRATA = 10
SEEDS_TRIED = 200


def split_labels(labels: sio.Labels, config: SplitConfig) -> dict[Side, sio.Labels]:
    """Divide labels by `config`: the first rule of `hold_out` that fits a frame decides, else the lots of `draw_side`.

    A frame's side depends on the config and on the frame's own name and number only, never on other frames: labels
    that are added, in whatever order, move none of the old ones. The price is that the fractions are met only roughly
    by few units (frames, blocks or videos), and that a side may get nothing. Then a warning says so and names a
    `seed` that fills all sides; changing it is free as long as no model has been trained.

    Returns: Labels of each side, maybe empty, all with the skeleton, videos and identities of the whole.
    """
    sides: dict[Side, list[sio.LabeledFrame]] = {side: [] for side in SIDES}
    ruled: set[str] = set()
    units: set[tuple[str, int]] = set()
    for frame in labels.labeled_frames:
        key = frame_key(frame.video, frame.frame_idx)
        side = find_rule(key, _path_of(frame.video), config)
        if side is None:
            unit = unit_of(key, config)
            units.add(unit)
            side = draw_side(*unit, config)
        else:
            ruled.add(side)
        if side != "none":
            sides[side].append(frame)
    _warn_of_empty([side for side in SIDES if not sides[side]], ruled, units, config)
    return {side: _part(labels, frames) for side, frames in sides.items()}


def draw_side(unit: str, number: int, config: SplitConfig) -> Side:
    """The side of unit `number` (a frame or a block) of a recording, by lot.

    Lots are stratified: each ten neighbouring units get one of the ten tenths of [0, 1) each, in an order that is a
    hash of seed and recording. So a clip that is labeled throughout meets the fractions to within a unit or two, where
    independent lots would be off by the square root of the units' number.
    """
    group, slot = divmod(number, STRATA)
    hashes = [_hash(f"{config.seed}\0{unit}\0{group}\0{place}") for place in range(STRATA)]
    tenth = sorted(hashes).index(hashes[slot])
    lot = (tenth + _hash(f"{config.seed}\0{unit}\0{group}\0{slot}\0within")) / STRATA
    if lot < config.test_fraction:
        return "test"
    return "val" if lot < config.test_fraction + config.val_fraction else "train"


def _hash(text: str) -> float:
    """A number in [0, 1) that the text decides."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def unit_of(key: FrameKey, config: SplitConfig) -> tuple[str, int]:
    """What is drawn as one with this frame: a recording's name and the number of the frame or block in it.

    An image whose name has no number is a unit of its own.
    """
    if config.by == "video":
        return key.video, 0
    if key.image and not key.numbered:
        return f"{key.video}/{key.image}", 0
    return key.video, key.number if config.by == "frame" else key.number // config.block_frames


def find_rule(key: FrameKey, path: str, config: SplitConfig) -> Side | Literal["none"] | None:
    """The side that `hold_out` gives a frame, None if no rule fits.

    A rule's `video` is compared with the file name, or, if it has a slash, with the end of the path.
    """
    for rule in config.hold_out:
        name = path if "/" in rule.video else key.video
        pattern = f"*/{rule.video.lstrip('/')}" if "/" in rule.video else rule.video
        if (name == pattern or fnmatchcase(name, pattern)) and (
            rule.frames is None or rule.frames[0] <= key.number <= rule.frames[1]
        ):
            return rule.to
    return None


def _path_of(video: sio.Video) -> str:
    files = root_video(video).filename
    path = PureWindowsPath(files) if isinstance(files, str) else PureWindowsPath(files[0]).parent
    return f"/{path.as_posix()}"


def _part(labels: sio.Labels, frames: list[sio.LabeledFrame]) -> sio.Labels:
    return sio.Labels(
        labeled_frames=list(frames),
        videos=list(labels.videos),
        skeletons=list(labels.skeletons),
        tracks=list(labels.tracks),
    )


def _warn_of_empty(empty: list[Side], ruled: set[str], units: set[tuple[str, int]], config: SplitConfig) -> None:
    wanted = {"train": 1.0, "val": config.val_fraction, "test": config.test_fraction}
    empty = [side for side in empty if wanted[side] > 0]
    if not empty:
        return
    seed = _find_seed(units, {side for side in SIDES if wanted[side] > 0} - ruled, config)
    advice = f"split.seed: {seed} would fill all sides" if seed is not None else "label more, or use split.hold_out"
    logger.warning(
        "split: no labeled frame fell to %s, of %d units drawn by %s; %s",
        " and ".join(empty),
        len(units),
        config.by,
        advice,
    )


def _draw(units: Iterable[tuple[str, int]], config: SplitConfig) -> set[Side]:
    return {draw_side(unit, number, config) for unit, number in units}


def _find_seed(units: set[tuple[str, int]], needed: set[Side], config: SplitConfig) -> int | None:
    for seed in range(SEEDS_TRIED if len(units) >= len(needed) else 0):
        if needed <= _draw(units, config.model_copy(update={"seed": seed})):
            return seed
    return None
