"""Recordings: their names, shards and fingerprints."""

import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseflow.config import VideosConfig
from poseflow.errors import ConfigError
from poseflow.recordings import (
    fingerprint_recording,
    name_recording,
    name_shards,
    pixels_per_mm,
    shard_frames,
    start_time,
)


@given(estimate=st.integers(0, 10**7), size=st.integers(1, 10**6), frames=st.integers(0, 10**7))
def test_shards_cover_a_recording_without_gap_or_overlap_whatever_was_estimated(estimate, size, frames):
    if estimate / size > 10**4:
        size = estimate // 10**4 + 1
    ranges = [shard_frames(shard, frames) for shard in name_shards(estimate, size)]
    assert ranges[0][0] == 0
    assert ranges[-1][1] == frames
    assert all(a[1] == b[0] for a, b in pairwise(ranges))


@given(frames=st.integers(1, 10**6), size=st.integers(100, 10**5))
def test_no_shard_is_longer_than_asked_for_when_the_estimate_is_right(frames, size):
    assert max(stop - start for start, stop in (shard_frames(s, frames) for s in name_shards(frames, size))) <= size


@pytest.mark.parametrize("name", ["3", "20-of-20", "a-of-b", "-1-of-3"])
def test_a_misnamed_shard_is_an_error(name):
    with pytest.raises(ConfigError, match="shard must be like 0003-of-0020"):
        shard_frames(name, 100)


def test_a_video_belongs_to_the_recording_named_after_its_folder():
    config = VideosConfig(root="videos")
    assert name_recording("a", Path("videos/a.mp4"), config) == "a"
    assert name_recording("day1__a", Path("videos/day1/a.mp4"), config) == "day1"
    assert name_recording("cage__day1__a", Path("videos/cage/day1/a.mp4"), config) == "cage__day1"


def test_recordings_of_different_folders_never_share_a_name():
    config = VideosConfig(root="videos")
    names = {name_recording("x", Path("videos") / folder / "x.mp4", config) for folder in ("a b", "a_b", "a'b", "ä")}
    assert len(names) == 4


def test_no_recording_is_named_so_that_readers_of_parquet_folders_pass_it_over():
    config = VideosConfig(root="videos")
    names = {name_recording("x", Path("videos") / folder / "x.mp4", config) for folder in ("_a", ".a", "-a", "ä")}
    assert len(names) == 4
    assert not [name for name in names if name[0] in "_.-"]


def test_scale_and_start_are_found_by_path_the_nearest_first():
    config = VideosConfig(
        root="videos",
        pixels_per_mm={"rig1": 2.0, "rig1/zoomed/b.mp4": 9.0},
        start_times={"rig1/a.mp4": "2026-03-01T18:00:00+01:00"},
    )
    assert pixels_per_mm(Path("videos/rig1/a.mp4"), config) == 2.0
    assert pixels_per_mm(Path("videos/rig1/zoomed/b.mp4"), config) == 9.0
    assert pixels_per_mm(Path("videos/rig2/a.mp4"), config) is None
    assert start_time(Path("videos/rig1/a.mp4"), config).isoformat() == "2026-03-01T18:00:00+01:00"
    assert start_time(Path("videos/rig1/b.mp4"), config) is None


def test_a_fingerprint_tells_a_changed_recording_from_a_touched_one(tmp_path):
    def fingerprint(content):
        (tmp_path / "a.mp4").write_bytes(content)
        return fingerprint_recording(tmp_path / "a.mp4")

    content = bytes(200_000)
    assert fingerprint(content) == fingerprint(content)
    assert len({fingerprint(c) for c in (content, content + b"1", b"1" + content[1:], content[:-1] + b"1", b"")}) == 5
    assert fingerprint_recording(tmp_path / "gone.mp4")


def test_a_folder_of_images_has_a_fingerprint_too(tmp_path):
    (tmp_path / "0.png").write_bytes(b"one")
    before = fingerprint_recording(tmp_path)
    os.utime(tmp_path / "0.png", ns=(1, 1))
    assert fingerprint_recording(tmp_path) == before
    (tmp_path / "1.png").write_bytes(b"two")
    assert fingerprint_recording(tmp_path) != before
