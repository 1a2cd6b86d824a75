"""A recording's table is the same whatever the files and shards it comes in."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wandering import make_recording

from poseflow.config import TrackingConfig
from poseflow.core.errors import ConfigError, TableError
from poseflow.media import index_video
from poseflow.tables import read_tracks, write_predictions
from poseflow.tables.displacements import decode_displacements, encode_displacements
from poseflow.tracking import RecordingFile, arrange_files, count_rows, follow_animals, track_recording

ARRAYS = ("frame_idx", "score", "points", "point_scores", "shifted", "class_scores", "hidden")
COLUMNS = ("row", "frame_idx", "tracklet", "track", "identity_code", "identity_score")


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


@pytest.mark.slow
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 1000),
    files=cuts,
    shards=cuts,
    block_rows=st.integers(1, 60),
    identity=st.sampled_from(["none", "per_frame", "per_tracklet"]),
    candidates=st.sampled_from(["window", "flow", "kalman"]),
    changes=st.sampled_from([{}, {"max_tracks": 3}, {"max_gap_frames": 10}, {"animals": 3, "connect_breaks": True}]),
)
def test_tables_do_not_depend_on_shards_and_files(
    tmp_path_factory, seed, files, shards, block_rows, identity, candidates, changes
):
    whole = make_recording(seed)
    whole = replace(
        whole, shifted=decode_displacements(whole.points, encode_displacements(whole.points, whole.shifted))
    )
    config = TrackingConfig(
        identity=identity, candidates=candidates, window_frames=2, naming={"piece_frames": 20}, **changes
    )
    expected, outcome = follow_animals(whole, config)
    folder = tmp_path_factory.mktemp("recording")
    videos = write_files(folder, whole, files, shards)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("poseflow.tracking.tracker.BLOCK_ROWS", block_rows)
        patch.setattr("poseflow.tracking.recording.BLOCK_FRAMES", 7)
        items = track_recording(videos, config, folder / "tracks.parquet").review_items
    counts = [
        sum((whole.frame_idx >= v.start) & (whole.frame_idx < end))
        for v, end in zip(videos, [*files, 120], strict=True)
    ]
    found = read_all(folder / "tracks.parquet", videos, counts)
    for name in COLUMNS:
        np.testing.assert_array_equal(found[name], getattr(expected, name), err_msg=name)
    assert items == outcome.review_items


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


def test_a_damaged_table_is_named(tmp_path):
    (tmp_path / "p.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(TableError, match=r"p\.parquet must be a whole Parquet file with predictions"):
        count_rows([RecordingFile("v", [tmp_path / "p.parquet"])])


@dataclass
class Facts:
    frames: int
    fps: float | None = 25.0
    recorded_at: datetime | None = None
    created_at: datetime | None = None


def test_files_follow_each_other_or_lie_apart_as_their_times_say():
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    facts = {"a": Facts(100), "b": Facts(50), "c": Facts(50)}
    tables = {video: [] for video in facts}

    def arrange(**seconds):
        starts = {video: noon + timedelta(seconds=value) for video, value in seconds.items()}
        return {file.video: file.start for file in arrange_files(tables, facts, starts)}

    assert arrange() == {"a": 0, "b": 100, "c": 150}
    assert arrange(a=0, b=10) == {"a": 0, "b": 250, "c": 300}
    assert arrange(a=0, b=3.5) == {"a": 0, "b": 100, "c": 150}, "clocks are not exact"
    assert list(arrange(a=20, b=0, c=10)) == ["b", "c", "a"]
    assert arrange(a=20, b=0, c=10) == {"b": 0, "c": 250, "a": 500}


@pytest.mark.parametrize("later", [0, 0.5, 2.9])
@pytest.mark.parametrize("names", ["ab", "ba"])
def test_files_that_overlap_in_time_are_no_recording(later, names):
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    first, second = names
    facts = {first: Facts(100, recorded_at=noon), second: Facts(50, recorded_at=noon + timedelta(seconds=later))}
    overlap = min(2.0, 4 - later)
    message = rf"{first} and {second}: .* overlap in time, {overlap:.2f} s of 2.00 s: .*config/recordings\.tsv"
    with pytest.raises(ConfigError, match=message):
        arrange_files({"a": [], "b": []} if later else {first: [], second: []}, facts)
    assert len(arrange_files({"a": [], "b": []}, {name: replace(facts[name], fps=None) for name in "ab"})) == 2


def test_names_that_contradict_the_containers_times_are_told(caplog):
    """As GoPro's chapters do: GX020001.MP4 comes before GX010002.MP4."""
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    created = {"GX010001": 0, "GX010002": 60, "GX020001": 10}
    facts = {name: Facts(250, created_at=noon + timedelta(seconds=after)) for name, after in created.items()}
    assert list(arrange_files({"GX010001": [], "GX020001": [], "GX010002": []}, facts)) and not caplog.text
    arrange_files({name: [] for name in facts}, facts)
    assert "GX010002 and GX020001: files whose starts are not known" in caplog.text
    assert "created 50 s before the first" in caplog.text


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


def test_two_cameras_as_one_recording(case, caplog):
    folder = case("two_cameras_as_one_recording")
    for name in ("cam1", "cam2"):
        with av.open(str(folder / f"{name}.mp4"), "w") as out:
            out.metadata["creation_time"] = "2026-03-01T18:00:00Z"
            stream = out.add_stream("mpeg4", 25, width=96, height=96)
            frame = av.VideoFrame.from_ndarray(np.zeros((96, 96), np.uint8), "gray")
            for frame.pts in range(64):
                out.mux(stream.encode(frame))
            out.mux(stream.encode())
    facts = {name: index_video(folder / f"{name}.mp4") for name in ("cam1", "cam2")}
    tables = {name: sorted((folder / "shard").glob("*.parquet")) for name in facts}
    arrange_files(tables, facts)
    assert "cam1 and cam2: files of one recording must follow one another" in caplog.text
    assert "2.56 s of 2.56 s" in caplog.text
    with pytest.raises(ConfigError, match=r"cam1 and cam2: .* 2\.56 s of 2\.56 s"):
        arrange_files(tables, facts, {name: found.created_at for name, found in facts.items()})
