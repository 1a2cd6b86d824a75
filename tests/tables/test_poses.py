"""The pose table: joined, timed, described, and given back in three layouts."""

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shell import bash

import poseflow
from poseflow.core.errors import TableError
from poseflow.core.skeleton import Skeleton
from poseflow.tables import (
    PoseEdits,
    PoseSource,
    Predictions,
    Tracks,
    assemble_files,
    assemble_poses,
    empty_poses,
    read_pose_metadata,
    read_tracks,
    write_poses,
    write_predictions,
    write_tracks,
)

SKELETON = Skeleton.from_names(["nose", "tail"], [("nose", "tail")])
COLUMNS = [
    *("recording", "video", "frame_idx", "time_s", "timestamp", "track", "identity", "identity_score"),
    *("instance_score", "edited", "nose.x", "nose.y", "nose.score", "tail.x", "tail.y", "tail.score"),
    *("nose.edited", "tail.edited"),
]


@dataclass(frozen=True)
class Index:
    """A video of 8 frames whose frame rate halves after frame 3."""

    status: str = "ok"
    reason: str | None = None
    frames: int = 8
    width: int | None = 640
    height: int | None = 480
    fps: float | None = 10.0
    recorded_at: datetime | None = datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=1)))
    problems: tuple[str, ...] = ()
    doubtful_ranges: tuple[tuple[int, int], ...] = ()

    def time_s(self, frame_idx=None):
        times = np.array([0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.1])
        return times if frame_idx is None else times[frame_idx]


SOURCE = PoseSource("day 1", "cam-a", pixels_per_mm=2.5, details={"release": "r1"})


def make_tables() -> tuple[Predictions, Tracks]:
    """Two animals in frames 0, 1, 4 and 6, one of them without a tail in frame 1; frame 5 failed."""
    frame_idx = np.repeat([0, 1, 4, 6], 2)
    points = np.arange(32, dtype=np.float32).reshape(8, 2, 2)
    points[3, 1] = np.nan
    predictions = Predictions.from_instances(
        SKELETON, frame_idx, points, np.tile([0.9, 0.8], 4), [(0, 8)], {"models": {"centroid": "v3"}}
    )
    predictions = replace(predictions, failed_frames=np.array([5]))
    tracks = Tracks(
        row=np.array([0, 1, 2, 3, 4, 5, 7]),
        frame_idx=frame_idx[[0, 1, 2, 3, 4, 5, 7]],
        tracklet=np.array([0, 1, 1, 0, 2, 3, 4], np.int32),
        track=np.array([0, 1, 1, 0, 0, 1, 1], np.int32),
        identity_code=np.array([0, 1, 1, 0, -1, 1, 1], np.int16),
        identity_score=np.array([0.9, 0.8, 0.8, 0.9, np.nan, 0.8, 0.7], np.float32),
        identity_names=("male", "female"),
        metadata={"tracking": {"similarity": "oks"}},
    )
    return predictions, tracks


@pytest.fixture
def pose_file(tmp_path):
    path = tmp_path / "poses" / "day 1" / "cam-a.parquet"
    write_poses(assemble_poses(*make_tables(), Index(), SOURCE), path)
    return path


def test_tracks_are_read_as_written(tmp_path):
    _, tracks = make_tables()
    write_tracks(tracks, tmp_path / "t.parquet")
    read = read_tracks(tmp_path / "t.parquet")
    for name in ("row", "frame_idx", "tracklet", "track", "identity_code", "identity_score"):
        np.testing.assert_array_equal(getattr(read, name), getattr(tracks, name), strict=True)
    assert read.identity == ["male", "female", "female", "male", None, "female", "female"]
    assert read.metadata == tracks.metadata


def test_tracks_without_rows_are_read_as_written(tmp_path):
    write_tracks(Tracks.without_identities([], [], [], []), tmp_path / "t.parquet")
    assert len(read_tracks(tmp_path / "t.parquet")) == 0


def test_what_is_known_of_a_recording_is_in_the_metadata_and_where_asked_in_columns(tmp_path):
    facts = {"group": "=control", "camera": "top"}
    source = replace(SOURCE, facts=facts, columns=("group", "treatment"))
    write_poses(assemble_poses(*make_tables(), Index(), source), tmp_path / "p/told.parquet")
    write_poses(assemble_poses(*make_tables(), Index(), SOURCE), tmp_path / "p/untold.parquet")
    poses = poseflow.read_poses(tmp_path / "p/told.parquet")
    assert list(poses.columns) == [*COLUMNS[:10], "group", "treatment", *COLUMNS[10:]]
    assert set(poses["group"]) == {"=control"} and poses["treatment"].isna().all()
    assert poses.attrs["poseflow"]["recording_facts"] == facts
    both = poseflow.read_poses(tmp_path / "p", layout="long")
    assert both["group"].isna().sum() == len(both) / 2, "tables that were made before the setting"
    assert poseflow.read_poses(tmp_path / "p/told.parquet", layout="xarray").sizes["individuals"] == 3


def test_poses_are_one_row_per_tracked_animal_and_frame(pose_file):
    poses = poseflow.read_poses(pose_file)
    assert list(poses.columns) == COLUMNS
    assert poses["frame_idx"].tolist() == [0, 0, 1, 1, 4, 4, 6]
    assert poses["track"].tolist() == [0, 1, 0, 1, 0, 1, 1]
    assert poses["nose.x"].tolist() == [0, 4, 12, 8, 16, 20, 28]
    assert poses["identity"].astype(object).where(poses["identity"].notna(), None).tolist() == [
        *("male", "female", "male", "female", None, "female", "female")
    ]
    assert set(poses["recording"]) == {"day 1"}
    assert set(poses["video"]) == {"cam-a"}


def test_missing_points_are_null_on_disk_and_nan_in_memory(pose_file):
    assert pq.read_table(pose_file).column("tail.x").null_count == 1
    assert np.isnan(poseflow.read_poses(pose_file).loc[2, "tail.x"])


def test_scores_lie_between_0_and_1_and_are_missing_where_the_point_is(tmp_path):
    predictions, tracks = make_tables()
    scores = np.tile(np.float32([1.2, -0.1]), (8, 1))
    predictions = replace(predictions, score=predictions.score + 1, point_scores=scores)
    write_poses(assemble_poses(predictions, tracks, Index(), SOURCE), tmp_path / "p.parquet")
    poses = poseflow.read_poses(tmp_path / "p.parquet")
    assert set(poses["instance_score"]) == {1}
    assert set(poses["nose.score"]) == {1}
    assert poses["tail.score"].isna().tolist() == poses["tail.x"].isna().tolist()
    assert set(poses["tail.score"].dropna()) == {0}


def test_doubtful_frames_and_what_is_wrong_stand_in_the_metadata(tmp_path):
    index = Index(problems=("has holes",), doubtful_ranges=((2, 4), (7, 8)))
    write_poses(assemble_poses(*make_tables(), index, SOURCE), tmp_path / "p.parquet")
    note = read_pose_metadata(tmp_path / "p.parquet")
    assert (note["problems"], note["doubtful_frames"]) == (["has holes"], [[2, 4], [7, 8]])


def test_times_come_from_the_index(pose_file):
    poses = poseflow.read_poses(pose_file)
    assert poses["time_s"].tolist() == pytest.approx([0, 0, 0.1, 0.1, 0.5, 0.5, 0.9])
    assert poses["timestamp"].iloc[-1] == pd.Timestamp("2026-01-02T02:00:00.9Z")


def test_timestamp_is_missing_without_a_start(tmp_path):
    write_poses(assemble_poses(*make_tables(), Index(recorded_at=None), SOURCE), tmp_path / "p.parquet")
    assert poseflow.read_poses(tmp_path / "p.parquet")["timestamp"].isna().all()


def test_times_are_missing_where_the_recording_has_none(tmp_path):
    class Timeless(Index):
        def time_s(self, frame_idx=None):
            return np.full(8 if frame_idx is None else len(frame_idx), np.nan)

    write_poses(assemble_poses(*make_tables(), Timeless(fps=None), SOURCE), tmp_path / "p.parquet")
    assert poseflow.read_poses(tmp_path / "p.parquet")[["time_s", "timestamp"]].isna().all(axis=None)
    poses = poseflow.read_poses(tmp_path / "p.parquet", layout="xarray")
    assert poses["time"].values.tolist() == list(range(8))
    assert poses.attrs["time_unit"] == "frames"


def test_a_start_that_is_told_comes_before_what_the_file_says(tmp_path):
    source = replace(SOURCE, start=datetime(2025, 1, 1, tzinfo=UTC))
    write_poses(assemble_poses(*make_tables(), Index(), source), tmp_path / "p.parquet")
    assert poseflow.read_poses(tmp_path / "p.parquet")["timestamp"].iloc[0] == pd.Timestamp("2025-01-01T00:00:00Z")


def test_a_start_without_time_zone_is_refused():
    with pytest.raises(TableError, match="time zone"):
        assemble_poses(*make_tables(), Index(recorded_at=datetime(2026, 1, 2)), SOURCE)


def test_metadata_tells_origin_and_what_was_looked_at(pose_file):
    note = read_pose_metadata(pose_file)
    assert note == json.loads(pq.read_schema(pose_file).metadata[b"poseflow"])
    assert Skeleton.model_validate(note["skeleton"]) == SKELETON
    assert (note["release"], note["models"]) == ("r1", {"centroid": "v3"})
    assert (note["frames_read"], note["failed_frames"], note["frames"]) == ([[0, 8]], [5], 8)
    assert (note["fps"], note["image_size"], note["pixels_per_mm"]) == (10.0, {"width": 640, "height": 480}, 2.5)
    assert (note["status"], note["package_version"]) == ("ok", poseflow.__version__)
    assert datetime.fromisoformat(note["start"]) == datetime(2026, 1, 2, 2, tzinfo=UTC)
    assert poseflow.read_poses(pose_file).attrs["poseflow"]["release"] == "r1"


def test_long_layout_has_a_row_per_node(pose_file):
    wide, long = poseflow.read_poses(pose_file), poseflow.read_poses(pose_file, layout="long")
    assert list(long.columns) == [*COLUMNS[:9], "node", "x", "y", "score", "edited"]
    assert len(long) == 2 * len(wide)
    noses = long[long["node"] == "nose"].reset_index(drop=True)
    np.testing.assert_array_equal(noses["x"], wide["nose.x"])
    np.testing.assert_array_equal(noses["track"], wide["track"])


def test_xarray_layout_is_a_movement_dataset(pose_file):
    poses = poseflow.read_poses(pose_file, layout="xarray")
    assert poses["position"].dims == ("time", "space", "keypoints", "individuals")
    assert poses["confidence"].dims == ("time", "keypoints", "individuals")
    assert poses["individuals"].values.tolist() == ["female", "male", "track_0"]
    assert poses["frame_idx"].values.tolist() == list(range(8))
    np.testing.assert_allclose(poses["time"], [0, 0.1, 0.1 + 0.4 / 3, 0.1 + 0.8 / 3, 0.5, 0.7, 0.9, 1.0])
    assert poses.attrs["ds_type"] == "poses"
    assert poses.attrs["fps"] == 10
    nose = poses["position"].sel(keypoints="nose", individuals="female", space="x")
    np.testing.assert_array_equal(nose, [4, 8, np.nan, np.nan, 20, np.nan, 28, np.nan])
    assert poses["timestamp"].values[0] == np.datetime64("2026-01-02T02:00:00", "us")


def test_one_row_without_a_name_leaves_the_names_of_the_others(pose_file):
    poses = poseflow.read_poses(pose_file, layout="xarray")
    seen = poses["confidence"].sel(keypoints="nose").notnull().sum("time")
    assert dict(zip(poses["individuals"].values, seen.values, strict=True)) == {"female": 4, "male": 2, "track_0": 1}
    assert poses["track"].sel(individuals="track_0").values.tolist() == [-1, -1, -1, -1, 0, -1, -1, -1]


def test_tracks_that_follow_each_other_share_a_slot_with_a_frame_between_them(tmp_path):
    frame_idx, track = np.array([0, 1, 2, 3, 5, 6, 6, 7]), np.array([0, 0, 1, 1, 2, 2, 3, 3], np.int32)
    predictions = Predictions.from_instances(SKELETON, frame_idx, np.ones((8, 2, 2), "f4"))
    tracks = Tracks.without_identities(np.arange(8), frame_idx, track, track)
    write_poses(assemble_poses(predictions, tracks, Index(), SOURCE), tmp_path / "p.parquet")
    poses = poseflow.read_poses(tmp_path / "p.parquet", layout="xarray")
    assert poses["individuals"].values.tolist() == ["slot_0", "slot_1"]
    assert poses["track"].values.T.tolist() == [[0, 0, -1, -1, -1, 2, 2, -1], [-1, -1, 1, 1, -1, -1, 3, 3]]


@pytest.mark.slow
@given(st.data())
def test_every_row_is_found_in_the_xarray_layout(tmp_path_factory, data):
    lives = data.draw(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)).map(sorted), max_size=6))
    rows = sorted((frame, track) for track, (first, last) in enumerate(lives) for frame in range(first, last + 1))
    frame_idx, track = np.array(rows, np.int64).reshape(-1, 2).T
    points = np.random.default_rng(0).random((len(rows), 2, 2), np.float32)
    predictions = Predictions.from_instances(SKELETON, frame_idx, points, frames=[(0, 8)])
    tracks = Tracks.without_identities(np.arange(len(rows)), frame_idx, track, track)
    path = tmp_path_factory.mktemp("slots") / "p.parquet"
    write_poses(assemble_poses(predictions, tracks, Index(), SOURCE), path)
    poses = poseflow.read_poses(path, layout="xarray")
    found = poses["position"].sel(keypoints="nose", space="x").values
    at = {(int(f), int(poses["track"].values[f, i])): found[f, i] for f, i in np.argwhere(np.isfinite(found))}
    assert at == {pair: points[row, 0, 0] for row, pair in enumerate(rows)}
    busy = [sum(first <= frame <= last + 1 for first, last in lives) for frame in range(8)]
    assert poses.sizes["individuals"] == max(busy, default=0)


def test_a_dataset_that_no_memory_holds_is_refused_before_it_is_made(tmp_path):
    predictions, tracks = make_tables()
    predictions = replace(predictions, frames=((0, 10**11),))
    write_poses(assemble_poses(predictions, tracks, Index(frames=10**11), SOURCE), tmp_path / "p.parquet")
    with pytest.raises(
        TableError, match=r"p\.parquet: layout 'xarray' must fit into memory, got .* GB for 100,000,000,000"
    ):
        poseflow.read_poses(tmp_path / "p.parquet", layout="xarray")


def test_broken_tracks_take_memory_by_their_rows(case):
    folder = case("xarray_of_broken_tracks")
    command = (folder / "case.md").read_text().split("```")[1]
    megabytes, points = map(int, re.search(r"200 tracks; (\d+) MB for (\d+) MB", bash(command, folder)).groups())
    assert megabytes <= 4 * points


def test_individuals_are_identities_where_all_are_known(tmp_path):
    predictions, tracks = make_tables()
    tracks = replace(tracks, identity_code=tracks.track.astype(np.int16))
    write_poses(assemble_poses(predictions, tracks, Index(), SOURCE), tmp_path / "p.parquet")
    poses = poseflow.read_poses(tmp_path / "p.parquet", layout="xarray")
    assert poses["individuals"].values.tolist() == ["female", "male"]
    assert poses["position"].sel(individuals="male", keypoints="nose", space="x")[1] == 12


def test_a_folder_is_read_with_all_below_it(pose_file, tmp_path):
    other = replace(SOURCE, recording="2026", video="cam-b")
    write_poses(assemble_poses(*make_tables(), Index(), other), tmp_path / "poses/2026/cam-b.parquet")
    (pose_file.parent / ".half-written.parquet").write_bytes(b"")
    poses = poseflow.read_poses(tmp_path / "poses")
    assert len(poses) == 14
    assert poses["recording"].unique().tolist() == ["2026", "day 1"]
    assert len(poseflow.read_poses([pose_file, tmp_path / "poses/2026"])) == 14
    with pytest.raises(TableError, match="one video's file, got 2"):
        poseflow.read_poses(tmp_path / "poses", layout="xarray")


@pytest.mark.usefixtures("pose_file")
def test_plain_pandas_reads_the_folder(tmp_path):
    second = replace(SOURCE, recording="night", video="cam-b")
    write_poses(assemble_poses(*make_tables(), Index(), second), tmp_path / "poses/night/cam-b.parquet")
    poses = pd.read_parquet(tmp_path / "poses")
    assert sorted(poses["recording"].unique()) == ["day 1", "night"]
    assert set(poses.columns) == set(COLUMNS)


def test_in_blocks_and_at_once_give_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("poseflow.tables.poses.BLOCK_FRAMES", 2)
    predictions, tracks = make_tables()
    write_predictions(predictions, tmp_path / "p.parquet")
    assemble_files([tmp_path / "p.parquet"], tracks, Index(), SOURCE, tmp_path / "blocks.parquet")
    write_poses(assemble_poses(predictions, tracks, Index(), SOURCE), tmp_path / "whole.parquet")
    assert (tmp_path / "blocks.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def make_edits() -> PoseEdits:
    """The nose of row 3 moved, the tail of row 4 not to be seen, an animal added where none was, and one beside two."""
    changed = {
        4: (np.array([[1, 1], [np.nan, np.nan]]), np.array([False, True])),
        3: (np.array([[7, 8], [1, 1]]), np.array([True, False])),
    }
    pose, both = np.array([[5, 6], [7, np.nan]]), np.array([True, True])
    return PoseEdits.build(2, changed, [(4, pose, both, 2, "late", 1.0), (3, pose, both, 0, None, None)])


def test_what_a_person_set_is_laid_over_the_predictions_and_marked(tmp_path, monkeypatch):
    predictions, tracks = make_tables()
    write_poses(assemble_poses(predictions, tracks, Index(), SOURCE), tmp_path / "before.parquet")
    write_poses(assemble_poses(predictions, tracks, Index(), SOURCE, make_edits()), tmp_path / "after.parquet")
    before, after = (poseflow.read_poses(tmp_path / f"{name}.parquet") for name in ("before", "after"))
    added = after[after["nose.x"] == 5]
    assert added[["frame_idx", "track"]].values.tolist() == [[3, 0], [4, 2]]
    assert added["identity"].astype(object).where(added["identity"].notna(), None).tolist() == [None, "late"]
    assert added[["instance_score", "nose.score"]].to_numpy().tolist() == [[1, 1]] * 2
    assert added[["tail.x", "tail.y"]].isna().to_numpy().all(), "missing where one coordinate is"
    assert added[["edited", "nose.edited", "tail.edited"]].to_numpy().all()
    rest = after.drop(added.index).reset_index(drop=True)
    nose, tail = rest["nose.edited"].to_numpy(), rest["tail.edited"].to_numpy()
    assert (nose.sum(), tail.sum()) == (1, 1)
    assert rest.loc[nose, ["nose.x", "nose.y", "nose.score"]].to_numpy().tolist() == [[7, 8, 1]]
    assert rest.loc[tail, ["tail.x", "tail.y", "tail.score"]].isna().to_numpy().all()
    np.testing.assert_array_equal(rest["edited"], nose | tail)
    for node, mark in (("nose", nose), ("tail", tail)):
        columns = [f"{node}.{part}" for part in ("x", "y", "score")]
        pd.testing.assert_frame_equal(rest.loc[~mark, columns], before.loc[~mark, columns])
    long = poseflow.read_poses(tmp_path / "after.parquet", "long")
    assert long["edited"].sum() == 6 and long.groupby("node", observed=True)["edited"].sum().tolist() == [3, 3]
    assert int(poseflow.read_poses(tmp_path / "after.parquet", "xarray")["edited"].sum()) == 6
    monkeypatch.setattr("poseflow.tables.poses.BLOCK_FRAMES", 2)
    write_predictions(predictions, tmp_path / "p.parquet")
    assemble_files([tmp_path / "p.parquet"], tracks, Index(), SOURCE, tmp_path / "blocks.parquet", make_edits())
    assert (tmp_path / "blocks.parquet").read_bytes() == (tmp_path / "after.parquet").read_bytes()


def test_a_quarantined_video_is_an_empty_table_with_its_reason(tmp_path):
    index = Index("quarantined", "no video stream", 0, None, None, None, None)
    write_poses(empty_poses(SKELETON, index, SOURCE), tmp_path / "p.parquet")
    note = read_pose_metadata(tmp_path / "p.parquet")
    assert (note["status"], note["reason"], note["frames_read"]) == ("quarantined", "no video stream", [])
    for layout in ("wide", "long"):
        poses = poseflow.read_poses(tmp_path / "p.parquet", layout=layout)
        assert len(poses) == 0
    assert list(poseflow.read_poses(tmp_path / "p.parquet").columns) == COLUMNS
    assert poseflow.read_poses(tmp_path / "p.parquet", layout="xarray").sizes["time"] == 0


def test_tracks_of_other_predictions_are_refused():
    predictions, tracks = make_tables()
    moved = replace(tracks, frame_idx=tracks.frame_idx + 1)
    with pytest.raises(TableError, match="'cam-a' must be those of its predictions"):
        assemble_poses(predictions, moved, Index(), SOURCE)


def test_an_index_of_fewer_frames_is_of_another_video():
    with pytest.raises(TableError, match="'cam-a' must be of its 5 frames, got some of frame 7"):
        assemble_poses(*make_tables(), Index(frames=5), SOURCE)


def test_a_track_with_two_instances_in_a_frame_is_refused():
    predictions, tracks = make_tables()
    with pytest.raises(TableError, match="two in frame 0"):
        assemble_poses(predictions, replace(tracks, track=np.zeros(7, np.int32)), Index(), SOURCE)


def test_faults_name_the_file(tmp_path, pose_file):
    (tmp_path / "bare").mkdir()
    with pytest.raises(TableError, match="bare must hold pose tables"):
        poseflow.read_poses(tmp_path / "bare")
    other = Skeleton(nodes=("nose", "ear"))
    write_poses(empty_poses(other, Index(), SOURCE), tmp_path / "other.parquet")
    with pytest.raises(TableError, match=r"other\.parquet: skeleton must be that of .*cam-a\.parquet"):
        poseflow.read_poses([pose_file, tmp_path / "other.parquet"])
    predictions, _ = make_tables()
    write_predictions(predictions, tmp_path / "p.parquet")
    with pytest.raises(TableError, match=r"p\.parquet must be a table of poses, got one of predictions"):
        poseflow.read_poses(tmp_path / "p.parquet")


def test_layout_must_be_known(pose_file):
    with pytest.raises(ValueError, match="layout must be"):
        poseflow.read_poses(pose_file, layout="tall")
