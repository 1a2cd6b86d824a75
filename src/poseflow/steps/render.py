"""The step `render`: poses drawn over their recording."""

from pathlib import Path

import numpy as np

from poseflow.config import RenderConfig
from poseflow.media import VideoIndex, write_video
from poseflow.report.overlay import render_overlay


def render_poses(index: VideoIndex, poses: Path, out: Path, settings: RenderConfig) -> int:
    """Draw poses, names and trails over a video; gives the number of frames.

    Of a recording that is quarantined there is one black frame: the report says why there is no more to see.
    """
    if not index.is_ok:
        write_video(out, iter([np.zeros((64, 64, 1), np.uint8)]), fps=1)
        return 0
    return render_overlay(index, poses, out, settings)
