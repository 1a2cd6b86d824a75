"""Tracking: from instances to tracks, by tables alone."""

from poseflow.tracking.identities import choose_names
from poseflow.tracking.linking import link_tracks

__all__ = ["choose_names", "link_tracks"]
