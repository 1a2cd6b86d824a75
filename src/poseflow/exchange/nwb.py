"""Neurodata Without Borders (NWB 2 with ndx-pose): a file a recording, or a folder with a file an animal.

movement and Keypoint-MoSeq read files of one animal; movement names it after the file's identifier. pynwb lays a file
out with nothing in it, and its arrays are filled afterwards, so that memory does not grow with the recording.
"""

import logging
import os
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from poseflow.core.errors import TableError
from poseflow.core.wording import tell_apart
from poseflow.exchange.animal_files import name_files
from poseflow.exchange.dense import FrameGrid, Window, find_individuals, find_times, iter_windows
from poseflow.exchange.losses import HIDDEN, OURS, loses
from poseflow.exchange.writer import PoseStream
from poseflow.tables import Individuals

if TYPE_CHECKING:
    from pynwb import NWBFile, TimeSeries

logger = logging.getLogger(__name__)

LONE = "PoseEstimation"
"""Name of the poses of a file's only animal, as movement asks for it."""
CHUNK_FRAMES = 1 << 14
CACHE_BYTES = 1 << 18
UNKNOWN_START = datetime(1970, 1, 1, tzinfo=UTC)
MAX_NODES = 255
"""ndx-pose keeps edges in 8 bits."""
MODULE = "processing/behavior"


@dataclass(frozen=True)
class _File:
    path: Path
    """Where it is written."""
    place: Path
    """Where it will lie."""
    identifier: str
    poses: Mapping[int, str]
    """The poses' name in the file, by individual; of nobody (-1) where there is no animal."""


@loses("instance scores", "frame numbers of recordings that were read in part", "symmetries", HIDDEN, *OURS)
def write_nwb(poses: PoseStream, path: Path) -> None:
    """Write one file with all animals.

    Raises: TableError for a skeleton of more than MAX_NODES nodes.
    """
    individuals = find_individuals(poses)
    names = _name_containers(individuals.names, ("Skeletons", LONE)) if len(individuals) > 1 else [LONE]
    lone = individuals.names[0] if len(individuals) == 1 else f"{poses.note['recording']}_{poses.note['video']}"
    _write(
        poses, individuals, [_File(path, poses.path, lone, dict(enumerate(names)) if individuals.names else {-1: LONE})]
    )


@loses("instance scores", "frame numbers of recordings that were read in part", "symmetries", HIDDEN, *OURS)
def write_nwb_animals(poses: PoseStream, path: Path) -> None:
    """Write a folder with a file an animal; errors as `write_nwb`."""
    individuals = find_individuals(poses)
    path.mkdir()
    files = name_files(poses.note["video"], individuals.names, ".nwb")
    animals = enumerate(zip(files, individuals.names, strict=True))
    _write(poses, individuals, [_File(path / file, poses.path / file, name, {i: LONE}) for i, (file, name) in animals])


def _write(poses: PoseStream, individuals: Individuals, files: list[_File]) -> None:
    if len(poses.skeleton.nodes) > MAX_NODES:
        raise TableError(f"{poses.table}: NWB must have at most {MAX_NODES} nodes, got {len(poses.skeleton.nodes)}")
    from ndx_pose import PoseEstimation

    series = _name_containers(poses.skeleton.nodes, PoseEstimation.__nwbfields__)
    grid = FrameGrid(poses.note["frames_read"])
    for file in files:
        _write_empty(poses, file, series)
    with ExitStack() as stack:
        opened = [
            (file, stack.enter_context(h5py.File(file.path, "r+", rdcc_nbytes=CACHE_BYTES))[MODULE]) for file in files
        ]
        for file, module in opened:
            _make_room(file, module, series, len(grid))
        for place, seconds in find_times(poses, grid, CHUNK_FRAMES):
            for file, module in opened:
                first = next(iter(file.poses.values()))
                module[first][series[0]]["timestamps"][place] = seconds
        for window in iter_windows(poses, individuals, grid):
            for file, module in opened:
                _write_window(file, module, series, window)


def _make_room(file: _File, module: h5py.Group, series: list[str], frames: int) -> None:
    for number, name in enumerate(file.poses.values()):
        for node in series:
            module[name][node]["data"].resize(frames, 0)
            module[name][node]["confidence"].resize(frames, 0)
        if number == 0:
            module[name][series[0]]["timestamps"].resize(frames, 0)


def _write_window(file: _File, module: h5py.Group, series: list[str], window: Window) -> None:
    frames = slice(window.start, window.stop)
    for individual, name in file.poses.items():
        if individual < 0:
            continue
        for node, part in enumerate(series):
            module[name][part]["data"][frames] = window.nodes[:, individual, node, :2]
            module[name][part]["confidence"][frames] = window.nodes[:, individual, node, 2]


def _write_empty(poses: PoseStream, file: _File, series: list[str]) -> None:
    """All of a file but its numbers."""
    from ndx_pose import Skeleton, Skeletons
    from pynwb import NWBHDF5IO, NWBFile
    from pynwb.file import Subject

    note, about = poses.note, poses.subject
    title = f"{note['recording']}, {note['video']}"
    nwb = NWBFile(
        session_description=f"Poses of the animals in {title}",
        identifier=file.identifier,
        session_start_time=_start_of(poses),
        session_id=re.sub(r"[/\s]", "_", str(note["recording"])),
        experiment_description=f"Poses predicted and tracked by poseflow {note.get('package_version')}",
        keywords=["pose", "behavior"],
    )
    nwb.subject = Subject(
        subject_id=re.sub(r"[/\s]", "_", file.identifier),
        species=about.species,
        sex=about.sex,
        age=about.age,
        description=about.description or file.identifier,
    )
    skeleton = Skeleton(
        name="skeleton",
        nodes=list(poses.skeleton.nodes),
        edges=np.array(poses.skeleton.edges, np.uint8).reshape(-1, 2),
        subject=nwb.subject,
    )
    module = nwb.create_processing_module("behavior", "Poses of animals")
    module.add(Skeletons(skeletons=[skeleton]))
    _add_poses(poses, file, series, nwb, skeleton)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The file path provided")  # it is a temporary one
        with NWBHDF5IO(str(file.path), "w") as io:
            io.write(nwb)


def _add_poses(poses: PoseStream, file: _File, series: list[str], nwb: "NWBFile", skeleton: Any) -> None:
    """One set of empty series an animal; all have the first one's times."""
    from ndx_pose import PoseEstimation, PoseEstimationSeries

    camera = nwb.create_device("camera", description="The camera of the recording")
    first: TimeSeries | None = None
    video: Any = None
    for name in file.poses.values():
        parts = []
        for node, part in zip(poses.skeleton.nodes, series, strict=True):
            times = first if first is not None else _empty(np.float64)
            parts.append(
                PoseEstimationSeries(
                    name=part,
                    description=f"Position of {node}",
                    data=_empty(np.float32, 2),
                    unit="pixels",
                    reference_frame="(0, 0) is the center of the image's top left pixel; y points down",
                    timestamps=times,
                    confidence=_empty(np.float32),
                    confidence_definition="Height of the peak in the network's confidence map, 0 to 1",
                )
            )
            first = first if first is not None else parts[0]
        if video is None and poses.has_recording:
            video = _video_of(poses, file, camera, first)
            nwb.add_acquisition(video)
        estimated = PoseEstimation(
            name=name,
            pose_estimation_series=parts,
            description="Poses of one animal",
            scorer=f"release {poses.note.get('release')}",
            source_software="poseflow",
            source_software_version=str(poses.note.get("package_version")),
            skeleton=skeleton,
            devices=[camera],
            **({"source_video": video} if video is not None else {}),
        )
        nwb.processing["behavior"].add(estimated)


def _video_of(poses: PoseStream, file: _File, camera: Any, times: Any) -> Any:
    """The recording, by its path from where the file will lie."""
    from pynwb.image import ImageSeries

    assert poses.index is not None
    index = poses.index
    clock: dict[str, Any] = {"rate": float(index.fps), "starting_time": 0.0} if index.fps else {"timestamps": times}
    if index.variable_fps:
        clock = {"timestamps": index.time_s()}
    return ImageSeries(
        name="video",
        description="The recording that the poses are of",
        format="external",
        external_file=[os.path.relpath(Path(index.path).absolute(), file.place.absolute().parent)],
        dimension=[index.width, index.height],
        num_samples=index.frames,
        unit="n.a.",
        device=camera,
        **clock,
    )


def _empty(dtype: Any, *width: int) -> Any:
    """An array that grows, as pynwb writes it."""
    from hdmf.backends.hdf5.h5_utils import H5DataIO

    return H5DataIO(
        np.empty((0, *width), dtype),
        maxshape=(None, *width),
        chunks=(CHUNK_FRAMES, *width),
        compression="gzip",
        compression_opts=1,
        shuffle=True,
        fillvalue=np.nan,
    )


def _start_of(poses: PoseStream) -> datetime:
    """When the recording began, with time zone."""
    if poses.note["start"]:
        return datetime.fromisoformat(poses.note["start"])
    if poses.index is not None and poses.index.created_at is not None:
        return poses.index.created_at
    logger.warning("%s: when the recording began is not known; NWB has 1970 for it", poses.table)
    return UNKNOWN_START


def _name_containers(names: Sequence[str], reserved: Iterable[str]) -> list[str]:
    """Names that HDF5 takes, all different and none that has another meaning there; most are as they were."""
    return tell_apart(map(container_name, names), reserved=reserved)


def container_name(name: str) -> str:
    """A name as HDF5 takes it."""
    plain = re.sub(r"[/:]", "_", name)
    return plain if plain.strip(".") else "_"
