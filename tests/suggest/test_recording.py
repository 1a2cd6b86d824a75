"""From a recording to a file of frames to label."""

import numpy as np
import pytest
import sleap_io as sio

from poseflow.config import ExtractConfig
from poseflow.core.skeleton import Skeleton
from poseflow.media import index_video, write_video
from poseflow.suggest.recording import suggest_frames

STRIDE = ExtractConfig(method="stride", frames_per_video=4, min_gap_frames=3)


@pytest.fixture
def video(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (40, 64, 64, 1), dtype=np.uint8)
    write_video(tmp_path / "a.mp4", iter(noise), fps=25)
    return tmp_path / "a.mp4"


def test_labeled_frames_are_not_proposed_again_and_their_skeleton_is_kept(video, tmp_path):
    index = index_video(video)
    first = suggest_frames(index, tmp_path / "s.pkg.slp", STRIDE)
    again = suggest_frames(index, tmp_path / "s.pkg.slp", STRIDE, labeled=first, skeleton=Skeleton(nodes=("nose",)))
    assert len(first) == len(again) == 4
    assert not set(first) & set(again)
    assert sio.load_slp(tmp_path / "s.pkg.slp", open_videos=False).skeletons[0].node_names == ["nose"]


def test_a_quarantined_recording_has_no_frames_to_label(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"")
    assert suggest_frames(index_video(tmp_path / "broken.mp4"), tmp_path / "s.pkg.slp", STRIDE) == []
    assert not sio.load_slp(tmp_path / "s.pkg.slp", open_videos=False).suggestions
