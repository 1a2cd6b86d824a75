"""What is drawn of a recording that cannot be read."""

from poseflow.config import RenderConfig
from poseflow.media import VideoIndex, index_video
from poseflow.steps.render import render_poses


def test_of_a_quarantined_recording_there_is_one_black_frame(tmp_path):
    broken = VideoIndex(path="b.mp4", kind="video", status="quarantined", reason="the file is empty")
    assert render_poses(broken, tmp_path / "none.parquet", tmp_path / "o.mp4", RenderConfig()) == 0
    assert index_video(tmp_path / "o.mp4").frames == 1
