"""Divide labeled frames into training, validation and test set, for good."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import PureWindowsPath
from typing import Literal

import sleap_io as sio

from poseflow.config import HoldOut, SplitConfig
from poseflow.core.errors import ConfigError, LabelsError
from poseflow.labels.videos import FrameKey, frame_key, root_video

logger = logging.getLogger(__name__)

Side = Literal["train", "val", "test"]
SIDES: tuple[Side, ...] = ("train", "val", "test")
Unit = tuple[str, int]

STRATA = 10


def split_labels(labels: sio.Labels, config: SplitConfig, corrected: int = 0) -> dict[Side, sio.Labels]:
    """Divide labels by `config`: the first rule of `hold_out` that fits a frame decides, else the lots of `draw_lot`.

    A frame's lot depends on the config and on the frame's own name and number only, so that labels which are added, in
    whatever order, move none of the old ones. One exception: a side that no lot fell to borrows a unit (`fill_sides`),
    and gives it back when it gets one of its own. The price is that the fractions are met only roughly by few units
    (frames, blocks or videos). What units are too few to fill stays empty, with a warning; never the training set.

    Args:
        labels: All labeled frames.
        config: How they are divided.
        corrected: How many of the frames, the last ones, are corrected predictions. These move no other frame and are
            never tested on, since what was left as it was predicted favors the release that predicted it; one in a
            unit of the test set is left out, for its neighbors there are like it.

    Returns: Labels of each side, all with the skeleton, videos and identities of the whole.

    Raises:
        ConfigError: A rule of `hold_out` fits no labeled video.
        LabelsError: The rules leave nothing to train on.
    """
    every = [(_path_of(frame), frame_key(frame.video, frame.frame_idx)) for frame in labels.labeled_frames]
    keys = every[: len(every) - corrected]
    check_rules({path for path, _ in keys}, config)
    for rule in config.hold_out:
        if rule.frames and not any(fits_frame(rule, path, key.number) for path, key in keys):
            logger.warning("split.hold_out: none of frames %d to %d of %s is labeled", *rule.frames, rule.video)
    ruled, unit_at = divide_by_rules(keys, config)
    drawn = fill_sides({unit: draw_lot(*unit, config) for unit in unit_at.values()}, set(ruled.values()), config)
    sides: dict[Side, list[sio.LabeledFrame]] = {side: [] for side in SIDES}
    for place, frame in enumerate(labels.labeled_frames[: len(keys)]):
        side = ruled[place] if place in ruled else drawn[unit_at[place]]
        if side != "none":
            sides[side].append(frame)
    left_out = 0
    for (path, key), frame in zip(every[len(keys) :], labels.labeled_frames[len(keys) :], strict=True):
        unit = unit_of(key, config)
        side = find_rule(key, path, config) or drawn.get(unit) or _side_of(draw_lot(*unit, config), config)
        if side in ("train", "val"):
            sides[side].append(frame)
        left_out += side == "test"
    if left_out:
        logger.warning("split: %d corrected frames are left out, since they lie where the test set is", left_out)
    if labels.labeled_frames and not sides["train"]:
        raise LabelsError(
            f"split must leave labeled frames to train on, got {len(ruled)} frames that split.hold_out gives to "
            f"{' and '.join(sorted(set(ruled.values())))}, and no other"
        )
    if shortage := describe_shortage(drawn.keys(), set(ruled.values()), config):
        logger.warning(shortage)
    return {side: part_of(labels, frames) for side, frames in sides.items()}


def divide_by_rules(
    frames: Sequence[tuple[str, FrameKey]], config: SplitConfig
) -> tuple[dict[int, Side | Literal["none"]], dict[int, Unit]]:
    """Of frames, given by their recording's path and their key: sides that rules give, and units to be drawn.

    Both by the frame's place in `frames`.
    """
    ruled: dict[int, Side | Literal["none"]] = {}
    units: dict[int, Unit] = {}
    for place, (path, key) in enumerate(frames):
        side = find_rule(key, path, config)
        if side is None:
            units[place] = unit_of(key, config)
        else:
            ruled[place] = side
    return ruled, units


def check_rules(videos: Collection[str], config: SplitConfig) -> None:
    """Raise ConfigError where a rule of `hold_out` fits none of the labeled videos, given by their paths."""
    if unfit := [rule.video for rule in config.hold_out if not any(fits_video(rule, path) for path in videos)]:
        names = sorted({path.rpartition("/")[2] for path in videos})
        near = get_close_matches(unfit[0], names, n=1)
        raise ConfigError(
            f"split.hold_out must fit labeled videos ({', '.join(names[:5])}{', …' if len(names) > 5 else ''}), "
            f"got {', '.join(unfit)}, which fits none" + (f"; did you mean {near[0]}?" if near else "")
        )


def fill_sides(lots: Mapping[Unit, float], ruled: Collection[str], config: SplitConfig) -> dict[Unit, Side]:
    """The side of each unit, by its lot; a side that is wanted and would be empty borrows one.

    It borrows from the side that has most, the unit whose lot is nearest to its own; as long as others would not be
    empty in its place. The training set comes first. A side that rules fill needs none.
    """
    sides = {unit: _side_of(lot, config) for unit, lot in sorted(lots.items())}
    for side in SIDES:
        counts = Counter(sides.values())
        if counts[side] or side in ruled or not _is_wanted(side, config):
            continue
        spare = [own for own in SIDES if counts[own] > 1 or (counts[own] and own in ruled)]
        if side == "train":
            spare = spare or [own for own in ("test", "val") if counts[own]][:1]
        if not spare:
            continue
        richest = max(spare, key=lambda own: counts[own])
        givers = [unit for unit, own in sides.items() if own == richest]
        sides[min(givers, key=lambda unit: (_distance(lots[unit], side, config), unit))] = side
    return sides


def describe_shortage(units: Collection[Unit], ruled: Collection[str], config: SplitConfig) -> str | None:
    """One line that says which sides stay empty, since units are too few, and what helps; None where none does."""
    filled = {*fill_sides({unit: draw_lot(*unit, config) for unit in units}, ruled, config).values(), *ruled}
    empty = [side for side in SIDES if _is_wanted(side, config) and side not in filled]
    if not empty:
        return None
    wider = {"block": "split.by: frame (or smaller split.block_frames)", "video": "split.by: block"}.get(config.by)
    settings = [*([wider] if wider else []), "split.hold_out"]
    return (
        f"split: no labeled frame is left for {' and '.join(empty)}, since all labels are in {len(units)} "
        f"{config.by}{'' if len(units) == 1 else 's'}; {' or '.join(settings)} helps, or labels elsewhere"
    )


def _is_wanted(side: Side, config: SplitConfig) -> bool:
    low, high = _interval(side, config)
    return high > low


def _interval(side: Side, config: SplitConfig) -> tuple[float, float]:
    """The lots that fall to a side."""
    test, val = config.test_fraction, config.test_fraction + config.val_fraction
    return {"test": (0.0, test), "val": (test, val), "train": (val, 1.0)}[side]


def _side_of(lot: float, config: SplitConfig) -> Side:
    if lot < config.test_fraction:
        return "test"
    return "val" if lot < config.test_fraction + config.val_fraction else "train"


def _distance(lot: float, side: Side, config: SplitConfig) -> float:
    low, high = _interval(side, config)
    return max(low - lot, lot - high, 0.0)


def draw_lot(unit: str, number: int, config: SplitConfig) -> float:
    """The lot, in [0, 1), of unit `number` (a frame or a block) of a recording.

    Lots are stratified: each ten neighboring units get one of the ten tenths of [0, 1) each, in an order that is a
    hash of seed and recording. So a clip that is labeled throughout meets the fractions to within a unit or two, where
    independent lots would be off by the square root of the units' number.
    """
    group, slot = divmod(number, STRATA)
    hashes = [_hash(f"{config.seed}\0{unit}\0{group}\0{place}") for place in range(STRATA)]
    tenth = sorted(hashes).index(hashes[slot])
    return (tenth + _hash(f"{config.seed}\0{unit}\0{group}\0{slot}\0within")) / STRATA


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
        if fits_frame(rule, path, key.number):
            return rule.to
    return None


def fits_frame(rule: HoldOut, path: str, number: int) -> bool:
    """Whether a rule means this frame of the recording, or image folder, at a path with slashes."""
    return fits_video(rule, path) and (rule.frames is None or rule.frames[0] <= number <= rule.frames[1])


def fits_video(rule: HoldOut, path: str) -> bool:
    """Whether a rule means the recording, or image folder, at a path with slashes."""
    name = path if "/" in rule.video else path.rpartition("/")[2]
    pattern = f"*/{rule.video.lstrip('/')}" if "/" in rule.video else rule.video
    return name == pattern or fnmatchcase(name, pattern)


def _path_of(frame: sio.LabeledFrame) -> str:
    """Path of a frame's recording, or of its image's folder, with slashes."""
    files = root_video(frame.video).filename
    path = PureWindowsPath(files) if isinstance(files, str) else PureWindowsPath(files[frame.frame_idx]).parent
    return f"/{path.as_posix()}"


def part_of(labels: sio.Labels, frames: Iterable[sio.LabeledFrame]) -> sio.Labels:
    """Some frames of labels, with the skeleton, videos and identities of the whole."""
    return sio.Labels(
        labeled_frames=list(frames),
        videos=list(labels.videos),
        skeletons=list(labels.skeletons),
        tracks=list(labels.tracks),
    )
