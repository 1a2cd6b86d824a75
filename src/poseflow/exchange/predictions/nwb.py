"""Poses in NWB 2, by the extension ndx-pose."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from poseflow.core.skeleton import Skeleton
from poseflow.core.wording import tell_apart
from poseflow.exchange.nwb import container_name
from poseflow.exchange.predictions.frame_numbers import OFF_GRID, number_times
from poseflow.exchange.predictions.hdf5 import dataset, opened, text
from poseflow.exchange.predictions.reader import PredictedVideo, PredictionsFile, PredictionsReader, name_recording
from poseflow.labels.formats.content import is_hdf5, open_hdf5
from poseflow.tables import Instances

WHAT = "an NWB file with poses (ndx-pose)"
BLOCK_FRAMES = 1 << 14
MOST_FRAMES = 1 << 25
"""Of a recording, four days at 100 frames/s: more come of a rate that is wrong."""
LENGTH = re.compile(r"(milli|centi|micro|deci)?met(er|re)s?|[munµcd]?m|inch(es)?", re.IGNORECASE)
"""Units that are no px."""


@dataclass(frozen=True)
class _Animal:
    """One PoseEstimation: a series for each node, None where there is none."""

    group: h5py.Group
    series: Sequence[h5py.Group | None]
    frames: NDArray[np.int64]


def recognize(path: Path) -> bool:
    """Whether a file is NWB and has a PoseEstimation."""
    if not is_hdf5(path):
        return False
    with open_hdf5(path) as file:
        return "nwb_version" in file.attrs and bool(_find_poses(file))


def describe(path: Path) -> PredictionsFile:
    """What a file holds; raises PredictionsError."""
    with opened(path, WHAT) as file:
        skeleton = _read_skeleton(file)
        videos, individuals = [], 0
        for number, (recorded, groups) in enumerate(_group_by_recording(file).items()):
            animals, fps = _read_animals(groups, skeleton)
            last = max((int(animal.frames[-1]) for animal in animals if len(animal.frames)), default=-1)
            path_of, images = name_recording(recorded) if recorded else (None, ())
            videos.append(PredictedVideo(number=number, recorded=path_of, images=images, frames=last + 1, fps=fps))
            individuals = max(individuals, len(animals))
        group = _find_poses(file)[0]
        software = group.get("source_software")
        tool = text(software[()]) if isinstance(software, h5py.Dataset) else "ndx-pose"
        version = software.attrs.get("version") if isinstance(software, h5py.Dataset) else None
    return PredictionsFile(
        tool=tool,
        tool_version=None if version is None else text(version),
        skeleton=skeleton,
        videos=tuple(videos),
        left_out=(f"{individuals} individuals as tracks",) if individuals > 1 else (),
    )


def iter_instances(path: Path, video: int, frames: tuple[int, int]) -> Iterator[Instances]:
    """The animals of each frame."""
    with opened(path, WHAT) as file:
        skeleton = _read_skeleton(file)
        animals, _ = _read_animals(list(_group_by_recording(file).values())[video], skeleton)
        last = max((int(animal.frames[-1]) + 1 for animal in animals if len(animal.frames)), default=0)
        for begin in range(frames[0], min(frames[1], last), BLOCK_FRAMES):
            stop = min(begin + BLOCK_FRAMES, frames[1])
            parts = [_read_animal(animal, (begin, stop), len(skeleton.nodes)) for animal in animals]
            whole = Instances.concatenate(parts)
            yield whole.take(np.argsort(whole.frame_idx, kind="stable"))


def _read_animal(animal: _Animal, frames: tuple[int, int], nodes: int) -> Instances:
    begin, stop = np.searchsorted(animal.frames, frames).tolist()
    points, scores = np.full((stop - begin, nodes, 2), np.nan), np.full((stop - begin, nodes), np.nan)
    for node, series in enumerate(animal.series):
        if series is not None:
            points[:, node] = dataset(series, "data", 2)[begin:stop]
            if "confidence" in series:
                scores[:, node] = dataset(series, "confidence", 1)[begin:stop]
    return Instances.from_arrays(animal.frames[begin:stop], np.full(stop - begin, np.nan), points, scores)


def _find_poses(file: h5py.File) -> list[h5py.Group]:
    modules = file.get("processing")
    found = []
    for module in modules.values() if isinstance(modules, h5py.Group) else ():
        found += [group for group in module.values() if _type(group) == "PoseEstimation"]
    return found


def _type(item: object) -> str:
    return text(item.attrs.get("neurodata_type", "")) if isinstance(item, h5py.Group) else ""


def _group_by_recording(file: h5py.File) -> dict[tuple[str, ...], list[h5py.Group]]:
    """The poses of each recording, by the files that it is; those of one are animals, of several maybe cameras."""
    found: dict[tuple[str, ...], list[h5py.Group]] = {}
    for group in _find_poses(file):
        found.setdefault(_recorded(group), []).append(group)
    return found


def _read_animals(poses: Sequence[h5py.Group], skeleton: Skeleton) -> tuple[list[_Animal], float | None]:
    """The animals of a recording, and its rate of frames."""
    series = [_series_by_node(group, skeleton, group.name) for group in poses]
    for one in (one for own in series for one in own if one is not None):
        _check_unit(one)
    times = [_times(next(one for one in own if one is not None)) for own in series]
    for group, own, known in zip(poses, series, times, strict=True):
        if any(one is not None and dataset(one, "data", 2).shape != (len(known), 2) for one in own):
            raise ValueError(f"series of {group.name} must have x and y at {len(known)} times each, got others")
    steps = np.concatenate([np.diff(known) for known in times])
    step = float(np.median(steps)) if len(steps) else 0.0
    first = min((float(known[0]) for known in times if len(known)), default=0.0)
    clock = _read_clock(poses[0], max((float(known[-1]) for known in times if len(known)), default=0.0))
    frames = [_number_frames(known, clock, first, step) for known in times]
    animals = [_Animal(*parts) for parts in zip(poses, series, frames, strict=True)]
    return animals, 1 / step if step > 0 else None


def _check_unit(series: h5py.Group) -> None:
    """Raise ValueError where numbers are no px."""
    attributes = series["data"].attrs
    unit, scale, offset = text(attributes.get("unit", "")), attributes.get("conversion", 1), attributes.get("offset", 0)
    if LENGTH.fullmatch(unit) or scale != 1 or offset != 0:
        raise ValueError(f"{series.name} must be in px, got {unit or 'no unit'} (times {scale} plus {offset})")


def _read_clock(group: h5py.Group, last: float) -> NDArray[np.float64]:
    """Times of the recording's images up to that of the last pose, none where the file does not tell them.

    A recording that begins at 0 by its rate is one whose time nobody wrote: that is what libraries fill in.
    """
    for series in _iter_images(group):
        if "timestamps" in series:
            return np.asarray(dataset(series, "timestamps", 1)[:], float)
        if "starting_time" in series:
            start, rate = float(series["starting_time"][()]), float(series["starting_time"].attrs["rate"])
            count = (last - start) * rate + 2
            if start != 0 and rate > 0 and 1 < count <= MOST_FRAMES:
                return start + np.arange(int(count)) / rate
    return np.empty(0)


def _number_frames(
    times: NDArray[np.float64], clock: NDArray[np.float64], first: float, step: float
) -> NDArray[np.int64]:
    """Frame of each time: by the images' times, or by the rate, where all times keep to it; else one after the other.

    Args:
        clock: times of the recording's images, empty where they are not known. first: time of the first pose.
    """
    if len(clock) and len(times):
        places = np.searchsorted(clock, times - OFF_GRID * step).clip(max=len(clock) - 1)
        if (np.abs(clock[places] - times) <= OFF_GRID * step).all() and (np.diff(places) > 0).all():
            return places.astype(np.int64)
    exact = (times - first) / step if step > 0 else np.arange(len(times), dtype=float)
    numbers = number_times(exact)
    if (np.diff(numbers) <= 0).any():
        numbers = np.arange(len(times), dtype=float)
    return numbers.astype(np.int64)


def _times(series: h5py.Group) -> NDArray[np.float64]:
    if "timestamps" in series:
        return np.asarray(dataset(series, "timestamps", 1)[:], float)
    start = series["starting_time"]
    return float(start[()]) + np.arange(len(series["data"])) / float(start.attrs["rate"])


def _series_by_node(group: h5py.Group, skeleton: Skeleton, name: str) -> list[h5py.Group | None]:
    series = {key: item for key, item in group.items() if _type(item) == "PoseEstimationSeries"}
    keys = _keys_by_node(list(series), skeleton.nodes)
    found = [series.get(key) for key in keys]
    if others := sorted(series.keys() - set(keys)):
        raise ValueError(f"{name} must have the nodes {', '.join(skeleton.nodes)}, got {', '.join(others)} as well")
    if not any(one is not None for one in found):
        raise ValueError(f"{name} must have a series of each node, got {', '.join(series) or 'none'}")
    return found


def _keys_by_node(keys: Sequence[str], nodes: Sequence[str]) -> list[str]:
    """What the series of each node is called, empty where there is none.

    As the node; with the type's name before it, as DeepLabCut writes; or, where HDF5 or NWB does not take the node's
    name, with underscores and a number, as `write_nwb` does.
    """
    found = [next((key for key in (node, f"PoseEstimationSeries{node}") if key in keys), "") for node in nodes]
    if set(keys) <= set(found):
        return found
    plain = [container_name(node) for node in nodes]
    written = tell_apart(plain, reserved=set(plain) - set(keys))  # what is not there was not to be had
    return [name if name in keys else "" for name in written]


def _read_skeleton(file: h5py.File) -> Skeleton:
    """That of the first poses; the others' nodes must be among its."""
    group = _find_poses(file)[0]
    # The link to it is called as the skeleton itself.
    stored = next((item for item in group.values() if _type(item) == "Skeleton" and "nodes" in item), None)
    if stored is not None:
        nodes = [text(name) for name in dataset(stored, "nodes", 1)[:]]
        edges = dataset(stored, "edges", 2)[:].tolist() if "edges" in stored and stored["edges"].ndim == 2 else []
    else:
        own = group["nodes"] if isinstance(group.get("nodes"), h5py.Dataset) else None
        series = [key for key, item in group.items() if _type(item) == "PoseEstimationSeries"]
        nodes, edges = [text(name) for name in own[:]] if own is not None else series, []
    return Skeleton(nodes=tuple(nodes), edges=tuple((int(a), int(b)) for a, b in edges))


def _recorded(group: h5py.Group) -> tuple[str, ...]:
    """Paths of the recording's files: of the image series that is linked, or of the list of older versions."""
    for item in _iter_images(group):
        return tuple(text(name) for name in np.ravel(item["external_file"][()]))
    videos = group.get("original_videos")
    return (text(videos[0]),) if isinstance(videos, h5py.Dataset) and videos.ndim == 1 and len(videos) == 1 else ()


def _iter_images(group: h5py.Group) -> Iterator[h5py.Group]:
    """Image series that poses are linked with."""
    for item in group.values():
        if isinstance(item, h5py.Group) and isinstance(item.get("external_file"), h5py.Dataset):
            yield item


NWB = PredictionsReader("NWB (ndx-pose) .nwb", recognize, describe, iter_instances)
