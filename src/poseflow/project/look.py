"""What a lab has: its labels and recordings, looked at before a project is made."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poseflow.config import LabelsConfig, SplitConfig, VideosConfig
from poseflow.config.recordings import FileNames, check_zone
from poseflow.core.errors import LabelsError
from poseflow.core.wording import count_of
from poseflow.project.recommend import LabeledAnimals
from poseflow.runs.disk import say_size

if TYPE_CHECKING:
    import sleap_io as sio

logger = logging.getLogger(__name__)

LABEL_SUFFIXES = (".slp", ".csv", ".h5", ".json")
LEAST_BLOCKS = 10
"""Blocks of labeled frames from which test and validation set can be drawn."""
SHORT_BLOCKS = (50, 20, 10)
"""Frames of a block, where labels are in fewer blocks of the usual length."""
NUMBERED = re.compile(r"(?:track|animal|individual|ind|mouse|rat|fly|id|instance)?[ _-]*\d*", re.IGNORECASE)
"""Names of tracks that say nothing of who it is, as programs give them."""
_STAMPS = (
    *("%Y-%m-%dT%H-%M-%S", "%Y-%m-%d_%H-%M-%S", "%Y-%m-%d-%H-%M-%S"),
    *("%Y%m%d_%H%M%S", "%Y%m%d-%H%M%S", "%Y%m%dT%H%M%S"),
)
NAME_PATTERNS = tuple(f"{lead}{{start:{stamp}}}" for stamp in _STAMPS for lead in ("", "{camera}_", "{camera}-"))
"""Names of files that cameras' programs give."""


@dataclass(frozen=True)
class FoundLabels:
    """What label files hold."""

    patterns: Sequence[str]
    """That name the files, for `labels.paths`."""
    files: int
    formats: Sequence[str]
    frames: int
    shown: LabeledAnimals
    """Animals, named where all tracks have names that tell who it is."""
    block_frames: int | None
    """The longest blocks of which enough are labeled to draw test and validation set; None: not even short ones."""

    def describe(self) -> str:
        """In a line or two."""
        shown = self.shown
        names = f", named {', '.join(shown.identities)}" if shown.identities else ""
        length = shown.length_px
        size = f", about {length:.0f} px long" if np.isfinite(length) else ""
        files = f"{count_of(self.files, 'label file')} ({', '.join(self.formats)})"
        seen = f"{count_of(self.frames, 'labeled frame')}, up to {count_of(shown.most, 'animal')} in one{names}{size}"
        return f"{files}: {seen}; {count_of(len(shown.nodes), 'node')}: {', '.join(shown.nodes)}"


@dataclass(frozen=True)
class FoundRecordings:
    """What lies in the recordings' folder."""

    paths: Sequence[Path]
    """Below the folder."""
    size_bytes: int
    file_names: str | None
    """A pattern that all names have, `recordings.file_names`."""

    @property
    def is_flat(self) -> bool:
        """Whether many lie in the folder itself."""
        return sum(path.parent == Path() for path in self.paths) > 1

    def describe(self) -> str:
        """In a line."""
        if not self.paths:
            return "no recordings yet"
        named = f"; their names say {self.file_names}" if self.file_names else ""
        return f"{count_of(len(self.paths), 'recording file')}, {say_size(self.size_bytes)}{named}"


def look_at_labels(place: Path, written_as: str) -> FoundLabels | None:
    """Look into a label file, or all in a folder and below it; None where there is none.

    Args:
        written_as: how `place` is to be named in settings.

    Of a folder, files of other formats are passed over, and damaged ones and predictions, with a warning.

    Raises: LabelsError where nothing is there, or the one file holds no labels that can be read.
    """
    from poseflow.labels.formats import find_reader
    from poseflow.labels.reading import find_label_files

    if not place.exists():
        raise LabelsError(f"labels must be a label file or a folder of them, got {place}, which is not there")
    read = {path: _read(path, must=path == place) for path in ([place] if place.is_file() else _list_candidates(place))}
    found = {path: labels for path, labels in read.items() if labels is not None}
    if not found:
        return None
    kept = find_label_files(LabelsConfig(paths=tuple(escape(str(path)) for path in found)))
    return replace(
        _summarize([found[path] for path in kept]),
        patterns=[escape(written_as)] if place.is_file() else _make_patterns(place, kept, written_as),
        files=len(kept),
        formats=sorted({find_reader(path).files.partition(" ")[0] for path in kept}),
    )


def _read(path: Path, must: bool) -> sio.Labels | None:
    """A file's labels; None where it holds none and need not."""
    from poseflow.labels.formats import OtherFormatError, read_label_file

    try:
        return read_label_file(path)
    except LabelsError as error:
        if must:
            raise
        if not isinstance(error, OtherFormatError):
            logger.warning("%s; it is passed over", error)
        return None


def _list_candidates(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix.lower() in LABEL_SUFFIXES and path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _summarize(files: Sequence[sio.Labels]) -> FoundLabels:
    from poseflow.labels.clean import chosen_instances
    from poseflow.labels.videos import frame_key

    frames = [frame for labels in files for frame in labels.labeled_frames if chosen_instances(frame, False)]
    instances = [instance for frame in frames for instance in chosen_instances(frame, False)]
    keys = [(id(frame.video), frame_key(frame.video, frame.frame_idx).number) for frame in frames]
    names = {instance.track.name if instance.track is not None else "" for instance in instances}
    tells = len(names) > 1 and not any(map(NUMBERED.fullmatch, names))
    nodes = list(instances[0].skeleton.node_names) if instances else []
    poses = [np.stack([_points_of(instance, nodes) for instance in chosen_instances(frame, False)]) for frame in frames]
    return FoundLabels(
        patterns=(),
        files=len(files),
        formats=(),
        frames=len(frames),
        shown=LabeledAnimals(nodes, poses, sorted(names) if tells else [], _find_frame_size(frames)),
        block_frames=_choose_block_frames(keys),
    )


def _choose_block_frames(frames: Sequence[tuple[int, int]]) -> int | None:
    """By the labeled frames' recording and number."""
    for length in (SplitConfig().block_frames, *SHORT_BLOCKS):
        if len({(video, number // length) for video, number in frames}) >= LEAST_BLOCKS:
            return length
    return None


def _points_of(instance: sio.Instance, nodes: Sequence[str]) -> NDArray[np.float64]:
    """(nodes, 2) in the order of `nodes`; NaN where a node is not labeled, or is not of the instance's skeleton."""
    own = dict(zip(instance.skeleton.node_names, instance.numpy(), strict=True))
    return np.array([own.get(node, (np.nan, np.nan)) for node in nodes], np.float64)


def _find_frame_size(frames: Sequence[sio.LabeledFrame]) -> tuple[int, int] | None:
    """Height and width of the largest frame whose label file says it."""
    videos = {id(frame.video): frame.video for frame in frames}.values()
    shapes = [shape for video in videos if (shape := video.backend_metadata.get("shape"))]
    sizes = [(int(height), int(width)) for _, height, width, *_ in shapes if height and width]
    return max(sizes, default=None, key=lambda size: size[0] * size[1])


def _make_patterns(place: Path, files: Iterable[Path], written_as: str) -> list[str]:
    """Patterns that name the files, and those of their kind that are added later."""
    patterns = set()
    for path in files:
        below = path.relative_to(place)
        folders, name = escape(str(below.parent)), escape(path.name)
        if path.name.startswith("CollectedData_"):
            folders, name = "/".join("*" for _ in below.parts[:-1]), f"CollectedData_*{path.suffix}"
        elif path.suffix == ".slp":
            folders, name = "/".join("*" for _ in below.parts[:-1]), "*.slp"
        patterns.add("/".join(part for part in (escape(written_as), folders, name) if part not in ("", ".")))
    return sorted(patterns)


def look_at_recordings(folder: Path) -> FoundRecordings:
    """List the recordings in a folder and below it; none where there is no such folder. No video is opened."""
    from poseflow.media import find_videos

    if not folder.is_dir():
        return FoundRecordings([], 0, None)
    paths = list(find_videos(VideosConfig(root=str(folder))).paths)
    size = sum((folder / path).stat().st_size for path in paths if (folder / path).is_file())
    patterns = (pattern for pattern in NAME_PATTERNS if paths and all(map(FileNames(pattern).read, paths)))
    return FoundRecordings(paths, size, next(patterns, None))


def find_local_zone() -> str | None:
    """Name of this machine's time zone, where the system tells."""
    link = Path(os.environ.get("TZ", "").removeprefix(":") or "/etc/localtime")
    name = str(link.resolve()).partition("zoneinfo/")[2] if link.is_absolute() else str(link)
    try:
        return check_zone(name) if name else None
    except ValueError:
        return None
