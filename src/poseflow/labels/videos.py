"""Labeled videos: what they are called, where they lie, and which frame is which."""

from __future__ import annotations

import logging
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PureWindowsPath

import sleap_io as sio

from poseflow.core.errors import AmbiguousVideoError, LabelsError
from poseflow.media import VideoIndex, find_recording, index_video
from poseflow.media.lookup import Fits, base_name, count_common_parts, is_there, key_of_name

logger = logging.getLogger(__name__)

NUMBER = re.compile(r"\d{1,18}")
HASH = re.compile(
    r"(?<![0-9a-z])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[0-9a-f]*\d[a-f])[0-9a-f]{8,})(?![0-9a-z])",
    re.IGNORECASE,
)
"""A UUID, or 8 or more hexadecimal digits of which letters follow numbers, as no counter writes them."""


@dataclass(frozen=True)
class FrameKey:
    """What a labeled frame is called, whatever file the label came from.

    `video` is the recording's file name, or the folder's of an image sequence. `number` is the frame's index; of an
    image it is the number in its name (where DeepLabCut puts the frame's index; of several numbers that in which the
    sequence's images differ most), or, if `numbered` is false, its place in the folder. `image` is the image's name,
    empty for a video's frame.
    """

    video: str
    number: int
    image: str = ""
    numbered: bool = True


def frame_key(video: sio.Video, frame_idx: int) -> FrameKey:
    """Name a frame by its recording, also when the frame is embedded in a package."""
    files = root_video(video).filename
    if isinstance(files, str):
        return FrameKey(base_name(files), frame_idx)
    image, number = PureWindowsPath(files[frame_idx]), _number_images(tuple(files))[frame_idx]
    return FrameKey(image.parent.name, frame_idx if number is None else number, image.name, number is not None)


@lru_cache(maxsize=64)
def _number_images(files: tuple[str, ...]) -> list[int | None]:
    """The frame that each image's name tells, None where it has no number.

    Of several numbers (`img0012_cam1`, `img0012_640x480`) it is the one in which images named alike differ most,
    of equals the last. Digits of a hash (`img0012_png.rf.8a7f3b2c9e`, as Roboflow names them) are none.
    """
    stems = [HASH.sub("", PureWindowsPath(file).stem) for file in files]
    alike: dict[str, list[int]] = defaultdict(list)
    for place, (file, stem) in enumerate(zip(files, stems, strict=True)):
        alike[f"{PureWindowsPath(file).parent}/{NUMBER.sub('0', stem)}"].append(place)
    found: list[int | None] = [None] * len(files)
    for places in alike.values():
        numbers = [[int(number) for number in NUMBER.findall(stems[place])] for place in places]
        differing = [len(set(column)) for column in zip(*numbers, strict=True)]
        if differing:
            best = max(range(len(differing)), key=lambda column: (differing[column], column))
            for place, own in zip(places, numbers, strict=True):
                found[place] = own[best]
    return found


def video_name(video: sio.Video) -> str:
    """File name of the recording, or the folder's name of an image sequence."""
    files = root_video(video).filename
    return base_name(files) if isinstance(files, str) else PureWindowsPath(files[0]).parent.name


def root_video(video: sio.Video) -> sio.Video:
    """The recording that a package's images were taken from; an image sequence stands for itself."""
    seen = []
    while isinstance(video.filename, str) and video.source_video is not None and video.source_video not in seen:
        seen.append(video)
        video = video.source_video
    return video


def plain_name(name: object) -> str:
    """An animal's name, the same however a system encodes its letters, and on one line; empty where it has none."""
    return " ".join(unicodedata.normalize("NFC", str(name)).split())


def is_embedded(video: sio.Video) -> bool:
    """Whether the frames lie in a label file (`.pkg.slp`), this one or another, instead of a recording."""
    metadata = video.backend_metadata
    is_label_file = isinstance(video.filename, str) and video.filename.lower().endswith(".slp")
    return metadata.get("filename") == "." or bool(metadata.get("has_embedded_images")) or is_label_file


def index_of(video: sio.Video) -> VideoIndex:
    """Index of a recording that `locate` found; raises LabelsError if it cannot be read."""
    path = Path(str(video.filename))
    stat = path.stat()
    dataset = video.backend_metadata.get("dataset") or "images"
    index = _cached_index(str(path), dataset, stat.st_mtime_ns, stat.st_size)
    if index.status != "ok":
        raise LabelsError(f"{path} must be a readable video, since frames of it are labeled: {index.reason}")
    return index


@lru_cache(maxsize=1024)
def _cached_index(path: str, dataset: str, _mtime_ns: int, _size: int) -> VideoIndex:
    return index_video(path, h5_dataset=dataset)


class VideoFinder:
    """Finds recordings: where the label file says, in `folders` and below, and beside the label file."""

    def __init__(self, folders: Sequence[str | Path]) -> None:
        self._folders = [Path(folder) for folder in folders]
        self._files: dict[str, list[Path]] | None = None

    def find(
        self, recorded: str, label_file: Path, others: Iterable[str] = (), fits: Fits | None = None
    ) -> Path | None:
        """Absolute path of a recording or image folder, None if it is nowhere; as `find_recording`.

        Args:
            others: Paths of the recordings that the label file names.
            fits: What is known of a candidate's content.

        Raises:
            AmbiguousVideoError: Several fit equally.
        """
        here = {(base / recorded).resolve() for base in (label_file.parent, Path()) if is_there(base / recorded)}
        if len(here) > 1:
            listed = ", ".join(sorted(map(str, here)))
            raise AmbiguousVideoError(f"{label_file}: video {recorded} must be one recording, got several: {listed}")
        if here:
            return here.pop()
        name = base_name(recorded)
        candidates = [*self._by_name().get(key_of_name(name), []), *_of_name(label_file.parent, name)]
        try:
            found = find_recording(recorded, candidates, others, fits)
        except AmbiguousVideoError as error:
            raise AmbiguousVideoError(f"{label_file}: {error}") from None
        if found is None:
            return None
        if count_common_parts(recorded, found) == 1 and not self._is_given(found, label_file):
            logger.warning("%s: %s is taken for %s by its name alone", label_file, found, recorded)
        return found.resolve()

    def find_holder(self, names: Iterable[str], label_file: Path) -> Path | None:
        """Of the folders that a person named, and the label file's, the one that holds any of the images.

        Raises:
            AmbiguousVideoError: Several do.
        """
        wanted = set(names)
        folders = {folder.resolve() for folder in (label_file.parent, *self._folders)}
        found = sorted(folder for folder in folders if any(is_there(folder / name) for name in wanted))
        if len(found) > 1:
            listed = ", ".join(map(str, found))
            raise AmbiguousVideoError(
                f"{label_file}: image {min(wanted)} must lie in one folder, got several: {listed}"
            )
        return found[0] if found else None

    def _is_given(self, found: Path, label_file: Path) -> bool:
        """Whether a recording lies right in a folder that a person named, not somewhere below."""
        folders = [folder.resolve() for folder in (*self._folders, label_file.parent)]
        return found.parent.resolve() in folders

    def _by_name(self) -> dict[str, list[Path]]:
        if self._files is None:
            self._files = defaultdict(list)
            for folder in self._folders:
                for path in _walk(folder):
                    self._files[key_of_name(path.name)].append(path)
        return self._files


def _of_name(folder: Path, name: str) -> list[Path]:
    """What is called so in a folder, in whatever case."""
    return sorted(path for path in folder.absolute().iterdir() if key_of_name(path.name) == key_of_name(name))


def _walk(folder: Path) -> Iterator[Path]:
    """Files and folders below `folder`, through links, each real folder once."""
    seen = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        yield from (Path(parent, name) for name in sorted([*folders, *files]))
