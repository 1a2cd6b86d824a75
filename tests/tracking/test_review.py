"""Review items go to a person as a list and a label file; what the person corrects there comes back."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import sleap_io as sio
from fake_results import make_index
from shell import bash

from poseflow.config import ReviewConfig, TrackingConfig
from poseflow.core.skeleton import Skeleton
from poseflow.corrections import read_claims
from poseflow.media import read_index
from poseflow.tables import Predictions, read_tracks, write_predictions
from poseflow.tracking import RecordingFile, ReviewItem, track_recording
from poseflow.tracking.review.listing import write_review
from poseflow.tracking.review.recording import track_and_review

SKELETON = Skeleton(nodes=("a", "b", "c"), edges=((0, 1), (1, 2)))
NAMES = ("anna", "bert")
BODY = np.array([[0, 0], [20, 3], [-18, 4]], np.float32)
WINDOW = TrackingConfig(candidates="window", similarity="centroid")
FRAMES = 60


def make_file(folder, name, swap_at=None, start=0):
    """Two animals that run through each other halfway; their appearance says nothing, or who is who."""
    frames = np.arange(FRAMES)
    x = np.stack([100 + 4 * frames, 340 - 4 * frames], 1)
    points = np.stack([x, np.broadcast_to([100, 102], x.shape)], 2)[:, :, None] + BODY
    plain = Predictions.from_instances(
        SKELETON, np.repeat(frames, 2), points.reshape(-1, 3, 2), np.tile([0.9, 0.8], FRAMES), [(0, FRAMES)]
    )
    appearance = np.tile(np.array([[0.6, 0.4], [0.4, 0.6]], np.float32), (FRAMES, 1))
    path = folder / f"{name}.parquet"
    write_predictions(replace(plain, class_scores=appearance, class_names=NAMES), path)
    return RecordingFile(name, [path], start)


def write_all(folder, config=WINDOW, corrections=(), videos=("v0", "v1")):
    files = {name: make_file(folder, name).predictions for name in videos}
    indexes = {name: make_index(name, FRAMES) for name in videos}
    out = (folder / "tracks.parquet", folder / "review.csv", folder / "review.slp")
    count = track_and_review(files, indexes, {}, corrections, out, (config, ReviewConfig()), {})
    return count, out


def test_the_list_and_the_suggestions_are_the_same_items_the_worst_first(tmp_path):
    count, (_, table, labels) = write_all(tmp_path)
    rows = list(csv.DictReader(table.open()))
    assert len(rows) == count > 0
    expected = [float(row["expected_errors"]) for row in rows]
    assert expected == sorted(expected, reverse=True)
    suggested = sio.load_slp(str(labels), open_videos=False).suggestions
    places = [(row["video"], int(row["frame_idx"])) for row in rows]
    assert [(str(one.video.filename).split("/")[-1][:2], one.frame_idx) for one in suggested] == places
    assert any(abs(frame - 30) <= 5 for _, frame in places), "where they run through each other"
    assert float(rows[0]["time_s"]) == pytest.approx(int(rows[0]["frame_idx"]) / 25)


def test_the_animals_of_an_item_stand_in_the_file_under_their_names(tmp_path):
    _, (tracks, table, labels) = write_all(tmp_path)
    found = sio.load_slp(str(labels), open_videos=False)
    frame_idx = int(next(csv.DictReader(table.open()))["frame_idx"])
    numbers = {frame.frame_idx for frame in found}
    assert {frame_idx, frame_idx - 1} <= numbers
    assert {track.name for track in found.tracks} == {f"track_{n}" for n in read_tracks(tracks, "v0").track}


def exchange(labels_path, out, frame_idx, by_person=False):
    """What a person does: in one frame the animals change their tracks."""
    labels = sio.load_slp(str(labels_path), open_videos=False)
    frame = next(frame for frame in labels if frame.frame_idx == frame_idx)
    a, b = frame.instances
    a.track, b.track = b.track, a.track
    if by_person:
        frame.instances = [sio.Instance.from_numpy(one.numpy(), one.skeleton, track=one.track) for one in (a, b)]
    sio.save_slp(labels, str(out), embed=False, verbose=False)


@pytest.mark.slow
@pytest.mark.parametrize("by_person", [False, True], ids=["its track set", "the instance made anew"])
def test_a_corrected_switch_is_put_right_from_there_on_and_asked_no_more(tmp_path, by_person):
    _, (tracks, table, labels) = write_all(tmp_path, videos=("v0",))
    frame = int(next(csv.DictReader(table.open()))["frame_idx"])
    before = read_tracks(tracks, "v0")
    exchange(labels, tmp_path / "corrected.slp", frame, by_person)
    count, _ = write_all(tmp_path, corrections=[tmp_path / "corrected.slp"], videos=("v0",))
    after = read_tracks(tracks, "v0")
    early = before.frame_idx < frame
    np.testing.assert_array_equal(after.track[early], before.track[early])
    np.testing.assert_array_equal(after.track[~early], 1 - before.track[~early])
    assert count == 0


@pytest.mark.slow
@pytest.mark.parametrize("identity", ["none", "per_tracklet"])
def test_an_item_that_was_taken_from_the_list_is_right_and_does_not_come_back(tmp_path, identity):
    config = WINDOW.model_copy(update={"identity": identity})
    count, (_, table, labels) = write_all(tmp_path, config)
    before = [(row["video"], int(row["frame_idx"])) for row in csv.DictReader(table.open())]
    assert count == len(before) > 0
    seen = sio.load_slp(str(labels), open_videos=False)
    removed = seen.suggestions.pop(0)
    sio.save_slp(seen, str(tmp_path / "seen.slp"), embed=False, verbose=False)
    write_all(tmp_path, config, [tmp_path / "seen.slp"])
    after = [(row["video"], int(row["frame_idx"])) for row in csv.DictReader(table.open())]
    assert before[0][1] == removed.frame_idx
    assert after == before[1:]


def test_a_file_saved_without_a_change_says_nothing(tmp_path):
    _, (_, _, labels) = write_all(tmp_path)
    assert read_claims([labels], {"v0": "videos/v0.mp4", "v1": "videos/v1.mp4"}).claims == []


def say(path, name, nodes="abc"):
    """A label file in which a person made one instance anew, with a name: the first animal in frame 50."""
    points = (np.array([100 + 4 * 50, 100]) + BODY)[["abc".index(node) for node in nodes]]
    instance = sio.Instance.from_numpy(points, sio.Skeleton(list(nodes)), track=sio.Track(name))
    video = sio.Video("videos/v0.mp4", open_backend=False)
    labels = sio.Labels([sio.LabeledFrame(video=video, frame_idx=50, instances=[instance])])
    sio.save_slp(labels, str(path), embed=False, verbose=False)


@pytest.mark.parametrize("nodes", ["abc", "cab", "ca"])
def test_a_name_said_once_holds_for_the_tracklet_and_what_follows(tmp_path, nodes):
    config = TrackingConfig(
        candidates="window", identity="per_tracklet", naming={"piece_frames": 20, "appearance_window_frames": 3}
    )
    _, (tracks, _, _) = write_all(tmp_path, config, videos=("v0",))
    before = read_tracks(tracks, "v0")
    assert before.identity[:2] == ["anna", "bert"]
    say(tmp_path / "said.slp", "bert", nodes)
    write_all(tmp_path, config, [tmp_path / "said.slp"], videos=("v0",))
    after = read_tracks(tracks, "v0")
    first = np.flatnonzero((after.frame_idx >= 50) & (after.row % 2 == 0))
    assert {after.identity[place] for place in first} == {"bert"}
    assert (after.identity_score[first[0]]) > 0.999


def test_items_of_few_expected_errors_and_beyond_the_limit_are_left_out(tmp_path):
    file = make_file(tmp_path, "v0")
    track_recording([file], WINDOW, tmp_path / "t.parquet")
    items = [
        ReviewItem(frame, "crossing", (0, 1), (), 0.5, 100, expected)
        for frame, expected in ((9, 50.0), (30, 20.0), (5, 0.1))
    ]
    out = (tmp_path / "a.csv", tmp_path / "a.slp")
    indexes = {"v0": make_index("v0", FRAMES)}
    assert write_review(items, [file], indexes, tmp_path / "t.parquet", out) == 2
    assert write_review(items, [file], indexes, tmp_path / "t.parquet", out, ReviewConfig(max_items=1)) == 1
    assert [row["frame_idx"] for row in csv.DictReader(out[0].open())] == ["9"]


def test_review_damage_beyond_recording(case):
    folder = case("review_damage_beyond_recording")
    bash("python make.py", folder)
    config = TrackingConfig(candidates="window", animals=1, max_tracks=1)
    found = {}
    for name in ("one", "day"):
        indexes = {path.stem: read_index(path) for path in sorted((folder / name).glob("*.json"))}
        tables = {video: sorted((folder / name / video).glob("*.parquet")) for video in indexes}
        out = tuple(folder / f"{name}.{suffix}" for suffix in ("parquet", "csv", "slp"))
        track_and_review(tables, indexes, {}, (), out, (config, ReviewConfig()), {})
        found[name] = list(csv.DictReader(out[1].open()))
    assert [int(row["frames_affected"]) for row in found["one"]] == [92, 60, 28]
    assert [int(row["frames_affected"]) for row in found["day"]] == [52, 22], "the hour between them holds no frames"
    for row in (*found["one"], *found["day"]):
        assert 0 < float(row["expected_errors"]) <= int(row["frames_affected"])


def track_case(folder, corrections):
    tables, indexes = {"v": [folder / "p.parquet"]}, {"v": read_index(folder / "v.json")}
    out = tuple(folder / f"out.{suffix}" for suffix in ("parquet", "csv", "slp"))
    track_and_review(tables, indexes, {}, corrections, out, (TrackingConfig(candidates="window"), ReviewConfig()), {})
    return read_tracks(out[0], "v")


def test_animal_named_by_a_person(case):
    folder = case("animal_named_by_a_person")
    before = track_case(folder, ())
    named = track_case(folder, [folder / "c_new.slp"])
    bello = {int(track) for track, name in zip(named.track, named.identity, strict=True) if name == "bello"}
    assert len(bello) == 1
    np.testing.assert_array_equal(named.track, before.track)
    assert {name for track, name in zip(named.track, named.identity, strict=True) if track in bello} == {"bello"}


@pytest.mark.slow
def test_what_is_said_of_an_instance_that_is_not_tracked_is_warned_of(tmp_path, caplog):
    _, (_, table, labels) = write_all(tmp_path, videos=("v0",))
    exchange(labels, tmp_path / "said.slp", int(next(csv.DictReader(table.open()))["frame_idx"]))
    few = WINDOW.model_copy(update={"animals": 1})
    write_all(tmp_path, few, [tmp_path / "said.slp"], videos=("v0",))
    assert "corrections are about instances that are not tracked" in caplog.text


def test_a_name_that_the_models_do_not_know_is_warned_of(tmp_path, caplog):
    config = TrackingConfig(
        candidates="window", identity="per_tracklet", naming={"piece_frames": 20, "appearance_window_frames": 3}
    )
    say(tmp_path / "said.slp", "bello")
    write_all(tmp_path, config, [tmp_path / "said.slp"], videos=("v0",))
    assert "corrections name bello, and the models tell anna, bert apart" in caplog.text
