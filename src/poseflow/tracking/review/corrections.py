"""What a person corrected in a recording, read back from the label files of its review list."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import numpy as np
import sleap_io as sio
from numpy.typing import NDArray

from poseflow.core.errors import LabelsError
from poseflow.exchange.slp import UNNAMED
from poseflow.tables import find_rows, read_instances
from poseflow.tracking.recording import RecordingFile, count_rows
from poseflow.tracking.review.listing import PROVENANCE, REVIEW_ITEMS
from poseflow.tracking.tracker import Corrections

logger = logging.getLogger(__name__)

NEAR_PX = 10.0
"""A corrected instance is the predicted one whose nodes are so near, in the median; some may have been moved."""


def read_corrections(
    paths: Sequence[str | Path], files: Sequence[RecordingFile], videos: Mapping[str, str]
) -> Corrections:
    """Read what a person corrected in review files: which animal an instance is, from that frame on.

    User instances count, and predicted ones whose track is no longer what it was. A track named `track_3` means the
    track of that number, any other name the animal. A review item that is among the suggestions no longer was seen, and
    is right.

    Args:
        paths: label files (`.slp`), saved from `write_review`'s.
        files: of the recording. videos: the file name of each of their videos.

    Raises: LabelsError for a file that cannot be read.
    """
    corrections = Corrections()
    first_rows = dict(zip((file.video for file in files), count_rows(files), strict=False))
    for path in paths:
        labels = _load(path)
        labeled, removed = list(_read_labeled(labels)), _find_removed_items(labels)
        for file in files:
            own = [pair for pair in labeled if pair[0].video == PureWindowsPath(videos[file.video]).name]
            for frame_idx, row, name in _find_changes(path, file, own) if own else ():
                number = name.removeprefix(UNNAMED)
                is_number = name.startswith(UNNAMED) and number.isdigit()
                whole_row = row + first_rows[file.video]
                rows = corrections.tracks.setdefault(frame_idx + file.start, {})
                rows[whole_row] = int(number) if is_number else None
                if not is_number:
                    corrections.names[whole_row] = name
            reviewed = removed.get(PureWindowsPath(videos[file.video]).name, ())
            corrections.reviewed.update(file.start + frame for frame in reviewed)
    return corrections


@dataclass(frozen=True, eq=False)
class _LabeledInstance:
    """An instance of a label file that has a track."""

    video: str
    """File name."""
    frame_idx: int
    points: Mapping[str, NDArray[np.float64]]
    """(2,) of each node"""
    name: str
    by_person: bool
    """A person made the instance, or tracking's own name is not known."""


def _read_labeled(labels: sio.Labels) -> Iterator[tuple[_LabeledInstance, set[tuple[int, str]]]]:
    """Yield each instance that has a track, with the (row, name) pairs that tracking had in its frame."""
    known = json.loads(labels.provenance.get(PROVENANCE, "null"))
    for frame in labels.labeled_frames:
        video = PureWindowsPath(str(frame.video.filename)).name
        was = {(row, name) for number, row, name in (known or {}).get(video, ()) if number == frame.frame_idx}
        for instance in frame.instances:
            if instance.track is not None:
                by_person = known is None or not isinstance(instance, sio.PredictedInstance)
                points = dict(zip(instance.skeleton.node_names, instance.numpy(), strict=True))
                yield _LabeledInstance(video, int(frame.frame_idx), points, instance.track.name, by_person), was


def _find_removed_items(labels: sio.Labels) -> Mapping[str, Sequence[int]]:
    """Frames of the review items of each video, by file name, that were suggested and are so no longer."""
    left = {(PureWindowsPath(str(one.video.filename)).name, int(one.frame_idx)) for one in labels.suggestions}
    items = json.loads(labels.provenance.get(REVIEW_ITEMS, "{}"))
    return {video: [frame for frame in frames if (video, frame) not in left] for video, frames in items.items()}


def _load(path: str | Path) -> sio.Labels:
    try:
        return sio.load_slp(str(path), open_videos=False)
    except (OSError, KeyError, ValueError) as error:
        raise LabelsError(f"{path}: must be a SLEAP label file, got one that cannot be read: {error}") from error


def _find_changes(
    path: str | Path, file: RecordingFile, labeled: Sequence[tuple[_LabeledInstance, set[tuple[int, str]]]]
) -> Iterator[tuple[int, int, str]]:
    """Yield frame, row and name of each instance of a video that a person corrected."""
    rows = find_rows(list(file.predictions), np.unique([one.frame_idx for one, _ in labeled]))
    found = read_instances(list(file.predictions), rows)
    nodes = found.skeleton.nodes
    for one, was in labeled:
        here = np.flatnonzero(found.frame_idx == one.frame_idx)
        if not set(nodes) & one.points.keys():
            raise LabelsError(f"{path}: nodes must be {', '.join(nodes)}, got {', '.join(one.points)}")
        points = np.array([one.points.get(node, (np.nan, np.nan)) for node in nodes])
        distance = np.linalg.norm(found.points[here] - points, axis=-1)
        median = [np.nanmedian(own) if np.isfinite(own).any() else np.inf for own in distance]
        if not len(here) or min(median) > NEAR_PX:
            logger.warning("%s: frame %d of %s has no animal where %s is", path, one.frame_idx, one.video, one.name)
            continue
        row = int(rows[here[int(np.argmin(median))]])
        if one.by_person or (row, one.name) not in was:
            yield one.frame_idx, row, one.name
