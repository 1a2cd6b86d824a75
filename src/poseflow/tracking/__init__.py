"""Tracking: from instances to tracks, by tables alone."""

from poseflow.tracking.linking import link_tracks

__all__ = ["link_tracks"]
