"""The list of moments at which a person should look at a recording, as a table and for SLEAP's GUI."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import numpy as np
import sleap_io as sio

from poseflow.config import ReviewConfig
from poseflow.core.files import replacing
from poseflow.core.sheets import write_csv
from poseflow.exchange.slp import build_instances, name_tracks, video_of
from poseflow.labels import to_sleap
from poseflow.media import VideoIndex
from poseflow.tables import Tracks, read_instances, read_tracks
from poseflow.tracking.recording import RecordingFile
from poseflow.tracking.review.items import Moment

COLUMNS = (
    "rank", "video", "frame_idx", "time_s", "kind", "tracks", "identities", "confidence", "frames_affected",
    "expected_wrong_frames",
)  # fmt: skip
"""Of the list. `frames_affected`: animal-frames that are wrong if animals are mistaken there."""

PROVENANCE = "poseflow tracks"
"""Key of a review file's provenance: what tracking had called the instances, so that changes are seen."""

REVIEW_ITEMS = "poseflow review items"
"""Key of the moments that were suggested, by video: those that a person took from the list are right."""


@dataclass(frozen=True)
class _Place:
    """A moment in its video."""

    moment: Moment
    file: RecordingFile
    frame_idx: int


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
