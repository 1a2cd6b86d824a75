"""Labels as the page makes them: files that SLEAP opens, each change at once, and nothing of anybody lost."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sleap_io as sio
from served_project import ANIMALS, FRAMES, NODES, Browser, Server, make_results, pose_of

from poseflow.config import LabelsConfig
from poseflow.labels import describe_label_file, read_labels

SKELETON = {"nodes": ["nose", "<b>body</b>", "tail"], "edges": [[0, 1], [1, 2]], "symmetries": []}
FILE = Path("labels/page.slp")


@pytest.fixture
def browser(project: Path) -> Iterator[Browser]:
    for path in Path("labels").glob("*") if Path("labels").is_dir() else ():
        path.unlink()
    running = Server()
    yield running.browser
    running.stop()


@pytest.fixture
def made(browser: Browser) -> Browser:
    answer = browser.post(
        "/api/labels/create", {"name": "page", "skeleton": SKELETON, "tracks": ["Ada"], "author": "ann"}
    )
    assert answer.status == 200, answer.body
    return browser


def animal(shift: float = 0, **more: Any) -> dict[str, Any]:
    points = [[10.5 + shift, 20], [14, 22.25 + shift], None]
    return {"points": points, "visible": [True, False, False], "track": "Ada", **more}


def save(browser: Browser, frame: int, *animals: dict[str, Any], **more: Any) -> Any:
    message = {"file": str(FILE), "video": "clip", "frame": frame, "author": "ann", "animals": list(animals), **more}
    return browser.post("/api/labels/frame", message)


@pytest.mark.slow
def test_a_new_file_has_its_skeleton_and_no_labels(made: Browser) -> None:
    [file] = made.get("/api/labels").json["files"]
    assert (file["name"], file["frames"], file["writable"]) == (str(FILE), 0, True)
    assert file["skeleton"] == SKELETON
    assert sio.load_slp(str(FILE)).skeletons[0].node_names == SKELETON["nodes"]
    again = made.post("/api/labels/create", {"name": "page", "skeleton": SKELETON, "author": "ann"})
    assert again.json["error"] == "refused"


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "x.slp", "ü", "a" * 99])
def test_a_file_is_called_by_letters_alone(browser: Browser, name: str) -> None:
    answer = browser.post("/api/labels/create", {"name": name, "skeleton": SKELETON, "author": "ann"})
    assert answer.json["error"] == "invalid"


@pytest.mark.parametrize("nodes", [[], ["a", "a"]])
def test_a_skeleton_has_nodes_with_names_of_their_own(browser: Browser, nodes: list[str]) -> None:
    skeleton = {"nodes": nodes, "edges": [], "symmetries": []}
    answer = browser.post("/api/labels/create", {"name": "page", "skeleton": skeleton, "author": "ann"})
    assert answer.json["error"] == "invalid"
    assert not FILE.exists()


def test_a_frame_is_on_disk_as_sleap_reads_it(made: Browser) -> None:
    saved = save(made, 7, animal(), animal(30, track=None)).json
    labels = sio.load_slp(str(FILE))
    [frame] = labels.labeled_frames
    assert frame.frame_idx == 7
    assert Path(frame.video.filename).is_absolute() and Path(frame.video.filename).samefile("videos/clip.mp4")
    assert frame.video.shape[1:3] == (48, 96)
    first, second = frame.instances
    assert (first.track.name, second.track) == ("Ada", None)
    np.testing.assert_allclose(first.points["xy"], [[10.5, 20], [14, 22.25], [np.nan, np.nan]])
    assert first.points["visible"].tolist() == [True, False, False]
    shown = made.get(f"/api/labels/frame?file={FILE}&video=clip&frame=7").json
    assert shown == saved
    assert shown["animals"][0] == {**animal(), "predicted": False, "score": None}


def test_what_is_labeled_trains(made: Browser) -> None:
    """The workflow's own reader: the recording is found, and a hidden point is none to learn, as in SLEAP."""
    save(made, 7, animal())
    facts = describe_label_file(FILE, False)
    assert (facts["frames"], facts["animals"], facts["nodes"]) == (1, 1, SKELETON["nodes"])
    labels = read_labels([FILE], LabelsConfig())
    [instance] = labels.labeled_frames[0].instances
    np.testing.assert_allclose(instance.points["xy"], [[10.5, 20], [np.nan, np.nan], [np.nan, np.nan]])


def test_frames_are_changed_emptied_and_removed(made: Browser) -> None:
    first = save(made, 7, animal()).json
    second = save(made, 7, animal(1), revision=first["revision"]).json
    assert second["animals"][0]["points"][0] == [11.5, 20]
    empty = save(made, 7, revision=second["revision"]).json
    assert sio.load_slp(str(FILE)).labeled_frames[0].is_negative
    [listed] = made.get(f"/api/labels/frames?file={FILE}").json["frames"]
    assert (listed["video"], listed["frame"], listed["state"], listed["animals"]) == ("clip", 7, "labeled", 0)
    message = {"file": str(FILE), "video": "clip", "frame": 7, "author": "ann", "revision": empty["revision"]}
    gone = made.post("/api/labels/frame/remove", message).json
    assert gone["animals"] == []
    assert not sio.load_slp(str(FILE)).labeled_frames


def test_of_two_who_change_a_frame_the_second_is_asked(made: Browser) -> None:
    first = save(made, 7, animal()).json
    theirs = save(made, 7, animal(5), revision=first["revision"], author="bob").json
    mine = save(made, 7, animal(9), revision=first["revision"])
    assert (mine.status, mine.json["error"]) == (409, "conflict")
    assert mine.json["detail"] == theirs
    assert made.get(f"/api/labels/frame?file={FILE}&video=clip&frame=7").json == theirs


@pytest.mark.slow
def test_what_another_program_saved_meanwhile_stays(made: Browser) -> None:
    save(made, 7, animal())
    labels = sio.load_slp(str(FILE), open_videos=False)
    skeleton, video = labels.skeletons[0], labels.videos[0]
    theirs = sio.LabeledFrame(video=video, frame_idx=3, instances=[sio.Instance.from_numpy(np.ones((3, 2)), skeleton)])
    labels.labeled_frames.append(theirs)
    labels.provenance["by"] = "somebody"
    sio.save_slp(labels, str(FILE), embed=False, verbose=False)
    save(made, 9, animal())
    after = sio.load_slp(str(FILE), open_videos=False)
    assert [frame.frame_idx for frame in after.labeled_frames] == [3, 7, 9]
    assert len(after.videos) == 1
    assert after.provenance["by"] == "somebody"


def test_predictions_stay_predictions_until_somebody_accepts_them(made: Browser) -> None:
    save(made, 7, animal(predicted=True, score=0.5))
    [listed] = made.get(f"/api/labels/frames?file={FILE}").json["frames"]
    assert (listed["state"], listed["by_person"]) == ("predicted", 0)
    assert isinstance(sio.load_slp(str(FILE)).labeled_frames[0].instances[0], sio.PredictedInstance)
    save(made, 7, animal())
    assert made.get(f"/api/labels/frames?file={FILE}").json["frames"][0]["state"] == "labeled"


@pytest.mark.parametrize(
    "changes",
    [
        {"frame": FRAMES},
        {"frame": -1},
        {"video": "../clip"},
        {"file": "../page.slp"},
        {"file": "/etc/passwd"},
        {"animals": [{"points": [[1, 2]], "visible": [True]}]},
        {"animals": [{"points": [None] * 3, "visible": [False] * 3}]},
        {"animals": [{"points": [[1, "NaN"], None, None], "visible": [True] * 3}]},
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(made: Browser, changes: dict[str, Any]) -> None:
    save(made, 7, animal())
    before = FILE.read_bytes()
    message = {"file": str(FILE), "video": "clip", "frame": 8, "author": "ann", "animals": [animal()], **changes}
    answer = made.post("/api/labels/frame", message)
    assert answer.status in (404, 422), answer.body
    assert FILE.read_bytes() == before
    assert save(made, 9, animal()).status == 200


@pytest.mark.slow
def test_many_at_once_lose_no_frame(made: Browser) -> None:
    with ThreadPoolExecutor(6) as threads:
        statuses = [*threads.map(lambda frame: save(made, frame, animal()).status, range(24))]
    assert set(statuses) == {200}
    assert [frame.frame_idx for frame in sio.load_slp(str(FILE)).labeled_frames] == list(range(24))


@pytest.mark.slow
def test_frames_are_suggested_and_stand_in_the_file(made: Browser) -> None:
    save(made, 7, animal())
    begun = made.post("/api/labels/suggest", {"file": str(FILE), "count": 5, "method": "stride"}).json
    assert begun["state"] in ("working", "done")
    end = time.monotonic() + 20
    while made.get(f"/api/labels/suggestions?file={FILE}").json["state"] != "done" and time.monotonic() < end:
        time.sleep(0.05)
    told = made.get(f"/api/labels/suggestions?file={FILE}").json
    assert (told["state"], told["fault"], len(told["frames"])) == ("done", None, 5)
    assert [one.frame_idx for one in sio.load_slp(str(FILE)).suggestions] == [one["frame"] for one in told["frames"]]
    listed = made.get(f"/api/labels/frames?file={FILE}").json["frames"]
    assert sum(one["state"] == "suggested" for one in listed) == 5
    assert all(one["video"] == "clip" for one in listed)


def test_a_method_that_needs_predictions_says_so_without(made: Browser) -> None:
    made.post("/api/labels/suggest", {"file": str(FILE), "count": 5, "method": "jump"})
    end = time.monotonic() + 20
    while made.get(f"/api/labels/suggestions?file={FILE}").json["state"] != "done" and time.monotonic() < end:
        time.sleep(0.05)
    assert "predictions" in made.get(f"/api/labels/suggestions?file={FILE}").json["fault"]


@pytest.mark.slow
def test_predictions_are_starting_points(made: Browser) -> None:
    assert made.get("/api/labels/predictions?video=clip&frame=7").json == {"animals": [], "nodes": []}
    make_results()
    try:
        found = made.get("/api/labels/predictions?video=clip&frame=7").json
        assert found["nodes"] == list(NODES)
        points = np.array([one["points"] for one in found["animals"]])
        expected = np.array([pose_of(one, 7) for one in range(ANIMALS)])
        np.testing.assert_allclose(points[np.argsort(points[:, 1, 1])], expected, atol=1e-3)
        assert all(one["predicted"] for one in found["animals"])
    finally:
        shutil.rmtree("results")


@pytest.mark.slow
def test_the_skeleton_can_be_changed_while_nothing_is_labeled(made: Browser) -> None:
    longer = {**SKELETON, "nodes": [*SKELETON["nodes"], "ear"]}
    assert made.post("/api/labels/skeleton", {"file": str(FILE), "skeleton": longer}).json["skeleton"] == longer
    four = {"points": [[1, 2]] * 4, "visible": [True] * 4}
    assert save(made, 7, four).status == 200
    assert made.post("/api/labels/skeleton", {"file": str(FILE), "skeleton": SKELETON}).json["error"] == "refused"


def test_files_of_other_formats_and_damaged_ones_are_listed_with_the_reason(made: Browser) -> None:
    Path("labels/broken.slp").write_bytes(b"nothing")
    files = {one["name"]: one for one in made.get("/api/labels").json["files"]}
    assert files["labels/page.slp"]["writable"]
    assert not files["labels/broken.slp"]["writable"] and "broken.slp" in files["labels/broken.slp"]["reason"]
    answer = made.get("/api/labels/frames?file=labels/broken.slp")
    assert (answer.status, answer.json["error"]) == (409, "refused")


def test_new_files_lie_where_the_settings_look(browser: Browser, project: Path) -> None:
    config = project / "config/config.yaml"
    before = config.read_text()
    try:
        config.write_text(before + "labels: {paths: [more/*.csv, 'labels/*/x.slp', 'my labels/*.slp']}\n")
        message = {"name": "page", "skeleton": SKELETON, "author": "ann"}
        assert browser.post("/api/labels/create", message).json["name"] == "my labels/page.slp"
        assert Path("my labels/page.slp").is_file()
    finally:
        config.write_text(before)
        shutil.rmtree("my labels", ignore_errors=True)
