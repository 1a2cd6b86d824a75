"""Poses while they happen: the newest frame of a camera, answered at once, for closed loops."""

from poseflow.live.run import LiveRun, live_poses, prepare_run
from poseflow.live.settings import LiveSettings

__all__ = ["LiveRun", "LiveSettings", "live_poses", "prepare_run"]
