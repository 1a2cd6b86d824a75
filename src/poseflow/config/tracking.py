"""Config section `tracking`: from instances to tracks."""

from typing import Literal

from pydantic import Field

from poseflow.config.section import Section


class TrackingConfig(Section):
    """How instances of neighbouring frames are linked."""

    mode: Literal["motion", "identity"] = Field(
        "motion",
        description="motion: tracks of animals without names. identity: the same, and in each frame the animals get "
        "names by their looks, from models that tell animals apart.",
    )
    min_identity_score: float = Field(
        0.2, ge=0, le=1, description="identity: an animal that is less likely anyone's stays unnamed."
    )
    candidates: Literal["flow", "window"] = Field(
        "flow", description="flow: earlier instances moved by optical flow. window: where they were."
    )
    similarity: Literal["centroid", "oks", "iou"] = Field(
        "oks", description="centroid: distance of centroids. oks: object keypoint similarity. iou: overlap of boxes."
    )
    matching: Literal["hungarian", "greedy"] = Field(
        "hungarian", description="hungarian: the best matching of all. greedy: the best pair first, then the next."
    )
    window_frames: int = Field(
        5, ge=1, description="How far back candidates are taken from; flow: at most predict.flow.window_frames."
    )
    oks_factor: float = Field(
        0.25,
        gt=0,
        description="oks: what counts as near, as a part of the animal's size; accuracy is measured with less.",
    )
    min_similarity: float = Field(0.0, ge=0, le=1, description="oks, iou: pairs less alike are never linked.")
    max_distance_px: float | None = Field(
        None, gt=0, description="Pairs whose centroids are farther apart are never linked; null: no limit."
    )
    max_tracks: int | None = Field(
        None,
        ge=1,
        description="No more tracks than this: a newcomer then resumes the nearest lost track, however long it was "
        "lost. With animals that never leave, set it to their number.",
    )
    animals: int | None = Field(
        None, ge=1, description="Known number of animals: the best so many instances of a frame are kept."
    )
    min_instance_score: float = Field(0.0, ge=0, le=1, description="Instances below it are left out.")
    min_new_track_score: float = Field(0.0, ge=0, le=1, description="A new track starts only at this instance score.")
    min_points: int = Field(2, ge=1, description="Instances with fewer points are left out.")
