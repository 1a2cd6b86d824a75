"""Recordings of any name are found, named safely, and read."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseflow.config import VideosConfig
from poseflow.errors import VideoError
from poseflow.media import estimate_frames, find_videos, index_video, open_video, read_index, write_index, write_video
from poseflow.media.finding import _id_of

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
    (video_id,) = find_videos(VideosConfig(root="."))
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*-[0-9a-f]{6}", video_id)
    write_index(index, f"{video_id}.json")
    with open_video(read_index(f"{video_id}.json")) as video:
        assert [clips.number(image) for _, image in video.read(0, 5)] == list(range(5))


def test_a_name_that_is_no_utf8_is_read_too(tmp_path: Path, clips: Any) -> None:
    plain = tmp_path / "clip.mp4"
    write_video(plain, map(clips.draw, range(3)), 25)
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/K\xe4fig.mp4"))
    plain.rename(path)
    (video_id,) = find_videos(VideosConfig(root=str(tmp_path)))
    index = index_video(path)
    write_index(index, tmp_path / "index.json")
    assert read_index(tmp_path / "index.json") == index
    assert (video_id[:5], index.frames) == ("K_fig", 3)


def touch(root: Path, *names: str) -> dict[str, str]:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    found = find_videos(VideosConfig(root=str(root)))
    assert all(path.exists() for path in found.values())
    return {video_id: path.relative_to(root).as_posix() for video_id, path in found.items()}


def test_ids_are_paths_below_the_root(tmp_path: Path) -> None:
    assert touch(tmp_path, "b.mp4", "day1/cam2/a.MKV", "day1/notes.txt", ".hidden/c.mp4", ".d.mp4") == {
        "b": "b.mp4",
        "day1__cam2__a": "day1/cam2/a.MKV",
    }


def test_namesakes_are_told_apart_by_their_extension(tmp_path: Path) -> None:
    found = touch(tmp_path, "clip.mp4", "clip.avi", "other.avi")
    assert found == {"clip.avi": "clip.avi", "clip.mp4": "clip.mp4", "other": "other.avi"}


def test_namesakes_by_replacement_or_folder_stay_apart(tmp_path: Path) -> None:
    found = touch(tmp_path, "a b.mp4", "a_b.mp4", "a?b.mp4", "x/y.mp4", "x__y.mp4")
    assert len(found) == 5
    assert found["a_b"] == "a_b.mp4"


def test_a_folder_that_matches_is_one_recording(tmp_path: Path) -> None:
    for name in ("frames_1/0.png", "cam.imgstore/000000.mp4", "cam.imgstore/metadata.yaml", "free/b.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    config = VideosConfig(root=str(tmp_path), patterns=("*.mp4", "*.imgstore", "frames_*"))
    assert {key: path.name for key, path in find_videos(config).items()} == {
        "cam": "cam.imgstore",
        "frames_1": "frames_1",
        "free__b": "b.mp4",
    }


def test_a_pattern_with_a_slash_is_matched_against_the_path(tmp_path: Path) -> None:
    touch(tmp_path, "cam1/a.mp4", "cam2/a.mp4")
    found = find_videos(VideosConfig(root=str(tmp_path), patterns=("cam1/*.mp4",)))
    assert list(found) == ["cam1__a"]


def test_links_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "a.mp4").touch()
    root = tmp_path / "videos"
    root.mkdir()
    (root / "linked").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "loop").symlink_to(root)
    assert list(find_videos(VideosConfig(root=str(root)))) == ["linked__a"]


def test_a_missing_root_is_named(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"videos\.root must be a folder, got .*nowhere"):
        find_videos(VideosConfig(root=str(tmp_path / "nowhere")))
    assert find_videos(VideosConfig(root=str(tmp_path))) == {}


letters = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
# No file has the other two names.
names = st.lists(st.text(letters, min_size=1).filter(lambda name: name not in (".", "..")), min_size=1, max_size=3)


@given(names, names)
def test_ids_are_safe_and_differ(one: list[str], other: list[str]) -> None:
    for parts in (one, other):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", _id_of(Path(*parts)))
    if Path(*one) != Path(*other) and not any("__" in part for part in one + other):
        assert _id_of(Path(*one)) != _id_of(Path(*other))
