"""What is wrong with labels is told, a line for each kind; what is right is not."""

import json
from pathlib import Path

import numpy as np
import pytest
import sleap_io as sio
from typer.testing import CliRunner

from poseflow.cli import app
from poseflow.core.errors import LabelsError
from poseflow.labels.check import check_label_file
from poseflow.labels.convert import convert_label_files
from poseflow.labels.formats import read_label_file
from poseflow.labels.videos import VideoFinder
from poseflow.media import write_video

NODES = ("nose", "left", "right", "tail")
SHAPE = np.array([[10.0, 0], [0, 5], [0, -5], [-10, 0]])


def build(folder: Path) -> sio.Labels:
    """Twenty frames of two animals that turn as they walk; their video is there."""
    write_video(folder / "cage.mp4", (np.full((96, 128), 90, np.uint8) for _ in range(20)), fps=25)
    skeleton = sio.Skeleton(list(NODES), edges=[("nose", "tail")], symmetries=[("left", "right")])
    video = sio.Video(str(folder / "cage.mp4"), open_backend=False)
    tracks = [sio.Track("anna"), sio.Track("bert")]
    frames = []
    for frame in range(20):
        turn = np.array([[np.cos(frame / 5), np.sin(frame / 5)], [-np.sin(frame / 5), np.cos(frame / 5)]])
        poses = [SHAPE @ turn + (30 + 80 * number, 40 + frame) for number in (0, 0.7)]
        instances = [
            sio.Instance.from_numpy(points, skeleton=skeleton, track=track)
            for points, track in zip(poses, tracks, strict=True)
        ]
        frames.append(sio.LabeledFrame(video=video, frame_idx=frame, instances=instances))
    return sio.Labels(labeled_frames=frames, videos=[video], skeletons=[skeleton], tracks=tracks)


def move(labels, frame, points):
    labels.labeled_frames[frame].instances[0].points["xy"] = points


def add(labels, instance):
    labels.skeletons.append(instance.skeleton)
    labels.labeled_frames[3].instances.append(instance)


FAULTS = {
    "outside": (lambda labels: move(labels, 3, SHAPE + np.array([-80, 40])), "points outside of their image (4): nose"),
    "nowhere": (
        lambda labels: move(labels, 3, np.vstack([np.zeros((1, 2)), np.full((1, 2), -1), SHAPE[2:] + 40])),
        "which stand for missing ones elsewhere (2): nose in frame 3 of cage.mp4; left in frame 3",
    ),
    "swapped": (
        lambda labels: move(labels, 3, labels.labeled_frames[3].instances[0].numpy()[[0, 2, 1, 3]]),
        "animals whose sides may be swapped (1): frame 3 of cage.mp4",
    ),
    "size": (
        lambda labels: move(labels, 3, SHAPE * 4 + np.array([60, 48])),
        "animals of another size than most (1): 89 px",
    ),
    "leap": (lambda labels: move(labels, 3, SHAPE + np.array([110, 80])), "animals that leap (2): anna"),
    "nameless": (
        lambda labels: setattr(labels.labeled_frames[3].instances[0], "track", None),
        "animals without a name, beside others that have one (1)",
    ),
    "names twice": (
        lambda labels: setattr(labels.labeled_frames[3].instances[0], "track", labels.tracks[1]),
        "names that are twice in a frame (1): bert in frame 3",
    ),
    "animal twice": (
        lambda labels: labels.labeled_frames[3].instances.append(labels.labeled_frames[3].instances[0]),
        "animals that are twice in a frame, point by point (1): frame 3 of cage.mp4",
    ),
    "other nodes": (
        lambda labels: add(labels, sio.Instance.from_numpy(np.ones((1, 2)), skeleton=sio.Skeleton(["wing"]))),
        "must have the same nodes everywhere, got a skeleton with nose, left, right, tail; a skeleton with wing",
    ),
    "frame beyond": (lambda labels: setattr(labels.labeled_frames[3], "frame_idx", 99), "which has 20"),
    "no video": (
        lambda labels: labels.video.replace_filename("gone.mp4"),
        "videos that are not found, so that nothing is trained on their frames (1)",
    ),
}


def check(labels: sio.Labels, folder: Path) -> list[str]:
    sio.save_slp(labels, str(folder / "labels.slp"), embed=False, verbose=False)
    return check_label_file(folder / "labels.slp", VideoFinder(()))


def test_sound_labels_have_one_line(tmp_path):
    [line] = check(build(tmp_path), tmp_path)
    assert "20 frames of 1 video, 40 animals of 4 nodes (nose, left, right, tail); names: anna, bert" in line


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_has_a_line(name, tmp_path):
    spoil, words = FAULTS[name]
    labels = build(tmp_path)
    spoil(labels)
    _, *faults = check(labels, tmp_path)
    assert any(words in fault for fault in faults), faults
    assert all(fault.startswith(str(tmp_path / "labels.slp")) for fault in faults)


def test_the_verb_ends_with_1_where_something_is_wrong(tmp_path):
    check(build(tmp_path), tmp_path)
    (tmp_path / "bad.slp").write_bytes(b"")
    done = CliRunner().invoke(app, ["labels", "check", str(tmp_path / "labels.slp"), str(tmp_path / "bad.slp")])
    assert done.exit_code == 1
    assert "got an empty one" in done.output


def test_labels_of_several_files_become_one(tmp_path):
    labels = build(tmp_path)
    labels.suggestions = [sio.SuggestionFrame(video=labels.video, frame_idx=7)]
    check(labels, tmp_path)
    assert convert_label_files([tmp_path / "labels.slp"], tmp_path / "out.slp") == 20
    back = sio.load_slp(str(tmp_path / "out.slp"), open_videos=False)
    np.testing.assert_array_equal(back.numpy(), labels.numpy())
    assert [track.name for track in back.tracks] == ["anna", "bert"]
    assert [suggestion.frame_idx for suggestion in back.suggestions] == [7]


def test_label_studio_as_sleap_io_writes_it(tmp_path):
    labels = build(tmp_path)
    labels.video.backend_metadata["shape"] = [20, 96, 128, 1]
    sio.save_labelstudio(labels, str(tmp_path / "tasks.json"))
    back = read_label_file(tmp_path / "tasks.json")
    order = [back.skeletons[0].node_names.index(name) for name in NODES]
    for ours, theirs in zip(back, labels, strict=True):
        assert (ours.frame_idx, Path(ours.video.filename).name) == (theirs.frame_idx, "cage.mp4")
        found = np.stack([instance.numpy()[order] for instance in ours])
        expected = np.stack([instance.numpy() for instance in theirs])
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_files_of_other_programs_are_those_that_sleap_io_reads(real_data):
    formats = real_data / "formats"
    ours = read_label_file(formats / "alphatracker/at_testdata.json")
    theirs = sio.load_alphatracker(str(formats / "alphatracker/at_testdata.json"))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal([instance.numpy() for instance in one], [instance.numpy() for instance in other])
    old = read_label_file(formats / "sleap_json/minimal_instance.json")
    assert (old.skeletons[0].edge_names, len(old[0].instances)) == ([("A", "B")], 2)
    assert old[0].instances[0].numpy()[0].tolist() == [92.65220773208894, 202.7259777426982]
    leap = read_label_file(formats / "leap_mat/labels.mat")
    assert (len(leap), len(leap.skeletons[0].edges)) == (43, 5)
    assert leap.video.filename.endswith("catnect_labeling.h5")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("old.json", {"version": "2", "skeletons": [], "nodes": [{"name": "a"}], "videos": [], "labels": [{}]}),
        ("alpha.json", [{"filename": "a.png", "annotations": [{"class": "Face"}, {"class": "point", "x": "?"}]}]),
        ("studio.json", [{"annotations": [{"result": [{"type": "keypointlabels", "id": 1}]}]}]),
    ],
)
def test_damaged_files_have_one_line(name, content, tmp_path):
    for text in (json.dumps(content), json.dumps(content)[:-3]):
        (tmp_path / name).write_text(text)
        with pytest.raises(LabelsError, match=f"^[^\n]*{name} must be [^\n]*damaged[^\n]*$"):
            read_label_file(tmp_path / name)
