"""Portable training sets: labeled frames with their images in one `.pkg.slp`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import h5py
import numpy as np
import sleap_io as sio
from numpy.typing import NDArray

from poseflow.core.errors import LabelsError, SkeletonError
from poseflow.core.skeleton import Skeleton
from poseflow.labels.clean import check_same_nodes, choose_skeleton, chosen_instances, identity_of
from poseflow.labels.embed import KEEPS_HIDDEN, write_with_images
from poseflow.labels.formats import read_label_file
from poseflow.labels.hidden import has_hidden, split_hidden
from poseflow.labels.images import Image
from poseflow.labels.skeletons import from_sleap
from poseflow.labels.stray import describe_strays, find_strays, warn_of_strays
from poseflow.labels.videos import frame_key, is_embedded
from poseflow.media.channels import convert_channels
from poseflow.media.headers import find_fault


@dataclass(frozen=True, eq=False)
class FrameLabels:
    """One frame's labels.

    `video`: the recording's file name (an image sequence: the folder's). `frame_idx`: the frame's index (an image:
    the number in its name). `points`: (instances, nodes, 2) float32, full-resolution px, NaN where missing; no
    instances for a frame that was marked as empty. `identities`: each instance's, None where it has none. `hidden`:
    (instances, nodes), which of the points nobody can see; None for none.
    """

    video: str
    frame_idx: int
    points: NDArray[np.float32]
    identities: tuple[str | None, ...]
    hidden: NDArray[np.bool_] | None = None


def write_package(labels: sio.Labels, path: str | Path, channels: int = 1) -> None:
    """Write labels and the images of their frames into one file that SLEAP's GUI and sleap-io open.

    The images are lossless (PNG) and decoded by `poseflow.media`: exactly what prediction sees. Each frame keeps its
    recording's name and its index. A frame that cannot be decoded is left out, with a warning. Where nodes are hidden
    (`labels.keep_hidden`), the file says so.

    Args:
        labels: One side of `split_labels`, or what `read_labels` gave; may have no frames.
        path: Output, `.pkg.slp`; written whole or not at all.
        channels: 1: grey images. 3: RGB images, and the grey ones too, since the grey that prediction sees (the
            luma plane) cannot be had from RGB without loss.
    """
    write_with_images(_sorted(labels), path, channels, has_hidden(labels))


def _sorted(labels: sio.Labels) -> sio.Labels:
    place = {video: number for number, video in enumerate(labels.videos)}
    frames = sorted(labels.labeled_frames, key=lambda frame: (place[frame.video], frame.frame_idx))
    return sio.Labels(
        labeled_frames=frames,
        videos=list(dict.fromkeys(frame.video for frame in frames)),
        skeletons=list(labels.skeletons),
        tracks=list(labels.tracks),
    )


class Package:
    """A portable training set, open for reading; images are decoded when asked for.

    May be read from several threads, and from processes that were forked after opening.
    """

    def __init__(
        self,
        path: Path,
        skeleton: Skeleton,
        frames: Sequence[FrameLabels],
        identities: tuple[str, ...],
        places: Sequence[tuple[str, int]],
    ) -> None:
        self.path = path
        self.skeleton = skeleton
        self.frames = list(frames)
        self.identities = identities
        self._places = places
        self._opened: tuple[int, h5py.File] | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def image(self, i: int, channels: int = 1) -> Image:
        """Image of frame `i`, (height, width, channels) uint8.

        Raises:
            LabelsError: RGB is asked for, and the package has grey images only.
        """
        dataset, row = self._places[i]
        file = self._file()
        if channels == 1 and f"{dataset.rpartition('/')[0]}/grey" in file:
            dataset = f"{dataset.rpartition('/')[0]}/grey"
        stored = file[dataset]
        content = stored[row].view(np.uint8)
        if fault := find_fault(content.tobytes()):
            raise LabelsError(f"{self.path}: the image in row {row} {fault}")
        image = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
        if image is None:
            raise LabelsError(f"{self.path} must have images that can be decoded, got a damaged one in row {row}")
        pixels = np.asarray(image, np.uint8).reshape(*image.shape[:2], -1)[..., :3]
        if pixels.shape[2] == 3 and stored.attrs.get("channel_order", "BGR") == "RGB":
            pixels = pixels[..., ::-1]
        if pixels.shape[2] < channels:
            raise LabelsError(f"{self.path} must have RGB images for a model with 3 input channels, got grey ones")
        return convert_channels(pixels, channels)

    @property
    def has_color(self) -> bool:
        """Whether the first frame's image is RGB, as all are then."""
        dataset, row = self._places[0]
        image = cv2.imdecode(self._file()[dataset][row].view(np.uint8), cv2.IMREAD_UNCHANGED)
        return image is not None and image.ndim == 3

    def arrange_nodes(self, skeleton: Skeleton, whose: str) -> None:
        """Put the nodes in the order of another skeleton, by their names; its edges and symmetries count from then on.

        `whose` says in the message whose nodes they must be.

        Raises:
            SkeletonError: The names of the nodes differ; says which.
        """
        own, wanted = self.skeleton.nodes, skeleton.nodes
        if set(own) != set(wanted):
            missing, extra = (
                ", ".join(name for name in here if name not in there) or "none"
                for here, there in ((wanted, own), (own, wanted))
            )
            raise SkeletonError(
                f"{self.path}: nodes must be those {whose}, {', '.join(wanted)}, got missing: {missing}; extra: {extra}"
            )
        order = [own.index(name) for name in wanted]
        self.frames = [
            replace(
                frame,
                points=frame.points[:, order],
                hidden=None if frame.hidden is None else frame.hidden[:, order],
            )
            for frame in self.frames
        ]
        self.skeleton = skeleton

    def check_identities(self) -> tuple[str, ...]:
        """The identities, for models that tell animals apart.

        Raises:
            LabelsError: No instance has one, all have the same, or a frame has one twice.
        """
        for frame in self.frames:
            named = [name for name in frame.identities if name is not None]
            if len(set(named)) < len(named):
                raise LabelsError(
                    f"{self.path}: an identity must occur once in a frame, got {', '.join(sorted(named))} "
                    f"in frame {frame.frame_idx} of {frame.video}"
                )
        used = {name for frame in self.frames for name in frame.identities if name is not None}
        if len(used) < 2:
            got = f"one, {used.pop()}" if used else "none"
            raise LabelsError(f"{self.path}: labels must name two animals or more by tracks for an ID model, got {got}")
        return self.identities

    def close(self) -> None:
        """Close the file; a later `image` opens it again."""
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None

    def _file(self) -> h5py.File:
        # HDF5 handles must not be shared across a fork.
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), h5py.File(self.path))
        return self._opened[1]


def read_package(path: str | Path) -> Package:
    """Open a `.pkg.slp`, of `write_package` or of SLEAP; of the latter, user instances count.

    Nodes are matched by name. Points that are no place in their image are left out, with a warning. Identities are
    those that an animal has. Hidden nodes are points where the file says so (`write_package`).

    Raises:
        SkeletonError: Skeletons in use have other nodes.
        LabelsError: The file is no package or damaged, or a labeled frame has no image in it.
    """
    path = Path(path)
    labels = read_label_file(path)
    if not labels.skeletons:
        raise LabelsError(f"{path} must have a skeleton, got none")
    # A training set is of what was merged into it: a skeleton that nobody has may be what others take its nodes for.
    check_same_nodes([one for one in labels.skeletons if one.nodes], path)
    chosen, orders = choose_skeleton(labels, path, include_predictions=False)
    skeleton = from_sleap(chosen)
    rows = _image_rows(labels.videos, path)
    with_hidden = keeps_hidden(path)
    frames, places = [], []
    strays: list[str] = []
    for frame in labels.labeled_frames:
        instances = chosen_instances(frame, include_predictions=False)
        if not instances and not frame.is_negative:
            continue
        if frame.frame_idx not in rows[id(frame.video)]:
            raise LabelsError(f"{path} must have the image of each labeled frame, got none for frame {frame.frame_idx}")
        key = frame_key(frame.video, frame.frame_idx)
        points = np.full((len(instances), len(skeleton.nodes), 2), np.nan, np.float32)
        hidden = np.zeros(points.shape[:2], bool)
        for place, instance in enumerate(instances):
            order = orders[id(instance.skeleton)]
            points[place], hidden[place] = (part[order] for part in split_hidden(instance, with_hidden))
        stray = find_strays(points, _size_of(frame.video))
        strays += describe_strays(stray, points, skeleton.nodes, key)
        points[stray], hidden[stray] = np.nan, False
        names = tuple(map(identity_of, instances))
        frames.append(FrameLabels(key.video, key.number, points, names, hidden if with_hidden else None))
        places.append(rows[id(frame.video)][frame.frame_idx])
    warn_of_strays(path, strays)
    in_use = {name for frame in frames for name in frame.identities}
    identities = tuple(track.name for track in labels.tracks if track.name in in_use)
    return Package(path, skeleton, frames, identities, places)


def keeps_hidden(path: str | Path) -> bool:
    """Whether a file is a package of `write_package` in which nodes are hidden."""
    if not h5py.is_hdf5(path):
        return False
    with h5py.File(path) as file:
        return bool(file.attrs.get(KEEPS_HIDDEN, False))


def _size_of(video: sio.Video) -> tuple[int, int] | None:
    """(height, width) of a video's embedded images, where it is written down."""
    shape = video.backend_metadata.get("shape")
    return (int(shape[1]), int(shape[2])) if shape and all(shape[1:3]) else None


def _image_rows(videos: Sequence[sio.Video], path: Path) -> dict[int, dict[int, tuple[str, int]]]:
    """For each video, by id, the dataset and row of each embedded frame."""
    rows = {}
    with h5py.File(path) as file:
        for video in videos:
            dataset = video.backend_metadata.get("dataset") or ""
            if not is_embedded(video) or dataset not in file:
                raise LabelsError(f"{path} must have its images embedded, got a reference to {video.filename}")
            numbers = file[dataset].parent["frame_numbers"][:]
            rows[id(video)] = {int(number): (dataset, row) for row, number in enumerate(numbers)}
    return rows
