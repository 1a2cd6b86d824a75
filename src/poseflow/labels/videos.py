"""Labeled videos: what they are called, where they lie, and which frame is which."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath, PureWindowsPath

import sleap_io as sio

from poseflow.errors import LabelsError
from poseflow.media import VideoIndex, index_video


@dataclass(frozen=True)
class FrameKey:
    """What a labeled frame is called, whatever file the label came from.

    `video` is the recording's file name, or the folder's of an image sequence. `number` is the frame's index; of an
    image it is the last number in its name (where DeepLabCut puts the frame's index), or, if `numbered` is false, its
    place in the folder. `image` is the image's file name, empty for a video's frame.
    """

    video: str
    number: int
    image: str = ""
    numbered: bool = True


def frame_key(video: sio.Video, frame_idx: int) -> FrameKey:
    """Name a frame by its recording, also when the frame is embedded in a package."""
    files = root_video(video).filename
    if isinstance(files, str):
        return FrameKey(_base_name(files), frame_idx)
    image = PureWindowsPath(files[frame_idx])
    numbers = re.findall(r"\d{1,18}", image.stem)
    number = int(numbers[-1]) if numbers else frame_idx
    return FrameKey(image.parent.name, number, image.name, bool(numbers))


def video_name(video: sio.Video) -> str:
    """File name of the recording, or the folder's name of an image sequence."""
    files = root_video(video).filename
    return _base_name(files) if isinstance(files, str) else PureWindowsPath(files[0]).parent.name


def root_video(video: sio.Video) -> sio.Video:
    """The recording that a package's images were taken from; an image sequence stands for itself."""
    while isinstance(video.filename, str) and video.source_video is not None:
        video = video.source_video
    return video


def is_embedded(video: sio.Video) -> bool:
    """Whether the frames lie in a label file (`.pkg.slp`) instead of a recording."""
    metadata = video.backend_metadata
    return metadata.get("filename") == "." or bool(metadata.get("has_embedded_images"))


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
    """Finds recordings: where the label file says, then by name in `folders` and below, then beside the label file."""

    def __init__(self, folders: Sequence[str | Path]) -> None:
        self._folders = [Path(folder) for folder in folders]
        self._places: dict[str, list[Path]] | None = None

    def find(self, recorded: str, label_file: Path) -> Path | None:
        """Absolute path of a recording or image folder, None if it is nowhere.

        Where several have its name, the one whose parent folders agree longest with the recorded path is meant.

        Raises:
            LabelsError: Several agree equally.
        """
        for candidate in (Path(recorded), label_file.parent / recorded):
            if candidate.exists():
                return candidate.resolve()
        name = _base_name(recorded)
        places = self._by_name().get(name, [])
        if places:
            return self._most_alike(recorded, places)
        beside = label_file.parent / name
        return beside.resolve() if beside.exists() else None

    def _by_name(self) -> dict[str, list[Path]]:
        if self._places is None:
            self._places = defaultdict(list)
            for folder in self._folders:
                for path in _walk(folder):
                    self._places[path.name].append(path)
        return self._places

    @staticmethod
    def _most_alike(recorded: str, places: list[Path]) -> Path:
        alike = {path.resolve(): _common_tail(recorded, path) for path in places}
        best = [path for path, parts in alike.items() if parts == max(alike.values())]
        if len(best) > 1:
            listed = ", ".join(map(str, sorted(best)))
            raise LabelsError(
                f"labeled video {recorded} must be one file in video_folders, got several of this name: {listed}"
            )
        return best[0]


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


def _common_tail(recorded: str, path: PurePath) -> int:
    count = 0
    for a, b in zip(reversed(PureWindowsPath(recorded).parts), reversed(path.parts), strict=False):
        if a != b:
            break
        count += 1
    return count


def _base_name(path: str) -> str:
    """Last part of a path written on any system."""
    return PureWindowsPath(path).name
