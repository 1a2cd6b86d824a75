"""The list of review items of a recording, as a table and for SLEAP's GUI."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import sleap_io as sio
from numpy.typing import NDArray

from poseflow.config import ReviewConfig
from poseflow.core.files import replacing
from poseflow.core.sheets import write_csv
from poseflow.corrections import ListedClaim, Standing, VideoEdits, from_points, place_of
from poseflow.corrections.sleap_files import LAST_SEEN, NODES, PROVENANCE, RELEASE, REVIEW_ITEMS
from poseflow.exchange.slp import build_instances, name_tracks, video_of
from poseflow.labels import to_sleap
from poseflow.media import VideoIndex
from poseflow.tables import Predictions, Tracks, read_instances, read_tracks
from poseflow.tracking.recording import RecordingFile
from poseflow.tracking.review.items import ReviewItem

COLUMNS = (
    "rank", "video", "frame_idx", "time_s", "kind", "tracks", "identities", "confidence", "frames_affected",
    "expected_errors", "note",
)  # fmt: skip
"""Of the list. `frames_affected`: animal-frames that are wrong if animals are mistaken there. Behind the review items
stand a person's claims that do not hold: `kind` orphan, one that finds no animal or several, or superseded, one that a
later one contradicts; `note` says which it is, and why."""

LOST_FRAMES, MOST_LOST = 5000, 10
"""So far back, and so many, tracks are looked for that an item's animals may continue."""


@dataclass(frozen=True)
class _ListedItem:
    """A review item in its video."""

    item: ReviewItem
    file: RecordingFile
    frame_idx: int


def write_review(
    items: Sequence[ReviewItem],
    files: Sequence[RecordingFile],
    indexes: Mapping[str, VideoIndex],
    tracks: str | Path,
    out: tuple[str | Path, str | Path],
    config: ReviewConfig | None = None,
    standing: Standing | None = None,
    claims: Sequence[ListedClaim] = (),
) -> int:
    """Write review items as a table, and as suggestions for SLEAP's GUI, in the same order: the worst first.

    The label file holds the animals of each item's frame, and of the frame before it, under the names that they have,
    as a person has corrected them; tracks that were lost before are among its tracks.

    Args:
        items: as `track_recording` gives them, with the `files` it was given.
        indexes: of each video. tracks: the table that it wrote.
        out: the table (`.csv`) and the label file (`.slp`), each written whole or not at all.
        standing: what a person's claims mean for the predictions. claims: those that do not hold.

    Returns: how many review items are listed.
    """
    config = config or ReviewConfig()
    worth = [item for item in items if item.expected_errors >= config.min_expected_errors][: config.max_items]
    listed = [_locate(item, files) for item in worth]
    parts = [_read_part(file, listed, tracks) for file in files]
    names = {file.video: part.identity_names for file, part in zip(files, parts, strict=True)}
    lost = {file.video: _find_lost(file, listed, tracks) for file in files}
    table, labels = out
    _write_table(listed, claims, indexes, names, table)
    _write_labels(listed, files, (parts, lost), indexes, standing or Standing({}), labels)
    return len(listed)


def _locate(item: ReviewItem, files: Sequence[RecordingFile]) -> _ListedItem:
    file = [file for file in files if file.start <= item.frame][-1]
    return _ListedItem(item, file, item.frame - file.start)


def _read_part(file: RecordingFile, listed: Sequence[_ListedItem], tracks: str | Path) -> Tracks:
    """The tracked rows of a video that lie in the items' frames and those before them."""
    whole = read_tracks(tracks, file.video)
    frames = [one.frame_idx - back for one in listed if one.file == file for back in (0, 1)]
    return _take(whole, np.isin(whole.frame_idx, frames))


def _take(whole: Tracks, kept: NDArray[Any]) -> Tracks:
    columns = ("row", "frame_idx", "tracklet", "track", "identity_code", "identity_score")
    return Tracks(**{name: getattr(whole, name)[kept] for name in columns}, identity_names=whole.identity_names)


def _find_lost(file: RecordingFile, listed: Sequence[_ListedItem], tracks: str | Path) -> Tracks:
    """The last rows of tracks that were lost before the items of a video, which may be what these continue."""
    whole = read_tracks(tracks, file.video)
    rows: set[int] = set()
    for frame in [one.frame_idx for one in listed if one.file == file]:
        begin, before, stop = np.searchsorted(whole.frame_idx, [frame - LOST_FRAMES, frame - 1, frame + 1])
        last = len(whole.track[begin:before]) - 1 - np.unique(whole.track[begin:before][::-1], return_index=True)[1]
        is_lost = ~np.isin(whole.track[begin + last], whole.track[before:stop])
        rows.update(np.sort(begin + last[is_lost])[-MOST_LOST:].tolist())
    return _take(whole, np.array(sorted(rows), np.int64))


def _describe_lost(file: RecordingFile, lost: Tracks) -> list[list[Any]]:
    """Frame, name and pose of the last rows of lost tracks, as JSON."""
    found = read_instances(list(file.predictions), lost.row)
    poses = [list(from_points(pose, found.skeleton.nodes).values()) for pose in found.points]
    return [list(one) for one in zip(lost.frame_idx.tolist(), name_tracks(lost), poses, strict=True)]


def _write_table(
    listed: Sequence[_ListedItem],
    claims: Sequence[ListedClaim],
    indexes: Mapping[str, VideoIndex],
    names: Mapping[str, Sequence[str]],
    path: str | Path,
) -> None:
    rows: list[list[Any]] = []
    for rank, one in enumerate(listed, 1):
        item, video = one.item, one.file.video
        called = [names[video][code] if code >= 0 else "" for code in item.codes]
        rows.append(
            [rank, video, one.frame_idx, _say_time(indexes[video], one.frame_idx), item.kind,
             " ".join(map(str, item.tracks)), " ".join(called), f"{item.confidence:.4f}", item.frames,
             f"{item.expected_errors:.1f}", ""]
        )  # fmt: skip
    for rank, own in enumerate(claims, len(listed) + 1):
        video, frame = place_of(own.claim) or ("", 0)
        time = _say_time(indexes[video], frame) if video in indexes else ""
        said = f"{own.claim.kind} {own.claim.id} of {own.claim.author}: {own.reason}"
        rows.append([rank, video, frame, time, own.kind, "", "", "", 0, "0.0", said])
    write_csv(COLUMNS, rows, path)


def _say_time(index: VideoIndex, frame: int) -> str:
    known = index.is_ok and frame < index.frames
    seconds = float(index.time_s([frame])[0]) if known else np.nan
    return "" if np.isnan(seconds) else f"{seconds:.3f}"


def _write_labels(
    listed: Sequence[_ListedItem],
    files: Sequence[RecordingFile],
    tracked: tuple[Sequence[Tracks], Mapping[str, Tracks]],
    indexes: Mapping[str, VideoIndex],
    standing: Standing,
    path: str | Path,
) -> None:
    parts, lost = tracked
    named: dict[str, sio.Track] = {}
    videos = {file.video: video_of(indexes[file.video]) for file in files if indexes[file.video].is_ok}
    labeled: list[sio.LabeledFrame] = []
    original: dict[str, list[list[Any]]] = {}
    seen: dict[str, list[list[Any]]] = {}
    skeletons: list[sio.Skeleton] = []
    known: dict[str, str] = {}
    for file, part in zip(files, parts, strict=True):
        if file.video not in videos:
            continue
        shown = _as_corrected(read_instances(list(file.predictions), part.row), part, standing.videos.get(file.video))
        skeletons = skeletons or [to_sleap(shown.skeleton)]
        called = name_tracks(part)
        tracks = {index: named.setdefault(name, sio.Track(name=name)) for index, name in enumerate(called)}
        instances = build_instances(shown, np.arange(len(shown)), skeletons[0], tracks)
        labeled += [
            sio.LabeledFrame(video=videos[file.video], frame_idx=frame, instances=own)
            for frame, own in instances.items()
        ]
        poses = [list(from_points(pose, shown.skeleton.nodes).values()) for pose in shown.points]
        original[indexes[file.video].path] = [
            [int(frame), int(row), name, pose]
            for frame, row, name, pose in zip(part.frame_idx, part.row, called, poses, strict=True)
        ]
        seen[indexes[file.video].path] = _describe_lost(file, lost[file.video])
        for name in name_tracks(lost[file.video]):  # so that a person can choose them
            named.setdefault(name, sio.Track(name=name))
        known[NODES] = json.dumps(shown.skeleton.nodes)
        if release := shown.metadata.get("release"):
            known[RELEASE] = str(release)
    known[LAST_SEEN] = json.dumps(seen)
    suggestions = [sio.SuggestionFrame(video=videos[one.file.video], frame_idx=one.frame_idx) for one in listed]
    suggested: dict[str, list[int]] = defaultdict(list)
    for one in listed:
        suggested[indexes[one.file.video].path].append(one.frame_idx)
    labels = sio.Labels(
        labeled_frames=labeled,
        suggestions=suggestions,
        videos=list(videos.values()),
        skeletons=skeletons,
        tracks=list(named.values()),
        provenance={PROVENANCE: json.dumps(original), REVIEW_ITEMS: json.dumps(suggested), **known},
    )
    with replacing(path) as temporary:
        sio.save_slp(labels, str(temporary), embed=False, verbose=False)


def _as_corrected(found: Predictions, part: Tracks, edits: VideoEdits | None) -> Predictions:
    """Instances of some rows with the points that a person set."""
    if edits is None:
        return found
    points = found.points.copy()
    for place, row in enumerate(part.row.tolist()):
        if row in edits.edits:
            points[place] = edits.edits[row].points
    return replace(found, points=points)
