"""Recordings: find them, index them, read any frame of them exactly, write them."""

from poseflow.media.writer import write_video

__all__ = ["write_video"]
