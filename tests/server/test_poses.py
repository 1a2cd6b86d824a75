"""Windows of poses, lanes, review items and claims, as the page gets them, on a recording whose every pose is known."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from served_project import (
    ANIMALS,
    FRAMES,
    NODES,
    TOKEN,
    Browser,
    Server,
    make_results,
    make_tables,
    pose_of,
    read_events,
)

from poseflow.corrections import ReviewedClaim, append_claims, read_log, stamp
from poseflow.corrections.claims import new_id
from poseflow.runs.places import PLACES
from poseflow.tables import read_poses

LOG = Path("corrections/clip.jsonl")
POSES = "/api/recordings/clip/videos/clip/poses"
CLAIMS = "/api/recordings/clip/claims"


@pytest.fixture(scope="module", autouse=True)
def results(project: Path) -> None:
    make_results()


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Nothing said at the beginning."""
    LOG.unlink(missing_ok=True)
    yield
    LOG.unlink(missing_ok=True)


@pytest.fixture
def browser(project: Path, results: None) -> Iterator[Browser]:
    running = Server()
    yield running.browser
    running.stop()


def made(kind: str, author: str = "ann", at: float = 0.0, **said: Any) -> dict[str, Any]:
    """A claim as the page makes it."""
    now = datetime.now(UTC) + timedelta(seconds=at)
    return {"kind": kind, "id": new_id(now), "time": now.isoformat(), "author": author, **said}


def seen(frame: int, animal: int | None) -> dict[str, Any]:
    """A frame as it is shown, and which animal of it is meant."""
    animals = [pose_of(one, frame).tolist() for one in range(ANIMALS)]
    return {"video": "clip", "frame": frame, "nodes": list(NODES), "animals": animals, "animal": animal}


def say(browser: Browser, *claims: dict[str, Any], since: str | None = None) -> Any:
    answer = browser.post(CLAIMS, {"since": since, "claims": list(claims)})
    assert answer.status == 200, answer.body
    return answer.json


def row_of(arrays: dict[str, np.ndarray], frame: int, animal: int, start: int = 0) -> int:
    """The row of an animal, by where it is as predicted or near it."""
    begin, end = arrays["begin"][frame - start : frame - start + 2]
    distance = np.nanmean(np.abs(arrays["points"][begin:end] - pose_of(animal, frame)), axis=(1, 2))
    return int(begin + np.argmin(distance))


@pytest.mark.slow
def test_a_window_holds_the_rows_of_its_frames(browser: Browser) -> None:
    head, arrays = browser.get(f"{POSES}?from=70&to=80").blocks
    assert (head["from_frame"], head["to_frame"], head["source"]) == (70, 80, "tracks")
    assert head["nodes"] == list(NODES)
    assert arrays["begin"].tolist() == list(range(0, 31, 3))
    expected = np.array([pose_of(animal, frame) for frame in range(70, 80) for animal in range(ANIMALS)], np.float32)
    own = arrays["points"][np.lexsort((arrays["points"][:, 1, 1], arrays["frame"]))]
    np.testing.assert_allclose(own, expected, atol=1e-3)
    assert not arrays["flags"].any()
    whole = read_poses("results/poses/clip/clip.parquet")
    in_frame = whole[whole.frame_idx == 75].sort_values("body.y").track.tolist()
    assert [int(arrays["track"][row_of(arrays, 75, animal, 70)]) for animal in range(3)] == in_frame


def test_whole_numbers_of_eighths_of_a_pixel_are_the_same_points(browser: Browser) -> None:
    _, exact = browser.get(f"{POSES}?from=0&to=20").blocks
    head, coarse = browser.get(f"{POSES}?from=0&to=20&points=i2").blocks
    assert coarse["points"].dtype == np.int16
    np.testing.assert_allclose(coarse["points"] * head["scale"], exact["points"], atol=1 / 16 + 1e-3)


def test_a_window_is_bounded(browser: Browser) -> None:
    assert browser.get(f"{POSES}?from=0&to=99999").blocks[0]["to_frame"] == FRAMES
    assert browser.get(f"{POSES}?from=20&to=10").json["error"] == "invalid"


@pytest.mark.slow
def test_a_dragged_node_shows_at_once_and_comes_into_the_table(browser: Browser) -> None:
    point = (pose_of(1, 40)[0] + 6).tolist()
    answer = say(browser, made("points", where=seen(40, 1), points={"nose": point}))
    assert not answer["conflicts"]
    head, arrays = browser.get(f"{POSES}?from=30&to=50").blocks
    row = row_of(arrays, 40, 1, 30)
    assert arrays["points"][row, 0].tolist() == point
    assert (arrays["flags"][row], arrays["edited"][row].tolist()) == (1 | 32, [1, 0, 0])
    assert arrays["flags"].sum() == 33
    assert head["applied"] == [answer["claims"][0]["id"]]
    make_tables("clip", corrections=(LOG,))
    poses = read_poses("results/poses/clip/clip.parquet")
    edited = poses[poses.edited]
    assert edited[["nose.x", "nose.y"]].to_numpy().tolist() == [point]
    _, after = browser.get(f"{POSES}?from=30&to=50").blocks
    assert after["flags"][row] == 1  # in the tables now
    make_tables("clip")


def test_removed_and_added_animals_and_frames_found_right(browser: Browser) -> None:
    new = {node: (pose_of(4, 50)[place]).tolist() for place, node in enumerate(NODES)}
    path = [[frame, *pose_of(2, frame)[1].tolist()] for frame in (60, 70)]
    say(
        browser,
        made("absence", where=seen(55, 0)),
        made("absence", where=seen(60, 2), path=path),
        made("animal", where=seen(50, None), points=new, name="Eva"),
        made("reviewed", video="clip", frame=52),
    )
    head, arrays = browser.get(f"{POSES}?from=40&to=80").blocks
    assert head["reviewed"] == [52]
    assert sorted(arrays["frame"][arrays["flags"] & 2 > 0].tolist()) == [55, *range(60, 71)]
    added = np.flatnonzero(arrays["row"] < 0)
    assert arrays["frame"][added].tolist() == [50]
    assert head["added"] == [next(one for one in head["applied"] if one in head["added"])]
    assert head["names"][arrays["name"][added[0]]] == "Eva"
    np.testing.assert_allclose(arrays["points"][added[0]], list(new.values()))
    assert arrays["flags"][added[0]] & 4


def tracks_at(browser: Browser, frame: int) -> list[tuple[int, str | None]]:
    """Track and name of the three animals."""
    head, arrays = browser.get(f"{POSES}?from={frame}&to={frame + 1}").blocks
    rows = [row_of(arrays, frame, animal, frame) for animal in range(ANIMALS)]
    return [
        (int(arrays["track"][row]), head["names"][arrays["name"][row]] if arrays["name"][row] >= 0 else None)
        for row in rows
    ]


@pytest.mark.slow
def test_a_swap_shows_from_its_frame_on_and_lanes_with_it(browser: Browser) -> None:
    before = [track for track, _ in tracks_at(browser, 60)]
    swapped = [before[1], before[0], before[2]]
    say(
        browser,
        made("name", where=seen(60, 0), name=f"track_{before[1]}"),
        made("name", where=seen(60, 1), name=f"track_{before[0]}"),
    )
    assert [track for track, _ in tracks_at(browser, 59)] == before
    for frame in (60, 100, 149):
        assert [track for track, _ in tracks_at(browser, frame)] == swapped
    lanes = browser.get("/api/recordings/clip/videos/clip/lanes?from=0&to=150&bins=1000").json
    runs = {lane["track"]: [(run["start"], run["stop"]) for run in lane["runs"]] for lane in lanes["lanes"]}
    assert runs[before[0]] == runs[before[1]] == [(0, 60), (60, 150)]
    assert runs[before[2]] == [(0, 150)]
    make_tables("clip", corrections=(LOG,))
    for frame in (59, 60, 149):  # the tracker says the same now
        shown = [track for track, _ in tracks_at(browser, frame)]
        assert shown == (before if frame < 60 else swapped)
    say(browser, made("name", where=seen(60, 2), name="Ada"))  # at the same frame, and not in the tables yet
    assert [name for _, name in tracks_at(browser, 70)] == [None, None, "Ada"]
    make_tables("clip")


def test_a_name_belongs_to_one_animal_of_a_frame(browser: Browser) -> None:
    say(browser, made("name", where=seen(20, 0), name="Ada"), made("name", where=seen(90, 1), name="Ada", at=0.01))
    names = {frame: [name for _, name in tracks_at(browser, frame)] for frame in (10, 20, 89, 120)}
    assert names[10] == [None, None, None]
    assert names[20] == names[89] == ["Ada", None, None]
    assert names[120].count("Ada") >= 1 and names[120][1] == "Ada"


def test_sent_again_is_said_once(browser: Browser) -> None:
    claim = made("reviewed", video="clip", frame=3)
    first = say(browser, claim)
    again = say(browser, claim, since=first["cursor"])
    assert [one["id"] for one in first["claims"]] == [claim["id"]]
    assert again["claims"] == []
    assert len(LOG.read_text().splitlines()) == 1


def test_what_others_said_meanwhile_comes_with_the_answer(browser: Browser) -> None:
    mine = say(browser, made("reviewed", "ann", video="clip", frame=1))
    theirs = say(browser, made("reviewed", "bob", video="clip", frame=2))
    answer = say(browser, made("reviewed", "ann", video="clip", frame=3), since=mine["cursor"])
    assert [(one["author"], one["frame"]) for one in answer["claims"]] == [("bob", 2), ("ann", 3)]
    assert [one["frame"] for one in browser.get(f"{CLAIMS}?since={theirs['cursor']}").json["claims"]] == [3]
    everything = browser.get(f"{CLAIMS}?since=of-another-server:7").json["claims"]
    assert [one["frame"] for one in everything] == [1, 2, 3]


def test_of_two_that_contradict_the_earlier_is_told(browser: Browser) -> None:
    first = say(browser, made("points", "ann", where=seen(40, 1), points={"nose": [200, 150]}))["claims"][0]
    second = made("points", "bob", at=0.01, where=seen(40, 1), points={"nose": [210, 140]})
    answer = say(browser, second)
    assert [(one["kind"], one["claim"], one["by"], one["author"], one["frame"]) for one in answer["conflicts"]] == [
        ("superseded", first["id"], second["id"], "ann", 40)
    ]


def test_a_claim_that_finds_nobody_is_told(browser: Browser) -> None:
    where = {**seen(40, 0), "animals": [(pose_of(0, 40) + 500).tolist()]}
    answer = say(browser, made("points", where=where, points={"nose": [5, 5]}))
    assert [one["kind"] for one in answer["conflicts"]] == ["orphan"]


def undo(browser: Browser, author: str, what: str = "undo", **more: Any) -> list[str]:
    answer = browser.post(f"/api/recordings/clip/{what}", {"author": author, **more})
    assert answer.status == 200, answer.body
    return answer.json["changed"]


def holding(browser: Browser) -> set[int]:
    answer = browser.get(CLAIMS).json
    gone = set(answer["taken_back"])
    return {one["frame"] for one in answer["claims"] if one["id"] not in gone and one["kind"] == "reviewed"}


@pytest.mark.slow
def test_undo_is_a_persons_own_and_redo_follows_it(browser: Browser) -> None:
    for frame in (1, 2):
        say(browser, made("reviewed", "ann", video="clip", frame=frame))
        say(browser, made("reviewed", "bob", video="clip", frame=10 + frame))
    undo(browser, "ann")
    assert holding(browser) == {1, 11, 12}
    undo(browser, "ann")
    assert holding(browser) == {11, 12}
    assert undo(browser, "ann") == []
    undo(browser, "ann", "redo")
    assert holding(browser) == {1, 11, 12}
    undo(browser, "ann")
    undo(browser, "ann", "redo")
    undo(browser, "ann", "redo")
    assert holding(browser) == {1, 2, 11, 12}
    assert undo(browser, "ann", "redo") == []
    undo(browser, "ann")
    say(browser, made("reviewed", "ann", video="clip", frame=3))
    assert undo(browser, "ann", "redo") == []  # something else was said since
    assert holding(browser) == {1, 3, 11, 12}


def test_claims_of_one_action_are_undone_together(browser: Browser) -> None:
    now = datetime.now(UTC)
    both = [{**made("reviewed", video="clip", frame=frame), "id": new_id(now)} for frame in (5, 6)]
    say(browser, *both)
    assert sorted(undo(browser, "ann")) == sorted(one["id"] for one in both)
    assert holding(browser) == set()
    undo(browser, "ann", "redo")
    assert holding(browser) == {5, 6}


def test_one_claim_of_anybody_can_be_taken_back(browser: Browser) -> None:
    claim = say(browser, made("reviewed", "bob", video="clip", frame=9))["claims"][0]["id"]
    assert undo(browser, "ann", claim=claim) == [claim]
    assert undo(browser, "ann", claim=claim) == []
    assert browser.post("/api/recordings/clip/undo", {"author": "ann", "claim": "nothing"}).status == 404


@pytest.mark.parametrize(
    "claim",
    [
        {"kind": "reviewed", "video": "../clip", "frame": 1},
        {"kind": "reviewed", "video": "clip", "frame": FRAMES},
        {"kind": "retraction", "retracts": "nothing"},
        {"kind": "swap", "video": "clip", "frame": 1},
    ],
)
def test_a_claim_about_nothing_is_refused_and_not_written(browser: Browser, claim: dict[str, Any]) -> None:
    kind = claim.pop("kind")
    answer = browser.post(CLAIMS, {"claims": [made(kind, **claim)]})
    assert (answer.status, answer.json["error"]) == (422, "invalid")
    assert not LOG.exists()


def test_a_clock_that_is_wrong_is_set_right(browser: Browser) -> None:
    answer = say(browser, made("reviewed", at=86400.0, video="clip", frame=1))
    told = datetime.fromisoformat(answer["claims"][0]["time"])
    assert abs(told - datetime.now(UTC)) < timedelta(seconds=60)


def test_review_items_are_answered_by_claims_and_keep_their_order(browser: Browser) -> None:
    head = "rank,video,frame_idx,time_s,kind,tracks,identities,confidence,frames_affected,expected_errors,note\n"
    rows = ["1,clip,40,1.6,crossing,0 1,,0.6000,200,80.0,", "2,clip,90,3.6,jump,2,,0.9000,60,6.0,"]
    rows += ["3,clip,10,0.4,orphan,,,,0,0.0,orphan slp-0 of bob: no animal is where it was seen"]
    path = PLACES.review_list("clip")
    before = path.read_text()
    path.write_text(head + "\n".join(rows) + "\n")
    os.utime(path, (time.time() - 100, time.time() - 100))
    try:
        first = browser.get("/api/recordings/clip/review").json
        assert [one["frame"] for one in first["items"]] == [40, 90, 10]
        assert (first["expected_errors"], first["items"][2]["claim"]) == (86.0, "slp-0")
        say(browser, made("reviewed", "bob", video="clip", frame=41))
        after = browser.get("/api/recordings/clip/review").json
        assert [(one["state"], one["answered_by"]) for one in after["items"]] == [
            ("answered", "bob"),
            ("open", None),
            ("open", None),
        ]
        assert [one["id"] for one in after["items"]] == [one["id"] for one in first["items"]]
        assert (after["expected_errors"], after["total_expected_errors"], after["made"]) == (6.0, 86.0, first["made"])
        [row] = browser.get("/api/recordings").json["recordings"]
        assert (row["items"], row["open_items"], row["expected_errors"]) == (3, 2, 6.0)
        marks = browser.get("/api/recordings/clip/videos/clip/lanes?bins=10").json
        assert [one["frame"] for one in marks["items"]] == [90, 10]
        assert [(one["frame"], one["kind"], one["author"]) for one in marks["edits"]] == [(41, "reviewed", "bob")]
    finally:
        path.write_text(before)


@pytest.mark.slow
def test_lanes_are_folded_and_gaps_told(browser: Browser) -> None:
    gone = frozenset((animal, frame) for animal in range(ANIMALS) for frame in range(80, 95))
    make_results(missed=gone)
    try:
        lanes = browser.get("/api/recordings/clip/videos/clip/lanes?bins=1000").json
        assert lanes["gaps"] == [{"start": 80, "stop": 95}]
        assert all(0 < run["coverage"] <= 1 for lane in lanes["lanes"] for run in lane["runs"])
        rows = sum((run["stop"] - run["start"]) * run["coverage"] for lane in lanes["lanes"] for run in lane["runs"])
        assert rows == pytest.approx(ANIMALS * (FRAMES - 15))
        coarse = browser.get("/api/recordings/clip/videos/clip/lanes?bins=1").json
        assert max(len(lane["runs"]) for lane in coarse["lanes"]) <= 2
        assert browser.get("/api/recordings/clip/videos/clip/lanes?bins=0").json["error"] == "invalid"
    finally:
        make_results()


def test_paths_are_those_of_the_animal(browser: Browser) -> None:
    _, arrays = browser.get(f"{POSES}?from=10&to=11").blocks
    row = row_of(arrays, 10, 1, 10)
    track, tracklet = int(arrays["track"][row]), int(arrays["tracklet"][row])
    base = "/api/recordings/clip/videos/clip"
    whole = browser.get(f"{base}/tracklet?tracklet={tracklet}").json
    assert (whole["start"], whole["stop"], whole["track"], whole["rows"]) == (0, FRAMES, track, FRAMES)
    part = browser.get(f"{base}/path?track={track}&from=33&to=90").json
    assert [one[0] for one in part["path"]] == [33, 58, 83, 89]
    for frame, x, y in part["path"]:
        np.testing.assert_allclose([x, y], pose_of(1, frame).mean(axis=0), atol=0.01)
    assert browser.get(f"{base}/tracklet?tracklet=999").status == 404


def test_without_predictions_the_pose_table_stands_in(browser: Browser, project: Path) -> None:
    with_both, arrays = browser.get(f"{POSES}?from=30&to=60").blocks
    say(browser, made("points", where=seen(40, 1), points={"nose": [200, 150]}), made("absence", where=seen(41, 0)))
    folder = PLACES.predictions("clip")
    folder.rename("kept")
    try:
        head, alone = browser.get(f"{POSES}?from=30&to=60").blocks
        assert head["source"] == "tracks"
        for name in ("frame", "track", "tracklet"):
            order = np.lexsort((arrays["track"], arrays["frame"]))
            np.testing.assert_array_equal(alone[name], arrays[name][order])
        assert alone["points"][row_of(alone, 40, 1, 30), 0].tolist() == [200, 150]
        assert alone["flags"][row_of(alone, 41, 0, 30)] & 2
    finally:
        Path("kept").rename(folder)
    assert with_both["nodes"] == list(NODES)


def test_the_list_counts_what_waits(browser: Browser) -> None:
    say(browser, made("reviewed", video="clip", frame=9), made("reviewed", video="clip", frame=19))
    [row] = browser.get("/api/recordings").json["recordings"]
    assert (row["state"], row["frames"], row["animals_per_frame"]) == ("done", FRAMES, ANIMALS)
    assert (row["edits"], row["pending_edits"]) == (2, 2)


def test_others_see_what_is_said_and_who_is_there(browser: Browser) -> None:
    events = read_events(browser, 5)
    hello, alone = next(events), next(events)
    assert (hello["type"], alone["people"]) == ("hello", [])
    browser.post("/api/presence", {"client": "x", "author": "bob", "recording": "clip", "video": "clip", "frame": 7})
    assert next(events)["people"][0]["author"] == "bob"
    said = say(browser, made("reviewed", "bob", video="clip", frame=9))
    event = next(events)
    assert (event["type"], event["recording"], event["cursor"]) == ("claims", "clip", said["cursor"])
    assert event["claims"] == said["claims"]
    undo(browser, "bob")
    assert next(events)["taken_back"] == [said["claims"][0]["id"]]


@pytest.mark.slow
def test_two_people_at_once_lose_nothing(browser: Browser) -> None:
    def work(author: str) -> list[str]:
        ids = []
        for frame in range(25):
            claim = made("reviewed", author, video="clip", frame=frame)
            say(browser, claim)
            ids.append(claim["id"])
        return ids

    with ThreadPoolExecutor(4) as threads:
        ids = [own for found in threads.map(work, ["ann", "bob", "cyd", "dan"]) for own in found]
    assert {claim.id for claim in read_log(LOG).claims} == set(ids)
    assert not read_log(LOG).faults


@pytest.mark.slow
def test_a_killed_server_loses_nothing_that_it_answered(project: Path, tmp_path: Path) -> None:
    """Killed again and again while claims come in; tabs go on with the same cookie after each start."""
    code = (
        "import sys; from poseflow.server import listen; from poseflow.server.app import build_app;"
        "from poseflow.server.page import Page; from poseflow.server.project import Project;"
        "from poseflow.server.security import Keys;"
        f"found = listen.listen_on_port('127.0.0.1', 0, {TOKEN!r}, True);"
        "print(found.socket.getsockname()[1], flush=True);"
        f"listen.serve(build_app(Page(Project(), 'ann'), Keys({TOKEN!r}, 'page', secret=b's')), found)"
    )
    answered: list[str] = []
    cookie = ""
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            browser = Browser(int(process.stdout.readline()), cookie)
            if not cookie:
                browser.log_in()
                cookie = browser.cookie
            for frame in range(10):
                claim = made("reviewed", video="clip", frame=frame)
                say(browser, claim)
                answered.append(claim["id"])
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert answered == [claim.id for claim in read_log(LOG).claims]


@pytest.mark.slow
def test_what_others_write_and_runs_make_is_told_without_asking(browser: Browser) -> None:
    events = read_events(browser, 6)
    client = next(events)["client"]
    next(events)
    browser.post("/api/presence", {"client": client, "author": "ann", "recording": "clip"})
    next(events)
    page = browser.page
    assert page is not None
    page.watch.look()
    append_claims(LOG, [ReviewedClaim(**stamp("cli"), video="clip", frame=4)])  # `poseflow corrections`, say
    page.watch.look()
    event = next(events)
    assert (event["type"], event["claims"][0]["author"]) == ("claims", "cli")
    make_tables("clip")
    page.watch.look()
    assert next(events) == {"type": "tables", "recording": "clip", "tables": None}
    PLACES.pose_table("clip", "clip").unlink()
    page.overview.forget_status()
    page.watch.look()
    assert next(events)["type"] in ("tables", "run")
    make_tables("clip")
