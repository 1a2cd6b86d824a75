"""Poses of the `movement` package, netCDF."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from poseflow.core.skeleton import Skeleton
from poseflow.exchange.predictions.frame_numbers import number_times
from poseflow.exchange.predictions.hdf5 import dataset, opened, text
from poseflow.exchange.predictions.reader import PredictedVideo, PredictionsFile, PredictionsReader
from poseflow.labels.formats.content import is_hdf5, open_hdf5
from poseflow.tables import Instances

WHAT = "poses of movement (netCDF)"
DIMENSIONS = ("time", "individuals", "keypoints", "space")
VALUES = 1 << 22


def recognize(path: Path) -> bool:
    """Whether a file has the variables and coordinates of a poses dataset."""
    if not is_hdf5(path):
        return False
    with open_hdf5(path) as file:
        return {"position", "keypoints", "individuals", "time"} <= set(file)


def describe(path: Path) -> PredictionsFile:
    """What a file holds; raises PredictionsError."""
    with opened(path, WHAT) as file:
        numbers, fps = _frame_numbers(file)
        individuals = len(dataset(file, "individuals", 1))
        shape = dict(zip(_dimensions(file, "position", DIMENSIONS), file["position"].shape, strict=True))
        nodes = [text(name) for name in dataset(file, "keypoints", 1)[:]]
        if (shape["time"], shape["keypoints"], shape["space"]) != (len(numbers), len(nodes), 2):
            raise ValueError(
                f"position must have x and y of {len(nodes)} keypoints at {len(numbers)} times, got {shape}"
            )
        _find_axes(file)
        tool = text(_attribute(file, "source_software")) or "movement"
    return PredictionsFile(
        tool=tool,
        skeleton=Skeleton(nodes=tuple(nodes)),
        videos=(PredictedVideo(number=0, frames=int(numbers.max(initial=-1)) + 1, fps=fps),),
        left_out=(f"{individuals} individuals as tracks",) if individuals > 1 else (),
    )


def iter_instances(path: Path, video: int, frames: tuple[int, int]) -> Iterator[Instances]:
    """The animals of each frame."""
    with opened(path, WHAT) as file:
        numbers, _ = _frame_numbers(file)
        axes = _find_axes(file)
        begin, stop = np.searchsorted(numbers, frames).tolist()
        size = int(np.prod(dataset(file, "position", 4).shape[0:], dtype=np.int64)) // max(1, len(numbers))
        step = max(1, VALUES // max(1, size))
        for first in range(begin, stop, step):
            part = slice(first, min(first + step, stop))
            points = _read(file, "position", DIMENSIONS, part)[..., axes]
            scores = np.full(points.shape[:3], np.nan)
            if "confidence" in file:
                scores = _read(file, "confidence", DIMENSIONS[:3], part)
            animals, nodes = points.shape[1:3]
            frame_idx = np.repeat(numbers[part], animals)
            poses = points.reshape(-1, nodes, 2)
            yield Instances.from_arrays(frame_idx, np.full(len(poses), np.nan), poses, scores.reshape(-1, nodes))


def _read(file: h5py.File, name: str, wanted: tuple[str, ...], part: slice) -> NDArray[Any]:
    own = _dimensions(file, name, wanted)
    table = dataset(file, name, len(own))
    values = _unpack(table, table[tuple(part if one == "time" else slice(None) for one in own)])
    return np.transpose(values, [own.index(one) for one in wanted])


def _unpack(table: h5py.Dataset, values: NDArray[Any]) -> NDArray[Any]:
    """Values as netCDF's conventions mean them: what stands for a missing one is NaN, packed ones are scaled."""
    for name in ("_FillValue", "missing_value"):
        if name in table.attrs:
            values = np.where(values == _attribute(table, name), np.nan, values)
    scale, offset = _attribute(table, "scale_factor", 1), _attribute(table, "add_offset", 0)
    return values if (scale, offset) == (1, 0) else values * scale + offset


def _attribute(item: h5py.Group | h5py.Dataset, name: str, default: Any = "") -> Any:
    """An attribute's only value: netCDF stores a number as an array of one."""
    return np.ravel(item.attrs[name])[0] if name in item.attrs else default


def _find_axes(file: h5py.File) -> list[int]:
    """Where x and y stand in `space`."""
    names = [text(name) for name in dataset(file, "space", 1)[:]]
    if sorted(names) != ["x", "y"]:
        raise ValueError(f"space must be x and y, got {', '.join(names)}")
    return [names.index("x"), names.index("y")]


def _dimensions(file: h5py.File, name: str, wanted: tuple[str, ...]) -> list[str]:
    """Names of a variable's dimensions, by the scales that are attached to them."""
    found = dataset(file, name, len(wanted))
    own = [scales[0].name.rpartition("/")[2] if len(scales := found.dims[axis]) else "" for axis in range(found.ndim)]
    if sorted(own) != sorted(wanted):
        raise ValueError(f"{name} must have the dimensions {', '.join(wanted)}, got {', '.join(own)}")
    return own


def _frame_numbers(file: h5py.File) -> tuple[NDArray[np.int64], float | None]:
    """Frame of each time, and the frame rate: where it is known, times in seconds tell the frame."""
    times = np.asarray(dataset(file, "time", 1)[:], float)
    rate = float(_attribute(file, "fps", np.nan))
    fps = rate if np.isfinite(rate) and rate > 0 else None
    in_frames = text(_attribute(file, "time_unit")) == "frames"
    if not in_frames and (unit := text(_attribute(file["time"], "units", "seconds"))) != "seconds":
        raise ValueError(f"times must be in frames or seconds, got {unit}")
    exact = times if in_frames else times * fps if fps else np.arange(len(times), dtype=float)
    numbers = number_times(exact)
    if (np.diff(numbers) <= 0).any() or numbers.min(initial=0) < 0:
        raise ValueError("times must ascend from 0 on, got others")
    return numbers.astype(np.int64), fps


MOVEMENT = PredictionsReader("movement .nc", recognize, describe, iter_instances)
