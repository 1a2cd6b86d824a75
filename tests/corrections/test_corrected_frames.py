"""Frames whose poses a person corrected are labels of the next training, and of no test."""

import numpy as np
import pytest
import sleap_io as sio
from corrected_cage import BODY, SKELETON, pose_of

from poseflow.config import Config, LabelsConfig, SplitConfig
from poseflow.corrections import (
    AbsenceClaim,
    AnimalClaim,
    NameClaim,
    PointsClaim,
    Retraction,
    Sighting,
    append_claims,
    describe_frames,
    find_corrected_frames,
    from_points,
    stamp,
)
from poseflow.labels import read_package
from poseflow.media import write_video
from poseflow.runs.corrections import CorrectedRecording, group_corrections, plan_corrections
from poseflow.runs.facts import FileFacts
from poseflow.runs.fingerprints import describe_step, key_of_dataset
from poseflow.steps.label_files import LabelFiles
from poseflow.steps.split import split_dataset

NODES = SKELETON.nodes


def sighting(frame, animal=0, animals=(0, 1)):
    return Sighting.of("cage", frame, NODES, np.array([pose_of(one, frame) for one in animals]), animal)


def drag(frame, by=6.0):
    nose = pose_of(0, frame)[0] + [by, 0]
    return PointsClaim(**stamp(), where=sighting(frame), points={"nose": tuple(nose)})


def test_a_corrected_frame_holds_all_its_animals_as_they_were_seen_and_corrected():
    claims = [
        drag(5),
        AbsenceClaim(**stamp(), where=sighting(5, 1)),
        AnimalClaim(**stamp(), where=sighting(5, None), points=from_points(pose_of(3, 5), NODES), name="late"),
        NameClaim(**stamp(), where=sighting(5, 0), name="anna"),
        NameClaim(**stamp(), where=sighting(8, 0), name="anna"),
    ]
    (found,) = find_corrected_frames(claims)
    assert (found.video, found.frame, list(found.names)) == ("cage", 5, ["anna", "late"])
    expected = np.array([pose_of(0, 5), pose_of(3, 5)])
    expected[0, 0, 0] += 6
    np.testing.assert_allclose(found.points, expected, atol=1e-3)
    undone = [*claims, *[Retraction(**stamp(), retracts=claim.id) for claim in claims[:3]]]
    assert find_corrected_frames(undone) == [], "a name alone is no pose"


def test_what_is_said_again_says_the_same():
    one, other = ([drag(5)], [drag(5, by=3), drag(5)])
    assert describe_frames(find_corrected_frames(one)) == describe_frames(find_corrected_frames(other))
    assert describe_frames(find_corrected_frames([drag(5, by=3)])) != describe_frames(find_corrected_frames(one))


@pytest.fixture
def project(tmp_path):
    """A video of 20 frames of which ten are labeled, and corrections of four others and one of these."""
    noise = np.random.default_rng(0).integers(0, 255, (20, 240, 240, 1), dtype=np.uint8)
    write_video(tmp_path / "cage.mp4", iter(noise), fps=25)
    skeleton = sio.Skeleton(nodes=["tail", "nose", "body"], edges=[("nose", "body")])
    video = sio.Video(str(tmp_path / "cage.mp4"), open_backend=False)
    pose = (BODY + np.array([60, 60]))[[2, 0, 1]]
    frames = [
        sio.LabeledFrame(video=video, frame_idx=frame, instances=[sio.Instance.from_numpy(pose, skeleton=skeleton)])
        for frame in range(10)
    ]
    sio.save_slp(sio.Labels(labeled_frames=frames), str(tmp_path / "l.slp"), verbose=False)
    append_claims(tmp_path / "corrections/cage.jsonl", [drag(frame) for frame in (9, 11, 12, 13, 14)])
    return tmp_path


def plan(project):
    files = group_corrections(project / "corrections", ["cage"])
    facts = FileFacts(project / "facts.json")
    found = plan_corrections(files, {"cage": {"cage": project / "cage.mp4"}}, facts)
    facts.save()
    return found


def divide(project, corrected, settings):
    labels = LabelFiles([project / "l.slp"], LabelsConfig(), corrected=corrected)
    out = {side: project / f"{side}.pkg.slp" for side in ("train", "val", "test")}
    key = key_of_dataset(
        describe_step("split", Config(split=settings)), labels.key, 1, plan(project).key if corrected else None
    )
    split_dataset(labels, out, settings, dataset=key)
    return {side: {frame.frame_idx: frame for frame in read_package(path).frames} for side, path in out.items()}


@pytest.mark.slow
def test_corrected_frames_are_trained_on_and_never_tested(project):
    settings = SplitConfig(by="block", block_frames=4, val_fraction=0.2, test_fraction=0.2)
    corrected = plan(project).recordings
    before, after = divide(project, {}, settings), divide(project, corrected, settings)
    assert after["test"].keys() == before["test"].keys(), "no frame is tested that was not"
    assert before["train"].keys() <= after["train"].keys() and before["val"].keys() <= after["val"].keys()
    new = {frame for side in after for frame in after[side].keys() - before[side].keys()}
    held_out = {frame for frame in (11, 12, 13, 14) if frame // 4 in {tested // 4 for tested in before["test"]}}
    assert new == {11, 12, 13, 14} - held_out and new
    own = (after["train"] | after["val"])[min(new)]
    assert own.points.shape == (2, 3, 2), "with the animal that was left as it was"
    nose = read_package(project / "train.pkg.slp").skeleton.nodes.index("nose")
    np.testing.assert_allclose(own.points[0, nose], pose_of(0, min(new))[0] + [6, 0], atol=1e-3)
    assert 9 in {frame for side in after.values() for frame in side}
    side = next(side for side in after if 9 in after[side])
    assert len(after[side][9].points) == 1, "what a label file says of a frame counts more"


def test_corrected_frames_of_test_blocks_are_left_out_and_told(project, caplog):
    settings = SplitConfig(
        by="video", val_fraction=0, test_fraction=0.5, hold_out=[{"video": "cage.mp4", "to": "train"}]
    )
    every = divide(project, plan(project).recordings, settings)
    assert {11, 12, 13, 14} <= every["train"].keys() and not every["test"]
    rules = [{"video": "cage.mp4", "frames": [11, 12], "to": "test"}, {"video": "cage.mp4", "to": "train"}]
    some = divide(
        project,
        plan(project).recordings,
        settings.model_copy(update={"hold_out": SplitConfig(hold_out=rules).hold_out}),
    )
    assert {13, 14} <= some["train"].keys() and not {11, 12} & (some["train"].keys() | some["test"].keys())
    assert "2 corrected frames are left out, since they lie where the test set is" in caplog.text


def test_the_key_is_of_what_the_frames_say_and_not_of_the_files(project):
    first = plan(project)
    log = project / "corrections/cage.jsonl"
    append_claims(log, [NameClaim(**stamp(), where=sighting(18), name="anna")])
    second = plan(project)
    assert second.key == first.key, "a name in another frame trains nothing"
    (project / "corrections/cage.copy.jsonl").write_bytes(log.read_bytes())
    third = plan(project)
    assert third.key == first.key and len(third.recordings["cage"].files) == 1
    append_claims(log, [drag(15)])
    assert plan(project).key != first.key
    log.write_bytes(log.read_bytes() + b"half a li")
    (fault,) = plan(project).faults
    assert fault.startswith(f"{log}, line 8: must be a claim")


def test_frames_of_other_nodes_are_left_out_and_told(project, caplog):
    other = Sighting.of("cage", 16, ["wing"], np.ones((1, 1, 2)), 0)
    log = project / "corrections/cage.jsonl"
    log.unlink()
    append_claims(log, [PointsClaim(**stamp(), where=other, points={"wing": (5.0, 5.0)})])
    corrected = {"cage": CorrectedRecording([log], {"cage": project / "cage.mp4"})}
    found = divide(project, corrected, SplitConfig(by="frame"))
    assert 16 not in {frame for side in found.values() for frame in side}
    assert "its nodes are others than those of the labels" in caplog.text


def test_files_are_of_the_recording_of_the_longest_name(tmp_path):
    names = ("a.slp", "a.avi.slp", "a.second.jsonl", "ab.jsonl", "a.txt", "b.jsonl", ".a.slp")
    for name in names:
        (tmp_path / name).touch()
    found = group_corrections(tmp_path, ["a", "a.avi", "ab"])
    assert {name: [path.name for path in paths] for name, paths in found.items()} == {
        "a": ["a.second.jsonl", "a.slp"],
        "a.avi": ["a.avi.slp"],
        "ab": ["ab.jsonl"],
    }
