"""The list of recordings and what a view of one begins with, where not all is well."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from served_project import FRAMES, Browser, Server, make_results

from poseflow.media import index_video, write_index
from poseflow.runs.places import PLACES


@pytest.fixture(scope="module")
def browser(project: Path) -> Iterator[Browser]:
    config = project / "config/config.yaml"
    config.write_text(config.read_text() + "recordings: {group_by: folder}\n")
    for name in ("night/a.mp4", "night/b.mp4"):
        Path("videos", name).parent.mkdir(exist_ok=True)
        shutil.copyfile("videos/clip.mp4", f"videos/{name}")
    Path("videos/night/b.mp4").write_bytes(b"")
    Path("videos/empty.mp4").write_bytes(b"nothing")
    make_results()
    for video, path in (("night__a", "night/a.mp4"), ("night__b", "night/b.mp4"), ("empty", "empty.mp4")):
        write_index(index_video(f"videos/{path}"), PLACES.index(video))
    running = Server()
    yield running.browser
    running.stop()


@pytest.mark.slow
def test_what_needs_a_person_comes_first_with_its_reason(browser: Browser) -> None:
    rows = browser.get("/api/recordings").json["recordings"]
    assert [(row["name"], row["state"]) for row in rows] == [
        ("empty", "quarantined"),
        ("night", "waiting"),
        ("clip", "done"),
    ]
    empty, night, clip = rows
    assert empty["reason"] and night["reason"].startswith("1 of 2 videos cannot be read: ")
    assert (night["videos"], night["frames"], clip["reason"]) == (["night__a", "night__b"], FRAMES, None)


def test_videos_of_a_recording_follow_each_other(browser: Browser) -> None:
    night = browser.get("/api/recordings/night").json
    first, second = night["videos"]
    assert (first["state"], first["frames"], first["offset_frames"], first["poses"]) == ("ok", FRAMES, 0, "none")
    assert (second["state"], second["offset_frames"]) == ("quarantined", FRAMES)
    assert second["reason"]
    answer = browser.get("/api/videos/night__b/still?frame=0")
    assert (answer.status, answer.json["error"]) == (410, "gone")
    assert browser.get("/api/videos/night__a/still?frame=5").status == 200


def test_a_recording_that_was_not_tracked_has_empty_windows(browser: Browser) -> None:
    head, arrays = browser.get("/api/recordings/night/videos/night__a/poses?from=0&to=10").blocks
    assert head["source"] == "none" and head["nodes"] == []
    assert arrays["begin"].tolist() == [0] * 11 and len(arrays["frame"]) == 0
    lanes = browser.get("/api/recordings/night/videos/night__a/lanes").json
    assert lanes["lanes"] == [] and lanes["gaps"] == []
    assert browser.get("/api/recordings/night/review").json["items"] == []
    assert browser.get("/api/recordings/night/videos/clip/poses").status == 404


def test_damaged_tables_keep_nobody_from_the_frames(browser: Browser) -> None:
    path = PLACES.tracks("clip")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    try:
        answer = browser.get("/api/recordings/clip/videos/clip/poses?from=0&to=10")
        assert (answer.status, answer.json["error"]) == (410, "gone")
        assert "clip.parquet" in answer.json["message"]
        assert browser.get("/api/recordings/clip").status == 200
        assert browser.get("/api/videos/clip/still?frame=5").status == 200
        assert browser.get("/api/videos/clip/packets?frame=5").status == 200
    finally:
        path.write_bytes(whole)
    assert browser.get("/api/recordings/clip/videos/clip/poses?from=0&to=10").status == 200


def test_times_are_those_of_the_container(browser: Browser) -> None:
    _, arrays = browser.get("/api/recordings/clip/videos/clip/times?from=10&to=20").blocks
    assert arrays["time_s"].tolist() == pytest.approx([frame / 25 for frame in range(10, 20)])
