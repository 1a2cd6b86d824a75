"""From a recording to a file of frames to label."""

import numpy as np
import pytest
import sleap_io as sio

from poseflow.config import ExtractConfig
from poseflow.core.errors import LabelsError
from poseflow.media import index_video, write_video
from poseflow.steps.extract import extract_frames
from poseflow.steps.label_files import LabelFiles

STRIDE = ExtractConfig(method="stride", frames_per_video=4, min_gap_frames=3)


@pytest.fixture
def video(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (40, 64, 64, 1), dtype=np.uint8)
    write_video(tmp_path / "a.mp4", iter(noise), fps=25)
    return tmp_path / "a.mp4"


def write_labels(path, video, frames):
    skeleton, recording = sio.Skeleton(nodes=["nose"]), sio.Video(str(video), open_backend=False)
    instance = sio.Instance.from_numpy(np.ones((1, 2)), skeleton=skeleton)
    labeled = [sio.LabeledFrame(video=recording, frame_idx=frame, instances=[instance]) for frame in frames]
    sio.save_slp(sio.Labels(labeled_frames=labeled), str(path), verbose=False)


@pytest.mark.slow
def test_labeled_frames_are_not_proposed_again_and_their_skeleton_is_kept(video, tmp_path):
    index = index_video(video)
    first = extract_frames(index, tmp_path / "s.pkg.slp", STRIDE)
    write_labels(tmp_path / "l.slp", video, first)
    again = extract_frames(index, tmp_path / "s.pkg.slp", STRIDE, LabelFiles([tmp_path / "l.slp"]))
    assert len(first) == len(again) == 4
    assert not set(first) & set(again)
    assert sio.load_slp(tmp_path / "s.pkg.slp", open_videos=False).skeletons[0].node_names == ["nose"]


@pytest.mark.slow
def test_labels_that_were_saved_since_the_run_was_planned_are_an_error(video, tmp_path):
    write_labels(tmp_path / "l.slp", video, [0])
    planned = LabelFiles([tmp_path / "l.slp"])
    planned = LabelFiles(planned.paths, planned.config, planned.key)
    extract_frames(index_video(video), tmp_path / "s.pkg.slp", STRIDE, planned)
    write_labels(tmp_path / "l.slp", video, [0, 20])
    with pytest.raises(LabelsError, match="labels must be those that the run was planned with"):
        extract_frames(index_video(video), tmp_path / "t.pkg.slp", STRIDE, planned)
    assert not (tmp_path / "t.pkg.slp").exists()


def test_a_quarantined_recording_has_no_frames_to_label(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"")
    assert extract_frames(index_video(tmp_path / "broken.mp4"), tmp_path / "s.pkg.slp", STRIDE) == []
    assert not sio.load_slp(tmp_path / "s.pkg.slp", open_videos=False).suggestions
