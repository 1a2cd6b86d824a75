"""The step `index`: what a recording holds, from its packets."""

from pathlib import Path

from poseflow.config import VideosConfig
from poseflow.media import VideoIndex, index_video, write_index


def index_recording(recording: Path, out: Path, settings: VideosConfig) -> VideoIndex:
    """Index a recording. One that cannot be read is no error: its index says so, and why."""
    index = index_video(recording, h5_dataset=settings.h5_dataset)
    write_index(index, out)
    return index
