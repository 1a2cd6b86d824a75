"""What a person changes in SLEAP's GUI, in the file of review items, is in the pose table after the next run."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sleap_io as sio
from corrected_cage import ANIMALS, FRAMES, SKELETON, animals_at, pose_of
from fake_results import make_index

from poseflow.config import ReviewConfig
from poseflow.corrections import find_standing, read_claims, take_back
from poseflow.corrections.sleap_files import PROVENANCE
from poseflow.media import write_video
from poseflow.runs.corrections import group_corrections, keep_saved_over
from poseflow.steps.assemble import assemble_poses
from poseflow.steps.track import TrackedFiles, track_videos
from poseflow.tables import Predictions, read_poses, write_predictions

VIDEOS = {"cage": "videos/cage.mp4"}


def cross(cage):
    """Two animals cross, so that there are review items; the third and its pose are as in `pose_of`."""
    frames = np.arange(FRAMES)
    y = np.stack([60 + 4 * frames, 220 - 4 * frames, np.full(FRAMES, 340)], 1)
    points = np.stack([60 + 3 * frames[:, None] + [0, 1, 0], y], 2)[:, :, None] + (pose_of(0, 0) - [60, 60])
    found = Predictions.from_instances(
        SKELETON, np.repeat(frames, 3), points.reshape(-1, 3, 2), np.tile([0.9, 0.8, 0.7], FRAMES), [(0, FRAMES)]
    )
    write_predictions(found, cage.predictions)
    return cage.make()


def open_review(cage):
    """The file, its first review item's frame, and instances of that frame by their tracks."""
    labels = sio.load_slp(str(cage.review), open_videos=False)
    item = labels.suggestions[0].frame_idx
    frame = next(frame for frame in labels if frame.frame_idx == item)
    return labels, frame, {one.track.name: one for one in frame.instances}


def save(cage, labels, name="cage.slp"):
    path = cage.folder / "corrections" / name
    path.parent.mkdir(exist_ok=True)
    sio.save_slp(labels, str(path), embed=False, verbose=False)
    cage.corrections = (path,)
    return path


def correct(predicted, **moved):
    """What the GUI makes of a predicted instance that is double-clicked, its nodes then dragged."""
    points = predicted.numpy()
    for node, by in moved.items():
        points[SKELETON.nodes.index(node)] += by
    return sio.Instance.from_numpy(points, skeleton=predicted.skeleton, track=predicted.track, from_predicted=predicted)


def kinds(path):
    return sorted(claim.kind for claim in read_claims([path], VIDEOS).claims)


@pytest.mark.slow
def test_nodes_that_were_dragged_animals_that_were_deleted_and_added_and_a_swap(cage):
    before = cross(cage)
    labels, frame, by_track = open_review(cage)
    number = frame.frame_idx
    mine = correct(by_track["track_0"], nose=(6, 0))
    mine.track = by_track["track_1"].track  # a swap of the two that cross
    by_track["track_1"].track = next(track for track in labels.tracks if track.name == "track_0")
    frame.instances.append(mine)
    frame.instances.remove(by_track["track_2"])
    new = sio.Instance.from_numpy(pose_of(0, 0) + np.array([500, 100]), skeleton=labels.skeletons[0])
    frame.instances.append(new)
    path = save(cage, labels)
    assert kinds(path) == ["absence", "animal", "continuation", "continuation", "points"]
    after = cage.make()
    own = after[after.frame_idx == number]
    assert len(own) == ANIMALS, "one less and one more"
    was = before[before.frame_idx == number].set_index("track")
    assert own.loc[own["nose.edited"] & ~own["tail.edited"], ["track", "nose.x"]].to_numpy().tolist() == [
        [1, was.loc[0, "nose.x"] + 6]
    ]
    assert own.loc[own["tail.edited"], ["track", "tail.x"]].to_numpy().tolist() == [[3, 520.0]]
    assert 2 not in own["track"].tolist()
    for late in range(number, FRAMES):
        then, now = animals_at(before, late), animals_at(after, late)
        swapped = {0: 1, 1: 0, 2: 2}
        expected = [swapped[track] for track in then["track"] if late > number or track != 2]
        assert [track for track in now["track"] if track != 3] == expected
    assert "orphan" not in cage.review_list


def test_each_claim_of_a_file_can_be_taken_back(cage):
    before = cross(cage)
    labels, frame, by_track = open_review(cage)
    frame.instances.append(correct(by_track["track_0"], nose=(6, 0)))
    frame.instances.remove(by_track["track_2"])
    path = save(cage, labels)
    assert not cage.make().equals(before)
    for claim in read_claims([path], VIDEOS).claims:
        take_back(cage.log, read_claims([path, cage.log], VIDEOS).claims, claim.id)
    pd.testing.assert_frame_equal(cage.make(), before)
    labels.provenance["saved"] = "again"
    again = save(cage, labels, "cage.second.slp")
    assert not find_standing(read_claims([again, cage.log], VIDEOS).claims), "a file saved again says nothing new"


def test_a_file_says_what_it_says_whatever_the_predictions_are_now(cage):
    cross(cage)
    labels, frame, by_track = open_review(cage)
    frame.instances.append(correct(by_track["track_2"], tail=(0, -6)))
    frame.instances.remove(by_track["track_0"])
    save(cage, labels)
    found = cage.make()
    number = frame.frame_idx
    tail = found[(found.frame_idx == number) & found["tail.edited"]][["tail.x", "tail.y"]].to_numpy()
    for settings in ({"candidates": "kalman"}, {"similarity": "centroid"}):
        again = cage.make(**settings)
        own = again[again.frame_idx == number]
        assert len(own) == ANIMALS - 1
        np.testing.assert_array_equal(own.loc[own["tail.edited"], ["tail.x", "tail.y"]], tail)


def test_the_gui_carries_a_change_on_which_is_said_once(cage):
    cross(cage)
    labels, frame, _ = open_review(cage)
    tracks = {track.name: track for track in labels.tracks}
    for other in labels:
        if other.frame_idx >= frame.frame_idx:
            for one in other.instances:
                one.track = tracks[{"track_0": "track_1", "track_1": "track_0"}.get(one.track.name, one.track.name)]
    claims = read_claims([save(cage, labels)], VIDEOS).claims
    assert {(claim.kind, claim.where.frame) for claim in claims} == {("continuation", frame.frame_idx)}
    assert len(claims) == 2


@pytest.mark.parametrize("kept", [True, False], ids=["its prediction kept", "its prediction deleted"])
def test_an_instance_made_anew_replaces_the_one_that_is_there(cage, kept):
    cross(cage)
    labels, frame, by_track = open_review(cage)
    anew = by_track["track_2"].numpy() + np.array([3, 0])
    frame.instances.append(sio.Instance.from_numpy(anew, skeleton=labels.skeletons[0]))
    if not kept:
        frame.instances.remove(by_track["track_2"])
    assert kinds(save(cage, labels)) == ["points"]


def test_that_all_predictions_were_cleared_away_deletes_no_animal(cage, caplog):
    cross(cage)
    labels, frame, by_track = open_review(cage)
    mine = correct(by_track["track_0"], nose=(6, 0))
    mine.from_predicted = None
    for other in labels:
        other.instances = []
    frame.instances = [mine]
    assert kinds(save(cage, labels)) == ["points"]
    assert "none is taken for deleted by hand" in caplog.text


def test_hidden_nodes_and_nodes_that_were_not_predicted(cage):
    cross(cage)
    labels, frame, by_track = open_review(cage)
    mine = correct(by_track["track_0"])
    mine["tail"]["visible"] = False
    frame.instances.append(mine)
    (claim,) = read_claims([save(cage, labels)], VIDEOS).claims
    assert claim.points == {"tail": None}
    after = cage.make()
    row = after[after["tail.edited"]]
    assert row["tail.x"].isna().all() and row["tail.score"].isna().all() and len(row) == 1


def test_what_is_said_of_a_video_that_the_recording_does_not_have_is_listed(cage):
    cross(cage)
    labels, frame, by_track = open_review(cage)
    frame.instances.append(correct(by_track["track_0"], nose=(6, 0)))
    labels.videos[0].replace_filename("elsewhere/other.mp4", open=False)
    save(cage, labels)
    cage.make()
    assert "the recording has no video other.mp4" in cage.review_list


def test_a_track_that_was_lost_long_before_is_known_by_where_it_was_lost(cage):
    """An animal is hidden for ten frames and gets a new track, which a person says is the old one."""
    cage.config = cage.config.model_copy(update={"max_gap_frames": 2, "window_frames": 2})
    cage.release(missed=frozenset((1, frame) for frame in range(10, 20)))
    cage.make()
    labels = sio.load_slp(str(cage.review), open_videos=False)
    frame = next(frame for frame in labels if frame.frame_idx == 20)
    (new,) = [one for one in frame.instances if one.track.name == f"track_{ANIMALS}"]
    new.track = next(track for track in labels.tracks if track.name == "track_1")
    (claim,) = read_claims([save(cage, labels)], VIDEOS).claims
    assert (claim.kind, claim.before.frame) == ("continuation", 9)
    after = cage.make(max_gap_frames=2, window_frames=2)
    lost, found = animals_at(after, 9), animals_at(after, 20)
    assert found["track"].tolist() == lost["track"].tolist()


def test_what_is_saved_over_a_review_file_is_kept(cage):
    cross(cage)
    lists = {"cage": (cage.folder / "review.csv", cage.review)}
    videos = {"cage": {"cage": Path("videos/cage.mp4")}}
    folder = cage.folder / "corrections"
    labels, frame, by_track = open_review(cage)
    later = cage.review.stat().st_mtime + 3600
    os.utime(cage.review, (later, later))
    assert keep_saved_over(lists, videos, folder) == [], "saved without a change"
    frame.instances.append(correct(by_track["track_0"], nose=(6, 0)))
    sio.save_slp(labels, str(cage.review), embed=False, verbose=False)
    assert keep_saved_over(lists, videos, folder) == [], "by the job that wrote the list"
    os.utime(cage.review, (later, later))
    (copy,) = keep_saved_over(lists, videos, folder)
    assert group_corrections(folder, ["cage"]) == {"cage": [copy]} and kinds(copy) == ["points"]
    assert keep_saved_over(lists, videos, folder) == [], "once"


def test_an_animal_of_which_all_nodes_are_hidden_is_not_there(cage):
    cross(cage)
    labels, frame, by_track = open_review(cage)
    mine = correct(by_track["track_0"])
    for node in SKELETON.nodes:
        mine[node]["visible"] = False
    frame.instances.append(mine)
    assert kinds(save(cage, labels)) == ["absence"]
    assert len(animals_at(cage.make(), frame.frame_idx)) == ANIMALS - 1


def test_of_nodes_that_were_renamed_or_added_nothing_is_said(cage, caplog):
    cross(cage)
    labels, frame, by_track = open_review(cage)
    frame.instances.append(correct(by_track["track_0"], tail=(6, 0)))
    labels.skeletons[0].rename_node("nose", "snout")
    (claim,) = read_claims([save(cage, labels)], VIDEOS).claims
    assert list(claim.points) == ["tail"] and "nose, snout" in caplog.text
    labels.skeletons[0].rename_nodes({"body": "chest", "tail": "tip"})
    (fault,) = read_claims([save(cage, labels)], VIDEOS).faults
    assert "must have nodes that were predicted (nose, body, tail), got chest, snout, tip" in fault


def test_a_package_says_what_was_corrected_and_nothing_of_what_it_does_not_hold(cage):
    before = cross(cage)
    labels, frame, by_track = open_review(cage)
    video = cage.folder / "cage.mp4"
    write_video(video, [np.zeros((48, 64, 3), np.uint8)] * FRAMES, 25)
    labels.videos[0].replace_filename(str(video), open=True)
    frame.instances.append(correct(by_track["track_0"], nose=(6, 0)))
    labels.labeled_frames, labels.suggestions = [frame], []
    package = cage.folder / "cage.pkg.slp"
    sio.save_slp(labels, str(package), embed="user", verbose=False)
    assert kinds(package) == ["points"]
    cage.corrections = (package,)
    after = cage.make()
    assert len(after) == len(before) and after["nose.edited"].sum() == 1


@pytest.mark.slow
def test_videos_of_one_name_are_told_apart(cage):
    cross(cage)
    names = ["s__a", "s__b"]
    predictions = {name: [cage.predictions] for name in names}
    indexes = {name: make_index(name, FRAMES, path=f"videos/s/{name[-1]}/cam.mp4") for name in names}
    videos = {name: index.path for name, index in indexes.items()}
    out = TrackedFiles(cage.folder / "tracks.parquet", cage.folder / "review.csv", cage.review)
    settings = (cage.config, ReviewConfig(min_expected_errors=0))
    track_videos(predictions, out, settings, indexes)
    labels = sio.load_slp(str(cage.review), open_videos=False)
    assert read_claims([save(cage, labels)], videos).claims == []
    frame = next(frame for frame in labels if frame.video.filename == videos["s__a"])
    frame.instances.append(correct(frame.instances[0], nose=(6, 0)))
    path = save(cage, labels)
    track_videos(predictions, out, settings, indexes, corrections=[path])
    edited = {}
    for name in names:
        poses = cage.folder / f"{name}.parquet"
        assemble_poses([cage.predictions], out.tracks, indexes[name], poses, ("s", name), corrections=[path])
        edited[name] = int(read_poses(poses)["edited"].sum())
    assert edited == {"s__a": 1, "s__b": 0}


@pytest.mark.parametrize("name", ["track_99999999999", "track_²", "anna "])
def test_a_name_that_looks_like_a_tracks_number_is_a_name(cage, name):
    cross(cage)
    labels, _, by_track = open_review(cage)
    labels.tracks.append(sio.Track(name))
    by_track["track_0"].track = labels.tracks[-1]
    save(cage, labels)
    assert cage.make()["identity"].dropna().unique().tolist() == [name.strip()]


def test_what_cannot_be_said_costs_that_file_and_not_the_run(cage):
    cross(cage)
    labels, frame, by_track = open_review(cage)
    frame.instances.append(correct(by_track["track_0"], nose=(np.inf, 0)))
    (fault,) = read_claims([save(cage, labels)], VIDEOS).faults
    assert "a position must be a number of px below 1000000, got inf" in fault
    labels.provenance[PROVENANCE] = "{cut off"
    (fault,) = read_claims([save(cage, labels)], VIDEOS).faults
    assert f"{PROVENANCE!r} of its provenance must be JSON" in fault


def test_a_damaged_file_or_another_is_named(tmp_path):
    (tmp_path / "cage.slp").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(90))
    (tmp_path / "cage.b.slp").write_text("frame,x")
    content = read_claims([tmp_path / "cage.slp", tmp_path / "cage.b.slp"], VIDEOS)
    assert len(content.faults) == 2 and not content.claims
    for fault, name in zip(content.faults, ("cage.slp", "cage.b.slp"), strict=True):
        assert fault.startswith(str(tmp_path / name)) and "it counts for nothing" in fault
