"""Recordings: find them, index them, read any frame of them exactly, write them."""

from poseflow.media.finding import find_videos
from poseflow.media.index import VideoIndex, read_index, write_index
from poseflow.media.kinds import estimate_frames, index_video, open_video
from poseflow.media.lookup import find_recording, is_recording
from poseflow.media.stills import read_image
from poseflow.media.video import Video
from poseflow.media.writer import write_video

__all__ = [
    "Video",
    "VideoIndex",
    "estimate_frames",
    "find_recording",
    "find_videos",
    "index_video",
    "is_recording",
    "open_video",
    "read_image",
    "read_index",
    "write_index",
    "write_video",
]
