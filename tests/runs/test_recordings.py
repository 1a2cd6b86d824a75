"""Recordings: their names, shards and fingerprints."""

import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseflow.config import Config, VideosConfig
from poseflow.core.contents import fingerprint_recording
from poseflow.core.errors import ConfigError
from poseflow.runs.facts import FileFacts
from poseflow.runs.recordings import (
    name_shards,
    plan_recordings,
    shard_frames,
)


@pytest.mark.slow
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


def test_a_fingerprint_tells_a_changed_recording_from_a_touched_one(tmp_path):
    def fingerprint(content):
        (tmp_path / "a.mp4").write_bytes(content)
        return fingerprint_recording(tmp_path / "a.mp4")

    content = bytes(200_000)
    assert fingerprint(content) == fingerprint(content)
    assert len({fingerprint(c) for c in (content, content + b"1", b"1" + content[1:], content[:-1] + b"1", b"")}) == 5
    assert fingerprint_recording(tmp_path / "gone.mp4") is None
    content = bytes(600_000)
    assert fingerprint(content) != fingerprint(content[:250_000] + b"1" * 100_000 + content[350_000:])


def test_a_folder_of_images_has_a_fingerprint_too(tmp_path):
    (tmp_path / "0.png").write_bytes(b"one")
    before = fingerprint_recording(tmp_path)
    os.utime(tmp_path / "0.png", ns=(1, 1))
    assert fingerprint_recording(tmp_path) == before
    (tmp_path / "0.png").write_bytes(b"two")
    other = fingerprint_recording(tmp_path)
    (tmp_path / "1.png").write_bytes(b"two")
    assert len({before, other, fingerprint_recording(tmp_path)}) == 3


def test_an_image_of_many_written_anew_is_another_recording(tmp_path):
    for number in range(300):
        (tmp_path / f"{number}.bmp").write_bytes(b"one")
    before = fingerprint_recording(tmp_path)
    (tmp_path / "150.bmp").write_bytes(b"two")
    os.utime(tmp_path / "150.bmp", ns=(1, 1))
    assert fingerprint_recording(tmp_path) != before


def test_what_a_run_made_is_no_recording(tmp_path, monkeypatch):
    project = tmp_path / "project"
    for name in ("a.mp4", "results/overlays/a.mp4", "results 2/b.mp4"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(b"no video")
    monkeypatch.chdir(project)
    for root in (".", "", "..", str(tmp_path)):
        found = plan_recordings(Config(videos=VideosConfig(root=root)), FileFacts(tmp_path / "facts.json"))
        assert sorted(path.name for path in found.videos.values()) == ["a.mp4", "b.mp4"]


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """Plan what lies in videos/, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    Path("videos").mkdir()

    def plan_them(*names, facts=None, **videos):
        for name in names:
            path = Path("videos") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"no video")
        return plan_recordings(Config(videos=VideosConfig(**videos)), facts or FileFacts("facts.json"))

    return plan_them


def test_parts_of_a_recording_follow_one_another_as_a_person_counts(plan):
    found = plan(*(f"cage/part{number}.mp4" for number in (1, 10, 11, 2, 9)))
    assert found.recordings == {"cage": [f"cage__part{number}" for number in (1, 2, 9, 10, 11)]}


def test_a_name_that_is_no_utf8_is_left_out_and_told(plan):
    found = plan("a.mp4", os.fsdecode(b"bad\xff.mp4"), os.fsdecode(b"b\xe4d/a.mp4"))
    assert list(found.videos) == ["a"]
    assert sorted(found.warnings) == [
        f"videos/{name} is left out: its name must be UTF-8, got other bytes; rename it"
        for name in ("b\\xe4d/a.mp4", "bad\\xff.mp4")
    ]


def test_a_folder_that_cannot_be_looked_into_is_told(plan):
    Path("videos/disk").symlink_to("nowhere")
    assert plan("a.mp4").warnings == ["videos/disk cannot be looked into: a link to nowhere"]


def test_a_file_that_is_there_twice_by_links_is_told(plan):
    plan("a.mp4", "day1/b.mp4")
    Path("videos/latest.mp4").symlink_to("a.mp4")
    Path("videos/day1/c.mp4").hardlink_to("videos/a.mp4")
    Path("videos/gone.mp4").symlink_to("nowhere.mp4")
    found = plan()
    assert len(found.videos) == 5
    assert found.warnings == [
        "videos/a.mp4, videos/day1/c.mp4, videos/latest.mp4 are one file by links, and its animals count 3 times"
    ]


def test_what_is_no_file_is_planned_without_being_waited_for(plan):
    os.mkfifo("videos/pipe.mp4")
    Path("videos/loop.mp4").symlink_to("loop.mp4")
    found = plan("a.mp4")
    assert list(found.videos) == ["a", "loop", "pipe"]
    assert found.fingerprints["loop"] == "unreadable"


def test_an_image_folder_written_anew_is_another_recording_though_its_own_time_is_the_same(plan):
    def fingerprint(content):
        for number in range(3):
            Path(f"videos/frames_a/{number}.bmp").write_bytes(content)
        facts = FileFacts("facts.json")
        found = plan(facts=facts, patterns=("frames_*",))
        facts.save()
        return found.fingerprints["frames_a"]

    Path("videos/frames_a").mkdir()
    before, folder = fingerprint(b"one"), Path("videos/frames_a").stat()
    after = fingerprint(b"two")
    os.utime("videos/frames_a", ns=(folder.st_atime_ns, folder.st_mtime_ns))
    assert before != after


def test_what_could_not_be_read_is_asked_again_but_not_by_the_jobs_of_the_run(plan, monkeypatch):
    def refuse(path, *_):
        raise PermissionError(13, "Permission denied", str(path))

    facts = FileFacts("facts.json")
    with monkeypatch.context() as patch:
        patch.setattr("poseflow.core.contents._read_samples", refuse)
        patch.setattr("poseflow.media.estimate_frames", refuse)
        locked = plan("a.mp4", facts=facts)
        facts.save()
    assert (locked.fingerprints, locked.shards) == ({"a": "unreadable"}, {"a": ["0000-of-0001"]})
    assert plan(facts=FileFacts("facts.json", check=False)) == locked
    assert plan(facts=FileFacts("facts.json")).fingerprints["a"] == fingerprint_recording(Path("videos/a.mp4"))
