"""Recordings of any name are found, and read."""

import os
from pathlib import Path
from typing import Any

import pytest

from poseflow.config import VideosConfig
from poseflow.core.errors import VideoError
from poseflow.media import estimate_frames, find_videos, index_video, open_video, read_index, write_index, write_video
from poseflow.media.finding import natural_order

AWKWARD = [
    "two words.mp4",
    'it\'s "quoted".mp4',
    "Käfig Süd.mp4",
    "-leading dash.mp4",
    "-i.mp4",
    "100%d.mp4",
    "file:name.mp4",
    "a|b&c;d$e`f.mp4",
    "star*[1]{x}.mp4",
    "笼子.mp4",
    "back\\slash.mp4",
]


@pytest.mark.parametrize("name", AWKWARD)
def test_an_awkward_name_is_read_like_any_other(
    name: str, tmp_path: Path, clips: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(Path(name), map(clips.draw, range(5)), 25)
    index = index_video(Path(name))
    assert (index.status, index.frames, estimate_frames(name), index.path) == ("ok", 5, 5, name)
    assert find_videos(VideosConfig(root=".")).paths == [Path(name)]
    write_index(index, "index.json")
    with open_video(read_index("index.json")) as video:
        assert [clips.number(image) for _, image in video.read(0, 5)] == list(range(5))


def test_a_name_that_is_no_utf8_is_read_too(tmp_path: Path, clips: Any) -> None:
    plain = tmp_path / "clip.mp4"
    write_video(plain, map(clips.draw, range(3)), 25)
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/K\xe4fig.mp4"))
    plain.rename(path)
    assert [tmp_path / found for found in find_videos(VideosConfig(root=str(tmp_path))).paths] == [path]
    index = index_video(path)
    write_index(index, tmp_path / "index.json")
    assert read_index(tmp_path / "index.json") == index
    assert index.frames == 3


def touch(root: Path, *names: str) -> list[str]:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    found = find_videos(VideosConfig(root=str(root)))
    assert not found.unlisted
    return [path.as_posix() for path in found.paths]


def test_videos_are_found_below_the_root_and_hidden_ones_passed_over(tmp_path: Path) -> None:
    found = touch(tmp_path, "b.mp4", "day1/cam2/a.MKV", "day1/notes.txt", ".hidden/c.mp4", ".d.mp4")
    assert found == ["b.mp4", "day1/cam2/a.MKV"]


def test_what_camcorders_and_recorders_write_is_found(tmp_path: Path) -> None:
    names = ["00001.MTS", "a.m2ts", "b.flv", "c.asf", "d.vob", "e.3gp", "f.ogv", "g.mxf", "h.h265"]
    assert touch(tmp_path, *names) == names


def test_parts_follow_one_another_as_a_person_counts(tmp_path: Path) -> None:
    names = ["cage/part.mp4", "cage/part1.mp4", "cage/Part2.mp4", "cage/part10.mp4", "cage2/a.mp4", "cage10/a.mp4"]
    assert touch(tmp_path, *names) == names
    assert sorted(map(Path, ["1.mp4", "\u0663.mp4", "a.mp4"]), key=natural_order)  # an Arabic three is a letter here


def test_a_folder_that_matches_is_one_recording(tmp_path: Path) -> None:
    for name in ("frames_1/0.png", "cam.imgstore/000000.mp4", "cam.imgstore/metadata.yaml", "free/b.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    config = VideosConfig(root=str(tmp_path), patterns=("*.mp4", "*.imgstore", "frames_*"))
    assert [path.as_posix() for path in find_videos(config).paths] == ["cam.imgstore", "frames_1", "free/b.mp4"]


def test_a_pattern_with_a_slash_is_matched_against_the_path(tmp_path: Path) -> None:
    touch(tmp_path, "cam1/a.mp4", "cam2/a.mp4")
    found = find_videos(VideosConfig(root=str(tmp_path), patterns=("cam1/*.mp4",)))
    assert found.paths == [Path("cam1/a.mp4")]


def test_links_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "a.mp4").touch()
    root = tmp_path / "videos"
    root.mkdir()
    (root / "linked").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "loop").symlink_to(root)
    assert find_videos(VideosConfig(root=str(root))).paths == [Path("linked/a.mp4")]


def test_a_link_beside_what_it_points_to_gives_no_other_path(tmp_path: Path) -> None:
    paths = touch(tmp_path, "mouse1/a.mp4", "mouse2/a.mp4", "mouse2/day/b.mp4")
    for target in ("mouse2", "mouse1", "mouse2/day"):
        (tmp_path / "latest").symlink_to(tmp_path / target)
        assert touch(tmp_path) == paths
        (tmp_path / "latest").unlink()


def test_a_folder_that_cannot_be_looked_into_is_told(tmp_path: Path) -> None:
    (tmp_path / "disk").symlink_to(tmp_path / "not mounted")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "a.mp4").touch()
    found = find_videos(VideosConfig(root=str(tmp_path)))
    assert found.paths == [Path("a.mp4")]
    assert found.unlisted == {Path("disk"): "a link to nowhere", Path("loop"): "a link to nowhere"}


def test_a_missing_root_is_named(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"videos\.root must be a folder, got .*nowhere"):
        find_videos(VideosConfig(root=str(tmp_path / "nowhere")))
    assert find_videos(VideosConfig(root=str(tmp_path))).paths == []
