"""The list of moments at which a person should look at a recording, and what the person corrected there."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PureWindowsPath

import numpy as np
import sleap_io as sio
from numpy.typing import NDArray

from poseflow.config import ReviewConfig, TrackingConfig
from poseflow.core.errors import LabelsError
from poseflow.core.files import replacing
from poseflow.core.sheets import write_csv
from poseflow.exchange.slp import UNNAMED, build_instances, name_tracks, video_of
from poseflow.labels import to_sleap
from poseflow.media import VideoIndex
from poseflow.runs.provenance import describe_tracking
from poseflow.tables import Tracks, find_rows, read_instances, read_tracks
from poseflow.tracking import Moment, RecordingFile, Statements, arrange_files, count_rows, track_recording

logger = logging.getLogger(__name__)

COLUMNS = (
    "rank", "video", "frame_idx", "time_s", "kind", "tracks", "identities", "confidence", "frames_affected",
    "expected_wrong_frames",
)  # fmt: skip
"""Of the list. `frames_affected`: animal-frames that are wrong if animals are mistaken there."""

PROVENANCE = "poseflow tracks"
"""Key of a review file's provenance: what tracking had called the instances, so that changes are seen."""

REVIEW_ITEMS = "poseflow review items"
"""Key of the moments that were suggested, by video: those that a person took from the list are right."""

NEAR_PX = 10.0
"""A corrected instance is the predicted one whose nodes are so near, in the median; some may have been moved."""


@dataclass(frozen=True)
class _Place:
    """A moment in its video."""

    moment: Moment
    file: RecordingFile
    frame_idx: int


def track_and_review(
    predictions: Mapping[str, Sequence[Path]],
    indexes: Mapping[str, VideoIndex],
    starts: Mapping[str, datetime],
    corrections: Sequence[str | Path],
    out: tuple[str | Path, str | Path, str | Path],
    configs: tuple[TrackingConfig, ReviewConfig],
) -> int:
    """Track a recording as a person corrected it, and list what is in doubt.

    Args:
        predictions: shards of each of its videos. indexes: of each. starts: as `arrange_files`.
        corrections: label files, as `read_corrections`.
        out: tracks table, list and label file of moments.

    Returns: how many moments there are to look at.
    """
    tracking, review = configs
    tracks, table, labels = out
    files = arrange_files(predictions, indexes, starts)
    statements = read_corrections(corrections, files, {video: index.path for video, index in indexes.items()})
    note = describe_tracking(predictions, corrections, tracking, review)
    note["corrected"] = _list_corrected(statements, files)
    moments = track_recording(files, tracking, tracks, statements, note)
    return write_review(moments, files, indexes, tracks, (table, labels), review)


def write_review(
    moments: Sequence[Moment],
    files: Sequence[RecordingFile],
    indexes: Mapping[str, VideoIndex],
    tracks: str | Path,
    out: tuple[str | Path, str | Path],
    config: ReviewConfig | None = None,
) -> int:
    """Write the moments as a table, and as suggestions for SLEAP's GUI, in the same order: the worst first.

    The label file holds the animals of each moment's frame, and of the frame before it, under the names that they have.

    Args:
        moments: as `track_recording` gives them, with the `files` it was given.
        indexes: of each video. tracks: the table that it wrote.
        out: the table (`.csv`) and the label file (`.slp`), each written whole or not at all.

    Returns: how many moments are listed.
    """
    config = config or ReviewConfig()
    worth = [moment for moment in moments if moment.damage >= config.min_damage_frames][: config.max_moments]
    places = [_place(moment, files) for moment in worth]
    parts = [_read_part(file, places, tracks) for file in files]
    names = {file.video: part.identity_names for file, part in zip(files, parts, strict=True)}
    table, labels = out
    _write_table(places, indexes, names, table)
    _write_labels(places, files, parts, indexes, labels)
    return len(places)


def read_corrections(
    paths: Sequence[str | Path], files: Sequence[RecordingFile], videos: Mapping[str, str]
) -> Statements:
    """Read what a person said in review files: which animal an instance is, from that frame on.

    User instances count, and predicted ones whose track is no longer what it was. A track named `track_3` means the
    track of that number, any other name the animal. A moment that is among the suggestions no longer was seen, and is
    right.

    Args:
        paths: label files (`.slp`), saved from `write_review`'s.
        files: of the recording. videos: the file name of each of their videos.

    Raises: LabelsError for a file that cannot be read.
    """
    statements = Statements()
    first_rows = dict(zip((file.video for file in files), count_rows(files), strict=False))
    for path in paths:
        labels = _load(path)
        said, removed = list(_read_said(labels)), _find_removed_items(labels)
        for file in files:
            own = [pair for pair in said if pair[0].video == PureWindowsPath(videos[file.video]).name]
            for frame_idx, row, name in _find_changes(path, file, own) if own else ():
                number = name.removeprefix(UNNAMED)
                is_number = name.startswith(UNNAMED) and number.isdigit()
                whole_row = row + first_rows[file.video]
                rows = statements.tracks.setdefault(frame_idx + file.start, {})
                rows[whole_row] = int(number) if is_number else None
                if not is_number:
                    statements.names[whole_row] = name
            seen = removed.get(PureWindowsPath(videos[file.video]).name, ())
            statements.seen.update(file.start + frame for frame in seen)
    return statements


def _list_corrected(statements: Statements, files: Sequence[RecordingFile]) -> list[list[int | str]]:
    """Video, frame, row of its predictions, and name or track, of each instance that a person said something about."""
    first_rows = count_rows(files)
    found: list[list[int | str]] = []
    for frame, rows in sorted(statements.tracks.items()):
        for row, track in sorted(rows.items()):
            place = int(np.searchsorted(first_rows, row, side="right")) - 1
            name = statements.names[row] if track is None else f"{UNNAMED}{track}"
            found.append([files[place].video, frame - files[place].start, row - first_rows[place], name])
    return found


def _place(moment: Moment, files: Sequence[RecordingFile]) -> _Place:
    file = [file for file in files if file.start <= moment.frame][-1]
    return _Place(moment, file, moment.frame - file.start)


def _read_part(file: RecordingFile, places: Sequence[_Place], tracks: str | Path) -> Tracks:
    """The tracked rows of a video that lie in the moments' frames and those before them."""
    whole = read_tracks(tracks, file.video)
    frames = [place.frame_idx - back for place in places if place.file == file for back in (0, 1)]
    kept = np.isin(whole.frame_idx, frames)
    columns = ("row", "frame_idx", "tracklet", "track", "identity_code", "identity_score")
    return Tracks(**{name: getattr(whole, name)[kept] for name in columns}, identity_names=whole.identity_names)


def _write_table(
    places: Sequence[_Place],
    indexes: Mapping[str, VideoIndex],
    names: Mapping[str, Sequence[str]],
    path: str | Path,
) -> None:
    rows = []
    for rank, place in enumerate(places, 1):
        moment, video = place.moment, place.file.video
        seconds = float(indexes[video].time_s([place.frame_idx])[0])
        called = [names[video][code] if code >= 0 else "" for code in moment.codes]
        rows.append(
            [rank, video, place.frame_idx, "" if np.isnan(seconds) else f"{seconds:.3f}", moment.kind,
             " ".join(map(str, moment.tracks)), " ".join(called), f"{moment.sure:.4f}", moment.frames,
             f"{moment.damage:.1f}"]
        )  # fmt: skip
    write_csv(COLUMNS, rows, path)


def _write_labels(
    places: Sequence[_Place],
    files: Sequence[RecordingFile],
    parts: Sequence[Tracks],
    indexes: Mapping[str, VideoIndex],
    path: str | Path,
) -> None:
    named: dict[str, sio.Track] = {}
    videos = {file.video: video_of(indexes[file.video]) for file in files if indexes[file.video].is_ok}
    labeled: list[sio.LabeledFrame] = []
    original: dict[str, list[list[int | str]]] = {}
    skeletons: list[sio.Skeleton] = []
    for file, part in zip(files, parts, strict=True):
        if file.video not in videos:
            continue
        found = read_instances(list(file.predictions), part.row)
        skeletons = skeletons or [to_sleap(found.skeleton)]
        called = name_tracks(part)
        tracks = {place: named.setdefault(name, sio.Track(name=name)) for place, name in enumerate(called)}
        instances = build_instances(found, np.arange(len(found)), skeletons[0], tracks)
        labeled += [
            sio.LabeledFrame(video=videos[file.video], frame_idx=frame, instances=own)
            for frame, own in instances.items()
        ]
        original[_file_name(indexes[file.video])] = [
            [int(frame), int(row), name] for frame, row, name in zip(part.frame_idx, part.row, called, strict=True)
        ]
    suggestions = [sio.SuggestionFrame(video=videos[place.file.video], frame_idx=place.frame_idx) for place in places]
    items: dict[str, list[int]] = defaultdict(list)
    for place in places:
        items[_file_name(indexes[place.file.video])].append(place.frame_idx)
    labels = sio.Labels(
        labeled_frames=labeled,
        suggestions=suggestions,
        videos=list(videos.values()),
        skeletons=skeletons,
        tracks=list(named.values()),
        provenance={PROVENANCE: json.dumps(original), REVIEW_ITEMS: json.dumps(items)},
    )
    with replacing(path) as beside:
        sio.save_slp(labels, str(beside), embed=False, verbose=False)


def _file_name(index: VideoIndex) -> str:
    return PureWindowsPath(index.path).name


@dataclass(frozen=True, eq=False)
class _Said:
    """What a label file says about one instance."""

    video: str
    """File name."""
    frame_idx: int
    points: Mapping[str, NDArray[np.float64]]
    """(2,) of each node"""
    name: str
    by_person: bool
    """A person made the instance, or tracking's own name is not known."""


def _read_said(labels: sio.Labels) -> Iterator[tuple[_Said, set[tuple[int, str]]]]:
    """Yield each instance that has a track, with the (row, name) pairs that tracking had in its frame."""
    known = json.loads(labels.provenance.get(PROVENANCE, "null"))
    for frame in labels.labeled_frames:
        video = PureWindowsPath(str(frame.video.filename)).name
        was = {(row, name) for number, row, name in (known or {}).get(video, ()) if number == frame.frame_idx}
        for instance in frame.instances:
            if instance.track is not None:
                by_person = known is None or not isinstance(instance, sio.PredictedInstance)
                points = dict(zip(instance.skeleton.node_names, instance.numpy(), strict=True))
                yield _Said(video, int(frame.frame_idx), points, instance.track.name, by_person), was


def _find_removed_items(labels: sio.Labels) -> Mapping[str, Sequence[int]]:
    """Frames of the moments of each video, by file name, that were suggested and are so no longer."""
    left = {(PureWindowsPath(str(one.video.filename)).name, int(one.frame_idx)) for one in labels.suggestions}
    items = json.loads(labels.provenance.get(REVIEW_ITEMS, "{}"))
    return {video: [frame for frame in frames if (video, frame) not in left] for video, frames in items.items()}


def _load(path: str | Path) -> sio.Labels:
    try:
        return sio.load_slp(str(path), open_videos=False)
    except (OSError, KeyError, ValueError) as error:
        raise LabelsError(f"{path}: must be a SLEAP label file, got one that cannot be read: {error}") from error


def _find_changes(
    path: str | Path, file: RecordingFile, said: Sequence[tuple[_Said, set[tuple[int, str]]]]
) -> Iterator[tuple[int, int, str]]:
    """Yield frame, row and name of each instance of a video about which a person said something."""
    rows = find_rows(list(file.predictions), np.unique([one.frame_idx for one, _ in said]))
    found = read_instances(list(file.predictions), rows)
    nodes = found.skeleton.nodes
    for one, was in said:
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
