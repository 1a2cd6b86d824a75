"""Track a whole recording, which may be many files, in bounded memory."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from poseflow.config import TrackingConfig
from poseflow.core.errors import ConfigError, TableError
from poseflow.core.files import temporary_folder
from poseflow.corrections import ListedClaim
from poseflow.tables import Predictions, Tracks, TracksWriter, describe_predictions, iter_predictions
from poseflow.tables.parquet import open_table
from poseflow.tracking.added import AddedAnimals
from poseflow.tracking.review.items import ReviewItem
from poseflow.tracking.table import join_parts
from poseflow.tracking.tracker import Corrections, Tracker

logger = logging.getLogger(__name__)

BLOCK_FRAMES = 2000

CLOCK_ERROR_S, CLOCK_ERROR = 1.0, 0.01
"""So much may a file begin before the one before it ends, in seconds or in parts of that one: clocks are not exact."""

_SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("frame_idx", pa.int64()),
        ("tracklet", pa.int32()),
        ("track", pa.int32()),
        ("identity_code", pa.int16()),
        ("identity_score", pa.float32()),
    ]
)


@dataclass(frozen=True)
class RecordingFile:
    """One video of a recording."""

    video: str
    predictions: Sequence[Path]
    """Its shards."""
    start: int = 0
    """Frame of the recording at which it begins."""


@dataclass(frozen=True)
class Tracked:
    """What a person should look at in a tracked recording."""

    review_items: Sequence[ReviewItem]
    """The most expected errors first."""
    untracked: frozenset[int]
    """Corrected rows that got no track."""
    nameless: Sequence[ListedClaim]
    """Claims that add an animal whose name it does not get."""


class FileFacts(Protocol):
    """What is known of a video's time (`poseflow.media.VideoIndex`)."""

    @property
    def frames(self) -> int:
        """Exact number of frames."""

    @property
    def fps(self) -> float | None:
        """Median frame rate."""

    @property
    def recorded_at(self) -> datetime | None:
        """When it began, where the file says so."""

    @property
    def created_at(self) -> datetime | None:
        """When the file was created, by its container."""


def arrange_files(
    predictions: Mapping[str, Sequence[Path]],
    facts: Mapping[str, FileFacts],
    starts: Mapping[str, datetime] | None = None,
) -> list[RecordingFile]:
    """Put a recording's videos in order and on one clock.

    Where all their starts are known, they are sorted by these, else they stay as they are. A file begins where the one
    before it ends, or later, where it is known when both began.

    Raises: ConfigError for files that overlap in time: those of two cameras are no parts of one recording. Where
        nothing but the containers says when they were created, which may be a copy's time, it is a warning.

    Args:
        predictions: shards of each video. facts: of each video.
        starts: when videos began, where that is known better than the file does.
    """
    known = {video: (starts or {}).get(video) or facts[video].recorded_at for video in predictions}
    times = {video: start.timestamp() for video, start in known.items() if start is not None}
    videos = list(predictions)
    if len(times) == len(videos):
        videos.sort(key=times.__getitem__)
    files: list[RecordingFile] = []
    for video in videos:
        start = 0
        if files:
            before = files[-1]
            own = facts[before.video]
            _check_apart(before.video, video, facts, times)
            start = before.start + own.frames
            if video in times and before.video in times and own.fps:
                start = max(start, before.start + round((times[video] - times[before.video]) * own.fps))
        files.append(RecordingFile(video, predictions[video], start))
    return files


def _check_apart(before: str, video: str, facts: Mapping[str, FileFacts], times: Mapping[str, float]) -> None:
    """Raise ConfigError where a file begins long before the one before it ends; of containers' times, warn."""
    pair = (before, video)
    created = [facts[name].created_at for name in pair]
    is_known = all(name in times for name in pair)
    begun = [times[name] for name in pair] if is_known else [time.timestamp() for time in created if time is not None]
    seconds = [facts[name].frames / (facts[name].fps or np.inf) for name in pair]
    if len(begun) < 2:
        return
    overlap = min(begun[0] + seconds[0], begun[1] + seconds[1]) - max(begun)
    if overlap <= min(max(CLOCK_ERROR_S, CLOCK_ERROR * max(seconds)), min(seconds) / 2):
        if begun[1] < begun[0]:  # of times that are known, none does
            logger.warning(
                "%s and %s: files whose starts are not known follow one another by their names, but the second was "
                "created %.0f s before the first, by their containers; if it began so, config/recordings.tsv says when "
                "each began",
                *pair,
                begun[0] - begun[1],
            )
        return
    fault = (
        f"{before} and {video}: files of one recording must follow one another, got files that overlap in time, "
        f"{overlap:.2f} s of {min(seconds):.2f} s: two cameras are two recordings, in folders of their own or by "
        "recordings.group_by; if the files' own times are wrong, config/recordings.tsv says when each began"
    )
    if is_known:
        raise ConfigError(fault)
    logger.warning("%s. Until then they are tracked as if one followed the other", fault)


def track_recording(
    files: Sequence[RecordingFile],
    config: TrackingConfig,
    path: str | Path,
    corrections: Corrections | None = None,
    metadata: Mapping[str, Any] | None = None,
    added: AddedAnimals | None = None,
) -> Tracked:
    """Track a recording's files one after the other, and write its tracks table.

    Tracks, tracklets and names go on from file to file: the table is the same, row for row, as if the frames had come
    in one file, and however that was cut into shards. Memory does not grow with the recording but for some bytes per
    tracklet; rows wait on disk, beside the table, until all names are known.

    Args:
        files: in the order of time.
        corrections: of a person; frames are those of the recording, and rows are counted through all files.
        metadata: how the table is made (`poseflow.runs.provenance`); by default the settings.
        added: animals that a person added; they have their tracks in the table's metadata.

    Returns: what is to be looked at; frames and rows are those of the recording.
    Raises: ConfigError as `link_tracks`; TableError for files that are damaged or of different models.
    """
    path = Path(path)
    _check_alike(files)
    with temporary_folder(path) as folder:
        tracker = Tracker(config, corrections)
        waiting = [folder / f"{number}.arrow" for number in range(len(files))]
        first_row = 0
        for file, place in zip(files, waiting, strict=True):
            first_row += _follow_file(file, first_row, tracker, config, place)
        outcome = tracker.finish()
        added = added or AddedAnimals({})
        names = tracker.identity_names
        if config.identity == "none":
            names = tuple(dict.fromkeys([*names, *added.names]))
        note = dict(metadata or {"config": {"tracking": config.model_dump(mode="json")}})
        with TracksWriter(path, names, note) as writer:
            for file, place in zip(files, waiting, strict=True):
                writer.append(file.video, join_parts([], names, config))
                for part in _read_parts(place, names):
                    whole = outcome.complete(part)
                    added.watch(file.video, file.start, whole)
                    writer.append(file.video, whole)
            placed, nameless = added.place({file.video: file.predictions for file in files}, len(outcome.track), names)
            if placed:
                note["added"] = [one.as_note() for one in placed]
            writer.close()
    return Tracked(outcome.review_items, outcome.untracked, nameless)


def _count_rows(path: Path) -> int:
    with open_table(path, "predictions") as (file, _):
        return int(file.metadata.num_rows)


def count_rows(files: Sequence[RecordingFile]) -> list[int]:
    """First row of each file, where rows are counted through all files; and the end."""
    counts = [sum(_count_rows(Path(path)) for path in file.predictions) for file in files]
    return [0, *np.cumsum(counts).tolist()]


def _follow_file(file: RecordingFile, first_row: int, tracker: Tracker, config: TrackingConfig, place: Path) -> int:
    """Write a file's rows as they are known so far; returns how many its predictions have."""
    rows = 0
    with ExitStack() as stack:
        sink = stack.enter_context(pa.OSFile(str(place), "wb"))
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        writer = stack.enter_context(pa.ipc.new_stream(sink, _SCHEMA, options=options))
        for block in iter_predictions(list(file.predictions), BLOCK_FRAMES, config.candidates == "flow"):
            for part in tracker.follow(_move(block, file.start, first_row)):
                local = replace(part, row=part.row - first_row, frame_idx=part.frame_idx - file.start)
                columns = [pa.array(getattr(local, name)) for name in _SCHEMA.names]
                writer.write_batch(pa.record_batch(columns, schema=_SCHEMA))
            rows += len(block)
    return rows


def _move(block: Predictions, start: int, first_row: int) -> Predictions:
    """A block in the recording's frames and rows."""
    return replace(
        block,
        frame_idx=block.frame_idx + start,
        frames=tuple((begin + start, stop + start) for begin, stop in block.frames),
        failed_frames=block.failed_frames + start,
        first_row=block.first_row + first_row,
    )


def _read_parts(place: Path, names: tuple[str, ...]) -> Iterator[Tracks]:
    with pa.OSFile(str(place), "rb") as source, pa.ipc.open_stream(source) as reader:
        for batch in reader:
            columns = {name: batch[name].to_numpy(zero_copy_only=False) for name in _SCHEMA.names}
            yield Tracks(**columns, identity_names=names)


def _check_alike(files: Sequence[RecordingFile]) -> None:
    """Raise TableError unless all files with frames have one skeleton and the same names."""
    notes = [(file, describe_predictions(list(file.predictions))) for file in files]
    read = [(file.video, note.skeleton.nodes, note.class_names) for file, note in notes if note.frames]
    for video, nodes, names in read[1:]:
        if (nodes, names) != read[0][1:]:
            raise TableError(
                f"{video}: nodes and names must be those of {read[0][0]} in the same recording, "
                f"{read[0][1:]}, got {(nodes, names)}"
            )
