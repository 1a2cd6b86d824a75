"""Config section `tracking`: from instances to tracks, names, and review items."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from poseflow.config.section import Section
from poseflow.core.registry import Registry

SIMILARITIES = Registry[Any](
    "similarities",
    "similarity",
    centroid="poseflow.tracking.similarities.centroid:score_centroid_distance",
    iou="poseflow.tracking.similarities.iou:score_iou_of_pairs",
    normalized="poseflow.tracking.similarities.normalized:score_normalized_distance",
    oks="poseflow.tracking.similarities.oks:score_oks_of_pairs",
)
"""How alike an instance and a candidate are (`poseflow.tracking.linking.pairs.Similarity`), by name."""


class KalmanConfig(Section):
    """The Kalman filter of `candidates: kalman`; of each animal's centroid, frame by frame."""

    process_noise_px: float = Field(
        10.0, gt=0, description="Process noise: standard deviation of the change of velocity from frame to frame."
    )
    measurement_noise_px: float = Field(
        2.0, gt=0, description="Measurement noise: standard deviation of the centroid's error."
    )
    damping: float = Field(
        0.9, ge=0, le=1, description="What is left of the velocity a frame later; 1: it goes on for ever."
    )


class NamingConfig(Section):
    """`identity: per_tracklet`: how appearance and motion are weighed."""

    appearance_window_frames: float = Field(
        8.0,
        ge=1,
        description="So many neighboring frames count as one: their errors are alike.",
    )
    piece_frames: int = Field(
        50,
        ge=1,
        description="Longest piece of a track that is named as one; appearance may overrule motion between two.",
    )
    switch_odds: float = Field(
        1e-4, gt=0, lt=0.5, description="How often motion switches animals between two pieces, where nothing shows it."
    )
    min_appearance: float = Field(
        0.03, ge=0, le=1, description="A detection that is less likely anyone's is nobody's, a false positive say."
    )
    min_probability: float = Field(
        0.97, ge=0, le=1, description="A tracklet whose likeliest name is less likely than this stays unnamed."
    )


class AmbiguityConfig(Section):
    """When a link is ambiguous: there tracklets are cut, and a person may look."""

    min_margin: float = Field(
        0.3,
        ge=0,
        description="Less than this gained against two animals changing places is ambiguous. In similarity; centroid: "
        "in lengths of the animal.",
    )
    min_similarity: float = Field(
        0.1, ge=0, le=1, description="An animal less alike its track (centroid: farther than 1 less this) has jumped."
    )


class TrackingConfig(Section):
    """How instances of neighboring frames are linked."""

    identity: Literal["none", "per_frame", "per_tracklet"] = Field(
        "none",
        description="none: tracks of animals without names. per_frame: the same, and in each frame the animals get "
        "names by their appearance, from models that tell animals apart. per_tracklet: names by the appearance over "
        "whole tracklets.",
    )
    names: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        None,
        description="Of the animals that the models tell apart, those that are there: no other name is given; null: "
        "all may be.",
        examples=[["anna", "bob"]],
    )
    min_identity_score: float = Field(
        0.001, ge=0, le=1, description="per_frame: an animal that is less likely anyone's stays unnamed; SLEAP: 0."
    )
    naming: NamingConfig = NamingConfig()
    ambiguity: AmbiguityConfig = AmbiguityConfig()
    candidates: Literal["flow", "window", "kalman"] = Field(
        "flow",
        description="flow: earlier instances moved by optical flow. window: where they were. kalman: each track's last "
        "instance, moved on as the track moves.",
    )
    kalman: KalmanConfig = KalmanConfig()
    similarity: Annotated[str, AfterValidator(SIMILARITIES.check)] = Field(
        "oks",
        description="centroid: distance of centroids. oks: object keypoint similarity. iou: overlap of boxes. "
        "normalized: distance of nodes in sizes of the animal.",
    )
    matching: Literal["hungarian", "greedy"] = Field(
        "hungarian", description="hungarian: the best matching of all. greedy: the best pair first, then the next."
    )
    window_frames: int = Field(
        5, ge=1, description="How far back candidates are taken from; flow: at most predict.flow.window_frames."
    )
    quantile: float = Field(
        1.0,
        ge=0,
        le=1,
        description="flow, window: of a track's candidates, which one counts; 1: the most alike, 0.5: the median, "
        "which one bad pose does not sway.",
    )
    max_gap_frames: int | None = Field(
        150,
        ge=0,
        description="A hidden animal keeps its track so long beyond the window: it is sought where it was last, by "
        "whoever continues no other track (local queues, elsewhere). 0: it does not; null: for ever.",
    )
    oks_factor: float = Field(
        0.25,
        gt=0,
        description="oks: what counts as near, as a part of the animal's size; accuracy is measured with less.",
    )
    min_similarity: float = Field(
        0.0, ge=0, le=1, description="oks, iou, normalized: pairs less alike are never linked."
    )
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
    connect_breaks: bool = Field(
        False,
        description="With `animals`: where all are in view and one track has replaced another, both are one.",
    )
    min_instance_score: float = Field(
        0.35,
        ge=0,
        le=1,
        description="Instances below it are left out: a pose of which hardly anything is sure is no animal.",
    )
    min_partial_score: float = Field(
        0.7,
        ge=0,
        le=1,
        description="An animal of which only some points are found may score less than min_instance_score, in which "
        "missing points count as 0, if those that are found score this much on average.",
    )
    min_new_track_score: float = Field(0.0, ge=0, le=1, description="A new track starts only at this instance score.")
    min_points: int = Field(2, ge=1, description="Instances with fewer points are left out.")

    @field_validator("names")
    @classmethod
    def _check_names(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if names and len(set(names)) < len(names):
            raise ValueError(f"names must be distinct, got {', '.join(names)}")
        return names

    @model_validator(mode="after")
    def _check_breaks(self) -> "TrackingConfig":
        if self.connect_breaks and self.animals is None:
            raise ValueError("animals must be the known number of animals for connect_breaks, got null")
        return self

    @model_validator(mode="after")
    def _check_numbers(self) -> "TrackingConfig":
        if self.animals is not None and self.max_tracks is not None and self.max_tracks < self.animals:
            raise ValueError(f"max_tracks must be at least animals ({self.animals}), got {self.max_tracks}")
        return self
