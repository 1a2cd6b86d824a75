"""What a label file holds, without opening a video."""

import numpy as np
import pytest
import sleap_io as sio

from poseflow.core.errors import LabelsError
from poseflow.labels import describe_label_file


def write(path, frames_by_video, tracks=(), kind=sio.Instance, nodes=("nose", "tail")):
    skeletons = [sio.Skeleton([]), sio.Skeleton(list(nodes))]  # the first is used by no instance
    own = [sio.Track(name) for name in ("unused", *tracks)]
    points = np.ones((len(nodes), 2))
    frames = [
        sio.LabeledFrame(
            video=video,
            frame_idx=frame,
            instances=[kind.from_numpy(points, skeleton=skeletons[1], track=track) for track in own[1:] or [None]],
        )
        for name, numbers in frames_by_video.items()
        for video in [sio.Video(filename=name)]
        for frame in numbers
    ]
    videos = list(dict.fromkeys(frame.video for frame in frames))
    labels = sio.Labels(labeled_frames=frames, videos=videos, skeletons=skeletons, tracks=own)
    sio.save_file(labels, str(path), verbose=False)
    return path


def test_only_dense_labels_with_tracks_can_test_tracking(tmp_path):
    dense, sparse = "/somewhere/dense.mp4", "/somewhere/sparse.mp4"
    videos = {dense: range(50), sparse: range(0, 5000, 100)}
    found = describe_label_file(write(tmp_path / "tracks.slp", videos, ["female", "male"]), False)
    assert found["videos"] == {dense: True, sparse: False}
    assert (found["frames"], found["animals"], found["identities"]) == (100, 2, ["female", "male"])
    assert found["nodes"] == ["nose", "tail"], "of the skeleton in use"
    found = describe_label_file(write(tmp_path / "nameless.slp", {dense: range(50)}), False)
    assert (found["videos"], found["animals"], found["identities"]) == ({dense: False}, 1, [])


def test_predictions_are_labels_only_where_that_is_asked(tmp_path):
    path = write(tmp_path / "p.slp", {"a.mp4": range(3)}, ["anna"], kind=sio.PredictedInstance)
    none = {"frames": 0, "animals": 0, "nodes": [], "identities": [], "videos": {}, "places": {}}
    assert describe_label_file(path, False) == none
    assert describe_label_file(path, True)["frames"] == 3


def test_animals_of_a_frame_that_is_listed_twice_are_of_one_frame(tmp_path):
    found = describe_label_file(write(tmp_path / "twice.slp", {"a.mp4": [3, 3, 4]}), False)
    assert (found["frames"], found["animals"], found["places"]) == (2, 2, {"a.mp4": [3, 4]})


def test_a_project_without_labels_yet_has_none(tmp_path):
    assert describe_label_file(write(tmp_path / "e.slp", {}), False)["frames"] == 0


def test_other_formats_are_described_alike(real_data):
    table = real_data / "mouse_openfield/labeled-data/m4s1/CollectedData_Pranav.csv"
    found = describe_label_file(table, False)
    assert (found["frames"], found["animals"]) == (116, 1)
    assert found["nodes"] == ["snout", "leftear", "rightear", "tailbase"]
    assert [name.endswith("labeled-data/m4s1") for name in found["videos"]] == [True]


def test_places_are_spread_over_all_labels(tmp_path):
    numbers = [*range(200), 512, *range(1000, 1100)]
    (places,) = describe_label_file(write(tmp_path / "a.slp", {"a.mp4": numbers}), False)["places"].values()
    assert {0, 512, 1000, 1099} <= set(places) <= set(numbers)
    assert len(places) <= 40
    few = describe_label_file(write(tmp_path / "b.slp", {"a.mp4": [7, 3], "b.mp4": [5]}), False)
    assert few["places"] == {"a.mp4": [3, 7], "b.mp4": [5]}


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_a_damaged_file_is_named(tmp_path, size):
    path = write(tmp_path / "cut.slp", {"a.mp4": range(50)})
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(LabelsError, match=r"cut\.slp must be a "):
        describe_label_file(path, False)
