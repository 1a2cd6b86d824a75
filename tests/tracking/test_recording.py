"""A recording's table is the same whatever the files and shards it comes in."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poseflow.config import TrackingConfig
from poseflow.errors import TableError
from poseflow.skeleton import Skeleton
from poseflow.tables import Predictions, read_tracks, write_predictions
from poseflow.tracking import RecordingFile, arrange_files, follow_animals, track_recording

SKELETON = Skeleton(nodes=("a", "b", "c"))
NAMES = ("anna", "bert", "carl")
ARRAYS = ("frame_idx", "instance_score", "points", "point_scores", "shifted", "class_scores")
COLUMNS = ("row", "frame_idx", "tracklet", "track", "identity_code", "identity_score")


def make_recording(seed, frames=120, lags=2):
    """Three animals that wander and cross, are missed now and then, with looks that are mostly right."""
    rng = np.random.default_rng(seed)
    paths = np.cumsum(rng.normal(0, 4, (frames, 3, 2)), axis=0) + rng.uniform(0, 80, (3, 2))
    seen = rng.random((frames, 3)) < 0.9
    frame_idx, animal = np.nonzero(seen)
    body = np.array([[0, 0], [15, 3], [-12, 6]])
    points = paths[frame_idx, animal][:, None] + body + rng.normal(0, 1, (len(animal), 3, 2))
    order = np.lexsort((-(scores := rng.random(len(animal)).astype(np.float32)), frame_idx))
    plain = Predictions.from_instances(SKELETON, frame_idx[order], points[order], scores[order], [(0, frames)])
    looks = np.eye(3)[animal[order]] * rng.uniform(0, 4, (len(animal), 1)) + rng.normal(0, 1, (len(animal), 3))
    chance = np.exp(looks) / np.exp(looks).sum(1, keepdims=True)
    shifted = np.repeat(plain.points[:, None], lags, 1) + rng.normal(0, 1, (len(plain), lags, 3, 2)).astype(np.float32)
    return replace(plain, class_scores=chance.astype(np.float32), class_names=NAMES, shifted=shifted)


def cut(whole, start, stop, origin):
    """Frames [start, stop) as a table whose frames are counted from `origin`."""
    rows = (whole.frame_idx >= start) & (whole.frame_idx < stop)
    part = {name: getattr(whole, name)[rows] for name in ARRAYS}
    part["frame_idx"] = part["frame_idx"] - origin
    return replace(whole, **part, frames=((start - origin, stop - origin),) if stop > start else ())


def write_files(folder, whole, files, shards):
    """Cut a recording at frames `files` into videos and at `shards` into shards; returns the videos."""
    end = whole.frames[-1][1]
    videos = []
    for number, (begin, stop) in enumerate(zip([0, *files], [*files, end], strict=True)):
        borders = [begin, *(border for border in shards if begin < border < stop), stop]
        paths = []
        for first, last in pairwise(borders):
            paths.append(folder / f"{number}-{first}.parquet")
            write_predictions(cut(whole, first, last, begin), paths[-1])
        videos.append(RecordingFile(f"v{number}", paths, begin))
    return videos


def read_all(path, videos, rows):
    """Columns of all videos in the recording's rows and frames."""
    parts = [read_tracks(path, video.video) for video in videos]
    shifts = np.cumsum([0, *rows])[:-1]
    moved = [
        replace(part, row=part.row + shift, frame_idx=part.frame_idx + video.start)
        for part, video, shift in zip(parts, videos, shifts, strict=True)
    ]
    return {name: np.concatenate([getattr(part, name) for part in moved]) for name in COLUMNS}


cuts = st.lists(st.integers(1, 119), max_size=3, unique=True).map(sorted)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 1000),
    files=cuts,
    shards=cuts,
    block_rows=st.integers(1, 60),
    mode=st.sampled_from(["motion", "identity", "both"]),
    candidates=st.sampled_from(["window", "flow", "kalman"]),
    changes=st.sampled_from([{}, {"max_tracks": 3}, {"max_gap_frames": 10}, {"animals": 3, "connect_breaks": True}]),
)
def test_tables_do_not_depend_on_shards_and_files(
    tmp_path_factory, seed, files, shards, block_rows, mode, candidates, changes
):
    whole = make_recording(seed)
    config = TrackingConfig(mode=mode, candidates=candidates, window_frames=2, naming={"piece_frames": 20}, **changes)
    expected, outcome = follow_animals(whole, config)
    folder = tmp_path_factory.mktemp("recording")
    videos = write_files(folder, whole, files, shards)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("poseflow.tracking.tracker.BLOCK_ROWS", block_rows)
        patch.setattr("poseflow.tracking.recording.BLOCK_FRAMES", 7)
        moments = track_recording(videos, config, folder / "tracks.parquet")
    counts = [
        sum((whole.frame_idx >= v.start) & (whole.frame_idx < end))
        for v, end in zip(videos, [*files, 120], strict=True)
    ]
    found = read_all(folder / "tracks.parquet", videos, counts)
    for name in COLUMNS:
        np.testing.assert_array_equal(found[name], getattr(expected, name), err_msg=name)
    assert moments == outcome.moments


def test_a_gap_between_files_is_a_gap(tmp_path):
    whole = make_recording(0, frames=20)
    videos = write_files(tmp_path, whole, [10], [])
    config = TrackingConfig(candidates="window", window_frames=2)
    later = [videos[0], replace(videos[1], start=500)]
    track_recording(videos, config, tmp_path / "near.parquet")
    track_recording(later, config, tmp_path / "far.parquet")
    near, far = (
        set(read_tracks(tmp_path / f"{name}.parquet", "v0").track)
        & set(read_tracks(tmp_path / f"{name}.parquet", "v1").track)
        for name in ("near", "far")
    )
    assert near and not far


@dataclass
class Facts:
    frames: int
    fps: float | None = 25.0
    recorded_at: datetime | None = None


def test_files_follow_each_other_or_lie_apart_as_their_times_say():
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    facts = {"a": Facts(100), "b": Facts(50), "c": Facts(50)}
    tables = {video: [] for video in facts}

    def arrange(**seconds):
        starts = {video: noon + timedelta(seconds=value) for video, value in seconds.items()}
        return {file.video: file.start for file in arrange_files(tables, facts, starts)}

    assert arrange() == {"a": 0, "b": 100, "c": 150}
    assert arrange(a=0, b=10) == {"a": 0, "b": 250, "c": 300}
    assert arrange(a=0, b=1) == {"a": 0, "b": 100, "c": 150}, "files never overlap"
    assert list(arrange(a=20, b=0, c=10)) == ["b", "c", "a"]
    assert arrange(a=20, b=0, c=10) == {"b": 0, "c": 250, "a": 500}


def test_files_of_different_models_are_no_recording(tmp_path):
    whole = make_recording(0, frames=20)
    videos = write_files(tmp_path, whole, [10], [])
    write_predictions(cut(replace(whole, class_names=("x", "y", "z")), 10, 20, 10), videos[1].predictions[0])
    with pytest.raises(TableError, match="v1: nodes and names must be those of v0"):
        track_recording(videos, TrackingConfig(candidates="window"), tmp_path / "tracks.parquet")


def test_a_video_without_animals_has_its_place(tmp_path):
    whole = make_recording(0, frames=20)
    empty = cut(whole, 20, 20, 0)
    write_predictions(replace(empty, frames=((0, 5),)), tmp_path / "e.parquet")
    videos = write_files(tmp_path, whole, [], [])
    track_recording(
        [RecordingFile("e", [tmp_path / "e.parquet"]), *videos],
        TrackingConfig(candidates="window"),
        tmp_path / "t.parquet",
    )
    assert len(read_tracks(tmp_path / "t.parquet", "e")) == 0
    assert len(read_tracks(tmp_path / "t.parquet", "v0")) > 0
    with pytest.raises(TableError, match="video must be one of e, v0, got 'x'"):
        read_tracks(tmp_path / "t.parquet", "x")
