"""Config section `tracking`: from instances to tracks."""

from typing import Literal

from pydantic import Field

from poseflow.config.section import Section


class TrackingConfig(Section):
    """How instances of neighbouring frames are linked."""

    candidates: Literal["flow", "window"] = Field(
        "flow", description="flow: earlier instances moved by optical flow. window: where they were."
    )
    similarity: Literal["centroid", "oks", "iou"] = Field(
        "oks", description="centroid: distance of centroids. oks: object keypoint similarity. iou: overlap of boxes."
    )
    matching: Literal["hungarian", "greedy"] = "hungarian"
    window_frames: int = Field(5, ge=1, description="How far back candidates are taken from.")
    min_similarity: float = Field(0.0, ge=0, description="oks, iou: pairs less alike than this are never linked.")
    max_distance_px: float | None = Field(None, gt=0, description="centroid: pairs farther apart are never linked.")
    max_tracks: int | None = Field(None, ge=1, description="No new track is opened once there are so many.")
    animals: int | None = Field(
        None, ge=1, description="Known number of animals: the best so many instances of a frame are kept."
    )
    min_instance_score: float = Field(0.0, ge=0, le=1, description="Instances below it are left out.")
    min_new_track_score: float = Field(0.0, ge=0, le=1, description="A new track starts only at this instance score.")
    min_points: int = Field(2, ge=1, description="Instances with fewer points are left out.")
