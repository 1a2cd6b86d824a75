"""Which labels count for a recording's tracks."""

import numpy as np
import pytest
import sleap_io as sio

from poseflow.config import LabelsConfig, TrackingConfig
from poseflow.core.errors import LabelsError
from poseflow.core.skeleton import Skeleton
from poseflow.evaluation import evaluate_recording
from poseflow.evaluation.videos import list_frames
from poseflow.tables import read_predictions
from poseflow.tracking import link_tracks


def measure(folder, labels, recording="day1/cam.mp4"):
    found = read_predictions([folder / "pred.parquet"])
    tracks = link_tracks(found, TrackingConfig(candidates="window"))
    files = [folder / name for name in labels]
    return evaluate_recording((files, LabelsConfig()), folder / recording, found, tracks)


@pytest.mark.parametrize("labels", [("a.slp", "b.slp"), ("b.slp", "a.slp"), ("a.slp",)])
def test_evaluate_tracking_namesakes(case, labels, caplog):
    metrics = measure(case("evaluate_tracking_namesakes"), labels)
    assert [metrics[name] for name in ("frames", "animals", "false_negatives", "mota", "idf1")] == [30, 2, 0, 1, 1]
    assert ("day2/cam.mp4 are of another recording than" in caplog.text) == ("b.slp" in labels)


def test_a_namesake_alone_tests_nothing_and_that_is_said(case, caplog):
    metrics = measure(case("evaluate_tracking_namesakes"), ["b.slp"])
    assert (metrics["frames"], metrics["idf1"], metrics["mota"]) == (0, None, None)
    assert "day1/cam.mp4 is labeled in" in caplog.text


def test_evaluate_tracking_name_twice(case):
    folder = case("evaluate_tracking_name_twice")
    with pytest.raises(LabelsError, match=r"twice\.slp: an animal must be named once .* anna twice in frame 0 of cam"):
        measure(folder, ["twice.slp"])


def test_images_are_known_by_their_place_in_the_folder(tmp_path):
    images = [tmp_path / "cage" / f"frame_{number}.png" for number in (9, 10, 50)]
    images[0].parent.mkdir()
    for image in images:
        image.touch()
    video = sio.Video([str(image) for image in images[1:]], open_backend=False)
    skeleton = sio.Skeleton(["a", "b"])
    instance = sio.Instance.from_numpy(np.ones((2, 2)), skeleton, track=sio.Track("anna"))
    labels = sio.Labels([sio.LabeledFrame(video=video, frame_idx=1, instances=[instance])])
    (frame,) = list_frames(labels, tmp_path / "cage", Skeleton(nodes=("b", "a")))
    assert (frame.frame_idx, frame.identities) == (2, ("anna",))
