from pathlib import Path

import numpy as np
import pytest
from fake_results import make_index, make_poses

from poseflow.report.timelines import MAX_TRACKS, draw_timeline, read_timeline, time_unit
from poseflow.tables import write_poses


def timeline_of(tmp_path: Path, frames: int, tracks: list[tuple[int, int, int]], bins: int = 100, **changes: tuple):
    index = make_index("cage", frames)
    path = tmp_path / "cage.parquet"
    write_poses(make_poses(index, tracks, **changes), path)
    return read_timeline(path, frames / 25, bins)


def test_bins_hold_the_share_of_frames_with_the_track(tmp_path):
    timeline = timeline_of(tmp_path, 1000, [(0, 0, 1000), (1, 0, 595), (1, 640, 1000)])
    assert timeline.shown == (0, 1)
    assert (timeline.presence[0] == 1).all()
    assert timeline.presence[1, [58, 59, 60, 63, 64]].tolist() == [1.0, 0.5, 0.0, 0.0, 1.0]


def test_animals_per_frame_are_counted_exactly(tmp_path):
    timeline = timeline_of(tmp_path, 1000, [(0, 0, 1000), (1, 0, 595), (1, 640, 1000)])
    assert (timeline.fewest[59], timeline.most[59]) == (1, 2)
    assert timeline.mean[59] == 1.5
    assert (timeline.usual, timeline.usual_share) == (2, pytest.approx(0.955))


@pytest.mark.parametrize("bins", [1, 7, 333, 5000])
def test_presence_sums_up_to_the_tracks_length_whatever_the_bins(tmp_path, bins):
    timeline = timeline_of(tmp_path, 1000, [(3, 17, 911), (8, 200, 203)], bins)
    edges = np.arange(timeline.presence.shape[1] + 1) * 1000 // timeline.presence.shape[1]
    assert (timeline.presence @ np.diff(edges)).round(3).tolist() == [894.0, 3.0]


@pytest.mark.slow
def test_of_many_tracks_the_longest_are_shown(tmp_path):
    short = [(number, 10 * number, 10 * number + 5) for number in range(80)]
    timeline = timeline_of(tmp_path, 1000, [*short, (80, 0, 1000)])
    assert timeline.tracks == 81
    assert len(timeline.shown) == MAX_TRACKS
    assert 80 in timeline.shown
    assert "41 shorter ones are left out" in draw_timeline(timeline).caption


@pytest.mark.slow
def test_a_recording_without_animals_is_drawn_too(tmp_path):
    timeline = timeline_of(tmp_path, 50, [])
    assert (timeline.tracks, timeline.usual, timeline.longest_frames) == (0, 0, 0)
    assert draw_timeline(timeline).wide.startswith("data:image/svg+xml")


def test_failed_frames_are_counted(tmp_path):
    assert timeline_of(tmp_path, 50, [(0, 0, 40)], failed=(41, 42)).failed_frames == 2


@pytest.mark.parametrize(
    ("seconds", "unit", "length"), [(90, "s", 90), (600, "min", 10), (7200, "hours", 2), (20 * 86_400, "days", 20)]
)
def test_time_is_given_in_the_unit_that_reads_well(seconds, unit, length):
    assert time_unit(seconds) == (unit, length)
